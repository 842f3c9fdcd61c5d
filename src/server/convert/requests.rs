//! Requests of every service but `Records`: from the wire to the vault's inputs.

use chrono::NaiveDate;

use super::check::{Check, optional_time, page_size};
use crate::{
    audit::EventFilter,
    identity::{AgentKind, Habilitation, NewAgent},
    ids::{
        AgentId, AlarmId, CertificateId, RecordId, RoleName, SubjectId, TerritoryName, UnitName,
    },
    limits,
    vault::VaultError,
    wire::api,
};

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
    let limit = page_size(request.page_size, limits::PAGE_MAX)?;
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
