//! Actions on the vault itself, not on a record: agents, oversight, purge, clock, alarms.
//!
//! Each is decided by the pack (`agent:create`, `audit:list` ...) and leaves an event, allowed or not.
//! No agent's right is known to this file.

use std::sync::Arc;

use chrono::NaiveDate;

use crate::{
    audit::{Alarm, AuditLog, ClockVerdict, EventDraft, EventFilter, EventPage, export},
    clock::Timestamp,
    identity::{AgentSummary, Approvals, Caller, Identity, NewAgent, OneTimeSecret},
    ids::{AgentId, AlarmId, CertificateId},
    limits,
    policy::{Pack, Violation},
    retention::{Preview, PurgeReport, Retention},
};

use super::{
    Backup, RootReader, VaultError, backup,
    rekey::Rekey,
    request::{self, ALLOW, DENY, OK},
    rotate,
};

/// What the duties touch: the log, the directory, retention. No record.
#[derive(Clone)]
pub(crate) struct Duties {
    pub(crate) log: Arc<AuditLog>,
    pub(crate) identity: Arc<Identity>,
    pub(crate) retention: Arc<Retention>,
    pub(crate) rekey: Rekey,
    pub(crate) approvals: Approvals,
}

/// A policy action on the vault and the kind of its event.
#[derive(Clone, Copy)]
pub(super) struct Duty {
    pub(super) action: &'static str,
    pub(super) kind: &'static str,
}

const AUDIT_LIST: Duty = Duty { action: "audit:list", kind: "audit-list" };
const AUDIT_CHECKPOINT: Duty = Duty { action: "audit:checkpoint", kind: "audit-checkpoint" };
const AUDIT_EXPORT: Duty = Duty { action: "audit:export", kind: "audit-export" };
const PURGE_PREVIEW: Duty = Duty { action: "purge:preview", kind: "purge-preview" };
const PURGE_RUN: Duty = Duty { action: "purge:run", kind: "purge-run" };
const CERTIFICATE_GET: Duty = Duty { action: "certificate:get", kind: "certificate-get" };
const AGENT_CREATE: Duty = Duty { action: "agent:create", kind: "agent-create" };
const AGENT_REVOKE: Duty = Duty { action: "agent:revoke", kind: "agent-revoke" };
const AGENT_LIST: Duty = Duty { action: "agent:list", kind: "agent-list" };
const STATUS_READ: Duty = Duty { action: "status:read", kind: "status-read" };
const CLOCK_CONFIRM: Duty = Duty { action: "clock:confirm", kind: "clock-confirm" };
const KEY_ROTATE: Duty = Duty { action: "key:rotate", kind: "key-rotate" };
const BACKUP_TAKE: Duty = Duty { action: "backup:take", kind: "backup-begin" };
const ALARM_LIST: Duty = Duty { action: "alarm:list", kind: "alarm-list" };
const ALARM_ACK: Duty = Duty { action: "alarm:ack", kind: "alarm-ack" };

impl Duties {
    /// Events that match, with what the answer may not show left out. The query itself is logged.
    pub(crate) async fn list_events(
        &self,
        pack: &Pack,
        who: &Caller,
        filter: EventFilter,
        after: Option<(u32, u64)>,
        limit: usize,
    ) -> Result<EventPage, VaultError> {
        if limit == 0 || limit > limits::PAGE_MAX {
            return Err(VaultError::TooMany { what: "events a page", limit: limits::PAGE_MAX });
        }
        let mut event = self.allowed(AUDIT_LIST, pack, who).await?;
        event.records = filter.record.into_iter().collect();
        event.subject = filter.subject;
        self.done(event).await?;
        let log = Arc::clone(&self.log);
        blocking(move || Ok(log.list(&filter, after, limit)?)).await
    }

    /// A checkpoint signed now.
    pub(crate) async fn checkpoint(&self, pack: &Pack, who: &Caller) -> Result<String, VaultError> {
        let event = self.allowed(AUDIT_CHECKPOINT, pack, who).await?;
        self.done(event).await?;
        Ok(self.log.checkpoint())
    }

    /// A page of the public log's files, by path: no details in it.
    pub(crate) async fn export_log(
        &self,
        pack: &Pack,
        who: &Caller,
    ) -> Result<export::Export, VaultError> {
        let event = self.allowed(AUDIT_EXPORT, pack, who).await?;
        self.done(event).await?;
        Ok(self.log.export(None)?)
    }

    /// What a purge would drop now.
    pub(crate) async fn preview_purge(
        &self,
        pack: &Pack,
        who: &Caller,
    ) -> Result<Preview, VaultError> {
        let event = self.allowed(PURGE_PREVIEW, pack, who).await?;
        self.done(event).await?;
        let retention = Arc::clone(&self.retention);
        blocking(move || Ok(retention.preview()?)).await
    }

    /// Drops everything due, sweeps, certifies.
    pub(crate) async fn run_purge(
        &self,
        pack: &Arc<Pack>,
        who: &Caller,
    ) -> Result<PurgeReport, VaultError> {
        let event = self.allowed(PURGE_RUN, pack, who).await?;
        self.done(event).await?;
        let (retention, pack, who) = (Arc::clone(&self.retention), Arc::clone(pack), who.clone());
        let rekey = self.rekey.clone();
        blocking(move || {
            let report = retention.run(&pack, Some(&who))?;
            // On demand too: what was erased must not stay confirmable until the night. Not while the
            // clock is in doubt: T2 would be.
            if report.skipped.is_none() {
                rekey.run(&pack)?;
            }
            Ok(report)
        })
        .await
    }

    /// A certificate, the newest one by default.
    pub(crate) async fn certificate(
        &self,
        pack: &Pack,
        who: &Caller,
        id: Option<CertificateId>,
    ) -> Result<String, VaultError> {
        let event = self.allowed(CERTIFICATE_GET, pack, who).await?;
        self.done(event).await?;
        let retention = Arc::clone(&self.retention);
        blocking(move || Ok(retention.certificate(id)?)).await
    }

    /// A new agent, with a secret shown once.
    pub(crate) async fn create_agent(
        &self,
        pack: &Pack,
        who: &Caller,
        new: NewAgent,
    ) -> Result<OneTimeSecret, VaultError> {
        let mut event = self.allowed(AGENT_CREATE, pack, who).await?;
        event.notes = vec![format!("agent={}", new.agent)];
        let checked = check_habilitation(pack, &new, self.log.civil_now());
        if let Err(error) = checked.and_then(|()| self.check_separation(pack, &new)) {
            return Err(request::refuse(&self.log, event, error).await);
        }
        event.outcome = OK.to_owned();
        match self.identity.create(new, Some(&who.agent), event.clone()).await {
            Ok(secret) => Ok(secret),
            Err(error) => Err(request::refuse(&self.log, event, error.into()).await),
        }
    }

    /// Ends an agent's access, answered after the generation that holds it.
    pub(crate) async fn revoke_agent(
        &self,
        pack: &Pack,
        who: &Caller,
        agent: AgentId,
    ) -> Result<(), VaultError> {
        let mut event = self.allowed(AGENT_REVOKE, pack, who).await?;
        event.notes = vec![format!("agent={agent}")];
        if let Err(error) = self.check_not_last(pack, &agent) {
            return Err(request::refuse(&self.log, event, error).await);
        }
        event.outcome = OK.to_owned();
        match self.identity.revoke(&agent, event.clone()).await {
            Ok(()) => Ok(()),
            Err(error) => Err(request::refuse(&self.log, event, error.into()).await),
        }
    }

    /// All agents, without their secrets.
    pub(crate) async fn list_agents(
        &self,
        pack: &Pack,
        who: &Caller,
    ) -> Result<Vec<AgentSummary>, VaultError> {
        let event = self.allowed(AGENT_LIST, pack, who).await?;
        self.done(event).await?;
        Ok(self.identity.list())
    }

    /// Whether the caller may read the status; the wiring puts it together.
    pub(crate) async fn may_read_status(
        &self,
        pack: &Pack,
        who: &Caller,
    ) -> Result<(), VaultError> {
        let event = self.allowed(STATUS_READ, pack, who).await?;
        self.done(event).await
    }

    /// Accepts the vault's present clock, if `date` is the date it shows in the pack's zone.
    pub(crate) async fn confirm_clock(
        &self,
        pack: &Pack,
        who: &Caller,
        date: NaiveDate,
    ) -> Result<(), VaultError> {
        let mut event = self.allowed(CLOCK_CONFIRM, pack, who).await?;
        let shown = self.log.clock().now().date_in(pack.zone());
        if shown != date {
            let violation = Violation {
                path: "date".to_owned(),
                reason: format!("the vault's clock shows {shown}; set the machine's clock first"),
            };
            let error = VaultError::Invalid(vec![violation]);
            return Err(request::refuse(&self.log, event, error).await);
        }
        if let ClockVerdict::Behind { reference } | ClockVerdict::Ahead { reference } =
            self.log.clock_verdict()
        {
            event.notes = vec![format!("reference={reference}")];
        }
        event.outcome = OK.to_owned();
        let sealed = self.log.seal(&event)?;
        let _receipt = self.log.confirm_clock(sealed).await?;
        Ok(())
    }

    /// Puts another root key in force, read from where the vault got the present one.
    pub(crate) async fn rotate_root_key(
        &self,
        pack: &Pack,
        who: &Caller,
        reader: Option<Arc<dyn RootReader>>,
    ) -> Result<u64, VaultError> {
        let event = self.allowed(KEY_ROTATE, pack, who).await?;
        let (log, done) = (Arc::clone(&self.log), event.clone());
        match blocking(move || rotate::rotate(&log, reader.as_ref(), &done)).await {
            Ok(generation) => Ok(generation),
            Err(error) => Err(request::refuse(&self.log, event, error).await),
        }
    }

    /// Begins a backup.
    pub(crate) async fn backup(&self, pack: &Pack, who: &Caller) -> Result<Backup, VaultError> {
        let event = self.allowed(BACKUP_TAKE, pack, who).await?;
        let log = Arc::clone(&self.log);
        blocking(move || backup::begin(&log, event)).await
    }

    /// All alarms, open ones first.
    pub(crate) async fn list_alarms(
        &self,
        pack: &Pack,
        who: &Caller,
    ) -> Result<Vec<Alarm>, VaultError> {
        let event = self.allowed(ALARM_LIST, pack, who).await?;
        self.done(event).await?;
        let mut alarms = self.log.alarms()?;
        alarms.sort_by_key(|alarm| (alarm.acknowledged.is_some(), alarm.raised_at));
        Ok(alarms)
    }

    /// Acknowledges an alarm in the caller's name.
    pub(crate) async fn ack_alarm(
        &self,
        pack: &Pack,
        who: &Caller,
        alarm: AlarmId,
    ) -> Result<(), VaultError> {
        let mut event = self.allowed(ALARM_ACK, pack, who).await?;
        event.notes = vec![format!("alarm={alarm}")];
        event.outcome = OK.to_owned();
        let sealed = self.log.seal(&event)?;
        if self.log.acknowledge(alarm, &who.agent, sealed).await? {
            return Ok(());
        }
        Err(request::refuse(&self.log, event, VaultError::NoAlarm).await)
    }

    /// One agent never has duties that the pack keeps apart, by whatever habilitations, past or to come.
    fn check_separation(&self, pack: &Pack, new: &NewAgent) -> Result<(), VaultError> {
        let agents = self.identity.list();
        let known = agents.iter().filter(|agent| agent.agent == new.agent);
        let had = known.flat_map(|agent| agent.habilitations.iter().map(|h| &h.role));
        let roles: Vec<_> = had.chain([&new.habilitation.role]).collect();
        if pack.separates(&roles) { Err(VaultError::DutiesSeparated) } else { Ok(()) }
    }

    /// Somebody else can still appoint agents, and somebody else can still audit: a vault must not
    /// lose either for ever by one call.
    fn check_not_last(&self, pack: &Pack, agent: &AgentId) -> Result<(), VaultError> {
        let now = self.log.civil_now();
        let able = |summary: &AgentSummary, duty: Duty| {
            summary.habilitations.iter().any(|habilitation| {
                let caller = Caller {
                    agent: summary.agent.clone(),
                    kind: summary.kind,
                    habilitation: habilitation.clone(),
                    service: None,
                };
                pack.decide_action(&caller, duty.action, now).allowed
            })
        };
        let agents = self.identity.list();
        for duty in [AGENT_CREATE, AUDIT_LIST] {
            let mut left = agents.iter().filter(|a| !a.revoked && !a.stale && able(a, duty));
            let holds_it = left.clone().any(|a| a.agent == *agent);
            if holds_it && !left.any(|a| a.agent != *agent) {
                return Err(VaultError::Invalid(vec![Violation {
                    path: "agent".to_owned(),
                    reason: format!(
                        "is the last who may do `{}`; appoint another first",
                        duty.action
                    ),
                }]));
            }
        }
        Ok(())
    }

    /// Decides a duty; a refusal is durable before it is answered.
    pub(super) async fn allowed(
        &self,
        duty: Duty,
        pack: &Pack,
        who: &Caller,
    ) -> Result<EventDraft, VaultError> {
        let mut event = request::draft(duty.kind, who, pack);
        let decision = pack.decide_action(who, duty.action, self.log.civil_now());
        event.decision = if decision.allowed { ALLOW } else { DENY };
        for policy in &decision.policies {
            request::note_policy(&mut event, policy);
        }
        if decision.allowed {
            return Ok(event);
        }
        let error = VaultError::Denied { classes: Vec::new(), policies: decision.policies };
        Err(request::refuse(&self.log, event, error).await)
    }

    pub(super) async fn done(&self, mut event: EventDraft) -> Result<(), VaultError> {
        event.outcome = OK.to_owned();
        request::record(&self.log, &event).await.map(|_receipt| ())
    }
}

/// Runs work that blocks on storage off the async threads.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, VaultError> + Send + 'static,
) -> Result<T, VaultError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| VaultError::Interrupted)?
}

/// The habilitation names only what the pack knows, and ends after it starts.
pub(crate) fn check_habilitation(
    pack: &Pack,
    new: &NewAgent,
    now: Timestamp,
) -> Result<(), VaultError> {
    let given = &new.habilitation;
    let mut violations = Vec::new();
    let mut refuse = |path: &str, reason: &str| {
        violations.push(Violation { path: path.to_owned(), reason: reason.to_owned() });
    };
    if !pack.has_role(&given.role) {
        refuse("habilitation.role", "is not a role of the pack");
    }
    if pack.is_excluded_role(&given.role) {
        return Err(VaultError::RoleExcluded);
    }
    if given.unit.as_ref().is_some_and(|unit| !pack.has_unit(unit)) {
        refuse("habilitation.unit", "is not a unit of the pack");
    }
    if given.territory.as_ref().is_some_and(|territory| !pack.has_territory(territory)) {
        refuse("habilitation.territory", "is not a territory of the pack");
    }
    if given.valid_to < given.valid_from {
        refuse("habilitation.valid_to", "lies before valid_from");
    }
    if let (Some(unit), Some(territory)) = (&given.unit, &given.territory)
        && pack.unit_territory(unit).is_some_and(|of| of != territory)
    {
        refuse("habilitation.unit", "belongs to another territory");
    }
    if given.profession.as_ref().is_some_and(|profession| !pack.has_profession(profession)) {
        refuse("habilitation.profession", "is not a profession of the pack");
    }
    let today = now.date_in(pack.zone_of(given.territory.as_ref()));
    if given.undertaking_on.is_some_and(|date| date > today) {
        refuse("habilitation.undertaking_on", "lies in the future");
    }
    let filed = given.undertaking_ref.as_ref().is_some_and(|text| !text.trim().is_empty());
    if given.undertaking_on.is_some() && !filed {
        refuse("habilitation.undertaking_ref", "is required with a date: where the signed text is");
    }
    if given.undertaking_on.is_none() && filed {
        refuse("habilitation.undertaking_on", "is required with a reference: when it was signed");
    }
    if given.authority.trim().is_empty() {
        refuse("habilitation.authority", "is required: who issued it");
    }
    if violations.is_empty() { Ok(()) } else { Err(VaultError::Invalid(violations)) }
}
