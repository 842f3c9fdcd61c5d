//! One agent's row: its fields, and their stored form (`store::AgentRow`). No mac, no storage.
//!
//! The only file that knows the stored messages of the directory. Reading is strict: an id, a date or
//! a kind that does not parse makes the whole row unreadable, never a default.

use chrono::NaiveDate;
use prost::Message;

use super::{AgentKind, Habilitation};
use crate::{
    clock::Timestamp,
    ids::{AgentId, RoleName, TerritoryName, UnitName},
    wire::store,
};

/// One agent as its row says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Agent {
    pub(super) id: AgentId,
    pub(super) kind: AgentKind,
    pub(super) display_name: String,
    pub(super) habilitations: Vec<Habilitation>,
    pub(super) secret_phc: String,
    pub(super) one_time: bool,
    pub(super) revoked: bool,
    /// From 1, plus 1 at every write.
    pub(super) revision: u64,
    pub(super) created_at: Timestamp,
    pub(super) created_by: Option<AgentId>,
}

// === impl Agent ===

impl Agent {
    /// The first habilitation valid on this day; `today` gives the civil date for its territory.
    pub(super) fn habilitation(
        &self,
        today: impl Fn(Option<&TerritoryName>) -> NaiveDate,
    ) -> Option<&Habilitation> {
        self.habilitations.iter().find(|h| h.is_valid_on(today(h.territory.as_ref())))
    }

    /// The row's bytes, before the mac.
    pub(super) fn encode(&self) -> Vec<u8> {
        store::AgentRow {
            agent_id: self.id.to_string(),
            revision: self.revision,
            kind: match self.kind {
                AgentKind::Person => 1,
                AgentKind::Service => 2,
            },
            display_name: self.display_name.clone(),
            habilitations: self.habilitations.iter().map(encode_habilitation).collect(),
            secret_phc: self.secret_phc.clone(),
            one_time_secret: self.one_time,
            revoked: self.revoked,
            created_at_ms: self.created_at.as_millis(),
            created_by: self.created_by.as_ref().map(ToString::to_string).unwrap_or_default(),
        }
        .encode_to_vec()
    }

    /// Reads a row's bytes; `None` if any part is not what this version writes.
    pub(super) fn decode(row: &[u8]) -> Option<Self> {
        let row = store::AgentRow::decode(row).ok()?;
        let kind = match row.kind {
            1 => AgentKind::Person,
            2 => AgentKind::Service,
            _ => return None,
        };
        let habilitations = row.habilitations.into_iter().map(decode_habilitation);
        Some(Self {
            id: AgentId::parse(&row.agent_id).ok()?,
            kind,
            display_name: row.display_name,
            habilitations: habilitations.collect::<Option<_>>()?,
            secret_phc: row.secret_phc,
            one_time: row.one_time_secret,
            revoked: row.revoked,
            revision: (row.revision > 0).then_some(row.revision)?,
            created_at: Timestamp::from_millis(row.created_at_ms),
            created_by: optional(&row.created_by, AgentId::parse)?,
        })
    }
}

fn encode_habilitation(h: &Habilitation) -> store::Habilitation {
    let text = |t: &Option<String>| t.clone().unwrap_or_default();
    store::Habilitation {
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

fn decode_habilitation(row: store::Habilitation) -> Option<Habilitation> {
    let filled = |text: String| (!text.is_empty()).then_some(text);
    Some(Habilitation {
        role: RoleName::parse(&row.role).ok()?,
        unit: optional(&row.unit, UnitName::parse)?,
        territory: optional(&row.territory, TerritoryName::parse)?,
        valid_from: row.valid_from.parse().ok()?,
        valid_to: row.valid_to.parse().ok()?,
        authority: row.authority,
        profession: filled(row.profession),
        sworn: row.sworn,
        undertaking_on: optional(&row.undertaking_on, str::parse::<NaiveDate>)?,
        undertaking_ref: filled(row.undertaking_ref),
    })
}

/// Empty text is "none"; other text must parse.
fn optional<T, E>(text: &str, parse: impl Fn(&str) -> Result<T, E>) -> Option<Option<T>> {
    if text.is_empty() { Some(None) } else { parse(text).ok().map(Some) }
}
