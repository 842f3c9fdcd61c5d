//! A backup, as a call: the rows of one moment, piece by piece, between two events.
//!
//! It must not open a row: what is sent is what is in the data folder, ciphertext and the directory in
//! clear. Memory is one piece and one row, whatever the size of the vault. Who may is decided before
//! (`duties`). Invariant: totals exist only for a backup whose every row was given out, and only after
//! the event that says so is durable.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::{
    audit::{AuditLog, CopiedLog, EventDraft},
    clock::Timestamp,
    ids::VaultId,
    limits,
    storage::{Group, Row, Snapshot, StoreError, frames},
};

use super::{VaultError, request};

/// What a backup is of.
#[derive(Debug, Clone)]
pub struct BackupHead {
    /// The vault.
    pub vault: VaultId,
    /// Its name.
    pub vault_name: String,
    /// The node whose log it is.
    pub node: String,
    /// The engine the rows are from.
    pub engine: &'static str,
    /// The log in the rows, and the newest generation that has a leaf in it.
    pub log: CopiedLog,
    /// A signed note over exactly that log.
    pub checkpoint: String,
    /// When.
    pub started: Timestamp,
    /// About how many rows there are.
    pub rows_about: u64,
}

/// What a whole backup held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackupTotals {
    /// Rows.
    pub rows: u64,
    /// Bytes of rows, lengths included.
    pub bytes: u64,
    /// SHA-256 of these bytes.
    pub sha256: [u8; 32],
    /// Leaves of the log after the event that ends the backup.
    pub log_size: u64,
    /// When.
    pub ended: Timestamp,
}

/// A backup under way. It holds a snapshot of the store until it is ended or cut: whoever has it ends it
/// within [`limits::BACKUP_MS_MAX`].
pub struct Backup {
    log: Arc<AuditLog>,
    /// The event as it began.
    event: EventDraft,
    head: BackupHead,
    snapshot: Box<dyn Snapshot>,
    /// The last key that was given out.
    after: Option<Vec<u8>>,
    /// What was read and does not fit a piece, from its beginning.
    left: Vec<u8>,
    rows: u64,
    bytes: u64,
    hash: Sha256,
}

/// Begins a backup. Blocks.
///
/// A crash at any time leaves the first event without the second: what was sent is no backup.
pub(crate) fn begin(log: &Arc<AuditLog>, event: EventDraft) -> Result<Backup, VaultError> {
    // 1. The event, durable before anything is read, so that it is in the backup too.
    let mut begun = event.clone();
    begun.outcome = "STARTED".to_owned();
    record(log, &begun)?;
    // 2. The moment.
    let snapshot = log.store().snapshot()?;
    let started = log.clock().now();
    let (copied, checkpoint) = log.at(snapshot.as_ref())?;
    let keyring = log.keyring();
    let head = BackupHead {
        vault: keyring.vault(),
        vault_name: keyring.vault_name(),
        node: keyring.node(),
        engine: snapshot.engine(),
        log: copied,
        checkpoint,
        started,
        rows_about: snapshot.rows_about(),
    };
    Ok(Backup {
        log: Arc::clone(log),
        event: EventDraft { action: "backup-end", ..event },
        head,
        snapshot,
        after: None,
        left: Vec::new(),
        rows: 0,
        bytes: 0,
        hash: Sha256::new(),
    })
}

impl Backup {
    /// What it is of.
    #[must_use]
    pub fn head(&self) -> &BackupHead {
        &self.head
    }

    /// The next bytes of rows (see [`frames`]), at most [`limits::BACKUP_PIECE_BYTES`]; `None` at the
    /// end. Blocks.
    ///
    /// # Errors
    /// Reading storage, [`StoreError::SnapshotLost`] among it.
    pub fn next_piece(&mut self) -> Result<Option<Vec<u8>>, VaultError> {
        if self.left.is_empty() {
            let page = self.snapshot.page(self.after.as_deref(), limits::BACKUP_PIECE_BYTES)?;
            page.iter().try_for_each(|row| self.take(row))?;
        }
        let rest = self.left.split_off(self.left.len().min(limits::BACKUP_PIECE_BYTES));
        let piece = std::mem::replace(&mut self.left, rest);
        if piece.is_empty() {
            return Ok(None);
        }
        self.hash.update(&piece);
        self.bytes = self.bytes.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
        Ok(Some(piece))
    }

    fn take(&mut self, row: &Row) -> Result<(), VaultError> {
        frames::append(&mut self.left, row).map_err(|e| StoreError::Read(Box::new(e)))?;
        self.after = Some(row.0.clone());
        self.rows = self.rows.saturating_add(1);
        Ok(())
    }

    /// Ends a backup of which everything was given out; its event is durable. Blocks.
    ///
    /// # Errors
    /// The log, and then there are no totals; [`VaultError::Interrupted`] if rows are left.
    pub fn end(mut self) -> Result<BackupTotals, VaultError> {
        if self.next_piece()?.is_some() {
            self.cut();
            return Err(VaultError::Interrupted);
        }
        self.tell(request::OK)?;
        Ok(BackupTotals {
            rows: self.rows,
            bytes: self.bytes,
            sha256: self.hash.finalize().into(),
            log_size: self.log.state().size,
            ended: self.log.clock().now(),
        })
    }

    /// Ends one that its caller did not get whole. The event is written if the log takes it. Blocks.
    pub fn cut(self) {
        // A vault that stops or cannot write its log has the first event: it was never whole.
        let _ = self.tell("CUT");
    }

    fn tell(&self, outcome: &str) -> Result<(), VaultError> {
        let mut event = self.event.clone();
        event.outcome = outcome.to_owned();
        event.notes = vec![
            format!("rows={}", self.rows),
            format!("bytes={}", self.bytes),
            format!("generation={}", self.head.log.generation),
            format!("log_size={}", self.head.log.size),
        ];
        record(&self.log, &event)
    }
}

fn record(log: &AuditLog, event: &EventDraft) -> Result<(), VaultError> {
    let sealed = log.seal(event)?;
    let _receipt = log.commit_blocking(Group::default(), &[], Some(sealed))?;
    Ok(())
}
