//! Holds: named records kept beyond their date, for a named authority, with a second person's leave.
//!
//! Decides record by record; the order itself is `retention::hold`'s. All or nothing: one record that may
//! not be held refuses the whole. Invariants: no hold without an approval of exactly this request; none
//! runs past the pack's end date unless the pack names its authority; a hold is answered for only once
//! the generation that has it is durable.

use std::sync::Arc;

use chrono::Days;

use crate::{
    audit::{AuditError, AuditLog, EventDraft},
    clock::Timestamp,
    identity::{ApprovalError, Approvals, Caller, Usable},
    ids::{HoldId, RecordId},
    keyring::Hold,
    limits,
    policy::{Pack, RequestContext, Verb, Violation},
    retention::{Doomed, HoldOrder, Placing, Released, Retention, RetentionError},
};

use super::{
    HoldInput, Intent, VaultError,
    duties::{Duties, Duty, blocking},
    erase,
    head::Loaded,
    request::{self, Tally},
};

/// What a hold touches: the log, retention, which writes the generation, and the approvals.
#[derive(Clone)]
pub(crate) struct Holds {
    pub(crate) log: Arc<AuditLog>,
    pub(crate) retention: Arc<Retention>,
    pub(crate) approvals: Approvals,
}

impl Holds {
    /// Holds up to `limits::HOLDS_PER_CALL_MAX` records; one hold per record, in the order asked.
    pub(crate) async fn place(
        &self,
        pack: &Arc<Pack>,
        who: &Caller,
        why: &Intent,
        input: HoldInput,
    ) -> Result<Vec<HoldId>, VaultError> {
        let mut event = request::draft_for("hold-place", who, why, pack);
        match self.run(pack, who, why, &input, &mut event).await {
            Ok(ids) => Ok(ids),
            Err(error) => Err(request::refuse(&self.log, event, error).await),
        }
    }

    async fn run(
        &self,
        pack: &Arc<Pack>,
        who: &Caller,
        why: &Intent,
        input: &HoldInput,
        event: &mut EventDraft,
    ) -> Result<Vec<HoldId>, VaultError> {
        request::check_intent(pack, why)?;
        let ends_at = check(pack, input, self.log.civil_now())?;
        event.records.clone_from(&input.records);
        let usable = self.approvals.usable(who, &input.bound, input.approval.as_ref())?;
        let template = self.template(input, ends_at, &usable);
        for _ in 0..limits::REQUEST_RACES_MAX {
            let records = self.decide(pack, who, why, &input.records, event).await?;
            let holds: Vec<Hold> = records.iter().map(|one| self.hold(&template, one)).collect();
            let ids: Vec<HoldId> = holds.iter().map(|hold| hold.id).collect();
            event.notes = notes(input, &ids);
            let approval = usable.spend.clone();
            let order = HoldOrder { event: event.clone(), records, holds, approval };
            let retention = Arc::clone(&self.retention);
            let task = tokio::task::spawn_blocking(move || retention.place_holds(order));
            match task.await.map_err(|_| VaultError::Interrupted)? {
                Ok(Placing::Placed) => return Ok(ids),
                // Somebody changed a record meanwhile: all of them are looked at again.
                Ok(Placing::Changed) => {}
                // Another call used the approval up meanwhile.
                Err(RetentionError::Audit(AuditError::Rejected)) => {
                    return Err(ApprovalError::Used.into());
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(VaultError::VersionMismatch)
    }

    /// Opens each head and decides; a record that is absent costs the same work.
    async fn decide(
        &self,
        pack: &Pack,
        who: &Caller,
        why: &Intent,
        records: &[RecordId],
        event: &mut EventDraft,
    ) -> Result<Vec<Doomed>, VaultError> {
        let (log, now) = (&self.log, self.log.civil_now());
        let context = RequestContext { approved: true, ..request::context(why, now) };
        let (mut tally, mut kept) = (Tally::default(), Vec::with_capacity(records.len()));
        let mut refused = None;
        for (position, id) in records.iter().enumerate() {
            request::take_turns(position).await;
            let read = Loaded::read(log.store().as_ref(), log.keyring(), *id, &[])?;
            let Some(record) = read.filter(|record| !record.expired(now)) else {
                let _nothing = pack.decide_decoy(who, Verb::Hold, &[], &context);
                refused = Some(VaultError::NotAvailable);
                continue;
            };
            let standing = record.standing(now);
            let decision = pack.decide(who, Verb::Hold, &record.resource(&standing), &[], &context);
            tally.note(event, &decision);
            if decision.all_allowed() {
                event.collection = Some(record.head.collection.clone());
                kept.push(erase::doom(&record));
            } else if decision.may_know && refused.is_none() {
                refused = Some(VaultError::denied(&decision));
            } else if !decision.may_know {
                refused = Some(VaultError::NotAvailable);
            }
        }
        event.decision = tally.word();
        refused.map_or(Ok(kept), Err)
    }

    /// What the holds of one call have in common.
    fn template(&self, input: &HoldInput, ends_at: Timestamp, usable: &Usable) -> Hold {
        Hold {
            id: HoldId::from_bytes([0; 16]),
            record: RecordId::from_bytes([0; 16]),
            slots: Vec::new(),
            authority: input.authority.clone(),
            reason: input.reason.clone(),
            ends_on: input.ends_on,
            ends_at,
            approver: usable.approver.clone(),
            placed_at: self.log.clock().now(),
        }
    }

    fn hold(&self, template: &Hold, one: &Doomed) -> Hold {
        let id = HoldId::make(self.log.random().as_ref());
        Hold { id, record: one.record, ..template.clone() }
    }
}

const LIST: Duty = Duty { action: "hold:list", kind: "hold-list" };
const RELEASE: Duty = Duty { action: "hold:release", kind: "hold-release" };

impl Duties {
    /// The holds in force, the oldest first.
    pub(crate) async fn list_holds(
        &self,
        pack: &Pack,
        who: &Caller,
    ) -> Result<Vec<Hold>, VaultError> {
        let event = self.allowed(LIST, pack, who).await?;
        self.done(event).await?;
        Ok(self.retention.holds())
    }

    /// Ends holds; what they alone kept past its date is erased before the answer.
    pub(crate) async fn release_holds(
        &self,
        pack: &Arc<Pack>,
        who: &Caller,
        ids: Vec<HoldId>,
    ) -> Result<Released, VaultError> {
        let mut event = self.allowed(RELEASE, pack, who).await?;
        event.notes = ids.iter().map(|id| format!("hold={id}")).collect();
        match self.release(pack, who, ids, event.clone()).await {
            Ok(released) => Ok(released),
            Err(error) => Err(request::refuse(&self.log, event, error).await),
        }
    }

    async fn release(
        &self,
        pack: &Arc<Pack>,
        who: &Caller,
        ids: Vec<HoldId>,
        event: EventDraft,
    ) -> Result<Released, VaultError> {
        let limit = limits::HOLDS_PER_CALL_MAX;
        if ids.is_empty() || ids.len() > limit {
            return Err(VaultError::TooMany { what: "holds, and at least one", limit });
        }
        // Intent and end are the purge's; this says in whose name the holds go, before they do.
        let mut intent = event.clone();
        "STARTED".clone_into(&mut intent.outcome);
        let _receipt = request::record(&self.log, &intent).await?;
        let (retention, pack, who) = (Arc::clone(&self.retention), Arc::clone(pack), who.clone());
        let released = blocking(move || Ok(retention.release_holds(&pack, &who, &ids)?)).await?;
        self.done(event).await?;
        Ok(released)
    }
}

/// The instant at which the hold ends. Errors: [`VaultError::TooMany`], [`VaultError::Invalid`].
fn check(pack: &Pack, input: &HoldInput, now: Timestamp) -> Result<Timestamp, VaultError> {
    let limit = limits::HOLDS_PER_CALL_MAX;
    if input.records.is_empty() || input.records.len() > limit {
        return Err(VaultError::TooMany { what: "records, and at least one", limit });
    }
    let mut violations = Vec::new();
    let mut refuse = |path: &str, reason: String| {
        violations.push(Violation { path: path.to_owned(), reason });
    };
    for (path, text) in [("authority", &input.authority), ("reason", &input.reason)] {
        if text.trim().is_empty() {
            refuse(path, "is required: who ordered the hold, and why".to_owned());
        } else if text.len() > limits::LABEL_BYTES_MAX {
            refuse(path, format!("is at most {} bytes", limits::LABEL_BYTES_MAX));
        }
    }
    let midnight = |date| Timestamp::start_of(date, pack.zone());
    let after = input.ends_on.checked_add_days(Days::new(1));
    let ends_at = after.and_then(midnight);
    match (ends_at, midnight(pack.end_date())) {
        (None, _) => refuse("ends_on", "is beyond the calendar".to_owned()),
        (Some(ends_at), _) if ends_at <= now => refuse("ends_on", "is past".to_owned()),
        (Some(ends_at), Some(end))
            if ends_at > end && !pack.may_hold_past_end(&input.authority) =>
        {
            let end = pack.end_date();
            refuse(
                "ends_on",
                format!("the pack lets no hold of this authority reach its end date, {end}"),
            );
        }
        _ => {}
    }
    match ends_at {
        Some(ends_at) if violations.is_empty() => Ok(ends_at),
        _ => Err(VaultError::Invalid(violations)),
    }
}

fn notes(input: &HoldInput, ids: &[HoldId]) -> Vec<String> {
    let mut notes = vec![
        format!("authority={}", input.authority),
        format!("reason={}", input.reason),
        format!("until={}", input.ends_on),
    ];
    notes.extend(input.approval.iter().map(|id| format!("approval={id}")));
    notes.extend(ids.iter().map(|id| format!("hold={id}")));
    notes
}
