//! Field values: what each type accepts, and its one normal form.
//!
//! A type refuses with a fixed sentence that says what it wants and never what it got. Two texts
//! that mean the same value have the same normal form, so that equality and blind-index tokens work.

mod nir;
mod phone;
mod text;

#[cfg(test)]
mod tests;

use chrono::{Datelike, NaiveDate};

use crate::ids::{CollectionName, RecordId};

pub use nir::nir_key;

/// A field or attribute value. No `Debug`: text may be personal.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    /// Text in the normal form of its type.
    Text(String),
    /// A bounded whole number.
    Integer(i64),
    /// A civil date.
    Date(NaiveDate),
    /// Yes or no.
    Boolean(bool),
}

/// Status of one field in an answer (DESIGN section 7). Denied is never confused with empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldStatus {
    /// The whole value.
    Value,
    /// What the mask leaves.
    Masked,
    /// The policy refuses it.
    Denied,
    /// Permitted, and there is none.
    Absent,
    /// Its class has reached its own retention date.
    Expired,
}

/// What a field may hold. Attributes are limited to those that [`FieldType::is_plain`] accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldType {
    /// Free text of at most so many bytes of UTF-8, one line.
    Text {
        /// At most `limits::FIELD_TEXT_BYTES_MAX`.
        max_bytes: usize,
    },
    /// Free text of at most so many bytes of UTF-8, lines allowed. Only in a class that takes notes.
    Note {
        /// At most `limits::FIELD_TEXT_BYTES_MAX`.
        max_bytes: usize,
    },
    /// The id of a record of another collection: one end of a link.
    Reference {
        /// The collection it points into.
        to: CollectionName,
    },
    /// A person's name: letters, marks, space, hyphen, apostrophe, full stop.
    Name,
    /// A civil date, 1850 to 2199.
    Date,
    /// A French NIR of 15 characters with a right key.
    Nir,
    /// A telephone number, normalised to E.164.
    Phone,
    /// An e-mail address in ASCII.
    Email,
    /// A French postcode of five digits.
    Postcode,
    /// One of a closed list of codes.
    Code {
        /// The list, in the pack's order.
        values: Vec<String>,
    },
    /// A whole number within bounds, both inclusive.
    Integer {
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
    },
    /// Yes or no.
    Boolean,
}

/// A refused value: where and why, never what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// `fields.<name>` or `attributes.<name>`.
    pub path: String,
    /// A fixed sentence.
    pub reason: String,
}

const YEARS: std::ops::RangeInclusive<i32> = 1850..=2199;

impl FieldType {
    /// Checks a value and brings it to its normal form. Dates are accepted as text `YYYY-MM-DD`.
    /// Errors: a fixed sentence that says what the type wants.
    pub fn normalise(&self, value: Value) -> Result<Value, &'static str> {
        let text = |accept: fn(&str) -> Result<String, &'static str>, value: Value| match value {
            Value::Text(text) => accept(&text).map(Value::Text),
            _ => Err("must be text"),
        };
        match self {
            Self::Text { max_bytes } => match value {
                Value::Text(t) => text::line(&t, *max_bytes).map(Value::Text),
                _ => Err("must be text"),
            },
            Self::Note { max_bytes } => match value {
                Value::Text(t) => text::note(&t, *max_bytes).map(Value::Text),
                _ => Err("must be text"),
            },
            Self::Reference { .. } => text(reference, value),
            Self::Name => text(text::name, value),
            Self::Nir => text(nir::normalise, value),
            Self::Phone => text(phone::normalise, value),
            Self::Email => text(text::email, value),
            Self::Postcode => text(text::postcode, value),
            Self::Date => date(value),
            Self::Code { values } => match value {
                Value::Text(code) if values.contains(&code) => Ok(Value::Text(code)),
                _ => Err("must be one of the codes of the pack's list"),
            },
            Self::Integer { min, max } => match value {
                Value::Integer(n) if (*min..=*max).contains(&n) => Ok(Value::Integer(n)),
                _ => Err("must be a whole number within its bounds"),
            },
            Self::Boolean => match value {
                Value::Boolean(b) => Ok(Value::Boolean(b)),
                _ => Err("must be true or false"),
            },
        }
    }

    /// Whether it is fit for an attribute: it cannot hold a name, a contact or free text.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        match self {
            Self::Date | Self::Code { .. } | Self::Integer { .. } | Self::Boolean => true,
            Self::Text { .. }
            | Self::Note { .. }
            | Self::Reference { .. }
            | Self::Name
            | Self::Nir
            | Self::Phone
            | Self::Email
            | Self::Postcode => false,
        }
    }

    /// The type's word in `pack.toml` and in Describe.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Text { .. } => "text",
            Self::Note { .. } => "note",
            Self::Reference { .. } => "reference",
            Self::Name => "name",
            Self::Date => "date",
            Self::Nir => "nir",
            Self::Phone => "phone",
            Self::Email => "email",
            Self::Postcode => "postcode",
            Self::Code { .. } => "code",
            Self::Integer { .. } => "integer",
            Self::Boolean => "boolean",
        }
    }
}

/// The 32 hexadecimal digits of a record's id, in lower case.
fn reference(text: &str) -> Result<String, &'static str> {
    let id = RecordId::parse(text).map_err(|_| "must be the id of a record")?;
    Ok(id.to_string())
}

fn date(value: Value) -> Result<Value, &'static str> {
    const WANTED: &str = "must be a date YYYY-MM-DD between 1850 and 2199";
    let date = match value {
        Value::Date(date) => date,
        // chrono also reads `2020-1-2`; one form is enough.
        Value::Text(text) if text.len() == 10 => text.parse().map_err(|_| WANTED)?,
        _ => return Err(WANTED),
    };
    if YEARS.contains(&date.year()) { Ok(Value::Date(date)) } else { Err(WANTED) }
}
