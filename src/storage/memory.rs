//! An in-memory store for tests and demonstrations of faults. It keeps nothing on a device.
//!
//! The rows live in a [`MemoryDisk`], which several stores may open one after the other: dropping
//! the store and opening the disk again is a restart. Faults are counted per disk, so that a test can
//! count the calls of a clean run and then fail each of them in turn.
//! Invariant: a failing commit is applied whole or not at all, as the fault says.

use std::{collections::BTreeMap, ops::Bound, sync::Arc};

use parking_lot::{Condvar, Mutex, RwLock};

use super::{Group, Op, Outcome, Row, Snapshot, Store, StoreError, page_of, preconditions};

/// Which calls a fault counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// Every call of the store.
    All,
    /// Only `commit`.
    Commits,
}

/// What the store does at the counted call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Call `n` (from 0) fails; a commit is not applied.
    FailAndNotPersist(u64),
    /// Call `n` (from 0) fails; a commit is applied all the same.
    FailButPersist(u64),
    /// Call `n` (from 0) and all later ones fail, and nothing more is applied.
    DeadFrom(u64),
}

#[derive(Debug, Default)]
struct Plan {
    all: u64,
    commits: u64,
    fault: Option<(Counted, Fault)>,
}

/// The medium: what survives a "restart". Cheap to clone, all clones are the same disk.
#[derive(Debug, Clone, Default)]
pub struct MemoryDisk {
    rows: Arc<RwLock<BTreeMap<Vec<u8>, Vec<u8>>>>,
    plan: Arc<Mutex<Plan>>,
    gate: Arc<Gate>,
    reads: Arc<Gate>,
    /// The read that waits at `reads`: the first of a key with this prefix.
    next_read: Arc<Mutex<Option<Vec<u8>>>>,
}

/// Where calls wait while they are held.
#[derive(Debug, Default)]
struct Gate {
    state: Mutex<GateState>,
    opened: Condvar,
}

#[derive(Debug, Default)]
struct GateState {
    held: usize,
    waiting: usize,
    /// Calls that may pass although they are held.
    passes: usize,
}

impl Gate {
    fn pass(&self) {
        let mut state = self.state.lock();
        state.waiting += 1;
        while state.held > 0 && state.passes == 0 {
            self.opened.wait(&mut state);
        }
        if state.held > 0 {
            state.passes -= 1;
        }
        state.waiting -= 1;
    }
}

/// While it lives, calls of the disk wait. Dropping it lets them pass.
#[derive(Debug)]
pub struct Held(Arc<Gate>);

impl Held {
    /// Whether a call waits.
    #[must_use]
    pub fn has_one(&self) -> bool {
        self.0.state.lock().waiting > 0
    }

    /// Lets one call pass, the one that waits or the next; those after it wait again.
    pub fn let_one_pass(&self) {
        self.0.state.lock().passes += 1;
        self.0.opened.notify_all();
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.state.lock().held -= 1;
        self.0.opened.notify_all();
    }
}

impl MemoryDisk {
    /// An empty disk without faults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens the disk.
    #[must_use]
    pub fn open(&self) -> MemoryStore {
        MemoryStore { disk: self.clone() }
    }

    /// Plans a fault (for tests) and sets both call counters to 0.
    pub fn inject(&self, counted: Counted, fault: Fault) {
        *self.plan.lock() = Plan { all: 0, commits: 0, fault: Some((counted, fault)) };
    }

    /// Removes any planned fault and sets both call counters to 0.
    pub fn heal(&self) {
        *self.plan.lock() = Plan::default();
    }

    /// Makes commits wait (for tests): a device that is slow, for as long as the test wants.
    #[must_use]
    pub fn hold_commits(&self) -> Held {
        self.gate.state.lock().held += 1;
        Held(Arc::clone(&self.gate))
    }

    /// Calls since the counters were last set to 0.
    #[must_use]
    pub fn calls(&self, counted: Counted) -> u64 {
        let plan = self.plan.lock();
        match counted {
            Counted::All => plan.all,
            Counted::Commits => plan.commits,
        }
    }

    /// Makes the next `get` of a key with this prefix wait (for tests), and no other: a reader between
    /// two reads, for as long as the test wants.
    #[must_use]
    pub fn hold_next_read(&self, prefix: &[u8]) -> Held {
        self.reads.state.lock().held += 1;
        *self.next_read.lock() = Some(prefix.to_vec());
        Held(Arc::clone(&self.reads))
    }

    /// A copy of all rows on a disk of its own: a backup, or what an attacker took.
    #[must_use]
    pub fn copy(&self) -> Self {
        let rows = Arc::new(RwLock::new(self.rows.read().clone()));
        Self { rows, ..Self::default() }
    }

    /// Changes rows behind the store's back, as somebody with the disk in his hands would.
    pub fn tamper(&self, change: impl FnOnce(&mut BTreeMap<Vec<u8>, Vec<u8>>)) {
        change(&mut self.rows.write());
    }

    fn count(&self, commit: bool) -> Option<Fault> {
        let mut plan = self.plan.lock();
        let (all, commits) = (plan.all, plan.commits);
        plan.all += 1;
        plan.commits += u64::from(commit);
        let (counted, fault) = plan.fault?;
        let number = match counted {
            Counted::All => all,
            Counted::Commits if commit => commits,
            Counted::Commits => return None,
        };
        match fault {
            Fault::FailAndNotPersist(n) | Fault::FailButPersist(n) if n == number => Some(fault),
            Fault::DeadFrom(n) if number >= n => Some(fault),
            _ => None,
        }
    }

    /// Waits, if this is the read that is held.
    fn wait_to_read(&self, key: &[u8]) {
        let held = self.next_read.lock().take_if(|prefix| key.starts_with(prefix));
        if held.is_some() {
            self.reads.pass();
        }
    }

    fn reading(&self) -> Result<(), StoreError> {
        match self.count(false) {
            None => Ok(()),
            Some(_) => Err(StoreError::Read(Box::new(Injected))),
        }
    }
}

/// A store on a [`MemoryDisk`].
#[derive(Debug)]
pub struct MemoryStore {
    disk: MemoryDisk,
}

impl MemoryStore {
    /// A store on an empty disk of its own.
    #[must_use]
    pub fn new() -> Self {
        MemoryDisk::new().open()
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl Store for MemoryStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.disk.reading()?;
        self.disk.wait_to_read(key);
        Ok(self.disk.rows.read().get(key).cloned())
    }

    fn scan(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        self.disk.reading()?;
        let from = match after {
            Some(after) if after >= prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix),
        };
        let rows = self.disk.rows.read();
        let range = rows.range::<[u8], _>((from, Bound::Unbounded));
        Ok(range.take_while(|(key, _)| key.starts_with(prefix)).take(limit).map(owned).collect())
    }

    fn scan_back(
        &self,
        prefix: &[u8],
        before: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        self.disk.reading()?;
        let rows = self.disk.rows.read();
        let to = match before {
            Some(before) if before < prefix => return Ok(Vec::new()),
            Some(before) => Bound::Excluded(before.to_vec()),
            None => Bound::Unbounded,
        };
        let from = Bound::Included(prefix.to_vec());
        let range = rows.range::<Vec<u8>, _>((from, to)).rev();
        Ok(range
            .skip_while(|(key, _)| !key.starts_with(prefix))
            .take_while(|(key, _)| key.starts_with(prefix))
            .take(limit)
            .map(owned)
            .collect())
    }

    fn commit(&self, batch: &[Group]) -> Result<Outcome, StoreError> {
        self.disk.gate.pass();
        let fault = self.disk.count(true);
        let failed = || Err(StoreError::Commit(Box::new(Injected)));
        if matches!(fault, Some(Fault::FailAndNotPersist(_) | Fault::DeadFrom(_))) {
            return failed();
        }
        let mut rows = self.disk.rows.write();
        if let Some(position) =
            preconditions::first_broken(batch, |key| Ok(rows.get(key).cloned()))?
        {
            return Ok(Outcome::Rejected(position));
        }
        for op in batch.iter().flat_map(|group| &group.ops) {
            match op {
                Op::Put(key, value) => rows.insert(key.clone(), value.clone()),
                Op::Delete(key) => rows.remove(key),
            };
        }
        if fault.is_some() { failed() } else { Ok(Outcome::Durable) }
    }

    fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        self.disk.reading()?;
        Ok(Box::new(MemorySnapshot { rows: self.disk.rows.read().clone() }))
    }
}

/// A copy of all rows.
struct MemorySnapshot {
    rows: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Snapshot for MemorySnapshot {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.rows.get(key).cloned())
    }

    fn page(&self, after: Option<&[u8]>, bytes: usize) -> Result<Vec<Row>, StoreError> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let rows = self.rows.range::<[u8], _>((from, Bound::Unbounded));
        page_of(rows.map(|row| Ok(owned(row))), bytes)
    }

    fn engine(&self) -> &'static str {
        "memory"
    }

    fn rows_about(&self) -> u64 {
        u64::try_from(self.rows.len()).unwrap_or(u64::MAX)
    }
}

/// The source of an injected error.
#[derive(Debug, thiserror::Error)]
#[error("this fault was injected by a test")]
struct Injected;

fn owned((key, value): (&Vec<u8>, &Vec<u8>)) -> Row {
    (key.clone(), value.clone())
}
