//! Import: one batch of records, each answered by itself, all that are filed in one atomic commit with
//! one event.
//!
//! The order is that of create: check → what was done before → decide → slots → seal → commit →
//! answer. Invariants: a batch is on disk whole, with its event, before any of its answers leaves; a
//! record sent again with its request id is filed once, whether the first copy is on disk or in the
//! same batch; a refused record keeps no other from being filed.

use std::{collections::HashMap, sync::Arc};

use crate::{
    audit::{AuditError, AuditLog, EventDraft},
    identity::Caller,
    ids::{RecordId, RequestId},
    keyring::{CohortKey, Slot},
    limits,
    policy::Pack,
    storage::{Group, Precondition, keys},
};

use super::{
    Created, ImportBatch, ImportRecord, Intent, VaultError,
    filing::{Checked, FIRST, Filing},
    head::Loaded,
    once::{Fresh, Once, Seen},
    request::{self, OK, Tally},
    segments::{self, Segments},
};

/// What an import touches: the log (rows, keys, time) and the open segments.
#[derive(Clone)]
pub(crate) struct Import {
    pub(crate) log: Arc<AuditLog>,
    pub(crate) segments: Arc<Segments>,
}

/// One record of the batch.
struct Item<'p> {
    once: Once,
    /// `None` where checking refused it, or where it was filed before; its answer is given already.
    checked: Option<Checked<'p>>,
    /// Filed by an earlier call: answered as it was, whatever the calendar says now.
    before: Option<Created>,
}

/// What becomes of one record.
enum Fate {
    /// It will be filed under this id.
    File(RecordId, Fresh),
    /// An earlier call filed it.
    Before(Created),
    /// It is the same as this one of the batch.
    SameAs(usize),
    /// It is refused.
    Refused(VaultError),
}

/// The answer about each record, in the order given.
pub type ImportAnswers = Vec<Result<Created, VaultError>>;

impl Import {
    /// One batch, at most `IMPORT_BATCH_RECORDS_MAX` records.
    ///
    /// Errors: those that concern the batch as a whole; nothing of it was filed.
    pub(crate) async fn call(
        &self,
        pack: &Pack,
        who: &Caller,
        why: &Intent,
        batch: ImportBatch,
    ) -> Result<ImportAnswers, VaultError> {
        let mut event = request::draft_for("import", who, why, pack);
        let filing = Filing { log: &self.log, pack, who, why };
        let count = batch.records.len();
        let error = match self.run(&filing, batch, &mut event).await {
            Ok(answers) => return Ok(answers),
            Err(error) => error,
        };
        event.records.clear();
        // What is wrong with all of them is each one's answer: the stream goes on.
        match request::refuse(&self.log, event, error).await {
            VaultError::UnknownCollection => {
                Ok((0..count).map(|_| Err(VaultError::UnknownCollection)).collect())
            }
            VaultError::UnknownPurpose => {
                Ok((0..count).map(|_| Err(VaultError::UnknownPurpose)).collect())
            }
            error => Err(error),
        }
    }

    async fn run(
        &self,
        filing: &Filing<'_>,
        batch: ImportBatch,
        event: &mut EventDraft,
    ) -> Result<ImportAnswers, VaultError> {
        request::check_intent(filing.pack, filing.why)?;
        let limit = limits::IMPORT_BATCH_RECORDS_MAX;
        if batch.records.len() > limit {
            return Err(VaultError::TooMany { what: "records in a batch", limit });
        }
        let spec = filing.pack.collection(&batch.collection);
        let spec = spec.ok_or(VaultError::UnknownCollection)?;
        event.collection = Some(spec.name.clone());
        let (mut items, mut refused) = check(filing, batch.records)?;
        let bare = event.clone();
        for _ in 0..limits::REQUEST_RACES_MAX {
            // A copy, because an attempt that loses a race is made again from here.
            event.clone_from(&bare);
            let fates = self.fates(filing, &items, event).await?;
            if fates.iter().flatten().any(|fate| matches!(fate, Fate::File(..))) {
                // A segment for every date and zone that a record of this collection can have, in
                // one generation: the batches that follow find theirs open.
                let ahead = segments::live(filing.pack, spec, self.log.civil_now());
                self.segments.open(ahead).await?;
            }
            match self.file(filing, &items, fates, (&refused, &mut *event)).await {
                // Another call with one of these request ids came first, or an end of a link was changed.
                Err(VaultError::Audit(AuditError::Rejected)) => {
                    look_again(filing, &mut items, &mut refused);
                }
                Err(error) => return Err(error),
                Ok(answers) => return Ok(merge(answers, refused)),
            }
        }
        Err(VaultError::Interrupted)
    }

    /// What was done before, and decisions. Nothing is written.
    async fn fates(
        &self,
        filing: &Filing<'_>,
        items: &[Item<'_>],
        event: &mut EventDraft,
    ) -> Result<Vec<Option<Fate>>, VaultError> {
        let mut tally = Tally::default();
        let mut first_with: HashMap<RequestId, usize> = HashMap::new();
        let mut fates = Vec::with_capacity(items.len());
        for (position, item) in items.iter().enumerate() {
            request::take_turns(position).await;
            if let Some(before) = &item.before {
                fates.push(Some(Fate::Before(before.clone())));
                continue;
            }
            let Some(checked) = &item.checked else {
                fates.push(None);
                continue;
            };
            note_classes(event, checked);
            let twin = item.once.id().and_then(|id| first_with.get(&id).copied());
            let twin = twin.and_then(|at| items.get(at).map(|other| (at, other)));
            fates.push(Some(match twin {
                Some((at, other)) if item.once.same_content(&other.once) => Fate::SameAs(at),
                Some(_) => Fate::Refused(VaultError::RequestIdReused),
                None => self.fate(filing, (item, checked), &mut tally, event)?,
            }));
            if let Some(id) = item.once.id() {
                first_with.entry(id).or_insert(position);
            }
        }
        event.decision = tally.word();
        Ok(fates)
    }

    fn fate(
        &self,
        filing: &Filing<'_>,
        (item, checked): (&Item<'_>, &Checked<'_>),
        tally: &mut Tally,
        event: &mut EventDraft,
    ) -> Result<Fate, VaultError> {
        let fresh = match item.once.look(&self.log) {
            Ok(Seen::New(fresh)) => fresh,
            Ok(Seen::Done { record, .. }) => return Ok(Fate::Before(before(&record))),
            Err(VaultError::RequestIdReused) => {
                return Ok(Fate::Refused(VaultError::RequestIdReused));
            }
            Err(error) => return Err(error),
        };
        let id = RecordId::make(self.log.random().as_ref());
        let decision = filing.decide(id, checked);
        tally.note(event, &decision);
        if decision.all_allowed() {
            return Ok(Fate::File(id, fresh));
        }
        Ok(Fate::Refused(VaultError::denied(&decision)))
    }

    /// Seals and commits what is to be filed, with the event of the whole batch.
    async fn file(
        &self,
        filing: &Filing<'_>,
        items: &[Item<'_>],
        fates: Vec<Option<Fate>>,
        (refused, event): (&Refused, &mut EventDraft),
    ) -> Result<Vec<Option<Result<Created, VaultError>>>, VaultError> {
        let mut answers: Vec<Option<Result<Created, VaultError>>> = Vec::new();
        let (mut group, mut used) = (Group::default(), Vec::new());
        for (position, (item, fate)) in items.iter().zip(fates).enumerate() {
            request::take_turns(position).await;
            answers.push(match (fate, &item.checked) {
                (Some(Fate::File(id, fresh)), Some(checked)) => {
                    let slots = self.slots(checked).await?;
                    let sealed = filing.seal(id, checked, &slots)?;
                    group.preconditions.extend(fresh.preconditions);
                    group.preconditions.push(Precondition::Absent(keys::record(&id)));
                    group.preconditions.extend_from_slice(checked.ends());
                    group.ops.extend(fresh.ops);
                    group.ops.extend(sealed.ops);
                    group.ops.extend(item.once.rows(
                        &self.log,
                        &sealed.cohort,
                        &id,
                        FIRST,
                        None,
                    )?);
                    used.extend(sealed.slots);
                    Some(Ok(checked.created(id)))
                }
                (Some(Fate::Before(created)), _) => Some(Ok(created)),
                (Some(Fate::SameAs(at)), _) => answers.get(at).and_then(|same| twin(same.as_ref())),
                (Some(Fate::Refused(error)), _) => Some(Err(error)),
                (Some(Fate::File(..)) | None, _) => None,
            });
        }
        note_answers(event, &answers, refused);
        let sealed = self.log.seal(event)?;
        let _receipt = self.log.commit(group, &used, sealed).await?;
        Ok(answers)
    }

    async fn slots(&self, checked: &Checked<'_>) -> Result<Vec<Slot>, VaultError> {
        let cohorts: Vec<CohortKey> = checked.cohorts();
        let mut slots = Vec::with_capacity(cohorts.len());
        for key in &cohorts {
            slots.push(self.segments.hand_out(key).await?);
        }
        Ok(slots)
    }
}

/// What checking refused, by position.
type Refused = Vec<(usize, VaultError)>;

/// Looks each record up by its request id, and checks those that are new.
fn check<'p>(
    filing: &Filing<'p>,
    records: Vec<ImportRecord>,
) -> Result<(Vec<Item<'p>>, Refused), VaultError> {
    let (mut items, mut refused) = (Vec::with_capacity(records.len()), Vec::new());
    for (position, ImportRecord { request, input }) in records.into_iter().enumerate() {
        let once = Once::of(filing.who, request.as_ref());
        let mut item = Item { once, checked: None, before: None };
        match item.once.look(filing.log) {
            Ok(Seen::Done { record, .. }) => item.before = Some(before(&record)),
            Ok(Seen::New(_)) => match filing.check(input) {
                Ok(checked) => item.checked = Some(checked),
                Err(error) => refused.push((position, error)),
            },
            Err(VaultError::RequestIdReused) => {
                refused.push((position, VaultError::RequestIdReused));
            }
            Err(error) => return Err(error),
        }
        items.push(item);
    }
    Ok((items, refused))
}

/// Looks at the ends of every link again. What may not be known any more is refused.
fn look_again<'p>(filing: &Filing<'p>, items: &mut [Item<'p>], refused: &mut Refused) {
    for (position, item) in items.iter_mut().enumerate() {
        match item.checked.take().map(|checked| filing.bounded(checked)) {
            Some(Ok(checked)) => item.checked = Some(checked),
            Some(Err(error)) => refused.push((position, error)),
            None => {}
        }
    }
    refused.sort_by_key(|(position, _)| *position);
}

/// The answer about a record that an earlier call filed.
fn before(record: &Loaded) -> Created {
    Created {
        record: record.id,
        subject: record.head.subject,
        version: FIRST,
        expires_on: record.head.expires_on,
        repeated: true,
    }
}

/// The answer to a record that stands in the batch twice.
fn twin(answer: Option<&Result<Created, VaultError>>) -> Option<Result<Created, VaultError>> {
    Some(match answer? {
        Ok(created) => Ok(Created { repeated: true, ..created.clone() }),
        Err(VaultError::Denied { classes, policies }) => {
            Err(VaultError::Denied { classes: classes.clone(), policies: policies.clone() })
        }
        Err(_) => Err(VaultError::RequestIdReused),
    })
}

fn merge(answers: Vec<Option<Result<Created, VaultError>>>, refused: Refused) -> ImportAnswers {
    let mut refused = refused.into_iter().peekable();
    let fill = |(position, answer): (usize, Option<Result<Created, VaultError>>)| {
        let own = refused.next_if(|(at, _)| *at == position).map(|(_, error)| Err(error));
        own.or(answer).unwrap_or(Err(VaultError::Interrupted))
    };
    answers.into_iter().enumerate().map(fill).collect()
}

fn note_classes(event: &mut EventDraft, checked: &Checked<'_>) {
    for class in checked.classes() {
        if event.asked.iter().all(|known| known != class.as_str()) {
            event.asked.push(class.to_string());
        }
    }
}

/// Records, counts and outcome of the batch: `filed=N`, `repeated=N` and a count by reason.
fn note_answers(
    event: &mut EventDraft,
    answers: &[Option<Result<Created, VaultError>>],
    refused: &Refused,
) {
    let given = || answers.iter().flatten();
    let created = || given().filter_map(|answer| answer.as_ref().ok());
    event.records = created().map(|created| created.record).collect();
    event.records.sort_unstable();
    event.records.dedup();
    event.subjects = created().map(|created| created.subject).collect();
    event.subjects.sort_unstable();
    event.subjects.dedup();
    let repeated = created().filter(|created| created.repeated).count();
    event.notes.push(format!("filed={}", created().count() - repeated));
    event.notes.push(format!("repeated={repeated}"));
    let errors = given().filter_map(|a| a.as_ref().err()).chain(refused.iter().map(|(_, e)| e));
    let mut counts: Vec<(&'static str, usize)> = Vec::new();
    for reason in errors.map(request::outcome) {
        match counts.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, count)) => *count += 1,
            None => counts.push((reason, 1)),
        }
    }
    event.notes.extend(counts.iter().map(|(reason, count)| format!("{reason}={count}")));
    // What was filed before was decided then.
    if created().next().is_some() && event.decision == request::DENY {
        event.decision = if counts.is_empty() { request::ALLOW } else { request::PARTIAL };
    }
    event.outcome = match (created().next(), counts.first()) {
        (None, Some((reason, _))) => (*reason).to_owned(),
        _ => OK.to_owned(),
    };
}
