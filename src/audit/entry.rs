//! What a call asks a leaf for: an event, or a detail in clear.
//!
//! Plain data between the callers and the committer; it must not know its number, which the committer
//! alone gives.

use super::{event::SealedEvent, merkle::Hash};
use crate::clock::Timestamp;

/// What a leaf is written for.
pub(super) enum Entry {
    /// An event with a sealed detail.
    Event(Box<SealedEvent>),
    /// A detail in clear: a generation's, or the first leaf of a later origin (see `clear`).
    Clear {
        kind: &'static str,
        time: Timestamp,
        detail: Vec<u8>,
        digest: Hash,
        /// Set for a generation: row `m/generation` is overwritten in the same commit.
        generation: Option<u64>,
    },
}

impl Entry {
    /// What it weighs in a batch, roughly, in bytes.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Event(event) => event.section.len() + 64 * event.tokens.len(),
            Self::Clear { detail, .. } => detail.len(),
        }
    }

    /// The time its leaf carries.
    pub(super) fn time(&self) -> Timestamp {
        match self {
            Self::Event(event) => event.time,
            Self::Clear { time, .. } => *time,
        }
    }
}
