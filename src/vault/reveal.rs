//! Reveal: decrypt what the task in hand needs, after the access is on disk.
//!
//! The order is DESIGN section 3. The answer never leaves before its event is durable; decrypting
//! meanwhile is fine, because what is decrypted is `Withheld`.

use std::sync::Arc;

use crate::{
    audit::{AuditLog, EventDraft},
    clock::Timestamp,
    identity::Caller,
    ids::ClassName,
    limits,
    policy::{CollectionSpec, Decision, Pack, Verb, Violation},
};

use super::{
    Intent, RevealInput, Revealed, VaultError,
    disclose::{ATTRIBUTES, Withheld},
    head::Loaded,
    project,
    request::{self, OK},
};

/// What a reveal touches: the log, and through it the store and the keys. No writer of rows.
#[derive(Clone)]
pub(crate) struct Reveal {
    pub(crate) log: Arc<AuditLog>,
}

impl Reveal {
    /// One record, the classes asked.
    pub(crate) async fn call(
        &self,
        pack: &Pack,
        who: &Caller,
        why: &Intent,
        input: RevealInput,
    ) -> Result<Revealed, VaultError> {
        let mut event = request::draft_for("reveal", who, why, pack);
        event.records = vec![input.record];
        match self.run(pack, who, why, &input, &mut event).await {
            Ok(revealed) => Ok(revealed),
            Err(error) => Err(request::refuse(&self.log, event, error).await),
        }
    }

    async fn run(
        &self,
        pack: &Pack,
        who: &Caller,
        why: &Intent,
        input: &RevealInput,
        event: &mut EventDraft,
    ) -> Result<Revealed, VaultError> {
        request::check_intent(pack, why)?;
        event.asked = known(pack, &input.classes)?;
        let (log, keyring) = (&self.log, self.log.keyring());

        // 1. Open the head, for internal use, and the asked sections still sealed. Nothing is written:
        //    a crash leaves nothing.
        let record = Loaded::read(log.store().as_ref(), keyring, input.record, &input.classes)?;

        // 2. Decide, class by class; an absent record costs the same work.
        let decision = decide((log, pack), who, why, &input.classes, record.as_ref());
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
        let receipt = log.record(sealed).await?;

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

/// Decides a reveal of these classes; an absent record costs the same work.
pub(super) fn decide(
    (log, pack): (&AuditLog, &Pack),
    who: &Caller,
    why: &Intent,
    classes: &[ClassName],
    record: Option<&Loaded>,
) -> Decision {
    let now = log.civil_now();
    let context = request::context(why, now);
    match record {
        Some(record) => {
            let assigned = record.assigned(now);
            pack.decide(who, Verb::Reveal, &record.resource(&assigned), classes, &context)
        }
        None => pack.decide_decoy(who, Verb::Reveal, classes, &context),
    }
}

/// The record, if it is there, may be known of and is not past its date.
pub(super) fn available<'p>(
    pack: &'p Pack,
    record: Option<Loaded>,
    decision: &Decision,
    now: Timestamp,
) -> Result<(Loaded, &'p CollectionSpec), VaultError> {
    let record = record.ok_or(VaultError::NotAvailable)?;
    if !decision.may_know || record.expired(now) {
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
