//! Reveal: decrypt what the task in hand needs, after the access is on disk.
//!
//! The order is DESIGN section 3. The answer never leaves before its event is durable; decrypting
//! meanwhile is fine, because what is decrypted is `Withheld`.

use std::sync::Arc;

use crate::{
    audit::{AuditError, AuditLog, EventDraft},
    clock::Timestamp,
    identity::{ApprovalError, Approvals, Caller, Usable},
    ids::{ClassName, RecordId},
    limits,
    policy::{CollectionSpec, Decision, Pack, Permit, RequestContext, Verb, Violation},
};

use super::{
    Intent, RevealInput, Revealed, VaultError,
    disclose::{ATTRIBUTES, Withheld},
    head::Loaded,
    links::{Asker, Named},
    project,
    request::{self, OK},
};

/// What a reveal touches: the log, and through it the store and the keys. No writer of rows.
#[derive(Clone)]
pub(crate) struct Reveal {
    pub(crate) log: Arc<AuditLog>,
    pub(crate) approvals: Approvals,
}

impl Reveal {
    /// One record, the classes asked.
    pub(crate) async fn call(
        &self,
        pack: &Pack,
        who: &Caller,
        why: &Intent,
        (input, link): (RevealInput, Option<RecordId>),
    ) -> Result<Revealed, VaultError> {
        let mut bare = request::draft_for("reveal", who, why, pack);
        bare.records = vec![input.record];
        bare.notes.extend(link.map(|link| format!("link={link}")));
        for _ in 0..limits::REQUEST_RACES_MAX {
            let mut event = bare.clone();
            match self.run(pack, who, why, (&input, link), &mut event).await {
                Ok(revealed) => return Ok(revealed),
                // The link was changed while this was decided by it: decided anew by what it is now.
                Err(VaultError::Audit(AuditError::Rejected)) if link.is_some() => {}
                Err(error) => return Err(request::refuse(&self.log, event, error).await),
            }
        }
        Err(request::refuse(&self.log, bare, VaultError::Interrupted).await)
    }

    /// The approval of a reveal under the purpose of holds, or of one that names an approval.
    fn approval(
        &self,
        pack: &Pack,
        who: &Caller,
        why: &Intent,
        input: &RevealInput,
    ) -> Result<Option<Usable>, VaultError> {
        match &input.approval {
            Some((id, bound)) => Ok(Some(self.approvals.usable(who, bound, Some(id))?)),
            None if pack.hold_purpose() == Some(&why.purpose) => Err(ApprovalError::Needed.into()),
            None => Ok(None),
        }
    }

    async fn run(
        &self,
        pack: &Pack,
        who: &Caller,
        why: &Intent,
        (input, link): (&RevealInput, Option<RecordId>),
        event: &mut EventDraft,
    ) -> Result<Revealed, VaultError> {
        request::check_intent(pack, why)?;
        event.asked = known(pack, &input.classes)?;
        let (log, keyring) = (&self.log, self.log.keyring());
        let approval = self.approval(pack, who, why, input)?;
        event.notes.extend(input.approval.iter().map(|(id, _)| format!("approval={id}")));

        // 1. Open the head, for internal use, and the asked sections still sealed. Nothing is written:
        //    a crash leaves nothing.
        let record = Loaded::read(log.store().as_ref(), keyring, input.record, &input.classes)?;

        // 2. Decide, class by class; an absent record costs the same work.
        let context = context(log, why, approval.is_some());
        let asker = Asker { log, pack, who, context: &context };
        let link = match link {
            Some(link) => asker.named(link, record.as_ref(), input.record)?,
            None => None,
        };
        let facts = link.as_ref().map(Named::facts);
        let context = RequestContext { link: facts.as_ref(), ..context };
        let decision = decide(pack, who, &context, &input.classes, record.as_ref());
        request::note_decision(event, &decision.classes);

        // 3. Refuse what is absent, unknowable, expired or erased, with one answer for all.
        let (record, spec) = available(pack, record, &decision, log.civil_now())?;
        event.collection = Some(record.head.collection.clone());
        event.subject = Some(record.head.subject);
        if decision.permit.is_none() {
            return Err(VaultError::denied(&decision));
        }
        let Decision { classes, permit: Some(permit), .. } = decision else {
            return Err(VaultError::NotAvailable);
        };

        // 4. The event becomes durable, while the sections are decrypted into `Withheld`.
        //    A crash here leaves an event without an effect, which is allowed; never the reverse.
        event.given = project::given(&classes, spec, None);
        event.outcome = OK.to_owned();
        let sealed = log.seal(event)?;
        let withheld = Withheld::open(permit, &sealed, &record, keyring);
        let approved = approval.is_some();
        let mut spend = approval.map(|usable| usable.spend).unwrap_or_default();
        // A consent that is withdrawn before this is durable counts.
        spend.preconditions.extend(link.map(|link| link.unchanged));
        let receipt = match log.commit(spend, &[], sealed).await {
            // Another call used the approval up meanwhile.
            Err(AuditError::Rejected) if approved => return Err(ApprovalError::Used.into()),
            done => done?,
        };

        // 5. Look again that every slot lives, then project and mask.
        let disclosed = withheld?.release(receipt, keyring)?;
        let fields = project::answer(&classes, spec, &disclosed);
        Ok(Revealed {
            record: record.id,
            collection: record.head.collection.clone(),
            version: record.version,
            expires_on: record.head.expires_on,
            fields,
            event: disclosed.event,
        })
    }
}

/// What policies may know of a reveal that is asked for now.
pub(super) fn context<'a>(log: &AuditLog, why: &'a Intent, approved: bool) -> RequestContext<'a> {
    RequestContext { approved, ..request::context(why, log.civil_now()) }
}

/// Decides a reveal of these classes; an absent record costs the same work.
pub(super) fn decide(
    pack: &Pack,
    who: &Caller,
    context: &RequestContext<'_>,
    classes: &[ClassName],
    record: Option<&Loaded>,
) -> Decision {
    match record {
        Some(record) => {
            let standing = record.standing(context.now);
            pack.decide(who, Verb::Reveal, &record.resource(&standing), classes, context)
        }
        None => pack.decide_decoy(who, Verb::Reveal, classes, context),
    }
}

/// The record, if it is there, may be known of and is not past its date; past it only where a hold keeps it
/// and the permit is for that.
pub(super) fn available<'p>(
    pack: &'p Pack,
    record: Option<Loaded>,
    decision: &Decision,
    now: Timestamp,
) -> Result<(Loaded, &'p CollectionSpec), VaultError> {
    let record = record.ok_or(VaultError::NotAvailable)?;
    let past_date = decision.permit.as_ref().is_some_and(Permit::reads_past_date);
    let readable = !record.expired(now) || (past_date && record.held(now));
    if !decision.may_know || !readable {
        return Err(VaultError::NotAvailable);
    }
    let spec = pack.collection(&record.head.collection).ok_or(VaultError::NotAvailable)?;
    Ok((record, spec))
}

/// The asked classes, all of them words of the pack: nothing else reaches the log.
///
/// Errors: [`VaultError::TooMany`], [`VaultError::Invalid`].
pub(super) fn known(pack: &Pack, asked: &[ClassName]) -> Result<Vec<String>, VaultError> {
    let limit = limits::CLASSES_PER_REVEAL_MAX;
    if asked.is_empty() || asked.len() > limit {
        return Err(VaultError::TooMany { what: "classes, and at least one", limit });
    }
    let is_known = |class: &&ClassName| {
        class.as_str() == ATTRIBUTES || pack.collections().iter().any(|c| c.classes.contains(class))
    };
    let words: Vec<String> = asked.iter().filter(is_known).map(ToString::to_string).collect();
    if words.len() < asked.len() {
        return Err(VaultError::Invalid(vec![Violation {
            path: "classes".to_owned(),
            reason: "names a class that the pack does not have".to_owned(),
        }]));
    }
    Ok(words)
}
