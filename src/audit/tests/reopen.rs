//! Opening again: continuity, a cut or exchanged log, rolled-back places, the crash table's cases.

use std::{collections::BTreeMap, sync::Arc};

use super::house::{DAY_MS, House, draft, logged, write};
use crate::{
    audit::{
        ALARM_ROLLBACK, AuditError, EventDetail, EventFilter, OpenError, Opened, RolledBack,
        clear::OriginDetail, note::Checkpoint,
    },
    keyring::Keyring,
    storage::keys,
};

fn cut(house: &House, keyring: Arc<Keyring>) -> RolledBack {
    match house.open(keyring).unwrap() {
        Opened::RolledBack(found) => found,
        Opened::Whole(_) => panic!("the loss was not noticed"),
    }
}

#[test]
fn a_restarted_log_goes_on_where_it_stopped() {
    let (house, log) = House::new();
    for i in 0..3 {
        logged(&log, &draft("a", i));
    }
    let state = log.state();
    drop(log);
    let log = house.whole(house.keyring());
    assert_eq!((log.state().size, log.state().root), (state.size, state.root));
    house.open_segments(&log);
    // The new generation's leaf lies between.
    assert_eq!(write(&log, &draft("a", 9)).unwrap().index(), (0, state.size + 1));
}

#[test]
fn a_long_log_is_whole_after_a_restart() {
    let (house, log) = House::new();
    for i in 0..600_u32 {
        logged(&log, &draft("a", (i % 7) as u8));
    }
    let state = log.state();
    drop(log);
    assert_eq!(house.restart().state().size, state.size + 1);
}

#[test]
fn a_database_restored_from_a_backup_begins_a_new_origin_that_names_the_loss() {
    let (mut house, log) = House::new();
    logged(&log, &draft("a", 1));
    let kept = log.state();
    let backup = house.disk.copy();
    for i in 0..5 {
        logged(&log, &draft("a", i));
    }
    log.drain();
    let (lost_to, note) = (log.state().size, log.checkpoint());
    drop(log);
    house.disk = backup;

    let found = cut(&house, house.keyring());
    let loss = found.loss().clone();
    let expected =
        OriginDetail { closed: 0, kept: kept.size, root: kept.root, lost_to, checkpoint: note };
    assert_eq!(loss.detail, expected);
    assert_eq!((loss.next_k, loss.needs_raise), (1, true));

    let keyring = {
        drop(found);
        house.keyring()
    };
    let found = cut(&house, Arc::clone(&keyring));
    let mut raise = keyring.draft();
    raise.raise_origin(loss.next_k);
    let raised = raise.write(found.state(), &*house.random).unwrap();
    let log = found.start_origin().unwrap();
    log.publish(raised).unwrap();
    house.open_segments(&log);
    assert_eq!(log.alarms().unwrap().last().unwrap().kind, ALARM_ROLLBACK);
    logged(&log, &draft("a", 7));
    assert!(Checkpoint::peek(&log.checkpoint()).unwrap().origin.ends_with("/1"));

    // Listed newest first: the new origin, then the old one.
    let page = log.list(&EventFilter::default(), None, 100).unwrap();
    let numbers: Vec<_> = page.events.iter().map(|e| (e.k, e.n)).collect();
    let old = (0..kept.size).rev().map(|n| (0, n));
    assert_eq!(
        numbers,
        [(1, 3), (1, 2), (1, 1), (1, 0)].into_iter().chain(old).collect::<Vec<_>>()
    );
    assert_eq!(page.events[3].detail, EventDetail::Origin(Box::new(expected)));
    drop(log);
    assert_eq!(house.restart().state().k, 1);
}

#[test]
fn a_crash_between_raising_and_the_first_leaf_is_taken_up_without_raising_again() {
    let (mut house, log) = House::new();
    let backup = house.disk.copy();
    logged(&log, &draft("a", 1));
    log.drain();
    drop(log);
    house.disk = backup;
    let keyring = house.keyring();
    let found = cut(&house, Arc::clone(&keyring));
    let mut raise = keyring.draft();
    raise.raise_origin(1);
    drop(raise.write(found.state(), &*house.random).unwrap());
    drop((found, keyring));

    let found = cut(&house, house.keyring());
    assert_eq!((found.loss().next_k, found.loss().needs_raise), (1, false));
    assert_eq!(found.loss().detail.closed, 0);
    let log = found.start_origin().unwrap();
    assert!(log.publish_missing().unwrap());
    assert_eq!((log.state().k, log.state().size), (1, 2));
}

#[test]
fn an_origin_that_was_not_raised_is_not_started() {
    let (mut house, log) = House::new();
    let backup = house.disk.copy();
    logged(&log, &draft("a", 1));
    log.drain();
    drop(log);
    house.disk = backup;
    let refused = cut(&house, house.keyring()).start_origin();
    assert!(matches!(refused, Err(OpenError::Audit(AuditError::Corrupt(_)))));
}

#[test]
fn an_emptied_database_is_a_loss_of_everything() {
    let (mut house, log) = House::new();
    log.drain();
    let size = log.state().size;
    drop(log);
    house.disk = crate::storage::memory::MemoryDisk::new();
    let found = cut(&house, house.keyring());
    assert_eq!((found.loss().detail.kept, found.loss().detail.lost_to), (0, size));
}

#[test]
fn another_log_of_the_same_length_is_noticed() {
    let (mut house, log) = House::new();
    let fork = house.disk.copy();
    logged(&log, &draft("a", 1));
    log.drain();
    drop(log);
    // On the copy somebody wrote another event, and a consistent tree over it.
    let other = House { disk: fork.clone(), places: house.places.clone(), ..House::founded().0 };
    let images = [0, 1].map(|place| house.places.image(place));
    let forged = cut(&other, other.keyring());
    drop(forged);
    let tree_of_fork = {
        use crate::storage::{Group, Op, Store};
        let store = fork.open();
        let tail = super::super::shared::Tail::parse(&store.get(keys::LOG_TAIL).unwrap().unwrap());
        let tail = tail.unwrap();
        let mut tree = super::super::tree::Tree::open(&store, 0, tail.size).unwrap();
        let leaf = super::super::leaf::encode(tail.size, super::house::START, "reveal", &[5; 32]);
        let mut ops = vec![Op::Put(keys::leaf(0, tail.size), leaf.clone())];
        tree.append(&leaf, &mut ops);
        let tail = super::super::shared::Tail { k: 0, size: tree.size(), root: tree.root() };
        ops.push(Op::Put(keys::LOG_TAIL.to_vec(), tail.row()));
        store.commit(&[Group { preconditions: Vec::new(), ops }]).unwrap();
        tail
    };
    images.into_iter().enumerate().for_each(|(n, image)| house.places.restore(n, image));
    house.disk = fork;
    let found = cut(&house, house.keyring());
    assert_eq!(found.loss().detail.kept, tree_of_fork.size);
    assert_eq!(found.loss().detail.lost_to, tree_of_fork.size);
}

#[test]
fn rows_that_contradict_the_tail_refuse_to_open() {
    type Change = fn(&mut BTreeMap<Vec<u8>, Vec<u8>>);
    let strange: [(&str, Change); 6] = [
        ("a leaf is changed", |rows| rows.get_mut(&keys::leaf(0, 1)).unwrap()[10] ^= 1),
        ("a leaf is gone", |rows| drop(rows.remove(&keys::leaf(0, 1)))),
        ("a leaf lies beyond", |rows| drop(rows.insert(keys::leaf(0, 99), b"x".to_vec()))),
        ("the clock row is gone", |rows| drop(rows.remove(keys::CLOCK))),
        ("the clock row is changed", |rows| rows.get_mut(keys::CLOCK).unwrap()[33] ^= 1),
        ("the generation row is changed", |rows| {
            rows.get_mut(keys::GENERATION).unwrap()[30] ^= 1;
        }),
    ];
    for (what, change) in strange {
        let (house, log) = House::new();
        logged(&log, &draft("a", 1));
        drop(log);
        house.disk.tamper(change);
        let opened = house.open(house.keyring());
        assert!(matches!(opened, Err(OpenError::Audit(AuditError::Corrupt(_)))), "{what}");
    }
}

#[test]
fn places_without_a_checkpoint_refuse_unless_the_vault_is_new() {
    let (house, log) = House::new();
    drop(log);
    for place in [0, 1] {
        let mut image = house.places.image(place);
        assert!(image.remove("checkpoint"));
        house.places.restore(place, image);
    }
    assert!(matches!(house.open(house.keyring()), Err(OpenError::NoCheckpoint)));
    let (new, keyring) = House::founded();
    assert!(matches!(new.open(keyring), Ok(Opened::Whole(_))));
}

#[test]
fn places_older_than_the_database_are_noticed() {
    let (house, log) = House::new();
    let images = [0, 1].map(|place| house.places.image(place));
    house.open_segments(&log);
    drop(log);
    images.into_iter().enumerate().for_each(|(n, image)| house.places.restore(n, image));
    let opened = house.open(house.keyring());
    assert!(matches!(opened, Err(OpenError::PlacesRolledBack(_))));
}

#[test]
fn a_checkpoint_at_the_places_follows_when_a_minute_has_passed_with_leaves() {
    let (house, log) = House::new();
    let placed = |house: &House| {
        let image = house.places.clone();
        image.image(0).names().contains(&"checkpoint".to_owned())
    };
    assert!(placed(&house));
    let calls = house.places.calls();
    log.write_checkpoint(false).unwrap();
    house.clock.advance_millis(DAY_MS);
    log.write_checkpoint(false).unwrap();
    assert_eq!(house.places.calls(), calls, "nothing new to sign");
    logged(&log, &draft("a", 1));
    log.write_checkpoint(false).unwrap();
    assert!(house.places.calls() > calls);
    let calls = house.places.calls();
    logged(&log, &draft("a", 1));
    log.write_checkpoint(false).unwrap();
    assert_eq!(house.places.calls(), calls, "too early");
}

#[test]
fn a_database_that_says_it_was_restored_begins_a_new_origin_though_every_floor_is_covered_and_only_one()
 {
    let (house, log) = House::new();
    logged(&log, &draft("a", 1));
    log.drain();
    let size = log.state().size;
    drop(log);
    assert!(matches!(house.open(house.keyring()).unwrap(), Opened::Whole(_)));
    let known = (size + 4).to_be_bytes().to_vec();
    house.disk.tamper(|rows| drop(rows.insert(keys::RESTORED.to_vec(), known)));
    let keyring = house.keyring();
    let found = cut(&house, Arc::clone(&keyring));
    let loss = found.loss().clone();
    assert_eq!((loss.detail.kept, loss.detail.lost_to), (size, size + 4));
    assert_eq!((loss.next_k, loss.needs_raise), (1, true));
    let mut raise = keyring.draft();
    raise.raise_origin(loss.next_k);
    let raised = raise.write(found.state(), &*house.random).unwrap();
    let log = found.start_origin().unwrap();
    // A crash here, before the generation's leaf, does not begin a second one.
    drop(log);
    drop(raised);
    house.disk.tamper(|rows| assert!(!rows.contains_key(keys::RESTORED)));
    let log = house.restart();
    assert_eq!(log.state().k, 1);
    drop(log);
    house.disk.tamper(|rows| drop(rows.insert(keys::RESTORED.to_vec(), vec![1])));
    let refused = house.open(house.keyring());
    assert!(matches!(refused, Err(OpenError::Audit(AuditError::Corrupt("row m/restored")))));
}
