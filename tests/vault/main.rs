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
mod counter;
mod crash;
mod derive;
mod erase;
mod fail_closed;
mod find;
mod glass;
mod hold;
mod house;
mod import;
mod keys;
mod listed;
mod many;
mod model;
mod municipal;
mod once;
mod periods;
mod places;
mod recent;
mod records;
mod rekey;
mod reload;
mod reseal;
mod restrict;
mod retention;
mod shipped;
mod startup;
mod ties;
