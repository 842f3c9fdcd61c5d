//! Answers: from the vault's results to the wire. Nothing is added, left out or reworded.

use crate::{
    audit::Alarm,
    clock::Timestamp,
    identity::{AgentKind, AgentSummary, Caller, Habilitation},
    ids::{ClassName, CollectionName, PurposeName, RecordId},
    keyring::PlaceClass,
    policy::{
        AttributeSpec, CollectionSpec, FieldSpec, FieldStatus, FieldType, Period, Value, Violation,
    },
    retention::{DueCohort, Preview, PurgeReport},
    server::status,
    vault::{
        Changed, Created, Cursor, Description, EraseAnswer, FieldAnswer, FindPage, KeyKind,
        KeyState, Matched, Revealed, RevealedItem, VaultError, VaultStatus, WorklistEntry,
        WorklistPage,
    },
    wire::api,
};

/// Answer to `Records.Create`.
pub(crate) fn created(created: &Created) -> api::CreateResponse {
    api::CreateResponse {
        record_id: created.record.as_bytes().to_vec(),
        subject_id: created.subject.as_bytes().to_vec(),
        version: created.version,
        expires_on: created.expires_on.to_string(),
        repeated: created.repeated,
    }
}

/// Answer to `Records.Reveal`.
pub(crate) fn revealed(revealed: Revealed) -> api::RevealResponse {
    api::RevealResponse {
        record_id: revealed.record.as_bytes().to_vec(),
        collection: revealed.collection.to_string(),
        version: revealed.version,
        expires_on: revealed.expires_on.to_string(),
        fields: revealed.fields.into_iter().map(field_answer).collect(),
        event_id: revealed.event.as_bytes().to_vec(),
    }
}

/// Answer to `Records.RevealMany`.
pub(crate) fn revealed_many(items: Vec<RevealedItem>) -> api::RevealManyResponse {
    let item = |RevealedItem { record, result }: RevealedItem| {
        let (shown, reason) = match result {
            Ok(shown) => (Some(revealed(shown)), String::new()),
            Err(error) => (None, status::item(&error).reason.as_str().to_owned()),
        };
        api::RevealItem { record_id: record.as_bytes().to_vec(), revealed: shown, reason }
    };
    api::RevealManyResponse { items: items.into_iter().map(item).collect() }
}

/// Answer to `Records.Erase`.
pub(crate) fn erased(answer: &EraseAnswer) -> api::EraseResponse {
    api::EraseResponse {
        generation: answer.generation,
        certificate_id: answer.certificate.map(|id| id.as_bytes().to_vec()).unwrap_or_default(),
        items: erased_items(answer),
        repeated: answer.repeated,
    }
}

/// Answer to `Records.Update`.
pub(crate) fn updated(changed: &Changed) -> api::UpdateResponse {
    api::UpdateResponse {
        version: changed.version,
        repeated: changed.repeated,
        certificate_id: changed.certificate.map(|id| id.as_bytes().to_vec()).unwrap_or_default(),
    }
}

/// Answer to `Rights.EraseSubject`.
pub(crate) fn erased_subject(answer: &EraseAnswer) -> api::EraseSubjectResponse {
    let erased = answer.items.iter().filter(|(_, result)| result.is_ok()).count();
    api::EraseSubjectResponse {
        records: u64::try_from(erased).unwrap_or(u64::MAX),
        generation: answer.generation,
        certificate_id: answer.certificate.map(|id| id.as_bytes().to_vec()).unwrap_or_default(),
        items: erased_items(answer),
        repeated: answer.repeated,
        more: answer.more,
    }
}

fn erased_items(answer: &EraseAnswer) -> Vec<api::ErasedItem> {
    let item = |(record, result): &(RecordId, Result<(), VaultError>)| {
        let refused = result.as_ref().err().map(|error| status::item(error).reason.as_str());
        let reason = refused.unwrap_or_default().to_owned();
        api::ErasedItem { record_id: record.as_bytes().to_vec(), reason }
    };
    answer.items.iter().map(item).collect()
}

/// Answer to one record of `Records.Import`.
pub(crate) fn imported(position: u64, result: Result<Created, VaultError>) -> api::ImportResponse {
    match result {
        Ok(filed) => api::ImportResponse {
            position,
            created: Some(created(&filed)),
            ..api::ImportResponse::default()
        },
        Err(error) => {
            let refused = status::item(&error);
            let violation =
                |v: Violation| api::FieldViolation { path: v.path, description: v.reason };
            api::ImportResponse {
                position,
                created: None,
                reason: refused.reason.as_str().to_owned(),
                violations: refused.violations.into_iter().map(violation).collect(),
                message: refused.message,
            }
        }
    }
}

/// Answer to `Records.Find`.
pub(crate) fn found(page: &FindPage) -> api::FindResponse {
    api::FindResponse {
        record_ids: page.records.iter().map(|id| id.as_bytes().to_vec()).collect(),
        cursor: page.next.map(Cursor::to_bytes).unwrap_or_default(),
        event_id: page.event.as_bytes().to_vec(),
    }
}

/// Answer to `Records.Match`.
pub(crate) fn matched(matched: &Matched) -> api::MatchResponse {
    let event_id = matched.event.as_bytes().to_vec();
    api::MatchResponse { matches: matched.matches, event_id, expired: matched.expired }
}

/// Answer to `Records.Worklist`.
pub(crate) fn worklist_page(page: WorklistPage) -> api::WorklistResponse {
    let attribute = |answer: FieldAnswer| {
        let given = field_answer(answer);
        given.value.map(|value| api::NamedValue { name: given.field, value: Some(value) })
    };
    let item = |entry: WorklistEntry| api::WorklistItem {
        record_id: entry.record.as_bytes().to_vec(),
        attributes: entry.attributes.into_iter().filter_map(attribute).collect(),
        expires_on: entry.expires_on.to_string(),
        version: entry.version,
    };
    api::WorklistResponse {
        items: page.entries.into_iter().map(item).collect(),
        cursor: page.next.map(Cursor::to_bytes).unwrap_or_default(),
        event_id: page.event.as_bytes().to_vec(),
    }
}

fn field_answer(answer: FieldAnswer) -> api::FieldAnswer {
    let status = match answer.status {
        FieldStatus::Value => api::FieldStatus::Value,
        FieldStatus::Masked => api::FieldStatus::Masked,
        FieldStatus::Denied => api::FieldStatus::Denied,
        FieldStatus::Absent => api::FieldStatus::Absent,
        FieldStatus::Expired => api::FieldStatus::Expired,
    };
    api::FieldAnswer {
        class: answer.class.to_string(),
        field: answer.field.to_string(),
        status: status.into(),
        // A status that shows nothing carries nothing, whatever a caller of this function passes.
        value: match answer.status {
            FieldStatus::Value | FieldStatus::Masked => answer.value.map(value),
            FieldStatus::Denied | FieldStatus::Absent | FieldStatus::Expired => None,
        },
        policies: answer.policies,
    }
}

/// One value.
pub(crate) fn value(value: Value) -> api::Value {
    use api::value::Kind;
    let kind = match value {
        Value::Text(text) => Kind::Text(text),
        Value::Integer(number) => Kind::Integer(number),
        Value::Date(date) => Kind::Date(date.to_string()),
        Value::Boolean(truth) => Kind::Boolean(truth),
    };
    api::Value { kind: Some(kind) }
}

/// Answer to `Records.Describe`.
pub(crate) fn description(description: &Description) -> api::DescribeResponse {
    let pack = &description.pack;
    let purpose = |(name, text): (PurposeName, String)| api::Purpose {
        excluded: pack.is_excluded_purpose(&name),
        name: name.to_string(),
        description: text,
    };
    let class = |(name, text): &(ClassName, String)| api::Class {
        name: name.to_string(),
        description: text.clone(),
    };
    let ability = |(collection, class, verbs): &(CollectionName, ClassName, Vec<String>)| {
        let (collection, class) = (collection.to_string(), class.to_string());
        api::Ability { collection, class, verbs: verbs.clone() }
    };
    api::DescribeResponse {
        pack_name: pack.name().to_owned(),
        pack_hash: pack.hash().to_vec(),
        end_date: pack.end_date().to_string(),
        zone: pack.zone().name().to_owned(),
        purposes: pack.purposes().into_iter().map(purpose).collect(),
        collections: pack.collections().iter().map(collection).collect(),
        abilities: description.abilities.iter().map(ability).collect(),
        classes: pack.classes().iter().map(class).collect(),
        caller: Some(caller(&description.caller)),
    }
}

fn caller(who: &Caller) -> api::CallerDescription {
    let of = &who.habilitation;
    api::CallerDescription {
        agent: who.agent.to_string(),
        role: of.role.to_string(),
        unit: of.unit.as_ref().map(ToString::to_string).unwrap_or_default(),
        territory: of.territory.as_ref().map(ToString::to_string).unwrap_or_default(),
    }
}

/// One collection, as Describe shows it.
pub(crate) fn collection(spec: &CollectionSpec) -> api::Collection {
    let field = |f: &FieldSpec| api::FieldDescription {
        name: f.name.to_string(),
        class: f.class.to_string(),
        r#type: Some(value_type(&f.kind)),
        required: f.required,
        searchable: f.searchable,
        mask: f.mask.word().to_owned(),
    };
    let attribute = |a: &AttributeSpec| api::AttributeDescription {
        name: a.name.to_string(),
        r#type: Some(value_type(&a.kind)),
        required: a.required,
    };
    let class_period = |(class, p): &(ClassName, Period)| api::ClassPeriod {
        class: class.to_string(),
        period: period(*p),
    };
    api::Collection {
        name: spec.name.to_string(),
        label: spec.label.clone(),
        period: period(spec.period),
        fields: spec.fields.iter().map(field).collect(),
        attributes: spec.attributes.iter().map(attribute).collect(),
        class_periods: spec.class_periods.iter().map(class_period).collect(),
    }
}

fn value_type(kind: &FieldType) -> api::ValueType {
    use api::ValueKind as K;
    let mut out = api::ValueType::default();
    let kind = match kind {
        FieldType::Text { max_bytes } => {
            out.max_bytes = u32::try_from(*max_bytes).unwrap_or(u32::MAX);
            K::Text
        }
        FieldType::Note { max_bytes } => {
            out.max_bytes = u32::try_from(*max_bytes).unwrap_or(u32::MAX);
            K::Note
        }
        FieldType::Reference { to } => {
            out.collection = to.to_string();
            K::Reference
        }
        FieldType::Name => K::Name,
        FieldType::Date => K::Date,
        FieldType::Nir => K::Nir,
        FieldType::Phone => K::Phone,
        FieldType::Email => K::Email,
        FieldType::Postcode => K::Postcode,
        FieldType::Code { values } => {
            out.codes = values.clone();
            K::Code
        }
        FieldType::Integer { min, max } => {
            (out.min, out.max) = (*min, *max);
            K::Integer
        }
        FieldType::Boolean => K::Boolean,
    };
    out.set_kind(kind);
    out
}

/// ISO 8601, months and days.
fn period(period: Period) -> String {
    match (period.months, period.days) {
        (0, days) => format!("P{days}D"),
        (months, 0) => format!("P{months}M"),
        (months, days) => format!("P{months}M{days}D"),
    }
}

/// Answer to `Retention.PreviewPurge`.
pub(crate) fn preview(preview: &Preview) -> api::PreviewPurgeResponse {
    api::PreviewPurgeResponse {
        cutoff_ms: preview.cutoff.as_millis(),
        cohorts: preview.cohorts.iter().map(cohort).collect(),
        holds: count(preview.holds),
    }
}

/// Answer to `Retention.RunPurge`.
pub(crate) fn purged(report: PurgeReport) -> api::RunPurgeResponse {
    api::RunPurgeResponse {
        certificate_id: report.certificate.map(|id| id.as_bytes().to_vec()).unwrap_or_default(),
        generation_before: report.generation_before,
        generation_after: report.generation_after,
        cohorts: report.cohorts.iter().map(cohort).collect(),
        records: report.records,
        sections: report.sections,
        index_rows: report.index_rows,
        events: report.events,
        skipped: report.skipped.unwrap_or_default(),
    }
}

fn cohort(due: &DueCohort) -> api::Cohort {
    api::Cohort {
        cohort_id: due.cohort.as_bytes().to_vec(),
        collection: due.collection.to_string(),
        expires_on: due.expires_on.to_string(),
        zone: due.zone.clone(),
        segments: count(due.segments),
        records: due.records,
    }
}

/// One habilitation.
pub(crate) fn habilitation(h: &Habilitation) -> api::Habilitation {
    let text = |o: &Option<String>| o.clone().unwrap_or_default();
    api::Habilitation {
        role: h.role.to_string(),
        unit: h.unit.as_ref().map(ToString::to_string).unwrap_or_default(),
        territory: h.territory.as_ref().map(ToString::to_string).unwrap_or_default(),
        valid_from: h.valid_from.to_string(),
        valid_to: h.valid_to.to_string(),
        authority: h.authority.clone(),
        profession: text(&h.profession),
        sworn: h.sworn,
        undertaking_on: h.undertaking_on.map(|d| d.to_string()).unwrap_or_default(),
        undertaking_ref: text(&h.undertaking_ref),
    }
}

/// One agent, as List shows it.
pub(crate) fn agent(agent: &AgentSummary) -> api::Agent {
    let kind = match agent.kind {
        AgentKind::Person => api::AgentKind::Person,
        AgentKind::Service => api::AgentKind::Service,
    };
    api::Agent {
        agent: agent.agent.to_string(),
        kind: kind.into(),
        display_name: agent.display_name.clone(),
        habilitations: agent.habilitations.iter().map(habilitation).collect(),
        revoked: agent.revoked,
        one_time_secret: agent.one_time_secret,
        revision: agent.revision,
    }
}

/// Answer to `Admin.Status`.
pub(crate) fn status(status: &VaultStatus) -> api::StatusResponse {
    let place = |p: &crate::keyring::PlaceStatus| api::Place {
        place_id: p.id.as_bytes().to_vec(),
        class: place_class(p.class).into(),
        stale: p.stale,
        description: p.describe.clone(),
    };
    api::StatusResponse {
        vault_name: status.vault_name.clone(),
        node: status.node.clone(),
        class: place_class(status.class).into(),
        places: status.places.iter().map(place).collect(),
        generation: status.generation,
        log_origin: status.log_origin,
        log_size: status.log_size,
        log_writable: status.log_writable,
        pack_name: status.pack_name.clone(),
        pack_hash: status.pack_hash.to_vec(),
        overdue_ms: status.overdue_ms,
        clock_tripped: status.clock_tripped,
        open_alarms: count(status.open_alarms),
        live_cohorts: u64::from(count(status.live_cohorts)),
        live_segments: u64::from(count(status.live_segments)),
        log_verifier_key: status.log_verifier_key.clone(),
        certificate_verifier_key: status.certificate_verifier_key.clone(),
        swap_accepted: status.swap_accepted,
        now_ms: status.now.as_millis(),
        end_date_passed: status.end_date_passed,
        keys: status.keys.iter().map(key).collect(),
        holds: status.holds.iter().map(super::second::hold).collect(),
    }
}

fn key(key: &KeyState) -> api::Key {
    let kind = match key.kind {
        KeyKind::Root => api::KeyKind::Root,
        KeyKind::Generation => api::KeyKind::Generation,
        KeyKind::Log => api::KeyKind::Log,
        KeyKind::Certificate => api::KeyKind::Certificate,
        KeyKind::Directory => api::KeyKind::Directory,
    };
    api::Key { kind: kind.into(), since_ms: key.since.map_or(0, Timestamp::as_millis) }
}

fn place_class(class: PlaceClass) -> api::PlaceClass {
    match class {
        PlaceClass::L0 => api::PlaceClass::L0,
        PlaceClass::L1 => api::PlaceClass::L1,
        PlaceClass::L2 => api::PlaceClass::L2,
        PlaceClass::L3 => api::PlaceClass::L3,
    }
}

/// One alarm.
pub(crate) fn alarm(alarm: &Alarm) -> api::Alarm {
    let (by, at) = match &alarm.acknowledged {
        Some((agent, at)) => (agent.to_string(), at.as_millis()),
        None => (String::new(), 0),
    };
    api::Alarm {
        alarm_id: alarm.id.as_bytes().to_vec(),
        kind: alarm.kind.clone(),
        raised_at_ms: alarm.raised_at.as_millis(),
        note: alarm.note.clone(),
        acknowledged_by: by,
        acknowledged_at_ms: at,
    }
}

/// Counts on the wire are 32 bits wide; none of ours comes near.
fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
