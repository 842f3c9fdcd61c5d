//! The order of an erasure (DESIGN section 3), over numbered steps. Recovery calls [`finish`] with the
//! same run.

use super::{
    Doomed, EraseRequest, Erased, Fate, Remember,
    moved::{self, Moved},
    report::{self, Report},
    run,
};
use crate::{
    audit::{AuditError, EventDraft},
    ids::SlotRef,
    keyring::{Draft, KeyringError},
    limits,
    retention::{
        RetentionError,
        context::{Context, make_certificate_id},
        reseal::carry_holds,
    },
    storage::{Group, Op, Precondition, keys},
    wire::store::EraseRun,
};

/// The part of one request that is erased.
struct Chosen {
    event: EventDraft,
    fates: Vec<Fate>,
    doomed: Vec<Doomed>,
    remember: Remember,
    /// Its intent is durable.
    intended: bool,
}

/// How far the destruction came.
enum Destroyed {
    /// Every record was changed meanwhile: nothing is erased, and no generation written.
    Nothing,
    /// The keys are gone, and the generation's leaf could not be written.
    Unpublished(RetentionError),
    /// The keys are gone, and the generation's leaf is durable.
    Published,
}

/// Erases what these requests name, in one generation. Blocks.
///
/// # Errors
/// Before the commit point nothing is erased, and what was begun is undone; past it the erasure stays
/// pending and unacknowledged, and the next start finishes it ([`is_beyond_commit`]).
pub(in super::super) fn erase(
    cx: &Context<'_>,
    batch: Vec<EraseRequest>,
) -> Result<Vec<Erased>, RetentionError> {
    let keyring = cx.log.keyring();
    // 1. The generation's turn, which placing a hold and moving a record take too; every place answers;
    //    holds, which follow their records; what moved records left. A crash here leaves nothing.
    let mut draft = keyring.draft();
    draft.ready_to_erase(cx.log.random().as_ref())?;
    carry_holds(cx.log, &mut draft)?;
    let mut left = moved::erasable(cx, &draft)?;
    let mut chosen: Vec<Chosen> = batch.into_iter().map(|one| choose(&draft, one)).collect();
    let asked = chosen.iter().any(|one| !one.doomed.is_empty());
    if !asked && left.is_empty() {
        let generation = keyring.generation();
        return Ok(answers(chosen, generation, None));
    }
    let mut run = EraseRun {
        certificate_id: make_certificate_id(cx).as_bytes().to_vec(),
        started_at_ms: cx.log.clock().now().as_millis(),
        generation_before: keyring.generation(),
        pack_hash: cx.pack_hash.to_vec(),
        log_k: cx.log.state().k,
        ..EraseRun::default()
    };
    let written = destroy(cx, draft, &mut run, &mut chosen, &mut left);
    let reports = drafts(&chosen);
    match written {
        Ok(Destroyed::Published) => {
            moved::finish(cx, left)?;
            if chosen.iter().all(|one| one.doomed.is_empty()) {
                return Ok(answers(chosen, keyring.generation(), None));
            }
            finish(cx, &mut run, reports)?;
        }
        // The commit point is passed: nothing is undone, and the next start goes on.
        Ok(Destroyed::Unpublished(error)) => return Err(error),
        Ok(Destroyed::Nothing) => {
            return Ok(answers(chosen, run.generation_before, None));
        }
        Err(error) => {
            if !is_beyond_commit(&error) && !run.intents.is_empty() {
                // Nothing is erased: the records are readable again. What cannot be undone now, the
                // next start does.
                let _ = report::give_up(cx, &run, &reports);
            }
            return Err(error);
        }
    }
    let certificate = run::certificate_id(&run)?;
    Ok(answers(chosen, run.generation_after, Some(certificate)))
}

/// Steps 2 to 5, under the generation's turn.
fn destroy(
    cx: &Context<'_>,
    mut draft: Draft,
    run: &mut EraseRun,
    chosen: &mut [Chosen],
    left: &mut [Moved],
) -> Result<Destroyed, RetentionError> {
    // 2. Intents durable, each naming the slots and the generation in force, with the run's row; and
    // 3. in the same commit the record rows marked, each as it was read: reads refuse. A crash leaves
    //    intents of the current generation with their marks: the next start erases what they name. A record
    //    that somebody changed is in none of them.
    for one in chosen.iter_mut() {
        intend(cx, run, draft.generation(), one)?;
    }
    if chosen.iter().all(|one| one.doomed.is_empty()) && left.is_empty() {
        return Ok(Destroyed::Nothing);
    }
    moved::note(cx, left)?;
    // 4. One generation without the slots: file at every place, anchors (commit point), memory wiped and
    //    openings drained, old anchors scrubbed (erasure point). A crash before the commit point leaves
    //    the intents' generation current, as above; after it, opening the keyring finishes the scrub.
    for one in chosen.iter().flat_map(|one| &one.doomed) {
        draft.puncture(&one.slots)?;
        draft.puncture(&living(&draft, &one.former))?;
    }
    for one in left.iter() {
        // What an erasure of its record took along is gone from the draft, not from the world.
        draft.puncture(&living(&draft, &one.slots))?;
    }
    let unpublished = draft.write(cx.log.state(), cx.log.random().as_ref())?;
    // 5. Generation leaf durable. A crash before leaves the generation without its leaf: opening the log
    //    writes it before anything else.
    Ok(match cx.log.publish(unpublished) {
        Ok(()) => Destroyed::Published,
        Err(error) => Destroyed::Unpublished(error.into()),
    })
}

/// Steps 6 to 9: what follows the erasure point, also after a crash. `reports` has the event of each
/// intent of the run, in its order.
pub(super) fn finish(
    cx: &Context<'_>,
    run: &mut EraseRun,
    reports: Vec<Report>,
) -> Result<(), RetentionError> {
    // 6. Note the erasure (T1). A crash before leaves intents of an older generation: recovery sees that
    //    their slots are gone and comes back to this step.
    report::note_erased(cx, run)?;
    // 7. Rows deleted, each batch with its count. A crash leaves rows without keys and an exact count of
    //    those already deleted; recovery goes on.
    report::delete_rows(cx, run)?;
    // 8. The final event of each request, the last one with the certificate and the end of the run. A
    //    crash leaves those that are not reported; recovery reports them, none twice.
    report::report(cx, run, reports)?;
    // 9. Checkpoint. A crash before leaves an older one, which the log still extends.
    cx.log.write_checkpoint(true)?;
    Ok(())
}

/// Whether the error left the erasure between its commit point and its end: it is neither undone nor
/// acknowledged, and the next start finishes it.
pub(in super::super) fn is_beyond_commit(error: &RetentionError) -> bool {
    use KeyringError::{Drain, Incomplete, MustReopen};
    matches!(error, RetentionError::Keyring(Incomplete(_) | Drain | MustReopen))
        || matches!(error, RetentionError::Audit(AuditError::Unwritable))
}

/// Leaves out what a hold keeps and what is gone already.
fn choose(draft: &Draft, request: EraseRequest) -> Chosen {
    let EraseRequest { event, doomed, remember } = request;
    let fate = |one: &Doomed| {
        let held = |slot| draft.is_held(slot);
        if one.slots.iter().chain(&one.former).any(held) {
            Fate::Held
        } else if one.slots.first().is_some_and(|head| draft.slot_lives(head)) {
            // A class whose own, shorter period ended has lost its slot before.
            Fate::Erased
        } else {
            Fate::Gone
        }
    };
    let fates: Vec<Fate> = doomed.iter().map(fate).collect();
    let goes = doomed.into_iter().zip(&fates).filter(|(_, fate)| **fate == Fate::Erased);
    let living = |one: Doomed| Doomed { slots: living(draft, &one.slots), ..one };
    let doomed: Vec<Doomed> = goes.map(|(one, _)| living(one)).collect();
    Chosen { event, fates, doomed, remember, intended: false }
}

/// The slots that are still in this draft.
fn living(draft: &Draft, slots: &[SlotRef]) -> Vec<SlotRef> {
    slots.iter().filter(|slot| draft.slot_lives(slot)).copied().collect()
}

/// Steps 2 and 3 of one request. Records that were changed since they were read are left out.
fn intend(
    cx: &Context<'_>,
    run: &mut EraseRun,
    generation: u64,
    one: &mut Chosen,
) -> Result<(), RetentionError> {
    for _ in 0..limits::REQUEST_RACES_MAX {
        if one.doomed.is_empty() {
            return Ok(());
        }
        let mut with = run.clone();
        match intend_all(cx, &mut with, generation, one) {
            Ok(()) => {
                *run = with;
                one.intended = true;
                return Ok(());
            }
            Err(RetentionError::Audit(AuditError::Rejected)) => one.leave_out_changed(cx)?,
            Err(error) => return Err(error),
        }
    }
    // Somebody writes faster than this: the caller looks at all of them again.
    for doomed in std::mem::take(&mut one.doomed) {
        one.changed(&doomed);
    }
    Ok(())
}

fn intend_all(
    cx: &Context<'_>,
    run: &mut EraseRun,
    generation: u64,
    one: &Chosen,
) -> Result<(), RetentionError> {
    let mut event = one.event.clone();
    event.action = run::INTENT;
    event.outcome = "STARTED".to_owned();
    event.records = one.doomed.iter().map(|one| one.record).collect();
    let slots = one.doomed.iter().flat_map(|one| one.slots.iter().chain(&one.former));
    event.slots = slots.copied().collect();
    event.notes = run::notes(run, run.intents.len());
    event.notes.push(format!("generation={}", run.generation_before));
    let sealed = cx.log.seal(&event)?;
    run.intents.push(run::intent(sealed.id().as_bytes(), &one.doomed));
    run::add_cohorts(run, cx.log.keyring(), &one.doomed);
    let remembered = (one.remember)(&run::certificate_id(run)?, &event.records);
    let mut group = marks(&one.doomed, generation)?;
    group.ops.extend(remembered.ok_or(RetentionError::Tampered("q"))?);
    group.ops.push(run::put(cx.log.keyring(), run)?);
    let receipt = cx.log.commit_blocking(group, &[], Some(sealed))?;
    if let (Some(receipt), Some(intent)) = (receipt, run.intents.last_mut()) {
        (intent.k, intent.n) = receipt.index();
        intent.index_known = true;
    }
    Ok(())
}

impl Chosen {
    /// Leaves out the records whose rows are not as they were read.
    fn leave_out_changed(&mut self, cx: &Context<'_>) -> Result<(), RetentionError> {
        for doomed in std::mem::take(&mut self.doomed) {
            let row = cx.log.store().get(&keys::record(&doomed.record))?;
            if row.as_deref() == Some(doomed.row.as_slice()) {
                self.doomed.push(doomed);
            } else {
                self.changed(&doomed);
            }
        }
        Ok(())
    }

    /// The record of `doomed` was changed under the request.
    fn changed(&mut self, doomed: &Doomed) {
        let places = self.event.records.iter().zip(&mut self.fates);
        for (_, fate) in places.filter(|(record, _)| **record == doomed.record) {
            *fate = Fate::Changed;
        }
    }
}

/// The same rows with the mark of the generation that will erase them.
fn marks(doomed: &[Doomed], generation: u64) -> Result<Group, RetentionError> {
    let mut group = Group::default();
    for one in doomed {
        let key = keys::record(&one.record);
        group.preconditions.push(Precondition::Unchanged(key.clone(), one.row.clone()));
        group.ops.push(Op::Put(key, run::marked(&one.row, generation)?));
    }
    Ok(group)
}

/// The events that report the requests that have an intent.
fn drafts(chosen: &[Chosen]) -> Vec<Report> {
    let of = chosen.iter().filter(|one| one.intended);
    of.map(|one| Some(one.event.clone())).collect()
}

fn answers(
    chosen: Vec<Chosen>,
    generation: u64,
    certificate: Option<crate::ids::CertificateId>,
) -> Vec<Erased> {
    let of = |one: Chosen| {
        let erased = one.fates.contains(&Fate::Erased);
        Erased { generation, certificate: certificate.filter(|_| erased), fates: one.fates }
    };
    chosen.into_iter().map(of).collect()
}
