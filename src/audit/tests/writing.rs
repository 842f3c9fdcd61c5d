//! Writing: numbering, preconditions, one commit per batch, what an event leaves in the store.

use std::sync::Arc;

use chrono::NaiveDate;
use prost::Message;

use super::house::{House, START, draft, logged, rows, write};
use crate::{
    audit::{
        AuditError, AuditLog, EventDraft, audit_cohort_key,
        leaf::{self, KIND_GENERATION},
    },
    clock::Timestamp,
    ids::{CohortId, EventId, SubjectId},
    keyring::Slot,
    storage::{Group, Op, Precondition, Store, keys, memory::Counted},
    wire::store::SegmentRow,
};

#[test]
fn an_event_leaves_its_leaf_detail_slot_and_index_rows_in_one_commit() {
    let (house, log) = House::new();
    house.disk.heal();
    let before = log.state().size;
    let mut event = draft("agent-1", 7);
    event.subject = Some(SubjectId::from_bytes([8; 16]));
    let receipt = write(&log, &event).unwrap();
    assert_eq!(house.disk.calls(Counted::Commits), 1);
    assert_eq!(receipt.index(), (0, before));
    let store = house.disk.open();
    let leaf = store.get(&keys::leaf(0, before)).unwrap().unwrap();
    let leaf = leaf::parse(&leaf).unwrap();
    assert_eq!((leaf.number, leaf.kind.as_str()), (before, "reveal"));
    assert_eq!(leaf.time, START.to_string());
    let place = store.get(&keys::event_slot(0, before)).unwrap().unwrap();
    assert_eq!(place.len(), 52);
    let cohort = CohortId::from_slice(&place[..16]).unwrap();
    assert_eq!(EventId::from_slice(&place[16..32]), Ok(receipt.event()));
    let section = store.get(&keys::event_section(&cohort, &receipt.event())).unwrap().unwrap();
    assert_eq!(leaf.digest, <[u8; 32]>::from(<sha2::Sha256 as sha2::Digest>::digest(&section)));
    // By kind, agent, subject and record.
    assert_eq!(store.scan(&keys::indexes(&cohort), None, 100).unwrap().len(), 4);
}

#[test]
fn the_first_use_of_a_segment_writes_its_row_once_and_with_a_mac() {
    let (house, log) = House::new();
    logged(&log, &draft("a", 1));
    logged(&log, &draft("a", 1));
    let rows = house.disk.open().scan(&keys::segments(), None, 10).unwrap();
    assert_eq!(rows.len(), 1);
    let row = log.keyring().check_row(&rows[0].0, &rows[0].1).unwrap();
    let row = SegmentRow::decode(row).unwrap();
    assert_eq!((row.collection.as_str(), row.expires_on.as_str()), ("_audit", "2021-11-01"));
    assert_eq!(row.zone, "Europe/Paris");
}

#[test]
fn rows_without_an_event_take_no_number_and_no_receipt() {
    let (house, log) = House::new();
    let before = log.state();
    log.write_rows(rows(b"z-row")).unwrap();
    assert_eq!(log.state(), before);
    assert_eq!(house.disk.open().get(b"z-row").unwrap().unwrap(), b"row");
}

#[test]
fn a_call_that_loses_its_precondition_takes_no_number_and_leaves_no_row() {
    let (house, log) = House::new();
    let once = Group { preconditions: vec![Precondition::Absent(b"z".to_vec())], ..rows(b"z") };
    let event = |log: &AuditLog| Some(log.seal(&draft("a", 1)).unwrap());
    let first = log.commit_blocking(once.clone(), &[], event(&log)).unwrap().unwrap();
    let second = log.commit_blocking(once.clone(), &[], event(&log));
    assert!(matches!(second, Err(AuditError::Rejected)));
    let third = write(&log, &draft("a", 1)).unwrap();
    assert_eq!(third.index().1, first.index().1 + 1);
    let details = house.disk.open().scan(b"s", None, 100).unwrap();
    assert_eq!(details.len(), 2);
}

#[test]
fn of_many_calls_at_once_each_gets_its_own_number_and_one_wins_each_precondition() {
    let (house, log) = House::new();
    let log = Arc::new(log);
    let first = log.state().size;
    house.disk.heal();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let answers = runtime.block_on(async {
        let calls = (0..200_u8).map(|i| {
            let log = Arc::clone(&log);
            tokio::spawn(async move {
                let key = vec![b'z', i / 2];
                let preconditions = vec![Precondition::Absent(key.clone())];
                let group = Group { preconditions, ops: vec![Op::Put(key, vec![i])] };
                log.commit(group, &[], log.seal(&draft("a", i)).unwrap()).await
            })
        });
        let mut answers = Vec::new();
        for call in calls.collect::<Vec<_>>() {
            answers.push(call.await.unwrap());
        }
        answers
    });
    let mut numbers: Vec<u64> = answers.iter().flatten().map(|r| r.index().1).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (first..first + 100).collect::<Vec<_>>());
    let rejected = answers.iter().filter(|a| matches!(a, Err(AuditError::Rejected))).count();
    assert_eq!(rejected, 100);
    assert!(house.disk.calls(Counted::Commits) <= 200);
}

#[test]
fn a_generation_is_published_before_its_slots_and_its_detail_stays_in_clear() {
    let (house, keyring) = House::founded();
    let log = house.whole(Arc::clone(&keyring));
    assert!(matches!(log.seal(&draft("a", 1)), Err(AuditError::NoSegment)));
    assert!(log.publish_missing().unwrap());
    assert!(!log.publish_missing().unwrap());
    house.open_segments(&log);
    assert!(log.seal(&draft("a", 1)).is_ok());
    let store = house.disk.open();
    for n in 0..2 {
        let leaf = leaf::parse(&store.get(&keys::leaf(0, n)).unwrap().unwrap()).unwrap();
        let detail = store.get(&keys::event_slot(0, n)).unwrap().unwrap();
        assert_eq!(leaf.kind, KIND_GENERATION);
        assert_eq!(leaf.digest, <[u8; 32]>::from(<sha2::Sha256 as sha2::Digest>::digest(&detail)));
    }
    assert_eq!(store.get(&keys::event_slot(0, 1)).unwrap().unwrap(), keyring.generation_detail());
    assert_eq!(house.keyring().checkpoints(), [log.checkpoint(), log.checkpoint()]);
}

#[test]
fn events_of_one_month_share_a_cohort_that_expires_a_year_later_or_at_the_end_date() {
    let (house, _log) = House::new();
    let date = |y, m, d| NaiveDate::from_ymd_opt(y, m, d).unwrap();
    let expiry = |day: NaiveDate| {
        let time = Timestamp::start_of(day, house.rule.zone).unwrap();
        audit_cohort_key(&house.rule, time).unwrap().expires_on
    };
    assert_eq!(expiry(date(2020, 11, 1)), date(2021, 11, 1));
    assert_eq!(expiry(date(2020, 11, 30)), date(2021, 11, 1));
    assert_eq!(expiry(date(2020, 12, 31)), date(2021, 12, 1));
    assert_eq!(expiry(date(2021, 2, 1)), date(2022, 1, 1));
    assert_eq!(expiry(date(2022, 1, 1)), date(2023, 1, 1));
    // Midnight is that of the pack's zone: 23:30 UTC on the last day is already December in Paris.
    let late = Timestamp::from_millis(1_606_779_000_000);
    assert_eq!(late.to_string(), "2020-11-30T23:30:00.000Z");
    assert_eq!(audit_cohort_key(&house.rule, late).unwrap().expires_on, date(2021, 12, 1));
}

#[test]
fn an_action_that_is_no_word_is_refused_before_anything_is_sealed() {
    let (_house, log) = House::new();
    for action in ["", "two words", "Capital", "quote\""] {
        assert!(matches!(log.seal(&EventDraft::new(action)), Err(AuditError::Corrupt(_))));
    }
    assert!(log.seal(&EventDraft::new("reveal.many")).is_ok());
}

#[test]
fn a_drained_log_refuses_further_calls_and_leaves_a_checkpoint_of_all() {
    let (house, log) = House::new();
    let event = log.seal(&draft("a", 1)).unwrap();
    logged(&log, &draft("a", 1));
    log.drain();
    let refused = log.commit_blocking(Group::default(), &[], Some(event));
    assert!(matches!(refused, Err(AuditError::Stopping)));
    let note = log.checkpoint();
    drop(log);
    assert_eq!(house.keyring().checkpoints()[0], note);
}

#[test]
fn an_event_whose_slot_was_erased_while_it_waited_is_refused_and_one_sealed_again_is_written() {
    let (house, log) = House::new();
    let late = log.seal(&draft("a", 1)).unwrap();
    let mut purge = log.keyring().draft();
    purge.drop_segment(&late.slot.seg, START).unwrap();
    log.publish(purge.write(log.state(), &*house.random).unwrap()).unwrap();
    let before = log.state();
    let refused = log.commit_blocking(rows(b"z"), &[], Some(late));
    assert!(matches!(refused, Err(AuditError::SlotGone)));
    assert_eq!(log.state(), before, "no number was taken");
    let store = house.disk.open();
    for tag in [b"s", b"x", b"z", b"d"] {
        assert!(store.scan(tag, None, 10).unwrap().is_empty(), "a row that no sweep would find");
    }
    house.clock.advance_millis(31 * 24 * 3_600_000);
    house.open_segments(&log);
    logged(&log, &draft("a", 1));
    assert_eq!(store.scan(&keys::segments(), None, 10).unwrap().len(), 1);
}

#[test]
fn rows_under_an_erased_slot_are_refused_and_under_a_live_one_written() {
    let (house, log) = House::new();
    let month = audit_cohort_key(&house.rule, START).unwrap();
    let Slot { at, cohort, secret } = log.keyring().hand_out(&month).unwrap();
    drop(secret);
    let slots = [(at, cohort)];
    assert!(log.commit_blocking(rows(b"z1"), &slots, None).is_ok());
    let mut erase = log.keyring().draft();
    erase.puncture(&[at]).unwrap();
    log.publish(erase.write(log.state(), &*house.random).unwrap()).unwrap();
    let refused = log.commit_blocking(rows(b"z2"), &slots, None);
    assert!(matches!(refused, Err(AuditError::SlotGone)));
    assert!(house.disk.open().get(b"z2").unwrap().is_none());
}

#[test]
fn a_segment_whose_row_was_swept_gets_it_again_with_its_next_use() {
    let (house, log) = House::new();
    logged(&log, &draft("a", 1));
    let store = house.disk.open();
    let row = store.scan(&keys::segments(), None, 10).unwrap().remove(0);
    let ops = vec![Op::Delete(row.0.clone())];
    log.write_rows(Group { preconditions: Vec::new(), ops }).unwrap();
    assert!(store.get(&row.0).unwrap().is_none());
    logged(&log, &draft("a", 1));
    assert_eq!(store.get(&row.0).unwrap(), Some(row.1));
}

#[test]
fn a_call_that_lost_to_one_of_its_own_batch_is_told_once_that_one_is_there() {
    let (house, log) = House::new();
    let row = |value: u8| Group {
        preconditions: vec![Precondition::Absent(b"z".to_vec())],
        ops: vec![Op::Put(b"z".to_vec(), vec![value])],
    };
    let wait_until = |reached: &dyn Fn() -> bool| {
        while !reached() {
            std::thread::yield_now();
        }
    };
    std::thread::scope(|scope| {
        // Something to wait behind, so that the next two come into one batch.
        let held = house.disk.hold_commits();
        let first = scope.spawn(|| log.write_rows(Group::default()).unwrap());
        wait_until(&|| held.has_one());
        let write = |value| match log.write_rows(row(value)) {
            Ok(()) => true,
            Err(AuditError::Rejected) => {
                let winner = house.disk.open().get(b"z").unwrap();
                assert!(winner.is_some(), "it lost to nothing that is there");
                false
            }
            Err(error) => panic!("{error}"),
        };
        let calls = [1, 2].map(|value| scope.spawn(move || write(value)));
        wait_until(&|| log.shared().queue.len() == 2);
        // Their batch stands before its commit: whoever lost must not hear of it yet.
        held.let_one_pass();
        first.join().unwrap();
        wait_until(&|| held.has_one());
        for _ in 0..1_000 {
            std::thread::yield_now();
            assert!(calls.iter().all(|call| !call.is_finished()), "told before the commit");
        }
        drop(held);
        let won = calls.map(|call| call.join().unwrap());
        assert_ne!(won[0], won[1], "one of the two wins");
    });
}
