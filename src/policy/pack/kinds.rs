//! The types of `pack.toml` and their parameters: what a field or an attribute may hold.

use std::collections::BTreeSet;

use super::{
    document::FieldToml,
    error::{At, Source},
};
use crate::{
    ids::{CollectionName, FieldName},
    limits::{
        ATTRIBUTE_CODE_BYTES_MAX, ATTRIBUTE_CODE_DIGITS_MAX, ATTRIBUTE_CODE_WORDS_MAX,
        ATTRIBUTE_CODES_MAX, ATTRIBUTE_NUMBERS_MAX, FIELD_TEXT_BYTES_MAX, LINE_BYTES_MAX,
    },
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
    if matches!(kind, FieldType::Text { max_bytes } if *max_bytes > LINE_BYTES_MAX) && !notes {
        let reason = format!(
            "field `{}`: a text of more than {LINE_BYTES_MAX} bytes is a note, and its class takes none",
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

/// Why an attribute of this type could hold a name, a number, an address or free text. What is plain by
/// its type is looked at again by what it can spell: many codes are a register, a long one is a sentence.
pub(super) fn smuggles(kind: &FieldType) -> Option<String> {
    let FieldType::Code { values } = kind else {
        return (!kind.is_plain()).then(|| {
            format!(
                "type `{}` could hold a name or free text; attributes are codes, dates, bounded \
                 numbers and booleans",
                kind.word()
            )
        });
    };
    let count = |code: &str, what: fn(u8) -> bool| code.bytes().filter(|byte| what(*byte)).count();
    if values.len() > ATTRIBUTE_CODES_MAX {
        return Some(format!(
            "{} codes could be a list of persons or places; at most {ATTRIBUTE_CODES_MAX} are a category",
            values.len()
        ));
    }
    values.iter().find_map(|code| {
        let words = code.split(['_', '-', '.']).filter(|word| !word.is_empty()).count();
        if code.len() > ATTRIBUTE_CODE_BYTES_MAX || words > ATTRIBUTE_CODE_WORDS_MAX {
            return Some(format!(
                "code `{code}` could be a sentence; at most {ATTRIBUTE_CODE_BYTES_MAX} bytes and \
                 {ATTRIBUTE_CODE_WORDS_MAX} words are a code"
            ));
        }
        (count(code, |byte| byte.is_ascii_digit()) > ATTRIBUTE_CODE_DIGITS_MAX).then(|| {
            format!(
                "code `{code}` could be somebody's number; at most {ATTRIBUTE_CODE_DIGITS_MAX} \
                 digits are a code"
            )
        })
    })
}

/// Why the whole-number attributes of a collection could hold somebody's number between them.
pub(super) fn numbers_smuggle<'a>(kinds: impl Iterator<Item = &'a FieldType>) -> Option<String> {
    let spans = kinds.filter_map(|kind| match kind {
        FieldType::Integer { min, max } => {
            Some((i128::from(*max) - i128::from(*min)).unsigned_abs())
        }
        _ => None,
    });
    let together = spans.fold(1, |all: u128, span| all.saturating_mul(span.saturating_add(1)));
    (together > ATTRIBUTE_NUMBERS_MAX).then(|| {
        format!(
            "its whole-number attributes together could hold a telephone number; bound them so that \
             at most {ATTRIBUTE_NUMBERS_MAX} combinations are left"
        )
    })
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
