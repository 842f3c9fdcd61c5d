//! A broken pack is refused with file, line and reason; and with all reasons.

use super::*;

/// The shipped pack with one text of one file replaced: what it is told.
fn told(file: &str, from: &str, to: &str) -> Vec<PackError> {
    told_all(&[(file, from, to)])
}

fn told_all(changes: &[(&str, &str, &str)]) -> Vec<PackError> {
    let mut files = shipped_files();
    for (file, from, to) in changes {
        let file = files.iter_mut().find(|f| f.path == *file).unwrap();
        let text = String::from_utf8(file.bytes.clone()).unwrap();
        assert!(text.contains(from), "the shipped {} has no `{from}`", file.path);
        file.bytes = text.replacen(from, to, 1).into_bytes();
    }
    Pack::from_files(&files).err().expect("the broken pack was loaded")
}

/// The line, from 1, on which the shipped file has this text first.
fn line_of(file: &str, text: &str) -> usize {
    let shipped = std::fs::read_to_string(shipped_folder().join(file)).unwrap();
    let (before, _) = shipped.split_once(text).unwrap();
    1 + before.matches('\n').count()
}

#[track_caller]
fn says(errors: &[PackError], file: &str, line: usize, reason: &str) {
    let found = errors
        .iter()
        .any(|error| error.file == file && error.line == line && error.reason.contains(reason));
    assert!(found, "wanted {file}:{line}: ..{reason}..\ngot {}", listed(errors));
}

#[test]
fn an_unknown_role_in_a_policy_is_refused_with_its_line() {
    let errors = told("operator.cedar", "Role::\"operator\"", "Role::\"operater\"");
    let line = line_of("operator.cedar", "@id(\"operator-contact-read\")");
    says(&errors, "operator.cedar", line, "operater");
}

#[test]
fn an_unknown_purpose_unit_or_class_in_a_policy_is_refused() {
    let errors = told("operator.cedar", "Purpose::\"p2\"", "Purpose::\"p10\"");
    assert!(listed(&errors).contains("p10"), "{}", listed(&errors));
    let errors =
        told("operator.cedar", "Action::\"reveal:symptoms\"", "Action::\"reveal:symptom\"");
    assert!(listed(&errors).contains("reveal:symptom"), "{}", listed(&errors));
}

#[test]
fn a_class_that_no_collection_uses_is_refused_with_its_line() {
    let errors =
        told("pack.toml", "result = \"Raw", "housing = \"Where one lives\"\nresult = \"Raw");
    let line = line_of("pack.toml", "result = \"Raw");
    says(&errors, "pack.toml", line, "class `housing` is used by no collection");
}

#[test]
fn a_field_of_an_unknown_class_is_refused_with_its_line() {
    let field = "{ name = \"sex\", class = \"identity\"";
    let errors = told("pack.toml", field, "{ name = \"sex\", class = \"identities\"");
    says(&errors, "pack.toml", line_of("pack.toml", field), "unknown class `identities`");
}

#[test]
fn a_class_period_longer_than_its_records_is_refused_and_a_shorter_one_is_not() {
    let from = "retention = { period = \"P3M\", from = \"collected_on\" }";
    let line = line_of("pack.toml", "[[collections]]");
    let errors = told("pack.toml", from, &format!("{from}\nclass_periods = {{ nir = \"P4M\" }}"));
    says(&errors, "pack.toml", line, "class `nir`: P4M is longer than its record's period");
    // 90 days outlive three months that contain February.
    let errors = told("pack.toml", from, &format!("{from}\nclass_periods = {{ nir = \"P90D\" }}"));
    says(&errors, "pack.toml", line, "class `nir`: P90D is longer");

    let mut files = shipped_files();
    let file = files.iter_mut().find(|f| f.path == "pack.toml").unwrap();
    let text = String::from_utf8(file.bytes.clone()).unwrap();
    let shorter = format!("{from}\nclass_periods = {{ nir = \"P1M\" }}");
    file.bytes = text.replacen(from, &shorter, 1).into_bytes();
    let pack = Pack::from_files(&files).unwrap_or_else(|errors| panic!("{}", listed(&errors)));
    let cases = &pack.collections()[0];
    assert_eq!(cases.period_of(&class_names("nir")[0]), Period { months: 1, days: 0 });
    assert_eq!(cases.period_of(&class_names("identity")[0]), Period { months: 3, days: 0 });
}

#[test]
fn a_duplicate_id_is_refused_and_names_both_places() {
    let errors = told("operator.cedar", "@id(\"operator-contact-write\")", "@id(\"purge-robot\")");
    let first = line_of("governance.cedar", "@id(\"purge-robot\")");
    let line = line_of("operator.cedar", "@id(\"operator-contact-write\")");
    says(&errors, "operator.cedar", line, &format!("is taken by governance.cedar:{first}"));
}

#[test]
fn a_policy_without_id_reason_or_legal_basis_is_refused() {
    let file = "intake.cedar";
    for (annotation, line) in [
        ("@id(\"intake-create\")\n", line_of(file, "@id(\"intake-create\")")),
        ("@legal(\"Décret 2020-551, art. 2 (data) and 8 to 11 (SI-DEP)\")\n", 3),
        ("@reason(\"The feed's service account files cases and contacts of its territory.\")\n", 3),
    ] {
        let errors = told(file, annotation, "");
        let name = annotation.split('(').next().unwrap();
        says(&errors, file, line, &format!("lacks {name}"));
    }
    let errors = told(file, "@id(\"intake-create\")", "@id(\"intake-create\")\n@note(\"x\")");
    says(&errors, file, 3, "unknown annotation @note");
}

#[test]
fn a_bad_zone_and_a_bad_end_date_are_refused_with_their_lines() {
    let errors = told_all(&[
        ("pack.toml", "Indian/Reunion", "Indian/Reunian"),
        ("pack.toml", "end_date = \"2021-04-01\"", "end_date = \"2021-4-1\""),
    ]);
    let line = line_of("pack.toml", "Indian/Reunion");
    says(&errors, "pack.toml", line, "`Indian/Reunian` is no IANA time zone");
    says(&errors, "pack.toml", line_of("pack.toml", "end_date ="), "YYYY-MM-DD");
}

#[test]
fn a_policy_that_does_not_parse_or_validate_is_refused_with_the_line_it_begins_on() {
    let line = line_of("operator.cedar", "@id(\"operator-contact-read\")");
    let errors = told("operator.cedar", "permit (", "permitt (");
    says(&errors, "operator.cedar", line, "the policy that begins here");
    // Strict validation: an optional attribute must be asked for with `has` first.
    let errors = told("operator.cedar", "principal has unit && ", "");
    says(&errors, "operator.cedar", line, "unit");
    // A policy that can never apply is a mistake too.
    let errors = told("operator.cedar", "resource is contacts", "resource is lab_results");
    assert!(!errors.is_empty());
}

#[test]
fn a_failing_scenario_is_refused_and_named_with_its_line() {
    let from = "name = \"an operator sees nothing of the NIR\"";
    let errors = told(
        "scenarios.toml",
        "action = \"reveal:nir\"\ncollection = \"contacts\"",
        "action = \"reveal:identity\"\ncollection = \"contacts\"",
    );
    // The table's header stands one line above its name.
    let line = line_of("scenarios.toml", from) - 1;
    says(
        &errors,
        "scenarios.toml",
        line,
        "`an operator sees nothing of the NIR`: expected Deny, got Allow",
    );
}

#[test]
fn a_scenario_decided_by_another_policy_than_it_says_is_refused() {
    let errors = told("scenarios.toml", "policy = \"other-territory\"", "policy = \"key-admin\"");
    assert!(listed(&errors).contains("expected `key-admin` to decide"), "{}", listed(&errors));
}

#[test]
fn an_attribute_that_could_hold_a_name_or_free_text_is_refused() {
    let from = "{ name = \"received_on\", type = \"date\" }";
    let line = line_of("pack.toml", from);
    for kind in ["name", "phone", "nir", "email", "postcode", "text"] {
        let bound = if kind == "text" { ", max_bytes = 20" } else { "" };
        let to = format!("{{ name = \"received_on\", type = \"{kind}\"{bound} }}");
        let errors = told("pack.toml", from, &to);
        says(&errors, "pack.toml", line, "could hold a name or free text");
    }
}

#[test]
fn an_unknown_key_is_refused_with_its_line_wherever_it_stands() {
    let errors = told_all(&[
        ("pack.toml", "profile = \"2020-11\"", "profile = \"2020-11\"\nowner = \"x\""),
        ("pack.toml", "type = \"nir\", search = true", "type = \"nir\", serach = true"),
        ("pack.toml", "label = \"Guadeloupe\"", "name = \"x\", label = \"Guadeloupe\""),
        ("scenarios.toml", "agent = \"inv-974\"", "agnet = \"inv-974\""),
    ]);
    // One line was added above these.
    says(&errors, "pack.toml", line_of("pack.toml", "profile =") + 1, "unknown key `owner`");
    says(&errors, "pack.toml", line_of("pack.toml", "type = \"nir\"") + 1, "serach");
    says(&errors, "pack.toml", line_of("pack.toml", "label = \"Guadeloupe\"") + 1, "name");
    says(&errors, "scenarios.toml", line_of("scenarios.toml", "agent = \"inv-974\""), "agnet");
}

#[test]
fn all_mistakes_are_reported_over_all_files() {
    let errors = told_all(&[
        ("pack.toml", "\"Europe/Paris\"", "\"Europe/Pari\""),
        ("pack.toml", "mask = \"year_only\"", "mask = \"first_three\""),
        ("pack.toml", "max_bytes = 200", "max_bytes = 0"),
        ("operator.cedar", "permit (", "permitt ("),
        ("investigator.cedar", "@reason(\"An investigator files a call.\")\n", ""),
    ]);
    let text = listed(&errors);
    for wanted in
        ["Europe/Pari", "does not fit type `date`", "max_bytes from 1", "permitt", "lacks @reason"]
    {
        assert!(text.contains(wanted), "no `{wanted}` in\n{text}");
    }
}

#[test]
fn a_file_that_is_missing_or_not_utf_8_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let errors = Pack::load(dir.path()).err().unwrap();
    says(&errors, "pack.toml", 0, "needs this file");
    says(&errors, "scenarios.toml", 0, "needs this file");
    assert!(Pack::load(&dir.path().join("none")).is_err());

    let mut files = shipped_files();
    files.push(PackFile { path: "bad.cedar".into(), bytes: vec![0xff] });
    says(&Pack::from_files(&files).err().unwrap(), "bad.cedar", 0, "not UTF-8");
}

#[test]
fn a_policy_in_a_folder_of_the_pack_counts() {
    let dir = tempfile::tempdir().unwrap();
    for file in shipped_files() {
        std::fs::write(dir.path().join(&file.path), &file.bytes).unwrap();
    }
    let before = Pack::load(dir.path()).ok().unwrap().hash();
    assert_eq!(before, shipped_pack().hash());
    std::fs::write(dir.path().join("README.md"), "no rule").unwrap();
    assert_eq!(Pack::load(dir.path()).ok().unwrap().hash(), before);
    std::fs::create_dir(dir.path().join("more")).unwrap();
    std::fs::write(dir.path().join("more/x.cedar"), "permit (principal, action, resource);")
        .unwrap();
    says(&Pack::load(dir.path()).err().unwrap(), "more/x.cedar", 1, "lacks @id");
}

#[test]
fn holds_of_an_unknown_purpose_or_a_nameless_authority_are_refused_with_their_line() {
    let (from, line) = ("[holds]\npurpose = \"hold\"", line_of("pack.toml", "[holds]"));
    let errors = told("pack.toml", from, "[holds]\npurpose = \"keep\"");
    says(&errors, "pack.toml", line, "unknown purpose `keep`");
    let nameless = format!("{from}\npast_end_date = [\" \"]");
    says(&told("pack.toml", from, &nameless), "pack.toml", line, "an authority is 1 to 200 bytes");
    let errors = told("pack.toml", from, &format!("{from}\nuntil = \"2022-01-01\""));
    assert!(listed(&errors).contains("until"), "{}", listed(&errors));
}
