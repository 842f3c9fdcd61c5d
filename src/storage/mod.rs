//! Durable key-value storage: the contract every engine keeps, and nothing of any engine.
//!
//! Contract of [`Store::commit`]: when it returns `Ok`, every operation of every group is on the
//! device and survives a power cut; when it returns `Rejected`, nothing was applied; when it returns
//! an error, all or nothing was applied and nobody knows which, so the caller must stop writing until
//! the store has been opened again (never retry a sync on a failed file). Readers see a batch whole
//! or not at all.

mod engine;
pub mod fjall;
mod folder;
pub mod frames;
pub mod keys;
pub mod memory;
mod overlay;
pub mod preconditions;
mod range;
pub mod sled;

#[cfg(test)]
mod tests;

pub use engine::{Engine, UnknownEngine};

/// A key and its value.
pub type Row = (Vec<u8>, Vec<u8>);

/// Why storage failed. The engine's own text is kept as a source, never a key or a value.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Reading failed; the store may still be sound.
    #[error("reading from storage failed")]
    Read(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A commit failed: its effect is unknown until the store is opened again.
    #[error("writing to storage failed; the state is unknown until the vault is restarted")]
    Commit(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The store could not be opened.
    #[error("the data folder could not be opened as a store")]
    Open(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// So much was written while a snapshot was open that keeping it would take too much memory.
    #[error("too much was written while the snapshot was open; it was given up")]
    SnapshotLost,
    /// Another process owns the data folder.
    #[error("another process is using this data folder; stop it first")]
    Locked,
    /// The folder holds the files of two engines, and nothing says which is the vault's.
    #[error("the data folder holds the files of two storage engines; keep only the vault's own")]
    TwoEngines,
}

impl StoreError {
    fn opening(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Open(Box::new(error))
    }

    fn reading(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Read(Box::new(error))
    }

    fn committing(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Commit(Box::new(error))
    }
}

/// What must be true of a row for its group to be applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Precondition {
    /// No row has this key.
    Absent(Vec<u8>),
    /// The row with this key has exactly these bytes (a row's version is part of its bytes).
    Unchanged(Vec<u8>, Vec<u8>),
}

/// One change of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    /// Writes a row, replacing any older value.
    Put(Vec<u8>, Vec<u8>),
    /// Removes a row if it exists.
    Delete(Vec<u8>),
}

impl Op {
    /// The key this operation touches.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        match self {
            Self::Put(key, _) | Self::Delete(key) => key,
        }
    }
}

/// All rows of one call, applied or rejected whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Group {
    /// All must hold, in the state left by the earlier groups of the same batch.
    pub preconditions: Vec<Precondition>,
    /// Applied in order.
    pub ops: Vec<Op>,
}

/// What a commit did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Every group is durable.
    Durable,
    /// A precondition of this group (position in the batch) did not hold: nothing was applied.
    Rejected(usize),
}

/// An ordered map of byte strings on a durable medium. See the module for the contract.
pub trait Store: Send + Sync + 'static {
    /// The value of this key.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// Up to `limit` rows whose key starts with `prefix`, in key order, strictly after the key
    /// `after` where one is given.
    fn scan(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError>;

    /// Up to `limit` rows whose key starts with `prefix`, in descending key order, strictly before
    /// the key `before` where one is given.
    fn scan_back(
        &self,
        prefix: &[u8],
        before: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError>;

    /// The last row whose key starts with `prefix`.
    fn last(&self, prefix: &[u8]) -> Result<Option<Row>, StoreError> {
        Ok(self.scan_back(prefix, None, 1)?.pop())
    }

    /// Applies all groups in order, atomically and durably, or none.
    fn commit(&self, batch: &[Group]) -> Result<Outcome, StoreError>;

    /// All rows as the last durable commit left them. Later commits change nothing of it.
    ///
    /// Errors: [`StoreError::Commit`] after a failed commit: nobody knows what is durable.
    fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError>;
}

/// The rows of a store at one moment. It costs the store memory or disk until it is dropped, so nobody
/// keeps one for longer than [`limits::BACKUP_MS_MAX`](crate::limits::BACKUP_MS_MAX).
pub trait Snapshot: Send + Sync {
    /// The value of this key then.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// The next rows in key order, strictly after the key `after` where one is given: as many as take
    /// the page to `bytes` of keys and values, and at least one. Empty: there are no more.
    fn page(&self, after: Option<&[u8]>, bytes: usize) -> Result<Vec<Row>, StoreError>;

    /// The engine's name.
    fn engine(&self) -> &'static str;

    /// About how many rows there are: for a progress bar, and for nothing else.
    fn rows_about(&self) -> u64;
}

/// Takes rows until they reach `bytes`.
fn page_of(
    rows: impl Iterator<Item = Result<Row, StoreError>>,
    bytes: usize,
) -> Result<Vec<Row>, StoreError> {
    let (mut page, mut taken) = (Vec::new(), 0_usize);
    for row in rows {
        let (key, value) = row?;
        taken = taken.saturating_add(key.len()).saturating_add(value.len());
        page.push((key, value));
        if taken >= bytes {
            break;
        }
    }
    Ok(page)
}
