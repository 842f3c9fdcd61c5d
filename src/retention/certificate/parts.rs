//! What a certificate is made of. Field order is the order of the JSON; fields are added, never changed,
//! and one that is added has a default, so that certificates of before still read.

use serde::{Deserialize, Serialize};

/// One cohort that went, or of which records went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct CertifiedCohort {
    pub(in super::super) id: String,
    pub(in super::super) collection: String,
    pub(in super::super) expires_on: String,
    pub(in super::super) zone: String,
    pub(in super::super) segments: Vec<String>,
    #[serde(flatten)]
    pub(in super::super) counts: Counts,
}

/// Rows deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct Counts {
    pub(in super::super) records: u64,
    pub(in super::super) sections: u64,
    pub(in super::super) index_rows: u64,
    pub(in super::super) events: u64,
}

impl Counts {
    /// Adds the counts of one more cohort.
    pub(in super::super) fn add(&mut self, other: Self) {
        self.records = self.records.saturating_add(other.records);
        self.sections = self.sections.saturating_add(other.sections);
        self.index_rows = self.index_rows.saturating_add(other.index_rows);
        self.events = self.events.saturating_add(other.events);
    }
}

/// One place of the keyring when the certificate was issued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct CertifiedPlace {
    pub(in super::super) id: String,
    pub(in super::super) class: String,
}

/// Where the log bears this run out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct AuditReference {
    /// Leaf of the intent, durable before the erasure.
    pub(in super::super) intent: Option<LeafIndex>,
    /// A signed checkpoint that covers the intent and the generation's leaf.
    pub(in super::super) checkpoint: String,
}

/// Origin number and leaf number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct LeafIndex {
    pub(in super::super) k: u32,
    pub(in super::super) n: u64,
}

/// A sentence in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct Bilingual {
    pub(in super::super) en: String,
    pub(in super::super) fr: String,
}

/// A thing that remains readable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct Readable {
    /// Stable name of the thing; empty in certificates of before there were codes.
    #[serde(default)]
    pub(in super::super) code: String,
    #[serde(flatten)]
    pub(in super::super) text: Bilingual,
}

/// A hold in force when the certificate was issued. The reason is its author's words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct CertifiedHold {
    pub(in super::super) id: String,
    /// The record it keeps, a random id.
    pub(in super::super) record: String,
    /// Slots it keeps: the head and the sections.
    pub(in super::super) slots: u64,
    pub(in super::super) authority: String,
    pub(in super::super) reason: String,
    pub(in super::super) placed_at: String,
    /// Last day of the hold.
    pub(in super::super) ends_on: String,
    pub(in super::super) age_days: u64,
    /// The record's own date has passed: the hold alone keeps it.
    pub(in super::super) past_date: bool,
}

/// A place that was taken off the list without having been scrubbed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct UnscrubbedPlace {
    pub(in super::super) id: String,
    pub(in super::super) class: String,
    /// The first generation without it.
    pub(in super::super) generation: u64,
}

/// A generation of the keyring, as the log has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct GenerationReference {
    pub(in super::super) generation: u64,
    /// SHA-256 of its keyring file, hexadecimal.
    pub(in super::super) keyring_hash: String,
}
