//! Tests of the audit log: formats against the vectors, then the machinery on real keys in memory and
//! over a faulty store.

mod clock_and_alarms;
mod faults;
mod forged;
mod formats;
pub(super) mod house;
mod other_writer;
mod public;
mod query;
mod reopen;
mod writing;
