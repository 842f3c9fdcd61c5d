//! Who may call: habilitated agents, their secrets, their sessions.
//!
//! An agent's row lives in the database under a mac that only the keyring can make; what must not be
//! undone by restoring that database (a revocation, a changed secret) is in the keyring too, and is
//! answered only once it is there. Sessions live in memory. This floor authenticates; whether a
//! caller may do something is decided by `policy`, which sits above. It never sees a data subject.
//!
//! Who answers is identity too: `tls` holds the vault's own certificate and key.
//!
//! Every change of the directory and every login, failed or not, is one atomic commit of the audit
//! log. See `login` for what a token is good for and `agents` for the order of a change.

mod agents;
mod approval;
mod directory;
mod gate;
mod habilitation;
mod login;
mod review;
mod row;
mod secret_hash;
mod session;
mod throttle;
pub mod tls;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use std::{net::IpAddr, sync::Arc};

use chrono_tz::Tz;
use parking_lot::{Mutex, RwLock};

pub(crate) use self::review::{BROKEN, CLOSED, note as review_note};
pub use self::{
    agents::appoint_first,
    approval::{Approval, ApprovalError, Approvals, Bound, Usable},
    habilitation::{AgentKind, AgentSummary, Caller, Habilitation, NewAgent},
    login::LoggedIn,
    review::{Review, ReviewCounts, ReviewError, Reviews},
    secret_hash::OneTimeSecret,
};
use self::{
    directory::{Directory, Entry, Standing},
    gate::HashGate,
    session::Sessions,
    throttle::Throttle,
};
use crate::{
    audit::{ALARM_ROLLBACK, AuditLog, EventDraft},
    clock::Timestamp,
    ids::{AgentId, TerritoryName},
    secret::SecretBytes,
};

/// The zone whose civil date counts for a habilitation: that of its territory, or the pack's.
pub type ZoneOf = Arc<dyn Fn(Option<&TerritoryName>) -> Tz + Send + Sync>;

/// Why identity refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// One message for both, so that it does not say which.
    #[error("unknown agent or wrong secret")]
    BadCredentials,
    /// Too many failures for this agent or from this address.
    #[error("too many attempts; try again in {retry_ms} ms")]
    Throttled {
        /// Milliseconds until the next attempt is looked at.
        retry_ms: i64,
    },
    /// No session has this token, or it has ended.
    #[error("no valid session; log in")]
    NoSession,
    /// The session was opened with a one-time secret.
    #[error("this secret is for one use: change it first")]
    MustChangeSecret,
    /// The new secret may not be chosen.
    #[error("the new secret is too short, too simple, too long or the same as the old one")]
    WeakSecret,
    /// The agent exists and its secret was right, but it may not act today.
    #[error("no habilitation of this agent is valid today")]
    NoHabilitation,
    /// The id is taken, also by a revoked agent: ids are not used twice.
    #[error("an agent with this name exists")]
    Exists,
    /// No agent has this id.
    #[error("no such agent")]
    Unknown,
    /// Key administration and data protection are never one person's.
    #[error("the key administrator and the data protection officer must be different persons")]
    SamePerson,
    /// What was given for an agent cannot be filed.
    #[error("the agent cannot be filed: {0}")]
    Invalid(&'static str),
    /// The vault has as many agents as it takes.
    #[error("the directory is full")]
    Full,
    /// The row of this agent id ("?" if its key is no id) was changed or moved in the database.
    #[error("the directory row of the agent {0} does not verify")]
    Tampered(String),
    /// The queue for hashing, or the table of sessions, is full.
    #[error("the server is busy with other logins")]
    Busy,
    /// Nothing is answered as done unless it is durable.
    #[error("the audit log or the keyring refused the change")]
    Unavailable,
}

/// Directory, logins and sessions of this node. Cheap to clone; the locks are inside.
#[derive(Clone)]
pub struct Identity(Arc<Inner>);

struct Inner {
    log: Arc<AuditLog>,
    zone_of: ZoneOf,
    directory: RwLock<Directory>,
    sessions: Sessions,
    throttle: Throttle,
    gate: HashGate,
    /// Held by a change of the directory from its first look to its generation, by a thread that may
    /// block: two changes of one row would otherwise race for the same revision.
    changes: Mutex<()>,
}

impl Identity {
    /// Reads and checks every agent row (mac, revocation), and writes the generation that a crash
    /// kept a change from getting. Rows older than the keyring requires raise an alarm and stay shut.
    /// Blocks. Errors: `Tampered` names the row's agent id; `Unavailable`.
    pub fn open(log: Arc<AuditLog>, zone_of: ZoneOf) -> Result<Self, IdentityError> {
        let directory = Directory::load(log.store().as_ref(), log.keyring().as_ref())?;
        let stale = directory.entries().filter(|e| e.standing == Standing::Stale).count();
        if stale > 0 {
            log.raise_alarm(ALARM_ROLLBACK, &format!("stale-agent-rows={stale}"));
        }
        let identity = Self(Arc::new(Inner {
            log,
            zone_of,
            directory: RwLock::new(directory),
            sessions: Sessions::default(),
            throttle: Throttle::default(),
            gate: HashGate::new(),
            changes: Mutex::new(()),
        }));
        identity.settle()?;
        Ok(identity)
    }

    /// Throttles, then verifies the secret with Argon2id, one at a time. Writes the event, also of a
    /// failure, before answering. Errors: `Throttled`, `Busy`, `BadCredentials`, `NoHabilitation`,
    /// `Unavailable`.
    pub async fn login(
        &self,
        agent: &AgentId,
        secret: SecretBytes,
        from: Option<IpAddr>,
        pack_hash: [u8; 32],
    ) -> Result<LoggedIn, IdentityError> {
        let (this, agent) = (self.clone(), agent.clone());
        to_the_end(async move { this.log_in(agent, secret, from, pack_hash).await }).await
    }

    /// The caller of this token, under the habilitation valid at this moment. Errors: `NoSession`,
    /// `NoHabilitation` (the session ends), `MustChangeSecret` for a one-time session.
    pub fn caller(&self, token: &[u8]) -> Result<Caller, IdentityError> {
        let (session, _, caller) = self.session(token)?;
        if session.one_time { Err(IdentityError::MustChangeSecret) } else { Ok(caller) }
    }

    /// Ends the session, one-time or not. Errors: `NoSession`, `NoHabilitation`, `Unavailable` (the
    /// session has ended all the same).
    pub async fn logout(&self, token: &[u8], pack_hash: [u8; 32]) -> Result<(), IdentityError> {
        let (this, token) = (self.clone(), SecretBytes::new(token.to_vec()));
        to_the_end(async move { this.log_out(token, pack_hash).await }).await
    }

    /// Replaces the agent's secret; accepts a one-time session. Ends every session of the agent, this
    /// one included, and answers once the keyring refuses the row with the old secret. Errors:
    /// `NoSession`, `NoHabilitation`, `WeakSecret`, `Throttled`, `Busy`, `BadCredentials` (the old
    /// secret), `Unavailable`.
    pub async fn change_secret(
        &self,
        token: &[u8],
        old: SecretBytes,
        new: SecretBytes,
        pack_hash: [u8; 32],
    ) -> Result<(), IdentityError> {
        let (this, token) = (self.clone(), SecretBytes::new(token.to_vec()));
        to_the_end(async move { this.swap_secret(token, old, new, pack_hash).await }).await
    }

    /// Files a new agent and returns its one-time secret, shown once. The policy decision was made by
    /// the caller; `event` is sealed when its turn to be written has come, and written with the row:
    /// the queue for hashing may be long, and an event must not wait sealed. Errors: `Invalid`, `Exists`, `Busy`,
    /// `Unavailable`.
    pub async fn create(
        &self,
        new: NewAgent,
        created_by: Option<&AgentId>,
        event: EventDraft,
    ) -> Result<OneTimeSecret, IdentityError> {
        new.check()?;
        let (this, created_by) = (self.clone(), created_by.cloned());
        to_the_end(async move {
            let random = this.0.log.random().clone();
            let (secret, phc) =
                this.0.gate.run(move || agents::make_one_time(random.as_ref())).await??;
            agents::blocking(move || this.create_blocking(&new, created_by, phc, &event)).await?;
            Ok(secret)
        })
        .await
    }

    /// Revokes an agent for good: its sessions end, its id is never given again. Answered once the
    /// keyring says so; `event` is sealed as in [`Identity::create`]. Errors: `Unknown`,
    /// `Unavailable`.
    pub async fn revoke(&self, agent: &AgentId, event: EventDraft) -> Result<(), IdentityError> {
        let (this, agent) = (self.clone(), agent.clone());
        agents::blocking(move || this.revoke_blocking(&agent, &event)).await
    }

    /// Every agent, revoked ones included, by id.
    #[must_use]
    pub fn list(&self) -> Vec<AgentSummary> {
        let mut all: Vec<_> = self.0.directory.read().entries().map(Entry::summary).collect();
        all.sort_by(|a, b| a.agent.cmp(&b.agent));
        all
    }

    /// One agent.
    #[must_use]
    pub fn find(&self, agent: &AgentId) -> Option<AgentSummary> {
        self.0.directory.read().get(agent).map(Entry::summary)
    }

    fn entry(&self, agent: &AgentId) -> Option<Entry> {
        self.0.directory.read().get(agent).cloned()
    }

    /// The clock's instant: what sessions and throttle count with, which notice by themselves that it
    /// was set back. Habilitations are judged by [`AuditLog::civil_now`].
    fn now(&self) -> Timestamp {
        self.0.log.clock().now()
    }
}

/// Runs a call as a task of its own, so that it ends also when its caller goes away.
async fn to_the_end<T: Send + 'static>(
    call: impl Future<Output = Result<T, IdentityError>> + Send + 'static,
) -> Result<T, IdentityError> {
    tokio::spawn(call).await.unwrap_or(Err(IdentityError::Unavailable))
}
