//! Collections of links: what has two ends in other records, named by two fields of type `reference`.
//!
//! A link names records by id, so it must name exactly two, always both, in collections that are no
//! links themselves, and in sections that live as long as the link does.

use std::collections::BTreeMap;

use super::{
    error::Source,
    spec::{AttributeSpec, CollectionSpec, FieldSpec},
};
use crate::{ids::CollectionName, policy::value::FieldType};

/// Checks every collection of links; `lines` says where each collection stands.
pub(super) fn check(source: &mut Source<'_>, specs: &[CollectionSpec], lines: &[usize]) {
    let mut types: BTreeMap<String, (&CollectionSpec, u8)> = BTreeMap::new();
    for (spec, line) in specs.iter().zip(lines).filter(|(spec, _)| spec.is_link()) {
        let ends: Vec<(&FieldSpec, &CollectionName)> = spec.ends().collect();
        if ends.len() != 2 {
            let reason = format!(
                "`{}` has {} fields of type `reference`; a link has two, one for each end",
                spec.name,
                ends.len()
            );
            source.error(*line, reason);
        }
        for (field, to) in ends {
            end(source, *line, (spec, field, to), specs);
        }
        for attribute in &spec.attributes {
            let shape = shape(spec, attribute);
            let other = types.entry(attribute.name.to_string()).or_insert((spec, shape));
            if other.1 != shape {
                let reason = format!(
                    "attribute `{}` is of another type in `{}`; policies see links of both alike",
                    attribute.name, other.0.name
                );
                source.error(*line, reason);
            }
        }
    }
}

fn end(
    source: &mut Source<'_>,
    line: usize,
    (spec, field, to): (&CollectionSpec, &FieldSpec, &CollectionName),
    specs: &[CollectionSpec],
) {
    let name = &field.name;
    if !field.required {
        source
            .error(line, format!("reference `{name}` must be required: a link has both its ends"));
    }
    match specs.iter().find(|other| &other.name == to) {
        None => source.error(line, format!("reference `{name}`: unknown collection `{to}`")),
        Some(other) if other.is_link() => {
            source.error(line, format!("reference `{name}`: `{to}` holds links itself"));
        }
        Some(_) => {}
    }
    if spec.class_periods.iter().any(|(class, _)| class == &field.class) {
        let reason = format!(
            "class `{}` holds the reference `{name}` and must live as long as its record",
            field.class
        );
        source.error(line, reason);
    }
}

/// How policies see an attribute: two of one name must look alike.
fn shape(spec: &CollectionSpec, attribute: &AttributeSpec) -> u8 {
    match attribute.kind {
        _ if spec.territory_attribute.as_ref() == Some(&attribute.name) => 0,
        _ if spec.unit_attribute.as_ref() == Some(&attribute.name) => 1,
        FieldType::Boolean => 2,
        FieldType::Date | FieldType::Integer { .. } => 3,
        _ => 4,
    }
}
