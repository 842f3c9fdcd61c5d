//! Update: change attributes and fields of a record at the version the caller read.
//!
//! Only the sections that change are sealed again, each with a fresh salt and its version + 1, and the
//! head with them. The collection date and the expiry never move.

use std::sync::Arc;

use chrono::NaiveDate;

use crate::{
    audit::{AuditLog, EventDraft},
    identity::Caller,
    ids::{ClassName, FieldName, SlotRef},
    keyring::{CohortInfo, CohortKey, Keyring},
    limits,
    policy::{CollectionSpec, FieldSpec, Pack, Permit, Value, Verb, Violation},
    retention::{RetentionError, rule},
    storage::{Op, keys},
};

use super::{
    Changed, Intent, UpdateInput, VaultError,
    change::{Change, NextVersion, reindex},
    disclose::{ATTRIBUTES, Under, amend},
    filing::territory,
    head::{Loaded, SectionRef},
    once::{Fresh, Once},
    request,
    reseal::{Moves, forget::Forget},
    segments::Segments,
    tokens::Tokens,
};

/// A change of some fields; `None` clears one.
type Changes = Vec<(FieldName, Option<Value>)>;

/// What an update touches: the log (rows, keys, time), and open segments for a class with a shorter
/// period that the record did not have.
#[derive(Clone)]
pub(crate) struct Update {
    pub(crate) log: Arc<AuditLog>,
    pub(crate) segments: Arc<Segments>,
    pub(crate) forget: Forget,
}

/// Checked changes, fields by class.
struct Checked {
    attributes: Changes,
    classes: Vec<(ClassName, Changes)>,
}

/// An update that was decided and checked, before anything is sealed.
struct Prepared<'p> {
    record: Loaded,
    permit: Permit,
    spec: &'p CollectionSpec,
    checked: Checked,
    /// Where the record goes, if its former version shall be forgotten.
    moves: Moves,
}

/// Slots for the classes that the record did not have.
type NewSlots = Vec<(ClassName, (SlotRef, CohortInfo))>;

impl Update {
    /// The record's new version. With `forget` it is answered once no key of the former one is left.
    pub(crate) async fn call(
        &self,
        pack: &Arc<Pack>,
        who: &Caller,
        why: &Intent,
        (input, forget): (UpdateInput, bool),
    ) -> Result<Changed, VaultError> {
        let change = Change { log: &self.log, pack, who, why, record: input.record };
        let mut event = request::draft_for("update", who, why, pack);
        event.records = vec![input.record];
        let changed = match self.run(&change, (input, forget), &mut event).await {
            Ok(changed) => changed,
            Err(error) => return Err(request::refuse(&self.log, event, error).await),
        };
        if let Some(certificate) = changed.certificate {
            self.forget.finish(pack, certificate).await?;
        }
        Ok(changed)
    }

    async fn run(
        &self,
        change: &Change<'_>,
        (input, forget): (UpdateInput, bool),
        event: &mut EventDraft,
    ) -> Result<Changed, VaultError> {
        request::check_intent(change.pack, change.why)?;
        let limit = limits::FIELDS_PER_RECORD_MAX;
        if input.fields.len().saturating_add(input.attributes.len()) > limit {
            return Err(VaultError::TooMany { what: "fields and attributes", limit });
        }
        let once = Once::of(change.who, change.why.request.as_ref());
        for _ in 0..limits::REQUEST_RACES_MAX {
            // 0. What was done before under the same request id is answered again.
            let fresh = match change.earlier(&once, event).await? {
                Ok(changed) => return Ok(changed),
                Err(fresh) => fresh,
            };
            match self.change(change, (input.clone(), forget), (&once, fresh), event).await {
                Ok(changed) => return Ok(changed),
                // The row was written anew, and not by a change: the vault's own work, such as an
                // exchange of index keys. It is no business of the caller's.
                Err(VaultError::VersionMismatch) if change.is_at(input.expected_version)? => {}
                Err(error) => return change.or_earlier(&once, event, error).await,
            }
        }
        change.or_earlier(&once, event, VaultError::VersionMismatch).await
    }

    async fn change(
        &self,
        change: &Change<'_>,
        (input, forget): (UpdateInput, bool),
        once: (&Once, Fresh),
        event: &mut EventDraft,
    ) -> Result<Changed, VaultError> {
        let mut prepared = self.prepare(change, input, event)?;
        if !forget {
            let new = self.new_slots(&prepared).await?;
            let next = self.seal(change, &mut prepared, &new, event)?;
            return change.commit(prepared.record, next, once, event).await;
        }
        prepared.moves = self.forget.leave(&prepared.record).await?;
        let new = self.new_slots(&prepared).await?;
        let pause = self.forget.ready(change.record).await?;
        let mut next = self.seal(change, &mut prepared, &new, event)?;
        // An event that is refused names no slot.
        let mut event = event.clone();
        let Prepared { record, moves, .. } = prepared;
        self.forget.note(change.pack, (&record, &moves), &mut next, &mut event)?;
        let changed = change.commit(record, next, once, &mut event).await;
        drop(pause);
        changed
    }

    fn prepare<'p>(
        &self,
        change: &Change<'p>,
        input: UpdateInput,
        event: &mut EventDraft,
    ) -> Result<Prepared<'p>, VaultError> {
        let every_class: Vec<ClassName> =
            change.pack.collections().iter().flat_map(|c| c.classes.clone()).collect();
        // 1. Read one state.
        let record = change.read(Verb::Write, &every_class)?;
        let spec =
            change.pack.collection(&record.head.collection).ok_or(VaultError::NotAvailable)?;
        let asked = asked(spec, &input);
        event.asked = asked.iter().map(ToString::to_string).collect();
        // 2. Decide, before anything about the values is said.
        let decision = change.decide(&record, Verb::Write, &asked, None, event)?;
        let permit = decision.permit.ok_or(VaultError::NotAvailable)?;
        if input.expected_version != record.version {
            return Err(VaultError::VersionMismatch);
        }
        let checked = check(change.pack, spec, input)?;
        self.check_periods(&record, spec, &checked)?;
        Ok(Prepared { record, permit, spec, checked, moves: Moves::none() })
    }

    /// A class past its own, shorter period takes nothing any more: nothing due is ever stored.
    fn check_periods(
        &self,
        record: &Loaded,
        spec: &CollectionSpec,
        checked: &Checked,
    ) -> Result<(), VaultError> {
        let today = self.log.civil_now().date_in(record.head.zone);
        let own = checked.classes.iter().filter_map(|(class, _)| class_expiry(record, spec, class));
        if own.into_iter().any(|date| date <= today) {
            return Err(RetentionError::AlreadyExpired.into());
        }
        Ok(())
    }

    /// A slot for each touched class that the record did not have: the head's, or one of its own,
    /// shorter cohort.
    async fn new_slots(&self, prepared: &Prepared<'_>) -> Result<NewSlots, VaultError> {
        let Prepared { record, spec, checked, moves, .. } = prepared;
        let mut slots: NewSlots = Vec::new();
        for (class, _) in &checked.classes {
            if record.listed(class).is_some() {
                continue;
            }
            let place = match class_expiry(record, spec, class) {
                None => match moves.to(&record.slot) {
                    Some((slot, cohort)) => (slot, cohort.clone()),
                    None => (record.slot, record.cohort.clone()),
                },
                Some(expires_on) => {
                    let (collection, zone) = (spec.name.clone(), record.head.zone);
                    let key = CohortKey { collection, expires_on, zone };
                    let slot = self.segments.hand_out(&key).await?;
                    (slot.at, slot.cohort)
                }
            };
            slots.push((class.clone(), place));
        }
        Ok(slots)
    }

    /// 3. Seals what changes, and the rows that follow from it.
    fn seal(
        &self,
        change: &Change<'_>,
        prepared: &mut Prepared<'_>,
        new: &NewSlots,
        event: &mut EventDraft,
    ) -> Result<NextVersion, VaultError> {
        let Prepared { record, permit, spec, checked, moves } = prepared;
        let (keyring, random) = (self.log.keyring(), self.log.random().as_ref());
        let collection = record.head.collection.clone();
        let tokens = Tokens { keyring, collection: &collection, record: record.id };
        let (mut ops, mut gone, mut added, mut slots) = (vec![], vec![], vec![], vec![]);
        for (class, changes) in &checked.classes {
            let place = new.iter().find(|(c, _)| c == class).map(|(_, place)| place);
            let moved = record.listed(class).and_then(|at| moves.to(&at.slot)).map(|(at, _)| at);
            let under = match (place, &moved) {
                (Some((at, _)), _) => Under::New(at),
                (None, Some(at)) => Under::Moved(at),
                (None, None) => Under::Listed,
            };
            let amended = amend(permit, record, class, &under, changes, (keyring, random))?;
            let version = amended.version;
            let (at, cohort) = list(record, class, version, (place, moved), keyring)?;
            ops.push(Op::Put(keys::section(&cohort.id, &record.id, class), amended.section));
            gone.extend(tokens.fields_anywhere(&cohort.id, spec, &amended.before));
            added.extend(tokens.fields(&cohort.id, spec, &amended.after));
            slots.push((at, cohort));
        }
        let done = |class: &ClassName| checked.classes.iter().any(|(done, _)| done == class);
        ops.extend(moves.sections(&self.log, change.pack, record, &done)?.ops);
        record.head.sections.sort_by(|a, b| a.class.cmp(&b.class));
        slots.extend(moves.slots());
        moves.head(record, keyring);
        apply(&mut record.head.attributes, &checked.attributes);
        // Policies decide by the head's territory; zone and expiry stay as they were set.
        let before = record.head.territory.clone();
        record.head.territory = territory(change.pack, spec, &record.head.attributes)?;
        if record.head.territory != before {
            // Nobody writes a record to where he could not have written it.
            let asked: Vec<ClassName> = permit.classes().iter().map(|(c, _)| c.clone()).collect();
            // The caller knows of this record: a refusal is a denial, whatever he may know over there.
            change.decide(record, Verb::Write, &asked, None, event).map_err(
                |error| match error {
                    VaultError::NotAvailable => {
                        VaultError::Denied { classes: asked.clone(), policies: Vec::new() }
                    }
                    error => error,
                },
            )?;
        }
        let mut next = reindex(&record.index_row_keys, &gone, added);
        ops.append(&mut next.ops);
        Ok(NextVersion { ops, slots, ..next })
    }
}

/// Notes the new version of a section in the head; where it is sealed.
fn list(
    record: &mut Loaded,
    class: &ClassName,
    version: u32,
    (new, moved): (Option<&(SlotRef, CohortInfo)>, Option<SlotRef>),
    keyring: &Keyring,
) -> Result<(SlotRef, CohortInfo), VaultError> {
    if let Some((at, cohort)) = new {
        let listed = SectionRef { class: class.clone(), version, cohort: cohort.id, slot: *at };
        record.head.sections.push(listed);
        return Ok((*at, cohort.clone()));
    }
    let listed = record.head.sections.iter_mut().find(|s| s.class == *class);
    let listed = listed.ok_or(VaultError::Corrupt("record head"))?;
    listed.version = version;
    listed.slot = moved.unwrap_or(listed.slot);
    let cohort = keyring.cohort(&listed.cohort).ok_or(RetentionError::AlreadyExpired)?;
    Ok((listed.slot, cohort))
}

/// The expiry of a class with its own, shorter period, counted from the record's collection date.
fn class_expiry(record: &Loaded, spec: &CollectionSpec, class: &ClassName) -> Option<NaiveDate> {
    let (_, period) = spec.class_periods.iter().find(|(c, _)| c == class)?;
    let date = rule::expiry(record.head.collected_on, *period, record.head.expires_on);
    (date < record.head.expires_on).then_some(date)
}

/// The classes an update touches, `attributes` among them where attributes change.
fn asked(spec: &CollectionSpec, input: &UpdateInput) -> Vec<ClassName> {
    let mut classes: Vec<ClassName> = Vec::new();
    if !input.attributes.is_empty() {
        classes.extend(ClassName::parse(ATTRIBUTES).ok());
    }
    for (name, _) in &input.fields {
        if let Some(field) = spec.fields.iter().find(|f| f.name == *name)
            && !classes.contains(&field.class)
        {
            classes.push(field.class.clone());
        }
    }
    classes
}

fn check(pack: &Pack, spec: &CollectionSpec, input: UpdateInput) -> Result<Checked, VaultError> {
    let mut violations = ends_set_once(spec, &input.fields);
    let mut attributes = cleared(&input.attributes, |name| {
        spec.attributes.iter().any(|a| a.name == *name && a.required)
    })
    .unwrap_or_else(|v| {
        violations.extend(v);
        Vec::new()
    });
    let mut fields =
        cleared(&input.fields, |name| spec.fields.iter().any(|f| f.name == *name && f.required))
            .unwrap_or_else(|v| {
                violations.extend(v);
                Vec::new()
            });
    match pack.check_attributes(spec, given(input.attributes), false) {
        Ok(checked) => attributes.extend(checked.into_iter().map(|(n, v)| (n, Some(v)))),
        Err(found) => violations.extend(found),
    }
    match pack.check_fields(spec, given(input.fields), false) {
        Ok(checked) => fields.extend(checked.into_iter().map(|(n, v)| (n, Some(v)))),
        Err(found) => violations.extend(found),
    }
    if !violations.is_empty() {
        return Err(VaultError::Invalid(violations));
    }
    let mut classes = Vec::new();
    for class in &spec.classes {
        let own: Changes = fields
            .iter()
            .filter(|(name, _)| spec.fields.iter().any(|f| f.name == *name && f.class == *class))
            .cloned()
            .collect();
        if !own.is_empty() {
            classes.push((class.clone(), own));
        }
    }
    Ok(Checked { attributes, classes })
}

/// What a link's ends are is set once: another end is another link.
fn ends_set_once(spec: &CollectionSpec, changes: &Changes) -> Vec<Violation> {
    let touched = spec.ends().filter(|(end, _)| changes.iter().any(|(name, _)| *name == end.name));
    let refusal = |(end, _): (&FieldSpec, _)| Violation {
        path: format!("fields.{}", end.name),
        reason: "is an end of the link, which is set once".to_owned(),
    };
    touched.map(refusal).collect()
}

/// The cleared names, or a violation for each that is required.
fn cleared(
    changes: &Changes,
    required: impl Fn(&FieldName) -> bool,
) -> Result<Changes, Vec<Violation>> {
    let names = || changes.iter().filter(|(_, value)| value.is_none()).map(|(name, _)| name);
    let violations: Vec<Violation> = names()
        .filter(|name| required(name))
        .map(|name| Violation {
            path: name.to_string(),
            reason: "is required and cannot be cleared".to_owned(),
        })
        .collect();
    if violations.is_empty() {
        Ok(names().map(|name| (name.clone(), None)).collect())
    } else {
        Err(violations)
    }
}

fn given(changes: Changes) -> Vec<(FieldName, Value)> {
    changes.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

fn apply(values: &mut Vec<(FieldName, Value)>, changes: &Changes) {
    for (name, value) in changes {
        values.retain(|(n, _)| n != name);
        if let Some(value) = value {
            values.push((name.clone(), value.clone()));
        }
    }
    values.sort_by(|a, b| a.0.cmp(&b.0));
}
