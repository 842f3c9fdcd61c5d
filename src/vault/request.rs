//! What every use case does first and last: check the stated intent, draft the event, log a refusal.
//!
//! A refusal is logged the same way as an answer, and is durable before the caller hears of it.

use std::sync::Arc;

use crate::{
    audit::{AuditLog, EventDraft, Receipt},
    clock::Timestamp,
    identity::{ApprovalError, Caller, IdentityError},
    ids::{RecordId, SubjectId},
    keyring::KeyringError,
    limits,
    policy::{ClassDecision, Decision, Pack, PolicyRef, RequestContext, Verdict},
    retention::{ALARM_MARK, Retention, RetentionError},
};

use super::{Intent, VaultError};

/// Words of `EventDraft::decision`.
pub(crate) const ALLOW: &str = "allow";
/// Nothing was allowed.
pub(crate) const DENY: &str = "deny";
/// Some classes were allowed, some not.
pub(crate) const PARTIAL: &str = "partial";

/// Outcome of a call that did what was asked.
pub(crate) const OK: &str = "OK";

/// The purpose is of the closed list and the justification within bounds.
pub(crate) fn check_intent(pack: &Pack, why: &Intent) -> Result<(), VaultError> {
    if !pack.has_purpose(&why.purpose) {
        return Err(VaultError::UnknownPurpose);
    }
    let limit = limits::JUSTIFICATION_BYTES_MAX;
    if why.justification.as_ref().is_some_and(|text| text.len() > limit) {
        return Err(VaultError::TooMany { what: "bytes of justification", limit });
    }
    Ok(())
}

/// The size of a page of records is within bounds.
pub(crate) fn check_page(size: usize) -> Result<(), VaultError> {
    let limit = limits::RECORDS_PAGE_MAX;
    if size == 0 || size > limit {
        return Err(VaultError::TooMany { what: "records on a page, and at least one", limit });
    }
    Ok(())
}

/// What policies may know of a call that states this intent and hands nothing out.
pub(crate) fn context(why: &Intent, now: Timestamp) -> RequestContext<'_> {
    RequestContext {
        purpose: &why.purpose,
        now,
        justification: why.justification.is_some(),
        recent_subjects: 0,
        break_glass: false,
        link: None,
        approved: false,
        assignee_agent: None,
        assignee_unit: None,
    }
}

/// An event of this caller, with everything a use case knows before it starts.
pub(crate) fn draft(kind: &'static str, who: &Caller, pack: &Pack) -> EventDraft {
    let mut event = EventDraft::new(kind);
    event.agent = Some(who.agent.clone());
    event.role = Some(who.habilitation.role.clone());
    event.unit = who.habilitation.unit.clone();
    event.service = who.service.clone();
    event.pack_hash = pack.hash();
    event
}

/// The same for a data call, which states a purpose.
pub(crate) fn draft_for(kind: &'static str, who: &Caller, why: &Intent, pack: &Pack) -> EventDraft {
    let mut event = draft(kind, who, pack);
    // Only the pack's own words, and nothing beyond its bound, reach the log.
    event.purpose = pack.has_purpose(&why.purpose).then(|| why.purpose.clone());
    let bounded = |text: &&String| text.len() <= limits::JUSTIFICATION_BYTES_MAX;
    event.justification = why.justification.as_ref().filter(bounded).cloned();
    event.request = why.request.as_ref().map(|request| request.id);
    event
}

/// Puts the decision and its policies into the event.
pub(crate) fn note_decision(event: &mut EventDraft, classes: &[ClassDecision]) {
    let allowed = classes.iter().filter(|c| c.verdict != Verdict::Deny).count();
    event.decision = match allowed {
        0 => DENY,
        n if n == classes.len() => ALLOW,
        _ => PARTIAL,
    };
    for policy in classes.iter().flat_map(|c| &c.policies) {
        note_policy(event, policy);
    }
}

/// Notes how a call about several records was decided: what was allowed, and what was not.
#[derive(Default)]
pub(crate) struct Tally {
    allowed: usize,
    refused: usize,
}

impl Tally {
    /// Counts one decision, and notes its policies in the event.
    pub(crate) fn note(&mut self, event: &mut EventDraft, decision: &Decision) {
        for class in &decision.classes {
            match class.verdict {
                Verdict::Deny => self.refused += 1,
                Verdict::Allow | Verdict::Mask => self.allowed += 1,
            }
            for policy in &class.policies {
                note_policy(event, policy);
            }
        }
    }

    /// The word for a list, which leaves out what is refused: where it is empty nothing was refused.
    pub(crate) fn word_or_allow(&self) -> &'static str {
        if self.allowed + self.refused == 0 { ALLOW } else { self.word() }
    }

    /// The word for the whole.
    pub(crate) fn word(&self) -> &'static str {
        match (self.allowed, self.refused) {
            (0, _) => DENY,
            (_, 0) => ALLOW,
            _ => PARTIAL,
        }
    }
}

/// Adds one deciding policy, once.
pub(crate) fn note_policy(event: &mut EventDraft, policy: &PolicyRef) {
    let pair = (policy.id.clone(), policy.legal.clone());
    if !event.policies.contains(&pair) {
        event.policies.push(pair);
    }
}

/// An earlier call with the same request id did this, and it is answered again.
pub(crate) fn note_repeated(event: &mut EventDraft, record: RecordId, subject: Option<SubjectId>) {
    event.records = vec![record];
    event.subject = subject;
    event.decision = ALLOW;
    event.policies.clear();
    event.notes.push("repeated=1".to_owned());
    event.outcome = OK.to_owned();
}

/// Logs a refusal durably and gives back the error to answer with.
///
/// If the refusal itself cannot be logged, that is the error: nothing is answered unlogged.
pub(crate) async fn refuse(
    log: &Arc<AuditLog>,
    mut event: EventDraft,
    error: VaultError,
) -> VaultError {
    event.given.clear();
    if matches!(error, VaultError::NotAvailable) {
        watch_marks(log, &event.records);
    }
    // Whatever single classes were allowed, the call as a whole was refused.
    event.decision = DENY;
    event.outcome = outcome(&error).to_owned();
    match record(log, &event).await {
        Ok(_) => error,
        Err(unlogged) => unlogged,
    }
}

/// Raises an alarm for a record that is not available because somebody marked it who began no erasure.
/// Best effort: a row that cannot be read is told of where it is asked for.
fn watch_marks(log: &Arc<AuditLog>, records: &[RecordId]) {
    for record in records {
        if matches!(Retention::is_marked_by_nobody(log, *record), Ok(true)) {
            log.raise_alarm(ALARM_MARK, "no intent in the log names it");
        }
    }
}

/// Lets other calls run, now and then, in a call about many records.
pub(crate) async fn take_turns(position: usize) {
    if position % limits::RECORDS_PER_TURN == limits::RECORDS_PER_TURN - 1 {
        tokio::task::yield_now().await;
    }
}

/// Makes an event durable by itself.
pub(crate) async fn record(log: &Arc<AuditLog>, event: &EventDraft) -> Result<Receipt, VaultError> {
    let sealed = log.seal(event)?;
    Ok(log.record(sealed).await?)
}

/// The stable word an event and an answer carry for an error.
pub(crate) fn outcome(error: &VaultError) -> &'static str {
    match error {
        VaultError::Denied { .. } => "DENIED",
        VaultError::NotAvailable => "NOT_AVAILABLE",
        VaultError::VersionMismatch => "VERSION_MISMATCH",
        VaultError::Held => "HELD",
        VaultError::RequestIdReused => "REQUEST_ID_REUSED",
        VaultError::Invalid(_) => "INVALID_FIELDS",
        VaultError::UnknownCollection => "UNKNOWN_COLLECTION",
        VaultError::UnknownPurpose => "UNKNOWN_PURPOSE",
        VaultError::RoleExcluded => "ROLE_EXCLUDED",
        VaultError::DutiesSeparated => "DUTIES_SEPARATED",
        VaultError::TooMany { .. } | VaultError::Identity(IdentityError::Full) => "LIMIT",
        VaultError::NoAlarm => "NO_ALARM",
        VaultError::Approval(error) => approval_outcome(error),
        VaultError::Retention(RetentionError::NoHold) => "NO_HOLD",
        VaultError::Retention(RetentionError::AlreadyExpired) => "ALREADY_EXPIRED",
        VaultError::Retention(RetentionError::FutureDate) => "INVALID_FIELDS",
        VaultError::Identity(IdentityError::Exists) => "EXISTS",
        VaultError::Identity(IdentityError::Unknown) => "UNKNOWN_AGENT",
        VaultError::Identity(_) => "IDENTITY",
        VaultError::Corrupt(_) => "CORRUPT",
        VaultError::RootUnreadable(_) => "ROOT_UNREADABLE",
        VaultError::Retention(RetentionError::ClockTripped) => "CLOCK_TRIPPED",
        VaultError::Retention(RetentionError::PlaceDown) => "PLACE_DOWN",
        VaultError::Retention(RetentionError::Running) => "PURGE_RUNNING",
        VaultError::Retention(RetentionError::Keyring(error)) | VaultError::Keyring(error) => {
            keyring_outcome(error)
        }
        _ => "INTERNAL",
    }
}

/// The same for what the places or the root key refused.
fn keyring_outcome(error: &KeyringError) -> &'static str {
    match error {
        KeyringError::RootUnchanged => "ROOT_UNCHANGED",
        KeyringError::HoldRefused => "LIMIT",
        KeyringError::PlaceIo { .. } | KeyringError::ErasureNeedsPlace { .. } => "PLACE_DOWN",
        KeyringError::Incomplete(_) | KeyringError::Drain | KeyringError::MustReopen => {
            "ERASURE_PENDING"
        }
        _ => "INTERNAL",
    }
}

/// The same for an approval.
fn approval_outcome(error: &ApprovalError) -> &'static str {
    match error {
        ApprovalError::Needed => "APPROVAL_NEEDED",
        ApprovalError::Pending => "APPROVAL_PENDING",
        ApprovalError::SamePerson => "APPROVER_REFUSED",
        ApprovalError::Full { .. } => "LIMIT",
        _ => "APPROVAL_UNUSABLE",
    }
}
