//! A real server, killed at any moment and cut from its power at any moment, over and over: nothing
//! acknowledged is lost and nothing erased comes back.
//!
//! `cargo test` runs a few of each. `OUBLIETTE_KILLS`, `OUBLIETTE_CUTS` and `OUBLIETTE_SEED` say how many
//! and with which seed; `.ci/run` and `.ci/long` set them. A failure prints seed and number and keeps the
//! folders. These tests run the built program with the machine's clock: what they call and where they
//! cut is drawn from the seed, what the program does meanwhile is not.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails"
)]

mod chance;
mod check;
mod disk;
mod home;
mod kill;
mod ledger;
mod load;
mod power;
mod program;
mod recorder;
mod trace;

use oubliette::clock::{Clock as _, SystemClock, Timestamp};

/// Runs one future on a runtime of its own.
fn run<T>(future: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().unwrap().block_on(future)
}

/// A number from the environment.
fn setting(name: &str, otherwise: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} is not a number")),
        Err(_) => otherwise,
    }
}

/// Seconds of the machine's clock since `began`: for people to read.
fn seconds_since(began: Timestamp) -> i64 {
    (SystemClock.now().as_millis() - began.as_millis()) / 1000
}
