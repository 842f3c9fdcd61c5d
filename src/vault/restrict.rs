//! Restrict: the processing of a subject's records is stopped, or goes on, without anything being erased.
//!
//! The mark is in each head, where the policies see it; who may read a restricted record is the pack's to
//! say. Invariants: the records that one call changes are changed in one commit, with one event; one that
//! the caller may not know of is left out without a trace; a record that somebody changed meanwhile is
//! looked at again, never overwritten.

use std::sync::Arc;

use crate::{
    audit::{AuditError, AuditLog, EventDraft},
    identity::Caller,
    ids::{SlotRef, SubjectId},
    keyring::CohortInfo,
    limits,
    policy::{Decision, Pack, Verb, Violation},
    storage::{Group, Op, Precondition, keys},
};

use super::{
    Intent, Restricted, VaultError,
    head::Loaded,
    of_subject::OfSubject,
    once::{Fresh, Once, Seen},
    request::{self, OK, Tally},
};

/// What a restriction touches: the log, and through it the store and the keys.
#[derive(Clone)]
pub(crate) struct Restrict {
    pub(crate) log: Arc<AuditLog>,
}

/// What one look at the subject's records found.
#[derive(Default)]
struct Found {
    /// To be changed.
    records: Vec<Loaded>,
    /// Already as asked.
    already: usize,
    /// Known to the caller and refused to him.
    refused: Vec<Decision>,
    more: bool,
}

impl Restrict {
    /// Restricts up to `limits::RECORDS_PER_RESTRICT_MAX` records of a subject, or lifts it.
    pub(crate) async fn call(
        &self,
        pack: &Pack,
        who: &Caller,
        why: &Intent,
        (subject, restricted): (SubjectId, bool),
    ) -> Result<Restricted, VaultError> {
        let mut event = request::draft_for("restrict", who, why, pack);
        event.subject = Some(subject);
        event.notes = vec![format!("restricted={}", u8::from(restricted))];
        match self.run(pack, who, why, (subject, restricted), &mut event).await {
            Ok(answer) => Ok(answer),
            Err(error) => {
                event.records.clear();
                Err(request::refuse(&self.log, event, error).await)
            }
        }
    }

    async fn run(
        &self,
        pack: &Pack,
        who: &Caller,
        why: &Intent,
        (subject, restricted): (SubjectId, bool),
        event: &mut EventDraft,
    ) -> Result<Restricted, VaultError> {
        request::check_intent(pack, why)?;
        if why.justification.is_none() {
            let reason = "is required: why the processing stops, or why it goes on".to_owned();
            let violation = Violation { path: "intent.justification".to_owned(), reason };
            return Err(VaultError::Invalid(vec![violation]));
        }
        let once = Once::of(who, why.request.as_ref());
        for _ in 0..limits::REQUEST_RACES_MAX {
            let fresh = match once.look(&self.log)? {
                Seen::New(fresh) => fresh,
                Seen::Done { record, restricted, .. } => {
                    return self.repeated(&record, restricted, event).await;
                }
            };
            let found = self.find(pack, who, why, (&subject, restricted), event).await?;
            match self.write(found, restricted, (&once, fresh), event).await {
                // Whoever wrote one of the rows meanwhile: all are looked at again.
                Err(VaultError::VersionMismatch) => {}
                done => return done,
            }
        }
        Err(VaultError::VersionMismatch)
    }

    /// Opens each head and decides; a subject of whom nothing is found costs a decision all the same.
    async fn find(
        &self,
        pack: &Pack,
        who: &Caller,
        why: &Intent,
        (subject, restricted): (&SubjectId, bool),
        event: &mut EventDraft,
    ) -> Result<Found, VaultError> {
        let now = self.log.civil_now();
        let context = request::context(why, now);
        let (mut found, mut tally, mut looked) = (Found::default(), Tally::default(), false);
        let mut all = OfSubject::new(&self.log, pack, subject, now);
        while let Some(record) = all.next().await? {
            looked = true;
            let standing = record.standing(now);
            let resource = record.resource(&standing);
            let decision = pack.decide(who, Verb::Restrict, &resource, &[], &context);
            if !decision.all_allowed() {
                if decision.may_know {
                    tally.note(event, &decision);
                    found.refused.push(decision);
                }
            } else if record.head.restricted == restricted {
                tally.note(event, &decision);
                found.already += 1;
            } else if found.records.len() == limits::RECORDS_PER_RESTRICT_MAX {
                found.more = true;
                break;
            } else {
                tally.note(event, &decision);
                found.records.push(record);
            }
        }
        if !looked {
            let _nothing = pack.decide_decoy(who, Verb::Restrict, &[], &context);
        }
        event.decision = tally.word();
        match found.refused.first() {
            _ if !found.records.is_empty() || found.already > 0 => Ok(found),
            Some(refused) => Err(VaultError::denied(refused)),
            None => Err(VaultError::NotAvailable),
        }
    }

    /// Seals each head as its next version and commits all rows with the one event.
    async fn write(
        &self,
        found: Found,
        restricted: bool,
        (once, fresh): (&Once, Fresh),
        event: &mut EventDraft,
    ) -> Result<Restricted, VaultError> {
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let answer = Restricted {
            records: count(found.records.len()),
            denied: count(found.refused.len()),
            more: found.more,
            repeated: false,
        };
        let Fresh { mut preconditions, mut ops } = fresh;
        let mut slots = Vec::with_capacity(found.records.len());
        match found.records.first() {
            Some(first) => {
                ops.extend(once.restriction_rows(
                    &self.log,
                    first,
                    (answer.records, answer.more),
                )?);
            }
            // Nothing is written, so nothing must be as it was.
            None => {
                preconditions.clear();
                ops.clear();
            }
        }
        event.records = found.records.iter().map(|record| record.id).collect();
        event.collection = common(&found.records);
        event.outcome = OK.to_owned();
        for (position, record) in found.records.into_iter().enumerate() {
            request::take_turns(position).await;
            let (op, precondition, slot) = self.next_version(record, restricted)?;
            ops.push(op);
            preconditions.push(precondition);
            slots.push(slot);
        }
        let sealed = self.log.seal(event)?;
        match self.log.commit(Group { preconditions, ops }, &slots, sealed).await {
            Ok(_receipt) => Ok(answer),
            Err(AuditError::Rejected) => Err(VaultError::VersionMismatch),
            Err(error) => Err(error.into()),
        }
    }

    fn next_version(
        &self,
        mut record: Loaded,
        restricted: bool,
    ) -> Result<(Op, Precondition, (SlotRef, CohortInfo)), VaultError> {
        let (keyring, random) = (self.log.keyring(), self.log.random().as_ref());
        let version = record.version.checked_add(1).ok_or(VaultError::Corrupt("record version"))?;
        record.head.restricted = restricted;
        record.head.former.retain(|slot| keyring.slot_lives(slot));
        let row = {
            // Given back before the commit: a purge waits for slot secrets in use.
            let secret = keyring.derive_slot(&record.slot).map_err(|_| VaultError::NotAvailable)?;
            let slot = (&record.slot, &secret, &record.cohort);
            record.head.seal_row(
                record.id,
                version,
                slot,
                record.index_row_keys,
                keyring,
                random,
            )?
        };
        let key = keys::record(&record.id);
        let unchanged = Precondition::Unchanged(key.clone(), record.row);
        Ok((Op::Put(key, row), unchanged, (record.slot, record.cohort)))
    }

    /// The same request again: what it changed is told again, and logged again.
    async fn repeated(
        &self,
        first: &Loaded,
        (records, more): (u32, bool),
        event: &mut EventDraft,
    ) -> Result<Restricted, VaultError> {
        if first.expired(self.log.civil_now()) {
            return Err(VaultError::NotAvailable);
        }
        let subject = event.subject;
        request::note_repeated(event, first.id, subject);
        let _receipt = request::record(&self.log, event).await?;
        Ok(Restricted { records, denied: 0, more, repeated: true })
    }
}

/// The collection, where all records are of one.
fn common(records: &[Loaded]) -> Option<crate::ids::CollectionName> {
    let first = &records.first()?.head.collection;
    records.iter().all(|record| record.head.collection == *first).then(|| first.clone())
}
