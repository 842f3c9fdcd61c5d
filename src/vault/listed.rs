//! Match by value: whether somebody is on file, yes or no, for who is shown no record.
//!
//! The answer is one bit. Without the right it is refused before anything is looked up, whatever the value;
//! with it, "nobody has these values" and "somebody the caller may not match has them" are one answer, after
//! the same work. What counts is what the pack's `match:<class>` allows on the very record. Invariants: no
//! record id and no number leaves; every question that was looked up is counted in the commit of its event,
//! per agent and hour, whatever was answered; the event names the records, never a value.

use crate::{
    audit::{AuditError, EventDraft},
    identity::Caller,
    ids::{ClassName, FieldName, RecordId},
    limits,
    policy::{CollectionSpec, Pack, Value, Verb, Violation},
};

use super::{
    Intent, Listed, ListedInput, VaultError,
    candidates::{Candidate, Candidates, Wanted},
    find::{Condition, Find, Search, check},
    head::{self, Loaded},
    request::{self, OK, Tally},
    reveal::RACES_RETRY_MS,
    tokens,
};

/// Where the request has its values.
const PART: &str = "where";

impl Find {
    /// Whether a record that the caller may match has all these values.
    pub(crate) async fn listed(
        &self,
        pack: &Pack,
        who: &Caller,
        why: &Intent,
        input: ListedInput,
    ) -> Result<Listed, VaultError> {
        let mut event = request::draft_for("match", who, why, pack);
        match self.search(pack, who, why).listed(input, &mut event).await {
            Ok(listed) => Ok(listed),
            Err(error) => {
                event.records.clear();
                event.subjects.clear();
                Err(request::refuse(&self.log, event, error).await)
            }
        }
    }
}

impl Search<'_> {
    async fn listed(
        &self,
        input: ListedInput,
        event: &mut EventDraft,
    ) -> Result<Listed, VaultError> {
        request::check_intent(self.pack, self.why)?;
        let spec = self.pack.collection(&input.collection).ok_or(VaultError::UnknownCollection)?;
        event.collection = Some(spec.name.clone());
        let limit = limits::FIND_CONDITIONS_MAX;
        if input.conditions.is_empty() || input.conditions.len() > limit {
            return Err(VaultError::TooMany { what: "conditions, and at least one", limit });
        }
        let (classes, asked) = classes(spec, &input.conditions)?;
        event.asked = asked;
        // 1. The pack alone decides whether this role may ask about these classes at all. No value was
        //    looked at.
        if !self.pack.could(self.who, (Verb::Match, &self.why.purpose), &spec.name, &classes) {
            return Err(VaultError::Denied { classes, policies: Vec::new() });
        }
        let conditions = check(spec, PART, input.conditions)?;
        let _turn = self.recent.turn(&self.who.agent).await;
        for _ in 0..limits::REQUEST_RACES_MAX {
            match self.answer(spec, &conditions, &classes, event).await {
                // Another call of this agent counted meanwhile.
                Err(VaultError::Audit(AuditError::Rejected)) => {}
                done => return done,
            }
        }
        Err(VaultError::TooOften { retry_ms: RACES_RETRY_MS })
    }

    async fn answer(
        &self,
        spec: &CollectionSpec,
        conditions: &[Condition<'_>],
        classes: &[ClassName],
        event: &mut EventDraft,
    ) -> Result<Listed, VaultError> {
        // 2. Room for one more question in this agent's hour. Nothing was looked up.
        let mut questions = self.recent.questions(self.pack, self.who)?;
        questions.ask()?;
        // 3. Candidates by token, each compared and decided.
        event.policies.clear();
        let found = self.all(spec, conditions, classes, event).await?;
        // 4. The event with its count, durable before the answer.
        event.records = found.iter().map(|record| record.id).collect();
        event.subjects = found.iter().map(|record| record.head.subject).collect();
        event.subjects.sort_unstable();
        event.subjects.dedup();
        event.outcome = OK.to_owned();
        let sealed = self.log.seal(event)?;
        let receipt = self.log.commit(questions.group(), &[], sealed).await?;
        // 5. What was erased meanwhile is not on file any more.
        let listed = found.iter().any(|record| self.log.keyring().slot_lives(&record.slot));
        Ok(Listed { listed, event: receipt.event() })
    }

    /// Every record that counts, as many as one event names; few candidates take as much work as none.
    async fn all(
        &self,
        spec: &CollectionSpec,
        conditions: &[Condition<'_>],
        classes: &[ClassName],
        event: &mut EventDraft,
    ) -> Result<Vec<Loaded>, VaultError> {
        let first = conditions.first().ok_or(VaultError::Corrupt("condition"))?;
        let asking = self.asking(classes)?;
        let (now, store, keyring) = (asking.now, self.log.store().as_ref(), self.log.keyring());
        let (field, value) = tokens::index_of(first.field, &first.value);
        let wanted = vec![Wanted { field, value: &value }];
        let mut candidates = Candidates::of(store, keyring, &spec.name, wanted, (now, None));
        let (mut found, mut tally, mut position) = (Vec::new(), Tally::default(), 0);
        while let Some(Candidate { record, .. }) = candidates.next()? {
            request::take_turns(position).await;
            position += 1;
            let read = head::read_listed(self.log, record)?;
            let live = read.filter(|record| !record.expired(now));
            let Some(record) = live.filter(|record| self.has(record, conditions.iter(), now))
            else {
                continue;
            };
            let decision = self.decide(Some(&record), &asking);
            if decision.all_allowed() && found.len() < limits::EVENT_RECORDS_MAX {
                tally.note(event, &decision);
                found.push(record);
            }
        }
        for number in position..limits::QUESTION_WORK_MIN {
            self.as_much_work(conditions, number)?;
            let _nothing = self.decide(None, &asking);
        }
        event.decision = tally.word_or_allow();
        Ok(found)
    }

    /// What reading and comparing one candidate costs.
    fn as_much_work(&self, conditions: &[Condition<'_>], number: usize) -> Result<(), VaultError> {
        let mut id = [0; 16];
        self.log.random().fill(&mut id);
        let _absent = head::read_listed(self.log, RecordId::from_bytes(id))?;
        let keyring = self.log.keyring();
        let Some(name) = self.pack.collections().get(number % self.pack.collections().len().max(1))
        else {
            return Ok(());
        };
        let Some(cohort) = keyring.cohorts_of(&name.name).into_iter().next() else { return Ok(()) };
        for Condition { field, value, .. } in conditions {
            let (field, value) = tokens::index_of(field, value);
            let _none = keyring.search_tokens(&cohort.id, &name.name, field, &value);
        }
        Ok(())
    }
}

/// The classes asked about, each once, and the words for the event, from the names of the fields alone.
///
/// Errors: [`VaultError::Invalid`].
fn classes(
    spec: &CollectionSpec,
    given: &[(FieldName, Value)],
) -> Result<(Vec<ClassName>, Vec<String>), VaultError> {
    let (mut classes, mut asked, mut violations) = (Vec::new(), Vec::new(), Vec::new());
    for (field, _) in given {
        let reason = match spec.field(field) {
            None => "is not a field of this collection",
            Some(known) if !known.searchable => "is not searchable",
            Some(known) => {
                classes.push(known.class.clone());
                asked.push(format!("{}.{field}", known.class));
                continue;
            }
        };
        let path = format!("{PART}.{field}");
        violations.push(Violation { path, reason: reason.to_owned() });
    }
    classes.sort();
    classes.dedup();
    if violations.is_empty() { Ok((classes, asked)) } else { Err(VaultError::Invalid(violations)) }
}
