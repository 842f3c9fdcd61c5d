//! The audit log: every access is on disk here before its answer leaves.
//!
//! An event becomes a *detail*, sealed like any section and forgotten after its retention, and a
//! *leaf*, which holds nothing personal and stays for ever in a Merkle tree that is signed and whose
//! checkpoints lie outside the data folder (DESIGN section 6).
//!
//! ```text
//!  EventDraft --event--> SealedEvent --queue--> committer --one Store::commit--> Receipt
//!                                                  |
//!                     leaf, detail, index, tiles, m/log, m/clock, and the call's own rows
//! ```
//!
//! It must never be switched off or pointed elsewhere, and it must not know what a policy, a request
//! or a person is. Invariants: no receipt before durability; after a failed commit nothing is written
//! until the process starts again; what was signed never contradicts what is signed later.

pub mod clear;
pub mod export;
pub mod leaf;
pub mod merkle;
pub mod note;
pub mod tiles;
pub mod tree;
pub mod verify;

mod alarm;
mod alarm_book;
mod checkpoint;
mod committer;
mod copy;
mod entry;
mod error;
mod event;
mod exported;
mod foreign;
mod generations;
mod guard;
mod log;
mod open;
mod publish;
mod query;
mod queue;
mod receipt;
mod rule;
mod shared;
mod submit;

#[cfg(test)]
mod tests;

pub use alarm::{
    ALARM_BREAK_GLASS, ALARM_BREAK_GLASS_REFUSED, ALARM_CHECKPOINT, ALARM_CLOCK, ALARM_ROLLBACK,
    ALARM_UNWRITABLE,
};
pub use alarm_book::Alarm;
pub use copy::{CopiedLog, LogFault, LogInCopy};
pub use error::{AuditError, OpenError};
pub use event::{EventDraft, FieldGiven, SealedEvent, StoredEvent};
pub use guard::ClockVerdict;
pub use log::{AuditLog, Opened, RolledBack};
pub use open::Loss;
pub use query::{EventDetail, EventFilter, EventPage, ListedEvent};
pub use receipt::Receipt;
pub use rule::{AuditRule, audit_cohort_key};
