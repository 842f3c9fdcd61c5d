//! Holds: slots that no purge and no erasure may remove until they are released.
//!
//! A hold names records, never a query; who may place one and until when is decided above. A draft
//! that would erase a held slot is refused, and a dropped segment keeps its held slots (`body`).

use chrono::NaiveDate;

use crate::{
    clock::Timestamp,
    ids::{AgentId, HoldId, RecordId, SlotRef},
};

/// A hold as the keyring stores it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Its random id.
    pub id: HoldId,
    /// The record it keeps.
    pub record: RecordId,
    /// Every slot of that record, head and sections; sorted, at least one.
    pub slots: Vec<SlotRef>,
    /// Who ordered it.
    pub authority: String,
    /// Why.
    pub reason: String,
    /// Last day of the hold.
    pub ends_on: NaiveDate,
    /// Who approved it.
    pub approver: AgentId,
    /// When it was placed.
    pub placed_at: Timestamp,
}
