//! Worklist: the records in somebody's hands, with the attributes that the caller may see.
//!
//! Candidates come from keyed tokens of assignments; each is opened, must be assigned at this moment,
//! and is decided like a reveal of its attributes. What may not be seen is left out, without a trace.

use std::sync::Arc;

use crate::{
    audit::{AuditLog, EventDraft},
    identity::Caller,
    ids::ClassName,
    limits,
    policy::{Pack, Verb, Verdict},
    storage::Group,
};

use super::{
    Assignee, Intent, VaultError, WorklistEntry, WorklistInput, WorklistPage,
    candidates::{Candidate, Candidates, Cursor, Wanted},
    disclose::ATTRIBUTES,
    head::{self, Loaded},
    recent::Recent,
    request::{self, OK, Tally},
    reveal,
    reveal_many::{self, Permitted, Shown},
    tokens,
};

/// What it touches: the log, and through it the store and the keys. No writer of rows.
#[derive(Clone)]
pub(crate) struct Worklist {
    pub(crate) log: Arc<AuditLog>,
    pub(crate) recent: Arc<Recent>,
}

/// The records of a page, and where the next one begins.
type Picked<'p> = (Vec<Permitted<'p>>, Option<Cursor>);

impl Worklist {
    /// One page.
    pub(crate) async fn call(
        &self,
        pack: &Pack,
        who: &Caller,
        why: &Intent,
        input: WorklistInput,
    ) -> Result<WorklistPage, VaultError> {
        let mut event = request::draft_for("worklist", who, why, pack);
        match self.run(pack, who, why, &input, &mut event).await {
            Ok(page) => Ok(page),
            Err(error) => Err(request::refuse(&self.log, event, error).await),
        }
    }

    async fn run(
        &self,
        pack: &Pack,
        who: &Caller,
        why: &Intent,
        input: &WorklistInput,
        event: &mut EventDraft,
    ) -> Result<WorklistPage, VaultError> {
        request::check_intent(pack, why)?;
        request::check_page(input.page.size)?;
        let spec = pack.collection(&input.collection).ok_or(VaultError::UnknownCollection)?;
        event.collection = Some(spec.name.clone());
        event.asked = vec![ATTRIBUTES.to_owned()];
        event.notes = input.of.iter().map(Assignee::note).collect();
        // The pack alone decides whether such a list exists for this role at all.
        let classes = [ClassName::parse(ATTRIBUTES).map_err(|_| VaultError::Corrupt("class"))?];
        if !pack.could(who, (Verb::Reveal, &why.purpose), &spec.name, &classes) {
            return Err(VaultError::Denied { classes: classes.to_vec(), policies: Vec::new() });
        }
        let (permitted, next) = self.pick(pack, who, why, input, &classes, event).await?;
        event.records = permitted.iter().map(|p| p.record.id).collect();
        event.subjects = reveal_many::subjects(permitted.iter());
        event.given = reveal_many::given(permitted.iter());
        event.outcome = OK.to_owned();
        let (id, shown) =
            reveal_many::disclose(&self.log, event, permitted, Group::default()).await?;
        // What was erased meanwhile is not on the list any more.
        let entries = shown.into_iter().flatten().map(|shown| entry(&shown)).collect();
        Ok(WorklistPage { entries, next, event: id })
    }

    async fn pick<'p>(
        &self,
        pack: &'p Pack,
        who: &Caller,
        why: &Intent,
        input: &WorklistInput,
        classes: &[ClassName],
        event: &mut EventDraft,
    ) -> Result<Picked<'p>, VaultError> {
        let (log, now) = (&self.log, self.log.civil_now());
        let lists = lists(who, input.of.as_ref());
        let wanted =
            lists.iter().map(tokens::assignment).map(|(field, value)| Wanted { field, value });
        let at = (now, input.page.after);
        let store = log.store().as_ref();
        let mut candidates =
            Candidates::of(store, log.keyring(), &input.collection, wanted.collect(), at);
        let (mut picked, mut last, mut fields) = (Vec::new(), None, 0_usize);
        let mut tally = Tally::default();
        let hour = self.recent.subjects(pack, who)?;
        let mut position = 0;
        while let Some(Candidate { record, cursor }) = candidates.next()? {
            request::take_turns(position).await;
            position += 1;
            let Some(record) = head::read_listed(log, record)? else { continue };
            if !in_hands(&record, &lists, &input.collection, now) {
                continue;
            }
            let subject = Some(&record.head.subject);
            let context = reveal::context(log, why, false, (hour.as_ref(), subject));
            let decision = reveal::decide(pack, who, &context, classes, Some(&record));
            let Ok((record, spec)) = reveal::available(pack, Some(record), &decision, now) else {
                continue;
            };
            if decision.classes.iter().any(|class| class.verdict != Verdict::Allow) {
                continue;
            }
            fields += spec.attributes.len();
            if picked.len() == input.page.size || fields > limits::EVENT_FIELDS_MAX {
                event.decision = tally.word_or_allow();
                return Ok((picked, last));
            }
            tally.note(event, &decision);
            let Some(permit) = decision.permit else { continue };
            picked.push(Permitted { record, spec, classes: decision.classes, permit });
            last = Some(cursor);
        }
        if position == 0 {
            let context = reveal::context(log, why, false, (hour.as_ref(), None));
            let _nothing = reveal::decide(pack, who, &context, classes, None);
        }
        event.decision = tally.word_or_allow();
        Ok((picked, None))
    }
}

/// The lists asked for: one that is named, or the caller's own and his unit's.
fn lists(who: &Caller, of: Option<&Assignee>) -> Vec<Assignee> {
    match of {
        Some(of) => vec![of.clone()],
        None => {
            let unit = who.habilitation.unit.clone().map(Assignee::Unit);
            std::iter::once(Assignee::Agent(who.agent.clone())).chain(unit).collect()
        }
    }
}

/// Whether the record is of the collection and on one of the lists now: an index row may be older
/// than the end of its assignment.
fn in_hands(
    record: &Loaded,
    lists: &[Assignee],
    collection: &crate::ids::CollectionName,
    now: crate::clock::Timestamp,
) -> bool {
    let assignments = &record.head.assignments;
    let live = |list: &Assignee| {
        assignments.iter().any(|a| a.to == *list && a.until.is_none_or(|until| now < until))
    };
    record.head.collection == *collection && lists.iter().any(live)
}

fn entry(shown: &Shown<'_>) -> WorklistEntry {
    WorklistEntry {
        record: shown.record.id,
        version: shown.record.version,
        expires_on: shown.record.head.expires_on,
        attributes: shown.fields(),
    }
}
