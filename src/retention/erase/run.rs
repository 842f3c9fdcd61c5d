//! The row 'p' of an erasure under way, and the events that its intents are.
//!
//! The row says where to look; what may be erased is in the intents alone. Invariant: an intent is
//! taken only if its detail opens, its leaf is in the log, and it names this certificate and part.

use prost::Message;

use super::Doomed;
use crate::{
    audit::{EventDetail, EventFilter, StoredEvent},
    clock::Timestamp,
    ids::{CertificateId, CohortId, RecordId},
    keyring::{CohortKey, Keyring},
    limits,
    retention::{
        RetentionError,
        context::{Context, make_certificate_id},
        sweep::Pages,
    },
    storage::{Group, Op, Store, keys},
    wire::store::{EraseIntent, EraseRun, ErasedRecord, PurgedCohort, RecordRow},
};

/// The action of an intent.
pub(super) const INTENT: &str = "erase-intent";

fn broken<E>(_: E) -> RetentionError {
    RetentionError::Tampered("p")
}

/// The id of the certificate the run will get.
pub(super) fn certificate_id(run: &EraseRun) -> Result<CertificateId, RetentionError> {
    CertificateId::from_slice(&run.certificate_id).map_err(broken)
}

/// Writes the run.
pub(super) fn put(keyring: &Keyring, run: &EraseRun) -> Result<Op, RetentionError> {
    let key = keys::erasure(&certificate_id(run)?);
    let value = keyring.mac_row(&key, &run.encode_to_vec());
    Ok(Op::Put(key, value))
}

/// Deletes the run.
pub(super) fn delete(run: &EraseRun) -> Result<Op, RetentionError> {
    Ok(Op::Delete(keys::erasure(&certificate_id(run)?)))
}

/// The runs that are not certified yet.
pub(super) fn open_runs(
    store: &dyn Store,
    keyring: &Keyring,
) -> Result<Vec<EraseRun>, RetentionError> {
    let mut runs = Vec::new();
    let mut pages = Pages::over(keys::erasures());
    while let Some(page) = pages.next(store)? {
        for (key, value) in page {
            let row = keyring.check_row(&key, &value).ok_or(RetentionError::Tampered("p"))?;
            runs.push(EraseRun::decode(row).map_err(broken)?);
        }
    }
    Ok(runs)
}

/// The part of a run that one request is.
pub(super) fn intent(event: &[u8], doomed: &[Doomed]) -> EraseIntent {
    let record = |one: &Doomed| ErasedRecord {
        record_id: one.record.as_bytes().to_vec(),
        cohort_ids: one.cohorts.iter().map(|id| id.as_bytes().to_vec()).collect(),
    };
    EraseIntent {
        event_id: event.to_vec(),
        records: doomed.iter().map(record).collect(),
        ..EraseIntent::default()
    }
}

/// Adds the cohorts of these records to those the certificate will name.
pub(super) fn add_cohorts(run: &mut EraseRun, keyring: &Keyring, doomed: &[Doomed]) {
    for id in doomed.iter().flat_map(|one| &one.cohorts) {
        let known = run.cohorts.iter().any(|row| row.cohort_id == id.as_bytes());
        if let (false, Some(cohort)) = (known, keyring.cohort(id)) {
            run.cohorts.push(PurgedCohort {
                cohort_id: id.as_bytes().to_vec(),
                collection: cohort.key.collection.as_str().to_owned(),
                expires_on: cohort.key.expires_on.to_string(),
                zone: cohort.key.zone.name().to_owned(),
                seg_ids: Vec::new(),
            });
        }
    }
}

/// A record of a run, with the cohorts of its rows.
pub(super) fn record(row: &ErasedRecord) -> Result<(RecordId, Vec<CohortId>), RetentionError> {
    let id = RecordId::from_slice(&row.record_id).map_err(broken)?;
    let cohorts = row.cohort_ids.iter().map(|id| CohortId::from_slice(id).map_err(broken));
    Ok((id, cohorts.collect::<Result<_, _>>()?))
}

/// A cohort of a run.
pub(super) fn cohort(row: &PurgedCohort) -> Result<(CohortId, CohortKey), RetentionError> {
    let key = CohortKey {
        collection: crate::ids::CollectionName::parse(&row.collection).map_err(broken)?,
        expires_on: row.expires_on.parse().map_err(broken)?,
        zone: row.zone.parse().map_err(broken)?,
    };
    Ok((CohortId::from_slice(&row.cohort_id).map_err(broken)?, key))
}

/// A record row with this mark; 0 takes it away.
pub(super) fn marked(row: &[u8], generation: u64) -> Result<Vec<u8>, RetentionError> {
    let mut row = RecordRow::decode(row).map_err(|_| RetentionError::Tampered("r"))?;
    row.erasing_generation = generation;
    Ok(row.encode_to_vec())
}

/// The notes by which the intents of a run are known: certificate and number of the request.
pub(super) fn notes(run: &EraseRun, part: usize) -> Vec<String> {
    let renewed = !run.intents_name.is_empty();
    let named = if renewed { &run.intents_name } else { &run.certificate_id };
    vec![format!("certificate={}", hex::encode(named)), format!("part={part}")]
}

/// A run that was erased and whose database was put back since: the log began a new origin, and with what
/// was lost the run may have been certified already. It gets an id of its own, so that no certificate is
/// issued a second time, and names the present generation, which is without its slots too: the leaf of
/// its own may be among what was lost.
pub(super) fn renew_if_restored(
    cx: &Context<'_>,
    run: &mut EraseRun,
) -> Result<(), RetentionError> {
    let k = cx.log.state().k;
    if run.log_k == k {
        return Ok(());
    }
    let old = delete(run)?;
    run.log_k = k;
    if run.intents_name.is_empty() {
        run.intents_name.clone_from(&run.certificate_id);
    }
    run.certificate_id = make_certificate_id(cx).as_bytes().to_vec();
    if run.generation_after == 0 {
        let keyring = cx.log.keyring();
        run.generation_after = keyring.generation();
        run.keyring_hash = keyring.hash().to_vec();
        run.erased_at_ms = cx.log.clock().now().as_millis();
    }
    // One commit: a crash leaves the run as it was, or renewed.
    let ops = vec![old, put(cx.log.keyring(), run)?];
    Ok(cx.log.write_rows(Group { preconditions: Vec::new(), ops })?)
}

/// Where the intents are: those of an erasure by their kind; that of a move, whose kind is frequent, by its
/// record.
fn filter(run: &EraseRun) -> EventFilter {
    // The event was sealed after this was noted, by a clock that may have been set back meanwhile.
    let since = Timestamp::from_millis(run.started_at_ms).plus_millis(-limits::CLOCK_BACK_MS);
    let since = Some(since);
    let record = run.intents.iter().flat_map(|intent| &intent.records).next();
    let record = record.and_then(|record| RecordId::from_slice(&record.record_id).ok());
    match record.filter(|_| !run.moved_by.is_empty()) {
        Some(record) => EventFilter { record: Some(record), since, ..EventFilter::default() },
        None => EventFilter { kind: Some(INTENT.to_owned()), since, ..EventFilter::default() },
    }
}

/// The intents of a run, as the log has them, in the run's order; `None` where it has none that opens.
pub(super) fn intents(
    cx: &Context<'_>,
    run: &EraseRun,
) -> Result<Vec<Option<StoredEvent>>, RetentionError> {
    let mut found: Vec<Option<StoredEvent>> = run.intents.iter().map(|_| None).collect();
    let filter = filter(run);
    let action = if run.moved_by.is_empty() { INTENT } else { &run.moved_by };
    let mut after = None;
    loop {
        let page = cx.log.list(&filter, after, limits::PAGE_MAX)?;
        for listed in page.events {
            let EventDetail::Open(event) = listed.detail else { continue };
            if event.action != action {
                continue;
            }
            for (part, place) in found.iter_mut().enumerate() {
                if notes(run, part).iter().all(|note| event.notes.contains(note)) {
                    *place = Some((*event).clone());
                }
            }
        }
        after = page.next;
        if after.is_none() {
            return Ok(found);
        }
    }
}
