//! Create: seal a new record and make it durable together with its audit event.
//!
//! The order is DESIGN section 3: decide → slot from an open segment → seal head and sections → one
//! atomic durable commit → answer. The steps themselves are `filing`'s.

use std::sync::Arc;

use crate::{
    audit::{AuditError, AuditLog, EventDraft},
    identity::Caller,
    ids::RecordId,
    limits,
    policy::Pack,
    retention::RetentionError,
    storage::{Group, Precondition, keys},
};

use super::{
    CreateInput, Created, Intent, VaultError,
    filing::{Checked, FIRST, Filing},
    head::Loaded,
    once::{Fresh, Once, Seen},
    request::{self, OK},
    segments::Segments,
};

/// What a create touches: the log (rows, keys, time) and the open segments.
#[derive(Clone)]
pub(crate) struct Create {
    pub(crate) log: Arc<AuditLog>,
    pub(crate) segments: Arc<Segments>,
}

impl Create {
    /// One new record.
    pub(crate) async fn call(
        &self,
        pack: &Pack,
        who: &Caller,
        why: &Intent,
        input: CreateInput,
    ) -> Result<Created, VaultError> {
        let id = RecordId::make(self.log.random().as_ref());
        let mut event = request::draft_for("create", who, why, pack);
        event.records = vec![id];
        let filing = Filing { log: &self.log, pack, who, why };
        match self.run(&filing, id, input, &mut event).await {
            Ok(created) => Ok(created),
            Err(error) => {
                // Nothing bears this id.
                event.records.clear();
                Err(request::refuse(&self.log, event, error).await)
            }
        }
    }

    async fn run(
        &self,
        filing: &Filing<'_>,
        id: RecordId,
        input: CreateInput,
        event: &mut EventDraft,
    ) -> Result<Created, VaultError> {
        let pack = filing.pack;
        request::check_intent(pack, filing.why)?;
        event.collection = pack.collection(&input.collection).map(|spec| spec.name.clone());
        let once = Once::of(filing.who, filing.why.request.as_ref());
        // Before anything is checked: what was filed before is answered as it was, whatever the
        // calendar and the pack say now.
        if let Seen::Done { record, .. } = once.look(&self.log)? {
            return self.repeated(*record, event).await;
        }
        let mut checked = filing.check(input)?;
        event.subject = Some(checked.subject());
        event.asked = checked.classes().map(ToString::to_string).collect();

        for _ in 0..limits::REQUEST_RACES_MAX {
            // 0. What was done before under the same request id is answered again, and logged again.
            let fresh = match once.look(&self.log)? {
                Seen::New(fresh) => fresh,
                Seen::Done { record, .. } => return self.repeated(*record, event).await,
            };
            // 1. Decide. Nothing is written: a crash leaves nothing.
            let decision = filing.decide(id, &checked);
            request::note_decision(event, &decision.classes);
            if !decision.all_allowed() {
                return Err(VaultError::denied(&decision));
            }
            match self.file(filing, (id, &checked), (&once, fresh), event).await {
                // Another call with the same request id came first, or an end of a link was changed.
                Err(VaultError::Audit(AuditError::Rejected)) => {
                    checked = filing.bounded(checked)?
                }
                answer => return answer,
            }
        }
        Err(VaultError::Interrupted)
    }

    async fn file(
        &self,
        filing: &Filing<'_>,
        (id, checked): (RecordId, &Checked<'_>),
        (once, fresh): (&Once, Fresh),
        event: &mut EventDraft,
    ) -> Result<Created, VaultError> {
        // 2. Slots of open segments. A crash burns the leaves, nothing else.
        let mut slots = Vec::new();
        for key in checked.cohorts() {
            slots.push(self.segments.hand_out(&key).await?);
        }
        // 3. Seal head and sections. The slots' secrets are given back before the commit: a purge
        //    waits for those in use.
        let mut sealed = filing.seal(id, checked, &slots)?;
        drop(slots);
        // 4. Rows, index rows, request row, leaf and detail in one atomic durable commit: all or
        //    nothing.
        let Fresh { mut preconditions, ops } = fresh;
        preconditions.push(Precondition::Absent(keys::record(&id)));
        preconditions.extend_from_slice(checked.ends());
        sealed.ops.extend(ops);
        sealed.ops.extend(once.rows(&self.log, &sealed.cohort, &id, FIRST, None)?);
        event.outcome = OK.to_owned();
        let sealed_event = self.log.seal(event)?;
        let group = Group { preconditions, ops: sealed.ops };
        let _receipt = self.log.commit(group, &sealed.slots, sealed_event).await?;
        // 5. Answer.
        Ok(checked.created(id))
    }

    async fn repeated(
        &self,
        record: Loaded,
        event: &mut EventDraft,
    ) -> Result<Created, VaultError> {
        if record.expired(self.log.civil_now()) {
            return Err(RetentionError::AlreadyExpired.into());
        }
        request::note_repeated(event, record.id, Some(record.head.subject));
        let _receipt = request::record(&self.log, event).await?;
        Ok(Created {
            record: record.id,
            subject: record.head.subject,
            version: FIRST,
            expires_on: record.head.expires_on,
            repeated: true,
        })
    }
}
