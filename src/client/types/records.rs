//! Types of `Records`: intents, values, records, answers.

use serde::Serialize;

use super::{optional_text, text, texts};
use crate::ids::{CertificateId, EventId, RecordId, RequestId, SubjectId};

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
    /// An earlier call with the same request id filed it; this one wrote nothing.
    pub repeated: bool,
}

/// What a change of one record led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Written {
    /// For the next update.
    pub version: u32,
    /// An earlier call with the same request id did it; this one wrote nothing.
    pub repeated: bool,
    /// The certificate that the version before is forgotten, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "optional_text")]
    pub certificate: Option<CertificateId>,
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
    /// The glass of this record is broken for the caller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broken: Option<super::Broken>,
}

impl Revealed {
    /// One field of the answer.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|f| f.field == name)
    }
}

/// One record of an answer to RevealMany.
#[derive(Clone)]
pub struct RevealItem {
    /// The record asked for.
    pub record: RecordId,
    /// What is shown of it, or the stable reason why nothing is.
    pub result: Result<Revealed, String>,
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

/// What an erasure did.
#[derive(Debug, Clone, Serialize)]
pub struct Erased {
    /// The generation after which no key of the erased records can be derived; 0 if none was erased.
    pub generation: u64,
    /// The certificate; none if nothing was erased.
    #[serde(serialize_with = "optional_text")]
    pub certificate: Option<CertificateId>,
    /// Each record asked for.
    pub items: Vec<ErasedItem>,
    /// An earlier call with the same request id did this.
    pub repeated: bool,
    /// The subject has more records than one call erases.
    pub more: bool,
}

/// One record of an erasure.
#[derive(Debug, Clone, Serialize)]
pub struct ErasedItem {
    /// The record asked for.
    #[serde(serialize_with = "text")]
    pub record: RecordId,
    /// The stable reason why it was not erased; none if it was.
    pub reason: Option<String>,
}

/// What a restriction changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Restricted {
    /// Records changed by this call.
    pub records: u64,
    /// Records that the caller may know of and the policy does not let him change.
    pub denied: u64,
    /// The subject has more records to change than one call does.
    pub more: bool,
    /// An earlier call with the same request id did it.
    pub repeated: bool,
}

/// To whom a record is assigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Assignee {
    /// An agent.
    Agent(String),
    /// A unit's queue.
    Unit(String),
}

/// Ids of records, written as text.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct RecordIds(#[serde(serialize_with = "texts")] pub Vec<RecordId>);
