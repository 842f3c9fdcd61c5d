//! Small checks that every part of `pack.toml` shares: names, labels, reserved words.
//!
//! It must not know a table of the document. Whatever is wrong is recorded at its line.

use super::error::{At, Source};
use crate::{
    ids::{ClassName, IdError},
    policy::ATTRIBUTES_CLASS,
};

/// Words of other parts of the pack that collections refer to.
pub(super) struct Lists {
    /// Each with whether notes may stand in it.
    pub(super) classes: Vec<(At<ClassName>, bool)>,
    pub(super) territories: Vec<String>,
    pub(super) units: Vec<String>,
}

/// Names the vault keeps for itself: those that start with `_`, `event` and `attributes`.
pub(super) fn is_reserved(name: &str) -> bool {
    name.starts_with('_') || name == "event" || name == ATTRIBUTES_CLASS
}

/// Reads one name; a bad one is an error at its line.
pub(super) fn parsed<T>(
    source: &mut Source<'_>,
    at: &At<String>,
    parse: impl Fn(&str) -> Result<T, IdError>,
) -> Option<T> {
    let parsed = parse(&at.value);
    parsed.map_err(|error| source.error(at.line, format!("`{}`: {error}", at.value))).ok()
}

/// A label is for people; an empty one is a slip.
pub(super) fn unlabelled(source: &mut Source<'_>, line: usize, label: &str) {
    if label.trim().is_empty() {
        source.error(line, "the label is empty");
    }
}
