//! Mistakes of a pack's author, one row each: the slip, where it is told, and the sentence that helps.
//!
//! `broken` goes deeper into some; this table holds that each kind is refused, with file and line, and
//! that the sentence names what was written.

use super::{ties::files, *};

/// File, what stands there, the slip, a text on the line that is told (empty: the whole file), the
/// sentence.
type Row = (&'static str, &'static str, &'static str, &'static str, &'static str);

const P: &str = "pack.toml";
const C: &str = "ties.cedar";
const S: &str = "scenarios.toml";

#[rustfmt::skip]
const MISTAKES: &[Row] = &[
    // The document itself.
    (P, "name = \"ties\"", "name = ties", "name = ties", ""),
    (P, "zone = \"Europe/Paris\"\n", "", "", "`zone` is missing"),
    (P, "zone = \"Europe/Paris\"", "zone = \"Paris\"", "zone = \"Paris\"", "`Paris` is no IANA time zone"),
    (P, "end_date = \"2021-04-01\"", "end_date = \"1 April\"", "end_date = ", "YYYY-MM-DD"),
    (P, "profile = \"test\"", "profil = \"test\"", "profil =", "unknown key `profil`, expected one of"),
    (P, "zone = \"Indian/Reunion\"", "zone = \"Indian/Reunon\"", "island = {", "`Indian/Reunon` is no IANA time zone"),
    // Lists of words.
    (P, "watch = \"Audits", "Watch = \"Audits", "Watch =", "1 to 64"),
    (P, "watch = \"Audits, purges and certifies\"", "watch = \"\"", "watch =", "the label is empty"),
    (P, "excluded = true }\n\n[roles]", "excluded = \"yes\" }\n\n[roles]", "publicity =", "expected a boolean"),
    (P, "north = { label = \"North desk\", territory = \"island\" }", "north = { label = \"North desk\", territory = \"isle\" }", "north =", "unknown territory `isle`"),
    (P, "phone = \"How to reach the person\"", "event = \"How to reach the person\"", "event =", "`event` is a reserved name of the vault"),
    (P, "needs = [\"sworn\"]", "needs = [\"oath\"]", "injury =", "`oath` is nothing a class can need; `sworn` is"),
    (P, "professions = [\"doctor\"]", "professions = [\"docter\"]", "injury =", "`docter` is not among `[professions]`"),
    (P, "tie = \"Who was", "spare = \"Unused\"\ntie = \"Who was", "spare =", "class `spare` is used by no collection"),
    // Separation of duties.
    (P, "roles = [\"keys\", \"watch\"]", "roles = [\"keys\", \"wach\"]", "[[separation]]", "separation: unknown role `wach`"),
    (P, "roles = [\"keys\", \"watch\"]", "roles = [\"keys\", \"keys\"]", "[[separation]]", "fewer than two roles"),
    (P, "roles = [\"keys\", \"watch\"]", "role = \"keys\"", "[[separation]]", "say `roles = [..]` with two roles"),
    // Collections.
    (P, "name = \"witnesses\"\n", "name = \"complaints\"\n", "[[collections]]#2", "collection `complaints` twice"),
    (P, "from = \"collected_on\" }\nattributes", "from = \"filed_on\" }\nattributes", "[[collections]]", "`from` must be `collected_on`"),
    (P, "period = \"P3M\"", "period = \"3 months\"", "[[collections]]", "`3 months`"),
    (P, "name = \"state\", type = \"code\"", "name = \"held\", type = \"code\"", "name = \"held\"", "`held` is a word of the engine"),
    (P, "name = \"state\", type = \"code\"", "name = \"territory\", type = \"code\"", "name = \"territory\", type = \"code\"", "`territory` twice in one collection"),
    (P, "name = \"state\", type = \"code\", values = [\"open\", \"closed\"]", "name = \"state\", type = \"text\", max_bytes = 20", "name = \"state\"", "could hold a name or free text"),
    (P, "name = \"state\", type = \"code\", values = [\"open\", \"closed\"]", "name = \"state\", type = \"integer\", min = 0, max = 999999999", "[[collections]]", "could hold a telephone number"),
    (P, "values = [\"open\", \"closed\"]", "values = [\"the_person_is_very_ill\"]", "name = \"state\"", "could be a sentence"),
    (P, "values = [\"open\", \"closed\"]", "values = [\"open\", \"Closed File\"]", "name = \"state\"", "short codes"),
    (P, "type = \"code\", values = [\"open\", \"closed\"]", "type = \"unit\", mask = \"hidden\"", "name = \"state\"", "has no class, search or mask"),
    // Fields.
    (P, "name = \"wound\", class = \"injury\", type = \"code\"", "name = \"wound\", class = \"injurys\", type = \"code\"", "name = \"wound\"", "unknown class `injurys`"),
    (P, "type = \"phone\"", "type = \"telephone\"", "name = \"phone\"", "unknown type `telephone`"),
    (P, "mask = \"last_two\"", "mask = \"last_three\"", "name = \"phone\"", "unknown mask `last_three`"),
    (P, "mask = \"initial\"", "mask = \"year_only\"", "name = \"family_name\"", "mask `year_only` does not fit type `name`"),
    (P, "type = \"note\", max_bytes = 400", "type = \"note\"", "name = \"words\"", "note needs max_bytes from 1 to"),
    (P, "type = \"note\", max_bytes = 400", "type = \"text\", max_bytes = 400, min = 1", "name = \"words\"", "mean nothing for `text`"),
    (P, "label = \"What was said\", notes = true", "label = \"What was said\"", "name = \"words\"", "takes no notes"),
    (P, "to = \"complaints\"", "to = \"complainants\"", "[[collections]]#3", "unknown collection `complainants`"),
    // Policies.
    (C, "permit (\n  principal in Role::\"complaints\",\n  action in [Action::\"reveal\", Action::\"match\"", "permit (\n  principal in Role::\"complains\",\n  action in [Action::\"reveal\", Action::\"match\"", "@id(\"complaints-own\")", "complains"),
    (C, "principal has unit && resource.assigned", "resource.assigned", "@id(\"complaints-own\")", "unit"),
    (C, "resource has filed_by && resource.filed_by", "resource.filed_by", "@id(\"complaints-day\")", "filed_by"),
    (C, "context has link && context.link", "context.link", "@id(\"hearings-told\")", "link"),
    (C, "context.link.consent ==", "context.link.consents ==", "@id(\"hearings-told\")", "consents"),
    (C, "resource.age_hours < 24", "resource.age_hours < \"24\"", "@id(\"complaints-day\")", "expected Long but saw String"),
    (C, "context.recent_subjects", "context.recent_reveals", "@id(\"too-many\")", "recent_reveals"),
    (C, "@id(\"too-many\")", "@id(\"expert-reads\")", "@id(\"expert-reads\")#2", "is taken by ties.cedar:"),
    (C, "@legal(\"test pack, article 1\")\n", "", "@id(\"no-publicity\")", "lacks @legal"),
    (C, "action in Action::\"data\", resource)\nwhen { context.purpose == Purpose::\"publicity\" };", "action in Action::\"data\", resource is ties)\nwhen { context.purpose == Purpose::\"publicity\" };", "", "is excluded and no forbid covers it"),
    // Scenarios.
    (S, "agent = \"camille\"", "agent = \"camile\"", "[[scenarios]]", "unknown agent `camile`"),
    (S, "expect = \"allow\"", "expect = \"allowed\"", "expect = \"allowed\"", "unknown variant `allowed`"),
    (S, "record = { territory = \"island\", filed_by", "record = { teritory = \"island\", filed_by", "teritory", "unknown field `teritory`"),
    (S, "link = { attributes = { consent = \"given\" }", "link = { attributes = { consent = \"yes\" }", "[[scenarios]]#5", "one of the codes"),
    (S, "collection = \"ties\", territory", "collection = \"complaints\", territory", "[[scenarios]]#6", "the one collection of links"),
    (S, "policy = \"complaints-day\"", "policy = \"complaints-ties\"", "[[scenarios]]", "expected `complaints-ties` to decide"),
];

/// The line, from 1, of the n-th occurrence (`text#n`) of a text; 0 for none asked.
fn line(of: &str, text: &str) -> Option<usize> {
    let (text, nth) = match text.split_once('#') {
        Some((text, nth)) => (text, nth.parse().unwrap()),
        None => (text, 1),
    };
    if text.is_empty() {
        return None;
    }
    let (offset, _) = of.match_indices(text).nth(nth - 1).unwrap_or_else(|| panic!("no {text}"));
    Some(1 + of[..offset].matches('\n').count())
}

#[test]
fn each_kind_of_mistake_is_refused_with_file_line_and_a_sentence_that_names_it() {
    for (file, from, to, at, sentence) in MISTAKES {
        let changed = files(&[(file, from, to)]);
        let text = changed.iter().find(|f| f.path == *file).unwrap();
        let wanted = line(std::str::from_utf8(&text.bytes).unwrap(), at);
        let Err(errors) = Pack::from_files(&changed) else { panic!("`{to}` was taken") };
        let told = errors.iter().any(|error| {
            let here = wanted.is_none_or(|line| error.file == *file && error.line == line);
            here && error.reason.contains(sentence) && !error.reason.trim().is_empty()
        });
        assert!(told, "`{to}`: wanted {file}:{wanted:?} ..{sentence}..\n{}", listed(&errors));
    }
}

#[test]
fn all_of_them_at_once_are_told_at_once_and_none_of_them_is_in_the_pack_as_it_is() {
    assert!(Pack::from_files(&files(&[])).is_ok());
    let of_pack: Vec<_> = MISTAKES
        .iter()
        .filter(|(file, from, _, at, _)| *file == P && from.contains("zone =") && !at.is_empty())
        .map(|(file, from, to, ..)| (*file, *from, *to))
        .collect();
    let policy = MISTAKES.iter().find(|(_, from, ..)| from.contains("article 1")).unwrap();
    let changed = files(&[of_pack[0], of_pack[1], (policy.0, policy.1, policy.2)]);
    let told = listed(&Pack::from_files(&changed).err().unwrap());
    for wanted in ["`Paris`", "`Indian/Reunon`", "lacks @legal"] {
        assert!(told.contains(wanted), "no {wanted} in\n{told}");
    }
}
