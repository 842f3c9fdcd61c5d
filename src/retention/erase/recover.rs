//! Erasures that a crash cut.
//!
//! Before the first generation of a run, [`pending_slots`] says what that generation must erase: the
//! slots named in intents of the generation in force, and in no other. After it, [`resume`] finishes what
//! is erased and undoes what is not.

use super::{moved, order, report, run};
use crate::{
    audit::{AuditLog, EventDraft, StoredEvent},
    ids::{RecordId, SegmentId, SlotRef},
    retention::{RetentionError, context::Context},
    storage::keys,
    wire::store::{EraseRun, RecordRow},
};
use prost::Message as _;

/// Slots that the next generation must erase, if they live and no hold keeps them: of erasures, and of
/// records that moved, for which it is noted that it does.
///
/// # Errors
/// Reading storage and the log.
pub(in super::super) fn pending_slots(cx: &Context<'_>) -> Result<Vec<SlotRef>, RetentionError> {
    let keyring = cx.log.keyring();
    let mut slots = Vec::new();
    for run in run::open_runs(cx.log.store().as_ref(), keyring)? {
        // A lower generation was followed by one that erased: what it named is gone, or was left alone.
        if run.generation_before != keyring.generation() || !run.moved_by.is_empty() {
            continue;
        }
        for intent in run::intents(cx, &run)?.into_iter().flatten() {
            slots.extend(intent.slots);
        }
    }
    let mut left = moved::open(cx)?;
    moved::note(cx, &mut left)?;
    slots.extend(left.into_iter().flat_map(|moved| moved.slots));
    slots.sort_unstable();
    slots.dedup();
    Ok(slots)
}

/// Whether a record's row is marked, its slot lives, and no erasure is open that could have marked it.
///
/// # Errors
/// Reading storage.
pub(in super::super) fn is_marked_by_nobody(
    log: &AuditLog,
    record: RecordId,
) -> Result<bool, RetentionError> {
    let store = log.store();
    let Some(bytes) = store.get(&keys::record(&record))? else { return Ok(false) };
    // A row that does not parse is told of where it is read.
    let Ok(row) = RecordRow::decode(bytes.as_slice()) else { return Ok(false) };
    let seg = SegmentId::from_slice(&row.seg_id);
    let lives = seg.is_ok_and(|seg| log.keyring().slot_lives(&SlotRef { seg, index: row.index }));
    if row.erasing_generation == 0 || !lives {
        return Ok(false);
    }
    Ok(run::open_runs(store.as_ref(), log.keyring())?.iter().all(|run| !run.moved_by.is_empty()))
}

/// Finishes every erasure that a crash cut: rows, events, certificate. One that erased nothing is undone.
/// Returns how many were certified.
///
/// # Errors
/// Storage, log and keyring.
pub(in super::super) fn resume(cx: &Context<'_>) -> Result<usize, RetentionError> {
    let mut certified = moved::resume(cx)?;
    for mut run in run::open_runs(cx.log.store().as_ref(), cx.log.keyring())? {
        if !run.moved_by.is_empty() {
            continue;
        }
        if cx.log.keyring().places().iter().any(|place| place.stale) {
            // A place may hold the key of before still: certified once it has answered.
            continue;
        }
        let intents = run::intents(cx, &run)?;
        let reports =
            intents.iter().map(|found| Some(EventDraft::following(found.as_ref()?, "erase")));
        let reports: Vec<report::Report> = reports.collect();
        if erased(cx, &run, &intents) {
            run.resumed = run.resumed.saturating_add(1);
            run::renew_if_restored(cx, &mut run)?;
            order::finish(cx, &mut run, reports)?;
            certified += 1;
        } else {
            report::give_up(cx, &run, &reports)?;
        }
    }
    Ok(certified)
}

/// Whether the run's generation came: it was noted, or a slot that an intent names is gone.
fn erased(cx: &Context<'_>, run: &EraseRun, intents: &[Option<StoredEvent>]) -> bool {
    if run.generation_after != 0 {
        return true;
    }
    let keyring = cx.log.keyring();
    let mut slots = intents.iter().flatten().flat_map(|intent| &intent.slots);
    run.generation_before < keyring.generation() && slots.any(|slot| !keyring.slot_lives(slot))
}
