//! What update and assign share: read one state, decide, and commit a new version of it.
//!
//! Concurrent writers: the commit's precondition is the row as it was read, so of two writers one
//! wins and the other is told VERSION_MISMATCH, durably logged. Nothing acknowledged vanishes.

use std::sync::Arc;

use crate::{
    audit::{AuditError, AuditLog, EventDraft},
    identity::Caller,
    ids::{CertificateId, ClassName, RecordId, SlotRef},
    keyring::CohortInfo,
    policy::{Decision, Pack, RequestContext, Verb},
    storage::{Group, Op, Precondition, keys},
};

use super::{
    Assignee, Changed, Intent, VaultError,
    head::Loaded,
    once::{Fresh, Once, Seen},
    request::{self, OK},
};

/// One request to change one record.
pub(crate) struct Change<'a> {
    pub(crate) log: &'a Arc<AuditLog>,
    pub(crate) pack: &'a Pack,
    pub(crate) who: &'a Caller,
    pub(crate) why: &'a Intent,
    pub(crate) record: RecordId,
}

/// The rows of a new version.
pub(crate) struct NextVersion {
    pub(crate) ops: Vec<Op>,
    pub(crate) index_row_keys: Vec<Vec<u8>>,
    /// Every slot the rows are sealed under, besides the head's.
    pub(crate) slots: Vec<(SlotRef, CohortInfo)>,
    /// The certificate that will say that the former version is forgotten, where it shall be.
    pub(crate) forgets: Option<CertificateId>,
}

impl Change<'_> {
    /// Reads the record with the sealed sections of `classes`; `NotAvailable` when it is absent (after
    /// the work of a decision, so that absence takes as long) or expired. Writes no event.
    pub(crate) fn read(&self, verb: Verb, classes: &[ClassName]) -> Result<Loaded, VaultError> {
        let log = self.log;
        let found = Loaded::read(log.store().as_ref(), log.keyring(), self.record, classes)?;
        let Some(record) = found else {
            let _nothing = self.pack.decide_decoy(self.who, verb, classes, &self.context(None));
            return Err(VaultError::NotAvailable);
        };
        if record.expired(log.civil_now()) {
            return Err(VaultError::NotAvailable);
        }
        Ok(record)
    }

    fn context<'a>(&'a self, to: Option<&'a Assignee>) -> RequestContext<'a> {
        RequestContext {
            purpose: &self.why.purpose,
            now: self.log.civil_now(),
            justification: self.why.justification.is_some(),
            recent_subjects: 0,
            break_glass: false,
            link: None,
            approved: false,
            assignee_agent: match to {
                Some(Assignee::Agent(agent)) => Some(agent),
                _ => None,
            },
            assignee_unit: match to {
                Some(Assignee::Unit(unit)) => Some(unit),
                _ => None,
            },
        }
    }

    /// Looks up what was done before under the call's request id. Done: it is answered again, without
    /// a new decision (the same agent made the same change, and hears nothing but its version), and
    /// logged again. Not done: what must still hold when it is committed.
    pub(crate) async fn earlier(
        &self,
        once: &Once,
        event: &mut EventDraft,
    ) -> Result<Result<Changed, Fresh>, VaultError> {
        match once.look(self.log)? {
            Seen::New(fresh) => Ok(Err(fresh)),
            Seen::Done { record, .. } if record.expired(self.log.civil_now()) => {
                Err(VaultError::NotAvailable)
            }
            Seen::Done { record, version, forgot } => {
                event.collection = Some(record.head.collection.clone());
                request::note_repeated(event, record.id, Some(record.head.subject));
                let _receipt = request::record(self.log, event).await?;
                Ok(Ok(Changed { version, repeated: true, certificate: forgot }))
            }
        }
    }

    /// An error that the very same write, sent twice at the same time, explains: if it was done
    /// meanwhile, the answer is its answer.
    pub(crate) async fn or_earlier(
        &self,
        once: &Once,
        event: &mut EventDraft,
        error: VaultError,
    ) -> Result<Changed, VaultError> {
        let explained = matches!(
            error,
            VaultError::VersionMismatch | VaultError::NotAvailable | VaultError::Denied { .. }
        );
        if !explained {
            return Err(error);
        }
        self.earlier(once, event).await?.map_err(|_| error)
    }

    /// Whether the record is there and of this version.
    pub(crate) fn is_at(&self, version: u32) -> Result<bool, VaultError> {
        let log = self.log;
        let found = Loaded::read(log.store().as_ref(), log.keyring(), self.record, &[])?;
        Ok(found.is_some_and(|record| record.version == version))
    }

    /// Decides `verb` for `classes` of this record and notes it in the event.
    ///
    /// Errors: [`VaultError::NotAvailable`] for callers who may not know of the record,
    /// [`VaultError::Denied`] for the others unless every class is allowed.
    pub(crate) fn decide(
        &self,
        record: &Loaded,
        verb: Verb,
        classes: &[ClassName],
        to: Option<&Assignee>,
        event: &mut EventDraft,
    ) -> Result<Decision, VaultError> {
        let standing = record.standing(self.log.civil_now());
        let resource = record.resource(&standing);
        let context = self.context(to);
        let decision = self.pack.decide(self.who, verb, &resource, classes, &context);
        request::note_decision(event, &decision.classes);
        if decision.all_allowed() {
            event.collection = Some(record.head.collection.clone());
            event.subject = Some(record.head.subject);
            return Ok(decision);
        }
        if decision.may_know {
            return Err(VaultError::denied(&decision));
        }
        Err(VaultError::NotAvailable)
    }

    /// Seals the changed head as the next version and commits all rows with the event. An error is
    /// the caller's to log: `VersionMismatch` if somebody else changed the record meanwhile.
    pub(crate) async fn commit(
        &self,
        mut record: Loaded,
        next: NextVersion,
        (once, fresh): (&Once, Fresh),
        event: &mut EventDraft,
    ) -> Result<Changed, VaultError> {
        let (log, keyring) = (self.log, self.log.keyring());
        let version = record.version.checked_add(1).ok_or(VaultError::Corrupt("record version"))?;
        let NextVersion { mut ops, index_row_keys, mut slots, forgets } = next;
        record.head.former.retain(|slot| keyring.slot_lives(slot));
        let row = {
            // Given back before the commit: a purge waits for slot secrets in use.
            let secret = keyring.derive_slot(&record.slot).map_err(|_| VaultError::NotAvailable)?;
            let slot = (&record.slot, &secret, &record.cohort);
            let random = log.random().as_ref();
            record.head.seal_row(record.id, version, slot, index_row_keys, keyring, random)?
        };
        let key = keys::record(&record.id);
        ops.push(Op::Put(key.clone(), row));
        let Fresh { mut preconditions, ops: left } = fresh;
        preconditions.push(Precondition::Unchanged(key, record.row));
        ops.extend(left);
        ops.extend(once.rows(log, &record.cohort.id, &record.id, version, forgets)?);
        slots.push((record.slot, record.cohort));
        event.outcome = OK.to_owned();
        let sealed = log.seal(event)?;
        match log.commit(Group { preconditions, ops }, &slots, sealed).await {
            Ok(_receipt) => Ok(Changed { version, repeated: false, certificate: forgets }),
            Err(AuditError::Rejected) => Err(VaultError::VersionMismatch),
            Err(error) => Err(error.into()),
        }
    }
}

/// Replaces index rows: `gone` are deleted, `new` are written, `kept` are the record's keys after it.
pub(crate) fn reindex(known: &[Vec<u8>], gone: &[Vec<u8>], new: Vec<Vec<u8>>) -> NextVersion {
    let mut ops = Vec::new();
    let mut kept: Vec<Vec<u8>> = Vec::new();
    for key in known {
        if gone.contains(key) && !new.contains(key) {
            ops.push(Op::Delete(key.clone()));
        } else {
            kept.push(key.clone());
        }
    }
    for key in new {
        if !kept.contains(&key) {
            ops.push(Op::Put(key.clone(), Vec::new()));
            kept.push(key);
        }
    }
    NextVersion { ops, index_row_keys: kept, slots: Vec::new(), forgets: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_value_replaces_its_row_and_leaves_the_others() {
        let (old, new, other) = (vec![1], vec![2], vec![3]);
        let known = [old.clone(), other.clone()];
        let next = reindex(&known, std::slice::from_ref(&old), vec![new.clone()]);
        assert_eq!(next.ops, [Op::Delete(old), Op::Put(new.clone(), Vec::new())]);
        assert_eq!(next.index_row_keys, [other, new]);
    }

    #[test]
    fn an_unchanged_value_keeps_its_row() {
        let same = [vec![1]];
        let next = reindex(&same, &same, same.to_vec());
        assert!(next.ops.is_empty());
        assert_eq!(next.index_row_keys, same);
    }
}
