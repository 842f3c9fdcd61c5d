//! What follows an erasure: its instant noted, its rows deleted, its requests reported, its certificate.
//!
//! It must not certify while a place owes its scrub; [`super::recover`] sees to that. Invariants: the
//! last final event, the certificate and the end of the run are one commit; an event names only records
//! that no key reaches any more.

use super::run;
use crate::{
    audit::EventDraft,
    ids::RecordId,
    retention::{
        Owed, RetentionError,
        certificate::{Counts, ERASURE, LeafIndex, RESEAL},
        certify::{self, Proof},
        context::Context,
        run::keyring_hash_of,
        sweep::{Sweeper, SweptCohort},
    },
    storage::{Group, Op, Precondition, keys},
    wire::store::{EraseIntent, EraseRun, RecordRow},
};
use prost::Message as _;

/// The event by which a request is reported; `None` where its intent does not open any more.
pub(super) type Report = Option<EventDraft>;

const ERASE: &str = "erase";

/// Step 6: the generation, its hash and T1. What was noted before stays.
pub(super) fn note_erased(cx: &Context<'_>, run: &mut EraseRun) -> Result<(), RetentionError> {
    if run.generation_after == 0 {
        // The intents name the generation in force, and the next one erased what they name.
        let generation = run.generation_before.saturating_add(1);
        match keyring_hash_of(cx, generation, run.started_at_ms) {
            Ok(hash) => {
                run.keyring_hash = hash.to_vec();
                run.generation_after = generation;
            }
            // Another one took the slots along, or its leaf is among what was lost: the present one is
            // without them too.
            Err(RetentionError::GenerationUnlogged(_)) => {
                let keyring = cx.log.keyring();
                run.generation_after = keyring.generation();
                run.keyring_hash = keyring.hash().to_vec();
            }
            Err(error) => return Err(error),
        }
        // After a crash this is when recovery saw it: T1 is never claimed too early.
        run.erased_at_ms = cx.log.clock().now().as_millis();
    }
    let ops = vec![run::put(cx.log.keyring(), run)?];
    Ok(cx.log.write_rows(Group { preconditions: Vec::new(), ops })?)
}

/// Step 7.
pub(super) fn delete_rows(cx: &Context<'_>, run: &EraseRun) -> Result<(), RetentionError> {
    let write = |group| cx.log.write_rows(group).map_err(RetentionError::from);
    let sweeper =
        Sweeper { store: cx.log.store().as_ref(), reach: cx.log.keyring().as_ref(), write: &write };
    let records = run.intents.iter().flat_map(|intent| &intent.records).map(run::record);
    sweeper.erased(&records.collect::<Result<Vec<_>, _>>()?)
}

/// Step 8.
pub(super) fn report(
    cx: &Context<'_>,
    run: &mut EraseRun,
    reports: Vec<Report>,
) -> Result<(), RetentionError> {
    let cohorts = cohorts(run)?;
    let counts = certify::counts(cx, &cohorts)?;
    let mut totals = Counts::default();
    counts.iter().for_each(|count| totals.add(*count));
    let open: Vec<usize> = (0..run.intents.len())
        .filter(|at| run.intents.get(*at).is_some_and(|i| !i.reported))
        .collect();
    let (last, before) = open.split_last().ok_or(RetentionError::Tampered("p"))?;
    let mut reports = reports;
    let mut event_of = |at: usize| reports.get_mut(at).and_then(Option::take);
    for at in before {
        let event = event_of(*at);
        let Some(intent) = run.intents.get_mut(*at) else { continue };
        intent.reported = true;
        let event = event.map(|event| done(cx, event, run.intents.get(*at), run)).transpose()?;
        let ops = vec![run::put(cx.log.keyring(), run)?];
        commit(cx, ops, event)?;
    }
    let event = event_of(*last);
    let event = event.map(|event| done(cx, event, run.intents.get(*last), run)).transpose()?;
    let mut ops = vec![run::delete(run)?, certificate(cx, run, &cohorts, (&counts, totals))?];
    ops.extend(cohorts.iter().map(|cohort| Op::Delete(keys::sweep_count(&cohort.id))));
    let certificate = run::certificate_id(run)?;
    ops.extend(cohorts.iter().map(|cohort| Owed { cohort: cohort.id, certificate }.row()));
    commit(cx, ops, event)
}

/// Undoes what was begun before the commit point: marks go, each request is told apart in the log, and
/// the run ends without a certificate.
pub(super) fn give_up(
    cx: &Context<'_>,
    run: &EraseRun,
    reports: &[Report],
) -> Result<(), RetentionError> {
    for intent in &run.intents {
        for record in &intent.records {
            unmark(cx, &run::record(record)?.0)?;
        }
    }
    for event in reports.iter().take(run.intents.len()).flatten() {
        let mut event = event.clone();
        event.action = ERASE;
        event.outcome = "NOT_ERASED".to_owned();
        event.notes = vec![format!("certificate={}", hex::encode(&run.certificate_id))];
        commit(cx, Vec::new(), Some(event))?;
    }
    commit(cx, vec![run::delete(run)?], None)
}

fn unmark(cx: &Context<'_>, record: &RecordId) -> Result<(), RetentionError> {
    let key = keys::record(record);
    let Some(bytes) = cx.log.store().get(&key)? else { return Ok(()) };
    let row = RecordRow::decode(bytes.as_slice()).map_err(|_| RetentionError::Tampered("r"))?;
    if row.erasing_generation == 0 {
        return Ok(());
    }
    let ops = vec![Op::Put(key.clone(), run::marked(&bytes, 0)?)];
    let preconditions = vec![Precondition::Unchanged(key, bytes)];
    Ok(cx.log.write_rows(Group { preconditions, ops })?)
}

/// The final event of a request: it names what is gone, and how that is proven.
fn done(
    cx: &Context<'_>,
    mut event: EventDraft,
    intent: Option<&EraseIntent>,
    run: &EraseRun,
) -> Result<EventDraft, RetentionError> {
    let mut erased = Vec::new();
    for record in intent.map_or(&[][..], |intent| &intent.records) {
        let (id, _) = run::record(record)?;
        // Whatever is still there was left alone: a hold, or somebody changed it.
        if cx.log.store().get(&keys::record(&id))?.is_none() {
            erased.push(id);
        }
    }
    event.action = ERASE;
    event.outcome = if erased.is_empty() { "NOT_ERASED" } else { "OK" }.to_owned();
    event.notes = proof_notes(cx, run, u64::try_from(erased.len()).unwrap_or(u64::MAX));
    event.records = erased;
    event.slots.clear();
    Ok(event)
}

/// How the keys of so many records are proven to be gone.
pub(super) fn proof_notes(cx: &Context<'_>, run: &EraseRun, records: u64) -> Vec<String> {
    let places = cx.log.keyring().places();
    let classes: Vec<String> = places.iter().map(|p| format!("{:?}", p.class)).collect();
    vec![
        format!("certificate={}", hex::encode(&run.certificate_id)),
        format!("generation={}", run.generation_after),
        format!("keyring={}", hex::encode(&run.keyring_hash)),
        format!("places={}", classes.join(",")),
        format!("records={records}"),
    ]
}

/// The row of the signed certificate.
pub(super) fn certificate(
    cx: &Context<'_>,
    run: &EraseRun,
    cohorts: &[SweptCohort],
    (counts, totals): (&[Counts], Counts),
) -> Result<Op, RetentionError> {
    let intent = run.intents.first().filter(|intent| intent.index_known);
    let proof = Proof {
        what: if run.moved_by.is_empty() { ERASURE } else { RESEAL },
        id: run::certificate_id(run)?,
        pack_hash: &run.pack_hash,
        started_by: "request",
        cutoff_ms: run.started_at_ms,
        started_at_ms: run.started_at_ms,
        erased_at_ms: run.erased_at_ms,
        resumed: run.resumed,
        generations: (run.generation_before, run.generation_after),
        keyring_hash: &run.keyring_hash,
        intent: intent.map(|intent| LeafIndex { k: intent.k, n: intent.n }),
        // The cohorts' index keys live on: until they are exchanged a guessed value can be confirmed.
        searchable: true,
    };
    certify::certificate(cx, &proof, cohorts, counts, totals)
}

/// The cohorts that a run names.
pub(super) fn cohorts(run: &EraseRun) -> Result<Vec<SweptCohort>, RetentionError> {
    let cohort = |row| {
        let (id, key) = run::cohort(row)?;
        Ok(SweptCohort { id, key, segments: Vec::new() })
    };
    run.cohorts.iter().map(cohort).collect()
}

/// Rows, with an event where there is one.
pub(super) fn commit(
    cx: &Context<'_>,
    ops: Vec<Op>,
    event: Option<EventDraft>,
) -> Result<(), RetentionError> {
    let sealed = event.map(|event| cx.log.seal(&event)).transpose()?;
    let group = Group { preconditions: Vec::new(), ops };
    let _receipt = cx.log.commit_blocking(group, &[], sealed)?;
    Ok(())
}
