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
    identity::{AgentSummary, Caller, Identity, NewAgent, OneTimeSecret},
    ids::{
        AgentId, AlarmId, CertificateId, ClassName, CollectionName, RecordId, SegmentId, SubjectId,
    },
    policy::Pack,
    retention::{Preview, PurgeReport, Retention},
};

mod assign;
mod background;
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
mod import;
mod once;
mod project;
mod rekey;
mod request;
mod reseal;
mod reveal;
mod reveal_many;
mod rotate;
mod segments;
pub mod startup;
mod state;
mod tokens;
mod update;
mod worklist;

pub use call::{
    AssignInput, Assignee, Changed, CreateInput, Created, EraseAnswer, FieldAnswer, FindInput,
    FindPage, ImportBatch, ImportRecord, Intent, MatchInput, Matched, PageRequest, RequestKey,
    RevealInput, RevealManyInput, Revealed, RevealedItem, UpdateInput, WorklistEntry,
    WorklistInput, WorklistPage,
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
use import::Import;
use rekey::Rekey;
use reseal::{compact::Compact, forget::Forget, shorten};
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
    duties: Duties,
    background: Background,
    compact: Arc<Compact>,
    forget: Forget,
    root_reader: OnceLock<Arc<dyn RootReader>>,
    swap_accepted: bool,
}

impl Vault {
    fn wire(
        pack: Arc<Pack>,
        log: Arc<AuditLog>,
        identity: Arc<Identity>,
        retention: Arc<Retention>,
        swap_accepted: bool,
        keyring_bytes: usize,
    ) -> Arc<Self> {
        let segments = Arc::new(Segments::new(Arc::clone(&log)));
        let rekey = Rekey::new(Arc::clone(&log), Arc::clone(&retention));
        let forget = Forget { segments: Arc::clone(&segments), retention: Arc::clone(&retention) };
        let compact = Arc::new(Compact {
            log: Arc::clone(&log),
            segments: Arc::clone(&segments),
            retention: Arc::clone(&retention),
            bound: keyring_bytes,
            turn: Mutex::default(),
        });
        Arc::new(Self {
            pack: RwLock::new(pack),
            create: Create { log: Arc::clone(&log), segments: Arc::clone(&segments) },
            import: Import { log: Arc::clone(&log), segments: Arc::clone(&segments) },
            reveal: Reveal { log: Arc::clone(&log) },
            reveal_many: RevealMany { log: Arc::clone(&log) },
            find: Find { log: Arc::clone(&log) },
            worklist: Worklist { log: Arc::clone(&log) },
            update: Update {
                log: Arc::clone(&log),
                segments: Arc::clone(&segments),
                forget: forget.clone(),
            },
            assign: Assign { log: Arc::clone(&log), identity: Arc::clone(&identity) },
            erase: Erase { log: Arc::clone(&log), retention: Arc::clone(&retention) },
            duties: Duties {
                log: Arc::clone(&log),
                identity: Arc::clone(&identity),
                retention: Arc::clone(&retention),
                rekey: rekey.clone(),
            },
            background: Background {
                rekey,
                compact: Arc::clone(&compact),
                log: Arc::clone(&log),
                segments,
                retention,
                overdue_alarmed: Mutex::new(false),
            },
            compact,
            forget,
            log,
            identity,
            root_reader: OnceLock::new(),
            swap_accepted,
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
        self.update.call(&self.pack(), who, why, (input, false)).await
    }

    /// The same, and answers once no key opens the version before any more, with the certificate's id.
    pub async fn update_and_forget(
        &self,
        who: &Caller,
        why: &Intent,
        input: UpdateInput,
    ) -> Result<Changed, VaultError> {
        self.update.call(&self.pack(), who, why, (input, true)).await
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

    /// Moves a record to an earlier expiry date and forgets where it was; the certificate that says so. For
    /// rules that were shortened: who may is decided by whoever applies them. Blocks.
    pub fn shorten(
        &self,
        record: RecordId,
        expires_on: NaiveDate,
    ) -> Result<CertificateId, VaultError> {
        shorten::shorten(&self.forget, &self.pack(), record, expires_on)
    }

    /// Begins to move every record out of a segment, which is then dropped; [`Vault::tick`] goes on with it.
    /// False if it is not live, or another is being compacted. Blocks.
    pub fn compact(&self, segment: &SegmentId) -> Result<bool, VaultError> {
        self.compact.begin(segment)
    }

    /// The segment that is being compacted, and how often this run chose one because the keyring had grown
    /// beyond its bound.
    pub fn compaction(&self) -> Result<(Option<SegmentId>, u64), VaultError> {
        Ok((self.compact.segment()?, self.compact.fired()))
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
