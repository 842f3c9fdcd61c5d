//! Slots that records left when they moved: open runs whose intent is the event that moved them.
//!
//! Every erasing generation takes along what they name, whoever writes it. Unlike the erasure of a record
//! such a run is never undone: its record lives elsewhere since the commit that wrote it. It must not
//! delete a row of the record. Invariant: the certificate, the final event and the end of the run are one
//! commit, after the erasure point.

use super::{Doomed, report, run};
use crate::{
    audit::EventDraft,
    ids::SlotRef,
    keyring::Draft,
    retention::{
        Left, Owed, RetentionError,
        certificate::Counts,
        context::{Context, make_certificate_id},
    },
    storage::Group,
    wire::store::EraseRun,
};

/// The action of the event that reports it.
pub(in super::super) const RESEALED: &str = "reseal";

/// An open run of a record that moved.
pub(in super::super) struct Moved {
    run: EraseRun,
    /// What its intent names, as far as it lives.
    pub(in super::super) slots: Vec<SlotRef>,
    event: EventDraft,
}

/// The row of a run that begins with the commit of the move itself.
pub(in super::super) fn leave(
    cx: &Context<'_>,
    action: &'static str,
    left: &Doomed,
) -> Result<Left, RetentionError> {
    let certificate = make_certificate_id(cx);
    let mut run = EraseRun {
        certificate_id: certificate.as_bytes().to_vec(),
        started_at_ms: cx.log.clock().now().as_millis(),
        pack_hash: cx.pack_hash.to_vec(),
        log_k: cx.log.state().k,
        moved_by: action.to_owned(),
        ..EraseRun::default()
    };
    // The event is sealed with the notes: what it is known by, its id is not.
    run.intents.push(run::intent(&[], std::slice::from_ref(left)));
    run::add_cohorts(&mut run, cx.log.keyring(), std::slice::from_ref(left));
    let notes = run::notes(&run, 0);
    Ok(Left { certificate, notes, row: run::put(cx.log.keyring(), &run)? })
}

/// Whether slots wait to be erased.
pub(in super::super) fn has_left(cx: &Context<'_>) -> Result<bool, RetentionError> {
    Ok(!open(cx)?.is_empty())
}

/// The same for what this draft may erase: without those of which a hold keeps a slot, for its record could
/// not be read when holds followed theirs.
pub(in super::super) fn erasable(
    cx: &Context<'_>,
    draft: &Draft,
) -> Result<Vec<Moved>, RetentionError> {
    let mut found = open(cx)?;
    found.retain(|moved| !moved.slots.iter().any(|slot| draft.is_held(slot)));
    Ok(found)
}

/// The open runs of moves with a slot that lives.
pub(super) fn open(cx: &Context<'_>) -> Result<Vec<Moved>, RetentionError> {
    let mut found = all(cx)?;
    found.retain(|moved| !moved.slots.is_empty());
    Ok(found)
}

/// All of them whose intent opens: for a row alone nothing is erased.
fn all(cx: &Context<'_>) -> Result<Vec<Moved>, RetentionError> {
    let keyring = cx.log.keyring();
    let mut found = Vec::new();
    for run in run::open_runs(cx.log.store().as_ref(), keyring)? {
        if run.moved_by.is_empty() {
            continue;
        }
        let Some(intent) = run::intents(cx, &run)?.into_iter().flatten().next() else { continue };
        let lives = |slot: &&SlotRef| keyring.slot_lives(slot);
        let slots = intent.slots.iter().filter(lives).copied().collect();
        let event = EventDraft::following(&intent, RESEALED);
        found.push(Moved { run, slots, event });
    }
    Ok(found)
}

/// Notes, durable, that the next generation erases these: so it is known by which one. A crash leaves a
/// number that the next one to take them up overwrites.
pub(in super::super) fn note(cx: &Context<'_>, moved: &mut [Moved]) -> Result<(), RetentionError> {
    let keyring = cx.log.keyring();
    let mut ops = Vec::with_capacity(moved.len());
    for one in moved.iter_mut() {
        one.run.generation_before = keyring.generation();
        ops.push(run::put(keyring, &one.run)?);
    }
    if ops.is_empty() {
        return Ok(());
    }
    Ok(cx.log.write_rows(Group { preconditions: Vec::new(), ops })?)
}

/// What follows the erasure point: T1 noted, then certificate, event and the end of the run in one commit.
/// A crash before leaves the run, whose slots are gone: the next start comes back to this.
pub(in super::super) fn finish(cx: &Context<'_>, moved: Vec<Moved>) -> Result<(), RetentionError> {
    for Moved { mut run, event, .. } in moved {
        report::note_erased(cx, &mut run)?;
        certify(cx, &run, event)?;
    }
    Ok(())
}

/// Finishes what a crash cut past the erasure point; how many were certified.
///
/// # Errors
/// Storage, log and keyring.
pub(super) fn resume(cx: &Context<'_>) -> Result<usize, RetentionError> {
    if cx.log.keyring().places().iter().any(|place| place.stale) {
        // A place may hold the key of before still: certified once it has answered.
        return Ok(0);
    }
    let mut gone = all(cx)?;
    gone.retain(|moved| moved.slots.is_empty());
    let certified = gone.len();
    for mut moved in gone {
        moved.run.resumed = moved.run.resumed.saturating_add(1);
        if moved.run.log_k == cx.log.state().k {
            finish(cx, vec![moved])?;
        } else {
            // Of a database that was put back: it may have been certified already, in what was lost.
            report::commit(cx, vec![run::delete(&moved.run)?], Some(moved.event))?;
        }
    }
    Ok(certified)
}

fn certify(cx: &Context<'_>, run: &EraseRun, event: EventDraft) -> Result<(), RetentionError> {
    let cohorts = report::cohorts(run)?;
    let records = run.intents.iter().map(|intent| intent.records.len()).sum::<usize>();
    let records = u64::try_from(records).unwrap_or(u64::MAX);
    let totals = Counts { records, ..Counts::default() };
    // Nothing is deleted but keys: the records are counted once, where their heads were.
    let counts: Vec<Counts> = (0..cohorts.len())
        .map(|position| if position == 0 { totals } else { Counts::default() })
        .collect();
    let mut event = event;
    event.notes = report::proof_notes(cx, run, records);
    event.slots.clear();
    let mut ops =
        vec![run::delete(run)?, report::certificate(cx, run, &cohorts, (&counts, totals))?];
    let certificate = run::certificate_id(run)?;
    // What its index rows were may be in older copies: until the keys are exchanged it is confirmable.
    ops.extend(cohorts.iter().map(|cohort| Owed { cohort: cohort.id, certificate }.row()));
    report::commit(cx, ops, Some(event))
}
