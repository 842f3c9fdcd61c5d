//! The checkpoint at the places: signed over durable leaves, when it is due.
//!
//! It must not sign what is not durable yet. Invariant: an older checkpoint never follows a newer one.

use super::{
    error::AuditError,
    shared::{Placed, Shared},
};
use crate::{clock::Timestamp, limits};

/// Signs the durable end and writes it to the places, if that is due.
pub(super) fn write(shared: &Shared, force: bool) -> Result<(), AuditError> {
    // Held across the write: an older checkpoint must never follow a newer one.
    let mut placed = shared.placed.lock();
    let (tail, now) = (*shared.tail.lock(), shared.clock.now());
    if tail.size == 0 || !(force || is_due(*placed, tail.k, tail.size, now)) {
        return Ok(());
    }
    shared.keyring.write_checkpoint(&shared.sign(tail))?;
    *placed = Some(Placed { k: tail.k, size: tail.size, at: now });
    Ok(())
}

fn is_due(placed: Option<Placed>, k: u32, size: u64, now: Timestamp) -> bool {
    placed.is_none_or(|last| {
        let moved = (last.k, last.size) != (k, size);
        // A clock that was set back must not stop checkpoints.
        let age = now.as_millis().saturating_sub(last.at.as_millis());
        moved && !(0..limits::CHECKPOINT_AGE_MS).contains(&age)
    })
}
