//! The certificate of a purge or an erasure; and step 8 of a purge, which commits it with the final event
//! and the end of the run.
//!
//! It must not certify while a place still owes its scrub. Totals come from the 'n' rows alone, which
//! were written with the deletions; they are deleted with the run, so that a later sweep of the same
//! cohort starts from zero. A run that dropped only segments never used ends without a certificate.

use crate::{
    audit::EventDraft,
    clock::Timestamp,
    ids::CertificateId,
    keyring::{Keyring, PlaceStatus, RemovedPlace, SegmentState},
    storage::{Group, Op, keys},
    wire::store::PurgeRun,
};

use super::{
    certificate::{
        self as certificates, AuditReference, Certificate, CertifiedCohort, CertifiedPlace, Counts,
        FORMAT, Forgotten, LeafIndex, PURGE, UnscrubbedPlace, readable, signer_name, statement,
    },
    context::{Context, certificates_name, draft_event},
    error::RetentionError,
    report::{DueCohort, PurgeReport},
    rows, run,
    sweep::SweptCohort,
};

/// Signs and commits. Returns what the run did.
pub(super) fn certify(cx: &Context<'_>, run: &PurgeRun) -> Result<PurgeReport, RetentionError> {
    let keyring = cx.log.keyring();
    let places = keyring.places();
    if let Some(place) = places.iter().find(|place| place.stale) {
        // The run stays: the next one, or the next start, comes back to this step.
        let skipped = Some(RetentionError::PlacePending(place.id).to_string());
        return Ok(PurgeReport { skipped, ..PurgeReport::idle(keyring) });
    }
    let cohorts = run::cohorts(run)?;
    let counts = counts(cx, &cohorts)?;
    let totals = counts.iter().fold(Counts::default(), |mut sum, count| {
        sum.add(*count);
        sum
    });
    let id = run::certificate_id(run)?;
    // Keys that never sealed anything prove no forgetting: the generation's leaf and the event tell it.
    let certified = !(run.unused && totals == Counts::default());
    let sealed = cx.log.seal(&final_event(cx, run, certified, totals, &places))?;
    let mut ops = vec![Op::Delete(keys::PURGE.to_vec())];
    if certified {
        ops.push(certificate(cx, &proof(run, id), &cohorts, &counts, totals)?);
    }
    ops.extend(cohorts.iter().map(|cohort| Op::Delete(keys::sweep_count(&cohort.id))));
    let group = Group { preconditions: Vec::new(), ops };
    let _receipt = cx.log.commit_blocking(group, &[], Some(sealed))?;
    Ok(PurgeReport {
        certificate: certified.then_some(id),
        generation_before: run.generation_before,
        generation_after: run.generation_after,
        cohorts: cohorts.iter().zip(&counts).map(|(cohort, count)| due(cohort, count)).collect(),
        records: totals.records,
        sections: totals.sections,
        index_rows: totals.index_rows,
        events: totals.events,
        skipped: None,
    })
}

/// Rows deleted of each cohort and not reported yet.
pub(super) fn counts(
    cx: &Context<'_>,
    cohorts: &[SweptCohort],
) -> Result<Vec<Counts>, RetentionError> {
    let read = |cohort: &SweptCohort| {
        let keyring = cx.log.keyring().as_ref();
        let row = rows::sweep_count(cx.log.store().as_ref(), keyring, &cohort.id)?;
        Ok(Counts {
            records: row.records,
            sections: row.sections,
            index_rows: row.index_rows,
            events: row.events,
        })
    };
    cohorts.iter().map(read).collect()
}

/// What a certificate proves, of a purge or of an erasure.
pub(super) struct Proof<'a> {
    /// [`PURGE`] or [`ERASURE`].
    pub(super) what: &'static str,
    pub(super) id: CertificateId,
    pub(super) pack_hash: &'a [u8],
    pub(super) started_by: &'a str,
    pub(super) cutoff_ms: i64,
    pub(super) started_at_ms: i64,
    /// T1.
    pub(super) erased_at_ms: i64,
    pub(super) resumed: u32,
    /// Before and after.
    pub(super) generations: (u64, u64),
    pub(super) keyring_hash: &'a [u8],
    pub(super) intent: Option<LeafIndex>,
    /// Index keys of these cohorts live on, so that T2 is still to come.
    pub(super) searchable: bool,
}

/// The row of the signed certificate.
pub(super) fn certificate(
    cx: &Context<'_>,
    proof: &Proof<'_>,
    cohorts: &[SweptCohort],
    counts: &[Counts],
    totals: Counts,
) -> Result<Op, RetentionError> {
    let keyring = cx.log.keyring();
    let time = |millis| Timestamp::from_millis(millis).to_string();
    // A clock set back a little within the run puts no step before the one it follows.
    let erased_at_ms = proof.erased_at_ms.max(proof.started_at_ms);
    let (erased_at, now) = (time(erased_at_ms), cx.log.clock().now());
    let holds = certificates::certified(&keyring.holds(), now, |seg| {
        matches!(keyring.segment(seg), SegmentState::Live { held_only: true, .. })
    });
    let removed = keyring.removed_places();
    let forgotten = Forgotten {
        what: proof.what,
        unsearchable: !proof.searchable,
        holds: holds.0 > 0,
        unscrubbed: removed.iter().any(|place| !place.scrubbed),
    };
    let certificate = Certificate {
        v: FORMAT,
        id: proof.id.to_string(),
        revision: 1,
        what: proof.what.to_owned(),
        vault: keyring.vault_name(),
        vault_id: keyring.vault().to_string(),
        node: keyring.node(),
        policy_pack_hash: hex::encode(proof.pack_hash),
        started_by: proof.started_by.to_owned(),
        cutoff: time(proof.cutoff_ms),
        started_at: time(proof.started_at_ms),
        erased_at: erased_at.clone(),
        finished_at: time(now.as_millis().max(erased_at_ms)),
        resumed: proof.resumed,
        cohorts: cohorts.iter().zip(counts).map(|(c, count)| certified(c, *count)).collect(),
        totals,
        holds_kept: held_only(keyring),
        holds_in_force: holds.0,
        holds: holds.1,
        failures: removed.iter().filter_map(removed_unscrubbed).collect(),
        generation_before: proof.generations.0,
        generation_after: proof.generations.1,
        keyring_hash: hex::encode(proof.keyring_hash),
        class: format!("{:?}", keyring.class()),
        places: keyring.places().iter().map(place).collect(),
        removed_places: removed.iter().filter_map(unscrubbed).collect(),
        t1: erased_at.clone(),
        t2: (!proof.searchable).then_some(erased_at),
        t2_generation: None,
        audit: AuditReference { intent: proof.intent, checkpoint: cx.log.checkpoint() },
        still_readable: readable(forgotten),
        statement: statement(proof.what, keyring.class()),
        signed_by: signer_name(
            &certificates_name(&keyring.vault_name()),
            &keyring.certificate_signer().public(),
        ),
    };
    let json = certificate.sign(&keyring.certificate_signer())?;
    Ok(Op::Put(keys::certificate(&proof.id, certificate.revision), json.into_bytes()))
}

/// Segments past their date kept for held slots alone, those of this run included.
fn held_only(keyring: &Keyring) -> u64 {
    let held = keyring.segments().iter().filter(|segment| segment.held_only).count();
    u64::try_from(held).unwrap_or(u64::MAX)
}

/// What is proven of a purge.
fn proof<'a>(run: &'a PurgeRun, id: CertificateId) -> Proof<'a> {
    Proof {
        what: PURGE,
        id,
        pack_hash: &run.pack_hash,
        started_by: if run.started_by.is_empty() { "schedule" } else { &run.started_by },
        cutoff_ms: run.cutoff_ms,
        started_at_ms: run.started_at_ms,
        erased_at_ms: run.erased_at_ms,
        resumed: run.resumed,
        generations: (run.generation_before, run.generation_after),
        keyring_hash: &run.keyring_hash,
        intent: run.intent_index_known.then_some(LeafIndex { k: run.intent_k, n: run.intent_n }),
        // A cohort purged whole takes its index keys along in the same generation. One kept for held
        // slots loses its index key too (DESIGN section 3): T1 = T2 in both cases.
        searchable: false,
    }
}

fn certified(cohort: &SweptCohort, counts: Counts) -> CertifiedCohort {
    CertifiedCohort {
        id: cohort.id.to_string(),
        collection: cohort.key.collection.to_string(),
        expires_on: cohort.key.expires_on.to_string(),
        zone: cohort.key.zone.name().to_owned(),
        segments: cohort.segments.iter().map(ToString::to_string).collect(),
        counts,
    }
}

fn place(place: &PlaceStatus) -> CertifiedPlace {
    CertifiedPlace { id: place.id.to_string(), class: format!("{:?}", place.class) }
}

/// A place that went without having been scrubbed is named in every certificate from then on.
fn removed_unscrubbed(place: &RemovedPlace) -> Option<String> {
    (!place.scrubbed).then(|| {
        format!(
            "place {} (class {:?}) was removed by generation {} without having been scrubbed: who \
             holds it, with the root key of that time, may still open what the generation before did",
            place.id, place.class, place.generation
        )
    })
}

fn unscrubbed(place: &RemovedPlace) -> Option<UnscrubbedPlace> {
    (!place.scrubbed).then(|| UnscrubbedPlace {
        id: place.id.to_string(),
        class: format!("{:?}", place.class),
        generation: place.generation,
    })
}

fn due(cohort: &SweptCohort, counts: &Counts) -> DueCohort {
    DueCohort {
        cohort: cohort.id,
        collection: cohort.key.collection.clone(),
        expires_on: cohort.key.expires_on,
        zone: cohort.key.zone.name().to_owned(),
        segments: cohort.segments.len(),
        records: counts.records.saturating_add(counts.events),
    }
}

fn final_event(
    cx: &Context<'_>,
    run: &PurgeRun,
    certified: bool,
    totals: Counts,
    places: &[PlaceStatus],
) -> EventDraft {
    let classes: Vec<String> = places.iter().map(|p| format!("{:?}", p.class)).collect();
    let mut event = draft_event(cx, "purge", "OK");
    event.notes = vec![
        if certified { run::certificate_note(run) } else { "certificate=none".to_owned() },
        format!("generation={}", run.generation_after),
        format!("keyring={}", hex::encode(&run.keyring_hash)),
        format!("places={}", classes.join(",")),
        format!("records={}", totals.records),
        format!("sections={}", totals.sections),
        format!("index_rows={}", totals.index_rows),
        format!("events={}", totals.events),
    ];
    event
}
