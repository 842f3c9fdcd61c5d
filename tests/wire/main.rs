//! The vault as its callers meet it: over a real socket, on a real disk, through the real binary.
//!
//! Nothing here depends on wall-clock time or on the order of tests. Every vault listens on a port
//! of its own; waits end with the thing waited for, and bounds are a safety net only.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails"
)]

mod cli;
mod coverage;
mod cross;
mod disk;
mod doors;
mod existence;
mod fail_closed;
mod fixture;
mod flow;
mod glass;
mod import;
mod limits;
mod policies;
mod proof;
mod support;
