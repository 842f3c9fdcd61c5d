//! Types of Import. No `Debug` where a record is held.

use super::{Created, Intent, NewRecord};
use crate::client::Reason;

/// One record on its way into the vault.
#[derive(Clone)]
pub struct ImportItem {
    /// Chosen by the caller; comes back in the answer.
    pub position: u64,
    /// Purpose and request id.
    pub why: Intent,
    /// The record.
    pub record: NewRecord,
}

/// One answer.
#[derive(Debug, Clone)]
pub struct Imported {
    /// The position that was sent.
    pub position: u64,
    /// The filed record, or why it was not filed.
    pub result: Result<Created, ItemRefusal>,
}

/// Why one record of an import was refused. Holds no value of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemRefusal {
    /// The stable reason.
    pub reason: String,
    /// For LIMIT: the bound, in words; else empty.
    pub message: String,
    /// What was refused: path in the record, and why.
    pub violations: Vec<(String, String)>,
}

impl ItemRefusal {
    /// Whether the same record, sent again a little later, may be filed.
    #[must_use]
    pub fn passes(&self) -> bool {
        Reason::parse(&self.reason).is_some_and(Reason::retry)
    }
}
