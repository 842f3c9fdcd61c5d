//! What callers hand in and get back, in the vault's own words: no gRPC type reaches this far.
//!
//! Types with field values have no `Debug`, so that no log line can print one.

use std::sync::Arc;

use chrono::NaiveDate;
use zeroize::Zeroizing;

use crate::{
    clock::Timestamp,
    identity::Bound,
    ids::{
        AgentId, ApprovalId, CertificateId, ClassName, CollectionName, EventId, FieldName,
        PurposeName, RecordId, RequestId, SubjectId, UnitName,
    },
    policy::{FieldStatus, Value},
};

use super::{VaultError, candidates::Cursor, glass::Broken};

/// What every data call states.
#[derive(Debug, Clone)]
pub struct Intent {
    /// One of the pack's closed list.
    pub purpose: PurposeName,
    /// Declared by the caller; at most `JUSTIFICATION_BYTES_MAX` bytes.
    pub justification: Option<String>,
    /// Chosen by the client; kept in the audit event, and makes a write take effect once.
    pub request: Option<RequestKey>,
}

/// A request id with what it stands for: method and message, in bytes. Content is personal: it is
/// hashed under a cohort's key and wiped, never stored or printed.
#[derive(Clone)]
pub struct RequestKey {
    /// Chosen by the client.
    pub id: RequestId,
    content: Arc<Zeroizing<Vec<u8>>>,
}

impl RequestKey {
    /// This id for this method and message.
    #[must_use]
    pub fn new(id: RequestId, method: &str, message: &[u8]) -> Self {
        let length = u16::try_from(method.len()).unwrap_or(u16::MAX).to_be_bytes();
        let content = [length.as_slice(), method.as_bytes(), message].concat();
        Self { id, content: Arc::new(Zeroizing::new(content)) }
    }

    /// Method and message.
    pub(crate) fn content(&self) -> &[u8] {
        &self.content
    }
}

impl std::fmt::Debug for RequestKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.id.fmt(f)
    }
}

/// What an erasure did, record by record.
#[derive(Debug, Default)]
pub struct EraseAnswer {
    /// The generation after which no key of the erased records can be derived; 0 if none was erased.
    pub generation: u64,
    /// The certificate; none if nothing was erased.
    pub certificate: Option<CertificateId>,
    /// Each record asked for, with why it was not erased.
    pub items: Vec<(RecordId, Result<(), VaultError>)>,
    /// An earlier call with the same request id did this.
    pub repeated: bool,
    /// The subject has more records than one call erases.
    pub more: bool,
}

/// What a restriction changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Restricted {
    /// Records changed.
    pub records: u32,
    /// Records that the caller may know of and the policy does not let him change.
    pub denied: u32,
    /// The subject has more records to change than one call does.
    pub more: bool,
    /// An earlier call with the same request id did it.
    pub repeated: bool,
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
    /// The certificate that the former version is forgotten, where that was asked for.
    pub certificate: Option<CertificateId>,
}

/// Which classes of which record.
pub struct RevealInput {
    /// The record.
    pub record: RecordId,
    /// At most `CLASSES_PER_REVEAL_MAX`; `attributes` asks for the attributes.
    pub classes: Vec<ClassName>,
    /// A second person's leave, with what it is bound to.
    pub approval: Option<(ApprovalId, Bound)>,
}

/// Records to be kept beyond their date.
pub struct HoldInput {
    /// At most `HOLDS_PER_CALL_MAX`, each once.
    pub records: Vec<RecordId>,
    /// Who ordered it.
    pub authority: String,
    /// Why.
    pub reason: String,
    /// Last day of the hold, in the pack's zone.
    pub ends_on: NaiveDate,
    /// A second person's leave.
    pub approval: Option<ApprovalId>,
    /// What it is bound to.
    pub bound: Bound,
}

/// What a second person is asked for.
pub struct ApprovalInput {
    /// The exact request.
    pub bound: Bound,
    /// Why, in the agent's words.
    pub reason: String,
    /// Purpose that the request states.
    pub purpose: PurposeName,
    /// Records that it names.
    pub records: Vec<RecordId>,
    /// Classes that it asks for.
    pub classes: Vec<ClassName>,
    /// What else it says, `key=value`.
    pub notes: Vec<String>,
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
    /// The glass of this record is broken for the caller.
    pub broken: Option<Broken>,
}

/// Changes to a record; `None` clears a field.
#[derive(Clone)]
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

impl Assignee {
    /// As an event notes it.
    pub(crate) fn note(&self) -> String {
        match self {
            Self::Agent(agent) => format!("agent={agent}"),
            Self::Unit(unit) => format!("unit={unit}"),
        }
    }
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

/// Records to be filed in one batch, under one purpose.
pub struct ImportBatch {
    /// Where all of them go.
    pub collection: CollectionName,
    /// At most `IMPORT_BATCH_RECORDS_MAX`.
    pub records: Vec<ImportRecord>,
}

/// One record of a batch.
pub struct ImportRecord {
    /// Makes it filed once.
    pub request: Option<RequestKey>,
    /// The record; its collection is the batch's.
    pub input: CreateInput,
}

/// Which classes of which records.
pub struct RevealManyInput {
    /// At most `RECORDS_PER_REVEAL_MAX`, each once.
    pub records: Vec<RecordId>,
    /// As in [`RevealInput`].
    pub classes: Vec<ClassName>,
}

/// The answer about one of several records.
pub struct RevealedItem {
    /// The record asked for.
    pub record: RecordId,
    /// What is shown of it, or why nothing is.
    pub result: Result<Revealed, VaultError>,
}

/// Which page of a listing.
#[derive(Debug, Clone, Copy)]
pub struct PageRequest {
    /// At most `RECORDS_PAGE_MAX`.
    pub size: usize,
    /// Where the page before ended.
    pub after: Option<Cursor>,
}

/// What to find: all conditions must hold.
pub struct FindInput {
    /// Where to look.
    pub collection: CollectionName,
    /// Searchable fields with their values, at most `FIND_CONDITIONS_MAX`.
    pub conditions: Vec<(FieldName, Value)>,
    /// Which page.
    pub page: PageRequest,
}

/// A page of records found.
pub struct FindPage {
    /// Those the caller may match.
    pub records: Vec<RecordId>,
    /// Where to go on; `None` on the last page.
    pub next: Option<Cursor>,
    /// The event of this answer.
    pub event: EventId,
}

/// A value to be confirmed or not.
pub struct MatchInput {
    /// The record.
    pub record: RecordId,
    /// A searchable field.
    pub field: FieldName,
    /// The value it is compared with.
    pub value: Value,
}

/// Values that somebody may have.
pub struct ListedInput {
    /// Where to look.
    pub collection: CollectionName,
    /// Searchable fields with their values, at most `FIND_CONDITIONS_MAX`; all must hold.
    pub conditions: Vec<(FieldName, Value)>,
}

/// Whether somebody is on file, as far as the caller may be told.
#[derive(Debug, Clone, Copy)]
pub struct Listed {
    /// A record that the caller may match has these values. Otherwise there is none, or it is none of his
    /// business: which of the two is not said.
    pub listed: bool,
    /// The event of this answer.
    pub event: EventId,
}

/// Whether a field has a value.
#[derive(Debug, Clone, Copy)]
pub struct Matched {
    /// It has.
    pub matches: bool,
    /// Its class's own, shorter period has ended: nothing matches.
    pub expired: bool,
    /// The event of this answer.
    pub event: EventId,
}

/// Whose list of which collection.
pub struct WorklistInput {
    /// The collection.
    pub collection: CollectionName,
    /// Whose; `None` = the caller's and his unit's.
    pub of: Option<Assignee>,
    /// Which page.
    pub page: PageRequest,
}

/// A record of a work list.
pub struct WorklistEntry {
    /// The record.
    pub record: RecordId,
    /// Its version, for a later update.
    pub version: u32,
    /// The civil date from whose 00:00 it is unreadable.
    pub expires_on: NaiveDate,
    /// The attributes that the projection gives.
    pub attributes: Vec<FieldAnswer>,
}

/// A page of a work list.
pub struct WorklistPage {
    /// Records assigned now, whose attributes the caller may see.
    pub entries: Vec<WorklistEntry>,
    /// Where to go on; `None` on the last page.
    pub next: Option<Cursor>,
    /// The event of this answer.
    pub event: EventId,
}
