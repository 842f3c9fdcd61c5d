//! The embedded engine of new vaults: fjall 3, one keyspace. Nothing of fjall shows outside this folder.
//!
//! fjall writes a batch to its journal, syncs it, and only then shows it to readers, so nothing is read
//! that a power cut could take back. Reads go through a snapshot: without one fjall shows rows of a
//! batch that is just being applied. A failed sync, or a failure of its own threads, poisons the
//! database: every later commit fails until it is opened again.
//! Invariant: memory is bounded by the constants below, however much is written (the writer waits).

mod tail;

use std::{
    io,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use fjall::{Database, Guard, Keyspace, KeyspaceCreateOptions, PersistMode, Readable as _};
use parking_lot::Mutex;

use super::{
    Group, Op, Outcome, Row, Snapshot, Store, StoreError,
    folder::{Held, sync_names},
    page_of, preconditions,
    range::{self, KeyRange},
};

/// Bytes of blocks that fjall keeps in memory.
const CACHE_BYTES: u64 = 64 * 1024 * 1024;
/// Bytes of new rows kept in memory before they are written as a table. fjall holds up to five such:
/// one that grows and four that wait for the disk, then it makes the writer wait.
const MEMTABLE_BYTES: u64 = 8 * 1024 * 1024;
/// Files kept open for reading; fjall's own default would leave a process of 1,024 few connections.
const OPEN_FILES: usize = 128;
/// Bytes of journal on disk from which fjall writes tables to be rid of it: what opening replays.
const JOURNAL_BYTES: u64 = 128 * 1024 * 1024;

/// A store in a folder. Dropping it lets the next process in.
pub struct FjallStore {
    rows: Keyspace,
    db: Database,
    /// Preconditions are checked and the batch applied under it, so that no two commits interleave.
    committing: Mutex<()>,
    failed: AtomicBool,
    /// Declared last: fjall must be closed before another process may enter.
    _folder: Held,
}

impl FjallStore {
    /// Opens the folder, which is made if it does not exist.
    ///
    /// Errors: [`StoreError::Locked`] while another process (or another store of this one) holds it,
    /// [`StoreError::Open`] for everything else.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let held = Held::take(folder)?;
        let inside = folder.join(super::Engine::Fjall.name());
        let builder = || {
            Database::builder(&inside)
                .cache_size(CACHE_BYTES)
                .max_cached_files(Some(OPEN_FILES))
                .max_journaling_size(JOURNAL_BYTES)
        };
        let db = tail::open_without_torn_batch(&inside, || builder().open())
            .map_err(StoreError::opening)?;
        let options = || KeyspaceCreateOptions::default().max_memtable_size(MEMTABLE_BYTES);
        let rows = db.keyspace("rows", options).map_err(StoreError::opening)?;
        // fjall syncs the names inside its folder; the name of that folder is ours.
        sync_names(&[folder])?;
        Ok(Self {
            rows,
            db,
            committing: Mutex::new(()),
            failed: AtomicBool::new(false),
            _folder: held,
        })
    }

    fn apply(&self, batch: &[Group]) -> Result<Outcome, StoreError> {
        let _alone = self.committing.lock();
        self.check_sound()?;
        if let Some(position) = preconditions::first_broken(batch, |key| self.get(key))? {
            return Ok(Outcome::Rejected(position));
        }
        let mut changes = self.db.batch().durability(Some(PersistMode::SyncData));
        for op in batch.iter().flat_map(|group| &group.ops) {
            match op {
                Op::Put(key, value) => changes.insert(&self.rows, key.as_slice(), value.as_slice()),
                Op::Delete(key) => changes.remove(&self.rows, key.as_slice()),
            }
        }
        changes.commit().map_err(|error| {
            self.failed.store(true, Ordering::Release);
            StoreError::committing(error)
        })?;
        Ok(Outcome::Durable)
    }

    fn check_sound(&self) -> Result<(), StoreError> {
        if self.failed.load(Ordering::Acquire) {
            return Err(StoreError::committing(io::Error::other("an earlier commit failed")));
        }
        Ok(())
    }

    fn range(&self, keys: KeyRange) -> fjall::Iter {
        self.db.snapshot().range(&self.rows, keys)
    }
}

impl Store for FjallStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let value = self.db.snapshot().get(&self.rows, key).map_err(StoreError::reading)?;
        Ok(value.map(|bytes| bytes.to_vec()))
    }

    fn scan(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        let rows = range::forward(prefix, after).map(|keys| self.range(keys));
        rows.into_iter().flatten().take(limit).map(owned).collect()
    }

    fn scan_back(
        &self,
        prefix: &[u8],
        before: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        let rows = range::backward(prefix, before).map(|keys| self.range(keys).rev());
        rows.into_iter().flatten().take(limit).map(owned).collect()
    }

    fn commit(&self, batch: &[Group]) -> Result<Outcome, StoreError> {
        self.apply(batch)
    }

    fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        self.check_sound()?;
        // A batch is shown once it is synced: what a snapshot sees is durable.
        Ok(Box::new(FjallSnapshot { rows: self.rows.clone(), then: self.db.snapshot() }))
    }
}

/// Old versions of rows stay on the disk while it lives.
struct FjallSnapshot {
    rows: Keyspace,
    then: fjall::Snapshot,
}

impl Snapshot for FjallSnapshot {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let value = self.then.get(&self.rows, key).map_err(StoreError::reading)?;
        Ok(value.map(|bytes| bytes.to_vec()))
    }

    fn page(&self, after: Option<&[u8]>, bytes: usize) -> Result<Vec<Row>, StoreError> {
        let rows = range::forward(b"", after).map(|keys| self.then.range(&self.rows, keys));
        page_of(rows.into_iter().flatten().map(owned), bytes)
    }

    fn engine(&self) -> &'static str {
        super::Engine::Fjall.name()
    }

    fn rows_about(&self) -> u64 {
        u64::try_from(self.rows.approximate_len()).unwrap_or(u64::MAX)
    }
}

fn owned(row: Guard) -> Result<Row, StoreError> {
    let (key, value) = row.into_inner().map_err(StoreError::reading)?;
    Ok((key.to_vec(), value.to_vec()))
}
