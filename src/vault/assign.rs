//! Assign and unassign: who has the case in hand.
//!
//! `assign:<collection>` is a policy action of its own; who may assign to whom (nobody to himself,
//! except from his own unit's queue) is the pack's to say, with the assignee in the context.

use std::sync::Arc;

use crate::{
    audit::{AuditLog, EventDraft},
    identity::{Caller, Identity},
    ids::RecordId,
    limits,
    policy::{Pack, Verb, Violation},
};

use super::{
    AssignInput, Assignee, Changed, Intent, VaultError,
    change::{Change, NextVersion, reindex},
    head::{Assignment, Loaded},
    once::Once,
    request,
    tokens::Tokens,
};

/// What an assignment touches: the log, and the directory to know that the assignee exists.
#[derive(Clone)]
pub(crate) struct Assign {
    pub(crate) log: Arc<AuditLog>,
    pub(crate) identity: Arc<Identity>,
}

impl Assign {
    /// Adds or replaces an assignment; the record's new version.
    pub(crate) async fn assign(
        &self,
        pack: &Pack,
        who: &Caller,
        why: &Intent,
        input: AssignInput,
    ) -> Result<Changed, VaultError> {
        let assignment = Assignment { to: input.to.clone(), until: input.until };
        self.change("assign", pack, who, why, (input.record, &input.to), |record, tokens| {
            self.check_assignee(pack, &assignment)?;
            let gone = tokens.assignment_anywhere(&record.cohort.id, &assignment.to);
            record.head.assignments.retain(|a| a.to != assignment.to);
            let limit = limits::ASSIGNEES_PER_RECORD_MAX;
            if record.head.assignments.len() >= limit {
                return Err(VaultError::TooMany { what: "assignees of one record", limit });
            }
            record.head.assignments.push(assignment.clone());
            let new = tokens.assignments(&record.cohort.id, std::slice::from_ref(&assignment));
            Ok(reindex(&record.index_row_keys, &gone, new))
        })
        .await
    }

    /// Ends an assignment; the record's new version. Ending one that is not there changes nothing but
    /// the version: the caller's wish holds either way.
    pub(crate) async fn unassign(
        &self,
        pack: &Pack,
        who: &Caller,
        why: &Intent,
        record: RecordId,
        from: &Assignee,
    ) -> Result<Changed, VaultError> {
        self.change("unassign", pack, who, why, (record, from), |record, tokens| {
            let gone = tokens.assignment_anywhere(&record.cohort.id, from);
            record.head.assignments.retain(|a| a.to != *from);
            Ok(reindex(&record.index_row_keys, &gone, Vec::new()))
        })
        .await
    }

    async fn change(
        &self,
        kind: &'static str,
        pack: &Pack,
        who: &Caller,
        why: &Intent,
        (record, to): (RecordId, &Assignee),
        apply: impl Fn(&mut Loaded, &Tokens<'_>) -> Result<NextVersion, VaultError>,
    ) -> Result<Changed, VaultError> {
        let change = Change { log: &self.log, pack, who, why, record };
        let mut event = request::draft_for(kind, who, why, pack);
        event.records = vec![record];
        event.notes = vec![to.note()];
        match self.run(&change, to, &mut event, apply).await {
            Ok(changed) => Ok(changed),
            Err(error) => Err(request::refuse(&self.log, event, error).await),
        }
    }

    async fn run(
        &self,
        change: &Change<'_>,
        to: &Assignee,
        event: &mut EventDraft,
        apply: impl Fn(&mut Loaded, &Tokens<'_>) -> Result<NextVersion, VaultError>,
    ) -> Result<Changed, VaultError> {
        request::check_intent(change.pack, change.why)?;
        let once = Once::of(change.who, change.why.request.as_ref());
        for _ in 0..limits::REQUEST_RACES_MAX {
            let fresh = match change.earlier(&once, event).await? {
                Ok(changed) => return Ok(changed),
                Err(fresh) => fresh,
            };
            let done = match self.prepare(change, to, event, &apply) {
                Ok((record, next)) => change.commit(record, next, (&once, fresh), event).await,
                Err(error) => Err(error),
            };
            match done {
                Ok(changed) => return Ok(changed),
                // Whoever wrote the row meanwhile: the assignment is made on what there is now.
                Err(VaultError::VersionMismatch) => {}
                Err(error) => return change.or_earlier(&once, event, error).await,
            }
        }
        change.or_earlier(&once, event, VaultError::VersionMismatch).await
    }

    fn prepare(
        &self,
        change: &Change<'_>,
        to: &Assignee,
        event: &mut EventDraft,
        apply: impl Fn(&mut Loaded, &Tokens<'_>) -> Result<NextVersion, VaultError>,
    ) -> Result<(Loaded, NextVersion), VaultError> {
        let mut record = change.read(Verb::Assign, &[])?;
        change.decide(&record, Verb::Assign, &[], Some(to), event)?;
        let collection = record.head.collection.clone();
        let keyring = self.log.keyring();
        let tokens = Tokens { keyring, collection: &collection, record: record.id };
        let next = apply(&mut record, &tokens)?;
        Ok((record, next))
    }

    fn check_assignee(&self, pack: &Pack, assignment: &Assignment) -> Result<(), VaultError> {
        let refuse = |path: &str, reason: &str| {
            let violation = Violation { path: path.to_owned(), reason: reason.to_owned() };
            Err(VaultError::Invalid(vec![violation]))
        };
        if assignment.until.is_some_and(|until| until <= self.log.civil_now()) {
            return refuse("until", "lies in the past");
        }
        match &assignment.to {
            Assignee::Agent(agent) => match self.identity.find(agent) {
                Some(found) if !found.revoked => Ok(()),
                _ => refuse("agent", "is not an agent of this vault"),
            },
            Assignee::Unit(unit) if pack.has_unit(unit) => Ok(()),
            Assignee::Unit(_) => refuse("unit", "is not a unit of the pack"),
        }
    }
}
