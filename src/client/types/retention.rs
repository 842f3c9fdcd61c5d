//! Types of `Retention`.

use serde::Serialize;

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
