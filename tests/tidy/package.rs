//! `Cargo.toml` names its targets by hand, so a test file it forgets would never run: it must not.

use crate::source::Source;

/// Test and bench files at the top of their folder that no target of `Cargo.toml` names.
pub(crate) fn unnamed_targets(manifest: &str) -> impl Fn(&Source) -> Vec<String> {
    move |source: &Source| {
        let at_top =
            matches!(source.path.split('/').collect::<Vec<_>>()[..], ["tests" | "benches", _]);
        let named = manifest.lines().any(|l| l.trim() == format!("path = \"{}\"", source.path));
        let bad = at_top && !named;
        bad.then(|| format!("{}: no target of Cargo.toml names it", source.path))
            .into_iter()
            .collect()
    }
}

#[test]
fn a_test_file_that_no_target_names_is_caught_and_a_named_or_inner_one_is_not() {
    let bad = |path: &str| {
        let rule = unnamed_targets("[[test]]\nname = \"x\"\npath = \"tests/x.rs\"\n");
        !rule(&Source::new(path, "")).is_empty()
    };
    assert!(!bad("tests/x.rs") && !bad("tests/x/y.rs") && !bad("src/y.rs"));
    assert!(bad("tests/y.rs") && bad("benches/x.rs"));
}
