//! Publication of a generation: its leaf durable first, only then its slots, then a checkpoint.
//!
//! The only caller of `Unpublished::published`. A crash before the leaf is durable leaves a generation
//! without a leaf and without one slot handed out: [`missing`] writes the leaf at the next start.

use sha2::{Digest, Sha256};

use super::{
    alarm::{self, ALARM_CHECKPOINT},
    checkpoint,
    clear::{GenerationDetail, OriginDetail},
    entry::Entry,
    error::AuditError,
    leaf::{KIND_GENERATION, KIND_ORIGIN},
    open::generation_row,
    queue::Call,
    shared::Shared,
    submit,
};
use crate::{
    keyring::Unpublished,
    storage::{Group, Op, keys},
};

/// Writes the generation leaf durably, then lets the generation hand out slots, then writes a
/// checkpoint to the places. Blocks.
pub(super) fn publish(shared: &Shared, unpublished: Unpublished) -> Result<(), AuditError> {
    // 1. The leaf. A crash before it: the generation is current, `missing` writes the leaf.
    generation(shared, unpublished.detail())?;
    // 2. Slots. A crash before it: this run opened segments that no run will use.
    unpublished.published();
    // 3. The checkpoint. A crash before it: the floor at the places is one generation older.
    place_checkpoint(shared);
    Ok(())
}

/// Writes the leaf of the keyring's current generation if it is missing, and before it those of the
/// generations that commands on places wrote while no log was open; true if any was.
pub(super) fn missing(shared: &Shared) -> Result<bool, AuditError> {
    let keyring = &shared.keyring;
    let row = generation_row(shared.store.as_ref())?;
    let written = row.as_ref().map_or(0, |row| row.generation);
    if written >= keyring.generation() {
        return Ok(false);
    }
    // Before generation 1 there is none, whose hash is zeros in its leaf.
    let told = row.and_then(|row| GenerationDetail::parse(&row.detail));
    let hash = told.map_or([0; 32], |detail| detail.keyring_hash);
    let mut details = keyring.generation_details_after(written, hash);
    let newest = keyring.generation_detail();
    if details.last() != Some(&newest) {
        details.push(newest);
    }
    // A crash between two of them leaves the rest to the next start.
    details.iter().try_for_each(|detail| generation(shared, detail))?;
    place_checkpoint(shared);
    Ok(true)
}

/// Writes the first leaf of an origin, and then a checkpoint.
pub(super) fn origin(shared: &Shared, detail: &OriginDetail) -> Result<(), AuditError> {
    let bytes = detail.encode().ok_or(AuditError::Corrupt("a checkpoint is too long"))?;
    // What forced the new origin goes with its first leaf, so that a start that is cut after it does not
    // begin another one.
    let ops = vec![Op::Delete(keys::RESTORED.to_vec())];
    write(shared, KIND_ORIGIN, bytes, (None, ops))?;
    place_checkpoint(shared);
    Ok(())
}

/// Writes one generation's leaf.
pub(super) fn generation(shared: &Shared, detail: &[u8]) -> Result<(), AuditError> {
    let parsed = GenerationDetail::parse(detail).ok_or(AuditError::Corrupt("a generation"))?;
    write(shared, KIND_GENERATION, detail.to_vec(), (Some(parsed.generation), Vec::new()))
}

fn write(
    shared: &Shared,
    kind: &'static str,
    detail: Vec<u8>,
    (generation, ops): (Option<u64>, Vec<Op>),
) -> Result<(), AuditError> {
    let (time, digest) = (shared.clock.now(), Sha256::digest(&detail).into());
    let entry = Some(Entry::Clear { kind, time, detail, digest, generation });
    let group = Group { preconditions: Vec::new(), ops };
    let call = Call { entry, group, ..Call::default() };
    submit::submit_blocking(shared, call).map(drop)
}

/// The leaf is durable whatever the places say: a failure is an alarm, and the next minute tries again.
fn place_checkpoint(shared: &Shared) {
    if checkpoint::write(shared, true).is_err() {
        alarm::raise(shared, ALARM_CHECKPOINT, "after-generation");
    }
}
