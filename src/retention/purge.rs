//! The order of a purge (DESIGN section 3), one function over numbered steps.
//!
//! Recovery calls the same function with the step reached. It must not acknowledge before the erasure
//! point, must not write a certificate that the keyring does not bear out, and must not hold the
//! generation lock while it sweeps. Invariants: an intent is durable before a key is destroyed; one
//! generation drops everything due; the certificate, the final event and the end of the run are one
//! commit.

use crate::{
    audit::{EventDraft, Receipt},
    clock::Timestamp,
    ids::HoldId,
    keyring::{KeyringError, SegmentState},
    storage::{Group, Op, Precondition, keys},
    wire::store::PurgeRun,
};

use super::{
    certify,
    context::{Context, draft_event},
    erase,
    error::RetentionError,
    plan::{self, Plan},
    report::PurgeReport,
    reseal, rows, run,
    sweep::Sweeper,
};

/// How far a run has come.
pub(super) enum Reached {
    /// Nothing is erased. `replaced` is the row of a run that got no further than its intent; `release`
    /// are holds that somebody releases.
    Nothing { replaced: Option<Vec<u8>>, release: Vec<HoldId> },
    /// The generation without the run's segments is at the places, and its leaf is durable.
    Erased(Box<PurgeRun>),
}

const CLOCK_JUMPED: &str = "the clock jumped; confirm it with `oubliette clock confirm`";

/// What came of steps 3 to 5.
enum Erasing {
    Erased(Box<PurgeRun>),
    NothingDue,
    /// Nothing was erased; the intent's row stays, and the next run replaces it.
    ClockTripped,
}

/// Drops everything due, sweeps, certifies; or takes up a run at the step it reached. Blocks.
pub(super) fn purge(cx: &Context<'_>, reached: Reached) -> Result<PurgeReport, RetentionError> {
    let mut run = match reached {
        Reached::Erased(run) => *run,
        Reached::Nothing { replaced, release } => {
            // 1. The clock guard. A crash here leaves nothing.
            let Some(now) = cx.log.sound_now() else {
                return skip(cx, "clock", CLOCK_JUMPED);
            };
            // 2. What is due. A crash here leaves nothing.
            let keyring = cx.log.keyring();
            if plan::plan(&keyring.segments(), &keyring.holds(), &release, now).is_empty() {
                return nothing_due(cx, replaced);
            }
            match erase(cx, now, replaced, &release) {
                Ok(Erasing::Erased(run)) => *run,
                // Another generation dropped it all between the look and the lock.
                Ok(Erasing::NothingDue) => return nothing_due(cx, None),
                Ok(Erasing::ClockTripped) => return skip(cx, "clock", CLOCK_JUMPED),
                // Found before anything was written: the intent stays without an effect, and the next
                // run replaces it.
                Err(RetentionError::Keyring(KeyringError::ErasureNeedsPlace { id })) => {
                    return skip(
                        cx,
                        "place",
                        &format!("place {id} does not answer; nothing was erased"),
                    );
                }
                Err(error) => return Err(error),
            }
        }
    };
    // 6. Note the erasure (T1). A crash before leaves the intent's row and dropped segments: recovery
    //    sees the tombstones and comes back to this step. The rows hold no readable data any more.
    run::note_erased(cx, &mut run)?;
    // 7. Sweep, each batch with its count. A crash leaves rows without keys and an exact count of those
    //    already deleted; recovery goes on.
    sweep(cx, &run)?;
    // 8. Certificate, final event and the end of the run in one commit. A crash before leaves the run
    //    with all its counts, and this step is done again; a crash after leaves nothing to do.
    let report = certify::certify(cx, &run)?;
    // 9. Checkpoint. A crash before leaves an older checkpoint, which the log still extends.
    cx.log.write_checkpoint(true)?;
    Ok(report)
}

/// Steps 3 to 5, under the generation lock.
fn erase(
    cx: &Context<'_>,
    now: Timestamp,
    replaced: Option<Vec<u8>>,
    release: &[HoldId],
) -> Result<Erasing, RetentionError> {
    let keyring = cx.log.keyring();
    let mut draft = keyring.draft();
    // A record may have moved since it was held: its hold follows before anything goes.
    reseal::carry_holds(cx.log, &mut draft)?;
    // What records left that moved before goes along.
    let mut left = erase::erasable(cx, &draft)?;
    // Dropping a segment keeps its held slots alone and marks it `held_only`: from then on it is not
    // due, and releasing the hold erases what it kept.
    let plan = plan::plan(&keyring.segments(), &draft.holds(), release, now);
    if plan.is_empty() {
        return Ok(Erasing::NothingDue);
    }
    // 3. Intent durable, naming g + 1 and its cohorts, in one commit with the run's row. A crash leaves
    //    both and g current: recovery replaces the run and writes a new intent (over-reporting is
    //    allowed, an effect without an event never).
    let mut run = run::start(cx, &plan, keyring.generation())?;
    let receipt = intend(cx, &plan, &mut run, draft.generation(), replaced)?;
    if let Some(receipt) = receipt {
        (run.intent_k, run.intent_n) = receipt.index();
        run.intent_index_known = true;
    }
    // The intent took its time. A clock that jumped meanwhile may have been wrong before: the last look
    // comes right before the keys go.
    if cx.log.sound_now().is_none() {
        return Ok(Erasing::ClockTripped);
    }
    // 4. One generation for everything due, and without the holds that are over: file at every place,
    //    anchors (commit point), memory wiped, old anchors scrubbed (erasure point). A crash before the
    //    commit point leaves g current and maybe an orphan file; after it, g + 1 current, and opening the
    //    keyring finishes the scrub.
    for hold in &plan.release {
        let _released = draft.release_hold(hold);
    }
    erase::note_left(cx, &mut left)?;
    for one in &left {
        draft.puncture(&one.slots)?;
    }
    for segment in plan.cohorts.iter().flat_map(|cohort| &cohort.segments) {
        draft.drop_segment(segment, now)?;
    }
    let unpublished = draft.write(cx.log.state(), cx.log.random().as_ref())?;
    // 5. Generation leaf durable. A crash before leaves g + 1 without its leaf: opening the log writes
    //    it before anything else.
    cx.log.publish(unpublished)?;
    erase::finish_left(cx, left)?;
    Ok(Erasing::Erased(Box::new(run)))
}

fn intend(
    cx: &Context<'_>,
    plan: &Plan,
    run: &mut PurgeRun,
    generation: u64,
    replaced: Option<Vec<u8>>,
) -> Result<Option<Receipt>, RetentionError> {
    let mut event = draft_event(cx, "purge-intent", "STARTED");
    event.notes = vec![
        format!("generation={generation}"),
        run::certificate_note(run),
        format!("cutoff={}", plan.cutoff),
    ];
    event.notes.extend(plan.cohorts.iter().map(|cohort| format!("cohort={}", cohort.info.id)));
    event.notes.extend(plan.release.iter().map(|hold| format!("release={hold}")));
    let sealed = cx.log.seal(&event)?;
    run.intent_event_id = sealed.id().as_bytes().to_vec();
    let free = match replaced {
        Some(bytes) => Precondition::Unchanged(keys::PURGE.to_vec(), bytes),
        None => Precondition::Absent(keys::PURGE.to_vec()),
    };
    let group = Group {
        preconditions: vec![free],
        ops: vec![rows::put_purge_run(cx.log.keyring().as_ref(), run)],
    };
    Ok(cx.log.commit_blocking(group, &[], Some(sealed))?)
}

/// Step 7: every cohort of the run.
fn sweep(cx: &Context<'_>, run: &PurgeRun) -> Result<(), RetentionError> {
    let write = |group| cx.log.write_rows(group).map_err(RetentionError::from);
    let sweeper =
        Sweeper { store: cx.log.store().as_ref(), reach: cx.log.keyring().as_ref(), write: &write };
    run::cohorts(run)?.iter().try_for_each(|cohort| sweeper.cohort(cohort))
}

/// Whether the generation of this run was committed: none of its segments is live any more, and none of
/// the holds it takes away is in force. One generation does it all, so one that is still there means
/// that none is gone.
pub(super) fn is_erased(cx: &Context<'_>, run: &PurgeRun) -> Result<bool, RetentionError> {
    // With the turn in hand no generation is under way: an incomplete one is a failed one, whose old
    // anchors may still open. Only the next start, which scrubs first, may take this run up.
    let turn = cx.log.keyring().draft();
    if cx.log.keyring().is_incomplete() {
        return Err(KeyringError::MustReopen.into());
    }
    drop(turn);
    let in_force = |hold: &HoldId| cx.log.keyring().hold(hold).is_some();
    if run::released(run)?.iter().any(in_force) {
        return Ok(false);
    }
    let live = |state| matches!(state, SegmentState::Live { held_only: false, .. });
    let cohorts = run::cohorts(run)?;
    let mut segments = cohorts.iter().flat_map(|cohort| &cohort.segments);
    Ok(!segments.any(|segment| live(cx.log.keyring().segment(segment))))
}

/// A run that does not take place says so, in its answer and in the log.
fn skip(cx: &Context<'_>, reason: &str, sentence: &str) -> Result<PurgeReport, RetentionError> {
    let mut event = draft_event(cx, "purge", "SKIPPED");
    event.notes = vec![format!("reason={reason}")];
    record(cx, &event)?;
    Ok(PurgeReport { skipped: Some(sentence.to_owned()), ..PurgeReport::idle(cx.log.keyring()) })
}

/// Nothing due: no generation, no certificate, one event. A run that got no further than its intent
/// ends here too.
fn nothing_due(cx: &Context<'_>, replaced: Option<Vec<u8>>) -> Result<PurgeReport, RetentionError> {
    let sealed = cx.log.seal(&draft_event(cx, "purge", "NOTHING_DUE"))?;
    let mut group = Group::default();
    if let Some(bytes) = replaced {
        group.preconditions.push(Precondition::Unchanged(keys::PURGE.to_vec(), bytes));
        group.ops.push(Op::Delete(keys::PURGE.to_vec()));
    }
    let _receipt = cx.log.commit_blocking(group, &[], Some(sealed))?;
    Ok(PurgeReport::idle(cx.log.keyring()))
}

fn record(cx: &Context<'_>, event: &EventDraft) -> Result<(), RetentionError> {
    let sealed = cx.log.seal(event)?;
    let _receipt = cx.log.commit_blocking(Group::default(), &[], Some(sealed))?;
    Ok(())
}
