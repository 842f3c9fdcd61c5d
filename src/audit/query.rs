//! Queries of the log, newest first: that is what a data-protection officer asks for.
//!
//! A filter by record, subject, agent or kind walks the index rows of the live `_audit` cohorts; any
//! other filter walks the leaves. One call looks at no more than `limits::AUDIT_SCAN_LEAVES_MAX` of
//! them and answers with a cursor: the next page starts strictly before it. An expired detail is told
//! as [`EventDetail::Expired`]; filters that need details are complete only from
//! [`EventPage::complete_from`] on. The query itself is logged by the caller.

use chrono::NaiveDate;
use sha2::{Digest, Sha256};

use super::{
    clear::{GenerationDetail, OriginDetail},
    error::AuditError,
    event::{self, INDEX_AGENT, INDEX_KIND, INDEX_RECORD, INDEX_SUBJECT, StoredEvent},
    leaf::{self, KIND_GENERATION, KIND_ORIGIN, Leaf},
    rule,
    shared::Shared,
};
use crate::{
    clock::Timestamp,
    ids::{AgentId, CohortId, EventId, RecordId, SegmentId, SlotRef, SubjectId},
    keyring::SegmentState,
    limits,
    storage::keys,
};

/// What to list. All that is set must match.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    /// Events of this agent.
    pub agent: Option<AgentId>,
    /// Events that name this record.
    pub record: Option<RecordId>,
    /// Events that name this subject.
    pub subject: Option<SubjectId>,
    /// Leaves of this kind.
    pub kind: Option<String>,
    /// Not before this instant.
    pub since: Option<Timestamp>,
    /// Before this instant.
    pub until: Option<Timestamp>,
}

/// What is left of an event's detail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventDetail {
    /// It opens.
    Open(Box<StoredEvent>),
    /// Its retention ended: only the leaf stays.
    Expired,
    /// A generation of the keyring, kept in clear for ever.
    Generation {
        /// The generation.
        generation: u64,
        /// SHA-256 of its keyring file.
        keyring_hash: [u8; 32],
    },
    /// The first leaf of an origin that follows a cut one, kept in clear for ever.
    Origin(Box<OriginDetail>),
}

/// One event.
#[derive(Debug, Clone)]
pub struct ListedEvent {
    /// Number of its origin.
    pub k: u32,
    /// Number of its leaf.
    pub n: u64,
    /// RFC 3339, UTC, three decimals.
    pub time: String,
    /// The leaf's kind: the action.
    pub kind: String,
    /// The leaf, byte for byte.
    pub leaf: String,
    /// Its detail.
    pub detail: EventDetail,
}

/// One page.
#[derive(Debug, Clone)]
pub struct EventPage {
    /// Newest first.
    pub events: Vec<ListedEvent>,
    /// Cursor of the next page; `None` at the end.
    pub next: Option<(u32, u64)>,
    /// Set for filters that need details: the first date for which this answer is complete.
    pub complete_from: Option<NaiveDate>,
}

/// Lists up to `limit` (1 to `limits::PAGE_MAX`) events strictly before the cursor `after`.
pub(super) fn list(
    shared: &Shared,
    filter: &EventFilter,
    after: Option<(u32, u64)>,
    limit: usize,
) -> Result<EventPage, AuditError> {
    let limit = limit.clamp(1, limits::PAGE_MAX);
    let now = shared.civil_now();
    let walk = Walk::new(shared, filter)?;
    let complete_from = if walk.needs_details() { shared.rule.complete_from(now) } else { None };
    // Some stores show a commit's rows before they are on the device: nothing beyond the durable end
    // is told.
    let end = (*shared.tail.lock()).end();
    let start = after.map_or(end, |after| after.min(end));
    let mut page = EventPage { events: Vec::new(), next: Some(start), complete_from };
    let mut looked = 0;
    loop {
        let candidates = walk.before(shared, page.next)?;
        if candidates.is_empty() {
            page.next = None;
            return Ok(page);
        }
        for (k, n) in candidates {
            page.next = Some((k, n));
            looked += 1;
            page.events.extend(matching(shared, filter, now, k, n)?);
            if page.events.len() >= limit || looked >= limits::AUDIT_SCAN_LEAVES_MAX {
                return Ok(page);
            }
        }
    }
}

/// How candidates are found.
enum Walk {
    /// Along the leaves of all origins.
    Leaves,
    /// Along index rows; one prefix per live cohort and index key.
    Index(Vec<Vec<u8>>),
}

impl Walk {
    fn new(shared: &Shared, filter: &EventFilter) -> Result<Self, AuditError> {
        let (field, value) = match filter {
            EventFilter { record: Some(id), .. } => (INDEX_RECORD, id.as_bytes().as_slice()),
            EventFilter { subject: Some(id), .. } => (INDEX_SUBJECT, id.as_bytes().as_slice()),
            EventFilter { agent: Some(id), .. } => (INDEX_AGENT, id.as_str().as_bytes()),
            // Leaves with a clear detail have no index row.
            EventFilter { kind: Some(kind), .. }
                if kind != KIND_GENERATION && kind != KIND_ORIGIN =>
            {
                (INDEX_KIND, kind.as_bytes())
            }
            _ => return Ok(Self::Leaves),
        };
        let collection = rule::collection()?;
        let mut prefixes = Vec::new();
        for cohort in shared.keyring.cohorts_of(&collection) {
            for (key_id, token) in
                shared.keyring.search_tokens(&cohort.id, &collection, field, value)
            {
                prefixes.push(keys::index_token(&cohort.id, key_id, &token.0));
            }
        }
        Ok(Self::Index(prefixes))
    }

    fn needs_details(&self) -> bool {
        matches!(self, Self::Index(_))
    }

    /// The next candidates strictly before a cursor, newest first; none at the end.
    fn before(
        &self,
        shared: &Shared,
        cursor: Option<(u32, u64)>,
    ) -> Result<Vec<(u32, u64)>, AuditError> {
        let rows_max = limits::AUDIT_SCAN_ROWS;
        let mut found = Vec::new();
        match self {
            Self::Leaves => {
                let before = cursor.map(|(k, n)| keys::leaf(k, n));
                let rows = shared.store.scan_back(b"l", before.as_deref(), rows_max)?;
                found.extend(rows.iter().filter_map(|(key, _)| number(key.get(1..)?)));
            }
            Self::Index(prefixes) => {
                for prefix in prefixes {
                    let before = cursor.map(|(k, n)| {
                        [prefix.as_slice(), &k.to_be_bytes(), &n.to_be_bytes()].concat()
                    });
                    let rows = shared.store.scan_back(prefix, before.as_deref(), rows_max)?;
                    found.extend(
                        rows.iter()
                            .filter_map(|(key, _)| number(key.strip_prefix(prefix.as_slice())?)),
                    );
                }
                // Each prefix gave its newest rows, so the newest of all are the newest there are.
                found.sort_unstable_by(|a, b| b.cmp(a));
                found.dedup();
                found.truncate(rows_max);
            }
        }
        Ok(found)
    }
}

/// Reads u32 k ‖ u64 n.
fn number(bytes: &[u8]) -> Option<(u32, u64)> {
    let (k, n) = bytes.split_first_chunk()?;
    Some((u32::from_be_bytes(*k), u64::from_be_bytes(n.try_into().ok()?)))
}

fn matching(
    shared: &Shared,
    filter: &EventFilter,
    now: Timestamp,
    k: u32,
    n: u64,
) -> Result<Option<ListedEvent>, AuditError> {
    let bytes = shared.store.get(&keys::leaf(k, n))?.ok_or(AuditError::Corrupt("a leaf"))?;
    let leaf = leaf::parse(&bytes).map_err(|_| AuditError::Corrupt("a leaf"))?;
    if !leaf_matches(filter, &leaf) {
        return Ok(None);
    }
    let detail = detail(shared, now, k, n, &leaf)?;
    if !detail_matches(filter, &detail) {
        return Ok(None);
    }
    let text = String::from_utf8(bytes).map_err(|_| AuditError::Corrupt("a leaf"))?;
    Ok(Some(ListedEvent { k, n, time: leaf.time, kind: leaf.kind, leaf: text, detail }))
}

fn leaf_matches(filter: &EventFilter, leaf: &Leaf) -> bool {
    // Leaves' times all have one length and one zone: their text orders as they do.
    filter.kind.as_ref().is_none_or(|kind| *kind == leaf.kind)
        && filter.since.is_none_or(|since| leaf.time >= since.to_string())
        && filter.until.is_none_or(|until| leaf.time < until.to_string())
}

fn detail_matches(filter: &EventFilter, detail: &EventDetail) -> bool {
    let EventFilter { agent, record, subject, .. } = filter;
    let EventDetail::Open(event) = detail else {
        return agent.is_none() && record.is_none() && subject.is_none();
    };
    (agent.is_none() || *agent == event.agent)
        && subject.is_none_or(|id| event.subject == Some(id) || event.subjects.contains(&id))
        && record.is_none_or(|record| event.records.contains(&record))
}

/// The detail of a leaf, checked against its digest.
fn detail(
    shared: &Shared,
    now: Timestamp,
    k: u32,
    n: u64,
    leaf: &Leaf,
) -> Result<EventDetail, AuditError> {
    let damaged = || AuditError::Corrupt("an event's detail is not the one of its leaf");
    let row = shared.store.get(&keys::event_slot(k, n))?.ok_or_else(damaged)?;
    let same = |bytes: &[u8]| leaf.digest == <[u8; 32]>::from(Sha256::digest(bytes));
    if leaf.kind == KIND_GENERATION || leaf.kind == KIND_ORIGIN {
        return clear(&row).filter(|_| same(&row)).ok_or_else(damaged);
    }
    let (cohort, event, slot) = place(&row).ok_or_else(damaged)?;
    // The row names its cohort in clear; the segment's own cohort decides how long it is read.
    if let SegmentState::Live { cohort: own, .. } = shared.keyring.segment(&slot.seg)
        && own != cohort
    {
        return Err(damaged());
    }
    let readable = || shared.keyring.cohort(&cohort).is_some_and(|c| now < c.expires_at);
    if !readable() {
        return Ok(EventDetail::Expired);
    }
    match shared.store.get(&keys::event_section(&cohort, &event))? {
        Some(section) if same(&section) => {
            let event = event::open(shared.keyring.as_ref(), slot, event, &section)?;
            Ok(EventDetail::Open(Box::new(event)))
        }
        // The purge may have taken it since we looked.
        None if !readable() => Ok(EventDetail::Expired),
        _ => Err(damaged()),
    }
}

fn clear(row: &[u8]) -> Option<EventDetail> {
    if let Some(detail) = GenerationDetail::parse(row) {
        let GenerationDetail { generation, keyring_hash, .. } = detail;
        return Some(EventDetail::Generation { generation, keyring_hash });
    }
    OriginDetail::parse(row).map(|detail| EventDetail::Origin(Box::new(detail)))
}

/// Reads cohort_id16 ‖ event_id16 ‖ seg_id16 ‖ u32 index.
fn place(row: &[u8]) -> Option<(CohortId, EventId, SlotRef)> {
    let (cohort, rest) = row.split_first_chunk::<16>()?;
    let (event, rest) = rest.split_first_chunk::<16>()?;
    let (seg, index) = rest.split_first_chunk::<16>()?;
    let index = u32::from_be_bytes(index.try_into().ok()?);
    let slot = SlotRef { seg: SegmentId::from_bytes(*seg), index };
    Some((CohortId::from_bytes(*cohort), EventId::from_bytes(*event), slot))
}
