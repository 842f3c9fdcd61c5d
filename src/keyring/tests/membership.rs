//! The list of places: adding, removing, promoting, each beside its refusal and under every fault.

use super::*;
use crate::ids::PlaceId;

const FAULTS: [Fault; 3] = [Fault::Lost, Fault::Kept, Fault::Torn];

fn nth(places: &MemoryPlaces, wanted: &[usize]) -> Vec<Place> {
    let mut all: Vec<Option<Place>> = places.places().into_iter().map(Some).collect();
    wanted.iter().map(|n| all[*n].take().unwrap()).collect()
}

fn open_nth(places: &MemoryPlaces, wanted: &[usize]) -> Result<Arc<Keyring>, KeyringError> {
    Keyring::open(nth(places, wanted), &[], root(), &SeededRandom::new(2))
}

fn open_without(
    places: &MemoryPlaces,
    wanted: &[usize],
    without: &[PlaceId],
) -> Result<Arc<Keyring>, KeyringError> {
    Keyring::open(nth(places, wanted), without, root(), &SeededRandom::new(2))
}

/// Three devices, a vault on the first two with one slot in use, at generation 2.
fn two_of_three() -> (MemoryPlaces, SlotRef, [PlaceId; 2]) {
    let places = MemoryPlaces::new(3);
    let made = Keyring::create(nth(&places, &[0, 1]), root(), new_vault(), &SeededRandom::new(1));
    let keyring = made.unwrap();
    open_segment(&keyring, &cohort(1)).unwrap();
    let slot = keyring.hand_out(&cohort(1)).unwrap().at;
    let ids = [keyring.places()[0].id, keyring.places()[1].id];
    (places, slot, ids)
}

/// The same devices once more.
fn copy(places: &MemoryPlaces) -> MemoryPlaces {
    let copy = MemoryPlaces::new(3);
    (0..3).for_each(|place| copy.restore(place, places.image(place)));
    copy
}

fn add(places: &MemoryPlaces) -> Result<PlaceId, KeyringError> {
    let keyring = open_nth(places, &[0, 1])?;
    keyring.add_place(nth(places, &[2]).remove(0), NOW, &random(&keyring))
}

fn promote(
    places: &MemoryPlaces,
    wanted: &[usize],
    chosen: PlaceId,
    known: Option<KnownGeneration>,
) -> Result<Arc<Keyring>, KeyringError> {
    let promotion = Promotion { chosen, without: &[], known, now: NOW };
    Keyring::promote(nth(places, wanted), promotion, root(), &SeededRandom::new(50))
}

fn listed(keyring: &Keyring) -> Vec<PlaceId> {
    keyring.places().into_iter().map(|place| place.id).collect()
}

fn survey(places: &MemoryPlaces, wanted: &[usize], known: u64) -> Survey {
    Keyring::survey(&nth(places, wanted), root(), known).unwrap()
}

fn faults(survey: &Survey) -> Vec<Vec<String>> {
    let texts = |finding: &PlaceFinding| finding.faults.iter().map(ToString::to_string).collect();
    survey.places.iter().map(texts).collect()
}

#[test]
fn an_empty_folder_becomes_the_last_follower_and_holds_everything_the_primary_does() {
    let (places, slot, ids) = two_of_three();
    let id = add(&places).unwrap();
    assert!(
        matches!(open_nth(&places, &[0, 1]), Err(KeyringError::PlaceSilent { id: missing }) if missing == id)
    );
    let keyring = open_nth(&places, &[0, 1, 2]).unwrap();
    assert_eq!(listed(&keyring), [ids[0], ids[1], id]);
    assert!(keyring.places().iter().all(|place| !place.stale));
    let previous_hash = keyring.place_acts()[0].previous_hash;
    let act =
        PlaceAct { change: PlaceChange::Added, place: id, generation: 3, at: NOW, previous_hash };
    assert_eq!(keyring.place_acts(), [act]);
    assert_eq!(places.image(2).slots_in_use(), 1);
    generation(&keyring, |d| d.puncture(&[slot])).unwrap();
    drop(keyring);
    // It is a whole copy: the others may be lost.
    let [lost, other] = [places.image(0), places.image(1)].map(|_| MemoryImage::default());
    places.restore(0, lost);
    places.restore(1, other);
    let promotion = Promotion { chosen: id, without: &[ids[1]], known: None, now: NOW };
    let alone = nth(&places, &[2]);
    let keyring = Keyring::promote(alone, promotion, root(), &SeededRandom::new(9)).unwrap();
    assert!(!keyring.slot_lives(&slot));
}

#[test]
fn a_folder_that_holds_anything_of_a_place_is_not_added_and_nothing_is_changed() {
    let (places, ..) = two_of_three();
    let stranger = MemoryPlaces::new(1);
    drop(Keyring::create(stranger.places(), root(), new_vault(), &SeededRandom::new(77)));
    let own_follower = places.image(1);
    for taken in [stranger.image(0), own_follower] {
        places.restore(2, taken);
        let before: Vec<_> = (0..3).map(|place| places.image(place)).collect();
        assert!(matches!(add(&places), Err(KeyringError::PlaceExists { .. })));
        assert!((0..3).all(|place| places.image(place) == before[place]));
    }
    places.restore(2, MemoryImage::default());
    add(&places).unwrap();
}

#[test]
fn adding_survives_every_fault_and_is_finished_by_the_next_start_or_by_the_same_command() {
    let (places, slot, _) = two_of_three();
    let clean = copy(&places);
    let keyring = open_nth(&clean, &[0, 1]).unwrap();
    let before = clean.calls();
    keyring.add_place(nth(&clean, &[2]).remove(0), NOW, &random(&keyring)).unwrap();
    let calls = clean.calls();
    drop(keyring);
    for call in before + 1..=calls {
        for (fault, crash) in FAULTS.into_iter().flat_map(|f| [(f, true), (f, false)]) {
            let places = copy(&places);
            let keyring = open_nth(&places, &[0, 1]).unwrap();
            places.fail(call, fault, crash);
            let added = keyring.add_place(nth(&places, &[2]).remove(0), NOW, &random(&keyring));
            drop(keyring);
            places.restart();
            let context = format!("call {call}, {fault:?}, crash {crash}: {added:?}");
            // One that was never made is silent, and not listed; one that is not listed is a stranger.
            let with_it = open_nth(&places, &[0, 1, 2]).ok().filter(|k| k.places().len() == 3);
            let keyring = with_it.unwrap_or_else(|| {
                assert!(added.is_err(), "{context}");
                add(&places).map_err(|again| format!("{context}: {again}")).unwrap();
                open_nth(&places, &[0, 1, 2]).unwrap()
            });
            assert_eq!(keyring.places().len(), 3, "{context}");
            assert!(keyring.slot_lives(&slot), "{context}");
            generation(&keyring, |d| d.puncture(&[slot])).unwrap();
            assert!((0..3).all(|place| places.image(place).slots_in_use() == 1), "{context}");
        }
    }
}

#[test]
fn a_follower_that_answers_is_scrubbed_and_removed_and_does_not_come_back() {
    let (places, slot, ids) = two_of_three();
    let keyring = open_nth(&places, &[0, 1]).unwrap();
    let removed = keyring.remove_place(&ids[1], NOW, &random(&keyring)).unwrap();
    drop(keyring);
    assert!(removed.scrubbed);
    assert_eq!(places.image(1).slots_in_use(), 0);
    assert_eq!(places.image(1).names(), ["place"]);
    let back = open_nth(&places, &[0, 1]).map(|_| ());
    assert!(matches!(back, Err(KeyringError::PlaceUnknown { id }) if id == ids[1]));
    let keyring = open_nth(&places, &[0]).unwrap();
    assert_eq!((listed(&keyring), keyring.removed_places()), (vec![ids[0]], vec![removed]));
    assert_eq!(keyring.place_acts()[0].change, PlaceChange::Removed);
    // An erasure needs the places of the list, and no longer that one.
    generation(&keyring, |d| d.puncture(&[slot])).unwrap();
    let again = keyring.add_place(nth(&places, &[1]).remove(0), NOW, &random(&keyring));
    assert!(matches!(again, Err(KeyringError::PlaceExists { .. })));
}

#[test]
fn a_silent_follower_is_removed_unscrubbed_and_is_refused_when_it_returns() {
    let (places, slot, ids) = two_of_three();
    places.set_silent(1, true);
    let keyring = open_without(&places, &[0, 1], &[ids[1]]).unwrap();
    let refused = generation(&keyring, |d| d.puncture(&[slot]));
    assert!(matches!(refused, Err(KeyringError::ErasureNeedsPlace { .. })));
    let removed = keyring.remove_place(&ids[1], NOW, &random(&keyring)).unwrap();
    assert!(!removed.scrubbed);
    drop(keyring);
    let keyring = open_nth(&places, &[0]).unwrap();
    generation(&keyring, |d| d.puncture(&[slot])).unwrap();
    drop(keyring);
    places.set_silent(1, false);
    let back = open_nth(&places, &[0, 1]).map(|_| ());
    assert!(matches!(back, Err(KeyringError::PlaceUnknown { id }) if id == ids[1]));
    let found = survey(&places, &[0, 1], 0);
    assert!(faults(&found)[1].iter().any(|fault| fault.contains("was removed")));
}

#[test]
fn the_primary_and_a_place_that_is_not_listed_are_not_removed() {
    let (places, _, ids) = two_of_three();
    let keyring = open_nth(&places, &[0, 1]).unwrap();
    let before: Vec<_> = (0..2).map(|place| places.image(place)).collect();
    let remove = |id: PlaceId| keyring.remove_place(&id, NOW, &random(&keyring)).map(|_| ());
    assert!(matches!(remove(ids[0]), Err(KeyringError::PlaceIsPrimary { .. })));
    let unknown = remove(PlaceId::from_bytes([9; 16]));
    assert!(matches!(unknown, Err(KeyringError::PlaceNotListed { .. })));
    assert!((0..2).all(|place| places.image(place) == before[place]));
    remove(ids[1]).unwrap();
}

#[test]
fn removing_survives_every_fault_and_leaves_the_place_listed_or_removed() {
    let (places, slot, ids) = two_of_three();
    let clean = copy(&places);
    let keyring = open_nth(&clean, &[0, 1]).unwrap();
    let before = clean.calls();
    keyring.remove_place(&ids[1], NOW, &random(&keyring)).unwrap();
    let calls = clean.calls();
    drop(keyring);
    let mut seen = [0, 0];
    for call in before + 1..=calls {
        for (fault, crash) in FAULTS.into_iter().flat_map(|f| [(f, true), (f, false)]) {
            let places = copy(&places);
            let keyring = open_nth(&places, &[0, 1]).unwrap();
            places.fail(call, fault, crash);
            let removed = keyring.remove_place(&ids[1], NOW, &random(&keyring));
            drop(keyring);
            places.restart();
            let context = format!("call {call}, {fault:?}, crash {crash}: {removed:?}");
            let still = open_nth(&places, &[0, 1]);
            let is_listed = still.is_ok();
            assert!(removed.is_err() || !is_listed, "{context}");
            let keyring = match still {
                Ok(keyring) => keyring,
                Err(_) => open_nth(&places, &[0]).map_err(|e| format!("{context}: {e}")).unwrap(),
            };
            assert!(keyring.slot_lives(&slot), "{context}");
            if is_listed {
                assert_eq!(places.image(1).slots_in_use(), 1, "{context}: brought up again");
            } else if keyring.removed_places()[0].scrubbed {
                assert_eq!(places.image(1).slots_in_use(), 0, "{context}");
            }
            generation(&keyring, |d| d.puncture(&[slot])).unwrap();
            seen[usize::from(is_listed)] += 1;
        }
    }
    assert!(seen.iter().all(|times| *times > 0), "{seen:?}");
}

#[test]
fn a_follower_becomes_the_primary_when_the_primary_is_lost_and_the_lost_one_can_be_removed() {
    let (places, slot, ids) = two_of_three();
    places.restore(0, MemoryImage::default());
    assert!(matches!(open_nth(&places, &[0, 1]), Err(KeyringError::PrimarySilent { .. })));
    assert!(matches!(open_nth(&places, &[1]), Err(KeyringError::PrimaryMissing { .. })));
    let keyring = promote(&places, &[0, 1], ids[1], None).unwrap();
    assert_eq!(listed(&keyring), [ids[1], ids[0]]);
    assert_eq!(keyring.place_acts()[0].change, PlaceChange::Promoted);
    drop(keyring);
    let keyring = open_without(&places, &[1], &[ids[0]]).unwrap();
    assert!(keyring.slot_lives(&slot) && keyring.places()[1].stale);
    assert!(!keyring.remove_place(&ids[0], NOW, &random(&keyring)).unwrap().scrubbed);
    drop(keyring);
    let keyring = open_nth(&places, &[1]).unwrap();
    generation(&keyring, |d| d.puncture(&[slot])).unwrap();
}

#[test]
fn a_primary_that_was_rolled_back_gives_way_to_the_follower_that_is_ahead_and_is_brought_up() {
    let (places, slot, ids) = two_of_three();
    let old = places.image(0);
    let keyring = open_nth(&places, &[0, 1]).unwrap();
    generation(&keyring, |d| d.puncture(&[slot])).unwrap();
    drop(keyring);
    places.restore(0, old.clone());
    assert!(matches!(open_nth(&places, &[0, 1]), Err(KeyringError::FollowerAhead { .. })));
    let keyring = promote(&places, &[0, 1], ids[1], None).unwrap();
    assert!(!keyring.slot_lives(&slot), "what was erased stays erased");
    drop(keyring);
    assert!(matches!(open_nth(&places, &[0, 1]), Err(KeyringError::PlaceOrder)));
    let keyring = open_nth(&places, &[1, 0]).unwrap();
    assert!(keyring.generation() == 4 && keyring.places().iter().all(|place| !place.stale));
    assert!((0..2).all(|place| places.image(place).slots_in_use() == 1));
    drop(keyring);
    // The old key of generation 2 is gone from the old primary too.
    assert!(places.image(0) != old);
}

#[test]
fn a_place_that_is_behind_or_known_to_be_old_or_first_already_is_not_promoted() {
    let (places, slot, ids) = two_of_three();
    let old = places.image(1);
    let keyring = open_nth(&places, &[0, 1]).unwrap();
    generation(&keyring, |d| d.puncture(&[slot])).unwrap();
    let (generation, keyring_hash) = (keyring.generation(), keyring.hash());
    drop(keyring);
    let known = Some(KnownGeneration { generation, keyring_hash });
    let first = promote(&places, &[0, 1], ids[0], known).map(|_| ());
    assert!(matches!(first, Err(KeyringError::AlreadyPrimary { .. })));
    let unknown = promote(&places, &[0, 1], PlaceId::from_bytes([9; 16]), known).map(|_| ());
    assert!(matches!(unknown, Err(KeyringError::PlaceNotListed { .. })));
    let current = places.image(1);
    places.restore(1, old);
    let before: Vec<_> = (0..2).map(|place| places.image(place)).collect();
    let behind = promote(&places, &[0, 1], ids[1], known).map(|_| ());
    assert!(matches!(behind, Err(KeyringError::RolledBack { known: 3, places: 2 })));
    let behind = promote(&places, &[0, 1], ids[1], None).map(|_| ());
    assert!(matches!(behind, Err(KeyringError::FollowerAhead { id }) if id == ids[0]));
    places.set_silent(0, true);
    let alone = promote(&places, &[0, 1], ids[1], known).map(|_| ());
    assert!(matches!(alone, Err(KeyringError::RolledBack { .. })));
    places.set_silent(0, false);
    assert!((0..2).all(|place| places.image(place) == before[place]));
    places.restore(1, current);
    promote(&places, &[0, 1], ids[1], known).unwrap();
}

#[test]
fn of_two_keyrings_of_one_generation_the_one_the_database_knows_is_promoted_and_the_other_is_not() {
    let (places, slot, ids) = two_of_three();
    let [old_primary, old_follower] = [places.image(0), places.image(1)];
    let keyring = open_nth(&places, &[0, 1]).unwrap();
    generation(&keyring, |d| d.puncture(&[slot])).unwrap();
    let (g, keyring_hash) = (keyring.generation(), keyring.hash());
    drop(keyring);
    let true_follower = places.image(1);
    places.restore(0, old_primary);
    places.restore(1, old_follower);
    let keyring = open_nth(&places, &[0, 1]).unwrap();
    open_segment(&keyring, &cohort(8)).unwrap();
    drop(keyring);
    let false_follower = places.image(1);
    places.restore(1, true_follower);
    assert!(matches!(open_nth(&places, &[0, 1]), Err(KeyringError::FollowerDiffers { .. })));
    let known = Some(KnownGeneration { generation: g, keyring_hash });
    let wrong = copy(&places);
    wrong.restore(1, false_follower);
    let refused = promote(&wrong, &[0, 1], ids[1], known).map(|_| ());
    assert!(matches!(refused, Err(KeyringError::FollowerDiffers { .. })));
    let keyring = promote(&places, &[0, 1], ids[1], known).unwrap();
    assert_eq!(keyring.places().iter().map(|p| p.stale).collect::<Vec<_>>(), [false, true]);
    drop(keyring);
    let keyring = open_nth(&places, &[1, 0]).unwrap();
    assert!(!keyring.slot_lives(&slot) && keyring.places().iter().all(|place| !place.stale));
    assert_eq!(places.image(0).slots_in_use(), 1);
}

#[test]
fn promoting_survives_every_fault_and_leaves_one_order_that_starts() {
    let (places, slot, ids) = two_of_three();
    let old = places.image(0);
    let keyring = open_nth(&places, &[0, 1]).unwrap();
    generation(&keyring, |d| d.puncture(&[slot])).unwrap();
    drop(keyring);
    places.restore(0, old);
    let clean = copy(&places);
    drop(promote(&clean, &[0, 1], ids[1], None).unwrap());
    let mut seen = [0, 0];
    for call in 1..=clean.calls() {
        for (fault, crash) in FAULTS.into_iter().flat_map(|f| [(f, true), (f, false)]) {
            let places = copy(&places);
            places.fail(call, fault, crash);
            let outcome = promote(&places, &[0, 1], ids[1], None).map(|_| ());
            places.restart();
            let context = format!("call {call}, {fault:?}, crash {crash}: {outcome:?}");
            let mut opened = open_nth(&places, &[1, 0]);
            let promoted = opened.is_ok();
            assert!(outcome.is_err() || promoted, "{context}");
            if !promoted {
                opened =
                    promote(&places, &[0, 1], ids[1], None).or_else(|_| open_nth(&places, &[0, 1]));
            }
            let keyring = opened.map_err(|e| format!("{context}: {e}")).unwrap();
            assert!(!keyring.slot_lives(&slot), "{context}");
            seen[usize::from(promoted)] += 1;
        }
    }
    assert!(seen.iter().all(|times| *times > 0), "{seen:?}");
}

#[test]
fn a_survey_of_sound_places_finds_nothing_and_changes_nothing() {
    let (places, _, ids) = two_of_three();
    let before: Vec<_> = (0..3).map(|place| places.image(place)).collect();
    let found = survey(&places, &[0, 1], 2);
    assert_eq!((found.generation, found.rolled_back), (Some(2), None));
    assert!(found.missing.is_empty() && faults(&found).iter().all(Vec::is_empty));
    assert_eq!(found.places.iter().map(|p| p.id.unwrap()).collect::<Vec<_>>(), ids);
    assert_eq!(found.places.iter().map(|p| p.number.unwrap()).collect::<Vec<_>>(), [1, 2]);
    assert!((0..3).all(|place| places.image(place) == before[place]));
}

#[test]
fn a_survey_names_each_fault_at_the_place_that_has_it() {
    let (places, slot, ids) = two_of_three();
    let old = [places.image(0), places.image(1)];
    let keyring = open_nth(&places, &[0, 1]).unwrap();
    generation(&keyring, |d| d.puncture(&[slot])).unwrap();
    let locked = Keyring::survey(&nth(&places, &[0, 1]), root(), 0).map(|_| ());
    assert!(matches!(locked, Err(KeyringError::PlaceLocked { .. })), "a vault serves");
    drop(keyring);
    let new = [places.image(0), places.image(1)];
    let says = |found: &Survey, place: usize, words: &str| {
        let faults = faults(found);
        assert!(faults[place].iter().any(|fault| fault.contains(words)), "{words}: {faults:?}");
        assert!(faults[1 - place].is_empty(), "{faults:?}");
    };
    places.restore(0, old[0].clone());
    says(&survey(&places, &[0, 1], 3), 0, "behind 3");
    places.restore(0, new[0].clone().with_both_anchors(&old[0]));
    says(&survey(&places, &[0, 1], 3), 0, "older generation");
    places.restore(0, new[0].clone());
    places.restore(1, old[1].clone());
    says(&survey(&places, &[0, 1], 3), 1, "behind 3");
    assert_eq!(survey(&places, &[0, 1], 9).rolled_back, Some(9));
    places.restore(1, new[1].clone());
    places.restore(0, old[0].clone().with_both_anchors(&new[0]));
    let found = survey(&places, &[0, 1], 3);
    assert!(faults(&found)[0].iter().any(|fault| fault.contains("keyring file is missing")));
    places.restore(0, new[0].clone());
    let mut torn = new[1].clone();
    assert!(torn.flip("anchor"));
    places.restore(1, torn);
    says(&survey(&places, &[0, 1], 3), 1, "no whole generation");
    places.restore(1, MemoryImage::default());
    let found = survey(&places, &[0, 1], 3);
    says(&found, 1, "does not answer");
    assert_eq!(found.missing, [(ids[1], 2)]);
    places.restore(1, new[1].clone().with_place_id([9; 16]));
    says(&survey(&places, &[0, 1], 3), 1, "not on the keyring's list");
    places.restore(1, new[1].clone());
    says(&survey(&places, &[1, 0], 3), 1, "number 1 of the list");
    let wrong = RootSource::KeyFile(Secret::from_bytes([9; 32]));
    let found = Keyring::survey(&nth(&places, &[0, 1]), wrong, 3).unwrap();
    assert!(faults(&found).iter().all(|f| f[0].contains("wrong passphrase")));
    assert_eq!(found.generation, None);
}
