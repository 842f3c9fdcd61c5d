//! Index rows of a record: keyed tokens of what it can be found by.
//!
//! A field's token uses the index key of the cohort its section's slot is in; `_subject`, `_agent`
//! assignments and units that of the head's cohort (DESIGN section 4, "Blind index"). No row holds a
//! value, and a token means nothing once its cohort's key is gone.

use crate::{
    ids::{CohortId, CollectionName, FieldName, RecordId, SubjectId},
    keyring::Keyring,
    policy::{CollectionSpec, FieldSpec, FieldType, Value},
    storage::keys,
};

use super::{Assignee, head::Assignment};

const SUBJECT: &str = "_subject";
const ASSIGNEE: &str = "_assignee";
const UNIT: &str = "_unit";
/// Under which reserved name both ends of a link are indexed; the value is the end's id.
pub(crate) const LINK: &str = "_link";

/// What the tokens of one record are made for.
pub(crate) struct Tokens<'a> {
    pub(crate) keyring: &'a Keyring,
    pub(crate) collection: &'a CollectionName,
    pub(crate) record: RecordId,
}

impl Tokens<'_> {
    /// The row by which a subject's records are found.
    pub(crate) fn subject(&self, cohort: &CohortId, subject: &SubjectId) -> Vec<Vec<u8>> {
        self.written(cohort, SUBJECT, subject.as_bytes()).into_iter().collect()
    }

    /// The rows of these assignments.
    pub(crate) fn assignments(&self, cohort: &CohortId, all: &[Assignment]) -> Vec<Vec<u8>> {
        all.iter()
            .filter_map(|assigned| {
                let (field, value) = assignment(&assigned.to);
                self.written(cohort, field, value)
            })
            .collect()
    }

    /// The rows of an assignment under every live index key: those to delete when it ends.
    pub(crate) fn assignment_anywhere(&self, cohort: &CohortId, to: &Assignee) -> Vec<Vec<u8>> {
        let (field, value) = assignment(to);
        self.anywhere(cohort, field, value)
    }

    /// The rows that one field with this value has under every live index key of a cohort.
    pub(crate) fn field_anywhere(
        &self,
        cohort: &CohortId,
        field: &FieldSpec,
        value: &Value,
    ) -> Vec<Vec<u8>> {
        let (name, value) = index_of(field, value);
        self.anywhere(cohort, name, &value)
    }

    /// The rows of the searchable ones among these fields, and of a link's ends.
    pub(crate) fn fields(
        &self,
        cohort: &CohortId,
        spec: &CollectionSpec,
        fields: &[(FieldName, Value)],
    ) -> Vec<Vec<u8>> {
        indexed(spec, fields)
            .filter_map(|(name, value)| self.written(cohort, name, &value))
            .collect()
    }

    /// The rows of these fields under every live index key: those to delete when they change.
    pub(crate) fn fields_anywhere(
        &self,
        cohort: &CohortId,
        spec: &CollectionSpec,
        fields: &[(FieldName, Value)],
    ) -> Vec<Vec<u8>> {
        indexed(spec, fields)
            .flat_map(|(name, value)| self.anywhere(cohort, name, &value))
            .collect()
    }

    fn written(&self, cohort: &CohortId, field: &str, value: &[u8]) -> Option<Vec<u8>> {
        let (key_id, token) = self.keyring.write_token(cohort, self.collection, field, value)?;
        Some(keys::index(cohort, key_id, &token.0, &self.record))
    }

    fn anywhere(&self, cohort: &CohortId, field: &str, value: &[u8]) -> Vec<Vec<u8>> {
        let tokens = self.keyring.search_tokens(cohort, self.collection, field, value);
        tokens
            .into_iter()
            .map(|(key_id, token)| keys::index(cohort, key_id, &token.0, &self.record))
            .collect()
    }
}

/// Under which reserved name, and as what value, a subject's records are indexed.
pub(crate) fn subject(subject: &SubjectId) -> (&'static str, &[u8]) {
    (SUBJECT, subject.as_bytes())
}

/// Under which reserved name, and as what value, an assignment is indexed.
pub(crate) fn assignment(to: &Assignee) -> (&'static str, &[u8]) {
    match to {
        Assignee::Agent(id) => (ASSIGNEE, id.as_str().as_bytes()),
        Assignee::Unit(id) => (UNIT, id.as_str().as_bytes()),
    }
}

/// Whether a field has index rows.
pub(crate) fn is_indexed(field: &FieldSpec) -> bool {
    field.searchable || matches!(field.kind, FieldType::Reference { .. })
}

/// Under which name, and as what value, a field is indexed.
pub(crate) fn index_of<'a>(
    field: &'a FieldSpec,
    value: &Value,
) -> (&'a str, zeroize::Zeroizing<Vec<u8>>) {
    match (&field.kind, reference(value)) {
        (FieldType::Reference { .. }, Some(id)) => {
            (LINK, zeroize::Zeroizing::new(id.as_bytes().to_vec()))
        }
        _ => (field.name.as_str(), canonical(value)),
    }
}

/// The record that a reference names.
pub(crate) fn reference(value: &Value) -> Option<RecordId> {
    match value {
        Value::Text(id) => RecordId::parse(id).ok(),
        _ => None,
    }
}

fn indexed<'a>(
    spec: &'a CollectionSpec,
    fields: &'a [(FieldName, Value)],
) -> impl Iterator<Item = (&'a str, zeroize::Zeroizing<Vec<u8>>)> {
    fields.iter().filter_map(|(name, value)| {
        let field = spec.field(name).filter(|field| is_indexed(field))?;
        Some(index_of(field, value))
    })
}

/// The normalised value as the token's input; the pack's types have normalised text already.
fn canonical(value: &Value) -> zeroize::Zeroizing<Vec<u8>> {
    zeroize::Zeroizing::new(match value {
        Value::Text(text) => text.as_bytes().to_vec(),
        Value::Integer(number) => number.to_string().into_bytes(),
        Value::Date(date) => date.to_string().into_bytes(),
        Value::Boolean(yes) => yes.to_string().into_bytes(),
    })
}
