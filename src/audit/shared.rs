//! What the log's callers and its committer share. Everything here describes durable state only.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use parking_lot::{Mutex, RwLock};
use prost::Message;

use super::{
    alarm_book::AlarmBook,
    clear::origin_name,
    error::AuditError,
    guard::ClockGuard,
    merkle::Hash,
    note::{Checkpoint, VerifierKey},
    queue::Queue,
    rule::AuditRule,
};
use crate::{
    clock::{Clock, Timestamp},
    ids::SegmentId,
    keyring::Keyring,
    random::Random,
    storage::Store,
    wire::store::LogTail,
};

/// The durable end of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tail {
    /// Number of the origin.
    pub(super) k: u32,
    /// Leaves of its tree.
    pub(super) size: u64,
    /// Root of its tree.
    pub(super) root: Hash,
}

impl Tail {
    /// The bytes of row `m/log`.
    pub(super) fn row(&self) -> Vec<u8> {
        LogTail { k: self.k, size: self.size, root: self.root.to_vec() }.encode_to_vec()
    }

    /// Reads row `m/log`.
    pub(super) fn parse(row: &[u8]) -> Option<Self> {
        let row = LogTail::decode(row).ok()?;
        Some(Self { k: row.k, size: row.size, root: row.root.try_into().ok()? })
    }
}

/// The newest checkpoint at the places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Placed {
    pub(super) k: u32,
    pub(super) size: u64,
    pub(super) at: Timestamp,
}

pub(super) struct Shared {
    pub(super) store: Arc<dyn Store>,
    pub(super) keyring: Arc<Keyring>,
    pub(super) rule: AuditRule,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn Random>,
    pub(super) queue: Queue,
    pub(super) tail: Mutex<Tail>,
    pub(super) guard: Mutex<ClockGuard>,
    pub(super) alarms: Mutex<AlarmBook>,
    /// Segments whose row 'd' is durable.
    pub(super) segments: RwLock<HashSet<SegmentId>>,
    /// Held while a checkpoint is signed and written, so that an older one never follows a newer.
    pub(super) placed: Mutex<Option<Placed>>,
    pub(super) unwritable: AtomicBool,
    /// The key under the name of the present origin.
    pub(super) verifier: VerifierKey,
}

impl Shared {
    pub(super) fn is_writable(&self) -> bool {
        !self.unwritable.load(Ordering::Acquire)
    }

    /// Latches the log as unwritable until the process is started again.
    pub(super) fn latch(&self) {
        self.unwritable.store(true, Ordering::Release);
    }

    /// Signs the durable tail. Any two notes made here are of one growing tree, so consistent.
    pub(super) fn sign(&self, tail: Tail) -> String {
        let origin = self.verifier.name().to_owned();
        let checkpoint = Checkpoint { origin, size: tail.size, root: tail.root };
        let signer = self.keyring.log_signer();
        checkpoint.sign(&self.verifier, |text| signer.sign(text))
    }
}

/// The log's key under the name of origin `k`.
pub(super) fn verifier(keyring: &Keyring, k: u32) -> Result<VerifierKey, AuditError> {
    let base = format!("{}/{}", keyring.vault_name(), keyring.node());
    VerifierKey::new(&origin_name(&base, k), keyring.log_signer().public())
        .map_err(|_| AuditError::Corrupt("the vault's name cannot be the name of a log"))
}
