//! Find and Match: exact values, confirmed by keyed tokens. No value is decrypted or shown.
//!
//! What was searched for reaches no row, no event and no error. A record is given, or confirmed, only
//! where the policy lets the caller match every class asked on that very record; the others are left
//! out as if they were not there. Invariant: a candidate counts only if the record's own row lists the
//! token, under the cohort that its verified head names for the class.

use std::sync::Arc;

use crate::{
    audit::{AuditLog, EventDraft},
    clock::Timestamp,
    identity::Caller,
    ids::{ClassName, FieldName},
    limits,
    policy::{CollectionSpec, Decision, FieldSpec, Pack, RequestContext, Value, Verb, Violation},
};

use super::{
    FindInput, FindPage, Intent, MatchInput, Matched, PageRequest, VaultError,
    candidates::{Candidate, Candidates, Cursor, Wanted},
    head::{self, Loaded},
    recent::{Hour, Recent},
    request::{self, OK, Tally},
    tokens::{self, Tokens},
};

/// What both touch: the log, and through it the store and the keys. No writer of rows.
#[derive(Clone)]
pub(crate) struct Find {
    pub(crate) log: Arc<AuditLog>,
    pub(crate) recent: Arc<Recent>,
}

/// One condition, checked and normalised.
pub(super) struct Condition<'p> {
    pub(super) class: ClassName,
    pub(super) field: &'p FieldSpec,
    pub(super) value: Value,
}

/// One request to search.
pub(super) struct Search<'a> {
    pub(super) log: &'a Arc<AuditLog>,
    pub(super) recent: &'a Recent,
    pub(super) pack: &'a Pack,
    pub(super) who: &'a Caller,
    pub(super) why: &'a Intent,
}

/// How a record is decided in one request.
pub(super) struct Asking<'s> {
    pub(super) classes: &'s [ClassName],
    pub(super) now: Timestamp,
    pub(super) hour: Option<Hour>,
}

impl Find {
    pub(super) fn search<'a>(
        &'a self,
        pack: &'a Pack,
        who: &'a Caller,
        why: &'a Intent,
    ) -> Search<'a> {
        Search { log: &self.log, recent: &self.recent, pack, who, why }
    }

    /// One page of the records that have all these values.
    pub(crate) async fn find(
        &self,
        pack: &Pack,
        who: &Caller,
        why: &Intent,
        input: FindInput,
    ) -> Result<FindPage, VaultError> {
        let mut event = request::draft_for("find", who, why, pack);
        let search = self.search(pack, who, why);
        match search.find(input, &mut event).await {
            Ok(page) => Ok(page),
            Err(error) => Err(request::refuse(&self.log, event, error).await),
        }
    }

    /// Whether a field of a record has this value.
    pub(crate) async fn matches(
        &self,
        pack: &Pack,
        who: &Caller,
        why: &Intent,
        input: MatchInput,
    ) -> Result<Matched, VaultError> {
        let mut event = request::draft_for("match", who, why, pack);
        event.records = vec![input.record];
        let search = self.search(pack, who, why);
        match search.matches(input, &mut event).await {
            Ok(matched) => Ok(matched),
            Err(error) => Err(request::refuse(&self.log, event, error).await),
        }
    }
}

impl Search<'_> {
    async fn find(&self, input: FindInput, event: &mut EventDraft) -> Result<FindPage, VaultError> {
        request::check_intent(self.pack, self.why)?;
        request::check_page(input.page.size)?;
        let spec = self.pack.collection(&input.collection).ok_or(VaultError::UnknownCollection)?;
        event.collection = Some(spec.name.clone());
        let limit = limits::FIND_CONDITIONS_MAX;
        if input.conditions.is_empty() || input.conditions.len() > limit {
            return Err(VaultError::TooMany { what: "conditions, and at least one", limit });
        }
        let conditions = check(spec, "where", input.conditions)?;
        event.asked = conditions.iter().map(|c| format!("{}.{}", c.class, c.field.name)).collect();
        let mut classes: Vec<ClassName> = conditions.iter().map(|c| c.class.clone()).collect();
        classes.sort();
        classes.dedup();
        // 1. The pack alone decides whether this role may search these classes at all.
        if !self.pack.could(self.who, (Verb::Match, &self.why.purpose), &spec.name, &classes) {
            return Err(VaultError::Denied { classes, policies: Vec::new() });
        }
        // 2. Candidates by token, each compared and decided.
        let (found, next) = self.pick(spec, &conditions, &classes, input.page, event).await?;
        // 3. The event, durable before the answer.
        event.records = found.iter().map(|record| record.id).collect();
        event.subjects = found.iter().map(|record| record.head.subject).collect();
        event.subjects.sort_unstable();
        event.subjects.dedup();
        event.outcome = OK.to_owned();
        let receipt = request::record(self.log, event).await?;
        // 4. What was erased meanwhile is not found any more.
        let lives = |record: &&Loaded| self.log.keyring().slot_lives(&record.slot);
        let records = found.iter().filter(lives).map(|record| record.id).collect();
        Ok(FindPage { records, next, event: receipt.event() })
    }

    async fn pick(
        &self,
        spec: &CollectionSpec,
        conditions: &[Condition<'_>],
        classes: &[ClassName],
        page: PageRequest,
        event: &mut EventDraft,
    ) -> Result<(Vec<Loaded>, Option<Cursor>), VaultError> {
        let first = conditions.first().ok_or(VaultError::Corrupt("condition"))?;
        let asking = self.asking(classes)?;
        let (now, store) = (asking.now, self.log.store().as_ref());
        let (field, value) = tokens::index_of(first.field, &first.value);
        let wanted = vec![Wanted { field, value: &value }];
        let at = (now, page.after);
        let mut candidates = Candidates::of(store, self.log.keyring(), &spec.name, wanted, at);
        let (mut found, mut last, mut position) = (Vec::new(), None, 0);
        let mut tally = Tally::default();
        while let Some(Candidate { record, cursor }) = candidates.next()? {
            request::take_turns(position).await;
            position += 1;
            let read = head::read_listed(self.log, record)?;
            let live = read.filter(|record| !record.expired(now));
            let Some(record) = live.filter(|record| self.has(record, conditions.iter(), now))
            else {
                continue;
            };
            let decision = self.decide(Some(&record), &asking);
            if !decision.all_allowed() {
                continue;
            }
            if found.len() == page.size {
                event.decision = tally.word_or_allow();
                return Ok((found, last));
            }
            tally.note(event, &decision);
            found.push(record);
            last = Some(cursor);
        }
        if position == 0 {
            let _nothing = self.decide(None, &asking);
        }
        event.decision = tally.word_or_allow();
        Ok((found, None))
    }

    async fn matches(
        &self,
        input: MatchInput,
        event: &mut EventDraft,
    ) -> Result<Matched, VaultError> {
        request::check_intent(self.pack, self.why)?;
        let now = self.log.civil_now();
        let asked = asked_classes(self.pack, &input.field);
        // 1. Open the head, and decide; an absent record costs the same work.
        let found = Loaded::read(self.log.store().as_ref(), self.log.keyring(), input.record, &[])?;
        let class = found.as_ref().and_then(|record| {
            let spec = self.pack.collection(&record.head.collection)?;
            Some(spec.field(&input.field)?.class.clone())
        });
        let asked = class.map_or(asked, |class| vec![class]);
        // The pack's own words: a name that no collection has is of no class.
        event.asked = asked.iter().map(|class| format!("{class}.{}", input.field)).collect();
        let decision = self.decide(found.as_ref(), &self.asking(&asked)?);
        request::note_decision(event, &decision.classes);
        // 2. One answer for what is absent, unknowable, expired or erased.
        let record = found.filter(|record| decision.may_know && !record.expired(now));
        let record = record.ok_or(VaultError::NotAvailable)?;
        event.collection = Some(record.head.collection.clone());
        event.subject = Some(record.head.subject);
        let spec = self.pack.collection(&record.head.collection).ok_or(VaultError::NotAvailable)?;
        let conditions = check(spec, "field", vec![(input.field, input.value)])?;
        if !decision.all_allowed() {
            return Err(VaultError::denied(&decision));
        }
        let matches = self.has(&record, conditions.iter(), now);
        let expired = conditions.iter().any(|c| self.expired(&record, &c.class, now));
        // 3. The event, durable before the answer.
        event.outcome = OK.to_owned();
        let receipt = request::record(self.log, event).await?;
        // 4. Look again that the record still lives.
        if !self.log.keyring().slot_lives(&record.slot) {
            return Err(VaultError::NotAvailable);
        }
        Ok(Matched { matches, expired, event: receipt.event() })
    }

    /// For these classes, as things stand now.
    pub(super) fn asking<'s>(&self, classes: &'s [ClassName]) -> Result<Asking<'s>, VaultError> {
        let hour = self.recent.subjects(self.pack, self.who)?;
        Ok(Asking { classes, now: self.log.civil_now(), hour })
    }

    pub(super) fn decide(&self, record: Option<&Loaded>, asking: &Asking<'_>) -> Decision {
        let Asking { classes, now, hour } = asking;
        let (now, subject) = (*now, record.map(|record| &record.head.subject));
        let recent_subjects = hour.as_ref().map_or(0, |hour| hour.others(subject));
        let context = RequestContext { recent_subjects, ..request::context(self.why, now) };
        match record {
            Some(record) => {
                let standing = record.standing(now);
                let resource = record.resource(&standing);
                self.pack.decide(self.who, Verb::Match, &resource, classes, &context)
            }
            None => self.pack.decide_decoy(self.who, Verb::Match, classes, &context),
        }
    }

    /// Whether the record's own row lists the token of every condition, under the cohort that its head
    /// names for the class.
    pub(super) fn has<'c>(
        &self,
        record: &Loaded,
        mut conditions: impl Iterator<Item = &'c Condition<'c>>,
        now: Timestamp,
    ) -> bool {
        let (keyring, collection) = (self.log.keyring(), &record.head.collection);
        let tokens = Tokens { keyring, collection, record: record.id };
        conditions.all(|condition| {
            let Some(listed) = record.listed(&condition.class) else { return false };
            if self.expired(record, &condition.class, now) {
                return false;
            }
            let rows = tokens.field_anywhere(&listed.cohort, condition.field, &condition.value);
            rows.iter().any(|row| record.index_row_keys.contains(row))
        })
    }

    /// Whether the class's own, shorter period has ended.
    fn expired(&self, record: &Loaded, class: &ClassName, now: Timestamp) -> bool {
        let cohort = record.listed(class).map(|listed| self.log.keyring().cohort(&listed.cohort));
        cohort.is_some_and(|cohort| cohort.is_none_or(|cohort| now >= cohort.expires_at))
    }
}

/// The conditions in normal form; `part` is where the request has them. Errors:
/// [`VaultError::Invalid`], never with a value.
pub(super) fn check<'p>(
    spec: &'p CollectionSpec,
    part: &str,
    given: Vec<(FieldName, Value)>,
) -> Result<Vec<Condition<'p>>, VaultError> {
    let (mut conditions, mut violations) = (Vec::new(), Vec::new());
    for (field, value) in given {
        let refusal = match spec.field(&field) {
            None => "is not a field of this collection",
            Some(known) if !tokens::is_indexed(known) => "is not searchable",
            Some(known) => match known.kind.normalise(value) {
                Ok(value) => {
                    let class = known.class.clone();
                    conditions.push(Condition { class, field: known, value });
                    continue;
                }
                Err(reason) => reason,
            },
        };
        violations.push(Violation { path: format!("{part}.{field}"), reason: refusal.to_owned() });
    }
    if violations.is_empty() { Ok(conditions) } else { Err(VaultError::Invalid(violations)) }
}

/// What a match of this field would be decided for, where there is no record to tell its collection.
fn asked_classes(pack: &Pack, field: &FieldName) -> Vec<ClassName> {
    let classes = pack.collections().iter().filter_map(|spec| spec.field(field));
    classes.map(|field| field.class.clone()).take(1).collect()
}
