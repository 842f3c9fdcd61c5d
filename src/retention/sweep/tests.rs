//! The sweep against a keyring that is plain data and a store in memory.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
};

use parking_lot::Mutex;

use super::*;
use crate::storage::{Outcome, Row, Snapshot, StoreError};

/// A store in memory, without faults: those are counted by the failing writer below.
#[derive(Default)]
struct Rows(Mutex<BTreeMap<Vec<u8>, Vec<u8>>>);

impl Store for Rows {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.0.lock().get(key).cloned())
    }

    fn scan(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        let rows = self.0.lock();
        let matching = rows.iter().filter(|(key, _)| {
            key.starts_with(prefix) && after.is_none_or(|after| key.as_slice() > after)
        });
        Ok(matching.take(limit).map(|(k, v)| (k.clone(), v.clone())).collect())
    }

    fn scan_back(
        &self,
        prefix: &[u8],
        before: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        let mut rows = self.scan(prefix, None, usize::MAX)?;
        rows.retain(|(key, _)| before.is_none_or(|before| key.as_slice() < before));
        rows.reverse();
        rows.truncate(limit);
        Ok(rows)
    }

    fn commit(&self, batch: &[Group]) -> Result<Outcome, StoreError> {
        let mut rows = self.0.lock();
        for op in batch.iter().flat_map(|group| &group.ops) {
            match op {
                Op::Put(key, value) => rows.insert(key.clone(), value.clone()),
                Op::Delete(key) => rows.remove(key),
            };
        }
        Ok(Outcome::Durable)
    }

    fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        Err(StoreError::SnapshotLost)
    }
}

/// A keyring as data: which slots, segments and cohorts are reachable.
#[derive(Default)]
struct Reachable {
    dead_slots: BTreeSet<SlotRef>,
    live: BTreeMap<SegmentId, CohortId>,
    dropped: BTreeSet<SegmentId>,
    audit: BTreeSet<CohortId>,
    held_only: BTreeSet<CohortId>,
    held: BTreeSet<RecordId>,
}

impl Reach for Reachable {
    fn slot_lives(&self, at: &SlotRef) -> bool {
        self.live.contains_key(&at.seg) && !self.dead_slots.contains(at)
    }

    fn segment(&self, id: &SegmentId) -> SegmentState {
        match self.live.get(id) {
            Some(cohort) => {
                SegmentState::Live { cohort: *cohort, held_only: self.held_only.contains(cohort) }
            }
            None if self.dropped.contains(id) => SegmentState::Tombstoned { generation: 2 },
            None => SegmentState::Unknown,
        }
    }

    fn cohort(&self, id: &CohortId) -> CohortState {
        match self.live.values().any(|cohort| cohort == id) {
            true => CohortState::Live {
                audit: self.audit.contains(id),
                searchable: !self.held_only.contains(id),
            },
            false => CohortState::Absent,
        }
    }

    fn is_held(&self, id: &RecordId) -> bool {
        self.held.contains(id)
    }

    fn below_watermark(&self, _: &CohortKey) -> bool {
        false
    }

    fn mac_row(&self, _: &[u8], row: &[u8]) -> Vec<u8> {
        [b"mac".as_slice(), row].concat()
    }

    fn check_row<'a>(&self, _: &[u8], value: &'a [u8]) -> Option<&'a [u8]> {
        value.strip_prefix(b"mac")
    }
}

fn cohort_id(n: u8) -> CohortId {
    CohortId::from_bytes([n; 16])
}

fn segment_id(n: u8) -> SegmentId {
    SegmentId::from_bytes([n; 16])
}

fn record_id(n: u16) -> RecordId {
    let mut bytes = [0xee; 16];
    bytes[..2].copy_from_slice(&n.to_be_bytes());
    RecordId::from_bytes(bytes)
}

fn cohort_key(collection: &str) -> CohortKey {
    CohortKey {
        collection: CollectionName::parse(collection).unwrap(),
        expires_on: "2021-02-23".parse().unwrap(),
        zone: chrono_tz::Indian::Reunion,
    }
}

fn swept(n: u8) -> SweptCohort {
    SweptCohort { id: cohort_id(n), key: cohort_key("things"), segments: vec![segment_id(n)] }
}

/// A vault of two cohorts, 1 and 2, one segment each, with `records` records of two sections and two
/// index rows, and one event in the audit cohort 9.
fn filled(records: u16) -> (Rows, Reachable) {
    let (store, mut reach) = (Rows::default(), Reachable::default());
    let mut ops = Vec::new();
    for cohort in [1, 2] {
        reach.live.insert(segment_id(cohort), cohort_id(cohort));
        ops.push(segment_row(&reach, cohort, "things"));
        for n in 0..records {
            ops.extend(record(cohort, record_id(n * 2 + u16::from(cohort - 1)), u32::from(n)));
        }
    }
    reach.live.insert(segment_id(9), cohort_id(9));
    reach.audit.insert(cohort_id(9));
    ops.push(segment_row(&reach, 9, "_audit"));
    let event = crate::ids::EventId::from_bytes([5; 16]);
    ops.push(Op::Put(keys::event_section(&cohort_id(9), &event), vec![1]));
    ops.push(Op::Put(keys::event_index(&cohort_id(9), 1, &[3; 16], 0, 7), Vec::new()));
    store.commit(&[Group { preconditions: Vec::new(), ops }]).unwrap();
    (store, reach)
}

fn segment_row(reach: &Reachable, cohort: u8, collection: &str) -> Op {
    let row = crate::wire::store::SegmentRow {
        collection: collection.into(),
        expires_on: "2021-02-23".into(),
        zone: "Indian/Reunion".into(),
        cohort_id: cohort_id(cohort).as_bytes().to_vec(),
    };
    let key = keys::segment(&segment_id(cohort));
    let value = reach.mac_row(&key, &row.encode_to_vec());
    Op::Put(key, value)
}

fn record(cohort: u8, id: RecordId, index: u32) -> Vec<Op> {
    let home = cohort_id(cohort);
    let class = |name| crate::ids::ClassName::parse(name).unwrap();
    let index_rows = [1, 2].map(|token| keys::index(&home, 1, &[token; 16], &id)).to_vec();
    let row = RecordRow {
        cohort_id: home.as_bytes().to_vec(),
        seg_id: segment_id(cohort).as_bytes().to_vec(),
        index,
        index_row_keys: index_rows.clone(),
        ..RecordRow::default()
    };
    let mut ops = vec![
        Op::Put(keys::record(&id), row.encode_to_vec()),
        Op::Put(keys::member(&home, &id), Vec::new()),
        Op::Put(keys::section(&home, &id, &class("identity")), vec![1]),
        Op::Put(keys::section(&home, &id, &class("health")), vec![1]),
    ];
    ops.extend(index_rows.into_iter().map(|key| Op::Put(key, Vec::new())));
    ops
}

fn drop_cohort(reach: &mut Reachable, n: u8) {
    reach.live.remove(&segment_id(n));
    reach.dropped.insert(segment_id(n));
}

/// Runs `work` with a writer that commits `batches` groups and then fails.
fn cut<T>(
    store: &Rows,
    reach: &Reachable,
    batches: usize,
    work: impl Fn(&Sweeper<'_>) -> Result<T, RetentionError>,
) -> Result<T, RetentionError> {
    let left = Cell::new(batches);
    let largest = RefCell::new(0);
    let write = |group: Group| {
        let Some(rest) = left.get().checked_sub(1) else {
            return Err(RetentionError::Audit(AuditError::Unwritable));
        };
        left.set(rest);
        let longest = group.ops.len().max(*largest.borrow());
        *largest.borrow_mut() = longest;
        store.commit(&[group])?;
        Ok(())
    };
    let done = work(&Sweeper { store, reach, write: &write });
    assert!(*largest.borrow() <= limits::SWEEP_BATCH_ROWS + 4, "a batch is bounded");
    done
}

fn totals(store: &Rows, reach: &Reachable, cohort: u8) -> (u64, u64, u64, u64) {
    let count = rows::sweep_count(store, reach, &cohort_id(cohort)).unwrap();
    (count.records, count.sections, count.index_rows, count.events)
}

fn rows_of(store: &Rows, cohort: u8) -> usize {
    let id = cohort_id(cohort);
    let mine = |k: &&Vec<u8>| k.get(1..17) == Some(id.as_bytes()) && b"csx".contains(&k[0]);
    store.0.lock().keys().filter(mine).count()
}

#[test]
fn a_dropped_cohort_goes_whole_and_is_counted_and_the_other_stays() {
    let (store, mut reach) = filled(700);
    drop_cohort(&mut reach, 1);
    let before = rows_of(&store, 2);
    cut(&store, &reach, usize::MAX, |s| s.cohort(&swept(1))).unwrap();
    assert_eq!(rows_of(&store, 1), 0);
    assert_eq!(totals(&store, &reach, 1), (700, 1400, 1400, 0));
    assert_eq!(rows_of(&store, 2), before);
    assert_eq!(store.scan(b"r", None, 9999).unwrap().len(), 700);
    assert!(store.get(&keys::segment(&segment_id(1))).unwrap().is_none());
}

#[test]
fn a_sweep_cut_after_any_batch_ends_with_the_same_totals() {
    let clean = (700, 1400, 1400, 0);
    for batches in 0..8 {
        let (store, mut reach) = filled(700);
        drop_cohort(&mut reach, 1);
        let first = cut(&store, &reach, batches, |s| s.cohort(&swept(1)));
        assert_eq!(first.is_err(), batches < 7, "after {batches} batches");
        cut(&store, &reach, usize::MAX, |s| s.cohort(&swept(1))).unwrap();
        assert_eq!(totals(&store, &reach, 1), clean, "after {batches} batches");
        assert_eq!(rows_of(&store, 1), 0);
    }
}

#[test]
fn a_cohort_whose_segment_lives_is_refused_and_left_alone() {
    let (store, reach) = filled(3);
    let before = store.0.lock().clone();
    let refused = cut(&store, &reach, usize::MAX, |s| s.cohort(&swept(1)));
    assert!(matches!(refused, Err(RetentionError::StillReachable(id)) if id == segment_id(1)));
    assert_eq!(*store.0.lock(), before);
}

#[test]
fn a_segment_nobody_knows_is_corruption_and_never_read_as_erased() {
    let (store, mut reach) = filled(3);
    reach.live.remove(&segment_id(1));
    let before = store.0.lock().clone();
    for unknown in [
        cut(&store, &reach, usize::MAX, |s| s.cohort(&swept(1))),
        cut(&store, &reach, usize::MAX, |s| s.everything().map(|_| ())),
        cut(&store, &reach, usize::MAX, |s| s.dropped_cohorts().map(|_| ())),
    ] {
        assert!(matches!(unknown, Err(RetentionError::SegmentUnknown(id)) if id == segment_id(1)));
    }
    assert_eq!(*store.0.lock(), before);
}

#[test]
fn the_full_scan_removes_a_record_whose_slot_was_punctured_and_no_other() {
    let (store, mut reach) = filled(5);
    let at = SlotRef { seg: segment_id(1), index: 2 };
    reach.dead_slots.insert(at);
    let touched = cut(&store, &reach, usize::MAX, |s| s.everything()).unwrap();
    assert_eq!(touched, BTreeSet::from([cohort_id(1)]));
    assert_eq!(totals(&store, &reach, 1), (1, 2, 2, 0));
    assert!(store.get(&keys::record(&record_id(4))).unwrap().is_none());
    assert_eq!(store.scan(b"r", None, 99).unwrap().len(), 9);
    assert_eq!((rows_of(&store, 1), rows_of(&store, 2)), (4 * 5, 5 * 5));
}

#[test]
fn the_full_scan_sweeps_what_a_restored_database_brought_back() {
    let (store, mut reach) = filled(5);
    drop_cohort(&mut reach, 1);
    drop_cohort(&mut reach, 9);
    cut(&store, &reach, usize::MAX, |s| s.everything()).unwrap();
    assert_eq!((rows_of(&store, 1), rows_of(&store, 9)), (0, 0));
    assert_eq!(totals(&store, &reach, 1), (5, 10, 10, 0));
    assert_eq!(totals(&store, &reach, 9), (0, 0, 1, 1));
    assert_eq!(rows_of(&store, 2), 5 * 5);
}

#[test]
fn the_full_scan_of_a_whole_vault_deletes_nothing() {
    let (store, reach) = filled(5);
    let before = store.0.lock().clone();
    let touched = cut(&store, &reach, usize::MAX, |s| s.everything()).unwrap();
    assert!(touched.is_empty());
    assert_eq!(*store.0.lock(), before);
}

#[test]
fn the_full_scan_removes_sections_without_a_record_but_not_events_nobody_can_place() {
    let (store, reach) = filled(2);
    let put = |key: Vec<u8>| {
        let ops = vec![Op::Put(key, vec![1])];
        store.commit(&[Group { preconditions: Vec::new(), ops }]).unwrap();
    };
    let class = crate::ids::ClassName::parse("health").unwrap();
    let orphan = keys::section(&cohort_id(1), &record_id(999), &class);
    put(orphan.clone());
    cut(&store, &reach, usize::MAX, |s| s.everything()).unwrap();
    assert!(store.get(&orphan).unwrap().is_none());

    let event = keys::event_section(&cohort_id(77), &crate::ids::EventId::from_bytes([6; 16]));
    put(event.clone());
    let refused = cut(&store, &reach, usize::MAX, |s| s.everything());
    assert!(matches!(refused, Err(RetentionError::CohortUnknown(id)) if id == cohort_id(77)));
    assert!(store.get(&event).unwrap().is_some());
}

#[test]
fn a_tampered_segment_row_stops_the_sweep() {
    let (store, reach) = filled(1);
    let ops = vec![Op::Put(keys::segment(&segment_id(1)), b"forged".to_vec())];
    store.commit(&[Group { preconditions: Vec::new(), ops }]).unwrap();
    let refused = cut(&store, &reach, usize::MAX, |s| s.everything());
    assert!(matches!(refused, Err(RetentionError::Tampered("d"))));
}

#[test]
fn a_record_resealed_under_a_live_slot_meanwhile_survives() {
    let (store, mut reach) = filled(1);
    let at = SlotRef { seg: segment_id(1), index: 0 };
    reach.dead_slots.insert(at);
    let moved = Cell::new(false);
    let write = |group: Group| {
        if !moved.replace(true) {
            // Between the look and the commit the record moves to segment 2.
            store.commit(&[Group { preconditions: vec![], ops: record(2, record_id(0), 5) }])?;
            return Err(RetentionError::Audit(AuditError::Rejected));
        }
        store.commit(&[group])?;
        Ok(())
    };
    Sweeper { store: &store, reach: &reach, write: &write }.everything().unwrap();
    assert!(store.get(&keys::record(&record_id(0))).unwrap().is_some());
    assert_eq!(totals(&store, &reach, 1).0, 0);
}

#[test]
fn a_held_record_of_a_dropped_cohort_keeps_its_sections_and_loses_its_index_rows() {
    let (store, mut reach) = filled(4);
    reach.held_only.insert(cohort_id(1));
    reach.held.insert(record_id(2));
    let dead = [0, 2, 3].map(|index| SlotRef { seg: segment_id(1), index });
    reach.dead_slots.extend(dead);
    cut(&store, &reach, usize::MAX, |s| s.cohort(&swept(1))).unwrap();
    assert_eq!(totals(&store, &reach, 1), (3, 6, 8, 0));
    assert!(store.get(&keys::record(&record_id(2))).unwrap().is_some());
    assert_eq!(rows_of(&store, 1), 3, "one member row, two sections");
    assert!(store.get(&keys::segment(&segment_id(1))).unwrap().is_some());
}
