//! `Check`: collects every refused field of a request, so that a caller mends them in one go.

use chrono::NaiveDate;

use crate::{
    clock::Timestamp,
    ids::{FieldName, IdError},
    limits,
    policy::{Value, Violation},
    vault::VaultError,
    wire::api,
};

/// The fields refused so far.
#[derive(Default)]
pub(super) struct Check {
    violations: Vec<Violation>,
}

impl Check {
    /// Notes a refused field.
    pub(super) fn refuse(&mut self, path: impl Into<String>, reason: impl Into<String>) {
        self.violations.push(Violation { path: path.into(), reason: reason.into() });
    }

    /// The error that lists everything refused.
    pub(super) fn refused(self) -> VaultError {
        VaultError::Invalid(self.violations)
    }

    /// `Ok` if nothing was refused.
    pub(super) fn done(self) -> Result<(), VaultError> {
        if self.violations.is_empty() { Ok(()) } else { Err(self.refused()) }
    }

    /// A needed id.
    pub(super) fn id<T>(
        &mut self,
        path: &str,
        bytes: &[u8],
        read: fn(&[u8]) -> Result<T, IdError>,
    ) -> Option<T> {
        read(bytes).map_err(|e| self.refuse(path, e.to_string())).ok()
    }

    /// An id that may be left empty.
    pub(super) fn optional_id<T>(
        &mut self,
        path: &str,
        bytes: &[u8],
        read: fn(&[u8]) -> Result<T, IdError>,
    ) -> Option<T> {
        if bytes.is_empty() { None } else { self.id(path, bytes, read) }
    }

    /// Ids named one by one: at least one, none twice.
    pub(super) fn ids<T: PartialEq>(
        &mut self,
        list: &str,
        given: &[Vec<u8>],
        read: fn(&[u8]) -> Result<T, IdError>,
    ) -> Vec<T> {
        let mut ids = Vec::with_capacity(given.len());
        for (position, bytes) in given.iter().enumerate() {
            let path = format!("{list}[{position}]");
            let Some(id) = self.id(&path, bytes, read) else { continue };
            if ids.contains(&id) {
                self.refuse(path, "is given twice");
            } else {
                ids.push(id);
            }
        }
        if given.is_empty() {
            self.refuse(list, "name at least one");
        }
        ids
    }

    /// A needed name.
    pub(super) fn name<T>(
        &mut self,
        path: &str,
        text: &str,
        read: fn(&str) -> Result<T, IdError>,
    ) -> Option<T> {
        read(text).map_err(|e| self.refuse(path, e.to_string())).ok()
    }

    /// A name that may be left empty.
    pub(super) fn optional_name<T>(
        &mut self,
        path: &str,
        text: &str,
        read: fn(&str) -> Result<T, IdError>,
    ) -> Option<T> {
        if text.is_empty() { None } else { self.name(path, text, read) }
    }

    /// A needed civil date, exactly `YYYY-MM-DD`.
    pub(super) fn date(&mut self, path: &str, text: &str) -> Option<NaiveDate> {
        let date = read_date(text);
        if date.is_none() {
            self.refuse(path, "is a civil date, written as YYYY-MM-DD");
        }
        date
    }

    /// A civil date that may be left empty.
    pub(super) fn optional_date(&mut self, path: &str, text: &str) -> Option<NaiveDate> {
        if text.is_empty() { None } else { self.date(path, text) }
    }

    /// Text of 1 to `limits::LABEL_BYTES_MAX` bytes without control characters.
    pub(super) fn label(&mut self, path: &str, text: String) -> Option<String> {
        let fits = (1..=limits::LABEL_BYTES_MAX).contains(&text.len());
        if fits && !text.chars().any(char::is_control) {
            return Some(text);
        }
        self.refuse(path, format!("is 1 to {} bytes on one line", limits::LABEL_BYTES_MAX));
        None
    }

    /// The same, or empty.
    pub(super) fn optional_label(&mut self, path: &str, text: String) -> Option<String> {
        if text.is_empty() { None } else { self.label(path, text) }
    }

    /// A value that must be there.
    pub(super) fn value(&mut self, path: &str, value: Option<api::Value>) -> Option<Value> {
        use api::value::Kind;
        let Some(kind) = value.and_then(|v| v.kind) else {
            self.refuse(path, "a value is needed: text, integer, date or boolean");
            return None;
        };
        match kind {
            Kind::Text(text) if text.len() > limits::FIELD_TEXT_BYTES_MAX => {
                self.refuse(path, format!("is at most {} bytes", limits::FIELD_TEXT_BYTES_MAX));
                None
            }
            Kind::Text(text) => Some(Value::Text(text)),
            Kind::Integer(number) => Some(Value::Integer(number)),
            Kind::Date(text) => self.date(path, &text).map(Value::Date),
            Kind::Boolean(truth) => Some(Value::Boolean(truth)),
        }
    }

    /// Names with what belongs to them, each name once. `None` entries were refused and noted.
    pub(super) fn named<T, U>(
        &mut self,
        list: &str,
        given: Vec<T>,
        mut read: impl FnMut(&mut Self, &str, T) -> (String, Option<U>),
    ) -> Vec<(FieldName, U)> {
        let mut out: Vec<(FieldName, U)> = Vec::with_capacity(given.len());
        for (position, item) in given.into_iter().enumerate() {
            let path = format!("{list}[{position}]");
            let (name, value) = read(self, &format!("{path}.value"), item);
            let name_path = format!("{path}.name");
            let Some(name) = self.name(&name_path, &name, FieldName::parse) else { continue };
            if out.iter().any(|(other, _)| *other == name) {
                self.refuse(name_path, "is given twice");
            } else if let Some(value) = value {
                out.push((name, value));
            }
        }
        out
    }
}

/// The page's size, or the default for 0; above `limit` an error that names the bound.
pub(super) fn page_size(asked: u32, limit: usize) -> Result<usize, VaultError> {
    match usize::try_from(asked).unwrap_or(usize::MAX) {
        0 => Ok(limits::PAGE_DEFAULT),
        n if n <= limit => Ok(n),
        _ => Err(VaultError::TooMany { what: "entries on a page", limit }),
    }
}

/// At most so many; the error names the bound.
pub(super) fn at_most<T>(list: &[T], limit: usize, what: &'static str) -> Result<(), VaultError> {
    if list.len() > limit { Err(VaultError::TooMany { what, limit }) } else { Ok(()) }
}

/// An instant where 0 means none.
pub(super) fn optional_time(millis: i64) -> Option<Timestamp> {
    (millis != 0).then_some(Timestamp::from_millis(millis))
}

fn read_date(text: &str) -> Option<NaiveDate> {
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    // chrono also reads "2020-1-3"; a stored or signed date has one spelling only.
    (date.to_string() == text).then_some(date)
}
