//! Links, excluded words and the facts of who filed a record: the pack language beyond the shipped pack.
//!
//! The pack under `tests/packs/ties` is of another domain; its scenarios run when it is loaded.

use super::*;
use crate::{ids::FieldName, policy::hash::PackFile};

/// The files of the pack, with texts replaced.
pub(super) fn files(changes: &[(&str, &str, &str)]) -> Vec<PackFile> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/packs/ties");
    let read = |path: &str| std::fs::read_to_string(folder.join(path)).unwrap();
    let texts = ["pack.toml", "scenarios.toml", "ties.cedar"].map(|path| (path, read(path)));
    let changed = texts.into_iter().map(|(path, mut text)| {
        for (_, from, to) in changes.iter().filter(|(file, ..)| *file == path) {
            assert!(text.contains(from), "{path} has no `{from}`");
            text = text.replacen(from, to, 1);
        }
        PackFile { path: path.into(), bytes: text.into_bytes() }
    });
    changed.collect()
}

fn pack_with(changes: &[(&str, &str, &str)]) -> Arc<Pack> {
    Pack::from_files(&files(changes)).unwrap_or_else(|errors| panic!("{}", listed(&errors)))
}

fn told(changes: &[(&str, &str, &str)]) -> String {
    listed(&Pack::from_files(&files(changes)).err().expect("the broken pack was loaded"))
}

/// The forbids of the two excluded words, as the pack has them.
const PRESS: &str = "forbid (principal in Role::\"press\", action in Action::\"data\", resource);";
const PUBLICITY: &str = "when { context.purpose == Purpose::\"publicity\" };";

#[test]
fn the_pack_of_ties_loads_and_its_scenarios_hold() {
    let pack = pack_with(&[]);
    let role = |name: &str| RoleName::parse(name).unwrap();
    let purpose = |name: &str| PurposeName::parse(name).unwrap();
    assert!(pack.has_role(&role("press")) && pack.is_excluded_role(&role("press")));
    assert!(pack.has_role(&role("watch")) && !pack.is_excluded_role(&role("watch")));
    assert!(pack.has_purpose(&purpose("publicity")));
    assert!(pack.is_excluded_purpose(&purpose("publicity")));
    assert!(!pack.is_excluded_purpose(&purpose("hearing")));
    let ties = pack.collection(&CollectionName::parse("ties").unwrap()).unwrap();
    let ends: Vec<_> = ties.ends().map(|(field, to)| format!("{} {to}", field.name)).collect();
    assert_eq!(ends, ["complaint complaints", "witness witnesses"]);
}

#[test]
fn an_excluded_word_needs_a_forbid_that_holds_for_all_data_whatever_else_is_true() {
    // Each of these holds whenever the word is there.
    for (from, to) in [
        (PRESS, "forbid (principal in Role::\"press\", action, resource);"),
        (
            PRESS,
            "forbid (principal, action in [Action::\"vault\", Action::\"data\"], resource)\nwhen { principal in Role::\"press\" };",
        ),
        (
            PRESS,
            "forbid (principal, action in Action::\"data\", resource)\nwhen { principal in [Role::\"press\"] };",
        ),
        (PUBLICITY, "when { Purpose::\"publicity\" == context.purpose };"),
        (
            PUBLICITY,
            "when { [Purpose::\"publicity\", Purpose::\"oversight\"].contains(context.purpose) };",
        ),
        (
            PUBLICITY,
            "when { context.purpose == Purpose::\"oversight\" || context.purpose == Purpose::\"publicity\" };",
        ),
        (
            PUBLICITY,
            "when { context.purpose == Purpose::\"publicity\" || context.local_minutes < 0 };",
        ),
    ] {
        pack_with(&[("ties.cedar", from, to)]);
    }
    // Each of these leaves something open, or could err.
    for (from, to) in [
        (PRESS, "forbid (principal in Role::\"press\", action in Action::\"reveal\", resource);"),
        (
            PRESS,
            "forbid (principal in Role::\"press\", action in Action::\"data\", resource is ties);",
        ),
        (
            PRESS,
            "forbid (principal in Role::\"press\", action in Action::\"data\", resource)\nunless { principal.sworn };",
        ),
        (
            PRESS,
            "forbid (principal in Role::\"press\", action in Action::\"data\", resource)\nwhen { principal.sworn };",
        ),
        (PRESS, "forbid (principal in Role::\"watch\", action in Action::\"data\", resource);"),
        (PUBLICITY, "when { context.purpose == Purpose::\"publicity\" && context.approved };"),
        (
            PUBLICITY,
            "when { context.purpose == Purpose::\"publicity\" } when { context.approved };",
        ),
        (
            PUBLICITY,
            "when { context.local_minutes * 9223372036854775807 < 0 || context.purpose == Purpose::\"publicity\" };",
        ),
        (PUBLICITY, "unless { context.purpose == Purpose::\"publicity\" };"),
    ] {
        let told = told(&[("ties.cedar", from, to)]);
        let word = if from == PRESS { "Role::\"press\"" } else { "Purpose::\"publicity\"" };
        assert!(
            told.contains(&format!("{word} is excluded and no forbid covers it")),
            "{to}\n{told}"
        );
        let line = if from == PRESS { "pack.toml:19:" } else { "pack.toml:11:" };
        assert!(told.contains(line), "{told}");
    }
}

#[test]
fn no_permit_names_an_excluded_word_not_even_to_leave_it_out() {
    let from = "when { context.purpose == Purpose::\"hearing\" };\n\n@id(\"too-many\")";
    for (permit, word) in [
        ("when { context.purpose == Purpose::\"publicity\" };", "Purpose::\"publicity\""),
        ("unless { context.purpose == Purpose::\"publicity\" };", "Purpose::\"publicity\""),
        ("when { principal in [Role::\"expert\", Role::\"press\"] };", "Role::\"press\""),
    ] {
        let told = told(&[("ties.cedar", from, &format!("{permit}\n\n@id(\"too-many\")"))]);
        assert!(told.contains(&format!("ties.cedar:114: a permit names {word}")), "{told}");
    }
}

#[test]
fn an_excluded_word_is_a_label_with_a_mark_and_nothing_misspelt() {
    let entry = "publicity = { label = \"Publish who said what\", excluded = true }";
    let told_of = |to: &str| told(&[("pack.toml", entry, to)]);
    assert!(told_of("publicity = { label = \"x\", exclude = true }").contains("pack.toml:11:"));
    assert!(told_of("publicity = { excluded = true }").contains("missing field `label`"));
    assert!(told_of("publicity = 3").contains("a label, or a table with a label"));
    assert!(told_of("publicity = \" \"").contains("the label is empty"));
    let all =
        told(&[("pack.toml", "hearing = \"Hear a person\"\noversight = \"Oversight\"\n", "")]);
    assert!(all.contains("every entry of `[purposes]` is excluded"), "{all}");
    let holds = told(&[("pack.toml", "[roles]", "[holds]\npurpose = \"publicity\"\n\n[roles]")]);
    assert!(
        holds.contains("purpose `publicity` is excluded, so nothing is read for it"),
        "{holds}"
    );
}

#[test]
fn an_excluded_role_has_no_action_on_the_vault_whatever_the_policies_say() {
    let open = (
        "ties.cedar",
        "@id(\"watch-oversees\")",
        "@id(\"status-for-all\") @reason(\"x\") @legal(\"x\")\npermit (principal, action == Action::\"status:read\", resource);\n\n@id(\"watch-oversees\")",
    );
    let pack = pack_with(&[open]);
    let at = pack.moment(None, MONDAY);
    let may = |role: &str| {
        let who = Someone::new("gazette", role, "", "");
        pack.action_as(&who.principal(), "status:read", &at).allowed
    };
    assert!(may("expert") && !may("press"));
}

#[test]
fn a_link_has_two_required_ends_in_collections_that_are_no_links() {
    let end = "{ name = \"witness\", class = \"tie\", type = \"reference\", to = \"witnesses\", required = true },";
    for (to, wanted) in [
        ("", "has 1 fields of type `reference`"),
        (&end.replace("to = \"witnesses\"", "to = \"clerks\""), "unknown collection `clerks`"),
        (&end.replace("to = \"witnesses\"", "to = \"ties\""), "`ties` holds links itself"),
        (&end.replace(", required = true", ""), "must be required"),
        (&end.replace(", to = \"witnesses\"", ""), "reference needs to"),
        (&end.replace("required", "search = true, required"), "found from its ends"),
        (
            &end.replace("required", "mask = \"last_two\", required"),
            "does not fit type `reference`",
        ),
        (
            &end.replace("witness\"", "third\"")
                .replace("{ name = \"third\"", &format!("{end}\n{{ name = \"third\"")),
            "has 3 fields",
        ),
    ] {
        let told = told(&[("pack.toml", end, to)]);
        assert!(told.contains(wanted) && told.contains("pack.toml:"), "{to}\n{told}");
    }
    let period =
        "label = \"Who named whom\"\nretention = { period = \"P3M\", from = \"collected_on\" }";
    let told =
        told(&[("pack.toml", period, &format!("{period}\nclass_periods = {{ tie = \"P1M\" }}"))]);
    assert!(told.contains("must live as long as its record"), "{told}");
}

#[test]
fn a_note_stands_only_in_a_class_that_takes_notes_and_a_name_of_the_engine_is_no_attribute() {
    let notes = ", notes = true }";
    let told_of = told(&[("pack.toml", notes, " }")]);
    assert!(told_of.contains("class `statement` takes no notes"), "{told_of}");
    for name in ["filed_by", "age_hours", "other_in_my_unit"] {
        let met = "{ name = \"met_on\", type = \"date\" }";
        let told = told(&[("pack.toml", met, &met.replace("met_on", name))]);
        assert!(told.contains(&format!("`{name}` is a word of the engine")), "{told}");
    }
}

#[test]
fn a_link_of_a_collection_without_links_is_no_link() {
    let pack = pack_with(&[]);
    let (complaints, ties) =
        (CollectionName::parse("complaints").unwrap(), CollectionName::parse("ties").unwrap());
    let attributes = [(FieldName::parse("consent").unwrap(), Value::Text("given".into()))];
    let hearing = Someone::new("helene", "hearings", "east", "island");
    let told = |collection: &CollectionName| {
        let link = LinkFacts {
            collection,
            territory: None,
            attributes: &attributes,
            other_assigned_to_me: false,
            other_in_my_unit: true,
        };
        let asked = Asked {
            purpose: PurposeName::parse("hearing").unwrap(),
            territory: TerritoryName::parse("island").unwrap(),
            ..Asked::about("complaints", "north")
        };
        let context = RequestContext { link: Some(&link), ..asked.context() };
        asked.decide_in(&pack, &hearing, Verb::Reveal, "identity", &context).all_allowed()
    };
    assert!(told(&ties) && !told(&complaints));
}

/// Whether each class is allowed to somebody of this role, and the ids that decided.
fn seen(pack: &Pack, who: &Principal<'_>, verb: Verb, classes: &str) -> Vec<(bool, String)> {
    let asked = Asked {
        purpose: PurposeName::parse("hearing").unwrap(),
        territory: TerritoryName::parse("island").unwrap(),
        ..Asked::about("complaints", "north")
    };
    let spec = pack.collection(&asked.collection).unwrap();
    let attributes = engine::ask::plausible(spec);
    let on = Resource {
        record: RECORD,
        collection: &asked.collection,
        territory: Some(&asked.territory),
        attributes: &attributes,
        assigned_agents: &[],
        assigned_units: &asked.units,
        restricted: false,
        held: false,
        filed_by: None,
        age_hours: 0,
    };
    let at = pack.moment(None, MONDAY);
    let decision = pack.decide_as(who, verb, &on, &class_names(classes), &asked.context(), at);
    let ids = |decided: &ClassDecision| {
        let ids: Vec<&str> = decided.policies.iter().map(|policy| policy.id.as_str()).collect();
        (decided.verdict != Verdict::Deny, ids.join(","))
    };
    decision.classes.iter().map(ids).collect()
}

fn outcome(allowed: bool, ids: &str) -> (bool, String) {
    (allowed, ids.to_owned())
}

#[test]
fn without_the_undertaking_no_class_is_content_for_a_person_although_no_policy_says_so() {
    let silent = "unless { principal.service || principal.undertaking };";
    let pack = pack_with(&[("ties.cedar", silent, "when { resource.held };")]);
    let expert = Someone::new("eve", "expert", "north", "island");
    let signed = expert.principal();
    let mut unsigned = expert.principal();
    unsigned.undertaking = false;
    let wanted = [outcome(true, "expert-reads"), outcome(true, "expert-reads")];
    assert_eq!(seen(&pack, &signed, Verb::Reveal, "identity attributes"), wanted);
    let wanted = [outcome(false, "_no-undertaking"), outcome(true, "expert-reads")];
    assert_eq!(seen(&pack, &unsigned, Verb::Reveal, "identity attributes"), wanted);
    // A program signs nothing.
    unsigned.service = true;
    assert_eq!(seen(&pack, &unsigned, Verb::Reveal, "identity"), [outcome(true, "expert-reads")]);
}

#[test]
fn what_a_class_asks_holds_for_every_verb_and_a_program_may_only_file_it() {
    let clerk = Someone::new("camille", "complaints", "north", "island");
    let pack = pack_with(&[]);
    for verb in [Verb::Reveal, Verb::Match, Verb::Write, Verb::Create] {
        let mut who = clerk.principal();
        assert_eq!(seen(&pack, &who, verb, "injury"), [outcome(false, "_not-sworn")]);
        who.sworn = true;
        assert_eq!(seen(&pack, &who, verb, "injury"), [outcome(false, "_not-of-profession")]);
        who.profession = Some("doctor");
        assert!(seen(&pack, &who, verb, "injury")[0].0, "{verb:?}");
        let mut program = clerk.principal();
        program.service = true;
        assert_eq!(seen(&pack, &program, verb, "injury")[0].0, verb == Verb::Create, "{verb:?}");
    }
}

#[test]
fn a_class_asks_only_for_what_there_is_and_a_policy_takes_no_id_of_the_vault() {
    let class = "needs = [\"sworn\"], professions = [\"doctor\"]";
    let told_of = |to: &str| told(&[("pack.toml", class, to)]);
    let line = "pack.toml:36: class `injury`: ";
    assert!(
        told_of("needs = [\"tall\"]")
            .contains(&format!("{line}`tall` is nothing a class can need"))
    );
    let unknown = told_of("professions = [\"poet\"]");
    assert!(unknown.contains(&format!("{line}`poet` is not among `[professions]`")), "{unknown}");
    let told = told(&[("ties.cedar", "@id(\"expert-reads\")", "@id(\"_not-sworn\")")]);
    assert!(told.contains("must be 1 to 64 of `a-z0-9_-.`, not `_` first"), "{told}");
}

#[test]
fn duties_that_the_pack_keeps_apart_are_not_in_one_hand() {
    let pack = pack_with(&[]);
    let apart = |names: &[&str]| {
        let roles: Vec<_> = names.iter().map(|name| RoleName::parse(name).unwrap()).collect();
        pack.separates(&roles.iter().collect::<Vec<_>>())
    };
    assert!(apart(&["keys", "watch"]) && apart(&["watch", "hearings", "keys"]));
    assert!(apart(&["keys", "complaints"]) && apart(&["expert", "keys"]));
    assert!(!apart(&["keys"]) && !apart(&["keys", "keys"]) && !apart(&["watch", "complaints"]));
}

#[test]
fn a_role_kept_from_content_has_no_permit_for_any_or_a_forbid_for_all() {
    let opened = "principal in Role::\"expert\", action in [Action::\"reveal\", Action::\"mask\"]";
    let wide =
        ("ties.cedar", opened, "principal, action in [Action::\"reveal\", Action::\"mask\"]");
    let only = (
        "ties.cedar",
        "{ context.purpose == Purpose::\"hearing\" };\n\n@id(\"too-many\")",
        "{ context.purpose == Purpose::\"hearing\" && principal in Role::\"expert\" };\n\n@id(\"too-many\")",
    );
    let line = "pack.toml:25: separation: `keys` may have no content";
    assert!(told(&[wide, only]).contains(line), "{}", told(&[wide, only]));
    let closed = format!(
        "{PRESS}\n\n@id(\"no-keys\") @reason(\"x\") @legal(\"x\")\n{}",
        PRESS.replace("press", "keys")
    );
    pack_with(&[wide, only, ("ties.cedar", PRESS, &closed)]);
}

const STATE: &str =
    "{ name = \"state\", type = \"code\", values = [\"open\", \"closed\"], required = true },";

/// What the pack is told of this attribute beside the others; `None` if it is taken.
fn of_attribute(attribute: &str) -> Option<String> {
    let changed = files(&[("pack.toml", STATE, &format!("{STATE}\n{attribute}"))]);
    Pack::from_files(&changed).err().map(|errors| listed(&errors))
}

#[test]
fn an_attribute_at_each_bound_is_taken_and_one_beyond_it_could_hold_something() {
    use crate::limits::{ATTRIBUTE_CODE_BYTES_MAX, ATTRIBUTE_CODES_MAX};
    let code =
        |values: &[String]| format!("{{ name = \"more\", type = \"code\", values = {values:?} }},");
    let one = |value: &str| of_attribute(&code(&[value.to_owned()]));
    let many = |count: usize| {
        of_attribute(&code(&(0..count).map(|n| format!("c{n}")).collect::<Vec<_>>()))
    };
    let longest = "x".repeat(ATTRIBUTE_CODE_BYTES_MAX);
    for taken in [longest.as_str(), "97411", "260415", "to_be_called_back"] {
        assert_eq!(one(taken), None, "{taken}");
    }
    assert!(one(&format!("{longest}x")).unwrap().contains("could be a sentence"));
    assert!(one("the_person_is_very_ill").unwrap().contains("could be a sentence"));
    for number in ["0692123456", "185039741112364", "9741-123", "a1b2c3d4e5f6g7"] {
        assert!(one(number).unwrap().contains("could be somebody's number"), "{number}");
    }
    assert_eq!(many(ATTRIBUTE_CODES_MAX), None);
    assert!(many(ATTRIBUTE_CODES_MAX + 1).unwrap().contains("could be a list of persons"));
}

#[test]
fn all_numbers_of_a_collection_together_hold_no_telephone_number() {
    let number = |name: &str, min: i64, max: i64| {
        format!("{{ name = \"{name}\", type = \"integer\", min = {min}, max = {max} }},")
    };
    assert_eq!(of_attribute(&number("a", 1, 1_000_000)), None);
    let halves = number("a", 0, 999) + &number("b", -499, 500);
    assert_eq!(of_attribute(&halves), None);
    for smuggled in [
        number("a", 0, 1_000_000),
        number("a", 600_000_000, 799_999_999),
        number("a", i64::MIN, i64::MAX),
        number("a", 0, 999) + &number("b", 0, 1_000),
        number("a", 0, 99) + &number("b", 0, 99) + &number("c", 0, 99) + &number("d", 0, 99),
    ] {
        let told = of_attribute(&smuggled).expect("refused");
        assert!(told.contains("could hold a telephone number"), "{smuggled}\n{told}");
    }
}

#[test]
fn a_line_of_the_largest_size_is_a_text_and_one_byte_more_is_a_note() {
    use crate::limits::LINE_BYTES_MAX;
    let phone = "{ name = \"phone\", class = \"phone\", type = \"phone\", search = true, mask = \"last_two\" },";
    let line = |bytes: usize, class: &str| {
        let text = format!(
            "{phone}\n{{ name = \"more\", class = \"{class}\", type = \"text\", max_bytes = {bytes} }},"
        );
        Pack::from_files(&files(&[("pack.toml", phone, &text)])).err().map(|e| listed(&e))
    };
    assert_eq!(line(LINE_BYTES_MAX, "phone"), None);
    assert!(
        line(LINE_BYTES_MAX + 1, "phone").unwrap().contains("is a note, and its class takes none")
    );
    assert_eq!(line(LINE_BYTES_MAX + 1, "statement"), None);
}
