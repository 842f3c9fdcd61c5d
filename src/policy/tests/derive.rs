//! `[[derive]]`: a closed list, checked whole; what it cannot mean is refused with its line.

use super::*;

fn files() -> Vec<PackFile> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/packs/slips");
    let read = |name: &str| {
        let bytes = std::fs::read(folder.join(name)).unwrap();
        PackFile { path: name.to_owned(), bytes }
    };
    ["pack.toml", "slips.cedar", "scenarios.toml"].map(read).into()
}

/// The test pack with one text of its derivation replaced: what it is told, all at the line of the table.
#[track_caller]
fn told(from: &str, to: &str) -> String {
    let mut files = files();
    let text = String::from_utf8(files[0].bytes.clone()).unwrap();
    let at = text.find("[[derive]]").unwrap();
    let (before, table) = text.split_at(at);
    assert!(table.contains(from), "no `{from}`");
    files[0].bytes = format!("{before}{}", table.replacen(from, to, 1)).into_bytes();
    let line = 1 + before.matches('\n').count();
    let errors = Pack::from_files(&files).err().expect("the broken pack was loaded");
    let here = |error: &&PackError| error.file == "pack.toml" && error.line == line;
    assert!(errors.iter().any(|error| here(&error)), "not at line {line}: {}", listed(&errors));
    listed(&errors)
}

#[test]
fn a_derivation_of_the_pack_is_read_as_it_is_written() {
    let pack = Pack::from_files(&files()).ok().unwrap();
    let spec = pack.collection(&CollectionName::parse("slips").unwrap()).unwrap();
    let derive = spec.derive.as_ref().unwrap();
    assert_eq!(derive.to.as_str(), "files");
    let pairs: Vec<(&str, &str)> =
        derive.fields.iter().map(|(to, from)| (to.as_str(), from.as_str())).collect();
    assert_eq!(pairs, [("family_name", "surname"), ("found_on", "seen_on"), ("told_by", "desk")]);
    assert!(derive.set.iter().all(|(_, value)| *value == Value::Boolean(true)));
    assert_eq!((derive.set.len(), derive.keep.len(), derive.mark.len()), (1, 1, 1));
    assert_eq!(format!("{derive:?}"), "DeriveSpec { to: collection:files, .. }");
}

#[test]
fn what_a_derivation_cannot_mean_is_refused_with_its_line_and_a_sentence() {
    for (from, to, says) in [
        ("from = \"slips\"", "from = \"slip\"", "unknown collection `slip`"),
        ("to = \"files\"", "to = \"file\"", "unknown collection `file`"),
        ("to = \"files\"", "to = \"slips\"", "into another collection"),
        ("\"surname\"", "\"surnam\"", "`slips` has no `surnam`"),
        ("found_on =", "seen =", "`files` has no `seen`"),
        ("\"surname\"", "\"seen_on\"", "`family_name` and `seen_on` are not of the same type"),
        ("set = { found = true }", "set = {}", "`files` needs `found`, which is not given"),
        ("found = true", "found = \"yes\"", "set: `found` must be true or false"),
        ("found = true", "found = 2020-01-01", "write dates as text"),
        ("found = true", "found = true, found_on = \"2020-01-01\"", "`found_on` is given twice"),
        ("keep = [\"territory\"]", "keep = [\"stage\"]", "`files` has no `stage`"),
        ("keep = [\"territory\"]", "keep = []", "`files` needs `territory`"),
        ("state = \"open\"", "state = \"ajar\"", "attributes: `state` must be one of the codes"),
        ("stage = \"handled\"", "state = \"open\"", "mark: `slips` has no `state`"),
    ] {
        let errors = told(from, to);
        assert!(errors.contains(says), "wanted ..{says}..\ngot {errors}");
    }
    let mut files = files();
    let text = String::from_utf8(files[0].bytes.clone()).unwrap();
    let line = 1 + text.split_once("mark =").unwrap().0.matches('\n').count();
    files[0].bytes = text.replacen("mark =", "marks =", 1).into_bytes();
    let errors = listed(&Pack::from_files(&files).err().unwrap());
    assert!(errors.contains(&format!("pack.toml:{line}: unknown field `marks`")), "{errors}");
}

#[test]
fn a_second_derivation_from_the_same_collection_is_refused_where_it_stands() {
    let mut files = files();
    let text = String::from_utf8(files[0].bytes.clone()).unwrap();
    let (_, table) = text.split_once("[[derive]]").unwrap();
    let twice = format!("{text}\n[[derive]]{table}");
    let line = 2 + text.matches('\n').count();
    files[0].bytes = twice.into_bytes();
    let errors = Pack::from_files(&files).err().expect("the broken pack was loaded");
    let second = |error: &&PackError| error.reason.contains("a second one from `slips`");
    assert_eq!(
        errors.iter().find(second).map(|error| error.line),
        Some(line),
        "{}",
        listed(&errors)
    );
}

#[test]
fn a_record_that_would_be_kept_longer_than_its_source_is_refused() {
    let mut files = files();
    let text = String::from_utf8(files[0].bytes.clone()).unwrap();
    files[0].bytes = text.replacen("P3M", "P2M", 1).into_bytes();
    let errors = listed(&Pack::from_files(&files).err().unwrap());
    assert!(errors.contains("`files` would be kept longer than its source"), "{errors}");
}

#[test]
fn a_policy_that_names_a_derivation_the_pack_does_not_have_is_refused() {
    let mut files = files();
    let text = String::from_utf8(files[1].bytes.clone()).unwrap();
    let policy = text.replace("derive:slips", "derive:files").replace("is slips", "is files");
    files[1].bytes = policy.into_bytes();
    let errors = listed(&Pack::from_files(&files).err().unwrap());
    assert!(errors.contains("derive:files"), "{errors}");
}
