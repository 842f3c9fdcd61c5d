//! A new record on its way in, one at a time: checked against the pack, decided, sealed.
//!
//! `create` files one and `import` a batch of them; both go through here, in this order. Nothing is
//! written here. Invariants: the collection date is set once, from the source; what is already due is
//! refused, never stored; no key and nothing in clear about the person reaches a row.

use std::sync::Arc;

use chrono::NaiveDate;
use chrono_tz::Tz;

use crate::{
    audit::AuditLog,
    clock::Timestamp,
    crypto::section::SectionAddress,
    identity::Caller,
    ids::{ClassName, FieldName, RecordId, SlotRef, SubjectId, TerritoryName},
    keyring::{CohortInfo, CohortKey, Slot},
    limits,
    policy::{CollectionSpec, Decision, Pack, Resource, Value, Verb, Violation},
    retention::{RetentionError, rule},
    storage::{Op, Precondition, keys},
};

use super::{
    CreateInput, Created, Intent, VaultError,
    disclose::{ATTRIBUTES, seal_fields},
    head::{Filed, Head, SectionRef},
    links::{Asker, Ends},
    request,
    tokens::Tokens,
};

/// A new record's version.
pub(crate) const FIRST: u32 = 1;

/// One request to file records: what checking and deciding need.
pub(crate) struct Filing<'a> {
    pub(crate) log: &'a Arc<AuditLog>,
    pub(crate) pack: &'a Pack,
    pub(crate) who: &'a Caller,
    pub(crate) why: &'a Intent,
}

/// An input that was checked against the pack.
pub(crate) struct Checked<'p> {
    spec: &'p CollectionSpec,
    subject: SubjectId,
    collected_on: NaiveDate,
    expires_on: NaiveDate,
    zone: Tz,
    territory: Option<TerritoryName>,
    attributes: Vec<(FieldName, Value)>,
    /// For a link: its ends are as they were looked at.
    ends: Vec<Precondition>,
    /// Fields by class, classes in the pack's order.
    classes: Vec<(ClassName, Vec<(FieldName, Value)>)>,
}

/// Everything of a new record that one commit writes, its request row left out.
pub(crate) struct Sealed {
    pub(crate) ops: Vec<Op>,
    pub(crate) slots: Vec<(SlotRef, CohortInfo)>,
    /// The head's cohort.
    pub(crate) cohort: crate::ids::CohortId,
}

// === impl Checked ===

impl Checked<'_> {
    /// The classes it would write.
    pub(crate) fn classes(&self) -> impl Iterator<Item = &ClassName> {
        self.classes.iter().map(|(class, _)| class)
    }

    /// For a link, what must still hold of its ends when it is committed.
    pub(crate) fn ends(&self) -> &[Precondition] {
        &self.ends
    }

    /// The person.
    pub(crate) fn subject(&self) -> SubjectId {
        self.subject
    }

    /// The answer, once it is durable as this record.
    pub(crate) fn created(&self, record: RecordId) -> Created {
        Created {
            record,
            subject: self.subject,
            version: FIRST,
            expires_on: self.expires_on,
            repeated: false,
        }
    }

    /// The cohorts it needs a slot of: the head's first, then one for each shorter class period.
    pub(crate) fn cohorts(&self) -> Vec<CohortKey> {
        let mut keys = vec![self.cohort_key(self.expires_on)];
        for date in self.classes().filter_map(|class| class_expiry(self, class)) {
            let key = self.cohort_key(date);
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        keys
    }

    fn cohort_key(&self, expires_on: NaiveDate) -> CohortKey {
        CohortKey { collection: self.spec.name.clone(), expires_on, zone: self.zone }
    }
}

// === impl Filing ===

impl<'a> Filing<'a> {
    /// Checks an input against the pack and the calendar. Errors: [`VaultError::UnknownCollection`],
    /// [`VaultError::Invalid`], [`VaultError::TooMany`], `RetentionError::AlreadyExpired`.
    pub(crate) fn check(&self, input: CreateInput) -> Result<Checked<'a>, VaultError> {
        let pack = self.pack;
        let spec = pack.collection(&input.collection).ok_or(VaultError::UnknownCollection)?;
        let limit = limits::FIELDS_PER_RECORD_MAX;
        if input.fields.len().saturating_add(input.attributes.len()) > limit {
            return Err(VaultError::TooMany { what: "fields and attributes", limit });
        }
        let attributes = pack.check_attributes(spec, input.attributes, true);
        let fields = pack.check_fields(spec, input.fields, true);
        let (attributes, fields) = match (attributes, fields) {
            (Ok(attributes), Ok(fields)) => (attributes, fields),
            (a, f) => {
                let all = [a.err(), f.err()].into_iter().flatten().flatten().collect();
                return Err(VaultError::Invalid(all));
            }
        };
        let territory = territory(pack, spec, &attributes)?;
        let zone = pack.zone_of(territory.as_ref());
        let today = self.log.civil_now().date_in(zone);
        if input.collected_on > self.latest_today(zone) {
            return Err(RetentionError::FutureDate.into());
        }
        let expires_on = rule::expiry(input.collected_on, spec.period, pack.end_date());
        if expires_on <= today {
            return Err(RetentionError::AlreadyExpired.into());
        }
        let checked = Checked {
            spec,
            subject: input.subject.unwrap_or_else(|| SubjectId::make(self.log.random().as_ref())),
            collected_on: input.collected_on,
            expires_on,
            zone,
            territory,
            attributes,
            ends: Vec::new(),
            classes: by_class(spec, fields),
        };
        let checked = self.bounded(checked)?;
        // A class past its own, shorter period is refused too: nothing due is ever stored.
        let dates = checked.classes.iter().filter_map(|(class, _)| class_expiry(&checked, class));
        if dates.into_iter().any(|date| date <= today) {
            return Err(RetentionError::AlreadyExpired.into());
        }
        Ok(checked)
    }

    /// The same, looked at again: a link with its ends as they are now, and no later than the earlier of
    /// them; anything else as it is.
    ///
    /// Errors: [`VaultError::NotAvailable`] unless the caller may know both ends.
    pub(crate) fn bounded(&self, mut checked: Checked<'a>) -> Result<Checked<'a>, VaultError> {
        if !checked.spec.is_link() {
            return Ok(checked);
        }
        let context = request::context(self.why, self.log.civil_now());
        let asker = Asker { log: self.log, pack: self.pack, who: self.who, context: &context };
        let fields: Vec<_> = checked.classes.iter().flat_map(|(_, own)| own.clone()).collect();
        let Ends { first_to_go, unchanged } = asker.ends(checked.spec, &fields)?;
        let own = Timestamp::start_of(checked.expires_on, checked.zone);
        if own.is_none_or(|own| first_to_go.expires_at < own) {
            checked.expires_on = first_to_go.key.expires_on;
            checked.zone = first_to_go.key.zone;
        }
        checked.ends = unchanged.into();
        Ok(checked)
    }

    /// The latest date that may be today: a clock that ran ahead of its guard must not let data in
    /// whose period would end too late.
    fn latest_today(&self, zone: Tz) -> NaiveDate {
        let ceiling = self.log.state().clock_floor.plus_millis(limits::CLOCK_AHEAD_MS);
        self.log.clock().now().min(ceiling).date_in(zone)
    }

    /// Decides every class it would write, and the attributes. It may be filed if all are allowed.
    pub(crate) fn decide(&self, id: RecordId, checked: &Checked<'_>) -> Decision {
        let resource = Resource {
            record: id,
            collection: &checked.spec.name,
            territory: checked.territory.as_ref(),
            attributes: &checked.attributes,
            assigned_agents: &[],
            assigned_units: &[],
            restricted: false,
            held: false,
            filed_by: Some(&self.who.agent),
            age_hours: 0,
        };
        let context = request::context(self.why, self.log.civil_now());
        // Asked once per class it would write, and for the attributes.
        let mut classes: Vec<ClassName> = checked.classes.iter().map(|(c, _)| c.clone()).collect();
        classes.extend(ClassName::parse(ATTRIBUTES).ok());
        self.pack.decide(self.who, Verb::Create, &resource, &classes, &context)
    }

    /// Seals head and sections under these slots, those of [`Checked::cohorts`] in the same order.
    pub(crate) fn seal(
        &self,
        id: RecordId,
        checked: &Checked<'_>,
        slots: &[Slot],
    ) -> Result<Sealed, VaultError> {
        let (keyring, random) = (self.log.keyring(), self.log.random().as_ref());
        let tokens = Tokens { keyring, collection: &checked.spec.name, record: id };
        let Some(head_slot) = slots.first() else {
            return Err(VaultError::Corrupt("slot"));
        };
        let mut ops = Vec::new();
        let mut index = tokens.subject(&head_slot.cohort.id, &checked.subject);
        let mut sections = Vec::new();
        for (class, fields) in &checked.classes {
            let date = class_expiry(checked, class).unwrap_or(checked.expires_on);
            let key = checked.cohort_key(date);
            let slot = slots.iter().find(|slot| slot.cohort.key == key);
            let slot = slot.ok_or(VaultError::Corrupt("slot"))?;
            let address = SectionAddress {
                vault: keyring.vault(),
                slot: slot.at,
                collection: &checked.spec.name,
                record: id,
                class,
                version: FIRST,
            };
            let sealed = seal_fields(&slot.secret, &address, fields, random)?;
            ops.push(Op::Put(keys::section(&slot.cohort.id, &id, class), sealed));
            index.extend(tokens.fields(&slot.cohort.id, checked.spec, fields));
            sections.push(SectionRef {
                class: class.clone(),
                version: FIRST,
                cohort: slot.cohort.id,
                slot: slot.at,
            });
        }
        ops.extend(index.iter().map(|key| Op::Put(key.clone(), Vec::new())));
        ops.push(Op::Put(keys::member(&head_slot.cohort.id, &id), Vec::new()));
        let filed = Filed { by: self.who.agent.clone(), at: self.log.civil_now() };
        let head = head_of(checked, sections, filed);
        let at = (&head_slot.at, &head_slot.secret, &head_slot.cohort);
        let row = head.seal_row(id, FIRST, at, index, keyring, random)?;
        ops.push(Op::Put(keys::record(&id), row));
        let used = slots.iter().map(|slot| (slot.at, slot.cohort.clone())).collect();
        Ok(Sealed { ops, slots: used, cohort: head_slot.cohort.id })
    }
}

fn head_of(checked: &Checked<'_>, sections: Vec<SectionRef>, filed: Filed) -> Head {
    Head {
        collection: checked.spec.name.clone(),
        subject: checked.subject,
        collected_on: checked.collected_on,
        expires_on: checked.expires_on,
        zone: checked.zone,
        territory: checked.territory.clone(),
        restricted: false,
        attributes: checked.attributes.clone(),
        assignments: Vec::new(),
        sections,
        former: Vec::new(),
        filed: Some(filed),
    }
}

/// The expiry of a class with its own, shorter period. The pack refuses longer ones.
fn class_expiry(checked: &Checked<'_>, class: &ClassName) -> Option<NaiveDate> {
    let (_, period) = checked.spec.class_periods.iter().find(|(c, _)| c == class)?;
    let date = rule::expiry(checked.collected_on, *period, checked.expires_on);
    (date < checked.expires_on).then_some(date)
}

fn by_class(
    spec: &CollectionSpec,
    mut fields: Vec<(FieldName, Value)>,
) -> Vec<(ClassName, Vec<(FieldName, Value)>)> {
    let class_of =
        |name: &FieldName| spec.fields.iter().find(|f| f.name == *name).map(|f| &f.class);
    let mut classes = Vec::new();
    for class in &spec.classes {
        let (own, rest) = fields.into_iter().partition(|(name, _)| class_of(name) == Some(class));
        fields = rest;
        let own: Vec<(FieldName, Value)> = own;
        if !own.is_empty() {
            classes.push((class.clone(), own));
        }
    }
    classes
}

pub(super) fn territory(
    pack: &Pack,
    spec: &CollectionSpec,
    attributes: &[(FieldName, Value)],
) -> Result<Option<TerritoryName>, VaultError> {
    let Some(name) = pack.territory_attribute(&spec.name) else { return Ok(None) };
    let value = attributes.iter().find(|(n, _)| n == name).map(|(_, v)| v);
    let parsed = match value {
        None => return Ok(None),
        Some(Value::Text(text)) => TerritoryName::parse(text).ok(),
        Some(_) => None,
    };
    match parsed {
        Some(territory) if pack.has_territory(&territory) => Ok(Some(territory)),
        _ => Err(VaultError::Invalid(vec![Violation {
            path: format!("attributes.{name}"),
            reason: "is not a territory of the pack".to_owned(),
        }])),
    }
}
