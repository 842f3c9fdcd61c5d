//! The keyring: every key of the vault, in generations that are written to places outside the data
//! folder, and the only way to forget one.
//!
//! Layers, from the bottom: `place` (files and slots on a medium), `anchor` (the erasable spot),
//! `generation` (the sealed file), `body` (what is in it), `cover` (a segment's tree), then the three
//! orders: `create`, `open`, and `draft` + `write` for generation g + 1; beside them what changes the
//! root key (`rotate`) and the list of places (`membership`, `promote`), and what only looks (`survey`).
//! Reads take a shared lock and no IO; generations are written one at a time, from
//! [`Keyring::draft`] to publication.
//!
//! Invariants: no key is ever in the data folder; a slot is handed out once, by the run that opened
//! its segment; an erasure is acknowledged only after every place has scrubbed the generation before;
//! a handle whose write failed beyond the commit point writes no further generation.

pub(crate) mod anchor;
mod body;
mod cache;
mod cover;
mod create;
mod draft;
mod error;
mod facts;
mod generation;
mod handle;
mod hold;
mod membership;
mod moves;
mod nodes;
mod open;
mod place;
mod promote;
mod root;
mod rotate;
mod run;
mod survey;
mod turn;
mod types;
mod write;

#[cfg(test)]
mod tests;

pub use create::NewVault;
pub use draft::Draft;
pub use error::KeyringError;
pub use handle::{Keyring, Slot};
pub use hold::Hold;
pub use moves::{CoverWeight, Pause};
pub use place::{Fault, MemoryImage, MemoryPlaces, Place};
pub use promote::{KnownGeneration, Promotion};
pub use root::{NewRoot, RootSource};
pub use survey::{PlaceFault, PlaceFinding, Survey};
pub use types::{
    CohortInfo, CohortKey, KeyAges, LogState, PlaceAct, PlaceChange, PlaceClass, PlaceStatus,
    RemovedPlace, Revocation, SegmentInfo, SegmentState,
};
pub use write::Unpublished;
