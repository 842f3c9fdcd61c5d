//! Update: change attributes and fields of a record at the version the caller read.
//!
//! Only the sections that change are sealed again, each with a fresh salt and its version + 1, and the
//! head with them. The collection date and the expiry never move.

use std::sync::Arc;

use crate::{
    audit::{AuditLog, EventDraft},
    identity::Caller,
    ids::{ClassName, FieldName},
    limits,
    policy::{CollectionSpec, Pack, Permit, Value, Verb, Violation},
    storage::{Op, keys},
};

use super::{
    Intent, UpdateInput, VaultError,
    change::{Change, reindex},
    create::territory,
    disclose::{ATTRIBUTES, amend},
    head::{Loaded, SectionRef},
    request,
    tokens::Tokens,
};

/// A change of some fields; `None` clears one.
type Changes = Vec<(FieldName, Option<Value>)>;

/// What an update touches: the log (rows, keys, time). No new slot is needed.
#[derive(Clone)]
pub(crate) struct Update {
    pub(crate) log: Arc<AuditLog>,
}

/// Checked changes, fields by class.
struct Checked {
    attributes: Changes,
    classes: Vec<(ClassName, Changes)>,
}

impl Update {
    /// The record's new version.
    pub(crate) async fn call(
        &self,
        pack: &Pack,
        who: &Caller,
        why: &Intent,
        input: UpdateInput,
    ) -> Result<u32, VaultError> {
        request::check_intent(pack, why)?;
        let limit = limits::FIELDS_PER_RECORD_MAX;
        if input.fields.len().saturating_add(input.attributes.len()) > limit {
            return Err(VaultError::TooMany { what: "fields and attributes", limit });
        }
        let change = Change { log: &self.log, pack, who, why, record: input.record };
        let mut event = request::draft_for("update", who, why, pack);
        event.records = vec![input.record];
        match self.prepare(&change, input, &mut event) {
            Ok((record, next)) => change.commit(record, next, event).await,
            Err(error) => Err(request::refuse(&self.log, event, error).await),
        }
    }

    fn prepare(
        &self,
        change: &Change<'_>,
        input: UpdateInput,
        event: &mut EventDraft,
    ) -> Result<(Loaded, super::change::NextVersion), VaultError> {
        let every_class: Vec<ClassName> =
            change.pack.collections().iter().flat_map(|c| c.classes.clone()).collect();
        // 1. Read one state.
        let mut record = change.read(&every_class)?;
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
        // 3. Seal what changes.
        let (mut ops, gone, new) = self.seal(&mut record, &permit, spec, &checked)?;
        apply(&mut record.head.attributes, &checked.attributes);
        // Policies decide by the head's territory; zone and expiry stay as they were set.
        record.head.territory = territory(change.pack, spec, &record.head.attributes)?;
        let mut next = reindex(&record.index_row_keys, &gone, new);
        ops.append(&mut next.ops);
        next.ops = ops;
        Ok((record, next))
    }

    #[expect(clippy::type_complexity, reason = "rows to write, index rows to delete and to add")]
    fn seal(
        &self,
        record: &mut Loaded,
        permit: &Permit,
        spec: &CollectionSpec,
        checked: &Checked,
    ) -> Result<(Vec<Op>, Vec<Vec<u8>>, Vec<Vec<u8>>), VaultError> {
        let (keyring, random) = (self.log.keyring(), self.log.random().as_ref());
        let collection = record.head.collection.clone();
        let tokens = Tokens { keyring, collection: &collection, record: record.id };
        let (mut ops, mut gone, mut new) = (Vec::new(), Vec::new(), Vec::new());
        for (class, changes) in &checked.classes {
            let amended = amend(permit, record, class, changes, keyring, random)?;
            let listed = record.head.sections.iter_mut().find(|s| s.class == *class);
            let cohort = match listed {
                Some(at) => {
                    at.version = amended.version;
                    at.cohort
                }
                None => {
                    record.head.sections.push(SectionRef {
                        class: class.clone(),
                        version: amended.version,
                        cohort: record.cohort.id,
                        slot: record.slot,
                    });
                    record.cohort.id
                }
            };
            ops.push(Op::Put(keys::section(&cohort, &record.id, class), amended.section));
            gone.extend(tokens.fields_anywhere(&cohort, spec, &amended.before));
            new.extend(tokens.fields(&cohort, spec, &amended.after));
        }
        record.head.sections.sort_by(|a, b| a.class.cmp(&b.class));
        Ok((ops, gone, new))
    }
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
    let mut violations = Vec::new();
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
