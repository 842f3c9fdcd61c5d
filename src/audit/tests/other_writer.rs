//! A store with another writer: a precondition lost at the commit itself.

use std::sync::Arc;

use parking_lot::{Condvar, Mutex};

use super::house::{House, draft, rows};
use crate::{
    audit::{AuditError, Opened},
    storage::{
        Group, Outcome, Precondition, Row, Snapshot, Store, StoreError, keys,
        memory::{Counted, MemoryDisk, MemoryStore},
    },
};

/// Holds every commit until it is let through, and then lets another writer go first.
struct Contended {
    store: MemoryStore,
    disk: MemoryDisk,
    gate: Arc<Gate>,
}

#[derive(Default)]
struct Gate {
    state: Mutex<GateState>,
    opened: Condvar,
}

#[derive(Default)]
struct GateState {
    closed: bool,
    waiting: bool,
    taken: Option<Vec<u8>>,
}

impl Gate {
    fn close(&self) {
        self.state.lock().closed = true;
    }

    fn somebody_waits(&self) -> bool {
        self.state.lock().waiting
    }

    /// Lets commits through; another writer takes this key just before the next one with rows of it.
    fn open(&self, taken: &[u8]) {
        *self.state.lock() = GateState { taken: Some(taken.to_vec()), ..GateState::default() };
        self.opened.notify_all();
    }
}

impl Store for Contended {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.get(key)
    }

    fn scan(&self, p: &[u8], after: Option<&[u8]>, n: usize) -> Result<Vec<Row>, StoreError> {
        self.store.scan(p, after, n)
    }

    fn scan_back(&self, p: &[u8], before: Option<&[u8]>, n: usize) -> Result<Vec<Row>, StoreError> {
        self.store.scan_back(p, before, n)
    }

    fn commit(&self, batch: &[Group]) -> Result<Outcome, StoreError> {
        let mut state = self.gate.state.lock();
        while state.closed {
            state.waiting = true;
            self.gate.opened.wait(&mut state);
        }
        let names = |key: &[u8]| batch.iter().flat_map(|g| &g.ops).any(|op| op.key() == key);
        if let Some(key) = state.taken.take_if(|key| names(key)) {
            self.disk.tamper(|rows| drop(rows.insert(key, b"theirs".to_vec())));
        }
        self.store.commit(batch)
    }

    fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        self.store.snapshot()
    }
}

#[test]
fn a_precondition_lost_at_the_commit_rebuilds_the_batch_with_new_numbers() {
    let (house, log) = House::new();
    drop(log);
    let gate = Arc::new(Gate::default());
    let store =
        Contended { store: house.disk.open(), disk: house.disk.clone(), gate: Arc::clone(&gate) };
    let Ok(Opened::Whole(log)) = house.open_on(Arc::new(store), house.keyring()) else { panic!() };
    house.open_segments(&log);
    let first = log.state().size;
    house.disk.heal();
    gate.close();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let log = Arc::new(log);
    let call = |key: &'static [u8]| {
        let log = Arc::clone(&log);
        runtime.spawn(async move {
            let preconditions = vec![Precondition::Absent(key.to_vec())];
            let group = Group { preconditions, ..rows(key) };
            log.commit(group, &[], log.seal(&draft("a", 1)).unwrap()).await
        })
    };
    // The first call waits at the gate; the three others queue up behind it, in order.
    let mut calls = vec![call(b"z0")];
    while !gate.somebody_waits() {
        std::thread::yield_now();
    }
    for (n, key) in [&b"z1"[..], b"z2", b"z3"].into_iter().enumerate() {
        calls.push(call(key));
        while log.shared().queue.len() <= n {
            std::thread::yield_now();
        }
    }
    gate.open(b"z2");
    let answers: Vec<_> = calls.into_iter().map(|c| runtime.block_on(c).unwrap()).collect();
    let numbers: Vec<_> = answers.iter().flatten().map(|r| r.index().1).collect();
    assert_eq!(numbers, [first, first + 1, first + 2]);
    assert!(matches!(answers[2], Err(AuditError::Rejected)));
    // One commit for the first, a rejected one and its repetition for the three others.
    assert_eq!(house.disk.calls(Counted::Commits), 3);
    let store = house.disk.open();
    assert_eq!(store.get(b"z2").unwrap().unwrap(), b"theirs");
    assert_eq!(store.scan(&keys::leaves(0), None, 100).unwrap().len() as u64, first + 3);
    drop(log);
    assert_eq!(house.restart().state().size, first + 4);
}
