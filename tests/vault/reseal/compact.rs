//! A segment is compacted: everything moves out of it as it was, and it is dropped.

use std::sync::Arc;

use oubliette::{
    ids::{RecordId, SegmentId},
    keyring::SegmentState,
    random::{Random as _, SeededRandom},
    storage::{Group, Op},
    vault::{Vault, VaultError},
};

use super::{
    cohort_of, compacted, find, in_hand, look, name, renamed, shown, slot_of, start_with, with_note,
};
use crate::house::{House, care, clerk, events, filed, head, island_file, once, rows, run};

async fn erase(vault: &Vault, record: RecordId) -> bool {
    let answer = vault.erase(&head(), &care(), vec![record]).await.unwrap();
    answer.items[0].1.is_ok()
}

fn is_tombstoned(vault: &Vault, seg: &SegmentId) -> bool {
    matches!(vault.log().keyring().segment(seg), SegmentState::Tombstoned { .. })
}

#[test]
fn survivors_of_a_compaction_are_as_they_were_and_the_segment_is_gone() {
    let house = House::founded(630);
    run(async {
        let vault = house.start().unwrap();
        let why = once(1, "Create", "x");
        let input = || island_file("EXEMPLE-Q", "2020-11-20");
        let first = vault.create(&head(), &why, input()).await.unwrap().record;
        let record = with_note(&vault, "EXEMPLE-A").await;
        let gone = with_note(&vault, "EXEMPLE-B").await;
        assert!(erase(&vault, gone).await);
        let old = slot_of(&house, record);
        let cohort = cohort_of(&vault, &old.seg);
        assert!(vault.compact(&old.seg).unwrap());
        assert!(!vault.compact(&old.seg).unwrap(), "one at a time");
        compacted(&vault);
        assert!(is_tombstoned(&vault, &old.seg));
        let new = slot_of(&house, record);
        assert!(new.seg != old.seg && cohort_of(&vault, &new.seg) == cohort);
        assert_eq!(look(&vault, record).await.unwrap(), shown(3, "EXEMPLE-A"));
        assert_eq!(find(&vault, "EXEMPLE-A").await, [record]);
        assert!(in_hand(&vault, record).await);
        assert!(matches!(look(&vault, gone).await, Err(VaultError::NotAvailable)));
        let again = vault.create(&head(), &why, input()).await.unwrap();
        assert!(again.repeated && again.record == first);
        let outcomes: Vec<_> = events(&vault, "reseal").await.into_iter().collect();
        assert_eq!(outcomes.last().unwrap().outcome, "STARTED");
        assert_eq!(outcomes[0].outcome, "OK");
        assert!(outcomes[0].notes.contains(&"moved=2".to_owned()), "{:?}", outcomes[0].notes);
        drop(vault);
        let vault = house.start().unwrap();
        assert_eq!(look(&vault, record).await.unwrap(), shown(3, "EXEMPLE-A"));
        assert_eq!(find(&vault, "EXEMPLE-A").await, [record]);
        let changed = vault.update(&clerk(), &care(), renamed(record, 3, "EXEMPLE-C")).await;
        assert_eq!(changed.unwrap().version, 4);
    });
}

#[test]
fn sections_in_a_cohort_of_their_own_move_without_their_head() {
    let house = House::founded(631);
    run(async {
        let vault = house.start().unwrap();
        let record = with_note(&vault, "EXEMPLE-A").await;
        let plain = filed(&vault, "EXEMPLE-B", "2020-11-20").await.unwrap().record;
        let at = slot_of(&house, record);
        // The one cohort that has sections and no members is the notes'.
        let sections = rows(&house, b's').into_iter().filter(|key| !key.ends_with(b"event"));
        let mut notes = sections.map(|key| key[1..17].to_vec());
        let members = rows(&house, b'c');
        let own = notes.find(|id| !members.iter().any(|key| key[1..17] == id[..]));
        let own = own.unwrap();
        let segments = vault.log().keyring().segments();
        let used = rows(&house, b'd');
        let of_notes = segments.iter().find(|segment| {
            let is_used = used.iter().any(|key| key[1..] == segment.id.as_bytes()[..]);
            is_used && segment.cohort.id.as_bytes()[..] == own[..]
        });
        let seg = of_notes.unwrap().id;
        let used_row = [&[b'd'][..], seg.as_bytes()].concat();
        let mut used_value = Vec::new();
        house.disk.tamper(|rows| used_value.clone_from(&rows[&used_row]));
        assert!(vault.compact(&seg).unwrap());
        compacted(&vault);
        assert!(is_tombstoned(&vault, &seg));
        assert_eq!(slot_of(&house, record), at, "its head stays");
        assert_eq!(look(&vault, record).await.unwrap(), shown(3, "EXEMPLE-A"));
        assert_eq!(look(&vault, plain).await.unwrap().0, 2);
        drop(vault);
        // As if the crash had come between the drop and the end of the compaction: the start finds a used
        // segment that is dropped, and must not take the notes that moved out of it for left over.
        house.disk.tamper(|rows| drop(rows.insert(used_row.clone(), used_value.clone())));
        let vault = house.start().unwrap();
        assert_eq!(look(&vault, record).await.unwrap(), shown(3, "EXEMPLE-A"));
    });
}

#[test]
fn a_record_erased_between_its_move_and_the_drop_leaves_no_key_in_either_segment() {
    let house = House::founded(632);
    run(async {
        let vault = house.start().unwrap();
        let record = with_note(&vault, "EXEMPLE-A").await;
        let other = with_note(&vault, "EXEMPLE-B").await;
        let old = slot_of(&house, record);
        assert!(vault.compact(&old.seg).unwrap());
        vault.tick().unwrap();
        let new = slot_of(&house, record);
        let lives = |slot| vault.log().keyring().slot_lives(slot);
        assert!(new != old && lives(&old) && lives(&new));
        assert!(erase(&vault, record).await);
        assert!(!lives(&old) && !lives(&new));
        compacted(&vault);
        assert_eq!(look(&vault, other).await.unwrap(), shown(3, "EXEMPLE-B"));
    });
}

#[test]
fn a_slot_handed_out_before_a_segment_was_closed_is_written_to_no_more_once_it_shall_be_dropped() {
    let house = House::founded(633);
    run(async {
        let vault = house.start().unwrap();
        let record = with_note(&vault, "EXEMPLE-A").await;
        let seg = slot_of(&house, record).seg;
        let cohort = cohort_of(&vault, &seg);
        let log = vault.log();
        let late = log.keyring().hand_out(&cohort.key).unwrap().at;
        assert_eq!(late.seg, seg);
        let write = || {
            let ops = vec![Op::Put(vec![b'z'], Vec::new())];
            let group = Group { preconditions: Vec::new(), ops };
            log.commit_blocking(group, &[(late, cohort.clone())], None)
        };
        assert!(write().is_ok());
        assert!(vault.compact(&seg).unwrap());
        // The first pass moves what it finds; from then on the segment takes no writes.
        vault.tick().unwrap();
        assert!(write().is_err(), "it would be lost with the segment");
        assert_ne!(log.keyring().hand_out(&cohort.key).unwrap().at.seg, seg);
        compacted(&vault);
        assert!(is_tombstoned(&vault, &seg));
    });
}

#[test]
fn records_changed_assigned_erased_and_filed_while_they_move_end_as_they_were_answered() {
    let house = House::founded(634);
    run(async {
        let vault = house.start().unwrap();
        let mut records = Vec::new();
        for number in 0..24 {
            records.push(with_note(&vault, &name(number)).await);
        }
        let seg = slot_of(&house, records[0]).seg;
        assert!(vault.compact(&seg).unwrap());
        let mut calls = tokio::task::JoinSet::new();
        for (number, record) in records.iter().copied().enumerate() {
            let vault = Arc::clone(&vault);
            calls.spawn(async move {
                if number % 3 == 0 {
                    // Again for as long as the move comes between reading and writing.
                    loop {
                        let (version, ..) = look(&vault, record).await.unwrap();
                        let input = renamed(record, version, "CHANGE");
                        match vault.update(&clerk(), &care(), input).await {
                            Ok(changed) => return (record, Some(changed.version)),
                            Err(VaultError::VersionMismatch) => {}
                            Err(error) => panic!("{error}"),
                        }
                    }
                } else if number % 3 == 1 {
                    assert!(erase(&vault, record).await);
                    (record, None)
                } else {
                    (record, Some(0))
                }
            });
        }
        let ticking = Arc::clone(&vault);
        let ticks = tokio::task::spawn_blocking(move || compacted(&ticking));
        let filed_late = with_note(&vault, "EXEMPLE-TARD").await;
        let ends = calls.join_all().await;
        ticks.await.unwrap();
        compacted(&vault);
        assert!(is_tombstoned(&vault, &seg));
        for (record, end) in ends {
            match end {
                None => assert!(look(&vault, record).await.is_err()),
                Some(0) => assert!(look(&vault, record).await.unwrap().1.is_some()),
                Some(version) => {
                    let (now, name, note) = look(&vault, record).await.unwrap();
                    assert_eq!((name.as_deref(), note.is_some()), (Some("CHANGE"), true));
                    assert!(now >= version);
                }
            }
        }
        assert_eq!(look(&vault, filed_late).await.unwrap().1.as_deref(), Some("EXEMPLE-TARD"));
    });
}

#[test]
fn a_record_that_does_not_open_stops_the_compaction_and_loses_nobody() {
    let house = House::founded(635);
    run(async {
        let vault = house.start().unwrap();
        let record = with_note(&vault, "EXEMPLE-A").await;
        let broken = with_note(&vault, "EXEMPLE-B").await;
        let seg = slot_of(&house, record).seg;
        house.disk.tamper(|rows| {
            let row = rows.get_mut(&[&[b'r'][..], broken.as_bytes()].concat()).unwrap();
            let last = row.len() - 1;
            row[last] ^= 1;
        });
        assert!(vault.compact(&seg).unwrap());
        compacted(&vault);
        assert!(!is_tombstoned(&vault, &seg));
        let alarms = vault.log().alarms().unwrap();
        assert!(alarms.iter().any(|alarm| alarm.kind == "compaction-stopped"));
        house.disk.tamper(|rows| {
            let row = rows.get_mut(&[&[b'r'][..], broken.as_bytes()].concat()).unwrap();
            let last = row.len() - 1;
            row[last] ^= 1;
        });
        assert_eq!(look(&vault, broken).await.unwrap().1.as_deref(), Some("EXEMPLE-B"));
        assert_eq!(look(&vault, record).await.unwrap().1.as_deref(), Some("EXEMPLE-A"));
    });
}

#[test]
fn a_keyring_above_its_bound_is_compacted_and_one_below_is_left_alone() {
    let house = House::founded(636);
    run(async {
        let bytes = || house.start().unwrap().log().keyring().file_bytes();
        let (first, second) = (bytes(), bytes());
        // What this start opens, and a little more.
        let bound = second + (second - first) + 3_072;
        let vault = start_with(&house, bound);
        let random = SeededRandom::new(636);
        let mut records = Vec::new();
        for number in 0..400 {
            records.push(filed(&vault, &name(number), "2020-11-20").await.unwrap().record);
        }
        vault.tick().unwrap();
        assert_eq!(vault.compaction().unwrap(), (None, 0), "nothing was erased yet");
        let (mut highest, mut erased) = (0, 0);
        while records.len() > 100 && vault.compaction().unwrap().1 < 3 {
            let mut bytes = [0; 4];
            random.fill(&mut bytes);
            let at = usize::try_from(u32::from_be_bytes(bytes)).unwrap() % records.len();
            assert!(erase(&vault, records.swap_remove(at)).await);
            erased += 1;
            highest = highest.max(vault.log().keyring().file_bytes());
            vault.tick().unwrap();
            if erased % 8 == 0 {
                records.push(filed(&vault, &name(erased), "2020-11-20").await.unwrap().record);
            }
        }
        compacted(&vault);
        let (_, fired) = vault.compaction().unwrap();
        assert_eq!(fired, 3, "{highest} of {bound} after {erased} erasures");
        // Each leaves a tombstone; and some are erased before the background work has come by thrice.
        let allowed = bound + 96 * usize::try_from(fired).unwrap() + 1_024;
        assert!(highest <= allowed, "{highest} of {allowed}");
        let now = vault.log().keyring().file_bytes();
        assert!(now <= allowed - 1_024, "{now} of {allowed}");
        for record in records {
            assert!(look(&vault, record).await.is_ok());
        }
    });
}
