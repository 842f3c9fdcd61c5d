//! The shape of `sample.toml`, before any check of one part against another.
//!
//! Unknown keys are refused with their line: a misspelt condition must not be one that always holds.
//! What each key means is said in `plan`.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::error::SampleError;

/// A whole description.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    pub(super) base_date: Spanned<String>,
    #[serde(default)]
    pub(super) lists: BTreeMap<String, Spanned<Vec<String>>>,
    #[serde(default)]
    pub(super) tables: BTreeMap<String, Spanned<Vec<BTreeMap<String, String>>>>,
    pub(super) collections: Vec<Spanned<CollectionToml>>,
}

/// One `[[collections]]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CollectionToml {
    pub(super) name: String,
    pub(super) per: Option<String>,
    pub(super) count: Option<[u32; 2]>,
    pub(super) collected_on: String,
    #[serde(default)]
    pub(super) variables: Vec<Spanned<EntryToml>>,
    #[serde(default)]
    pub(super) attributes: Vec<Spanned<EntryToml>>,
    #[serde(default)]
    pub(super) fields: Vec<Spanned<EntryToml>>,
}

/// One value to be made: a name, conditions, and exactly one way to make it.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EntryToml {
    pub(super) name: String,
    pub(super) percent: Option<u8>,
    #[serde(default)]
    pub(super) when: BTreeMap<String, Literal>,
    // The ways to make it.
    pub(super) is: Option<Literal>,
    pub(super) choice: Option<String>,
    pub(super) weighted: Option<BTreeMap<String, u32>>,
    pub(super) chance: Option<u8>,
    pub(super) integer: Option<[i64; 2]>,
    pub(super) text: Option<String>,
    pub(super) date: Option<DateToml>,
    pub(super) row: Option<String>,
    pub(super) mirror: Option<String>,
    pub(super) nir: Option<NirToml>,
}

/// A value that stands in the description.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(super) enum Literal {
    Boolean(bool),
    Integer(i64),
    Text(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DateToml {
    pub(super) from: String,
    pub(super) days: [i64; 2],
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NirToml {
    pub(super) sex: String,
    pub(super) digits: BTreeMap<String, u8>,
    pub(super) born: String,
    pub(super) place: String,
    pub(super) order: [u16; 2],
}

/// Reads the text. Errors: [`SampleError::Description`] with the line.
pub(super) fn read(text: &str) -> Result<Document, SampleError> {
    toml::from_str(text).map_err(|error| SampleError::Description {
        line: line_of(text, error.span().map_or(0, |span| span.start)),
        reason: error.message().replace('\n', " "),
    })
}

/// The line, from 1, of a byte offset.
pub(super) fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|b| *b == b'\n').count()
}
