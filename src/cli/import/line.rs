//! One line of an import: where it is, and the record on it or what is wrong with it.
//!
//! A fault names a path and a kind of fault and never quotes a value.

use crate::{
    client::types::{Collection, Description, ItemRefusal, NewRecord, RecordFileError},
    ids::RequestId,
};

/// Reason of a line that is no record at all. The vault never saw it.
pub(super) const BAD_LINE: &str = "BAD_LINE";

/// One line.
pub(super) struct Line {
    /// From 1; of a record that runs over several lines, the first.
    pub(super) number: u64,
    /// Its length in bytes.
    pub(super) bytes: usize,
    /// Where it ends in the file, in bytes.
    pub(super) end: u64,
    /// What it says.
    pub(super) content: Result<Parsed, ItemRefusal>,
}

/// A record as its line gives it.
pub(super) struct Parsed {
    pub(super) request: Option<RequestId>,
    pub(super) record: NewRecord,
}

/// What lines are read for.
pub(super) struct Target {
    pub(super) description: Description,
    pub(super) collection: Collection,
}

/// Lines one after another.
pub(super) trait Lines: Send {
    /// The next line; `None` after the last. An error ends the reading.
    fn next_line(&mut self) -> Option<Result<Line, super::Failure>>;
}

/// A line that is no record.
pub(super) fn bad(message: impl Into<String>) -> ItemRefusal {
    ItemRefusal { reason: BAD_LINE.to_owned(), message: message.into(), violations: Vec::new() }
}

/// A line with one wrong part, said as the vault would say it.
pub(super) fn invalid(path: impl Into<String>, description: impl Into<String>) -> ItemRefusal {
    ItemRefusal {
        reason: "INVALID_FIELDS".to_owned(),
        message: String::new(),
        violations: vec![(path.into(), description.into())],
    }
}

impl From<RecordFileError> for ItemRefusal {
    fn from(error: RecordFileError) -> Self {
        let text = error.to_string();
        match text.split_once(": ") {
            Some((path, why)) => invalid(path, why),
            None => bad(text),
        }
    }
}

/// The violation's path with the name of the field it is about, where it gives a number:
/// `fields[3].value` is about the fourth field of the record as it was sent.
pub(super) fn named_path(path: &str, record: &NewRecord) -> String {
    let numbered = |list: &str, values: &[(String, crate::client::types::Value)]| {
        let (index, _) = path.strip_prefix(list)?.strip_prefix('[')?.split_once(']')?;
        let (name, _) = values.get(index.parse::<usize>().ok()?)?;
        let name = crate::cli::json::quoted(name)?;
        Some(format!("{list}.{name}"))
    };
    numbered("fields", &record.fields)
        .or_else(|| numbered("attributes", &record.attributes))
        .unwrap_or_else(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::types::Value;

    #[test]
    fn a_numbered_path_gets_the_name_of_its_field_and_any_other_stays() {
        let text = |name: &str| (name.to_owned(), Value::Text("SECRET".into()));
        let record = NewRecord {
            collection: "files".into(),
            subject: None,
            collected_on: "2020-11-23".into(),
            attributes: vec![text("state")],
            fields: vec![text("surname"), text("Mrs SECRET")],
        };
        assert_eq!(named_path("fields[0].value", &record), "fields.surname");
        assert_eq!(named_path("attributes[0].name", &record), "attributes.state");
        for other in ["fields[1].value", "fields[7].value", "fields.surname", "collected_on", ""] {
            assert_eq!(named_path(other, &record), other);
        }
    }

    #[test]
    fn a_fault_of_a_file_keeps_its_path_apart_from_its_sentence() {
        let refusal = ItemRefusal::from(RecordFileError::Value("fields.name".into()));
        assert_eq!(refusal.reason, "INVALID_FIELDS");
        assert_eq!(refusal.violations[0].0, "fields.name");
        assert!(refusal.violations[0].1.starts_with("must be"));
    }
}
