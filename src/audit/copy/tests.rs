//! A copy of a log is whole, or what is wrong with it is named.

use std::collections::BTreeMap;

use super::{CopiedLog, LogFault, LogInCopy};
use crate::{
    audit::{
        Opened,
        note::Checkpoint,
        tests::house::{House, draft, logged},
    },
    storage::{Store as _, keys},
};

type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

fn rows(house: &House) -> Rows {
    let mut found = Rows::new();
    house.disk.tamper(|rows| found.clone_from(rows));
    found
}

fn check(rows: &Rows) -> Result<CopiedLog, LogFault> {
    let mut log = LogInCopy::new();
    rows.iter().try_for_each(|(key, value)| log.row(key, value))?;
    log.end()
}

/// A log of two origins, of more than 256 leaves each, drained.
fn two_origins() -> (House, CopiedLog) {
    let (mut house, log) = House::new();
    (0..300).for_each(|i| logged(&log, &draft("a", (i % 7) as u8)));
    let backup = house.disk.copy();
    (0..9).for_each(|i| logged(&log, &draft("a", i)));
    let lost_to = log.state().size;
    log.drain();
    drop(log);
    house.disk = backup;
    let keyring = house.keyring();
    let Opened::RolledBack(found) = house.open(keyring.clone()).unwrap() else { panic!("whole") };
    let mut raise = keyring.draft();
    raise.raise_origin(found.loss().next_k);
    let raised = raise.write(found.state(), &*house.random).unwrap();
    let log = found.start_origin().unwrap();
    log.publish(raised).unwrap();
    house.open_segments(&log);
    (0..300).for_each(|i| logged(&log, &draft("a", (i % 7) as u8)));
    let (said, note) = log.at(house.disk.open().snapshot().unwrap().as_ref()).unwrap();
    let state = log.state();
    assert_eq!((said.k, said.size, said.root), (state.k, state.size, state.root));
    assert_eq!(said.generation, keyring.generation());
    let signed = Checkpoint::peek(&note).unwrap();
    assert_eq!((signed.size, signed.root), (said.size, said.root));
    drop(log);
    let found = check(&rows(&house)).unwrap();
    assert_eq!(found.closed.len(), 1);
    assert_eq!((found.closed[0].closed, found.closed[0].lost_to), (0, lost_to));
    (house, said)
}

#[test]
fn a_whole_log_of_two_origins_is_found_as_the_vault_says_and_a_changed_one_is_named() {
    let (house, said) = two_origins();
    let whole = rows(&house);
    let found = check(&whole).unwrap();
    assert_eq!(CopiedLog { closed: Vec::new(), ..found }, said);

    let end = said.size - 1;
    let changed = |key: Vec<u8>, change: fn(&mut Vec<u8>)| {
        let mut rows = whole.clone();
        change(rows.get_mut(&key).unwrap_or_else(|| panic!("{key:?}")));
        check(&rows)
    };
    let dropped = |key: &[u8]| {
        let mut rows = whole.clone();
        rows.remove(key).unwrap_or_else(|| panic!("{key:?}"));
        check(&rows)
    };
    let flip = |row: &mut Vec<u8>| row[100] ^= 1;
    for (k, n) in [(0, 0), (0, 299), (1, 0), (1, 255), (1, end)] {
        assert!(changed(keys::leaf(k, n), flip).is_err(), "{k} {n}");
        assert!(dropped(&keys::leaf(k, n)).is_err(), "{k} {n}");
    }
    let order = LogFault::Order { k: 0, expected: 7 };
    assert_eq!(dropped(&keys::leaf(0, 7)), Err(order));
    assert_eq!(dropped(&keys::leaf(1, end)), Err(LogFault::Root { k: 1 }));
    for (k, level) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        let tile = LogFault::Tile { k };
        assert_eq!(dropped(&keys::tile(k, level, 0)), Err(tile.clone()));
        assert_eq!(changed(keys::tile(k, level, 0), |row| row[9] ^= 1), Err(tile));
    }
    assert_eq!(dropped(keys::LOG_TAIL), Err(LogFault::Missing("m/log")));
    assert_eq!(dropped(keys::GENERATION), Err(LogFault::Missing("m/generation")));
    assert_eq!(changed(keys::GENERATION.to_vec(), |row| row[1] ^= 1), Err(LogFault::Generation));
    // Without its link all of an older origin could be left out.
    assert_eq!(dropped(&keys::event_slot(1, 0)), Err(LogFault::Link { k: 1 }));
    let alone = whole.iter().filter(|(key, _)| !key.starts_with(&keys::leaves(0)));
    let alone: Rows = alone.map(|(key, value)| (key.clone(), value.clone())).collect();
    assert!(check(&alone).is_err());
}

#[test]
fn an_older_generation_row_with_its_true_leaf_is_not_taken_for_the_newest() {
    let (house, log) = House::new();
    let mut old = None;
    house.disk.tamper(|rows| old = rows.get(keys::GENERATION).cloned());
    house.open_segments(&log);
    drop(log);
    assert!(check(&rows(&house)).is_ok());
    house.disk.tamper(|rows| drop(rows.insert(keys::GENERATION.to_vec(), old.unwrap())));
    assert_eq!(check(&rows(&house)), Err(LogFault::Generation));
}
