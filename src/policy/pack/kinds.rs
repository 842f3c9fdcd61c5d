//! The types of `pack.toml` and their parameters: what a field or an attribute may hold.

use std::collections::BTreeSet;

use super::{
    document::FieldToml,
    error::{At, Source},
};
use crate::{
    ids::{CollectionName, FieldName},
    limits::FIELD_TEXT_BYTES_MAX,
    policy::value::FieldType,
};

/// The type that a field or an attribute states.
pub(super) fn of(source: &mut Source<'_>, at: &At<FieldToml>) -> Option<FieldType> {
    let toml = &at.value;
    let mut error = |reason: String| {
        source.error(at.line, format!("`{}`: {reason}", toml.name));
        None
    };
    if let Some(reason) = out_of_place(toml) {
        return error(reason);
    }
    match toml.kind.as_str() {
        "name" => Some(FieldType::Name),
        "date" => Some(FieldType::Date),
        "nir" => Some(FieldType::Nir),
        "phone" => Some(FieldType::Phone),
        "email" => Some(FieldType::Email),
        "postcode" => Some(FieldType::Postcode),
        "boolean" => Some(FieldType::Boolean),
        "text" | "note" => match toml.max_bytes {
            Some(max_bytes @ 1..=FIELD_TEXT_BYTES_MAX) if toml.kind == "text" => {
                Some(FieldType::Text { max_bytes })
            }
            Some(max_bytes @ 1..=FIELD_TEXT_BYTES_MAX) => Some(FieldType::Note { max_bytes }),
            _ => error(format!("{} needs max_bytes from 1 to {FIELD_TEXT_BYTES_MAX}", toml.kind)),
        },
        "integer" => match (toml.min, toml.max) {
            (Some(min), Some(max)) if min <= max => Some(FieldType::Integer { min, max }),
            _ => error("integer needs min and max, min first".into()),
        },
        "code" => {
            let values = toml.values.clone().unwrap_or_default();
            let unique: BTreeSet<_> = values.iter().collect();
            // A code has the form of a name: no sentence and nobody's name in capitals fits it.
            let short = values.iter().all(|code| FieldName::parse(code).is_ok());
            if short && !values.is_empty() && unique.len() == values.len() {
                Some(FieldType::Code { values })
            } else {
                error("code needs values: short codes of `a-z0-9_-.`, each once".into())
            }
        }
        "reference" => match toml.to.as_deref().map(CollectionName::parse) {
            Some(Ok(to)) => Some(FieldType::Reference { to }),
            _ => error("reference needs to, the collection whose records it names".into()),
        },
        other => error(format!("unknown type `{other}`")),
    }
}

/// What a type that stands in a class may not be.
pub(super) fn check_field(
    source: &mut Source<'_>,
    at: &At<FieldToml>,
    kind: &FieldType,
    notes: bool,
) {
    let toml = &at.value;
    if matches!(kind, FieldType::Note { .. }) && !notes {
        let class = toml.class.as_deref().unwrap_or_default();
        let reason = format!(
            "field `{}`: class `{class}` takes no notes; say `notes = true` there, or use a code",
            toml.name
        );
        source.error(at.line, reason);
    }
    if matches!(kind, FieldType::Reference { .. }) && toml.search.is_some() {
        let reason =
            format!("field `{}`: a reference is found from its ends, not by a search", toml.name);
        source.error(at.line, reason);
    }
}

/// A parameter that means nothing for the type.
fn out_of_place(toml: &FieldToml) -> Option<String> {
    let kind = toml.kind.as_str();
    let given = [
        (toml.values.is_some(), kind == "code"),
        (toml.min.is_some() || toml.max.is_some(), kind == "integer"),
        (toml.max_bytes.is_some(), matches!(kind, "text" | "note")),
        (toml.to.is_some(), kind == "reference"),
    ];
    let wrong = given.iter().any(|(given, takes)| *given && !takes);
    wrong.then(|| format!("values, min, max, max_bytes or to mean nothing for `{kind}`"))
}
