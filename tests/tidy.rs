//! Style as a test: the rules of the house that a compiler does not hold.
//!
//! Each rule is a function from sources to violations, run over the real tree here, and has a twin
//! test, beside the rule, in which a violating text is caught and a decent one is not. A rule that
//! cannot be kept is changed in the open, never waived for one file in silence: every exception is
//! in a list of this test with its reason.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a scanner of this project's own files; a panic is how a test fails"
)]

#[path = "tidy/examiner.rs"]
mod examiner;
#[path = "tidy/limits/mod.rs"]
mod limits;
#[path = "tidy/messages.rs"]
mod messages;
#[path = "tidy/modules.rs"]
mod modules;
#[path = "tidy/package.rs"]
mod package;
#[path = "tidy/promises.rs"]
mod promises;
#[path = "tidy/secrets.rs"]
mod secrets;
#[path = "tidy/shape.rs"]
mod shape;
#[path = "tidy/source.rs"]
mod source;
#[path = "tidy/words.rs"]
mod words;

use source::Source;

/// Fails with every violation that `rule` finds, one a line.
fn hold(rule: impl Fn(&Source) -> Vec<String>) {
    let tree = source::tree();
    assert!(tree.len() > 20, "the sources were not found");
    let found: Vec<String> = tree.iter().flat_map(rule).collect();
    assert!(found.is_empty(), "{} violations:\n{}", found.len(), found.join("\n"));
}

#[test]
fn no_file_is_longer_than_the_cap() {
    hold(shape::file_cap);
}

#[test]
fn no_function_is_longer_than_the_cap() {
    hold(shape::function_cap);
}

#[test]
fn every_file_says_at_its_head_what_it_is() {
    hold(shape::module_doc);
}

#[test]
fn every_test_file_is_run() {
    let manifest = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    hold(package::unnamed_targets(&std::fs::read_to_string(manifest).unwrap()));
}

#[test]
fn no_unfinished_work_is_left_in_the_code() {
    hold(words::banned);
}

#[test]
fn the_code_knows_no_word_of_the_shipped_pack() {
    hold(words::domain);
}

#[test]
fn every_promise_of_the_threat_model_names_a_test_that_exists() {
    let text = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("SECURITY.md");
    let text = std::fs::read_to_string(text).unwrap();
    assert!(promises::promised(&text).len() > 10, "the tables were not found");
    let broken = promises::broken(&text, &source::tree());
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn every_bound_names_the_tests_that_hold_it() {
    let broken = limits::broken(&source::tree());
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn the_examiner_uses_nothing_of_the_package() {
    assert!(source::tree().iter().filter(|s| examiner::is_part(s)).count() > 5, "it was not found");
    hold(examiner::uses_of_the_package);
}

#[test]
fn modules_depend_downwards_only() {
    hold(modules::downwards);
}

#[test]
fn generated_types_stay_where_they_belong() {
    hold(modules::generated_types);
}

#[test]
fn only_the_listed_files_open_a_section() {
    hold(modules::section_openers);
}

#[test]
fn only_the_log_publishes_a_generation() {
    hold(modules::publishers);
}

#[test]
fn only_tests_start_with_another_bound_of_the_keyring() {
    hold(modules::bounded_starts);
}

#[test]
fn every_exposed_secret_says_why() {
    hold(secrets::exposed_with_reason);
}

#[test]
fn stored_messages_are_as_pinned() {
    messages::hold_snapshot();
}
