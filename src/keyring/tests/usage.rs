//! Slots, cohorts, tokens, pins: the keyring in ordinary use.

use super::*;
use crate::ids::AgentId;

#[test]
fn a_slot_is_handed_out_once_and_only_after_publication() {
    let keyring = create(&MemoryPlaces::new(2));
    let random = random(&keyring);
    let mut draft = keyring.draft();
    draft.open_segment(&cohort(1), &random).unwrap();
    let unpublished = draft.write(keyring.log_state(), &random).unwrap();
    assert!(matches!(keyring.hand_out(&cohort(1)), Err(KeyringError::NoSegment)));
    assert!(!keyring.has_open_segment(&cohort(1)));
    assert_eq!(unpublished.generation(), 2);
    assert_eq!(unpublished.detail(), keyring.generation_detail());
    unpublished.published();
    assert!(keyring.has_open_segment(&cohort(1)));
    let (first, second) =
        (keyring.hand_out(&cohort(1)).unwrap(), keyring.hand_out(&cohort(1)).unwrap());
    assert_eq!((first.at.index, second.at.index), (0, 1));
    assert_eq!(first.cohort.key, cohort(1));
}

#[test]
fn a_segment_hands_out_in_the_run_that_opened_it_and_in_no_other() {
    let places = MemoryPlaces::new(2);
    let (keyring, slots) = with_slots(&places, 1);
    drop(keyring);
    let keyring = open(&places).unwrap();
    assert!(keyring.slot_lives(&slots[0]));
    assert!(keyring.derive_slot(&slots[0]).is_ok());
    assert!(matches!(keyring.hand_out(&cohort(1)), Err(KeyringError::NoSegment)));
    open_segment(&keyring, &cohort(1)).unwrap();
    assert_ne!(keyring.hand_out(&cohort(1)).unwrap().at.seg, slots[0].seg);
}

#[test]
fn one_cohort_serves_all_segments_of_a_date_and_another_date_is_another() {
    let keyring = create(&MemoryPlaces::new(1));
    open_segment(&keyring, &cohort(1)).unwrap();
    open_segment(&keyring, &cohort(1)).unwrap();
    open_segment(&keyring, &cohort(2)).unwrap();
    let found = keyring.cohorts_of(&cohort(1).collection);
    assert_eq!(found.len(), 2);
    assert_eq!(keyring.segments().len(), 3);
    assert!(keyring.segments().iter().all(|s| s.untouched && !s.held_only));
    assert_eq!(found[0].expires_at.to_string(), "2021-01-31T20:00:00.000Z");
    assert_eq!(keyring.cohort(&found[0].id), Some(found[0].clone()));
}

#[test]
fn tokens_are_written_with_the_newest_key_and_searched_with_all() {
    let keyring = create(&MemoryPlaces::new(1));
    open_segment(&keyring, &cohort(1)).unwrap();
    let key = cohort(1);
    let id = keyring.cohorts_of(&key.collection)[0].id;
    let written = || keyring.write_token(&id, &key.collection, "phone", b"1").unwrap();
    let searched = || keyring.search_tokens(&id, &key.collection, "phone", b"1");
    let first = written();
    assert_eq!(searched(), [first]);
    generation(&keyring, |d| d.add_index_key(&id, &SeededRandom::new(5)).map(|_| ())).unwrap();
    let second = written();
    assert_eq!(second.0, first.0 + 1);
    assert_eq!(searched(), [first, second]);
    assert_eq!(keyring.request_fingerprints(&id, b"r").len(), 2);
    generation(&keyring, |d| d.drop_index_key(&id, first.0)).unwrap();
    assert_eq!(searched(), [second]);
    let refused = generation(&keyring, |d| d.drop_index_key(&id, second.0));
    assert!(matches!(refused, Err(KeyringError::UnknownSegment)));
}

#[test]
fn what_a_generation_pins_is_there_after_a_restart() {
    let places = MemoryPlaces::new(2);
    let keyring = create(&places);
    let agent = AgentId::parse("inv-1").unwrap();
    let revocation = Revocation { min_revision: 4, revoked: true };
    let log = LogState { k: 0, size: 9, root: [7; 32], clock_floor: NOW.plus_millis(1) };
    let random = random(&keyring);
    let mut draft = keyring.draft();
    draft.revoke(&agent, revocation);
    draft.revoke(&agent, Revocation { min_revision: 3, revoked: false });
    draft.pin_pack([9; 32], b"new".to_vec());
    draft.write(log, &random).unwrap().published();
    let (hash, detail) = (keyring.hash(), keyring.generation_detail());
    let public = (keyring.log_signer().public(), keyring.certificate_signer().public());
    let row = keyring.mac_row(b"g/a", b"row");
    drop(keyring);
    let keyring = open(&places).unwrap();
    assert_eq!(keyring.revocation(&agent), Some(revocation));
    assert_eq!(keyring.pinned_pack(), ([9; 32], b"new".to_vec()));
    assert_eq!(keyring.log_state(), log);
    assert_eq!((keyring.hash(), keyring.generation_detail()), (hash, detail));
    let opened = (keyring.log_signer().public(), keyring.certificate_signer().public());
    assert_eq!(opened, public);
    assert_eq!(keyring.check_row(b"g/a", &row), Some(b"row".as_slice()));
    assert_eq!((keyring.vault_name().as_str(), keyring.node().as_str()), ("vault.example", "a"));
    assert_eq!(keyring.class(), PlaceClass::L0);
}

#[test]
fn the_logs_floor_never_sinks_and_a_raised_origin_starts_empty() {
    let keyring = create(&MemoryPlaces::new(1));
    let floor = LogState { k: 0, size: 9, root: [7; 32], clock_floor: NOW };
    let write = |log, raised: Option<u32>| {
        let random = random(&keyring);
        let mut draft = keyring.draft();
        raised.into_iter().for_each(|k| draft.raise_origin(k));
        draft.write(log, &random).unwrap().published();
        keyring.log_state()
    };
    assert_eq!(write(floor, None), floor);
    assert_eq!(write(LogState { size: 8, root: [6; 32], ..floor }, None), floor);
    let raised = write(floor, Some(1));
    assert_eq!((raised.k, raised.size, raised.root), (1, 0, super::draft::EMPTY_ROOT));
}

#[test]
fn a_checkpoint_is_found_at_every_place_by_the_next_start() {
    let places = MemoryPlaces::new(2);
    let keyring = create(&places);
    assert!(keyring.checkpoints().is_empty());
    keyring.write_checkpoint("note").unwrap();
    places.set_silent(0, true);
    keyring.write_checkpoint("newer").unwrap();
    places.set_silent(1, true);
    assert!(matches!(keyring.write_checkpoint("newest"), Err(KeyringError::PlaceIo { .. })));
    places.set_silent(0, false);
    places.set_silent(1, false);
    drop(keyring);
    assert_eq!(open(&places).unwrap().checkpoints(), ["note", "newer"]);
}

#[test]
fn a_generation_that_is_never_published_stops_the_next_until_a_restart() {
    let places = MemoryPlaces::new(2);
    let (keyring, slots) = with_slots(&places, 1);
    let random = random(&keyring);
    drop(keyring.draft().write(keyring.log_state(), &random).unwrap());
    assert!(matches!(open_segment(&keyring, &cohort(2)), Err(KeyringError::MustReopen)));
    assert!(keyring.derive_slot(&slots[0]).is_ok());
    drop(keyring);
    let keyring = open(&places).unwrap();
    assert_eq!(keyring.generation(), 3);
    open_segment(&keyring, &cohort(2)).unwrap();
}

#[test]
fn a_draft_that_is_dropped_changes_nothing_and_lets_the_next_one_in() {
    let keyring = create(&MemoryPlaces::new(1));
    let mut draft = keyring.draft();
    draft.open_segment(&cohort(1), &SeededRandom::new(1)).unwrap();
    drop(draft);
    assert!(keyring.segments().is_empty());
    assert_eq!(keyring.draft().generation(), 2);
}

#[test]
fn keyring_draft_and_slots_move_between_threads() {
    fn moves<T: Send>() {}
    fn is_shared<T: Send + Sync>() {}
    moves::<Draft>();
    moves::<Unpublished>();
    moves::<Slot>();
    is_shared::<Keyring>();
    let keyring = create(&MemoryPlaces::new(1));
    open_segment(&keyring, &cohort(1)).unwrap();
    let threads = [(); 4].map(|()| {
        let keyring = Arc::clone(&keyring);
        std::thread::spawn(move || {
            (0..100).map(|_| keyring.hand_out(&cohort(1)).unwrap().at.index).collect::<Vec<_>>()
        })
    });
    let mut indices: Vec<u32> = threads.into_iter().flat_map(|t| t.join().unwrap()).collect();
    indices.sort_unstable();
    assert_eq!(indices, (0..400).collect::<Vec<_>>());
}
