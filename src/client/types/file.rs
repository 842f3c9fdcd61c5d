//! Records as people and programs write them in JSON files, and their values as the wire wants them.
//!
//! An error names a path and never quotes a value.

use serde::Deserialize;

use super::{Description, NewRecord, Value, ValueKind};
use crate::ids::{FieldName, RequestId, SubjectId};

/// Names and values as JSON has them.
pub type JsonMap = serde_json::Map<String, serde_json::Value>;

/// A record in a JSON file:
/// `{"collection", "collected_on", "subject_id"?, "request_id"?, "attributes"?, "fields"?}`.
/// Values are strings, integers and booleans; a date is a string.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordFile {
    /// The collection.
    pub collection: String,
    /// Civil date.
    pub collected_on: String,
    /// 32 hexadecimal digits.
    #[serde(default)]
    pub subject_id: Option<String>,
    /// 32 hexadecimal digits: makes filing it take effect once.
    #[serde(default)]
    pub request_id: Option<String>,
    /// Non-identifying.
    #[serde(default)]
    pub attributes: JsonMap,
    /// What is sealed.
    #[serde(default)]
    pub fields: JsonMap,
}

/// A value of a record file that cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordFileError {
    /// Neither string, integer nor boolean.
    #[error("{0}: must be a string, an integer or a boolean")]
    Value(String),
    /// Not an id.
    #[error("{0}: must be 32 hexadecimal digits")]
    Id(&'static str),
    /// A line that belongs elsewhere.
    #[error("collection: is not the collection of this import")]
    OtherCollection,
}

/// The same on a line of a file whose collection is known: there `collection` may be left out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordLine {
    #[serde(default)]
    collection: Option<String>,
    collected_on: String,
    #[serde(default)]
    subject_id: Option<String>,
    #[serde(default)]
    request_id: Option<String>,
    #[serde(default)]
    attributes: JsonMap,
    #[serde(default)]
    fields: JsonMap,
}

impl RecordLine {
    /// The record. Errors: [`RecordFileError::OtherCollection`].
    pub fn of(self, collection: &str) -> Result<RecordFile, RecordFileError> {
        if self.collection.is_some_and(|own| own != collection) {
            return Err(RecordFileError::OtherCollection);
        }
        Ok(RecordFile {
            collection: collection.to_owned(),
            collected_on: self.collected_on,
            subject_id: self.subject_id,
            request_id: self.request_id,
            attributes: self.attributes,
            fields: self.fields,
        })
    }
}

impl RecordFile {
    /// The request id, if there is one.
    pub fn request(&self) -> Result<Option<RequestId>, RecordFileError> {
        let id = self.request_id.as_deref().map(RequestId::parse);
        id.transpose().map_err(|_| RecordFileError::Id("request_id"))
    }

    /// The record, with strings turned into dates where the pack wants a date. A name that the pack
    /// does not know is sent as it is, for the vault to refuse.
    pub fn typed(self, description: &Description) -> Result<NewRecord, RecordFileError> {
        let known = description.collection(&self.collection);
        let field = |name: &str| known.and_then(|c| c.field_kind(name));
        let attribute = |name: &str| known.and_then(|c| c.attribute_kind(name));
        let subject = self.subject_id.as_deref().map(SubjectId::parse);
        Ok(NewRecord {
            subject: subject.transpose().map_err(|_| RecordFileError::Id("subject_id"))?,
            attributes: typed_values("attributes", self.attributes, attribute)?,
            fields: typed_values("fields", self.fields, field)?,
            collection: self.collection,
            collected_on: self.collected_on,
        })
    }
}

/// The values of one list of a record, as the wire wants them. `list` begins the paths of errors;
/// `kind` says what the pack wants under a name, `None` where it does not know the name.
pub fn typed_values(
    list: &str,
    given: JsonMap,
    kind: impl Fn(&str) -> Option<ValueKind>,
) -> Result<Vec<(String, Value)>, RecordFileError> {
    let one = |(name, json): (String, serde_json::Value)| {
        // A key that is not spelt like a name may be one of a person.
        let shown = if FieldName::parse(&name).is_ok() { name.as_str() } else { "?" };
        let refused = || RecordFileError::Value(format!("{list}.{shown}"));
        let value = typed_value(json, kind(&name)).ok_or_else(refused)?;
        Ok((name, value))
    };
    given.into_iter().map(one).collect()
}

/// One value as the wire wants it; `None` for what is neither string, integer nor boolean.
#[must_use]
pub fn typed_value(json: serde_json::Value, kind: Option<ValueKind>) -> Option<Value> {
    use serde_json::Value as Json;
    match json {
        Json::String(text) if kind == Some(ValueKind::Date) => Some(Value::Date(text)),
        Json::String(text) => Some(Value::Text(text)),
        Json::Bool(truth) => Some(Value::Boolean(truth)),
        Json::Number(number) => number.as_i64().map(Value::Integer),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::types::{CallerDescription, Collection, FieldDescription, ValueType};

    fn description() -> Description {
        let field = |name: &str, kind| FieldDescription {
            name: name.into(),
            class: "identity".into(),
            value: ValueType {
                kind,
                max_bytes: None,
                collection: None,
                codes: vec![],
                range: None,
            },
            required: false,
            searchable: false,
            mask: String::new(),
        };
        Description {
            pack: "p".into(),
            pack_hash: String::new(),
            end_date: String::new(),
            zone: String::new(),
            purposes: vec![],
            classes: vec![],
            collections: vec![Collection {
                name: "files".into(),
                label: String::new(),
                period: "P3M".into(),
                class_periods: vec![],
                fields: vec![field("born", ValueKind::Date), field("name", ValueKind::Name)],
                attributes: vec![],
            }],
            abilities: vec![],
            caller: CallerDescription {
                agent: String::new(),
                role: String::new(),
                unit: None,
                territory: None,
            },
        }
    }

    fn typed(text: &str) -> Result<NewRecord, RecordFileError> {
        serde_json::from_str::<RecordFile>(text).unwrap().typed(&description())
    }

    #[test]
    fn a_string_becomes_a_date_exactly_where_the_pack_wants_one() {
        let text = r#"{"collection": "files", "collected_on": "2020-11-23",
            "fields": {"born": "1970-01-01", "name": "1970-01-01", "n": 5, "b": true}}"#;
        let record = typed(text).unwrap();
        let value = |name: &str| &record.fields.iter().find(|(n, _)| n == name).unwrap().1;
        assert!(*value("born") == Value::Date("1970-01-01".into()));
        assert!(*value("name") == Value::Text("1970-01-01".into()));
        assert!(*value("n") == Value::Integer(5));
        assert!(*value("b") == Value::Boolean(true));
    }

    #[test]
    fn a_value_of_another_shape_is_refused_by_its_path_and_never_quoted() {
        let refused = |fields: &str| {
            let text = format!(
                r#"{{"collection": "files", "collected_on": "2020-11-23", "fields": {fields}}}"#
            );
            typed(&text).err().unwrap().to_string()
        };
        assert!(refused(r#"{"name": ["SECRET"]}"#).starts_with("fields.name: "));
        let strange = refused(r#"{"Mrs SECRET": 1.5}"#);
        assert!(!strange.contains("SECRET") && strange.starts_with("fields.?"), "{strange}");
    }

    #[test]
    fn an_id_that_is_none_is_refused_and_one_that_is_reads() {
        let with = |key: &str, id: &str| {
            let text = format!(r#"{{"collection": "c", "collected_on": "d", "{key}": "{id}"}}"#);
            let file: RecordFile = serde_json::from_str(&text).unwrap();
            (file.request().map(|id| id.is_some()), file.typed(&description()).map(drop))
        };
        let good = "00112233445566778899aabbccddeeff";
        assert_eq!(with("request_id", good).0, Ok(true));
        assert_eq!(with("request_id", "x").0, Err(RecordFileError::Id("request_id")));
        assert_eq!(with("subject_id", good), (Ok(false), Ok(())));
        assert_eq!(with("subject_id", "x").1, Err(RecordFileError::Id("subject_id")));
    }

    #[test]
    fn a_line_takes_the_collection_it_is_read_for_and_refuses_another() {
        let line = |text: &str| {
            let line: RecordLine = serde_json::from_str(text).unwrap();
            line.of("files").map(|file| file.collection)
        };
        assert_eq!(line(r#"{"collected_on": "d"}"#), Ok("files".to_owned()));
        assert!(line(r#"{"collected_on": "d", "collection": "files"}"#).is_ok());
        let other = line(r#"{"collected_on": "d", "collection": "notes"}"#);
        assert_eq!(other, Err(RecordFileError::OtherCollection));
    }
}
