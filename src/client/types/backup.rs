//! Types of a backup. What is in the rows is not known here.

use crate::ids::VaultId;

/// One part of a backup, in the order they come.
#[derive(Debug)]
pub enum BackupPart {
    /// First: what it is of.
    Head(Box<BackupHead>),
    /// Bytes of rows.
    Rows(Vec<u8>),
    /// Last: that it is whole.
    Totals(BackupTotals),
}

/// What a backup is of.
#[derive(Debug, Clone)]
pub struct BackupHead {
    /// The vault.
    pub vault: VaultId,
    /// Its name.
    pub vault_name: String,
    /// The node whose log it is.
    pub node: String,
    /// The storage engine it ran on.
    pub engine: String,
    /// The newest generation whose leaf is in the rows.
    pub generation: u64,
    /// Number of the log's origin.
    pub log_origin: u32,
    /// Leaves of the log in the rows.
    pub log_size: u64,
    /// Their root.
    pub log_root: [u8; 32],
    /// A signed note over them.
    pub checkpoint: String,
    /// When, RFC 3339.
    pub started: String,
    /// About how many rows follow.
    pub rows_about: u64,
}

/// That a backup is whole.
#[derive(Debug, Clone)]
pub struct BackupTotals {
    /// Rows.
    pub rows: u64,
    /// Their bytes.
    pub bytes: u64,
    /// SHA-256 of these.
    pub sha256: [u8; 32],
    /// Leaves of the log after the backup's last event.
    pub log_size: u64,
    /// When, RFC 3339.
    pub ended: String,
}
