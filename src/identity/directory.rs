//! The directory of agents: rows `g/agent/<id>` in the database, all of them in memory once open.
//!
//! A row's value is mac32 ‖ row bytes, checked on every load with the directory key, which only the
//! keyring holds; its bytes are kept as they were read and never encoded again. A mac says that this
//! vault wrote the row, not that it is the newest: the keyring's revocations say which revision is
//! the least that counts, and a row below it, or of a revoked agent, opens no door. So whoever
//! writes or restores the database can neither appoint nor reinstate anybody.
//!
//! INVARIANT: a row of revision above 1, or marked revoked, was followed by a keyring generation that
//! names it. Where a crash came between the two, the row is [`Standing::Ahead`] and the next opening
//! writes that generation.

use std::{collections::HashMap, sync::Arc};

use super::{AgentSummary, IdentityError, row::Agent};
use crate::{
    ids::AgentId,
    keyring::{Keyring, Revocation},
    limits,
    storage::{Store, keys},
};

/// The keyring, as far as the directory needs it.
pub(super) trait RowGuard {
    /// mac32 ‖ row bytes.
    fn mac_row(&self, row_key: &[u8], row: &[u8]) -> Vec<u8>;
    /// The row bytes if the mac holds.
    fn check_row<'a>(&self, row_key: &[u8], value: &'a [u8]) -> Option<&'a [u8]>;
    /// What the keyring says of this agent's rows.
    fn revocation(&self, agent: &AgentId) -> Option<Revocation>;
}

/// How a row stands against the keyring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// The row is the newest the keyring knows of.
    Current,
    /// The row is durable, the generation that makes older ones worthless is not: crash between.
    Ahead,
    /// The row is older than the keyring requires: replayed, or the database was restored.
    Stale,
}

/// An agent in memory.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) agent: Arc<Agent>,
    /// The row's value as it is in the database: the precondition of its next change.
    pub(super) value: Arc<[u8]>,
    pub(super) standing: Standing,
    /// The keyring says this agent is revoked, whatever the row says.
    revoked_in_keyring: bool,
}

/// All agents of this vault.
#[derive(Debug, Default)]
pub(super) struct Directory {
    agents: HashMap<AgentId, Entry>,
}

impl RowGuard for Keyring {
    fn mac_row(&self, row_key: &[u8], row: &[u8]) -> Vec<u8> {
        self.mac_row(row_key, row)
    }

    fn check_row<'a>(&self, row_key: &[u8], value: &'a [u8]) -> Option<&'a [u8]> {
        self.check_row(row_key, value)
    }

    fn revocation(&self, agent: &AgentId) -> Option<Revocation> {
        self.revocation(agent)
    }
}

// === impl Directory ===

impl Directory {
    /// Reads and checks every agent's row. Errors: `Tampered` with the row's agent id if a row does
    /// not verify or is not what its key says; `Unavailable` if storage cannot be read.
    pub(super) fn load(store: &dyn Store, guard: &impl RowGuard) -> Result<Self, IdentityError> {
        let mut directory = Self::default();
        let mut after: Option<Vec<u8>> = None;
        loop {
            let rows = store
                .scan(&keys::agents(), after.as_deref(), limits::PAGE_MAX)
                .map_err(|_| IdentityError::Unavailable)?;
            for (key, value) in &rows {
                let entry = Entry::read(key, value, guard)?;
                directory.agents.insert(entry.agent.id.clone(), entry);
            }
            match rows.into_iter().last() {
                Some((key, _)) => after = Some(key),
                None => return Ok(directory),
            }
        }
    }

    /// The agent, whatever its standing.
    pub(super) fn get(&self, agent: &AgentId) -> Option<&Entry> {
        self.agents.get(agent)
    }

    /// Every agent, in no order.
    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.agents.values()
    }

    /// Number of agents, revoked ones included.
    pub(super) fn len(&self) -> usize {
        self.agents.len()
    }

    /// Puts an agent whose row is durable in place of what was known of it.
    pub(super) fn put(&mut self, entry: Entry) {
        self.agents.insert(entry.agent.id.clone(), entry);
    }
}

// === impl Entry ===

impl Entry {
    /// Checks and decodes one row. Errors: `Tampered`.
    pub(super) fn read(
        key: &[u8],
        value: &[u8],
        guard: &impl RowGuard,
    ) -> Result<Self, IdentityError> {
        let tampered = || IdentityError::Tampered(named_by(key));
        let row = guard.check_row(key, value).ok_or_else(tampered)?;
        let agent = Agent::decode(row).ok_or_else(tampered)?;
        if keys::agent(agent.id.as_str()) != key {
            return Err(tampered());
        }
        let floor = guard.revocation(&agent.id);
        Ok(Self {
            standing: Standing::of(&agent, floor),
            revoked_in_keyring: floor.is_some_and(|f| f.revoked),
            value: value.into(),
            agent: Arc::new(agent),
        })
    }

    /// The entry of a row that is about to be written: its value, and `Ahead` where a generation
    /// must follow.
    pub(super) fn of(agent: Agent, guard: &impl RowGuard) -> Self {
        let value = guard.mac_row(&keys::agent(agent.id.as_str()), &agent.encode());
        let standing = Standing::of(&agent, guard.revocation(&agent.id));
        Self { agent: Arc::new(agent), value: value.into(), standing, revoked_in_keyring: false }
    }

    /// Whether the agent may log in and act at all (its habilitations aside).
    pub(super) fn is_usable(&self) -> bool {
        !self.is_revoked() && self.standing != Standing::Stale
    }

    /// Revoked, by its row or by the keyring.
    pub(super) fn is_revoked(&self) -> bool {
        self.agent.revoked || self.revoked_in_keyring
    }

    /// What the keyring must say of this row.
    pub(super) fn revocation(&self) -> Revocation {
        Revocation { min_revision: self.agent.revision, revoked: self.agent.revoked }
    }

    /// What a listing shows.
    pub(super) fn summary(&self) -> AgentSummary {
        AgentSummary {
            agent: self.agent.id.clone(),
            kind: self.agent.kind,
            display_name: self.agent.display_name.clone(),
            habilitations: self.agent.habilitations.clone(),
            revoked: self.is_revoked(),
            stale: self.standing == Standing::Stale,
            one_time_secret: self.agent.one_time,
            revision: self.agent.revision,
        }
    }
}

impl Standing {
    fn of(agent: &Agent, floor: Option<Revocation>) -> Self {
        // An agent the keyring does not know is not settled: a second first row would pass for it.
        let Some(floor) = floor else { return Self::Ahead };
        if agent.revision < floor.min_revision {
            Self::Stale
        } else if agent.revision > floor.min_revision.max(1) || (agent.revoked && !floor.revoked) {
            Self::Ahead
        } else {
            Self::Current
        }
    }
}

/// The agent id a row key spells, if it is one: the key is an outsider's text until proven.
fn named_by(key: &[u8]) -> String {
    let id = key.strip_prefix(keys::agents().as_slice());
    let text = id.and_then(|id| std::str::from_utf8(id).ok());
    text.and_then(|t| AgentId::parse(t).ok()).map_or_else(|| "?".into(), |id| id.to_string())
}

#[cfg(test)]
mod corruption;
#[cfg(test)]
mod tests;
