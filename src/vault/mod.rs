//! The vault: its use cases, one file each, in the order of DESIGN section 3. This file only wires.
//!
//! A use case takes a small context of the handles it touches; no struct holds all floors except
//! [`Vault`], which has no logic of its own: each method hands over to one use case with the pack that
//! is in force when the call starts.

use std::sync::{Arc, OnceLock};

use chrono::NaiveDate;
use parking_lot::{Mutex, RwLock};

use crate::{
    audit::AuditLog,
    identity::{Approvals, Caller, Identity},
    ids::{CertificateId, ClassName, CollectionName, RecordId, SegmentId, SubjectId},
    policy::Pack,
    retention::Retention,
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
mod duty_calls;
mod erase;
mod error;
mod filing;
mod find;
pub mod head;
mod hold;
mod import;
mod links;
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
    /// Above so many bytes of keyring, segments are compacted.
    keyring_bytes: usize,
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
    compact: Arc<Compact>,
    forget: Forget,
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
        let forget = Forget { segments: Arc::clone(&segments), retention: Arc::clone(&retention) };
        let compact = Arc::new(Compact {
            log: Arc::clone(&log),
            segments: Arc::clone(&segments),
            retention: Arc::clone(&retention),
            bound: at_start.keyring_bytes,
            turn: Mutex::default(),
        });
        Arc::new(Self {
            pack: RwLock::new(pack),
            create: Create { log: Arc::clone(&log), segments: Arc::clone(&segments) },
            import: Import { log: Arc::clone(&log), segments: Arc::clone(&segments) },
            reveal: Reveal { log: Arc::clone(&log), approvals: approvals.clone() },
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
                approvals: approvals.clone(),
            },
            holds: Holds { log: Arc::clone(&log), retention: Arc::clone(&retention), approvals },
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
        self.reveal.call(&self.pack(), who, why, (input, None)).await
    }

    /// The same through a link that the caller names: where it is one, may be known to him and has this
    /// record as an end, the policies see it; anything else is as if none had been named.
    pub async fn reveal_through(
        &self,
        who: &Caller,
        why: &Intent,
        input: RevealInput,
        link: RecordId,
    ) -> Result<Revealed, VaultError> {
        self.reveal.call(&self.pack(), who, why, (input, Some(link))).await
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
