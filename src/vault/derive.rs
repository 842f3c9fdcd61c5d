//! Derive: a record of one collection made from a record of another, by the pack's closed list.
//!
//! Who derives sees nothing by it: values go from the opened source straight into the new record's
//! sections, and what the list does not name is not copied. The new record is the same subject's, collected
//! on the same date, so that no copy outlives its source's rule. Invariant: the new record, the source's
//! mark and the event are one commit.

use std::sync::Arc;

use crate::{
    audit::{AuditError, AuditLog, EventDraft},
    identity::Caller,
    ids::{FieldName, RecordId},
    limits,
    policy::{CollectionSpec, DeriveSpec, Pack, Permit, Value, Verb},
    retention::RetentionError,
    storage::{Group, Op, Precondition, keys},
};

use super::{
    CreateInput, Created, Intent, VaultError,
    change::{Change, next_row},
    disclose,
    filing::{FIRST, Filing},
    head::Loaded,
    once::{Fresh, Once, Seen},
    request::{self, OK},
    segments::Segments,
};

/// What a derivation touches: the log (rows, keys, time) and the open segments.
#[derive(Clone)]
pub(crate) struct Derive {
    pub(crate) log: Arc<AuditLog>,
    pub(crate) segments: Arc<Segments>,
}

impl Derive {
    /// The record that the pack makes of this one.
    pub(crate) async fn call(
        &self,
        pack: &Arc<Pack>,
        who: &Caller,
        why: &Intent,
        source: RecordId,
    ) -> Result<Created, VaultError> {
        let change = Change { log: &self.log, pack, who, why, record: source };
        let mut event = request::draft_for("derive", who, why, pack);
        event.records = vec![source];
        match self.run(&change, &mut event).await {
            Ok(created) => Ok(created),
            Err(error) => {
                event.records = vec![source];
                Err(request::refuse(&self.log, event, error).await)
            }
        }
    }

    async fn run(
        &self,
        change: &Change<'_>,
        event: &mut EventDraft,
    ) -> Result<Created, VaultError> {
        request::check_intent(change.pack, change.why)?;
        let once = Once::of(change.who, change.why.request.as_ref());
        for _ in 0..limits::REQUEST_RACES_MAX {
            // 0. What was made before under the same request id is answered again.
            let fresh = match once.look(&self.log)? {
                Seen::New(fresh) => fresh,
                Seen::Done { record, .. } => return self.repeated(change, *record, event).await,
            };
            match self.make(change, (&once, fresh), event).await {
                // Somebody changed the source meanwhile, or made the same call: all is looked at again.
                Err(VaultError::Audit(AuditError::Rejected)) => {}
                answer => return answer,
            }
        }
        Err(VaultError::Interrupted)
    }

    async fn make(
        &self,
        change: &Change<'_>,
        (once, fresh): (&Once, Fresh),
        event: &mut EventDraft,
    ) -> Result<Created, VaultError> {
        let (log, pack) = (change.log, change.pack);
        // 1. Read one state of the source, and decide. Nothing is written: a crash leaves nothing.
        let mut source = change.read_for(Verb::Derive)?;
        let decision = change.decide(&source, Verb::Derive, &[], None, event)?;
        let permit = decision.permit.ok_or(VaultError::NotAvailable)?;
        let spec = pack.collection(&source.head.collection).ok_or(VaultError::NotAvailable)?;
        let derive = spec.derive.as_ref().ok_or(VaultError::NotAvailable)?;
        event.asked = copied_classes(spec, derive);
        // 2. The new record of what is copied, checked like any other.
        let filing = Filing { log, pack, who: change.who, why: change.why };
        let input = self.input(permit, &source, spec, derive)?;
        let checked = filing.check(input)?;
        let id = RecordId::make(log.random().as_ref());
        event.records = vec![change.record, id];
        event.notes = vec![format!("made={}", derive.to)];
        // 3. Slots of open segments. A crash burns the leaves, nothing else.
        let mut slots = Vec::new();
        for key in checked.cohorts() {
            slots.push(self.segments.hand_out(&key).await?);
        }
        // 4. Seal it, and the source's head with its mark. Secrets of slots are given back before the
        //    commit: a purge waits for those in use.
        let mut sealed = filing.seal(id, &checked, &slots)?;
        drop(slots);
        let before = Precondition::Unchanged(keys::record(&source.id), source.row.clone());
        if !derive.mark.is_empty() {
            set(&mut source.head.attributes, &derive.mark);
            let index = source.index_row_keys.clone();
            let (_version, row) = next_row(log, &mut source, index)?;
            sealed.ops.push(Op::Put(keys::record(&source.id), row));
            sealed.slots.push((source.slot, source.cohort.clone()));
        }
        // 5. All rows, leaf and detail in one atomic durable commit: all or nothing.
        let Fresh { mut preconditions, ops } = fresh;
        preconditions.extend([before, Precondition::Absent(keys::record(&id))]);
        sealed.ops.extend(ops);
        sealed.ops.extend(once.rows(log, &sealed.cohort, &id, FIRST, None)?);
        event.outcome = OK.to_owned();
        let sealed_event = log.seal(event)?;
        let group = Group { preconditions, ops: sealed.ops };
        let _receipt = log.commit(group, &sealed.slots, sealed_event).await?;
        // 6. Answer.
        Ok(checked.created(id))
    }

    /// What the list makes of the source.
    fn input(
        &self,
        permit: Permit,
        source: &Loaded,
        spec: &CollectionSpec,
        derive: &DeriveSpec,
    ) -> Result<CreateInput, VaultError> {
        let mut fields = disclose::copied(permit, source, (spec, derive), &self.log)?;
        fields.extend(derive.set.iter().cloned());
        let kept = source.head.attributes.iter().filter(|(name, _)| derive.keep.contains(name));
        let attributes = kept.chain(&derive.attributes).cloned().collect();
        Ok(CreateInput {
            collection: derive.to.clone(),
            subject: Some(source.head.subject),
            collected_on: source.head.collected_on,
            attributes,
            fields,
        })
    }

    async fn repeated(
        &self,
        change: &Change<'_>,
        record: Loaded,
        event: &mut EventDraft,
    ) -> Result<Created, VaultError> {
        if record.expired(self.log.civil_now()) {
            return Err(RetentionError::AlreadyExpired.into());
        }
        event.collection = Some(record.head.collection.clone());
        request::note_repeated(event, record.id, Some(record.head.subject));
        event.records = vec![change.record, record.id];
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

/// The classes that the list copies from, each once.
fn copied_classes(spec: &CollectionSpec, derive: &DeriveSpec) -> Vec<String> {
    let mut classes: Vec<String> = Vec::new();
    for (_, from) in &derive.fields {
        if let Some(field) = spec.field(from)
            && !classes.iter().any(|class| class == field.class.as_str())
        {
            classes.push(field.class.to_string());
        }
    }
    classes
}

fn set(attributes: &mut Vec<(FieldName, Value)>, to: &[(FieldName, Value)]) {
    attributes.retain(|(name, _)| !to.iter().any(|(changed, _)| changed == name));
    attributes.extend(to.iter().cloned());
    attributes.sort_by(|a, b| a.0.cmp(&b.0));
}
