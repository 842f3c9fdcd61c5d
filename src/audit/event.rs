//! Events: what is written down about one access, and how it becomes a sealed detail.
//!
//! An event holds ids, names of the pack and closed words; never a field value, a name of a person
//! or a search term. From the pack's end date on it names no record and no subject either.
//! The detail is a section of the reserved collection `_audit` (record id = event id, class `event`,
//! version 1); the leaf's digest is SHA-256 of that section.

use prost::Message;
use sha2::{Digest, Sha256};

use super::{error::AuditError, leaf::is_kind, merkle::Hash, rule, rule::AuditRule};
use crate::{
    clock::Timestamp,
    crypto::section::{self, SectionAddress, SectionError},
    ids::{
        AgentId, ClassName, CollectionName, EventId, FieldName, PurposeName, RecordId, RequestId,
        RoleName, SegmentId, SlotRef, SubjectId, UnitName, VaultId,
    },
    keyring::{CohortInfo, Keyring, KeyringError},
    random::Random,
    wire::store,
};

/// Version of every event's section: it is written once.
const VERSION: u32 = 1;

/// One field that an answer gives, as the event lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldGiven {
    /// Set only when the event names several records.
    pub record: Option<RecordId>,
    /// The field's class.
    pub class: ClassName,
    /// The field.
    pub field: FieldName,
    /// The mask it was given under; `None` = whole value.
    pub mask: Option<String>,
}

/// An event before it is sealed. Ids, names of the pack and closed words only: never a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventDraft {
    /// The agent who acts; `None` for the vault's own schedule and for failed logins.
    pub agent: Option<AgentId>,
    /// The role acted in.
    pub role: Option<RoleName>,
    /// The unit acted for.
    pub unit: Option<UnitName>,
    /// The service account the call came through.
    pub service: Option<AgentId>,
    /// The purpose stated.
    pub purpose: Option<PurposeName>,
    /// What was done; also the leaf's kind (see [`is_kind`]).
    pub action: &'static str,
    /// The collection.
    pub collection: Option<CollectionName>,
    /// Records named, at most 256.
    pub records: Vec<RecordId>,
    /// The subject, where one is known.
    pub subject: Option<SubjectId>,
    /// The subjects, where the event is about several records, at most 256.
    pub subjects: Vec<SubjectId>,
    /// Asked: `class` or `class.field`.
    pub asked: Vec<String>,
    /// Permitted, with mask, present or not.
    pub given: Vec<FieldGiven>,
    /// `allow`, `deny` or `partial`.
    pub decision: &'static str,
    /// Deciding policies: id and legal basis.
    pub policies: Vec<(String, String)>,
    /// Hash of the policy pack that decided.
    pub pack_hash: [u8; 32],
    /// The agent's reason, where one is asked for.
    pub justification: Option<String>,
    /// The client's request id.
    pub request: Option<RequestId>,
    /// Stable reason, e.g. `OK`, `NOT_AVAILABLE`.
    pub outcome: String,
    /// Closed vocabulary `key=value`, never personal.
    pub notes: Vec<String>,
    /// Slots that an erasure's intent names.
    pub slots: Vec<SlotRef>,
}

impl EventDraft {
    /// An allowed event of this action with outcome `OK` and nothing else filled in.
    #[must_use]
    pub fn new(action: &'static str) -> Self {
        Self {
            agent: None,
            role: None,
            unit: None,
            service: None,
            purpose: None,
            action,
            collection: None,
            records: Vec::new(),
            subject: None,
            subjects: Vec::new(),
            asked: Vec::new(),
            given: Vec::new(),
            decision: "allow",
            policies: Vec::new(),
            pack_hash: [0; 32],
            justification: None,
            request: None,
            outcome: "OK".to_owned(),
            notes: Vec::new(),
            slots: Vec::new(),
        }
    }

    /// The event that follows one read back: the same agent, purpose and records under this action.
    pub(crate) fn following(stored: &StoredEvent, action: &'static str) -> Self {
        Self {
            agent: stored.agent.clone(),
            role: stored.role.clone(),
            unit: stored.unit.clone(),
            service: stored.service.clone(),
            purpose: stored.purpose.clone(),
            collection: stored.collection.clone(),
            records: stored.records.clone(),
            subject: stored.subject,
            subjects: stored.subjects.clone(),
            policies: stored.policies.clone(),
            pack_hash: stored.pack_hash,
            justification: stored.justification.clone(),
            request: stored.request,
            ..Self::new(action)
        }
    }
}

/// An event read back. Same fields as [`EventDraft`]; words are whatever was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "each field is documented at `EventDraft`")]
pub struct StoredEvent {
    pub agent: Option<AgentId>,
    pub role: Option<RoleName>,
    pub unit: Option<UnitName>,
    pub service: Option<AgentId>,
    pub purpose: Option<PurposeName>,
    pub action: String,
    pub collection: Option<CollectionName>,
    pub records: Vec<RecordId>,
    pub subject: Option<SubjectId>,
    pub subjects: Vec<SubjectId>,
    pub asked: Vec<String>,
    pub given: Vec<FieldGiven>,
    pub decision: String,
    pub policies: Vec<(String, String)>,
    pub pack_hash: [u8; 32],
    pub justification: Option<String>,
    pub request: Option<RequestId>,
    pub outcome: String,
    pub notes: Vec<String>,
    pub slots: Vec<SlotRef>,
}

/// An event whose detail is sealed and whose id and time are fixed, not yet written.
pub struct SealedEvent {
    pub(super) id: EventId,
    pub(super) time: Timestamp,
    pub(super) kind: &'static str,
    pub(super) section: Vec<u8>,
    pub(super) digest: Hash,
    pub(super) slot: SlotRef,
    pub(super) cohort: CohortInfo,
    /// Index rows to write: key id and token, under the event's own cohort.
    pub(super) tokens: Vec<(u32, [u8; 16])>,
}

impl SealedEvent {
    /// The event's id.
    #[must_use]
    pub fn id(&self) -> EventId {
        self.id
    }

    /// The instant that its leaf will carry.
    #[must_use]
    pub fn time(&self) -> Timestamp {
        self.time
    }
}

/// The index fields of events, named as token fields.
pub(super) const INDEX_AGENT: &str = "_agent";
pub(super) const INDEX_RECORD: &str = "_record";
pub(super) const INDEX_SUBJECT: &str = "_subject";
pub(super) const INDEX_KIND: &str = "_kind";

/// Seals an event of this instant under the next slot of its month's cohort.
pub(super) fn seal(
    keyring: &Keyring,
    rule: &AuditRule,
    time: Timestamp,
    random: &dyn Random,
    draft: &EventDraft,
) -> Result<SealedEvent, AuditError> {
    if !is_kind(draft.action) {
        return Err(AuditError::Corrupt("an event's action is not a word"));
    }
    let key = rule::audit_cohort_key(rule, time)?;
    let event = to_stored(draft, rule.names_records(time));
    let slot = match keyring.hand_out(&key) {
        Err(KeyringError::NoSegment) => return Err(AuditError::NoSegment),
        other => other?,
    };
    let id = EventId::make(random);
    let class = rule::class()?;
    let address = address(keyring.vault(), slot.at, &key.collection, id, &class);
    let section = section::seal(&slot.secret, &address, &event.encode_to_vec(), random)
        .map_err(|_| AuditError::Corrupt("an event is too large"))?;
    let cohort = slot.cohort;
    let mut tokens = Vec::new();
    let mut index = |field: &str, value: &[u8]| {
        let token = keyring.write_token(&cohort.id, &key.collection, field, value);
        tokens.extend(token.map(|(key_id, token)| (key_id, token.0)));
    };
    index(INDEX_KIND, draft.action.as_bytes());
    index_unless_empty(&mut index, INDEX_AGENT, event.agent_id.as_bytes());
    index_unless_empty(&mut index, INDEX_SUBJECT, &event.subject_id);
    for record in &event.record_ids {
        index(INDEX_RECORD, record);
    }
    for subject in &event.subject_ids {
        index(INDEX_SUBJECT, subject);
    }
    Ok(SealedEvent {
        id,
        time,
        kind: draft.action,
        digest: Sha256::digest(&section).into(),
        section,
        slot: slot.at,
        cohort,
        tokens,
    })
}

/// Opens an event's section. The caller has checked it against the leaf's digest.
///
/// Errors: [`SectionError`]; `Format` too for a message that is not an event.
pub(super) fn open(
    keyring: &Keyring,
    slot: SlotRef,
    id: EventId,
    section: &[u8],
) -> Result<StoredEvent, AuditError> {
    let (collection, class) = (rule::collection()?, rule::class()?);
    let secret = keyring.derive_slot(&slot)?;
    let address = address(keyring.vault(), slot, &collection, id, &class);
    let damaged = |_: SectionError| AuditError::Corrupt("an event's detail does not open");
    let message = section::open(&secret, &address, section).map_err(damaged)?;
    // EXPOSE: an event's detail holds ids and closed words, and its reader's query is logged.
    let event = store::Event::decode(message.expose());
    from_stored(event.map_err(|_| AuditError::Corrupt("an event's detail is no event"))?)
        .ok_or(AuditError::Corrupt("an event's detail names something malformed"))
}

fn address<'a>(
    vault: VaultId,
    slot: SlotRef,
    collection: &'a CollectionName,
    id: EventId,
    class: &'a ClassName,
) -> SectionAddress<'a> {
    let record = RecordId::from_bytes(*id.as_bytes());
    SectionAddress { vault, slot, collection, record, class, version: VERSION }
}

fn index_unless_empty(index: &mut impl FnMut(&str, &[u8]), field: &str, value: &[u8]) {
    if !value.is_empty() {
        index(field, value);
    }
}

/// The stored form. `named` = the event may name records; otherwise ids of records and subjects stay
/// out, and the justification with them, because free text may name them.
fn to_stored(draft: &EventDraft, named: bool) -> store::Event {
    let text = |name: Option<&str>| name.unwrap_or_default().to_owned();
    let given = |given: &FieldGiven| store::FieldGiven {
        class: given.class.as_str().to_owned(),
        field: given.field.as_str().to_owned(),
        mask: given.mask.clone().unwrap_or_default(),
        record_id: bytes(given.record.filter(|_| named).map(|id| *id.as_bytes())),
    };
    let policy =
        |(id, legal): &(String, String)| store::PolicyRef { id: id.clone(), legal: legal.clone() };
    let records = if named { draft.records.as_slice() } else { &[] };
    let subjects = if named { draft.subjects.as_slice() } else { &[] };
    store::Event {
        agent_id: text(draft.agent.as_ref().map(AgentId::as_str)),
        role: text(draft.role.as_ref().map(RoleName::as_str)),
        unit: text(draft.unit.as_ref().map(UnitName::as_str)),
        service: text(draft.service.as_ref().map(AgentId::as_str)),
        purpose: text(draft.purpose.as_ref().map(PurposeName::as_str)),
        action: draft.action.to_owned(),
        collection: text(draft.collection.as_ref().map(CollectionName::as_str)),
        record_ids: records.iter().map(|id| id.as_bytes().to_vec()).collect(),
        subject_id: bytes(draft.subject.filter(|_| named).map(|id| *id.as_bytes())),
        fields_asked: draft.asked.clone(),
        fields_given: draft.given.iter().map(given).collect(),
        decision: draft.decision.to_owned(),
        policies: draft.policies.iter().map(policy).collect(),
        pack_hash: draft.pack_hash.to_vec(),
        justification: text(draft.justification.as_deref().filter(|_| named)),
        request_id: bytes(draft.request.map(|id| *id.as_bytes())),
        outcome: draft.outcome.clone(),
        notes: draft.notes.clone(),
        subject_ids: subjects.iter().map(|id| id.as_bytes().to_vec()).collect(),
        slots: draft.slots.iter().filter(|_| named).map(slot_bytes).collect(),
    }
}

/// `None` if a name or an id is malformed: the sealed bytes were not written by this vault.
fn from_stored(event: store::Event) -> Option<StoredEvent> {
    Some(StoredEvent {
        agent: optional(event.agent_id.as_str(), AgentId::parse)?,
        role: optional(event.role.as_str(), RoleName::parse)?,
        unit: optional(event.unit.as_str(), UnitName::parse)?,
        service: optional(event.service.as_str(), AgentId::parse)?,
        purpose: optional(event.purpose.as_str(), PurposeName::parse)?,
        action: event.action,
        collection: optional(event.collection.as_str(), CollectionName::parse)?,
        records: collect(&event.record_ids, |id| RecordId::from_slice(id).ok())?,
        subject: optional(event.subject_id.as_slice(), SubjectId::from_slice)?,
        subjects: collect(&event.subject_ids, |id| SubjectId::from_slice(id).ok())?,
        asked: event.fields_asked,
        given: collect(&event.fields_given, given)?,
        decision: event.decision,
        policies: event.policies.into_iter().map(|policy| (policy.id, policy.legal)).collect(),
        pack_hash: event.pack_hash.try_into().ok()?,
        justification: Some(event.justification).filter(|text| !text.is_empty()),
        request: optional(event.request_id.as_slice(), RequestId::from_slice)?,
        outcome: event.outcome,
        notes: event.notes,
        slots: collect(&event.slots, |bytes| slot(bytes))?,
    })
}

/// seg_id16 ‖ u32 index.
fn slot_bytes(at: &SlotRef) -> Vec<u8> {
    [at.seg.as_bytes().as_slice(), &at.index.to_be_bytes()].concat()
}

fn slot(bytes: &[u8]) -> Option<SlotRef> {
    let (seg, index) = bytes.split_first_chunk::<16>()?;
    let index = u32::from_be_bytes(index.try_into().ok()?);
    Some(SlotRef { seg: SegmentId::from_bytes(*seg), index })
}

fn given(stored: &store::FieldGiven) -> Option<FieldGiven> {
    Some(FieldGiven {
        record: optional(stored.record_id.as_slice(), RecordId::from_slice)?,
        class: ClassName::parse(&stored.class).ok()?,
        field: FieldName::parse(&stored.field).ok()?,
        mask: Some(stored.mask.clone()).filter(|mask| !mask.is_empty()),
    })
}

fn bytes(id: Option<[u8; 16]>) -> Vec<u8> {
    id.map(Vec::from).unwrap_or_default()
}

/// `Some(None)` for nothing, `Some(Some(..))` for a value that parses, `None` for one that does not.
fn optional<T, S: AsRef<[u8]> + ?Sized, E>(
    value: &S,
    parse: impl Fn(&S) -> Result<T, E>,
) -> Option<Option<T>> {
    if value.as_ref().is_empty() { Some(None) } else { parse(value).ok().map(Some) }
}

fn collect<T, S>(values: &[S], parse: impl Fn(&S) -> Option<T>) -> Option<Vec<T>> {
    values.iter().map(parse).collect()
}
