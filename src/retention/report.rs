//! What a dry run and a run answer: plain data, nothing about a subject.

use chrono::NaiveDate;

use crate::{
    clock::Timestamp,
    ids::{CertificateId, CohortId, CollectionName},
    keyring::Keyring,
};

/// A cohort whose date has come, or that a run dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueCohort {
    /// Random id of the cohort.
    pub cohort: CohortId,
    /// Its collection; `_audit` for details of audit events.
    pub collection: CollectionName,
    /// The day from whose 00:00 local it must be unreadable.
    pub expires_on: NaiveDate,
    /// IANA zone of that midnight.
    pub zone: String,
    /// Segments dropped.
    pub segments: usize,
    /// Records, or events of `_audit`.
    pub records: u64,
}

/// What a purge would drop now.
#[derive(Debug, Clone)]
pub struct Preview {
    /// The instant up to which everything goes.
    pub cutoff: Timestamp,
    /// Sorted by date, collection, zone.
    pub cohorts: Vec<DueCohort>,
    /// Segments past their date that stay for held records alone.
    pub holds: usize,
}

/// What a purge did.
#[derive(Debug, Clone)]
pub struct PurgeReport {
    /// The certificate, unless nothing was due, nothing of what was due had ever been used, or the
    /// run was skipped.
    pub certificate: Option<CertificateId>,
    /// Keyring generation before.
    pub generation_before: u64,
    /// Keyring generation after; the same if nothing was due.
    pub generation_after: u64,
    /// What went.
    pub cohorts: Vec<DueCohort>,
    /// Record rows deleted.
    pub records: u64,
    /// Sections deleted.
    pub sections: u64,
    /// Index rows deleted.
    pub index_rows: u64,
    /// Details of audit events deleted.
    pub events: u64,
    /// Why the run did not take place.
    pub skipped: Option<String>,
}

impl PurgeReport {
    /// A run that changed nothing.
    pub(super) fn idle(keyring: &Keyring) -> Self {
        let generation = keyring.generation();
        Self {
            certificate: None,
            generation_before: generation,
            generation_after: generation,
            cohorts: Vec::new(),
            records: 0,
            sections: 0,
            index_rows: 0,
            events: 0,
            skipped: None,
        }
    }
}
