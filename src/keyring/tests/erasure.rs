//! Puncture, drop, hold, drain, and places that do not answer an erasure.

use std::time::Duration;

use super::*;
use crate::ids::{AgentId, HoldId, RecordId};
use crate::limits::HOLDS_MAX;

fn hold_on(slot: SlotRef) -> Hold {
    Hold {
        id: HoldId::from_bytes([4; 16]),
        record: RecordId::from_bytes([5; 16]),
        slots: vec![slot],
        authority: "court".into(),
        reason: "case 12".into(),
        ends_on: NaiveDate::from_ymd_opt(2021, 6, 1).unwrap(),
        ends_at: Timestamp::from_millis(1_622_592_000_000),
        approver: AgentId::parse("dpo-1").unwrap(),
        placed_at: NOW,
    }
}

#[test]
fn an_erased_slot_is_gone_at_once_and_after_a_restart_and_its_neighbour_is_not() {
    let places = MemoryPlaces::new(2);
    let (keyring, slots) = with_slots(&places, 2);
    generation(&keyring, |d| d.puncture(&slots[..1])).unwrap();
    for keyring in [keyring, {
        places.restart();
        open(&places).unwrap()
    }] {
        assert!(!keyring.slot_lives(&slots[0]) && keyring.slot_lives(&slots[1]));
        assert!(matches!(keyring.derive_slot(&slots[0]), Err(KeyringError::SlotGone)));
        assert!(keyring.derive_slot(&slots[1]).is_ok());
        assert!(keyring.segments().iter().all(|s| !s.untouched));
    }
}

#[test]
fn an_old_keyring_file_beside_scrubbed_anchors_is_lost_and_with_its_old_anchor_it_opens() {
    let places = MemoryPlaces::new(1);
    let (keyring, slots) = with_slots(&places, 1);
    let before = places.image(0);
    generation(&keyring, |d| d.puncture(&slots)).unwrap();
    drop(keyring);
    let after = places.image(0);
    assert_eq!(after.slots_in_use(), 1);
    assert_eq!(after.names(), ["keyring.3", "place"]);
    // The whole old place, anchor included, does open: that is what its class is about.
    places.restore(0, before.clone());
    assert!(open(&places).unwrap().slot_lives(&slots[0]));
    // Its files alone do not.
    places.restore(0, before.with_anchor_of(&after));
    assert!(matches!(open(&places), Err(KeyringError::KeyringLost { generation: 3 })));
}

#[test]
fn dropping_the_last_segment_takes_cohort_and_tokens_along_and_leaves_a_tombstone() {
    let keyring = create(&MemoryPlaces::new(1));
    open_segment(&keyring, &cohort(1)).unwrap();
    open_segment(&keyring, &cohort(1)).unwrap();
    let (segments, key) = (keyring.segments(), cohort(1));
    let id = segments[0].cohort.id;
    generation(&keyring, |d| d.drop_segment(&segments[0].id, NOW)).unwrap();
    assert!(keyring.write_token(&id, &key.collection, "phone", b"1").is_some());
    generation(&keyring, |d| d.drop_segment(&segments[1].id, NOW)).unwrap();
    assert!(keyring.write_token(&id, &key.collection, "phone", b"1").is_none());
    assert!(keyring.cohort(&id).is_none() && !keyring.has_open_segment(&key));
    assert_eq!(keyring.segment(&segments[0].id), SegmentState::Tombstoned { generation: 4 });
    assert_eq!(keyring.segment(&segments[1].id), SegmentState::Tombstoned { generation: 5 });
    let again = generation(&keyring, |d| d.drop_segment(&segments[0].id, NOW));
    assert!(matches!(again, Err(KeyringError::UnknownSegment)));
}

#[test]
fn an_old_tombstone_folds_into_the_watermark_and_a_young_one_does_not() {
    let keyring = create(&MemoryPlaces::new(1));
    open_segment(&keyring, &cohort(3)).unwrap();
    let seg = keyring.segments()[0].id;
    generation(&keyring, |d| d.drop_segment(&seg, NOW)).unwrap();
    let later = |days: i64| LogState {
        clock_floor: NOW.plus_millis(days * 24 * 60 * 60 * 1000),
        ..keyring.log_state()
    };
    let random = random(&keyring);
    keyring.draft().write(later(399), &random).unwrap().published();
    assert_ne!(keyring.segment(&seg), SegmentState::Unknown);
    assert!(!keyring.below_watermark(&cohort(3)));
    keyring.draft().write(later(400), &SeededRandom::new(9)).unwrap().published();
    assert_eq!(keyring.segment(&seg), SegmentState::Unknown);
    assert!(keyring.below_watermark(&cohort(3)) && keyring.below_watermark(&cohort(2)));
    assert!(!keyring.below_watermark(&cohort(4)));
}

#[test]
fn a_held_slot_survives_erasure_and_purge_until_it_is_released() {
    let places = MemoryPlaces::new(1);
    let (keyring, slots) = with_slots(&places, 2);
    let (seg, key) = (slots[0].seg, cohort(1));
    generation(&keyring, |d| d.place_hold(hold_on(slots[0]))).unwrap();
    assert!(keyring.is_held(&slots[0]) && !keyring.is_held(&slots[1]));
    let erased = generation(&keyring, |d| d.puncture(&slots));
    assert!(matches!(erased, Err(KeyringError::Held)));
    assert!(keyring.slot_lives(&slots[1]));
    generation(&keyring, |d| d.drop_segment(&seg, NOW)).unwrap();
    assert!(keyring.slot_lives(&slots[0]) && !keyring.slot_lives(&slots[1]));
    let state = keyring.segment(&seg);
    let SegmentState::Live { cohort: id, held_only: true } = state else { panic!("{state:?}") };
    assert!(keyring.write_token(&id, &key.collection, "phone", b"1").is_none());
    assert!(!keyring.has_open_segment(&key));
    assert!(matches!(open_segment(&keyring, &key), Err(KeyringError::UnknownSegment)));
    generation(&keyring, |d| {
        assert_eq!(d.release_hold(&HoldId::from_bytes([4; 16])), Some(hold_on(slots[0])));
        d.drop_segment(&seg, NOW)
    })
    .unwrap();
    assert!(!keyring.slot_lives(&slots[0]) && keyring.holds().is_empty());
    assert!(matches!(keyring.segment(&seg), SegmentState::Tombstoned { .. }));
}

#[test]
fn a_hold_on_a_slot_that_is_gone_or_on_none_is_refused() {
    let (keyring, slots) = with_slots(&MemoryPlaces::new(1), 1);
    let mut draft = keyring.draft();
    assert!(draft.place_hold(hold_on(slots[0])).is_ok());
    assert!(matches!(draft.place_hold(hold_on(slots[0])), Err(KeyringError::HoldRefused)));
    let gone =
        Hold { id: HoldId::from_bytes([6; 16]), ..hold_on(SlotRef { index: 1 << 24, ..slots[0] }) };
    assert!(matches!(draft.place_hold(gone), Err(KeyringError::SlotGone)));
    let none = Hold { id: HoldId::from_bytes([6; 16]), slots: vec![], ..hold_on(slots[0]) };
    assert!(matches!(draft.place_hold(none), Err(KeyringError::HoldRefused)));
}

#[test]
fn an_erasure_waits_for_openings_of_its_slot_and_not_for_others() {
    let (keyring, slots) = with_slots(&MemoryPlaces::new(2), 2);
    let erased = keyring.derive_slot(&slots[0]).unwrap();
    let other = keyring.derive_slot(&slots[1]).unwrap();
    let erasing = std::thread::spawn({
        let (keyring, slot) = (Arc::clone(&keyring), slots[0]);
        move || generation(&keyring, |d| d.puncture(&[slot]))
    });
    while keyring.slot_lives(&slots[0]) {
        std::thread::sleep(Duration::from_millis(1));
    }
    assert!(!erasing.is_finished());
    drop(erased);
    assert!(erasing.join().unwrap().is_ok());
    drop(other);
}

#[test]
fn a_generation_that_erases_nothing_does_without_a_silent_follower_and_marks_it_stale() {
    let places = MemoryPlaces::new(3);
    let (keyring, slots) = with_slots(&places, 1);
    let stale = || keyring.places().iter().map(|p| p.stale).collect::<Vec<_>>();
    places.set_silent(2, true);
    open_segment(&keyring, &cohort(2)).unwrap();
    assert_eq!(stale(), [false, false, true]);
    let refused = generation(&keyring, |d| d.puncture(&slots));
    assert!(matches!(refused, Err(KeyringError::ErasureNeedsPlace { .. })));
    assert!(keyring.slot_lives(&slots[0]));
    places.set_silent(2, false);
    generation(&keyring, |d| d.puncture(&slots)).unwrap();
    assert_eq!(stale(), [false; 3]);
    assert_eq!(places.image(2).slots_in_use(), 1);
    drop(keyring);
    assert!(!open(&places).unwrap().slot_lives(&slots[0]));
}

#[test]
fn a_silent_primary_stops_every_generation_before_anything_is_written() {
    let places = MemoryPlaces::new(2);
    let (keyring, slots) = with_slots(&places, 1);
    let before = places.image(1);
    places.set_silent(0, true);
    assert!(matches!(open_segment(&keyring, &cohort(2)), Err(KeyringError::PlaceIo { .. })));
    assert!(generation(&keyring, |d| d.puncture(&slots)).is_err());
    assert!(places.image(1) == before);
    places.set_silent(0, false);
    generation(&keyring, |d| d.puncture(&slots)).unwrap();
}

#[test]
fn a_place_left_out_of_the_run_stops_erasures_and_nothing_else() {
    let places = MemoryPlaces::new(2);
    let (keyring, slots) = with_slots(&places, 1);
    let left_out = keyring.places()[1].id;
    drop(keyring);
    places.set_silent(1, true);
    assert!(matches!(open(&places), Err(KeyringError::PlaceSilent { id }) if id == left_out));
    let opened = Keyring::open(places.places(), &[left_out], root(), &SeededRandom::new(3));
    let keyring = opened.unwrap();
    open_segment(&keyring, &cohort(2)).unwrap();
    assert_eq!(keyring.places().iter().map(|p| p.stale).collect::<Vec<_>>(), [false, true]);
    let refused = generation(&keyring, |d| d.puncture(&slots));
    assert!(matches!(refused, Err(KeyringError::ErasureNeedsPlace { id }) if id == left_out));
    drop(keyring);
    places.set_silent(1, false);
    let keyring = open(&places).unwrap();
    generation(&keyring, |d| d.puncture(&slots)).unwrap();
    assert!(keyring.places().iter().all(|p| !p.stale));
}

#[test]
fn as_many_holds_are_placed_and_one_more_is_refused() {
    let places = MemoryPlaces::new(1);
    let (keyring, slots) = with_slots(&places, 1);
    let numbered = |n: usize| {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&n.to_be_bytes());
        Hold { id: HoldId::from_bytes(id), ..hold_on(slots[0]) }
    };
    let mut draft = keyring.draft();
    for n in 0..HOLDS_MAX {
        draft.place_hold(numbered(n)).unwrap();
    }
    let more = draft.place_hold(numbered(HOLDS_MAX));
    assert!(matches!(more, Err(KeyringError::HoldRefused)));
    assert!(draft.release_hold(&numbered(0).id).is_some());
    assert!(draft.place_hold(numbered(HOLDS_MAX)).is_ok());
}

#[test]
fn a_moved_hold_keeps_the_new_slot_and_lets_the_old_one_go_in_one_generation() {
    let places = MemoryPlaces::new(2);
    let (keyring, slots) = with_slots(&places, 2);
    generation(&keyring, |d| d.place_hold(hold_on(slots[0]))).unwrap();
    let id = hold_on(slots[0]).id;
    assert!(matches!(generation(&keyring, |d| d.puncture(&slots[..1])), Err(KeyringError::Held)));
    generation(&keyring, |d| {
        d.move_hold(&id, &slots[1..])?;
        assert!(d.is_held(&slots[1]) && !d.is_held(&slots[0]));
        d.puncture(&slots[..1])
    })
    .unwrap();
    assert!(!keyring.slot_lives(&slots[0]) && keyring.is_held(&slots[1]));
    // A drop of the segment keeps the new slot alone.
    generation(&keyring, |d| d.drop_segment(&slots[0].seg, NOW)).unwrap();
    assert!(keyring.slot_lives(&slots[1]) && !keyring.slot_lives(&slots[0]));
}

#[test]
fn a_hold_moves_to_no_slot_that_is_gone_and_then_stays_as_it_was() {
    let (keyring, slots) = with_slots(&MemoryPlaces::new(1), 3);
    generation(&keyring, |d| d.puncture(&slots[2..])).unwrap();
    generation(&keyring, |d| d.place_hold(hold_on(slots[0]))).unwrap();
    let id = hold_on(slots[0]).id;
    let mut draft = keyring.draft();
    assert!(matches!(draft.move_hold(&id, &slots[1..]), Err(KeyringError::SlotGone)));
    assert!(matches!(draft.move_hold(&id, &[]), Err(KeyringError::HoldRefused)));
    let other = HoldId::from_bytes([9; 16]);
    assert!(matches!(draft.move_hold(&other, &slots[..1]), Err(KeyringError::HoldRefused)));
    assert!(draft.is_held(&slots[0]) && !draft.is_held(&slots[1]));
}

#[test]
fn a_segment_that_refuses_writes_still_opens_and_takes_them_again_when_it_is_told_so() {
    let (keyring, slots) = with_slots(&MemoryPlaces::new(1), 1);
    assert!(keyring.is_writable(&slots[0]));
    keyring.refuse_writes(&slots[0].seg);
    assert!(!keyring.is_writable(&slots[0]) && keyring.derive_slot(&slots[0]).is_ok());
    keyring.take_writes(&slots[0].seg);
    assert!(keyring.is_writable(&slots[0]));
    keyring.close_segment(&slots[0].seg);
    assert!(matches!(keyring.hand_out(&cohort(1)), Err(KeyringError::NoSegment)));
}

#[test]
fn no_generation_is_written_during_a_pause() {
    let (keyring, slots) = with_slots(&MemoryPlaces::new(1), 1);
    let pause = keyring.pause();
    let (told, done) = std::sync::mpsc::channel();
    let writer = {
        let (keyring, slots) = (Arc::clone(&keyring), slots.clone());
        std::thread::spawn(move || {
            generation(&keyring, |d| d.puncture(&slots)).unwrap();
            told.send(()).unwrap();
        })
    };
    assert!(done.recv_timeout(Duration::from_millis(50)).is_err());
    assert!(keyring.slot_lives(&slots[0]));
    drop(pause);
    done.recv().unwrap();
    writer.join().unwrap();
    assert!(!keyring.slot_lives(&slots[0]));
}

#[test]
fn a_segment_dropped_before_its_date_lifts_no_watermark_over_dates_of_which_segments_live() {
    let keyring = create(&MemoryPlaces::new(1));
    // Years ahead: a compaction drops it long before.
    let far = CohortKey { expires_on: NaiveDate::from_ymd_opt(2035, 2, 3).unwrap(), ..cohort(3) };
    open_segment(&keyring, &far).unwrap();
    let seg = keyring.segments().iter().find(|segment| segment.cohort.key == far).unwrap().id;
    generation(&keyring, |d| d.drop_segment(&seg, NOW)).unwrap();
    let later =
        LogState { clock_floor: NOW.plus_millis(401 * 24 * 60 * 60 * 1000), ..keyring.log_state() };
    keyring.draft().write(later, &SeededRandom::new(9)).unwrap().published();
    assert_ne!(keyring.segment(&seg), SegmentState::Unknown, "its tombstone stays");
    assert!(!keyring.below_watermark(&cohort(3)));
}
