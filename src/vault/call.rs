//! What callers hand in and get back, in the vault's own words: no gRPC type reaches this far.
//!
//! Types with field values have no `Debug`, so that no log line can print one.

use chrono::NaiveDate;

use crate::{
    clock::Timestamp,
    ids::{
        AgentId, ClassName, CollectionName, EventId, FieldName, PurposeName, RecordId, RequestId,
        SubjectId, UnitName,
    },
    policy::{FieldStatus, Value},
};

/// What every data call states.
#[derive(Debug, Clone)]
pub struct Intent {
    /// One of the pack's closed list.
    pub purpose: PurposeName,
    /// Declared by the caller; at most `JUSTIFICATION_BYTES_MAX` bytes.
    pub justification: Option<String>,
    /// Chosen by the client; kept in the audit event.
    pub request: Option<RequestId>,
}

/// A new record.
pub struct CreateInput {
    /// Where it goes.
    pub collection: CollectionName,
    /// The person, if the caller knows her id already; otherwise one is drawn.
    pub subject: Option<SubjectId>,
    /// The clock of the retention rule, in the territory's civil calendar.
    pub collected_on: NaiveDate,
    /// Non-identifying attributes.
    pub attributes: Vec<(FieldName, Value)>,
    /// Fields, sealed by class.
    pub fields: Vec<(FieldName, Value)>,
}

/// A record that is durable.
#[derive(Debug, Clone)]
pub struct Created {
    /// Its id.
    pub record: RecordId,
    /// The person's id.
    pub subject: SubjectId,
    /// Its version, 1.
    pub version: u32,
    /// The civil date from whose 00:00 it is unreadable.
    pub expires_on: NaiveDate,
    /// An earlier call with the same request id filed it.
    pub repeated: bool,
}

/// A record that was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Changed {
    /// Its new version.
    pub version: u32,
    /// An earlier call with the same request id did it.
    pub repeated: bool,
}

/// Which classes of which record.
pub struct RevealInput {
    /// The record.
    pub record: RecordId,
    /// At most `CLASSES_PER_REVEAL_MAX`; `attributes` asks for the attributes.
    pub classes: Vec<ClassName>,
}

/// One field of an answer.
pub struct FieldAnswer {
    /// Its class.
    pub class: ClassName,
    /// Its name.
    pub field: FieldName,
    /// What the answer holds of it.
    pub status: FieldStatus,
    /// Present for `Value` and, unless the mask hides all, `Masked`.
    pub value: Option<Value>,
    /// Ids of the policies that decided its class.
    pub policies: Vec<String>,
}

/// The answer to a reveal.
pub struct Revealed {
    /// The record.
    pub record: RecordId,
    /// Its collection.
    pub collection: CollectionName,
    /// Its version, for a later update.
    pub version: u32,
    /// The civil date from whose 00:00 it is unreadable.
    pub expires_on: NaiveDate,
    /// Every field of every class asked.
    pub fields: Vec<FieldAnswer>,
    /// The event that was durable before this answer left.
    pub event: EventId,
}

/// Changes to a record; `None` clears a field.
pub struct UpdateInput {
    /// The record.
    pub record: RecordId,
    /// The version the caller read.
    pub expected_version: u32,
    /// Changed attributes.
    pub attributes: Vec<(FieldName, Option<Value>)>,
    /// Changed fields.
    pub fields: Vec<(FieldName, Option<Value>)>,
}

/// Who works on a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Assignee {
    /// One agent.
    Agent(AgentId),
    /// The queue of a unit.
    Unit(UnitName),
}

/// An assignment.
#[derive(Debug, Clone)]
pub struct AssignInput {
    /// The record.
    pub record: RecordId,
    /// To whom.
    pub to: Assignee,
    /// Until when; `None` = until the record expires.
    pub until: Option<Timestamp>,
}
