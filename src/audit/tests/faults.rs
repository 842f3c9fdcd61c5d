//! Fail closed: the store fails at every commit of a run in turn, in each way.

use std::collections::BTreeSet;

use super::house::{House, draft, rows, write};
use crate::{
    audit::{ALARM_UNWRITABLE, AuditError, AuditLog, Receipt, leaf},
    storage::{
        Store, keys,
        memory::{Counted, Fault},
    },
};

const EVENTS: u8 = 6;

/// Writes some events, each with a row; answers the receipts and how many calls were refused.
fn run(log: &AuditLog) -> (Vec<Receipt>, usize) {
    let (mut receipts, mut refused) = (Vec::new(), 0);
    for i in 0..EVENTS {
        let event = log.seal(&draft("a", i)).unwrap();
        match log.commit_blocking(rows(&[b'z', i]), &[], Some(event)) {
            Ok(receipt) => receipts.push(receipt.unwrap()),
            Err(error) => {
                assert!(matches!(error, AuditError::Unwritable), "{error}");
                refused += 1;
            }
        }
    }
    (receipts, refused)
}

#[test]
fn a_failed_commit_latches_the_log_and_gives_no_receipt_without_durability() {
    let clean = {
        let (house, log) = House::new();
        house.disk.heal();
        assert_eq!(run(&log).1, 0);
        house.disk.calls(Counted::Commits)
    };
    assert_eq!(clean, u64::from(EVENTS));
    type Make = fn(u64) -> Fault;
    for make in [Fault::FailAndNotPersist as Make, Fault::FailButPersist, Fault::DeadFrom] {
        for at in 0..clean {
            let (house, log) = House::new();
            house.disk.inject(Counted::Commits, make(at));
            let (receipts, refused) = run(&log);
            assert_eq!((receipts.len() as u64, refused as u64), (at, clean - at));
            assert!(!log.is_writable());
            // Nothing is tried again on a store whose state is unknown.
            assert!(matches!(log.write_rows(rows(b"later")), Err(AuditError::Unwritable)));
            assert_eq!(house.disk.calls(Counted::Commits), at + 1);
            drop(log);
            house.disk.heal();
            check_restarted(&house, &receipts);
        }
    }
}

/// After a restart every receipt's leaf is there with its row, and numbers go on without a gap.
fn check_restarted(house: &House, receipts: &[Receipt]) {
    let log = house.restart();
    assert!(log.is_writable());
    let next = write(&log, &draft("a", 99)).unwrap();
    let store = house.disk.open();
    let leaves = store.scan(&keys::leaves(0), None, 1000).unwrap();
    assert_eq!(leaves.len() as u64, next.index().1 + 1);
    for (n, (key, bytes)) in (0..).zip(&leaves) {
        assert_eq!(*key, keys::leaf(0, n));
        assert_eq!(leaf::parse(bytes).unwrap().number, n);
    }
    let mut seen = BTreeSet::new();
    for receipt in receipts {
        assert!(seen.insert(receipt.index()));
        let place = store.get(&keys::event_slot(0, receipt.index().1)).unwrap().unwrap();
        assert_eq!(place[16..32], *receipt.event().as_bytes());
    }
    // Leaf and row of one call are there together or not at all.
    let events = leaves.iter().filter(|(_, leaf)| leaf::parse(leaf).unwrap().kind == "reveal");
    assert_eq!(events.count(), store.scan(b"z", None, 100).unwrap().len() + 1);
}

#[test]
fn an_unwritable_log_keeps_its_alarm_in_memory_and_lists_it() {
    let (house, log) = House::new();
    house.disk.inject(Counted::Commits, Fault::FailAndNotPersist(0));
    assert!(write(&log, &draft("a", 1)).is_err());
    let alarms = log.alarms().unwrap();
    assert_eq!(alarms.len(), 1);
    assert_eq!(alarms[0].kind, ALARM_UNWRITABLE);
    assert!(house.disk.open().scan(&keys::alarms(), None, 9).unwrap().is_empty());
}

#[test]
fn a_generation_whose_leaf_fails_hands_out_no_slot() {
    let (house, keyring) = House::founded();
    let log = house.whole(keyring);
    log.publish_missing().unwrap();
    house.disk.inject(Counted::Commits, Fault::FailAndNotPersist(0));
    let mut draft_generation = log.keyring().draft();
    let month = crate::audit::audit_cohort_key(&house.rule, super::house::START).unwrap();
    draft_generation.open_segment(&month, &*house.random).unwrap();
    let unpublished = draft_generation.write(log.state(), &*house.random).unwrap();
    assert!(matches!(log.publish(unpublished), Err(AuditError::Unwritable)));
    assert!(matches!(log.seal(&draft("a", 1)), Err(AuditError::NoSegment)));
    drop(log);
    house.disk.heal();
    // The next start finds the generation without its leaf and writes it before anything else.
    let log = house.whole(house.keyring());
    assert!(log.publish_missing().unwrap());
    assert_eq!(log.state().size, 2);
}

#[test]
fn a_store_that_cannot_be_read_refuses_a_call_with_preconditions_but_keeps_the_log() {
    use crate::storage::{Group, Precondition};
    let (house, log) = House::new();
    let guarded = Group { preconditions: vec![Precondition::Absent(b"z".to_vec())], ..rows(b"z") };
    house.disk.inject(Counted::All, Fault::FailAndNotPersist(0));
    assert!(matches!(log.write_rows(guarded.clone()), Err(AuditError::Read(_))));
    assert!(log.is_writable());
    log.write_rows(guarded).unwrap();
}
