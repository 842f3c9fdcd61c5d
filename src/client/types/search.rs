//! Types of Find, Match and Worklist. What is searched for is in no answer.

use super::Value;
use crate::ids::{EventId, RecordId};

/// One page of an answer to Find.
#[derive(Debug, Clone)]
pub struct FoundPage {
    /// In the order of their expiry.
    pub records: Vec<RecordId>,
    /// For the next page; `None` on the last.
    pub cursor: Option<Vec<u8>>,
    /// The audit event of this answer.
    pub event: EventId,
}

/// An answer to Match.
#[derive(Debug, Clone, Copy)]
pub struct Matched {
    /// The record has this value.
    pub matches: bool,
    /// The field's class has ended before the record: nothing matches any more.
    pub expired: bool,
    /// The audit event of this answer.
    pub event: EventId,
}

/// An answer to Match by value.
#[derive(Debug, Clone, Copy)]
pub struct Listed {
    /// Somebody of these values is on file. Otherwise nobody is, or the caller may not know.
    pub listed: bool,
    /// The audit event of this answer.
    pub event: EventId,
}

/// One page of an answer to Worklist.
#[derive(Clone)]
pub struct WorklistPage {
    /// In the order of their expiry.
    pub items: Vec<WorklistItem>,
    /// For the next page; `None` on the last.
    pub cursor: Option<Vec<u8>>,
    /// The audit event of this answer.
    pub event: EventId,
}

/// One record of a work list.
#[derive(Clone)]
pub struct WorklistItem {
    /// The record.
    pub record: RecordId,
    /// For the next update.
    pub version: u32,
    /// From 00:00 of this date on it is unreadable.
    pub expires_on: String,
    /// Nothing identifying.
    pub attributes: Vec<(String, Value)>,
}
