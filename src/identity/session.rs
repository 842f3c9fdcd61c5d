//! Sessions: opaque tokens, kept as hashes, in memory only. A restart ends them all.
//!
//! A token is 32 random bytes (base64url on the wire, which is the server's trade); only its SHA-256
//! is kept, so that the table of sessions yields none that can be used. A session is bound
//! to the revision of the agent's row it was opened under: any later change of that row (secret,
//! revocation) ends it even if it were not removed. The table is bounded.

use std::collections::HashMap;

use parking_lot::Mutex;
use sha2::{Digest, Sha256};

use crate::{
    clock::Timestamp,
    ids::AgentId,
    limits,
    random::Random,
    secret::{Secret, SecretBytes},
};

/// Bytes of a token.
const TOKEN_BYTES: usize = 32;

/// One open session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Session {
    /// Who logged in.
    pub(super) agent: AgentId,
    /// Revision of the agent's row whose secret was shown.
    pub(super) revision: u64,
    /// Opened with a one-time secret: good for changing it and for logging out.
    pub(super) one_time: bool,
    /// When it was opened.
    pub(super) opened_at: Timestamp,
    /// When it was last used.
    pub(super) seen_at: Timestamp,
}

impl Session {
    /// Last instant, whatever is done with it.
    pub(super) fn expires_at(&self) -> Timestamp {
        self.opened_at.plus_millis(limits::SESSION_LIFE_MS)
    }

    fn is_over(&self, now: Timestamp) -> bool {
        let idle_end = self.seen_at.plus_millis(limits::SESSION_IDLE_MS);
        // Opened under a clock that has been set back since: its age is not known any more.
        let from_the_future = self.opened_at > now.plus_millis(limits::CLOCK_BACK_MS);
        now >= idle_end || now >= self.expires_at() || from_the_future
    }
}

/// All open sessions of this process.
#[derive(Default)]
pub(super) struct Sessions {
    table: Mutex<HashMap<[u8; 32], Session>>,
}

impl Sessions {
    /// Opens a session and returns its token; `None` if [`limits::SESSIONS_MAX`] are open. Above
    /// [`limits::SESSIONS_PER_AGENT_MAX`] the agent's own session that was idle longest ends.
    pub(super) fn open(
        &self,
        agent: AgentId,
        revision: u64,
        one_time: bool,
        now: Timestamp,
        random: &dyn Random,
    ) -> Option<(SecretBytes, Session)> {
        let raw = Secret::<TOKEN_BYTES>::make(random);
        // EXPOSE: the token is what the client gets; both copies are wiped on drop.
        let token = SecretBytes::new(raw.expose().to_vec());
        // EXPOSE: hashed at once; only the hash is kept.
        let name = token_hash(token.expose())?;
        let session = Session { agent, revision, one_time, opened_at: now, seen_at: now };
        let mut table = self.table.lock();
        if table.len() >= limits::SESSIONS_MAX {
            table.retain(|_, s| !s.is_over(now));
        }
        let of_agent = || table.iter().filter(|(_, s)| s.agent == session.agent);
        if of_agent().count() >= limits::SESSIONS_PER_AGENT_MAX {
            let idlest = of_agent().min_by_key(|(_, s)| s.seen_at).map(|(k, _)| *k);
            idlest.and_then(|k| table.remove(&k));
        }
        if table.len() >= limits::SESSIONS_MAX {
            return None;
        }
        table.insert(name, session.clone());
        Some((token, session))
    }

    /// The session of this token, marked as used now. One that is over ends here.
    pub(super) fn touch(&self, token: &[u8], now: Timestamp) -> Option<Session> {
        let name = token_hash(token)?;
        let mut table = self.table.lock();
        if table.get(&name)?.is_over(now) {
            table.remove(&name);
            return None;
        }
        let session = table.get_mut(&name)?;
        session.seen_at = now.max(session.opened_at);
        Some(session.clone())
    }

    /// Ends the session of this token.
    pub(super) fn end(&self, token: &[u8]) {
        if let Some(name) = token_hash(token) {
            self.table.lock().remove(&name);
        }
    }

    /// Ends every session of this agent.
    pub(super) fn end_agent(&self, agent: &AgentId) {
        self.table.lock().retain(|_, s| s.agent != *agent);
    }

    /// Sessions open now, those that are over but were not looked at included.
    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.table.lock().len()
    }
}

/// SHA-256 of a token; `None` for anything that cannot be one.
fn token_hash(token: &[u8]) -> Option<[u8; 32]> {
    (token.len() == TOKEN_BYTES).then(|| Sha256::digest(token).into())
}

#[cfg(test)]
mod tests;
