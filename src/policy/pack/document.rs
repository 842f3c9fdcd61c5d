//! The shape of `pack.toml`, before any cross check.
//!
//! Each table, collection, attribute and field is read on its own, so that one mistake hides no
//! other. Unknown keys are refused with their line: a misspelt key must not be a rule that is off.

use std::{collections::BTreeMap, ops::Range};

use serde::{Deserialize, de::DeserializeOwned};
use toml::{
    Spanned,
    de::{DeTable, DeValue, ValueDeserializer},
};

use super::{
    error::{At, Source},
    worded::Worded,
};

/// `pack.toml`, unresolved. What could not be read is missing, and its error is in the source.
#[derive(Default)]
pub(super) struct Document {
    pub(super) name: Option<At<String>>,
    pub(super) profile: Option<At<String>>,
    pub(super) zone: Option<At<String>>,
    pub(super) end_date: Option<At<String>>,
    pub(super) purposes: Vec<(At<String>, Worded<WordToml>)>,
    pub(super) roles: Vec<(At<String>, Worded<WordToml>)>,
    pub(super) professions: Vec<(At<String>, String)>,
    pub(super) classes: Vec<(At<String>, Worded<ClassToml>)>,
    pub(super) territories: Vec<(At<String>, TerritoryToml)>,
    pub(super) units: Vec<(At<String>, UnitToml)>,
    pub(super) holds: Option<At<HoldsToml>>,
    pub(super) separation: Vec<At<SeparationToml>>,
    pub(super) collections: Vec<CollectionDocument>,
}

/// A role or a purpose: a label, or a label with what else is said of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WordToml {
    pub(super) label: String,
    /// On the list so that it can be named and refused, never granted.
    #[serde(default)]
    pub(super) excluded: bool,
}

impl From<String> for WordToml {
    fn from(label: String) -> Self {
        Self { label, excluded: false }
    }
}

/// A class: a label, or a label with who may have it as content and what may stand in it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ClassToml {
    pub(super) label: String,
    /// What a habilitation must have: `sworn`.
    #[serde(default)]
    pub(super) needs: Vec<String>,
    /// One of these professions is needed; empty: any, or none.
    #[serde(default)]
    pub(super) professions: Vec<String>,
    /// Notes and long texts may stand in it.
    #[serde(default)]
    pub(super) notes: bool,
}

impl From<String> for ClassToml {
    fn from(label: String) -> Self {
        Self { label, needs: Vec::new(), professions: Vec::new(), notes: false }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TerritoryToml {
    pub(super) label: String,
    pub(super) zone: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UnitToml {
    pub(super) label: String,
    pub(super) territory: String,
}

/// `[holds]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HoldsToml {
    pub(super) purpose: String,
    #[serde(default)]
    pub(super) past_end_date: Vec<String>,
}

/// One `[[separation]]`: roles that one agent may not have together, or one that may have no content.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SeparationToml {
    #[serde(default)]
    pub(super) roles: Vec<String>,
    pub(super) role: Option<String>,
    #[serde(default)]
    pub(super) content: bool,
}

/// One `[[collections]]`.
pub(super) struct CollectionDocument {
    pub(super) head: At<CollectionToml>,
    pub(super) attributes: Vec<At<FieldToml>>,
    pub(super) fields: Vec<At<FieldToml>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CollectionToml {
    pub(super) name: String,
    pub(super) label: String,
    pub(super) retention: RetentionToml,
    /// Shorter periods of single classes.
    #[serde(default)]
    pub(super) class_periods: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RetentionToml {
    pub(super) period: String,
    pub(super) from: String,
}

/// An attribute or a field; `class`, `search` and `mask` belong to fields only.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FieldToml {
    pub(super) name: String,
    pub(super) class: Option<String>,
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) required: bool,
    pub(super) search: Option<bool>,
    pub(super) mask: Option<String>,
    pub(super) values: Option<Vec<String>>,
    pub(super) min: Option<i64>,
    pub(super) max: Option<i64>,
    pub(super) max_bytes: Option<usize>,
    /// For a reference: the collection it points into.
    pub(super) to: Option<String>,
}

const KEYS: &str = "name, profile, zone, end_date, purposes, roles, professions, classes, \
                    territories, units, holds, separation, collections";

/// Reads the document; errors go to `source`.
pub(super) fn read(source: &mut Source<'_>) -> Document {
    let mut document = Document::default();
    let (table, errors) = DeTable::parse_recoverable(source.text);
    for error in &errors {
        source.toml_error(error, 0..0);
    }
    if !errors.is_empty() {
        return document;
    }
    for (key, value) in table.into_inner() {
        let line = source.line_of(key.span().start);
        match key.get_ref().as_ref() {
            "name" => document.name = one(source, value),
            "profile" => document.profile = one(source, value),
            "zone" => document.zone = one(source, value),
            "end_date" => document.end_date = one(source, value),
            "purposes" => document.purposes = named(source, value),
            "roles" => document.roles = named(source, value),
            "professions" => document.professions = named(source, value),
            "classes" => document.classes = named(source, value),
            "territories" => document.territories = named(source, value),
            "units" => document.units = named(source, value),
            "holds" => document.holds = one(source, value),
            "separation" => document.separation = many(source, value),
            "collections" => document.collections = collections(source, value),
            other => source.error(line, format!("unknown key `{other}`, expected one of {KEYS}")),
        }
    }
    document
}

/// One value of type `T`.
pub(in crate::policy) fn one<T: DeserializeOwned>(
    source: &mut Source<'_>,
    value: Spanned<DeValue<'_>>,
) -> Option<At<T>> {
    let span = value.span();
    let line = source.line_of(span.start);
    match T::deserialize(ValueDeserializer::from(value)) {
        Ok(value) => Some(At { line, value }),
        Err(error) => {
            source.toml_error(&error, span);
            None
        }
    }
}

/// A table of names, each with a `T`, in the file's order.
pub(in crate::policy) fn named<T: DeserializeOwned>(
    source: &mut Source<'_>,
    value: Spanned<DeValue<'_>>,
) -> Vec<(At<String>, T)> {
    let span = value.span();
    let DeValue::Table(table) = value.into_inner() else {
        wanted(source, span, "a table");
        return Vec::new();
    };
    let mut entries: Vec<_> = table.into_iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    let mut named = Vec::new();
    for (key, value) in entries {
        let line = source.line_of(key.span().start);
        if let Some(value) = one(source, value) {
            named.push((At { line, value: key.get_ref().to_string() }, value.value));
        }
    }
    named
}

/// An array of `T`, each element read on its own.
pub(in crate::policy) fn many<T: DeserializeOwned>(
    source: &mut Source<'_>,
    value: Spanned<DeValue<'_>>,
) -> Vec<At<T>> {
    let span = value.span();
    let DeValue::Array(array) = value.into_inner() else {
        wanted(source, span, "an array");
        return Vec::new();
    };
    array.into_iter().filter_map(|element| one(source, element)).collect()
}

fn collections(source: &mut Source<'_>, value: Spanned<DeValue<'_>>) -> Vec<CollectionDocument> {
    let span = value.span();
    let DeValue::Array(array) = value.into_inner() else {
        wanted(source, span, "an array of tables [[collections]]");
        return Vec::new();
    };
    array.into_iter().filter_map(|element| collection(source, element)).collect()
}

fn collection(source: &mut Source<'_>, value: Spanned<DeValue<'_>>) -> Option<CollectionDocument> {
    let span = value.span();
    let DeValue::Table(table) = value.into_inner() else {
        wanted(source, span, "a table");
        return None;
    };
    let (mut attributes, mut fields, mut rest) = (Vec::new(), Vec::new(), DeTable::new());
    for (key, value) in table {
        match key.get_ref().as_ref() {
            "attributes" => attributes = many(source, value),
            "fields" => fields = many(source, value),
            _ => {
                rest.insert(key, value);
            }
        }
    }
    let head = one(source, Spanned::new(span, DeValue::Table(rest)))?;
    Some(CollectionDocument { head, attributes, fields })
}

fn wanted(source: &mut Source<'_>, span: Range<usize>, what: &str) {
    let line = source.line_of(span.start);
    source.error(line, format!("must be {what}"));
}
