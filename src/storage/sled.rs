//! An embedded engine: sled 0.34, one tree. Nothing of sled shows outside this file.
//!
//! `flush` of sled ends in `sync_file_range` and its background flusher only logs errors, so a commit
//! is one batch on one tree, `flush`, and then `fdatasync` of every file that may hold a part of it.
//! After one failed commit every later one fails: a failed sync is never tried again on the same file.
//! sled has no snapshots: while one is open, each commit first notes what it is about to change (`overlay`).
//! Invariant: one process owns a folder, by a lock on the file `lock` held as long as the store lives.

use std::{
    collections::HashSet,
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use parking_lot::{Mutex, RwLock};

use super::{
    Group, Op, Outcome, Row, Snapshot, Store, StoreError,
    folder::{Held, sync_names},
    overlay::{Overlays, Then},
    page_of, preconditions, range,
};

/// Bytes sled is told to cache; it uses several times as much.
const CACHE_BYTES: u64 = 64 * 1024 * 1024;
/// sled frees its files a moment after the last handle is gone: how often opening tries again.
const OPEN_ATTEMPTS: u32 = 100;
/// Pause between two attempts.
const OPEN_PAUSE: Duration = Duration::from_millis(20);

/// A store in a folder. Dropping it lets the next process in.
pub struct SledStore {
    // Declared before the folder: sled must be closed before another process may enter.
    tree: sled::Tree,
    _db: sled::Db,
    log: File,
    blobs: Blobs,
    /// Readers see a batch whole: held for writing while sled applies one, never during a sync.
    applying: Arc<RwLock<()>>,
    /// Held from the check of a batch until it is synced: a snapshot sees nothing that is not durable.
    committing: Mutex<()>,
    overlays: Overlays,
    failed: AtomicBool,
    _folder: Held,
}

impl SledStore {
    /// Opens the folder, which is made if it does not exist.
    ///
    /// Errors: [`StoreError::Locked`] while another process (or another store of this one) holds it,
    /// [`StoreError::Open`] for everything else.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let held = Held::take(folder)?;
        let inside = folder.join(super::Engine::Sled.name());
        let db = open_sled(&inside)?;
        let tree = db.open_tree("rows").map_err(StoreError::opening)?;
        db.flush().map_err(StoreError::opening)?;
        let log =
            OpenOptions::new().write(true).open(inside.join("db")).map_err(StoreError::opening)?;
        let blobs = Blobs::new(inside.join("blobs")).map_err(StoreError::opening)?;
        // The names of the files themselves must survive a power cut too.
        log.sync_all().map_err(StoreError::opening)?;
        File::open(inside.join("conf")).and_then(|f| f.sync_all()).map_err(StoreError::opening)?;
        sync_names(&[&inside, folder])?;
        Ok(Self {
            tree,
            _db: db,
            log,
            blobs,
            applying: Arc::default(),
            committing: Mutex::new(()),
            overlays: Overlays::default(),
            failed: AtomicBool::new(false),
            _folder: held,
        })
    }

    fn check_sound(&self) -> Result<(), StoreError> {
        if self.failed.load(Ordering::Acquire) {
            return Err(StoreError::committing(io::Error::other("an earlier commit failed")));
        }
        Ok(())
    }

    fn apply(&self, batch: &[Group]) -> Result<Outcome, StoreError> {
        let mut changes = sled::Batch::default();
        for op in batch.iter().flat_map(|group| &group.ops) {
            match op {
                Op::Put(key, value) => changes.insert(key.as_slice(), value.as_slice()),
                Op::Delete(key) => changes.remove(key.as_slice()),
            }
        }
        let writing = self.applying.write();
        let read = |key: &[u8]| self.tree.get(key).map(to_vec).map_err(StoreError::reading);
        if let Some(position) = preconditions::first_broken(batch, read)? {
            return Ok(Outcome::Rejected(position));
        }
        self.overlays.note(batch, read)?;
        self.tree.apply_batch(changes).map_err(StoreError::committing)?;
        drop(writing);
        self.tree.flush().map_err(StoreError::committing)?;
        self.blobs.sync().map_err(StoreError::committing)?;
        self.log.sync_data().map_err(StoreError::committing)?;
        Ok(Outcome::Durable)
    }
}

impl Store for SledStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.tree.get(key).map(to_vec).map_err(StoreError::reading)
    }

    fn scan(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        let _whole = self.applying.read();
        let rows = range::forward(prefix, after).map(|keys| self.tree.range(keys));
        rows.into_iter().flatten().take(limit).map(owned).collect()
    }

    fn scan_back(
        &self,
        prefix: &[u8],
        before: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        let _whole = self.applying.read();
        let rows = range::backward(prefix, before).map(|keys| self.tree.range(keys).rev());
        rows.into_iter().flatten().take(limit).map(owned).collect()
    }

    fn commit(&self, batch: &[Group]) -> Result<Outcome, StoreError> {
        let _alone = self.committing.lock();
        self.check_sound()?;
        let outcome = self.apply(batch);
        if matches!(outcome, Err(StoreError::Commit(_))) {
            self.failed.store(true, Ordering::Release);
        }
        outcome
    }

    fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        let _between_commits = self.committing.lock();
        self.check_sound()?;
        let (tree, applying) = (self.tree.clone(), Arc::clone(&self.applying));
        Ok(Box::new(SledSnapshot { tree, applying, then: self.overlays.open() }))
    }
}

/// The tree as it is, under what it held then.
struct SledSnapshot {
    tree: sled::Tree,
    applying: Arc<RwLock<()>>,
    then: Arc<Then>,
}

impl Snapshot for SledSnapshot {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let _whole = self.applying.read();
        self.then.get(key, || self.tree.get(key).map(to_vec).map_err(StoreError::reading))
    }

    fn page(&self, after: Option<&[u8]>, bytes: usize) -> Result<Vec<Row>, StoreError> {
        let _whole = self.applying.read();
        let Some(keys) = range::forward(b"", after) else { return Ok(Vec::new()) };
        let now = self.tree.range(keys.clone()).map(owned);
        self.then.merged(keys, now, |rows| page_of(rows, bytes))
    }

    fn engine(&self) -> &'static str {
        super::Engine::Sled.name()
    }

    fn rows_about(&self) -> u64 {
        u64::try_from(self.tree.len()).unwrap_or(u64::MAX)
    }
}

/// The folder where sled puts values too large for its log, one file each; sled never syncs them.
struct Blobs {
    folder: PathBuf,
    synced: Mutex<HashSet<OsString>>,
}

impl Blobs {
    /// Syncs what is there: a crash may have left files that a later snapshot relies on.
    fn new(folder: PathBuf) -> io::Result<Self> {
        let blobs = Self { folder, synced: Mutex::new(HashSet::new()) };
        blobs.sync()?;
        Ok(blobs)
    }

    /// Syncs the files that came since the last call. The folder is nearly always empty.
    fn sync(&self) -> io::Result<()> {
        let mut synced = self.synced.lock();
        let mut present = HashSet::new();
        let mut new = false;
        for entry in fs::read_dir(&self.folder)? {
            let name = entry?.file_name();
            if !synced.contains(&name) {
                match File::open(self.folder.join(&name)) {
                    Ok(file) => file.sync_all()?,
                    // sled removed it meanwhile, so nothing refers to it.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    Err(error) => return Err(error),
                }
                new = true;
            }
            present.insert(name);
        }
        if new {
            File::open(&self.folder)?.sync_all()?;
        }
        *synced = present;
        Ok(())
    }
}

fn open_sled(folder: &Path) -> Result<sled::Db, StoreError> {
    let config = sled::Config::new()
        .path(folder)
        .cache_capacity(CACHE_BYTES)
        .flush_every_ms(None)
        .mode(sled::Mode::HighThroughput);
    let mut attempts = 0;
    loop {
        match config.open() {
            Ok(db) => return Ok(db),
            // Whoever got so far had sled's lock: nobody writes a snapshot at this moment.
            Err(sled::Error::Corruption { .. }) if drop_unfinished(folder)? > 0 => {}
            // Our own lock is held, so this is the last owner's worker thread on its way out.
            Err(sled::Error::Io(error)) if is_lock(&error) && attempts < OPEN_ATTEMPTS => {
                attempts += 1;
                thread::sleep(OPEN_PAUSE);
            }
            Err(sled::Error::Io(error)) if is_lock(&error) => return Err(StoreError::Locked),
            Err(error) => return Err(StoreError::opening(error)),
        }
    }
}

/// Removes snapshots that sled had not finished when it was stopped, and tells how many. It takes one for
/// whole, finds it corrupted and does not open; it is a copy of what the log says, and no row is in it alone.
fn drop_unfinished(folder: &Path) -> Result<usize, StoreError> {
    let mut dropped = 0;
    for entry in fs::read_dir(folder).map_err(StoreError::opening)? {
        let entry = entry.map_err(StoreError::opening)?;
        let name = entry.file_name();
        if name.to_string_lossy().ends_with(".generating") {
            fs::remove_file(entry.path()).map_err(StoreError::opening)?;
            dropped += 1;
        }
    }
    Ok(dropped)
}

fn is_lock(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Other && error.to_string().contains("could not acquire lock")
}

fn to_vec(value: Option<sled::IVec>) -> Option<Vec<u8>> {
    value.map(|bytes| bytes.to_vec())
}

fn owned(row: sled::Result<(sled::IVec, sled::IVec)>) -> Result<Row, StoreError> {
    let (key, value) = row.map_err(StoreError::reading)?;
    Ok((key.to_vec(), value.to_vec()))
}
