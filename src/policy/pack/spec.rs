//! What a collection is made of, and the check of a record against it.
//!
//! The schema is closed: an unknown or repeated name is a violation, and so is a missing required
//! one when the record is complete. A violation names the field and what it wants, never the value.

use std::collections::BTreeSet;

use crate::{
    ids::{ClassName, CollectionName, FieldName},
    policy::{
        mask::Mask,
        period::Period,
        value::{FieldType, Value, Violation},
    },
};

/// A field of a collection: one value, sealed in the section of its class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldSpec {
    /// Unique among the collection's fields and attributes.
    pub name: FieldName,
    /// The class it belongs to: who may see one field of a class may see all of them.
    pub class: ClassName,
    /// What it may hold.
    pub kind: FieldType,
    /// A complete record has it.
    pub required: bool,
    /// Exact search by blind index.
    pub searchable: bool,
    /// What is shown where the class is only masked.
    pub mask: Mask,
}

/// An attribute of a collection: non-identifying, sealed in the head, known to the policies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributeSpec {
    /// Unique among the collection's fields and attributes.
    pub name: FieldName,
    /// A code, date, bounded number or boolean.
    pub kind: FieldType,
    /// A complete record has it.
    pub required: bool,
}

/// A collection of the pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectionSpec {
    /// Its name.
    pub name: CollectionName,
    /// For people.
    pub label: String,
    /// In the pack's order.
    pub fields: Vec<FieldSpec>,
    /// In the pack's order.
    pub attributes: Vec<AttributeSpec>,
    /// The classes of its fields, in order of first use. `attributes` is not among them.
    pub classes: Vec<ClassName>,
    /// How long a record is kept, from `clock`.
    pub period: Period,
    /// The retention clock: `collected_on`.
    pub clock: String,
    /// Classes kept shorter than the record, sorted by class.
    pub class_periods: Vec<(ClassName, Period)>,
    /// The attribute that holds the record's territory, if any.
    pub territory_attribute: Option<FieldName>,
    /// The attribute that holds the record's unit, if any.
    pub unit_attribute: Option<FieldName>,
}

// === impl CollectionSpec ===

impl CollectionSpec {
    /// The period of one class: its own, else the record's.
    #[must_use]
    pub fn period_of(&self, class: &ClassName) -> Period {
        let own = self.class_periods.iter().find(|(name, _)| name == class);
        own.map_or(self.period, |(_, period)| *period)
    }

    /// Whether its records are links: what has two ends in other records.
    #[must_use]
    pub fn is_link(&self) -> bool {
        self.ends().next().is_some()
    }

    /// The fields that name a link's ends, each with the collection it points into.
    pub fn ends(&self) -> impl Iterator<Item = (&FieldSpec, &CollectionName)> {
        self.fields.iter().filter_map(|field| match &field.kind {
            FieldType::Reference { to } => Some((field, to)),
            _ => None,
        })
    }

    /// The field with this name.
    #[must_use]
    pub fn field(&self, name: &FieldName) -> Option<&FieldSpec> {
        self.fields.iter().find(|field| &field.name == name)
    }

    /// The attribute with this name.
    #[must_use]
    pub fn attribute(&self, name: &FieldName) -> Option<&AttributeSpec> {
        self.attributes.iter().find(|attribute| &attribute.name == name)
    }

    /// Normalises attributes, sorted by name; `complete` = all required ones must be there.
    pub fn check_attributes(
        &self,
        given: Vec<(FieldName, Value)>,
        complete: bool,
    ) -> Result<Vec<(FieldName, Value)>, Vec<Violation>> {
        let specs = self.attributes.iter().map(|a| (&a.name, &a.kind, a.required)).collect();
        check("attributes", specs, given, complete)
    }

    /// Normalises fields, sorted by name; `complete` = all required ones must be there.
    pub fn check_fields(
        &self,
        given: Vec<(FieldName, Value)>,
        complete: bool,
    ) -> Result<Vec<(FieldName, Value)>, Vec<Violation>> {
        let specs = self.fields.iter().map(|f| (&f.name, &f.kind, f.required)).collect();
        check("fields", specs, given, complete)
    }
}

fn check(
    part: &str,
    specs: Vec<(&FieldName, &FieldType, bool)>,
    given: Vec<(FieldName, Value)>,
    complete: bool,
) -> Result<Vec<(FieldName, Value)>, Vec<Violation>> {
    let violation = |name: &FieldName, reason: &str| Violation {
        path: format!("{part}.{name}"),
        reason: reason.into(),
    };
    let (mut checked, mut violations, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
    for (name, value) in given {
        let spec = specs.iter().find(|(known, ..)| **known == name);
        if !seen.insert(name.clone()) {
            violations.push(violation(&name, "is given twice"));
            continue;
        }
        match spec.map(|(_, kind, _)| kind.normalise(value)) {
            Some(Ok(value)) => checked.push((name, value)),
            Some(Err(reason)) => violations.push(violation(&name, reason)),
            None => violations.push(violation(&name, "is not part of this collection")),
        }
    }
    for (name, _, required) in specs {
        if complete && required && !seen.contains(name) {
            violations.push(violation(name, "is required"));
        }
    }
    checked.sort_by(|a, b| a.0.cmp(&b.0));
    if violations.is_empty() { Ok(checked) } else { Err(violations) }
}
