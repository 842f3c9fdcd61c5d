//! What moving records to other slots needs of the keyring: a hold that follows its record, a segment
//! that is written to no more, and how much the covers weigh.
//!
//! Nothing here decides what moves. Invariants: a hold never names a slot that the generation it is
//! written with does not reach; while a segment takes no writes, no row that uses it becomes durable.

use std::sync::Arc;

use super::{Draft, Keyring, KeyringError, body::Segment, turn::Turn};
use crate::ids::{HoldId, SegmentId, SlotRef};

/// The generation's turn without a draft: while it lives, no generation is written.
#[must_use = "the turn ends when it is dropped"]
pub struct Pause(#[expect(dead_code, reason = "ends the generation's turn on drop")] Turn);

/// How much of the keyring a segment's cover is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CoverWeight {
    /// The segment.
    pub segment: SegmentId,
    /// Nodes of its cover.
    pub nodes: usize,
}

impl Draft {
    /// Puts a hold on other slots of its record: what it kept before may be erased in this same draft.
    ///
    /// Errors: [`KeyringError::HoldRefused`] for an unknown hold or no slot,
    /// [`KeyringError::SlotGone`] for a slot that does not live; then the hold is as it was.
    pub fn move_hold(&mut self, id: &HoldId, slots: &[SlotRef]) -> Result<(), KeyringError> {
        if slots.is_empty() {
            return Err(KeyringError::HoldRefused);
        }
        if !slots.iter().all(|slot| self.body.reaches(slot)) {
            return Err(KeyringError::SlotGone);
        }
        let mut hold = self.release_hold(id).ok_or(KeyringError::HoldRefused)?;
        hold.slots = slots.to_vec();
        self.place_hold(hold)
    }

    /// Gives the draft up and keeps its turn.
    pub fn into_pause(self) -> Pause {
        Pause(self.turn)
    }

    /// Whether a hold, as this draft has it, keeps this slot.
    #[must_use]
    pub fn is_held(&self, at: &SlotRef) -> bool {
        self.body.holds.of_slot(at).next().is_some()
    }

    /// Whether a hold, as this draft has it, keeps any slot of a segment.
    #[must_use]
    pub fn holds_any_of(&self, seg: &SegmentId) -> bool {
        self.body.holds.of_segment(seg).next().is_some()
    }

    /// Whether the slot lives in this draft.
    #[must_use]
    pub fn slot_lives(&self, at: &SlotRef) -> bool {
        self.body.reaches(at)
    }
}

impl Keyring {
    /// Waits until no generation is being written, and keeps the next one waiting. Blocks.
    pub fn pause(self: &Arc<Self>) -> Pause {
        Pause(self.turnstile.enter())
    }

    /// Hands out no more slots of this segment. One that was handed out may still be written to.
    pub fn close_segment(&self, seg: &SegmentId) {
        self.run.lock().retain(|open| open != seg);
    }

    /// From now on no commit may use a slot of this segment, until [`Keyring::take_writes`].
    pub fn refuse_writes(&self, seg: &SegmentId) {
        self.refused.write().insert(*seg);
    }

    /// Undoes [`Keyring::refuse_writes`].
    pub fn take_writes(&self, seg: &SegmentId) {
        self.refused.write().remove(seg);
    }

    /// Whether a row sealed under this slot may be written: it lives, and its segment takes writes.
    #[must_use]
    pub fn is_writable(&self, at: &SlotRef) -> bool {
        !self.refused.read().contains(&at.seg) && self.slot_lives(at)
    }

    /// Bytes of the keyring's file.
    #[must_use]
    pub fn file_bytes(&self) -> usize {
        self.state.read().bytes
    }

    /// What each live segment's cover weighs, the heaviest first.
    #[must_use]
    pub fn cover_weights(&self) -> Vec<CoverWeight> {
        let state = self.state.read();
        let weight = |(id, segment): (&SegmentId, &Segment)| CoverWeight {
            segment: *id,
            nodes: segment.cover.len(),
        };
        let mut weights: Vec<CoverWeight> = state.body.segments.iter().map(weight).collect();
        weights.sort_by_key(|weight| (std::cmp::Reverse(weight.nodes), weight.segment));
        weights
    }
}
