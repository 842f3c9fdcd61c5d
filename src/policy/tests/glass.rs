//! `[[break_glass]]`: what a broken entry is told, and what an entry never opens.

use super::*;

/// The shipped pack with this entry, and a policy that gives a level-1 professional every class of a
/// contact behind the glass.
fn with(entry: &str) -> Result<Arc<Pack>, Vec<PackError>> {
    let policy = "@id(\"behind\") @reason(\"x\") @legal(\"x\") permit (\
                  principal in Role::\"level1\", action in Action::\"reveal\", \
                  resource is contacts) when { context.break_glass };";
    let mut files = shipped_files();
    files.push(PackFile { path: "more.cedar".into(), bytes: policy.into() });
    let file = files.iter_mut().find(|f| f.path == "pack.toml").unwrap();
    file.bytes.extend(format!("\n{entry}").into_bytes());
    Pack::from_files(&files)
}

fn entry(changes: &[(&str, &str)]) -> String {
    let mut text = "[[break_glass]]\nrole = \"level1\"\ncollections = [\"contacts\"]\n\
                    classes = [\"identity\", \"symptoms\"]\ncodes = [\"emergency\"]\nminutes = 30\n\
                    review_hours = 24\n"
        .to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    text
}

/// The line that the entry begins on, which is after everything else.
fn line() -> usize {
    let shipped = std::fs::read_to_string(shipped_folder().join("pack.toml")).unwrap();
    2 + shipped.matches('\n').count()
}

#[track_caller]
fn refused(text: &str, reason: &str) {
    let errors = with(text).err().expect("the broken pack was loaded");
    let found = errors.iter().any(|error| {
        error.file == "pack.toml" && error.line >= line() && error.reason.contains(reason)
    });
    assert!(found, "wanted ..{reason}.. from line {} on\ngot {}", line(), listed(&errors));
}

#[test]
fn an_entry_with_words_the_pack_does_not_have_is_refused_and_a_sound_one_is_not() {
    assert!(with(&entry(&[])).is_ok());
    refused(&entry(&[("level1", "medic")]), "unknown role `medic`");
    refused(&entry(&[("\"contacts\"", "\"contact\"")]), "unknown collection `contact`");
    refused(&entry(&[("\"symptoms\"", "\"result\"")]), "`contacts` has no class `result`");
    refused(&entry(&[("\"symptoms\"", "\"identity\"")]), "class `identity` is given twice");
    refused(&entry(&[("[\"contacts\"]", "[\"contacts\", \"contacts\"]")]), "is given twice");
    refused(&entry(&[("[\"contacts\"]", "[]")]), "at least one collection");
    refused(&entry(&[("[\"identity\", \"symptoms\"]", "[]")]), "at least one class");
    refused(&entry(&[("review_hours", "review_days")]), "review_days");
    refused(&entry(&[("minutes = 30\n", "")]), "minutes");
}

#[test]
fn times_and_reasons_of_an_entry_at_their_bounds_are_taken_and_beyond_them_refused() {
    let codes = |number: usize| {
        let all: Vec<String> = (0..number).map(|n| format!("\"c{n}\"")).collect();
        format!("codes = [{}]", all.join(", "))
    };
    let own = "codes = [\"emergency\"]";
    for sound in [
        entry(&[("minutes = 30", "minutes = 240")]),
        entry(&[("minutes = 30", "minutes = 1")]),
        entry(&[("review_hours = 24", "review_hours = 168")]),
        entry(&[("review_hours = 24", "review_hours = 1")]),
        entry(&[(own, &codes(32))]),
    ] {
        assert!(with(&sound).is_ok(), "{sound}");
    }
    refused(&entry(&[("minutes = 30", "minutes = 241")]), "minutes is 1 to 240");
    refused(&entry(&[("minutes = 30", "minutes = 0")]), "minutes is 1 to 240");
    refused(&entry(&[("review_hours = 24", "review_hours = 169")]), "review_hours is 1 to 168");
    refused(&entry(&[("review_hours = 24", "review_hours = 0")]), "review_hours is 1 to 168");
    refused(&entry(&[(own, &codes(33))]), "codes lists 1 to 32");
    refused(&entry(&[(own, "codes = []")]), "codes lists 1 to 32");
    refused(&entry(&[(own, "codes = [\"a b\"]")]), "code `a b`");
    refused(&entry(&[(own, "codes = [\"a\", \"a\"]")]), "code `a` is given twice");
}

#[test]
fn two_entries_of_one_role_in_one_collection_are_refused_and_the_second_names_the_first() {
    let twice = entry(&[]) + &entry(&[("emergency", "other")]);
    refused(&twice, &format!("line {} lets `level1` break the glass", line()));
}

#[test]
fn an_entry_that_no_permit_could_ever_follow_is_refused_as_idle() {
    refused(
        &entry(&[("level1", "operator"), ("\"identity\", \"symptoms\"", "\"nir\"")]),
        "no permit lets `operator` reveal `nir` of `contacts`",
    );
}

#[test]
fn policies_see_broken_glass_for_the_entrys_role_collection_classes_and_a_reveal_alone() {
    let pack = with(&entry(&[])).unwrap_or_else(|errors| panic!("{}", listed(&errors)));
    let physician = Someone::new("gp-974", "level1", "medical-974", "reunion");
    let verdicts = |asked: &Asked, who: &Someone, verb| {
        let decision = asked.decide(&pack, who, verb, "identity coordinates symptoms");
        decision.classes.iter().map(|class| class.verdict).collect::<Vec<_>>()
    };
    let asked = Asked::about("contacts", "operators-974");
    let broken = Asked { break_glass: true, ..asked.clone() };
    let (allow, deny) = (Verdict::Allow, Verdict::Deny);
    assert_eq!(verdicts(&asked, &physician, Verb::Reveal), [deny; 3], "whole");
    assert_eq!(verdicts(&broken, &physician, Verb::Reveal), [allow, deny, allow], "broken");
    for verb in [Verb::Match, Verb::Write] {
        assert_eq!(verdicts(&broken, &physician, verb), [deny; 3], "{verb:?}");
    }
    let operator = Someone::new("ope-971", "operator", "operators-971", "reunion");
    assert_eq!(verdicts(&broken, &operator, Verb::Reveal), [deny; 3], "another role");
    assert!(!broken.decoy(&pack, &physician, Verb::Reveal, "identity").may_know, "a decoy");
}
