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
    ids::{CertificateId, CohortId, CollectionName, RecordId, RequestId},
    storage::{Op, Precondition, keys},
    wire::store::RequestRow,
};

use super::{RequestKey, VaultError, head::Loaded};

/// The reserved collection of events.
const EVENTS: &str = "_audit";

/// A call that may be a repetition. Without a request id it is none.
#[derive(Clone)]
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
        /// The certificate that the version before is forgotten, where that was asked for.
        forgot: Option<CertificateId>,
        /// Of a restriction: how many records it changed, and whether there were more of them.
        restricted: (u32, bool),
    },
}

/// What is known of an erasure's request id.
pub(crate) enum SeenErasure {
    /// Nothing was erased under it.
    New,
    /// This was erased under it.
    Done {
        /// The certificate that was issued for it.
        certificate: CertificateId,
        /// What its intent named.
        erased: Vec<RecordId>,
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
    forgot: Option<CertificateId>,
    restricted: (u32, bool),
    /// The cohort whose index key made the fingerprint.
    key_cohort: CohortId,
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
        if row.as_ref().is_some_and(|row| !row.certificate_id.is_empty()) {
            return Err(VaultError::RequestIdReused);
        }
        let found = row.and_then(|row| found(row, bytes)).ok_or(VaultError::Corrupt("request"))?;
        let live = Loaded::read(log.store().as_ref(), keyring, found.record, &[])?;
        let expected = keyring.request_fingerprints(&found.key_cohort, content);
        let (Some(record), false) = (live, expected.is_empty()) else {
            // Its record is gone, and a sweep has not come by yet: the id means nothing any more.
            let old = keys::request_of(&found.cohort, &found.record, id);
            let preconditions = vec![Precondition::Unchanged(key, found.bytes)];
            return Ok(Seen::New(Fresh { preconditions, ops: vec![Op::Delete(old)] }));
        };
        if expected.iter().any(|own| bool::from(own.as_slice().ct_eq(&found.fingerprint))) {
            let Found { version, forgot, restricted, .. } = found;
            return Ok(Seen::Done { record: Box::new(record), version, forgot, restricted });
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
        forgets: Option<CertificateId>,
    ) -> Result<Vec<Op>, VaultError> {
        let forgot_certificate_id = forgets.map(|id| id.as_bytes().to_vec()).unwrap_or_default();
        let told = RequestRow { version, forgot_certificate_id, ..RequestRow::default() };
        self.written(log, cohort, record, told)
    }

    /// The same of a restriction of several records, of which this is the first.
    pub(crate) fn restriction_rows(
        &self,
        log: &AuditLog,
        first: &Loaded,
        (records, more): (u32, bool),
    ) -> Result<Vec<Op>, VaultError> {
        let version = first.version.checked_add(1).ok_or(VaultError::Corrupt("record version"))?;
        let told = RequestRow { version, records, more, ..RequestRow::default() };
        self.written(log, &first.cohort.id, &first.id, told)
    }

    fn written(
        &self,
        log: &AuditLog,
        cohort: &CohortId,
        record: &RecordId,
        told: RequestRow,
    ) -> Result<Vec<Op>, VaultError> {
        let Some((id, content)) = &self.request else { return Ok(Vec::new()) };
        let fingerprints = log.keyring().request_fingerprints(cohort, content);
        let newest = fingerprints.first().ok_or(VaultError::Corrupt("cohort"))?;
        let row = RequestRow {
            cohort_id: cohort.as_bytes().to_vec(),
            record_id: record.as_bytes().to_vec(),
            fingerprint: newest.to_vec(),
            ..told
        };
        let key = keys::request(id);
        let value = log.keyring().mac_row(&key, &row.encode_to_vec());
        let found_by = keys::request_of(cohort, record, id);
        Ok(vec![Op::Put(key, value), Op::Put(found_by, Vec::new())])
    }

    /// Looks an erasure's request up: its records are gone, so the row leads to the certificate.
    ///
    /// Errors: [`VaultError::RequestIdReused`]; [`VaultError::Corrupt`] if the row does not verify.
    pub(crate) fn look_erasure(&self, log: &AuditLog) -> Result<SeenErasure, VaultError> {
        let Some((id, content)) = &self.request else { return Ok(SeenErasure::New) };
        let (key, keyring) = (keys::request(id), log.keyring());
        let Some(bytes) = log.store().get(&key)? else { return Ok(SeenErasure::New) };
        let row = keyring.check_row(&key, &bytes).and_then(|row| RequestRow::decode(row).ok());
        let row = row.ok_or(VaultError::Corrupt("request"))?;
        let corrupt = |_| VaultError::Corrupt("request");
        let cohort = CohortId::from_slice(&row.cohort_id).map_err(corrupt)?;
        let expected = keyring.request_fingerprints(&cohort, content);
        let same = expected.iter().any(|own| bool::from(own.as_slice().ct_eq(&row.fingerprint)));
        if !same || row.certificate_id.is_empty() {
            return Err(VaultError::RequestIdReused);
        }
        let certificate = CertificateId::from_slice(&row.certificate_id).map_err(corrupt)?;
        if log.store().get(&keys::certificate(&certificate, 1))?.is_none() {
            // It failed, or was given up: nothing was erased under it.
            return Ok(SeenErasure::New);
        }
        let erased = row.erased_ids.iter().map(|id| RecordId::from_slice(id).map_err(corrupt));
        Ok(SeenErasure::Done { certificate, erased: erased.collect::<Result<_, _>>()? })
    }

    /// The rows that remember an erasure; none without an id.
    ///
    /// Errors: [`VaultError::Corrupt`] if there is no cohort of events, which a running vault has.
    pub(crate) fn erasure_rows(
        &self,
        log: &AuditLog,
        certificate: &CertificateId,
        erased: &[RecordId],
    ) -> Result<Vec<Op>, VaultError> {
        let Some((id, content)) = &self.request else { return Ok(Vec::new()) };
        let keyring = log.keyring();
        let events = CollectionName::parse(EVENTS).map_err(|_| VaultError::Corrupt("cohort"))?;
        let cohorts = keyring.cohorts_of(&events).into_iter();
        // The one that lives longest: a repetition is known for as long as the event is.
        let cohort = cohorts.max_by_key(|cohort| cohort.expires_at);
        let cohort = cohort.ok_or(VaultError::Corrupt("cohort"))?.id;
        let fingerprints = keyring.request_fingerprints(&cohort, content);
        let newest = fingerprints.first().ok_or(VaultError::Corrupt("cohort"))?;
        let record = RecordId::from_bytes(*certificate.as_bytes());
        let row = RequestRow {
            cohort_id: cohort.as_bytes().to_vec(),
            record_id: record.as_bytes().to_vec(),
            fingerprint: newest.to_vec(),
            version: 0,
            certificate_id: certificate.as_bytes().to_vec(),
            erased_ids: erased.iter().map(|id| id.as_bytes().to_vec()).collect(),
            ..RequestRow::default()
        };
        let key = keys::request(id);
        let value = keyring.mac_row(&key, &row.encode_to_vec());
        let found_by = keys::request_of(&cohort, &record, id);
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
    let cohort = CohortId::from_slice(&row.cohort_id).ok()?;
    let moved = !row.key_cohort_id.is_empty();
    let forgot = !row.forgot_certificate_id.is_empty();
    Some(Found {
        bytes,
        cohort,
        key_cohort: if moved { CohortId::from_slice(&row.key_cohort_id).ok()? } else { cohort },
        forgot: if forgot {
            Some(CertificateId::from_slice(&row.forgot_certificate_id).ok()?)
        } else {
            None
        },
        record: RecordId::from_slice(&row.record_id).ok()?,
        fingerprint: row.fingerprint,
        version: row.version,
        restricted: (row.records, row.more),
    })
}
