//! RevealMany: what `reveal` does, for several records under one event.
//!
//! Each record is decided and answered by itself; the event names all that were asked for and every
//! field that was permitted, and is durable before any value leaves. The bounds are checked before
//! anything is decrypted: an answer always fits a message, an event always fits its section. One record
//! that was changed on disk is answered so, and keeps nobody from the others.

use std::sync::Arc;

use crate::{
    audit::{AuditError, AuditLog, EventDraft},
    identity::Caller,
    ids::{CollectionName, EventId, RecordId, SubjectId},
    limits,
    policy::{ClassDecision, CollectionSpec, Pack, Permit},
    storage::Group,
};

use super::{
    Intent, RevealManyInput, Revealed, RevealedItem, VaultError,
    disclose::{Disclosed, WithheldMany},
    even,
    head::Loaded,
    project,
    recent::{Hour, Recent},
    request::{self, OK, Tally},
    reveal,
};

/// What it touches: the log, and through it the store and the keys. No writer of rows.
#[derive(Clone)]
pub(crate) struct RevealMany {
    pub(crate) log: Arc<AuditLog>,
    pub(crate) recent: Arc<Recent>,
}

/// A record of which something may be shown.
pub(super) struct Permitted<'p> {
    pub(super) record: Loaded,
    pub(super) spec: &'p CollectionSpec,
    pub(super) classes: Vec<ClassDecision>,
    pub(super) permit: Permit,
}

/// One record asked for.
type Item<'p> = (RecordId, Result<Permitted<'p>, VaultError>);

impl RevealMany {
    /// Several records, the same classes of each; answers in the order asked.
    pub(crate) async fn call(
        &self,
        pack: &Pack,
        who: &Caller,
        why: &Intent,
        input: RevealManyInput,
    ) -> Result<Vec<RevealedItem>, VaultError> {
        let mut event = request::draft_for("reveal-many", who, why, pack);
        let limit = limits::RECORDS_PER_REVEAL_MAX;
        event.records = input.records.iter().take(limit).copied().collect();
        match self.run(pack, who, why, &input, &mut event).await {
            Ok(items) => Ok(items),
            Err(error) => Err(request::refuse(&self.log, event, error).await),
        }
    }

    async fn run(
        &self,
        pack: &Pack,
        who: &Caller,
        why: &Intent,
        input: &RevealManyInput,
        event: &mut EventDraft,
    ) -> Result<Vec<RevealedItem>, VaultError> {
        request::check_intent(pack, why)?;
        let limit = limits::RECORDS_PER_REVEAL_MAX;
        if input.records.is_empty() || input.records.len() > limit {
            return Err(VaultError::TooMany { what: "records, and at least one", limit });
        }
        event.asked = reveal::known(pack, &input.classes)?;
        let _turn = self.recent.turn_if_counted(pack, who).await;
        for _ in 0..limits::REQUEST_RACES_MAX {
            match self.attempt(pack, who, why, input, event).await {
                // Another call counted meanwhile: all is looked at again.
                Err(VaultError::Audit(AuditError::Rejected)) => {}
                done => return done,
            }
        }
        Err(VaultError::TooOften { retry_ms: reveal::RACES_RETRY_MS })
    }

    async fn attempt(
        &self,
        pack: &Pack,
        who: &Caller,
        why: &Intent,
        input: &RevealManyInput,
        event: &mut EventDraft,
    ) -> Result<Vec<RevealedItem>, VaultError> {
        event.policies.clear();
        let mut hour = self.recent.subjects(pack, who)?;
        // 1. and 2. Heads and decisions, record by record. Nothing is written.
        let items = self.decide(pack, who, why, input, (event, hour.as_mut())).await?;
        // 3. One event for all, durable while the sections are decrypted; then look again.
        let outcome = if items.iter().any(|(_, item)| item.is_ok()) { OK } else { none(&items) };
        event.outcome = outcome.to_owned();
        event.given = given(items.iter().filter_map(|(_, item)| item.as_ref().ok()));
        event.collection = common(&items);
        event.subjects = subjects(items.iter().filter_map(|(_, item)| item.as_ref().ok()));
        let (mut asked, mut permitted) = (Vec::new(), Vec::new());
        for (id, item) in items {
            let (one, refused) = item.map_or_else(|e| (None, Some(e)), |p| (Some(p), None));
            permitted.extend(one);
            asked.push((id, refused));
        }
        let counted = hour.map(|hour| hour.group()).unwrap_or_default();
        let (_, shown) = disclose(&self.log, event, permitted, counted).await?;
        let mut shown = shown.into_iter();
        let answer = |(record, refused): (RecordId, Option<VaultError>)| {
            let result = match refused {
                Some(error) => Err(error),
                None => shown.next().unwrap_or(Err(VaultError::NotAvailable)).map(revealed),
            };
            RevealedItem { record, result }
        };
        Ok(asked.into_iter().map(answer).collect())
    }

    async fn decide<'p>(
        &self,
        pack: &'p Pack,
        who: &Caller,
        why: &Intent,
        input: &RevealManyInput,
        (event, mut hour): (&mut EventDraft, Option<&mut Hour>),
    ) -> Result<Vec<Item<'p>>, VaultError> {
        let (log, mut tally, mut size) = (&self.log, Tally::default(), Size::default());
        let mut items = Vec::with_capacity(input.records.len());
        for (position, id) in input.records.iter().enumerate() {
            request::take_turns(position).await;
            let read = Loaded::read(log.store().as_ref(), log.keyring(), *id, &input.classes);
            let record = match read {
                // One record that was changed on disk keeps nobody from the others.
                Err(VaultError::Corrupt(what)) => {
                    items.push((*id, Err(VaultError::Corrupt(what))));
                    continue;
                }
                read => read?,
            };
            let subject = record.as_ref().map(|record| &record.head.subject);
            let context = reveal::context(log, why, false, (hour.as_deref(), subject));
            let decision = reveal::decide(pack, who, &context, &input.classes, record.as_ref());
            tally.note(event, &decision);
            let item = match reveal::available(pack, record, &decision, log.civil_now()) {
                Err(error) => {
                    even::as_if_absent(log.store().as_ref(), id)?;
                    Err(error)
                }
                Ok((record, spec)) => match decision.permit {
                    None => Err(VaultError::denied_classes(&decision.classes)),
                    Some(permit) => {
                        if let Some(hour) = &mut hour {
                            hour.note(&record.head.subject, &permit)?;
                        }
                        let permitted =
                            Permitted { record, spec, classes: decision.classes, permit };
                        size.add(&permitted)?;
                        Ok(permitted)
                    }
                },
            };
            items.push((*id, item));
        }
        event.decision = tally.word();
        Ok(items)
    }
}

/// Makes the event durable while everything permitted is decrypted, and lets it go, with the event's
/// id; `counted` are rows that go with the event. Each record by itself: `NotAvailable` if a slot of it was erased meanwhile, `Corrupt` if a
/// section of it was changed on disk.
pub(super) async fn disclose<'p>(
    log: &Arc<AuditLog>,
    event: &EventDraft,
    permitted: Vec<Permitted<'p>>,
    counted: Group,
) -> Result<(EventId, Vec<Result<Shown<'p>, VaultError>>), VaultError> {
    let keyring = log.keyring();
    let sealed = log.seal(event)?;
    let id = sealed.id();
    let mut withheld = WithheldMany::of(&sealed);
    let mut records = Vec::with_capacity(permitted.len());
    for (position, Permitted { record, spec, classes, permit }) in permitted.into_iter().enumerate()
    {
        request::take_turns(position).await;
        match withheld.open(permit, &sealed, &record, keyring) {
            Ok(()) => records.push(Ok((record, spec, classes))),
            Err(error) => records.push(Err(error)),
        }
    }
    // The event is written whatever became of the sections: it was decided, and asked for.
    let receipt = log.commit(counted, &[], sealed).await?;
    let mut values = withheld.release(receipt, keyring)?.into_iter();
    let shown = records.into_iter().map(|record| {
        let (record, spec, classes) = record?;
        let disclosed = values.next().flatten().ok_or(VaultError::NotAvailable)?;
        Ok(Shown { record, spec, classes, disclosed })
    });
    Ok((id, shown.collect()))
}

/// A record whose values may leave.
pub(super) struct Shown<'p> {
    pub(super) record: Loaded,
    spec: &'p CollectionSpec,
    classes: Vec<ClassDecision>,
    pub(super) disclosed: Disclosed,
}

impl Shown<'_> {
    /// What the projection gives.
    pub(super) fn fields(&self) -> Vec<super::FieldAnswer> {
        project::answer(&self.classes, self.spec, &self.disclosed)
    }
}

fn revealed(shown: Shown<'_>) -> Revealed {
    Revealed {
        broken: None,
        record: shown.record.id,
        collection: shown.record.head.collection.clone(),
        version: shown.record.version,
        expires_on: shown.record.head.expires_on,
        fields: shown.fields(),
        event: shown.disclosed.event,
    }
}

/// The fields permitted of these records, as their event lists them.
pub(super) fn given<'a, 'p: 'a>(
    permitted: impl Iterator<Item = &'a Permitted<'p>>,
) -> Vec<crate::audit::FieldGiven> {
    permitted.flat_map(|p| project::given(&p.classes, p.spec, Some(p.record.id))).collect()
}

/// What an answer about several records takes up so far. Counted while they are read, before anything
/// is decrypted, so that neither event nor answer can be too large and no more is held than fits.
#[derive(Default)]
struct Size {
    fields: usize,
    sealed_bytes: usize,
}

impl Size {
    /// Errors: [`VaultError::TooMany`].
    fn add(&mut self, permitted: &Permitted<'_>) -> Result<(), VaultError> {
        let Permitted { record, spec, classes, .. } = permitted;
        // Fields that are denied are in the answer too.
        self.fields += project::asked_fields(classes, spec);
        self.sealed_bytes += record.sealed.iter().map(|(_, bytes)| bytes.len()).sum::<usize>();
        let limit = limits::EVENT_FIELDS_MAX;
        if self.fields > limit {
            return Err(VaultError::TooMany { what: "fields in one answer; ask for fewer", limit });
        }
        let limit = limits::REVEAL_SEALED_BYTES_MAX;
        if self.sealed_bytes > limit {
            let what = "bytes of sealed fields in one answer; ask for fewer records";
            return Err(VaultError::TooMany { what, limit });
        }
        Ok(())
    }
}

/// Whose records these are, each person once.
pub(super) fn subjects<'a, 'p: 'a>(
    permitted: impl Iterator<Item = &'a Permitted<'p>>,
) -> Vec<SubjectId> {
    let mut subjects: Vec<SubjectId> = permitted.map(|p| p.record.head.subject).collect();
    subjects.sort_unstable();
    subjects.dedup();
    subjects
}

/// The collection, where all permitted records are of one.
fn common(items: &[Item<'_>]) -> Option<CollectionName> {
    let mut names =
        items.iter().filter_map(|(_, item)| Some(&item.as_ref().ok()?.record.head.collection));
    let first = names.next()?;
    names.all(|name| name == first).then(|| first.clone())
}

/// The outcome where nothing is shown.
fn none(items: &[Item<'_>]) -> &'static str {
    let refusals = || items.iter().filter_map(|(_, item)| item.as_ref().err());
    let denied = refusals().find(|error| matches!(error, VaultError::Denied { .. }));
    denied.or_else(|| refusals().next()).map_or(OK, request::outcome)
}
