//! Types of `Records`.

use serde::{Deserialize, Serialize};

use super::{text, texts};
use crate::ids::{EventId, RecordId, RequestId, SubjectId};

/// What every data call states.
#[derive(Clone, Default)]
pub struct Intent {
    /// One of the pack's closed list.
    pub purpose: String,
    /// Why; at most 500 bytes.
    pub justification: Option<String>,
    /// Makes a write take effect once.
    pub request: Option<RequestId>,
}

impl Intent {
    /// This purpose, without a justification or a request id.
    #[must_use]
    pub fn of(purpose: &str) -> Self {
        Self { purpose: purpose.to_owned(), ..Self::default() }
    }
}

/// One value. A date is text, `YYYY-MM-DD`.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// UTF-8 text.
    Text(String),
    /// A number.
    Integer(i64),
    /// A civil date.
    Date(String),
    /// True or false.
    Boolean(bool),
}

/// A record to be filed.
#[derive(Clone)]
pub struct NewRecord {
    /// The collection.
    pub collection: String,
    /// The person, if the caller knows her id already.
    pub subject: Option<SubjectId>,
    /// Civil date, `YYYY-MM-DD`.
    pub collected_on: String,
    /// Non-identifying.
    pub attributes: Vec<(String, Value)>,
    /// What is sealed by class.
    pub fields: Vec<(String, Value)>,
}

/// A filed record.
#[derive(Debug, Clone, Serialize)]
pub struct Created {
    /// Its id.
    #[serde(serialize_with = "text")]
    pub record: RecordId,
    /// The person's id.
    #[serde(serialize_with = "text")]
    pub subject: SubjectId,
    /// For the next update.
    pub version: u32,
    /// From 00:00 of this date on it is unreadable.
    pub expires_on: String,
}

/// What an answer says about one field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum FieldStatus {
    /// The whole value.
    Value,
    /// Part of it.
    Masked,
    /// May not be seen.
    Denied,
    /// There is none.
    Absent,
    /// The class's own period ended.
    Expired,
}

impl FieldStatus {
    /// As the contract writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Value => "VALUE",
            Self::Masked => "MASKED",
            Self::Denied => "DENIED",
            Self::Absent => "ABSENT",
            Self::Expired => "EXPIRED",
        }
    }
}

/// One field of an answer.
#[derive(Clone, Serialize)]
pub struct Field {
    /// The class asked for.
    pub class: String,
    /// The field.
    pub field: String,
    /// What may be seen of it.
    pub status: FieldStatus,
    /// What is seen of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// Ids of the policies that decided.
    pub policies: Vec<String>,
}

/// An answer to Reveal.
#[derive(Clone, Serialize)]
pub struct Revealed {
    /// The record.
    #[serde(serialize_with = "text")]
    pub record: RecordId,
    /// Its collection.
    pub collection: String,
    /// For the next update.
    pub version: u32,
    /// From 00:00 of this date on it is unreadable.
    pub expires_on: String,
    /// Every field of every class asked.
    pub fields: Vec<Field>,
    /// The audit event of this answer.
    #[serde(serialize_with = "text")]
    pub event: EventId,
}

impl Revealed {
    /// One field of the answer.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|f| f.field == name)
    }
}

/// Changes of one record; `None` clears.
#[derive(Clone)]
pub struct Change {
    /// The record.
    pub record: RecordId,
    /// The version read last.
    pub expected_version: u32,
    /// New attributes.
    pub attributes: Vec<(String, Option<Value>)>,
    /// New fields.
    pub fields: Vec<(String, Option<Value>)>,
}

/// To whom a record is assigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Assignee {
    /// An agent.
    Agent(String),
    /// A unit's queue.
    Unit(String),
}

/// How values of a field must look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ValueKind {
    /// Any kind of text: names, codes, numbers of telephones ...
    Text,
    /// A civil date.
    Date,
    /// A number.
    Integer,
    /// True or false.
    Boolean,
}

/// What the pack says about one collection.
#[derive(Debug, Clone, Serialize)]
pub struct Collection {
    /// Its name.
    pub name: String,
    /// ISO 8601 period from the collection date.
    pub period: String,
    /// Fields: name, class, kind.
    pub fields: Vec<FieldDescription>,
    /// Attributes: name, kind.
    pub attributes: Vec<AttributeDescription>,
}

/// One field of a collection.
#[derive(Debug, Clone, Serialize)]
pub struct FieldDescription {
    /// Its name.
    pub name: String,
    /// The class it belongs to.
    pub class: String,
    /// The kind of its values.
    pub kind: ValueKind,
    /// Whether a record must have it.
    pub required: bool,
}

/// One attribute of a collection.
#[derive(Debug, Clone, Serialize)]
pub struct AttributeDescription {
    /// Its name.
    pub name: String,
    /// The kind of its values.
    pub kind: ValueKind,
    /// Whether a record must have it.
    pub required: bool,
}

/// The pack, as this caller sees it.
#[derive(Debug, Clone, Serialize)]
pub struct Description {
    /// The pack's name.
    pub pack: String,
    /// SHA-256, hexadecimal.
    pub pack_hash: String,
    /// From 00:00 of this date on nothing is readable.
    pub end_date: String,
    /// The pack's zone.
    pub zone: String,
    /// Purposes with their descriptions.
    pub purposes: Vec<(String, String)>,
    /// Collections.
    pub collections: Vec<Collection>,
    /// What some policy could allow this caller: collection, class, verbs.
    pub abilities: Vec<(String, String, Vec<String>)>,
}

/// A record in a JSON file: `{"collection", "collected_on", "subject_id"?, "request_id"?, "attributes",
/// "fields"}`.
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
    /// 32 hexadecimal digits: filing the same line again takes effect once.
    #[serde(default)]
    pub request_id: Option<String>,
    /// Non-identifying.
    #[serde(default)]
    pub attributes: serde_json::Map<String, serde_json::Value>,
    /// What is sealed.
    #[serde(default)]
    pub fields: serde_json::Map<String, serde_json::Value>,
}

/// A value of a record file that cannot be sent.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordFileError {
    /// Neither string, integer nor boolean.
    #[error("{0}: must be a string, an integer or a boolean")]
    Value(String),
    /// Not an id.
    #[error("subject_id: must be 32 hexadecimal digits")]
    Subject,
    /// Not an id.
    #[error("request_id: must be 32 hexadecimal digits")]
    Request,
}

impl RecordFile {
    /// The request id of the line, where it has one.
    pub fn request(&self) -> Result<Option<RequestId>, RecordFileError> {
        let request = self.request_id.as_deref().map(RequestId::parse);
        request.transpose().map_err(|_| RecordFileError::Request)
    }

    /// The record, with strings turned into dates where the pack wants a date. A name that the pack
    /// does not know is sent as it is, for the vault to refuse.
    pub fn typed(self, description: &Description) -> Result<NewRecord, RecordFileError> {
        let known = description.collections.iter().find(|c| c.name == self.collection);
        let field = |name: &str| {
            known.and_then(|c| c.fields.iter().find(|f| f.name == name)).map(|f| f.kind)
        };
        let attribute = |name: &str| {
            known.and_then(|c| c.attributes.iter().find(|a| a.name == name)).map(|a| a.kind)
        };
        let subject = self.subject_id.as_deref().map(SubjectId::parse);
        Ok(NewRecord {
            subject: subject.transpose().map_err(|_| RecordFileError::Subject)?,
            attributes: values("attributes", self.attributes, attribute)?,
            fields: values("fields", self.fields, field)?,
            collection: self.collection,
            collected_on: self.collected_on,
        })
    }
}

fn values(
    list: &str,
    given: serde_json::Map<String, serde_json::Value>,
    kind: impl Fn(&str) -> Option<ValueKind>,
) -> Result<Vec<(String, Value)>, RecordFileError> {
    use serde_json::Value as Json;
    let one = |(name, json): (String, Json)| {
        let refused = || RecordFileError::Value(format!("{list}.{name}"));
        let value = match json {
            Json::String(text) if kind(&name) == Some(ValueKind::Date) => Value::Date(text),
            Json::String(text) => Value::Text(text),
            Json::Bool(truth) => Value::Boolean(truth),
            Json::Number(number) => Value::Integer(number.as_i64().ok_or_else(refused)?),
            Json::Null | Json::Array(_) | Json::Object(_) => return Err(refused()),
        };
        Ok((name, value))
    };
    given.into_iter().map(one).collect()
}

/// What a purge destroyed or would destroy, by cohort.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cohort {
    /// Its id, hexadecimal.
    pub cohort: String,
    /// The collection.
    pub collection: String,
    /// The date from which it is unreadable.
    pub expires_on: String,
    /// The zone of that date.
    pub zone: String,
    /// Key trees.
    pub segments: u32,
    /// Records.
    pub records: u64,
}

/// What a purge would do now.
#[derive(Debug, Clone, Serialize)]
pub struct Preview {
    /// Everything whose date begins at or before this instant, in milliseconds.
    pub cutoff_ms: i64,
    /// What is due.
    pub cohorts: Vec<Cohort>,
    /// Holds that would keep a record.
    pub holds: u32,
}

/// What a purge did.
#[derive(Debug, Clone, Serialize)]
pub struct Purged {
    /// Its certificate, if something was due.
    #[serde(serialize_with = "super::optional_text")]
    pub certificate: Option<crate::ids::CertificateId>,
    /// Generation of the keyring before.
    pub generation_before: u64,
    /// And after.
    pub generation_after: u64,
    /// What was destroyed.
    pub cohorts: Vec<Cohort>,
    /// Record rows deleted.
    pub records: u64,
    /// Section rows deleted.
    pub sections: u64,
    /// Index rows deleted.
    pub index_rows: u64,
    /// Event details deleted.
    pub events: u64,
    /// Why nothing ran.
    pub skipped: Option<String>,
}

/// Ids of records, written as text.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct RecordIds(#[serde(serialize_with = "texts")] pub Vec<RecordId>);
