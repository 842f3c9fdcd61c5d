//! The examiner of `tests/forensics` proves something only as long as it knows the formats by itself: it
//! uses no code of the package, and none that is made from its protos.

use crate::source::{Source, words};

/// Ways to bring code of another file in, looked for in the text since the path is a string.
const BRINGS_IN: [&str; 3] = ["include!", "include_proto!", "OUT_DIR"];

/// Whether a file belongs to the examiner.
pub(crate) fn is_part(source: &Source) -> bool {
    source.path == "tests/forensics.rs" || source.path.starts_with("tests/forensics/")
}

/// Uses of the package by the examiner: its name in code, generated code, a path out of its folder.
pub(crate) fn uses_of_the_package(source: &Source) -> Vec<String> {
    if !is_part(source) {
        return Vec::new();
    }
    let mut found: Vec<usize> = words(&source.code, "oubliette");
    found.extend(BRINGS_IN.iter().flat_map(|w| source.text.match_indices(w)).map(|(at, _)| at));
    let outside = source
        .text
        .match_indices("#[path = \"")
        .filter(|(at, attribute)| !source.text[at + attribute.len()..].starts_with("forensics/"));
    found.extend(outside.map(|(at, _)| at));
    let report =
        |at| format!("{}:{}: the examiner uses the package", source.path, source.line_of(at));
    found.into_iter().map(report).collect()
}

#[test]
fn a_use_of_the_package_by_the_examiner_is_caught_and_its_name_in_a_string_is_not() {
    let bad = |path: &str, text: &str| !uses_of_the_package(&Source::new(path, text)).is_empty();
    let at = "tests/forensics/formats.rs";
    for text in [
        "use oubliette::crypto::kdf;",
        "use ::oubliette as own;",
        "fn f() { oubliette::ids::RecordId::from_bytes(b) }",
        "include!(\"../../src/crypto/kdf.rs\");",
        "#[path = \"../../src/crypto/kdf.rs\"]\nmod kdf;",
        "include!(concat!(env!(\"OUT_DIR\"), \"/store.rs\"));",
    ] {
        assert!(bad(at, text) && bad("tests/forensics.rs", text), "{text}");
        assert!(!bad("tests/wire/disk.rs", text), "{text}");
    }
    assert!(!bad(at, "const LABEL: &[u8] = b\"oubliette/v1/ggm\"; // of oubliette"));
    assert!(!bad("tests/forensics.rs", "#[path = \"forensics/rows.rs\"]\nmod rows;"));
}
