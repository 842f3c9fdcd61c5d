//! Requests: from the wire to the vault's inputs.

use chrono::NaiveDate;

use super::check::{Check, at_most, optional_time};
use crate::{
    audit::EventFilter,
    identity::{AgentKind, Habilitation, NewAgent},
    ids::{
        AgentId, AlarmId, CertificateId, ClassName, CollectionName, PurposeName, RecordId,
        RequestId, RoleName, SubjectId, TerritoryName, UnitName,
    },
    limits,
    vault::{AssignInput, Assignee, CreateInput, Intent, RevealInput, UpdateInput, VaultError},
    wire::api,
};

/// `Records.Create`.
pub(crate) fn create(request: api::CreateRequest) -> Result<(Intent, CreateInput), VaultError> {
    at_most(&request.attributes, limits::FIELDS_PER_RECORD_MAX, "attributes")?;
    at_most(&request.fields, limits::FIELDS_PER_RECORD_MAX, "fields")?;
    let mut check = Check::default();
    let why = intent(&mut check, request.intent);
    let collection = check.name("collection", &request.collection, CollectionName::parse);
    let subject = check.optional_id("subject_id", &request.subject_id, SubjectId::from_slice);
    let collected_on = check.date("collected_on", &request.collected_on);
    let read = |check: &mut Check, path: &str, item: api::NamedValue| {
        (item.name, check.value(path, item.value))
    };
    let attributes = check.named("attributes", request.attributes, read);
    let fields = check.named("fields", request.fields, read);
    let (Some(why), Some(collection), Some(collected_on)) = (why, collection, collected_on) else {
        return Err(check.refused());
    };
    check.done()?;
    Ok((why, CreateInput { collection, subject, collected_on, attributes, fields }))
}

/// `Records.Reveal`.
pub(crate) fn reveal(request: api::RevealRequest) -> Result<(Intent, RevealInput), VaultError> {
    at_most(&request.classes, limits::CLASSES_PER_REVEAL_MAX, "classes")?;
    let mut check = Check::default();
    let why = intent(&mut check, request.intent);
    let record = check.id("record_id", &request.record_id, RecordId::from_slice);
    let mut classes = Vec::with_capacity(request.classes.len());
    for (position, text) in request.classes.iter().enumerate() {
        let path = format!("classes[{position}]");
        let Some(class) = check.name(&path, text, ClassName::parse) else { continue };
        if classes.contains(&class) {
            check.refuse(path, "is given twice");
        } else {
            classes.push(class);
        }
    }
    if request.classes.is_empty() {
        check.refuse("classes", "name at least one class: what the task needs");
    }
    let (Some(why), Some(record)) = (why, record) else { return Err(check.refused()) };
    check.done()?;
    Ok((why, RevealInput { record, classes }))
}

/// `Records.Update`.
pub(crate) fn update(request: api::UpdateRequest) -> Result<(Intent, UpdateInput), VaultError> {
    at_most(&request.attributes, limits::FIELDS_PER_RECORD_MAX, "attributes")?;
    at_most(&request.fields, limits::FIELDS_PER_RECORD_MAX, "fields")?;
    let mut check = Check::default();
    let why = intent(&mut check, request.intent);
    let record = check.id("record_id", &request.record_id, RecordId::from_slice);
    if request.attributes.is_empty() && request.fields.is_empty() {
        check.refuse("fields", "give at least one change");
    }
    let read = |check: &mut Check, path: &str, item: api::ValueChange| match item.value {
        None => (item.name, Some(None)),
        given => (item.name, check.value(path, given).map(Some)),
    };
    let attributes = check.named("attributes", request.attributes, read);
    let fields = check.named("fields", request.fields, read);
    let (Some(why), Some(record)) = (why, record) else { return Err(check.refused()) };
    check.done()?;
    let expected_version = request.expected_version;
    Ok((why, UpdateInput { record, expected_version, attributes, fields }))
}

/// `Records.Assign`.
pub(crate) fn assign(request: api::AssignRequest) -> Result<(Intent, AssignInput), VaultError> {
    let mut check = Check::default();
    let why = intent(&mut check, request.intent);
    let record = check.id("record_id", &request.record_id, RecordId::from_slice);
    let to = assignee(&mut check, "to", request.to);
    if request.until_ms < 0 {
        check.refuse("until_ms", "is an instant after 1970, or 0");
    }
    let (Some(why), Some(record), Some(to)) = (why, record, to) else {
        return Err(check.refused());
    };
    check.done()?;
    Ok((why, AssignInput { record, to, until: optional_time(request.until_ms) }))
}

/// `Records.Unassign`.
pub(crate) fn unassign(
    request: api::UnassignRequest,
) -> Result<(Intent, RecordId, Assignee), VaultError> {
    let mut check = Check::default();
    let why = intent(&mut check, request.intent);
    let record = check.id("record_id", &request.record_id, RecordId::from_slice);
    let from = assignee(&mut check, "from", request.from);
    let (Some(why), Some(record), Some(from)) = (why, record, from) else {
        return Err(check.refused());
    };
    check.done()?;
    Ok((why, record, from))
}

/// The filter, the cursor (origin, leaf) and the page's size of a listing.
pub(crate) type EventQuery = (EventFilter, Option<(u32, u64)>, usize);

/// `Audit.ListEvents`.
pub(crate) fn list_events(request: api::ListEventsRequest) -> Result<EventQuery, VaultError> {
    let mut check = Check::default();
    let filter = EventFilter {
        agent: check.optional_name("agent", &request.agent, AgentId::parse),
        record: check.optional_id("record_id", &request.record_id, RecordId::from_slice),
        subject: check.optional_id("subject_id", &request.subject_id, SubjectId::from_slice),
        kind: check.optional_label("kind", request.kind),
        since: optional_time(request.since_ms),
        until: optional_time(request.until_ms),
    };
    let limit = page_size(request.page_size)?;
    check.done()?;
    Ok((filter, request.after.map(|at| (at.k, at.n)), limit))
}

/// `Agents.Create`.
pub(crate) fn new_agent(request: api::CreateAgentRequest) -> Result<NewAgent, VaultError> {
    let mut check = Check::default();
    let agent = check.name("agent", &request.agent, AgentId::parse);
    let kind = match request.kind() {
        api::AgentKind::Person => Some(AgentKind::Person),
        api::AgentKind::Service => Some(AgentKind::Service),
        api::AgentKind::Unspecified => {
            check.refuse("kind", "is PERSON or SERVICE");
            None
        }
    };
    let display_name = check.label("display_name", request.display_name);
    let habilitation = habilitation(&mut check, request.habilitation);
    let (Some(agent), Some(kind), Some(display_name), Some(habilitation)) =
        (agent, kind, display_name, habilitation)
    else {
        return Err(check.refused());
    };
    check.done()?;
    Ok(NewAgent { agent, kind, display_name, habilitation })
}

/// `Agents.Revoke`.
pub(crate) fn agent_id(text: &str) -> Result<AgentId, VaultError> {
    let mut check = Check::default();
    check.name("agent", text, AgentId::parse).ok_or_else(|| check.refused())
}

/// `Retention.GetCertificate`: none = the newest.
pub(crate) fn certificate_id(bytes: &[u8]) -> Result<Option<CertificateId>, VaultError> {
    let mut check = Check::default();
    let id = check.optional_id("certificate_id", bytes, CertificateId::from_slice);
    check.done().map(|()| id)
}

/// `Admin.AckAlarm`.
pub(crate) fn alarm_id(bytes: &[u8]) -> Result<AlarmId, VaultError> {
    let mut check = Check::default();
    check.id("alarm_id", bytes, AlarmId::from_slice).ok_or_else(|| check.refused())
}

/// `Admin.ConfirmClock`.
pub(crate) fn clock_date(text: &str) -> Result<NaiveDate, VaultError> {
    let mut check = Check::default();
    check.date("date", text).ok_or_else(|| check.refused())
}

/// A secret that a caller sent, bounded before anything looks at it.
pub(crate) fn secret(path: &str, text: String) -> Result<crate::secret::SecretBytes, VaultError> {
    let mut check = Check::default();
    let length = text.len();
    let secret = crate::secret::SecretBytes::new(text.into_bytes());
    if length > limits::SECRET_BYTES_MAX {
        check.refuse(path, format!("is at most {} bytes", limits::SECRET_BYTES_MAX));
    }
    check.done().map(|()| secret)
}

fn page_size(asked: u32) -> Result<usize, VaultError> {
    match usize::try_from(asked).unwrap_or(usize::MAX) {
        0 => Ok(limits::PAGE_DEFAULT),
        n if n <= limits::PAGE_MAX => Ok(n),
        _ => Err(VaultError::TooMany { what: "events on a page", limit: limits::PAGE_MAX }),
    }
}

fn intent(check: &mut Check, given: Option<api::Intent>) -> Option<Intent> {
    let Some(given) = given else {
        check.refuse("intent", "state the purpose of the call");
        return None;
    };
    let purpose = check.name("intent.purpose", &given.purpose, PurposeName::parse);
    if given.justification.len() > limits::JUSTIFICATION_BYTES_MAX {
        let limit = limits::JUSTIFICATION_BYTES_MAX;
        check.refuse("intent.justification", format!("is at most {limit} bytes"));
    }
    let request = check.optional_id("intent.request_id", &given.request_id, RequestId::from_slice);
    let justification = Some(given.justification).filter(|text| !text.trim().is_empty());
    Some(Intent { purpose: purpose?, justification, request })
}

fn assignee(check: &mut Check, path: &str, given: Option<api::Assignee>) -> Option<Assignee> {
    use api::assignee::Kind;
    match given.and_then(|a| a.kind) {
        Some(Kind::Agent(name)) => {
            check.name(&format!("{path}.agent"), &name, AgentId::parse).map(Assignee::Agent)
        }
        Some(Kind::Unit(name)) => {
            check.name(&format!("{path}.unit"), &name, UnitName::parse).map(Assignee::Unit)
        }
        None => {
            check.refuse(path, "name an agent or a unit");
            None
        }
    }
}

fn habilitation(check: &mut Check, given: Option<api::Habilitation>) -> Option<Habilitation> {
    let Some(h) = given else {
        check.refuse("habilitation", "an agent needs a role, from-to, given by somebody");
        return None;
    };
    let role = check.name("habilitation.role", &h.role, RoleName::parse);
    let unit = check.optional_name("habilitation.unit", &h.unit, UnitName::parse);
    let territory =
        check.optional_name("habilitation.territory", &h.territory, TerritoryName::parse);
    let valid_from = check.date("habilitation.valid_from", &h.valid_from);
    let valid_to = check.date("habilitation.valid_to", &h.valid_to);
    if valid_from.zip(valid_to).is_some_and(|(from, to)| from > to) {
        check.refuse("habilitation.valid_to", "lies before valid_from");
    }
    let authority = check.label("habilitation.authority", h.authority);
    let profession = check.optional_label("habilitation.profession", h.profession);
    let undertaking_on = check.optional_date("habilitation.undertaking_on", &h.undertaking_on);
    let undertaking_ref = check.optional_label("habilitation.undertaking_ref", h.undertaking_ref);
    Some(Habilitation {
        role: role?,
        unit,
        territory,
        valid_from: valid_from?,
        valid_to: valid_to?,
        authority: authority?,
        profession,
        sworn: h.sworn,
        undertaking_on,
        undertaking_ref,
    })
}
