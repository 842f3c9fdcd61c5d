//! One conformance suite, run over every backend; then what only one backend has.

use std::sync::Arc;

use super::{
    Engine, Group, Op, Outcome, Precondition, Store, StoreError,
    memory::{Counted, Fault, MemoryDisk},
};

/// A medium that can be opened, closed and opened again.
trait Medium {
    fn open(&self) -> Arc<dyn Store>;
}

impl Medium for MemoryDisk {
    fn open(&self) -> Arc<dyn Store> {
        Arc::new(Self::open(self))
    }
}

/// A folder on disk, kept by one engine.
struct Folder(tempfile::TempDir, Engine);

impl Folder {
    fn of(engine: Engine) -> Self {
        Self(tempfile::tempdir().unwrap(), engine)
    }
}

impl Medium for Folder {
    fn open(&self) -> Arc<dyn Store> {
        Engine::open(self.0.path(), self.1).unwrap()
    }
}

macro_rules! conformance {
    ($($name:ident),* $(,)?) => {
        mod on_memory { $(#[test] fn $name() { super::$name(&super::MemoryDisk::new()); })* }
        mod on_fjall { $(#[test] fn $name() { super::$name(&super::Folder::of(super::Engine::Fjall)); })* }
        mod on_sled { $(#[test] fn $name() { super::$name(&super::Folder::of(super::Engine::Sled)); })* }
    };
}

conformance!(
    a_committed_row_is_read_back_and_a_deleted_one_is_gone,
    a_rejected_group_leaves_nothing_of_the_batch,
    a_precondition_that_holds_lets_the_batch_through,
    a_precondition_sees_the_earlier_groups_of_its_batch,
    a_scan_stays_in_its_prefix_and_goes_on_after_its_cursor,
    a_backward_scan_mirrors_the_forward_one,
    last_is_the_greatest_key_of_its_prefix_alone,
    rows_survive_a_restart,
    a_large_value_survives_a_restart,
    readers_see_a_batch_whole,
    what_is_committed_during_a_snapshots_scan_is_not_in_it_and_not_lost,
    snapshots_of_different_moments_each_keep_their_own,
    a_page_ends_with_the_row_that_reaches_its_bytes_and_has_at_least_one,
    a_snapshot_never_shows_half_of_a_batch,
);

fn put(key: &[u8], value: &[u8]) -> Op {
    Op::Put(key.to_vec(), value.to_vec())
}

fn group(ops: Vec<Op>) -> Group {
    Group { preconditions: Vec::new(), ops }
}

fn keys(rows: Vec<super::Row>) -> Vec<Vec<u8>> {
    rows.into_iter().map(|(key, _)| key).collect()
}

fn a_committed_row_is_read_back_and_a_deleted_one_is_gone(medium: &dyn Medium) {
    let store = medium.open();
    let batch = [group(vec![put(b"a", b"1"), put(b"b", b"2")]), group(vec![put(b"a", b"3")])];
    assert_eq!(store.commit(&batch).unwrap(), Outcome::Durable);
    assert_eq!(store.get(b"a").unwrap().unwrap(), b"3");
    store.commit(&[group(vec![Op::Delete(b"a".to_vec()), Op::Delete(b"none".to_vec())])]).unwrap();
    assert_eq!(store.get(b"a").unwrap(), None);
    assert_eq!(store.get(b"b").unwrap().unwrap(), b"2");
}

fn a_rejected_group_leaves_nothing_of_the_batch(medium: &dyn Medium) {
    let store = medium.open();
    store.commit(&[group(vec![put(b"r", b"v1")])]).unwrap();
    let broken = [
        Precondition::Absent(b"r".to_vec()),
        Precondition::Unchanged(b"r".to_vec(), b"v2".to_vec()),
        Precondition::Unchanged(b"none".to_vec(), Vec::new()),
    ];
    for precondition in broken {
        let second = Group { preconditions: vec![precondition], ops: vec![put(b"y", b"")] };
        let batch = [group(vec![put(b"x", b"")]), second];
        assert_eq!(store.commit(&batch).unwrap(), Outcome::Rejected(1));
        assert_eq!((store.get(b"x").unwrap(), store.get(b"y").unwrap()), (None, None));
    }
}

fn a_precondition_that_holds_lets_the_batch_through(medium: &dyn Medium) {
    let store = medium.open();
    store.commit(&[group(vec![put(b"r", b"v1")])]).unwrap();
    let held = Group {
        preconditions: vec![
            Precondition::Absent(b"none".to_vec()),
            Precondition::Unchanged(b"r".to_vec(), b"v1".to_vec()),
        ],
        ops: vec![put(b"r", b"v2")],
    };
    assert_eq!(store.commit(&[held]).unwrap(), Outcome::Durable);
    assert_eq!(store.get(b"r").unwrap().unwrap(), b"v2");
}

fn a_precondition_sees_the_earlier_groups_of_its_batch(medium: &dyn Medium) {
    let store = medium.open();
    let create = |value: &[u8]| Group {
        preconditions: vec![Precondition::Absent(b"r".to_vec())],
        ops: vec![put(b"r", value)],
    };
    assert_eq!(store.commit(&[create(b"1"), create(b"2")]).unwrap(), Outcome::Rejected(1));
    let update = Group {
        preconditions: vec![Precondition::Unchanged(b"r".to_vec(), b"1".to_vec())],
        ops: vec![Op::Delete(b"r".to_vec())],
    };
    let batch = [create(b"1"), update, create(b"3")];
    assert_eq!(store.commit(&batch).unwrap(), Outcome::Durable);
    assert_eq!(store.get(b"r").unwrap().unwrap(), b"3");
}

fn a_scan_stays_in_its_prefix_and_goes_on_after_its_cursor(medium: &dyn Medium) {
    let store = medium.open();
    let rows = [&b"k"[..], b"l", b"la", b"lb", b"lb\0", b"lc", b"m"];
    store.commit(&[group(rows.iter().map(|key| put(key, b"")).collect())]).unwrap();
    assert_eq!(keys(store.scan(b"l", None, 3).unwrap()), [&b"l"[..], b"la", b"lb"]);
    assert_eq!(keys(store.scan(b"l", Some(b"lb"), 9).unwrap()), [&b"lb\0"[..], b"lc"]);
    assert_eq!(keys(store.scan(b"l", Some(b"a"), 1).unwrap()), [b"l"]);
    assert!(store.scan(b"l", Some(b"lc"), 9).unwrap().is_empty());
    assert!(store.scan(b"l", Some(b"z"), 9).unwrap().is_empty());
    assert_eq!(store.scan(b"", None, 100).unwrap().len(), rows.len());
}

fn a_backward_scan_mirrors_the_forward_one(medium: &dyn Medium) {
    let store = medium.open();
    let rows = [&b"k"[..], b"la", b"lb", b"lb\0", b"lc", b"m", b"\xff\xff", b"\xff\xffa"];
    store.commit(&[group(rows.iter().map(|key| put(key, b"")).collect())]).unwrap();
    assert_eq!(keys(store.scan_back(b"l", None, 2).unwrap()), [&b"lc"[..], b"lb\0"]);
    assert_eq!(keys(store.scan_back(b"l", Some(b"lb\0"), 9).unwrap()), [&b"lb"[..], b"la"]);
    assert_eq!(keys(store.scan_back(b"l", Some(b"z"), 1).unwrap()), [b"lc"]);
    assert!(store.scan_back(b"l", Some(b"la"), 9).unwrap().is_empty());
    assert!(store.scan_back(b"l", Some(b"a"), 9).unwrap().is_empty());
    assert_eq!(
        keys(store.scan_back(b"\xff\xff", None, 9).unwrap()),
        [&b"\xff\xffa"[..], b"\xff\xff"]
    );
}

fn last_is_the_greatest_key_of_its_prefix_alone(medium: &dyn Medium) {
    let store = medium.open();
    assert_eq!(store.last(b"l").unwrap(), None);
    store.commit(&[group(vec![put(b"l1", b"a"), put(b"l2", b"b"), put(b"m", b"c")])]).unwrap();
    assert_eq!(store.last(b"l").unwrap(), Some((b"l2".to_vec(), b"b".to_vec())));
    assert_eq!(store.last(b"k").unwrap(), None);
}

fn rows_survive_a_restart(medium: &dyn Medium) {
    let store = medium.open();
    for n in 0..200_u32 {
        store.commit(&[group(vec![put(&n.to_be_bytes(), &[7; 300])])]).unwrap();
    }
    drop(store);
    let store = medium.open();
    assert_eq!(store.scan(b"", None, 1000).unwrap().len(), 200);
    assert_eq!(store.get(&199_u32.to_be_bytes()).unwrap().unwrap(), [7; 300]);
}

fn a_large_value_survives_a_restart(medium: &dyn Medium) {
    let store = medium.open();
    let large = vec![9; 1024 * 1024];
    store.commit(&[group(vec![put(b"large", &large)])]).unwrap();
    drop(store);
    assert_eq!(medium.open().get(b"large").unwrap().unwrap(), large);
}

fn readers_see_a_batch_whole(medium: &dyn Medium) {
    let store = medium.open();
    let write = |n: u8| [group((0..50).map(|i| put(&[b'p', i], &[n])).collect())];
    store.commit(&write(0)).unwrap();
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            for _ in 0..200 {
                let rows = store.scan(b"p", None, 100).unwrap();
                assert!(rows.windows(2).all(|pair| pair[0].1 == pair[1].1));
            }
        });
        for n in 1..20 {
            store.commit(&write(n)).unwrap();
        }
        reader.join().unwrap();
    });
}

/// All rows of a snapshot, two or so a page.
fn all(snapshot: &dyn super::Snapshot) -> Vec<super::Row> {
    let mut rows: Vec<super::Row> = Vec::new();
    loop {
        let page = snapshot.page(rows.last().map(|(key, _)| key.as_slice()), 40).unwrap();
        if page.is_empty() {
            return rows;
        }
        rows.extend(page);
    }
}

fn what_is_committed_during_a_snapshots_scan_is_not_in_it_and_not_lost(medium: &dyn Medium) {
    let store = medium.open();
    let key = |n: u8| vec![b'k', n];
    let first = (0..100).map(|n| put(&key(2 * n), &[n; 20])).collect();
    store.commit(&[group(first)]).unwrap();
    let before = store.scan(b"", None, 1000).unwrap();
    let snapshot = store.snapshot().unwrap();
    let mut seen: Vec<super::Row> = Vec::new();
    for n in 0_u8.. {
        let page = snapshot.page(seen.last().map(|(key, _)| key.as_slice()), 100).unwrap();
        if page.is_empty() {
            break;
        }
        seen.extend(page);
        // Behind and before the cursor: a new key, another value, none any more; then there again.
        for at in [n, 99 - n] {
            let ops = vec![
                put(&key(2 * at + 1), b"new"),
                put(&key(2 * at), b"other"),
                Op::Delete(key(2 * (at / 2))),
            ];
            store.commit(&[group(ops)]).unwrap();
            assert_eq!(snapshot.get(&key(2 * at)).unwrap(), Some(vec![at; 20]));
            assert_eq!(snapshot.get(&key(2 * at + 1)).unwrap(), None);
            store.commit(&[group(vec![put(&key(2 * (at / 2)), b"again")])]).unwrap();
        }
    }
    assert_eq!(seen, before);
    assert_eq!(all(snapshot.as_ref()), before, "a second time too");
    drop(snapshot);
    let now = store.scan(b"", None, 1000).unwrap();
    assert!(now.len() > before.len() && now != before);
    assert_eq!(all(store.snapshot().unwrap().as_ref()), now);
    assert!(store.snapshot().unwrap().rows_about() >= 100);
}

fn snapshots_of_different_moments_each_keep_their_own(medium: &dyn Medium) {
    let store = medium.open();
    let mut taken = Vec::new();
    for n in 0..5_u8 {
        store.commit(&[group(vec![put(b"a", &[n]), put(&[b'b', n], b"")])]).unwrap();
        taken.push((n, store.snapshot().unwrap()));
    }
    store.commit(&[group(vec![Op::Delete(b"a".to_vec())])]).unwrap();
    for (n, snapshot) in &taken {
        let rows = all(snapshot.as_ref());
        assert_eq!(rows[0], (b"a".to_vec(), vec![*n]));
        assert_eq!(rows.len(), usize::from(*n) + 2);
    }
}

fn a_page_ends_with_the_row_that_reaches_its_bytes_and_has_at_least_one(medium: &dyn Medium) {
    let store = medium.open();
    let rows = (0..10).map(|n| put(&[n], &[n; 9])).collect();
    store.commit(&[group(rows)]).unwrap();
    let snapshot = store.snapshot().unwrap();
    let keys_of = |after: Option<&[u8]>, bytes| keys(snapshot.page(after, bytes).unwrap());
    assert_eq!(keys_of(None, 0), [[0]]);
    assert_eq!(keys_of(None, 10), [[0]]);
    assert_eq!(keys_of(None, 11), [[0], [1]]);
    assert_eq!(keys_of(Some(&[7]), 1000), [[8], [9]]);
    assert!(keys_of(Some(&[9]), 1000).is_empty());
}

fn a_snapshot_never_shows_half_of_a_batch(medium: &dyn Medium) {
    let store = medium.open();
    let write = |n: u8| [group((0..50).map(|i| put(&[b'p', i], &[n])).collect())];
    store.commit(&write(0)).unwrap();
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            for _ in 0..100 {
                let rows = all(store.snapshot().unwrap().as_ref());
                assert_eq!(rows.len(), 50);
                assert!(rows.windows(2).all(|pair| pair[0].1 == pair[1].1));
            }
        });
        for n in 1..20 {
            store.commit(&write(n)).unwrap();
        }
        reader.join().unwrap();
    });
}

#[test]
fn a_folder_that_is_open_is_locked_and_free_once_closed() {
    for engine in Engine::ALL {
        let folder = tempfile::tempdir().unwrap();
        let first = Engine::open(folder.path(), engine).unwrap();
        let second = Engine::open(folder.path(), engine);
        assert!(matches!(second, Err(StoreError::Locked)), "{engine:?}");
        drop(first);
        assert!(Engine::open(folder.path(), engine).is_ok(), "{engine:?}");
    }
}

#[test]
fn a_folder_keeps_the_engine_it_was_made_with() {
    for (made, other) in [(Engine::Fjall, Engine::Sled), (Engine::Sled, Engine::Fjall)] {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Engine::of(folder.path()).unwrap(), None);
        let store = Engine::open(folder.path(), made).unwrap();
        store.commit(&[group(vec![put(b"k", b"v")])]).unwrap();
        drop(store);
        let store = Engine::open(folder.path(), other).unwrap();
        assert_eq!(store.get(b"k").unwrap().as_deref(), Some(&b"v"[..]));
        assert_eq!(Engine::of(folder.path()).unwrap(), Some(made));
        assert!(!folder.path().join(other.name()).exists());
    }
}

#[test]
fn a_folder_with_the_files_of_two_engines_is_not_guessed_at() {
    let folder = tempfile::tempdir().unwrap();
    for engine in Engine::ALL {
        std::fs::create_dir(folder.path().join(engine.name())).unwrap();
    }
    let opened = Engine::open(folder.path(), Engine::Fjall);
    assert!(matches!(opened, Err(StoreError::TwoEngines)));
}

#[test]
fn an_engine_is_named_as_its_folder_and_no_other_name_is_taken() {
    for engine in Engine::ALL {
        assert_eq!(engine.name().parse(), Ok(engine));
    }
    assert!("Fjall".parse::<Engine>().is_err());
}

#[test]
fn a_commit_that_fails_without_persisting_leaves_nothing_and_the_next_works() {
    let disk = MemoryDisk::new();
    disk.inject(Counted::Commits, Fault::FailAndNotPersist(1));
    let store = MemoryDisk::open(&disk);
    store.commit(&[group(vec![put(b"0", b"")])]).unwrap();
    assert!(matches!(store.commit(&[group(vec![put(b"1", b"")])]), Err(StoreError::Commit(_))));
    store.commit(&[group(vec![put(b"2", b"")])]).unwrap();
    assert_eq!(keys(store.scan(b"", None, 9).unwrap()), [b"0", b"2"]);
}

#[test]
fn a_commit_that_fails_but_persists_is_there_after_the_restart() {
    let disk = MemoryDisk::new();
    disk.inject(Counted::All, Fault::FailButPersist(1));
    let store = MemoryDisk::open(&disk);
    assert_eq!(store.get(b"0").unwrap(), None);
    assert!(matches!(store.commit(&[group(vec![put(b"0", b"v")])]), Err(StoreError::Commit(_))));
    drop(store);
    assert_eq!(MemoryDisk::open(&disk).get(b"0").unwrap().unwrap(), b"v");
    assert_eq!((disk.calls(Counted::All), disk.calls(Counted::Commits)), (3, 1));
}

#[test]
fn a_dead_store_answers_nothing_until_it_is_healed() {
    let disk = MemoryDisk::new();
    let store = MemoryDisk::open(&disk);
    disk.inject(Counted::All, Fault::DeadFrom(1));
    store.commit(&[group(vec![put(b"0", b"v")])]).unwrap();
    assert!(matches!(store.get(b"0"), Err(StoreError::Read(_))));
    assert!(matches!(store.commit(&[group(vec![put(b"1", b"v")])]), Err(StoreError::Commit(_))));
    disk.heal();
    assert_eq!(keys(store.scan(b"", None, 9).unwrap()), [b"0"]);
}

#[test]
fn a_held_commit_waits_and_is_applied_when_it_is_let_pass() {
    let disk = MemoryDisk::new();
    let store = MemoryDisk::open(&disk);
    let held = disk.hold_commits();
    std::thread::scope(|scope| {
        let commit = scope.spawn(|| store.commit(&[group(vec![put(b"k", b"v")])]));
        while !held.has_one() {
            std::thread::yield_now();
        }
        assert_eq!(store.get(b"k").unwrap(), None, "reads are not held, and see nothing yet");
        drop(held);
        assert!(matches!(commit.join().unwrap(), Ok(Outcome::Durable)));
    });
    assert_eq!(store.get(b"k").unwrap().as_deref(), Some(&b"v"[..]));
}

#[test]
fn a_snapshot_that_sled_had_not_finished_keeps_nobody_out() {
    let folder = Folder::of(Engine::Sled);
    folder.open().commit(&[group(vec![put(b"kept", b"1")])]).unwrap();
    let inside = folder.0.path().join("sled");
    let unfinished = inside.join("snap.00FFFFFFFFFFFFFF.generating");
    for left in [&b""[..], b"torn in the middle of it"] {
        std::fs::write(&unfinished, left).unwrap();
        assert_eq!(folder.open().get(b"kept").unwrap().unwrap(), b"1");
        assert!(!unfinished.exists());
    }
}
