//! The calls on the vault itself, not on a record: each hands over to one duty, with the pack in force.
//!
//! No logic here; who may is decided where the duty is.

use std::sync::Arc;

use chrono::NaiveDate;

use super::{
    ApprovalInput, Backup, CloseInput, Description, HoldInput, Intent, PackReader, Reloaded,
    RootReader, Vault, VaultError, VaultStatus,
};
use crate::{
    audit::{Alarm, EventFilter, EventPage, export},
    clock::Timestamp,
    identity::{AgentSummary, Approval, Caller, NewAgent, OneTimeSecret, Review},
    ids::{AgentId, AlarmId, ApprovalId, CertificateId, HoldId},
    keyring::Hold,
    retention::{Preview, PurgeReport, Released},
};

impl Vault {
    /// The pack, and what this caller may do. Reads no record and writes no event.
    #[must_use]
    pub fn describe(&self, who: &Caller) -> Description {
        let pack = self.pack();
        let abilities = pack.abilities(who);
        Description { pack, caller: who.clone(), abilities }
    }

    /// What a purge would drop now.
    pub async fn preview_purge(&self, who: &Caller) -> Result<Preview, VaultError> {
        self.duties.preview_purge(&self.pack(), who).await
    }

    /// Drops everything due, sweeps, certifies.
    pub async fn run_purge(&self, who: &Caller) -> Result<PurgeReport, VaultError> {
        self.duties.run_purge(&self.pack(), who).await
    }

    /// A certificate as signed JSON; the newest by default.
    pub async fn certificate(
        &self,
        who: &Caller,
        id: Option<CertificateId>,
    ) -> Result<String, VaultError> {
        self.duties.certificate(&self.pack(), who, id).await
    }

    /// Keeps named records beyond their date; one hold each.
    pub async fn place_holds(
        &self,
        who: &Caller,
        why: &Intent,
        input: HoldInput,
    ) -> Result<Vec<HoldId>, VaultError> {
        self.holds.place(&self.pack(), who, why, input).await
    }

    /// The holds in force.
    pub async fn list_holds(&self, who: &Caller) -> Result<Vec<Hold>, VaultError> {
        self.duties.list_holds(&self.pack(), who).await
    }

    /// Ends holds, and erases what they alone kept past its date.
    pub async fn release_holds(
        &self,
        who: &Caller,
        ids: Vec<HoldId>,
    ) -> Result<Released, VaultError> {
        self.duties.release_holds(&self.pack(), who, ids).await
    }

    /// Asks a second person for leave.
    pub async fn request_approval(
        &self,
        who: &Caller,
        input: ApprovalInput,
    ) -> Result<(ApprovalId, Timestamp), VaultError> {
        self.duties.request_approval(&self.pack(), who, input).await
    }

    /// Gives leave, as another person.
    pub async fn approve(&self, who: &Caller, id: ApprovalId) -> Result<(), VaultError> {
        self.duties.approve(&self.pack(), who, id).await
    }

    /// What was asked for, given and used.
    pub async fn list_approvals(&self, who: &Caller) -> Result<Vec<Approval>, VaultError> {
        self.duties.list_approvals(&self.pack(), who).await
    }

    /// The reviews of broken glass.
    pub async fn list_reviews(
        &self,
        who: &Caller,
        open_only: bool,
    ) -> Result<Vec<Review>, VaultError> {
        self.duties.list_reviews(&self.pack(), who, open_only).await
    }

    /// Closes a review, as another person than who broke the glass.
    pub async fn close_review(&self, who: &Caller, input: CloseInput) -> Result<(), VaultError> {
        self.duties.close_review(&self.pack(), who, input).await
    }

    /// A page of audit events.
    pub async fn list_events(
        &self,
        who: &Caller,
        filter: EventFilter,
        after: Option<(u32, u64)>,
        limit: usize,
    ) -> Result<EventPage, VaultError> {
        self.duties.list_events(&self.pack(), who, filter, after, limit).await
    }

    /// A checkpoint signed now.
    pub async fn get_checkpoint(&self, who: &Caller) -> Result<String, VaultError> {
        self.duties.checkpoint(&self.pack(), who).await
    }

    /// The public log's files, without details.
    pub async fn export_log(&self, who: &Caller) -> Result<export::Export, VaultError> {
        self.duties.export_log(&self.pack(), who).await
    }

    /// A new agent; the secret is shown once.
    pub async fn create_agent(
        &self,
        who: &Caller,
        new: NewAgent,
    ) -> Result<OneTimeSecret, VaultError> {
        self.duties.create_agent(&self.pack(), who, new).await
    }

    /// Ends an agent's access for good.
    pub async fn revoke_agent(&self, who: &Caller, agent: AgentId) -> Result<(), VaultError> {
        self.duties.revoke_agent(&self.pack(), who, agent).await
    }

    /// All agents.
    pub async fn list_agents(&self, who: &Caller) -> Result<Vec<AgentSummary>, VaultError> {
        self.duties.list_agents(&self.pack(), who).await
    }

    /// Accepts the present clock.
    pub async fn confirm_clock(&self, who: &Caller, date: NaiveDate) -> Result<(), VaultError> {
        self.duties.confirm_clock(&self.pack(), who, date).await
    }

    /// Begins a backup: the rows of this moment, to be taken piece by piece.
    pub async fn backup(&self, who: &Caller) -> Result<Backup, VaultError> {
        self.duties.backup(&self.pack(), who).await
    }

    /// All alarms.
    pub async fn list_alarms(&self, who: &Caller) -> Result<Vec<Alarm>, VaultError> {
        self.duties.list_alarms(&self.pack(), who).await
    }

    /// Acknowledges an alarm.
    pub async fn ack_alarm(&self, who: &Caller, alarm: AlarmId) -> Result<(), VaultError> {
        self.duties.ack_alarm(&self.pack(), who, alarm).await
    }

    /// The vault's state, for agents the pack lets read it.
    pub async fn status(&self, who: &Caller) -> Result<VaultStatus, VaultError> {
        self.duties.may_read_status(&self.pack(), who).await?;
        self.state()
    }

    /// Says where a rotation reads the new root secret. Once; without it none can take place.
    pub fn read_root_by(&self, reader: Arc<dyn RootReader>) {
        let _ = self.root_reader.set(reader);
    }

    /// Puts another root key in force; the generation that did it.
    pub async fn rotate_root_key(&self, who: &Caller) -> Result<u64, VaultError> {
        let reader = self.root_reader.get().cloned();
        self.duties.rotate_root_key(&self.pack(), who, reader).await
    }

    /// Says where a reload reads the pack. Once; without it none can take place.
    pub fn read_pack_by(&self, reader: Arc<dyn PackReader>) {
        self.reload.read_by(reader);
    }

    /// Puts the policy pack of the configured folder in force, whole or not at all. Calls that run finish
    /// under the pack they began with.
    pub async fn reload_policies(&self, who: &Caller) -> Result<Reloaded, VaultError> {
        self.duties.reload_policies(&self.pack(), who, &self.reload).await
    }
}
