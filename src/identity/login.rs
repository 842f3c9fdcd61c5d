//! Login, logout and what a token is good for.
//!
//! Order of a login: throttle (before any hashing) → Argon2id, one at a time → event durable →
//! session → answer. A right and a wrong secret, a known and an unknown agent cost the same work and
//! write an event alike; the event of a failure names the agent only if there is one, for what was
//! typed as a name may be anything. A throttled attempt writes none: callers who are not logged in
//! must not be able to fill the log.

use std::{net::IpAddr, sync::Arc};

use super::{
    Caller, Identity, IdentityError,
    directory::Entry,
    row::Agent,
    secret_hash::{self, Normalised},
    session::Session,
};
use crate::{audit::EventDraft, clock::Timestamp, ids::AgentId, secret::SecretBytes};

/// What a login gives.
pub struct LoggedIn {
    /// The session's token: 32 bytes, to be sent with every call and shown to nobody.
    pub token: SecretBytes,
    /// When the session ends at the latest.
    pub expires_at: Timestamp,
    /// The secret was a one-time secret: this session can only change it.
    pub must_change_secret: bool,
    /// Who logged in, under which habilitation.
    pub caller: Caller,
}

/// What an agent's event says, apart from who.
pub(super) struct Said {
    pub(super) action: &'static str,
    pub(super) outcome: &'static str,
    pub(super) pack_hash: [u8; 32],
}

// === impl Said ===

impl Said {
    /// The event, about this agent where one is known.
    pub(super) fn draft(&self, about: Option<&Agent>, today: Option<&Caller>) -> EventDraft {
        let mut event = EventDraft::new(self.action);
        event.agent = about.map(|a| a.id.clone());
        event.role = today.map(|c| c.habilitation.role.clone());
        event.unit = today.and_then(|c| c.habilitation.unit.clone());
        event.decision = if self.outcome == "OK" { "allow" } else { "deny" };
        event.pack_hash = self.pack_hash;
        event.outcome = self.outcome.into();
        event
    }
}

// === impl Identity ===

impl Identity {
    /// The steps of a login. Runs as a task of its own, so that a caller who hangs up after the
    /// hashing cannot keep a failure out of the log.
    pub(super) async fn log_in(
        self,
        agent: AgentId,
        secret: SecretBytes,
        from: Option<IpAddr>,
        pack_hash: [u8; 32],
    ) -> Result<LoggedIn, IdentityError> {
        // 1. Throttle. Nothing was written: a crash forgets the attempt.
        let attempt = self
            .0
            .throttle
            .begin(&agent, from, self.now())
            .map_err(|retry_ms| IdentityError::Throttled { retry_ms })?;
        // 2. Hash, for an unknown agent as well. A crash forgets the attempt.
        let entry = self.entry(&agent);
        let phc = entry.as_ref().map(|e| e.agent.secret_phc.clone());
        let shown = Normalised::of(&secret);
        let work = move || secret_hash::verify(shown.as_ref(), phc.as_deref());
        let right = match self.0.gate.run(work).await {
            Ok(right) => right,
            Err(error) => {
                self.0.throttle.untried(attempt);
                return Err(error);
            }
        };
        // 3. Event, durable. A crash after it leaves a login in the log that opened no session.
        let verdict = self.verdict(entry.as_ref(), right);
        let (action, outcome) = match &verdict {
            Ok(_) => ("login", "OK"),
            Err(IdentityError::NoHabilitation) => ("login-failed", "NO_HABILITATION"),
            Err(_) => ("login-failed", "BAD_CREDENTIALS"),
        };
        let said = Said { action, outcome, pack_hash };
        let about = entry.as_ref().map(|e| e.agent.as_ref());
        self.record(&said.draft(about, verdict.as_ref().ok().map(|(_, caller)| caller))).await?;
        let (agent, caller) = verdict?;
        // 4. Session, in memory. A restart ends it.
        self.0.throttle.succeeded(attempt);
        let (random, now) = (self.0.log.random(), self.now());
        let opened = self.0.sessions.open(
            agent.id.clone(),
            agent.revision,
            agent.one_time,
            now,
            random.as_ref(),
        );
        let (token, session) = opened.ok_or(IdentityError::Busy)?;
        Ok(LoggedIn {
            token,
            expires_at: session.expires_at(),
            must_change_secret: session.one_time,
            caller,
        })
    }

    /// The agent if its secret was right and it may act today.
    fn verdict(
        &self,
        entry: Option<&Entry>,
        right: bool,
    ) -> Result<(Arc<Agent>, Caller), IdentityError> {
        let entry =
            entry.filter(|e| right && e.is_usable()).ok_or(IdentityError::BadCredentials)?;
        let caller = self.caller_today(&entry.agent).ok_or(IdentityError::NoHabilitation)?;
        Ok((entry.agent.clone(), caller))
    }

    /// The session of a token with its agent and caller as they are now: habilitation and row are
    /// looked at again on every call. A session whose agent may no longer act ends here.
    pub(super) fn session(&self, token: &[u8]) -> Result<(Session, Entry, Caller), IdentityError> {
        let session = self.0.sessions.touch(token, self.now()).ok_or(IdentityError::NoSession)?;
        let entry = self.entry(&session.agent);
        let entry = entry.filter(|e| e.is_usable() && e.agent.revision == session.revision);
        let Some(entry) = entry else {
            self.0.sessions.end(token);
            return Err(IdentityError::NoSession);
        };
        let Some(caller) = self.caller_today(&entry.agent) else {
            self.0.sessions.end(token);
            return Err(IdentityError::NoHabilitation);
        };
        Ok((session, entry, caller))
    }

    /// Ends a session, then writes its event: whoever wants out is out even if the log fails.
    pub(super) async fn log_out(
        self,
        token: SecretBytes,
        pack_hash: [u8; 32],
    ) -> Result<(), IdentityError> {
        // EXPOSE: looked up by its hash.
        let (_, entry, caller) = self.session(token.expose())?;
        // EXPOSE: looked up by its hash.
        self.0.sessions.end(token.expose());
        let said = Said { action: "logout", outcome: "OK", pack_hash };
        self.record(&said.draft(Some(&entry.agent), Some(&caller))).await
    }

    /// Makes an event durable by itself.
    pub(super) async fn record(&self, event: &EventDraft) -> Result<(), IdentityError> {
        let sealed = self.0.log.seal(event).map_err(|_| IdentityError::Unavailable)?;
        self.0.log.record(sealed).await.map(drop).map_err(|_| IdentityError::Unavailable)
    }

    fn caller_today(&self, agent: &Agent) -> Option<Caller> {
        let now = self.0.log.civil_now();
        let habilitation = agent.habilitation(|t| now.date_in((self.0.zone_of)(t)))?;
        Some(Caller {
            agent: agent.id.clone(),
            kind: agent.kind,
            habilitation: habilitation.clone(),
            service: None,
        })
    }
}
