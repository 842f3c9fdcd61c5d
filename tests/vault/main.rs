//! The vault as a whole, below the wire: its promises on faulty doubles.
//!
//! Nothing here depends on wall-clock time, the network or the order of tests.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails"
)]

mod attacks;
mod backup;
mod bounds;
mod crash;
mod erase;
mod fail_closed;
mod find;
mod hold;
mod house;
mod import;
mod keys;
mod many;
mod model;
mod once;
mod periods;
mod places;
mod records;
mod rekey;
mod reseal;
mod retention;
mod shipped;
mod startup;
mod ties;
