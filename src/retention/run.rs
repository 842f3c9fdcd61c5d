//! The run under way: what 'm/purge' says of it, and what recovery adds to it.
//!
//! The row is written with the intent, so that whatever happens afterwards is found again; what could
//! not be known then (the generation's hash, T1, the intent's leaf number) is filled in once the
//! erasure is seen to have happened.

use crate::{
    audit::{EventDetail, EventFilter},
    clock::Timestamp,
    ids::{CertificateId, CohortId, CollectionName, HoldId, SegmentId},
    keyring::{CohortKey, SegmentState},
    limits,
    storage::{Group, keys},
    wire::store::{PurgeRun, PurgedCohort},
};

use super::{
    context::{Context, make_certificate_id},
    error::RetentionError,
    plan::Plan,
    rows,
    sweep::SweptCohort,
};

/// Leaf number of an event, and what was taken from its detail.
type Found<T> = ((u32, u64), T);

/// A run as it stands when its intent is written. Errors: reading storage.
pub(super) fn start(
    cx: &Context<'_>,
    plan: &Plan,
    generation: u64,
) -> Result<PurgeRun, RetentionError> {
    let mut unused = true;
    for segment in plan.cohorts.iter().flat_map(|cohort| &cohort.segments) {
        unused &= cx.log.store().get(&keys::segment(segment))?.is_none();
    }
    let cohorts = plan.cohorts.iter().map(|cohort| PurgedCohort {
        cohort_id: cohort.info.id.as_bytes().to_vec(),
        collection: cohort.info.key.collection.as_str().to_owned(),
        expires_on: cohort.info.key.expires_on.to_string(),
        zone: cohort.info.key.zone.name().to_owned(),
        seg_ids: cohort.segments.iter().map(|id| id.as_bytes().to_vec()).collect(),
    });
    Ok(PurgeRun {
        certificate_id: make_certificate_id(cx).as_bytes().to_vec(),
        started_at_ms: cx.log.clock().now().as_millis(),
        cutoff_ms: plan.cutoff.as_millis(),
        generation_before: generation,
        started_by: cx.by.map(|caller| caller.agent.as_str().to_owned()).unwrap_or_default(),
        pack_hash: cx.pack_hash.to_vec(),
        cohorts: cohorts.collect(),
        holds_kept: u64::try_from(plan.held).unwrap_or(u64::MAX),
        log_k: cx.log.state().k,
        unused,
        released_holds: plan.release.iter().map(|id| id.as_bytes().to_vec()).collect(),
        ..PurgeRun::default()
    })
}

/// A run whose database was put back since: the log began a new origin, and with what was lost this
/// run may have been certified already. It gets an id of its own, so that no issued certificate is
/// written a second time, and names the present generation, which is without its segments too: the
/// leaf of its own may be among what was lost.
pub(super) fn renew_if_restored(
    cx: &Context<'_>,
    run: &mut PurgeRun,
) -> Result<(), RetentionError> {
    let k = cx.log.state().k;
    if run.log_k == k {
        return Ok(());
    }
    // Before the id changes: the intent is known by the old one.
    note_intent(cx, run)?;
    run.log_k = k;
    run.certificate_id = make_certificate_id(cx).as_bytes().to_vec();
    if run.generation_after == 0 {
        let keyring = cx.log.keyring();
        run.generation_after = keyring.generation();
        run.keyring_hash = keyring.hash().to_vec();
        run.erased_at_ms = cx.log.clock().now().as_millis();
    }
    Ok(())
}

fn note_intent(cx: &Context<'_>, run: &mut PurgeRun) -> Result<(), RetentionError> {
    if !run.intent_index_known
        && let Some((k, n)) = intent_index(cx, run)?
    {
        (run.intent_k, run.intent_n, run.intent_index_known) = (k, n, true);
    }
    Ok(())
}

/// The cohorts of a run. Errors: a row that does not parse.
pub(super) fn cohorts(run: &PurgeRun) -> Result<Vec<SweptCohort>, RetentionError> {
    run.cohorts.iter().map(cohort).collect()
}

fn cohort(row: &PurgedCohort) -> Result<SweptCohort, RetentionError> {
    let broken = || RetentionError::Tampered("m/purge");
    let segment = |id: &Vec<u8>| SegmentId::from_slice(id).map_err(|_| broken());
    Ok(SweptCohort {
        id: CohortId::from_slice(&row.cohort_id).map_err(|_| broken())?,
        key: CohortKey {
            collection: CollectionName::parse(&row.collection).map_err(|_| broken())?,
            expires_on: row.expires_on.parse().map_err(|_| broken())?,
            zone: row.zone.parse().map_err(|_| broken())?,
        },
        segments: row.seg_ids.iter().map(segment).collect::<Result<_, _>>()?,
    })
}

/// The holds that the run's generation takes away. Errors: a row that does not parse.
pub(super) fn released(run: &PurgeRun) -> Result<Vec<HoldId>, RetentionError> {
    let broken = |_| RetentionError::Tampered("m/purge");
    run.released_holds.iter().map(|id| HoldId::from_slice(id).map_err(broken)).collect()
}

/// The id of the certificate this run will get.
pub(super) fn certificate_id(run: &PurgeRun) -> Result<CertificateId, RetentionError> {
    CertificateId::from_slice(&run.certificate_id).map_err(|_| RetentionError::Tampered("m/purge"))
}

/// The note by which the intent and the final event of a run are told from others.
pub(super) fn certificate_note(run: &PurgeRun) -> String {
    format!("certificate={}", hex::encode(&run.certificate_id))
}

/// Step 6: what is known once the segments are gone. Called again after a crash it changes nothing
/// that was noted before, and counts the resumption.
pub(super) fn note_erased(cx: &Context<'_>, run: &mut PurgeRun) -> Result<(), RetentionError> {
    if run.generation_after == 0 {
        run.generation_after = erasing_generation(cx, run)?;
        run.keyring_hash = keyring_hash_of(cx, run.generation_after, run.started_at_ms)?.to_vec();
        // After a crash this is when recovery saw it: T1 is never claimed too early.
        run.erased_at_ms = cx.log.clock().now().as_millis();
    }
    note_intent(cx, run)?;
    let op = rows::put_purge_run(cx.log.keyring().as_ref(), run);
    Ok(cx.log.write_rows(Group { preconditions: Vec::new(), ops: vec![op] })?)
}

/// The generation that dropped the run's segments, as their tombstones name it.
fn erasing_generation(cx: &Context<'_>, run: &PurgeRun) -> Result<u64, RetentionError> {
    let keyring = cx.log.keyring();
    let tombstones =
        cohorts(run)?.into_iter().flat_map(|cohort| cohort.segments).filter_map(|segment| {
            match keyring.segment(&segment) {
                SegmentState::Tombstoned { generation } => Some(generation),
                SegmentState::Live { .. } | SegmentState::Unknown => None,
            }
        });
    // Folded tombstones no longer name their generation; the present one is without the segments too.
    Ok(tombstones.max().unwrap_or_else(|| keyring.generation()))
}

/// Hash of the keyring file of a generation since this time: the present one, or what its leaf says.
pub(super) fn keyring_hash_of(
    cx: &Context<'_>,
    wanted: u64,
    since_ms: i64,
) -> Result<[u8; 32], RetentionError> {
    let keyring = cx.log.keyring();
    if keyring.generation() == wanted {
        return Ok(keyring.hash());
    }
    let found = find(cx, since_ms, "generation", |detail| match detail {
        EventDetail::Generation { generation, keyring_hash } if *generation == wanted => {
            Some(*keyring_hash)
        }
        _ => None,
    })?;
    found.map(|(_, hash)| hash).ok_or(RetentionError::GenerationUnlogged(wanted))
}

/// Leaf number of the run's intent.
fn intent_index(cx: &Context<'_>, run: &PurgeRun) -> Result<Option<(u32, u64)>, RetentionError> {
    let note = certificate_note(run);
    let found = find(cx, run.started_at_ms, "purge-intent", |detail| match detail {
        EventDetail::Open(event) if event.notes.contains(&note) => Some(()),
        _ => None,
    })?;
    Ok(found.map(|(index, ())| index))
}

/// The newest event of this kind since this time that `pick` takes.
fn find<T>(
    cx: &Context<'_>,
    since_ms: i64,
    kind: &str,
    pick: impl Fn(&EventDetail) -> Option<T>,
) -> Result<Option<Found<T>>, RetentionError> {
    let filter = EventFilter {
        kind: Some(kind.to_owned()),
        since: Some(Timestamp::from_millis(since_ms)),
        ..EventFilter::default()
    };
    let mut after = None;
    loop {
        let page = cx.log.list(&filter, after, limits::PAGE_MAX)?;
        for event in &page.events {
            if let Some(found) = pick(&event.detail) {
                return Ok(Some(((event.k, event.n), found)));
            }
        }
        after = page.next;
        if after.is_none() {
            return Ok(None);
        }
    }
}
