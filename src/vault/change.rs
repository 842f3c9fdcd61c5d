//! What update and assign share: read one state, decide, and commit a new version of it.
//!
//! Concurrent writers: the commit's precondition is the row as it was read, so of two writers one
//! wins and the other is told VERSION_MISMATCH, durably logged. Nothing acknowledged vanishes.

use std::sync::Arc;

use crate::{
    audit::{AuditError, AuditLog, EventDraft},
    identity::Caller,
    ids::{ClassName, RecordId},
    policy::{Decision, Pack, RequestContext, Verb},
    storage::{Group, Op, Precondition, keys},
};

use super::{
    Assignee, Intent, VaultError,
    head::Loaded,
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
}

impl Change<'_> {
    /// Reads the record with the sealed sections of `classes`; `NotAvailable` when it is absent or
    /// expired. The event is not written yet.
    pub(crate) fn read(&self, classes: &[ClassName]) -> Result<Loaded, VaultError> {
        let log = self.log;
        let found = Loaded::read(log.store().as_ref(), log.keyring(), self.record, classes)?;
        let now = log.clock().now();
        found.filter(|record| !record.expired(now)).ok_or(VaultError::NotAvailable)
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
        let now = self.log.clock().now();
        let assigned = record.assigned(now);
        let resource = record.resource(&assigned);
        let context = RequestContext {
            purpose: &self.why.purpose,
            now,
            justification: self.why.justification.is_some(),
            recent_reveals: 0,
            assignee_agent: match to {
                Some(Assignee::Agent(agent)) => Some(agent),
                _ => None,
            },
            assignee_unit: match to {
                Some(Assignee::Unit(unit)) => Some(unit),
                _ => None,
            },
        };
        let decision = self.pack.decide(self.who, verb, &resource, classes, &context);
        request::note_decision(event, &decision.classes);
        if decision.all_allowed() {
            event.collection = Some(record.head.collection.clone());
            event.subject = Some(record.head.subject);
            return Ok(decision);
        }
        if decision.may_know {
            return Err(VaultError::Denied { policies: decision.policies() });
        }
        Err(VaultError::NotAvailable)
    }

    /// Seals the changed head as the next version and commits all rows with the event.
    pub(crate) async fn commit(
        &self,
        record: Loaded,
        next: NextVersion,
        mut event: EventDraft,
    ) -> Result<u32, VaultError> {
        let (log, keyring) = (self.log, self.log.keyring());
        let version = record.version.checked_add(1).ok_or(VaultError::Corrupt("record version"))?;
        let secret = keyring.derive_slot(&record.slot).map_err(|_| VaultError::NotAvailable)?;
        let slot = (&record.slot, &secret, &record.cohort);
        let random = log.random().as_ref();
        let NextVersion { mut ops, index_row_keys } = next;
        let row =
            record.head.seal_row(record.id, version, slot, index_row_keys, keyring, random)?;
        let key = keys::record(&record.id);
        ops.push(Op::Put(key.clone(), row));
        let preconditions = vec![Precondition::Unchanged(key, record.row)];
        event.outcome = OK.to_owned();
        let sealed = log.seal(&event)?;
        match log.commit(Group { preconditions, ops }, &[], sealed).await {
            Ok(_receipt) => Ok(version),
            Err(AuditError::Rejected) => {
                Err(request::refuse(log, event, VaultError::VersionMismatch).await)
            }
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
    NextVersion { ops, index_row_keys: kept }
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
