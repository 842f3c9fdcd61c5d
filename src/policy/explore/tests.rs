//! What is found on the tests' own pack and on the shipped one with more policies.

use super::{situation::Situation, *};
use crate::{
    policy::{
        hash::PackFile,
        tests::{listed, shipped_pack, shipped_pack_and},
    },
    random::{Random, SeededRandom},
};

/// The tests' own pack with more policies.
fn desk(more: &str) -> std::sync::Arc<Pack> {
    desk_with(more, |files| files.to_owned())
}

/// The same, its pack file edited.
fn desk_with(more: &str, edit: impl Fn(&str) -> String) -> std::sync::Arc<Pack> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/packs/desk");
    let file = |name: &str| PackFile {
        path: name.into(),
        bytes: std::fs::read(folder.join(name)).unwrap(),
    };
    let mut files: Vec<PackFile> = ["pack.toml", "desk.cedar", "scenarios.toml"].map(file).into();
    files[0].bytes = edit(std::str::from_utf8(&files[0].bytes).unwrap()).into();
    files.push(PackFile { path: "more.cedar".into(), bytes: more.into() });
    Pack::from_files(&files).unwrap_or_else(|errors| panic!("{}", listed(&errors)))
}

/// One finding, with its ways as `policy: needs`.
fn found(
    pack: &Pack,
    who: (&str, &str, &str),
    class: &str,
    act: Act,
) -> (Vec<String>, Vec<String>) {
    let (role, purpose, collection) = who;
    let role = RoleName::parse(role).unwrap();
    let purpose = PurposeName::parse(purpose).unwrap();
    let collection = pack.collection(&CollectionName::parse(collection).unwrap()).unwrap();
    let findings = pack.explore(Subject { role: &role, purpose: &purpose, collection }).unwrap();
    let of = |finding: &&Finding| finding.class.as_str() == class && finding.act == act;
    let finding = findings.iter().find(of).unwrap();
    let needs = |way: &Way| way.needs.iter().map(Need::text).collect::<Vec<_>>().join("; ");
    let ways = finding.ways.iter().map(|way| format!("{}: {}", way.policy.id, needs(way)));
    (ways.collect(), finding.refused_by.iter().map(|policy| policy.id.clone()).collect())
}

const CLERK: (&str, &str, &str) = ("clerk", "care", "files");
const WATCH: (&str, &str, &str) = ("watch", "care", "files");

fn extra(id: &str, rule: &str) -> String {
    format!("@id(\"{id}\")\n@reason(\"a test\")\n@legal(\"test pack\")\n{rule};\n")
}

#[test]
fn what_is_allowed_is_found_with_what_must_hold_and_what_is_not_with_nothing() {
    let pack = desk("");
    let (ways, refused) = found(&pack, CLERK, "identity", Act::Reveal);
    assert_eq!(ways, ["clerk-own-files: assigned=agent|unit; restricted=no; territory=own"]);
    assert!(refused.is_empty());
    let (ways, refused) = found(&pack, WATCH, "identity", Act::Reveal);
    assert!(ways.is_empty() && refused.is_empty(), "no policy speaks of it: {ways:?} {refused:?}");
    let hold = ("clerk", "hold", "files");
    assert!(found(&pack, hold, "identity", Act::Reveal).0.is_empty(), "another purpose");
}

#[test]
fn what_a_forbid_takes_away_in_every_situation_is_refused_by_it_and_its_mask_is_found() {
    let pack = desk("");
    let (ways, refused) = found(&pack, CLERK, "phone", Act::Reveal);
    assert!(ways.is_empty());
    assert_eq!(refused, ["clerk-no-phone"]);
    let (ways, _) = found(&pack, CLERK, "phone", Act::Mask);
    assert_eq!(ways, ["clerk-phone-masked: assigned=agent; restricted=no; territory=own"]);
}

#[test]
fn hours_caps_codes_and_accounts_are_found_to_the_minute() {
    let rule = "permit (principal in Role::\"watch\", action == Action::\"reveal:identity\", \
        resource is files) when { context.local_minutes >= 480 && context.local_minutes < 1050 && \
        context.recent_subjects < 40 && resource.state == \"open\" && principal.service }";
    let (ways, _) = found(&desk(&extra("hours", rule)), WATCH, "identity", Act::Reveal);
    assert_eq!(
        ways,
        ["hours: account=service; recent=0-39; restricted=no; state=open; territory=own; \
          time=08:00-17:29"]
    );
    let later = rule.replace("1050", "1080").replace("< 40", ">= 5");
    let (ways, _) = found(&desk(&extra("hours", &later)), WATCH, "identity", Act::Reveal);
    assert!(ways[0].contains("time=08:00-17:59") && ways[0].contains("recent=5+"), "{ways:?}");
}

#[test]
fn two_permits_are_two_ways() {
    let rule = "permit (principal in Role::\"clerk\", action == Action::\"reveal:identity\", \
        resource is files) when { context.justification && context.approved }";
    let (ways, _) = found(&desk(&extra("second-way", rule)), CLERK, "identity", Act::Reveal);
    assert_eq!(
        ways,
        [
            "clerk-own-files: assigned=agent|unit; restricted=no; territory=own",
            "second-way: approval=given; justification=given; restricted=no; territory=own",
        ]
    );
}

#[test]
fn alternatives_of_one_permit_are_a_way_each_with_its_own_need_and_a_conjunction_is_one() {
    let rule = |joined: &str| {
        format!(
            "permit (principal in Role::\"watch\", action == Action::\"reveal:identity\", \
             resource is files) when {{ (resource has filed_by && resource.filed_by == principal) \
             {joined} resource.assigned_agents.contains(principal) }}"
        )
    };
    let always = "restricted=no; territory=own";
    let (ways, _) = found(&desk(&extra("either", &rule("||"))), WATCH, "identity", Act::Reveal);
    let either =
        [format!("either: assigned=agent; {always}"), format!("either: filed by=self; {always}")];
    assert_eq!(ways, either);
    let (ways, _) = found(&desk(&extra("both", &rule("&&"))), WATCH, "identity", Act::Reveal);
    assert_eq!(ways, [format!("both: assigned=agent; filed by=self; {always}")]);
}

#[test]
fn what_a_forbid_takes_of_the_same_facts_leaves_the_alternatives_that_are_left() {
    let rule = "permit (principal in Role::\"watch\", action == Action::\"assign:files\", \
        resource is files) when { context.to_self || context.to_own_unit } \
        unless { resource.assigned_agents.isEmpty() && resource.assigned_units.isEmpty() }";
    let queue = "forbid (principal in Role::\"watch\", action in [Action::\"assign\"], resource) \
        when { context.to_own_unit } unless { principal has unit && \
        resource.assigned_units.contains(principal.unit) }";
    let more = extra("hands-out", rule) + &extra("own-queue", queue);
    let (ways, _) = found(&desk(&more), WATCH, "attributes", Act::Assign);
    assert_eq!(ways, ["hands-out: assigned=unit; to=own-unit|unit-of-territory"]);
    let (ways, _) = found(&desk(&extra("hands-out", rule)), WATCH, "attributes", Act::Assign);
    assert_eq!(ways, ["hands-out: assigned=agent|unit|another; to=own-unit|unit-of-territory"]);
}

#[test]
fn a_forbid_asks_nothing_where_the_permit_is_out_of_its_reach_and_its_condition_elsewhere() {
    let rule = |state: &str| {
        format!(
            "permit (principal in Role::\"watch\", action == Action::\"reveal:identity\", \
             resource is files) when {{ [{state}].contains(resource.state) }}"
        )
    };
    let closed = extra(
        "closed-by-two",
        "forbid (principal in Role::\"watch\", action in Action::\"reveal\", resource is files) \
         when { resource.state == \"closed\" } unless { context.approved }",
    );
    let ways = |state: &str| {
        let more = extra("by-state", &rule(state)) + &closed;
        found(&desk(&more), WATCH, "identity", Act::Reveal).0
    };
    assert_eq!(ways("\"open\""), ["by-state: restricted=no; state=open; territory=own"]);
    let both = ["by-state: approval=given; restricted=no; state=closed; territory=own"];
    assert_eq!(ways("\"closed\""), both);
}

#[test]
fn what_a_class_asks_of_a_habilitation_is_needed_though_no_policy_speaks_of_it() {
    let sworn = desk_with("", |pack| {
        let (from, to) = ("notes = true }", "notes = true, needs = [\"sworn\"] }");
        assert!(pack.contains(from));
        pack.replace(from, to)
    });
    let (ways, _) = found(&sworn, CLERK, "note", Act::Reveal);
    assert_eq!(
        ways,
        ["clerk-own-files: assigned=agent|unit; restricted=no; sworn=yes; territory=own"]
    );
    let (ways, _) = found(&sworn, CLERK, "identity", Act::Reveal);
    assert_eq!(ways, ["clerk-own-files: assigned=agent|unit; restricted=no; territory=own"]);
}

#[test]
fn a_permit_by_a_link_is_found_with_the_link_its_attribute_and_its_other_end() {
    let pack = shipped_pack();
    let (ways, _) = found(&pack, ("operator", "p2", "cases"), "identity", Act::Reveal);
    assert!(!ways.is_empty());
    for way in &ways {
        assert!(
            way.starts_with("operator-case-identity: ")
                && way.contains("link=named; link consent=given; other end=agent|unit; "),
            "{way}"
        );
    }
    let (ways, _) = found(&pack, ("investigator", "p2", "cases"), "identity", Act::Reveal);
    assert!(ways.iter().all(|way| !way.contains("link")), "{ways:?}");
}

#[test]
fn a_rule_that_names_one_territory_is_told_by_territory() {
    let rule = "forbid (principal in Role::\"investigator\", action in Action::\"reveal\", resource) \
        when { principal has territory && principal.territory == Territory::\"reunion\" && \
        context.local_minutes >= 960 }";
    let pack = shipped_pack_and(&extra("closed-in-the-evening", rule));
    let who = ("investigator", "p2", "cases");
    let (ways, _) = found(&pack, who, "identity", Act::Reveal);
    let of = |home: &str| ways.iter().find(|way| way.contains(home)).unwrap();
    assert!(ways.len() == 2, "{ways:?}");
    assert!(of("home=reunion").contains("time=08:00-15:59"), "{ways:?}");
    assert!(of("home=guadeloupe").contains("time=07:30-16:59"), "{ways:?}");
}

#[test]
fn a_question_of_more_situations_than_are_tried_is_an_error_and_never_a_refusal() {
    let pack = desk("");
    let (role, purpose) = (RoleName::parse("clerk").unwrap(), PurposeName::parse("care").unwrap());
    let of = Subject { role: &role, purpose: &purpose, collection: &pack.collections()[0] };
    let within = |limit: usize| Explorer { limit, ..pack.explorer() }.explore(of);
    let needed = (1..10_000).find(|limit| within(*limit).is_ok()).unwrap();
    assert!(needed > 1);
    let refused = within(needed - 1).unwrap_err();
    assert!(refused.to_string().contains("`clerk`"), "{refused}");
    assert_eq!(within(needed), pack.explore(of));
}

#[test]
fn the_duties_of_a_role_are_found_with_the_account_they_need() {
    let pack = shipped_pack();
    let duties = |role: &str| pack.duties(&RoleName::parse(role).unwrap());
    let robot = [("purge:preview", vec!["service"]), ("purge:run", vec!["service"])];
    assert_eq!(duties("purge_robot"), robot);
    assert!(duties("key_admin").contains(&("policy:reload", vec!["person", "service"])));
    assert!(!duties("dpo").iter().any(|(action, _)| *action == "policy:reload"));
    assert!(duties("investigator").is_empty());
}

/// Whether a value is among those a need tells: `a`, `a-b`, `a+`.
fn among(need: &Need, (value, number): &(String, bool)) -> bool {
    let key = |label: &str| (label.len(), label.to_owned());
    if !number {
        return need.values.contains(value);
    }
    need.values.iter().any(|told| match (told.strip_suffix('+'), told.split_once('-')) {
        (Some(first), _) => key(value) >= key(first),
        (_, Some((first, last))) => key(first) <= key(value) && key(value) <= key(last),
        _ => told == value,
    })
}

/// Situations are drawn from all values of all facts, not only of those that the question's policies look
/// at. What the engine allows to a person fulfils all needs of some way; what fulfils them, it allows.
#[test]
fn what_the_engine_allows_in_any_drawn_situation_was_found_and_what_was_found_it_allows() {
    let pack = shipped_pack();
    let random = SeededRandom::new(7);
    let draw = |below: usize| {
        let mut bytes = [0; 4];
        random.fill(&mut bytes);
        usize::try_from(u32::from_be_bytes(bytes)).unwrap() % below
    };
    let (explorer, mut allowed, mut refused, mut fulfilled) = (pack.explorer(), 0, 0, 0);
    let everything = explorer.seen.values().fold(Mentions::default(), Mentions::and);
    for (role, _) in pack.roles() {
        for collection in pack.collections() {
            let all = variables(&pack, collection, &everything);
            // Of the purposes some: every one of them is explored for the committed matrix.
            let purposes: Vec<_> = pack.purposes().into_iter().map(|(name, _)| name).collect();
            let scope = explorer.scope(role, collection);
            for purpose in (0..4).map(|_| purposes[draw(purposes.len())].clone()) {
                let findings = scope.allowed(&purpose).unwrap();
                for _ in 0..120 {
                    let home = &pack.vocabulary.territories[draw(2)].name;
                    let mut at = Situation::ordinary(&pack, collection, Some(home)).unwrap();
                    let mut drawn = HashMap::from([("home", (home.to_string(), false))]);
                    for variable in &all {
                        // The ordinary value mostly, or nothing would ever be allowed.
                        let value = if draw(4) > 0 { 0 } else { draw(variable.values.len()) };
                        let (label, setting) = &variable.values[value];
                        at.set(setting);
                        drawn.insert(&variable.name, (label.clone(), variable.number));
                    }
                    let Asked { class, act, .. } = scope.asked[draw(scope.asked.len())];
                    let (yes, by) = at.ask((role, &purpose, &collection.name), |question| {
                        pack.answer(act, class, question)
                    });
                    let finding = findings.iter().find(|f| (&f.class, f.act) == (class, act));
                    let ways = finding.map(|finding| finding.ways.as_slice()).unwrap_or_default();
                    let possible = !ways.is_empty();
                    assert!(
                        !yes || possible,
                        "{role} {purpose} {class} {act:?}: allowed by {by:?}"
                    );
                    let holds = |need: &Need| among(need, &drawn[need.fact.as_str()]);
                    let way = ways.iter().find(|way| way.needs.iter().all(holds));
                    assert!(
                        yes || way.is_none(),
                        "{role} {purpose} {class} {act:?}: {way:?} is fulfilled by {drawn:?}, refused by {by:?}"
                    );
                    // A program signs nothing: the one alternative of the pack that only a forbid leaves.
                    let told = way.is_some() || drawn["account"].0 == "service";
                    assert!(
                        !yes || told,
                        "{role} {purpose} {class} {act:?}: no way tells {drawn:?}"
                    );
                    allowed += usize::from(yes);
                    refused += usize::from(!yes && possible);
                    fulfilled += usize::from(way.is_some());
                }
            }
        }
    }
    assert!(allowed > 100 && refused > 100, "{allowed} allowed, {refused} refused that could be");
    assert!(fulfilled > 100, "{fulfilled} that fulfil all needs");
}
