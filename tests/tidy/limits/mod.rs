//! Each constant of `src/limits.rs` is in the table here: with the tests that hold it, at the bound and
//! just above, or with the reason why no caller can reach it.

mod data;
mod service;

use super::source::Source;
use Held::{Apart, By};

/// What holds a bound.
#[derive(Clone, Copy)]
pub(crate) enum Held {
    /// These tests.
    By(&'static [&'static str]),
    /// No caller reaches it, for this reason.
    Apart(&'static str),
}

/// The names of the constants of `src/limits.rs`.
fn constants(text: &str) -> Vec<&str> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("pub const "));
    lines.filter_map(|line| line.split_once(':')).map(|(name, _)| name).collect()
}

/// Constants without a row, rows without a constant, reasons that say nothing, tests that are not there.
fn gaps(limits: &str, table: &[(&str, Held)], tree: &[Source]) -> Vec<String> {
    let constants = constants(limits);
    let rows = |name: &str| table.iter().filter(|(row, _)| *row == name).count();
    let unheld = constants.iter().filter(|name| rows(name) != 1);
    let mut found: Vec<String> =
        unheld.map(|name| format!("{name} has {} rows in tests/tidy/limits", rows(name))).collect();
    for (name, held) in table {
        if !constants.contains(name) {
            found.push(format!("{name} is no constant of src/limits.rs"));
        }
        match held {
            By([]) => found.push(format!("{name}: no test is named")),
            By(tests) => {
                let lost = tests.iter().filter(|test| {
                    let head = format!("fn {test}() {{");
                    !tree.iter().any(|s| s.text.contains(&head))
                });
                found.extend(lost.map(|test| format!("{name}: no test is called `{test}`")));
            }
            Apart(reason) if reason.len() < 10 => found.push(format!("{name}: no reason is given")),
            Apart(_) => {}
        }
    }
    found
}

/// Every bound has its tests, or its reason to have none.
pub(crate) fn broken(tree: &[Source]) -> Vec<String> {
    let limits = tree.iter().find(|source| source.path == "src/limits.rs").unwrap();
    let rows: Vec<(&str, Held)> = data::BOUNDS.iter().chain(service::BOUNDS).copied().collect();
    gaps(&limits.text, &rows, tree)
}

#[test]
fn a_bound_without_a_row_or_with_a_lost_test_is_caught_and_one_that_is_held_is_not() {
    let limits = "/// Most.\npub const MOST: usize = 3;\n";
    let tree = || vec![Source::new("tests/x.rs", "#[test]\nfn three_pass() {}\n")];
    let gaps = |table: &[(&str, Held)]| gaps(limits, table, &tree()).len();
    assert_eq!(gaps(&[("MOST", By(&["three_pass"]))]), 0);
    assert_eq!(gaps(&[("MOST", Apart("nobody can reach it"))]), 0);
    assert_eq!(gaps(&[]), 1);
    assert_eq!(gaps(&[("MOST", By(&["four_pass"]))]), 1);
    assert_eq!(gaps(&[("MOST", By(&[]))]), 1);
    assert_eq!(gaps(&[("MOST", Apart(""))]), 1);
    assert_eq!(gaps(&[("MOST", By(&["three_pass"])), ("LEAST", By(&["three_pass"]))]), 1);
}
