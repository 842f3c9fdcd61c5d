//! A write takes effect once: what an earlier call with the same request id did.
//!
//! Row 'q' of a request holds the record, the version it made and a fingerprint of agent, method and
//! message under the index key of the record's cohort: it confirms nothing to whoever lacks that key,
//! and goes with the record (`retention::sweep`). It is written in the commit of the write itself, with
//! the precondition that it was not there, so of two calls with one id one writes.
//! Invariants: a request row without its write, or a write without its row, cannot exist; the same id
//! with other content, or from another agent, is refused; no content is kept.

use prost::Message as _;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::{
    audit::AuditLog,
    identity::Caller,
    ids::{CohortId, RecordId, RequestId},
    storage::{Op, Precondition, keys},
    wire::store::RequestRow,
};

use super::{RequestKey, VaultError, head::Loaded};

/// A call that may be a repetition. Without a request id it is none.
pub(crate) struct Once {
    request: Option<(RequestId, Zeroizing<Vec<u8>>)>,
}

/// What is known of a request id.
pub(crate) enum Seen {
    /// Nothing was done under it.
    New(Fresh),
    /// The same write was done under it, and its record lives.
    Done {
        /// The record, as it is now.
        record: Box<Loaded>,
        /// The version that the write made.
        version: u32,
    },
}

/// What must still hold, and go, when the write is committed.
#[derive(Default)]
pub(crate) struct Fresh {
    pub(crate) preconditions: Vec<Precondition>,
    /// What a record that is gone left of the same request id.
    pub(crate) ops: Vec<Op>,
}

/// A request row as it was found.
struct Found {
    bytes: Vec<u8>,
    cohort: CohortId,
    record: RecordId,
    fingerprint: Vec<u8>,
    version: u32,
}

impl Once {
    /// The request that this caller states. The agent is part of what its id stands for.
    pub(crate) fn of(who: &Caller, request: Option<&RequestKey>) -> Self {
        let request = request.map(|request| {
            let agent = who.agent.as_str().as_bytes();
            let length = u16::try_from(agent.len()).unwrap_or(u16::MAX).to_be_bytes();
            let bytes = [length.as_slice(), agent, request.content()].concat();
            (request.id, Zeroizing::new(bytes))
        });
        Self { request }
    }

    /// Looks the request up.
    ///
    /// Errors: [`VaultError::RequestIdReused`]; [`VaultError::Corrupt`] if the row does not verify.
    pub(crate) fn look(&self, log: &AuditLog) -> Result<Seen, VaultError> {
        let Some((id, content)) = &self.request else { return Ok(Seen::New(Fresh::default())) };
        let (key, keyring) = (keys::request(id), log.keyring());
        let Some(bytes) = log.store().get(&key)? else {
            let preconditions = vec![Precondition::Absent(key)];
            return Ok(Seen::New(Fresh { preconditions, ops: Vec::new() }));
        };
        let row = keyring.check_row(&key, &bytes).and_then(|row| RequestRow::decode(row).ok());
        let found = row.and_then(|row| found(row, bytes)).ok_or(VaultError::Corrupt("request"))?;
        let live = Loaded::read(log.store().as_ref(), keyring, found.record, &[])?;
        let expected = keyring.request_fingerprints(&found.cohort, content);
        let (Some(record), false) = (live, expected.is_empty()) else {
            // Its record is gone, and a sweep has not come by yet: the id means nothing any more.
            let old = keys::request_of(&found.cohort, &found.record, id);
            let preconditions = vec![Precondition::Unchanged(key, found.bytes)];
            return Ok(Seen::New(Fresh { preconditions, ops: vec![Op::Delete(old)] }));
        };
        if expected.iter().any(|own| bool::from(own.as_slice().ct_eq(&found.fingerprint))) {
            return Ok(Seen::Done { record: Box::new(record), version: found.version });
        }
        Err(VaultError::RequestIdReused)
    }

    /// The rows that remember this write of `record`, whose head is of `cohort`; none without an id.
    ///
    /// Errors: [`VaultError::Corrupt`] if the cohort has no index key, which a live one has.
    pub(crate) fn rows(
        &self,
        log: &AuditLog,
        cohort: &CohortId,
        record: &RecordId,
        version: u32,
    ) -> Result<Vec<Op>, VaultError> {
        let Some((id, content)) = &self.request else { return Ok(Vec::new()) };
        let fingerprints = log.keyring().request_fingerprints(cohort, content);
        let newest = fingerprints.first().ok_or(VaultError::Corrupt("cohort"))?;
        let row = RequestRow {
            cohort_id: cohort.as_bytes().to_vec(),
            record_id: record.as_bytes().to_vec(),
            fingerprint: newest.to_vec(),
            version,
        };
        let key = keys::request(id);
        let value = log.keyring().mac_row(&key, &row.encode_to_vec());
        let found_by = keys::request_of(cohort, record, id);
        Ok(vec![Op::Put(key, value), Op::Put(found_by, Vec::new())])
    }

    /// The request's id, if it has one.
    pub(crate) fn id(&self) -> Option<RequestId> {
        self.request.as_ref().map(|(id, _)| *id)
    }

    /// Whether both stand for the same write.
    pub(crate) fn same_content(&self, other: &Self) -> bool {
        match (&self.request, &other.request) {
            (Some((_, a)), Some((_, b))) => a == b,
            _ => false,
        }
    }
}

fn found(row: RequestRow, bytes: Vec<u8>) -> Option<Found> {
    Some(Found {
        bytes,
        cohort: CohortId::from_slice(&row.cohort_id).ok()?,
        record: RecordId::from_slice(&row.record_id).ok()?,
        fingerprint: row.fingerprint,
        version: row.version,
    })
}
