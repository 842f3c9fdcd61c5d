//! The vault: its use cases, one file each, in the order of DESIGN section 3. This file only wires.
//!
//! A use case takes a small context of the handles it touches; no struct holds all floors except
//! [`Vault`], which has no logic of its own: each method hands over to one use case with the pack that
//! is in force when the call starts.

use std::sync::{Arc, OnceLock};

use chrono::NaiveDate;
use parking_lot::{Mutex, RwLock};

use crate::{
    audit::{Alarm, AuditLog, EventFilter, EventPage, export},
    clock::Timestamp,
    identity::{AgentSummary, Approval, Approvals, Caller, Identity, NewAgent, OneTimeSecret},
    ids::{
        AgentId, AlarmId, ApprovalId, CertificateId, ClassName, CollectionName, HoldId, RecordId,
        SubjectId,
    },
    keyring::Hold,
    policy::Pack,
    retention::{Preview, PurgeReport, Released, Retention},
};

mod approval;
mod assign;
mod background;
mod backup;
mod call;
mod candidates;
mod change;
mod create;
pub mod disclose;
mod duties;
mod erase;
mod error;
mod filing;
mod find;
pub mod head;
mod hold;
mod import;
mod once;
mod project;
mod rekey;
mod request;
mod reveal;
mod reveal_many;
mod rotate;
mod segments;
pub mod startup;
mod state;
mod tokens;
mod update;
mod worklist;

pub use backup::{Backup, BackupHead, BackupTotals};
pub use call::{
    ApprovalInput, AssignInput, Assignee, Changed, CreateInput, Created, EraseAnswer, FieldAnswer,
    FindInput, FindPage, HoldInput, ImportBatch, ImportRecord, Intent, MatchInput, Matched,
    PageRequest, RequestKey, RevealInput, RevealManyInput, Revealed, RevealedItem, UpdateInput,
    WorklistEntry, WorklistInput, WorklistPage,
};
pub use candidates::Cursor;
pub use error::VaultError;
pub use import::ImportAnswers;
pub use rotate::{RootReader, RootUnreadable};
pub use state::{KeyKind, KeyState, VaultStatus};

use assign::Assign;
use background::Background;
use create::Create;
use duties::Duties;
use erase::Erase;
use find::Find;
use hold::Holds;
use import::Import;
use rekey::Rekey;
use reveal::Reveal;
use reveal_many::RevealMany;
use segments::Segments;
use update::Update;
use worklist::Worklist;

/// What the pack is, and what the calling agent may do with each class.
pub struct Description {
    /// The pack in force.
    pub pack: Arc<Pack>,
    /// Who asks.
    pub caller: Caller,
    /// Per collection and class, the verbs some policy could allow this caller.
    pub abilities: Vec<(CollectionName, ClassName, Vec<String>)>,
}

/// What a start did with a data folder that is older than its key places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Swept {
    /// Rows of records, sections, index and events that were deleted: no key reaches them. What a
    /// certificate counts, of a purge or an erasure that the folder held unfinished, is not among them.
    pub rows: u64,
    /// Number of the origin that the log goes on in.
    pub log_origin: u32,
}

/// What the start found, for whoever asks later.
struct AtStart {
    swept: Option<Swept>,
    swap_accepted: bool,
}

/// The wiring of one running vault.
pub struct Vault {
    pack: RwLock<Arc<Pack>>,
    log: Arc<AuditLog>,
    identity: Arc<Identity>,
    create: Create,
    import: Import,
    reveal: Reveal,
    reveal_many: RevealMany,
    find: Find,
    worklist: Worklist,
    update: Update,
    assign: Assign,
    erase: Erase,
    holds: Holds,
    duties: Duties,
    background: Background,
    root_reader: OnceLock<Arc<dyn RootReader>>,
    at_start: AtStart,
}

impl Vault {
    fn wire(
        pack: Arc<Pack>,
        log: Arc<AuditLog>,
        identity: Arc<Identity>,
        retention: Arc<Retention>,
        at_start: AtStart,
    ) -> Arc<Self> {
        let segments = Arc::new(Segments::new(Arc::clone(&log)));
        let rekey = Rekey::new(Arc::clone(&log), Arc::clone(&retention));
        let approvals = Approvals::new(Arc::clone(&log), Arc::clone(&identity));
        Arc::new(Self {
            pack: RwLock::new(pack),
            create: Create { log: Arc::clone(&log), segments: Arc::clone(&segments) },
            import: Import { log: Arc::clone(&log), segments: Arc::clone(&segments) },
            reveal: Reveal { log: Arc::clone(&log), approvals: approvals.clone() },
            reveal_many: RevealMany { log: Arc::clone(&log) },
            find: Find { log: Arc::clone(&log) },
            worklist: Worklist { log: Arc::clone(&log) },
            update: Update { log: Arc::clone(&log), segments: Arc::clone(&segments) },
            assign: Assign { log: Arc::clone(&log), identity: Arc::clone(&identity) },
            erase: Erase { log: Arc::clone(&log), retention: Arc::clone(&retention) },
            duties: Duties {
                log: Arc::clone(&log),
                identity: Arc::clone(&identity),
                retention: Arc::clone(&retention),
                rekey: rekey.clone(),
                approvals: approvals.clone(),
            },
            holds: Holds { log: Arc::clone(&log), retention: Arc::clone(&retention), approvals },
            background: Background {
                rekey,
                log: Arc::clone(&log),
                segments,
                retention,
                overdue_alarmed: Mutex::new(false),
            },
            log,
            identity,
            root_reader: OnceLock::new(),
            at_start,
        })
    }

    /// Logins and sessions.
    #[must_use]
    pub fn identity(&self) -> &Arc<Identity> {
        &self.identity
    }

    /// The audit log of this node.
    #[must_use]
    pub fn log(&self) -> &Arc<AuditLog> {
        &self.log
    }

    /// The pack in force. A running request finishes under the one it started with.
    #[must_use]
    pub fn pack(&self) -> Arc<Pack> {
        Arc::clone(&self.pack.read())
    }

    /// What this start swept, if the data folder was older than its places.
    #[must_use]
    pub fn swept_at_start(&self) -> Option<Swept> {
        self.at_start.swept
    }

    /// Seals a new record.
    pub async fn create(
        &self,
        who: &Caller,
        why: &Intent,
        input: CreateInput,
    ) -> Result<Created, VaultError> {
        self.create.call(&self.pack(), who, why, input).await
    }

    /// Seals one batch of new records, each answered by itself.
    pub async fn import(
        &self,
        who: &Caller,
        why: &Intent,
        batch: ImportBatch,
    ) -> Result<ImportAnswers, VaultError> {
        self.import.call(&self.pack(), who, why, batch).await
    }

    /// Shows what the caller may see of a record, after the access is on disk.
    pub async fn reveal(
        &self,
        who: &Caller,
        why: &Intent,
        input: RevealInput,
    ) -> Result<Revealed, VaultError> {
        self.reveal.call(&self.pack(), who, why, input).await
    }

    /// Shows what the caller may see of several records, after one event for all is on disk.
    pub async fn reveal_many(
        &self,
        who: &Caller,
        why: &Intent,
        input: RevealManyInput,
    ) -> Result<Vec<RevealedItem>, VaultError> {
        self.reveal_many.call(&self.pack(), who, why, input).await
    }

    /// A page of the records that have these values, of those the caller may match.
    pub async fn find(
        &self,
        who: &Caller,
        why: &Intent,
        input: FindInput,
    ) -> Result<FindPage, VaultError> {
        self.find.find(&self.pack(), who, why, input).await
    }

    /// Whether a field of a record has this value.
    pub async fn matches(
        &self,
        who: &Caller,
        why: &Intent,
        input: MatchInput,
    ) -> Result<Matched, VaultError> {
        self.find.matches(&self.pack(), who, why, input).await
    }

    /// A page of the records in somebody's hands, with their attributes.
    pub async fn worklist(
        &self,
        who: &Caller,
        why: &Intent,
        input: WorklistInput,
    ) -> Result<WorklistPage, VaultError> {
        self.worklist.call(&self.pack(), who, why, input).await
    }

    /// Changes a record; its new version.
    pub async fn update(
        &self,
        who: &Caller,
        why: &Intent,
        input: UpdateInput,
    ) -> Result<Changed, VaultError> {
        self.update.call(&self.pack(), who, why, input).await
    }

    /// Gives a record to an agent or a unit's queue; its new version.
    pub async fn assign(
        &self,
        who: &Caller,
        why: &Intent,
        input: AssignInput,
    ) -> Result<Changed, VaultError> {
        self.assign.assign(&self.pack(), who, why, input).await
    }

    /// Ends an assignment; the record's new version.
    pub async fn unassign(
        &self,
        who: &Caller,
        why: &Intent,
        record: RecordId,
        from: Assignee,
    ) -> Result<Changed, VaultError> {
        self.assign.unassign(&self.pack(), who, why, record, &from).await
    }

    /// Destroys the keys of records before their date, each answered by itself.
    pub async fn erase(
        &self,
        who: &Caller,
        why: &Intent,
        records: Vec<RecordId>,
    ) -> Result<EraseAnswer, VaultError> {
        self.erase.call(&self.pack(), who, why, records).await
    }

    /// The same for every record of a subject that the caller may erase.
    pub async fn erase_subject(
        &self,
        who: &Caller,
        why: &Intent,
        subject: SubjectId,
    ) -> Result<EraseAnswer, VaultError> {
        self.erase.subject(&self.pack(), who, why, subject).await
    }

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

    /// One round of the background work. Blocks.
    pub fn tick(&self) -> Result<(), VaultError> {
        self.background.tick(&self.pack())
    }

    /// Finishes what is in flight and writes the last checkpoint. Blocks.
    pub fn drain(&self) {
        self.log.drain();
    }
}
