//! Create: seal a new record and make it durable together with its audit event.
//!
//! The order is DESIGN section 3: decide → slot from an open segment → seal head and sections → one
//! atomic durable commit → answer. Invariants: the collection date is set here, once; what is already
//! due is refused, never stored; no key and nothing in clear about the person reaches a row.

use std::sync::Arc;

use chrono::NaiveDate;
use chrono_tz::Tz;

use crate::{
    audit::{AuditError, AuditLog, EventDraft},
    crypto::section::SectionAddress,
    identity::Caller,
    ids::{ClassName, FieldName, RecordId, SlotRef, SubjectId, TerritoryName},
    keyring::{CohortInfo, CohortKey, Slot},
    limits,
    policy::{CollectionSpec, Pack, RequestContext, Resource, Value, Verb, Violation},
    retention::{RetentionError, rule},
    storage::{Group, Op, Precondition, keys},
};

use super::{
    CreateInput, Created, Intent, VaultError,
    disclose::{ATTRIBUTES, seal_fields},
    head::{Head, SectionRef},
    request::{self, OK},
    segments::Segments,
    tokens::Tokens,
};

/// A new record's version.
const FIRST: u32 = 1;

/// What a create touches: the log (rows, keys, time) and the open segments.
#[derive(Clone)]
pub(crate) struct Create {
    pub(crate) log: Arc<AuditLog>,
    pub(crate) segments: Arc<Segments>,
}

/// An input that was checked against the pack.
struct Checked<'p> {
    spec: &'p CollectionSpec,
    subject: SubjectId,
    collected_on: NaiveDate,
    expires_on: NaiveDate,
    zone: Tz,
    territory: Option<TerritoryName>,
    attributes: Vec<(FieldName, Value)>,
    /// Fields by class, classes in the pack's order.
    classes: Vec<(ClassName, Vec<(FieldName, Value)>)>,
}

/// Everything of a new record that one commit writes.
struct Sealed {
    group: Group,
    slots: Vec<(SlotRef, CohortInfo)>,
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
        match self.run(pack, who, why, (id, input), &mut event).await {
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
        pack: &Pack,
        who: &Caller,
        why: &Intent,
        (id, input): (RecordId, CreateInput),
        event: &mut EventDraft,
    ) -> Result<Created, VaultError> {
        request::check_intent(pack, why)?;
        event.collection = pack.collection(&input.collection).map(|spec| spec.name.clone());
        let checked = self.check(pack, input)?;
        event.subject = Some(checked.subject);
        event.asked = checked.classes.iter().map(|(class, _)| class.to_string()).collect();

        // 1. Decide. Nothing is written: a crash leaves nothing.
        self.decide(pack, who, why, id, &checked, event)?;
        // 2. Slots of open segments. A crash burns the leaves, nothing else.
        let slots = self.slots(&checked).await?;
        // 3. Seal head and sections.
        let sealed = self.seal(id, &checked, slots)?;
        // 4. Rows, index rows, leaf and detail in one atomic durable commit: all or nothing.
        event.outcome = OK.to_owned();
        let event = self.log.seal(event)?;
        match self.log.commit(sealed.group, &sealed.slots, event).await {
            Ok(_receipt) => {}
            Err(AuditError::Rejected) => return Err(VaultError::VersionMismatch),
            Err(error) => return Err(error.into()),
        }
        // 5. Answer.
        Ok(Created {
            record: id,
            subject: checked.subject,
            version: FIRST,
            expires_on: checked.expires_on,
            repeated: false,
        })
    }

    fn check<'p>(&self, pack: &'p Pack, input: CreateInput) -> Result<Checked<'p>, VaultError> {
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
            classes: by_class(spec, fields),
        };
        // A class past its own, shorter period is refused too: nothing due is ever stored.
        let dates = checked.classes.iter().filter_map(|(class, _)| class_expiry(&checked, class));
        if dates.into_iter().any(|date| date <= today) {
            return Err(RetentionError::AlreadyExpired.into());
        }
        Ok(checked)
    }

    /// The latest date that may be today: a clock that ran ahead of its guard must not let data in
    /// whose period would end too late.
    fn latest_today(&self, zone: Tz) -> NaiveDate {
        let ceiling = self.log.state().clock_floor.plus_millis(limits::CLOCK_AHEAD_MS);
        self.log.clock().now().min(ceiling).date_in(zone)
    }

    fn decide(
        &self,
        pack: &Pack,
        who: &Caller,
        why: &Intent,
        id: RecordId,
        checked: &Checked<'_>,
        event: &mut EventDraft,
    ) -> Result<(), VaultError> {
        let resource = Resource {
            record: id,
            collection: &checked.spec.name,
            territory: checked.territory.as_ref(),
            attributes: &checked.attributes,
            assigned_agents: &[],
            assigned_units: &[],
            restricted: false,
            held: false,
        };
        let context = RequestContext {
            purpose: &why.purpose,
            now: self.log.civil_now(),
            justification: why.justification.is_some(),
            recent_reveals: 0,
            assignee_agent: None,
            assignee_unit: None,
        };
        // Asked once per class it would write, and for the attributes.
        let mut classes: Vec<ClassName> = checked.classes.iter().map(|(c, _)| c.clone()).collect();
        classes.extend(ClassName::parse(ATTRIBUTES).ok());
        let decision = pack.decide(who, Verb::Create, &resource, &classes, &context);
        request::note_decision(event, &decision.classes);
        if decision.all_allowed() {
            return Ok(());
        }
        Err(VaultError::denied(&decision))
    }

    /// The head's slot first, then one for each shorter class period.
    async fn slots(&self, checked: &Checked<'_>) -> Result<Vec<(CohortKey, Slot)>, VaultError> {
        let mut slots: Vec<(CohortKey, Slot)> = Vec::new();
        let head = self.cohort_key(checked, checked.expires_on);
        let own = checked
            .classes
            .iter()
            .filter_map(|(class, _)| class_expiry(checked, class))
            .map(|date| self.cohort_key(checked, date));
        for key in std::iter::once(head).chain(own) {
            if slots.iter().all(|(known, _)| *known != key) {
                let slot = self.segments.hand_out(&key).await?;
                slots.push((key, slot));
            }
        }
        Ok(slots)
    }

    fn cohort_key(&self, checked: &Checked<'_>, expires_on: NaiveDate) -> CohortKey {
        CohortKey { collection: checked.spec.name.clone(), expires_on, zone: checked.zone }
    }

    fn seal(
        &self,
        id: RecordId,
        checked: &Checked<'_>,
        slots: Vec<(CohortKey, Slot)>,
    ) -> Result<Sealed, VaultError> {
        let (keyring, random) = (self.log.keyring(), self.log.random().as_ref());
        let tokens = Tokens { keyring, collection: &checked.spec.name, record: id };
        let Some((_, head_slot)) = slots.first() else {
            return Err(VaultError::Corrupt("slot"));
        };
        let mut ops = Vec::new();
        let mut index = tokens.subject(&head_slot.cohort.id, &checked.subject);
        let mut sections = Vec::new();
        for (class, fields) in &checked.classes {
            let date = class_expiry(checked, class).unwrap_or(checked.expires_on);
            let key = self.cohort_key(checked, date);
            let (_, slot) =
                slots.iter().find(|(k, _)| *k == key).ok_or(VaultError::Corrupt("slot"))?;
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
        let head = head_of(checked, sections);
        let at = (&head_slot.at, &head_slot.secret, &head_slot.cohort);
        let row = head.seal_row(id, FIRST, at, index, keyring, random)?;
        ops.push(Op::Put(keys::record(&id), row));
        let used = slots.iter().map(|(_, slot)| (slot.at, slot.cohort.clone())).collect();
        let preconditions = vec![Precondition::Absent(keys::record(&id))];
        Ok(Sealed { group: Group { preconditions, ops }, slots: used })
    }
}

fn head_of(checked: &Checked<'_>, sections: Vec<SectionRef>) -> Head {
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
