//! Start-up: each refusal of DESIGN section 4 beside the start that succeeds.

use super::*;

/// Two places at generation 3, and their images at generation 2.
fn two_generations() -> (MemoryPlaces, [MemoryImage; 2]) {
    let places = MemoryPlaces::new(2);
    let (keyring, slots) = with_slots(&places, 1);
    let before = [places.image(0), places.image(1)];
    generation(&keyring, |d| d.puncture(&slots)).unwrap();
    drop(keyring);
    (places, before)
}

/// Opens and gives the error; the places must be exactly as before.
fn refusal(places: &MemoryPlaces) -> KeyringError {
    let before = [places.image(0), places.image(1)];
    let error = open(places).map(|_| ()).unwrap_err();
    assert!([places.image(0), places.image(1)] == before, "a refusal changed a place");
    error
}

#[test]
fn the_right_root_key_opens_and_a_wrong_one_changes_nothing() {
    let (places, _) = two_generations();
    let before = places.image(0);
    let wrong = RootSource::KeyFile(Secret::from_bytes([9; 32]));
    let opened = Keyring::open(places.places(), &[], wrong, &SeededRandom::new(2));
    assert!(matches!(opened.map(|_| ()), Err(KeyringError::WrongRoot)));
    assert!(places.image(0) == before);
    assert_eq!(open(&places).unwrap().generation(), 3);
}

#[test]
fn a_passphrase_where_a_key_file_is_asked_for_is_named() {
    let (places, _) = two_generations();
    let pass = crate::secret::SecretBytes::new(b"correct horse battery".to_vec());
    let pass = RootSource::passphrase(&pass).unwrap();
    let opened = Keyring::open(places.places(), &[], pass, &SeededRandom::new(2));
    assert!(matches!(opened.map(|_| ()), Err(KeyringError::RootKind("key file"))));
}

#[test]
fn a_torn_anchor_of_the_primary_is_refused_and_of_a_follower_is_adopted_again() {
    let (places, _) = two_generations();
    let whole = places.image(0);
    let mut torn = whole.clone();
    assert!(torn.flip("anchor"));
    places.restore(0, torn);
    assert!(matches!(refusal(&places), KeyringError::AnchorTorn { .. }));
    places.restore(0, whole);
    let mut torn = places.image(1);
    assert!(torn.flip("anchor"));
    places.restore(1, torn);
    assert_eq!(open(&places).unwrap().generation(), 3);
    assert_eq!(places.image(1).slots_in_use(), 1);
}

#[test]
fn a_damaged_keyring_is_copied_back_from_the_next_place_and_without_a_copy_it_is_lost() {
    let (places, _) = two_generations();
    let whole = places.image(0);
    for damage in
        [|i: &mut MemoryImage| i.flip("keyring.3"), |i: &mut MemoryImage| i.remove("keyring.3")]
    {
        let mut damaged = whole.clone();
        assert!(damage(&mut damaged));
        places.restore(0, damaged);
        assert_eq!(open(&places).unwrap().generation(), 3);
        assert!(places.image(0) == whole);
    }
    for place in 0..2 {
        let mut damaged = places.image(place);
        assert!(damaged.flip("keyring.3"));
        places.restore(place, damaged);
    }
    assert!(matches!(refusal(&places), KeyringError::KeyringLost { generation: 3 }));
}

#[test]
fn a_follower_behind_is_brought_up_and_scrubbed_and_one_ahead_is_refused() {
    let (places, [old_primary, old_follower]) = two_generations();
    let new_primary = places.image(0);
    places.restore(1, old_follower);
    assert_eq!(open(&places).unwrap().generation(), 3);
    assert_eq!(places.image(1).slots_in_use(), 1);
    assert_eq!(places.image(1).names(), ["keyring.3", "place"]);
    places.restore(0, old_primary);
    assert!(matches!(refusal(&places), KeyringError::FollowerAhead { .. }));
    assert!(refusal(&places).to_string().contains("place promote"));
    places.restore(0, new_primary);
    assert_eq!(open(&places).unwrap().generation(), 3);
}

#[test]
fn a_follower_with_another_keyring_of_the_same_generation_is_refused() {
    let (places, [old_primary, old_follower]) = two_generations();
    let other = places.image(1);
    places.restore(0, old_primary);
    places.restore(1, old_follower);
    let keyring = open(&places).unwrap();
    open_segment(&keyring, &cohort(7)).unwrap();
    drop(keyring);
    places.restore(1, other);
    assert!(matches!(refusal(&places), KeyringError::FollowerDiffers { .. }));
}

#[test]
fn both_slots_valid_takes_the_highest_and_scrubs_the_other() {
    let (places, [old_primary, _]) = two_generations();
    let both = old_primary.with_both_anchors(&places.image(0));
    assert_eq!(both.slots_in_use(), 2);
    let mut both = both;
    both.take_file(&places.image(0), "keyring.3");
    places.restore(0, both);
    assert_eq!(open(&places).unwrap().generation(), 3);
    assert_eq!(places.image(0).slots_in_use(), 1);
    assert_eq!(places.image(0).names(), ["keyring.3", "place"]);
}

#[test]
fn an_orphan_of_a_generation_that_reached_no_anchor_is_removed() {
    let (places, [mut primary, follower]) = two_generations();
    primary.take_file(&places.image(0), "keyring.3");
    places.restore(0, primary);
    places.restore(1, follower);
    assert_eq!(open(&places).unwrap().generation(), 2);
    assert_eq!(places.image(0).names(), ["keyring.2", "place"]);
}

#[test]
fn places_in_another_order_of_another_vault_or_unknown_are_refused() {
    let (places, _) = two_generations();
    let swapped: Vec<Place> = places.places().into_iter().rev().collect();
    let opened = |places| Keyring::open(places, &[], root(), &SeededRandom::new(2)).map(|_| ());
    assert!(matches!(opened(swapped), Err(KeyringError::PlaceOrder)));
    let only_follower: Vec<Place> = places.places().into_iter().skip(1).collect();
    assert!(matches!(opened(only_follower), Err(KeyringError::PrimaryMissing { .. })));
    let stranger = MemoryPlaces::new(1);
    let made = Keyring::create(stranger.places(), root(), new_vault(), &SeededRandom::new(77));
    drop(made.unwrap());
    let (ours, theirs) = (places.image(1), stranger.image(0));
    places.restore(1, theirs);
    assert!(matches!(refusal(&places), KeyringError::OtherVault { .. }));
    places.restore(1, ours.clone().with_place_id([9; 16]));
    assert!(matches!(refusal(&places), KeyringError::PlaceUnknown { .. }));
    places.restore(1, ours);
    assert_eq!(open(&places).unwrap().generation(), 3);
}

#[test]
fn a_silent_primary_is_refused_even_if_it_is_named_as_left_out() {
    let (places, _) = two_generations();
    let id = open(&places).unwrap().places()[0].id;
    places.set_silent(0, true);
    let opened = Keyring::open(places.places(), &[id], root(), &SeededRandom::new(2));
    assert!(matches!(opened.map(|_| ()), Err(KeyringError::PrimarySilent { .. })));
}

#[test]
fn a_second_process_is_refused_while_the_first_runs_and_let_in_after() {
    let (places, _) = two_generations();
    let first = open(&places).unwrap();
    assert!(matches!(open(&places).map(|_| ()), Err(KeyringError::PlaceLocked { .. })));
    drop(first);
    assert!(open(&places).is_ok());
}

#[test]
fn a_place_that_holds_anything_is_never_overwritten_by_init() {
    let (places, _) = two_generations();
    let before = places.image(0);
    let again = Keyring::create(places.places(), root(), new_vault(), &SeededRandom::new(4));
    assert!(matches!(again.map(|_| ()), Err(KeyringError::PlaceExists { .. })));
    assert!(places.image(0) == before);
    let none = Keyring::create(Vec::new(), root(), new_vault(), &SeededRandom::new(4));
    assert!(matches!(none.map(|_| ()), Err(KeyringError::NoPlace)));
}

#[test]
fn a_lost_file_of_the_newest_generation_is_never_made_up_for_by_the_one_before() {
    let (places, [old_primary, old_follower]) = two_generations();
    let news = [places.image(0), places.image(1)];
    // Both anchors hold both generations; only the older one's file is left anywhere.
    for (place, (old, new)) in [old_primary, old_follower].iter().zip(&news).enumerate() {
        places.restore(place, old.clone().with_both_anchors(new));
    }
    assert!(matches!(refusal(&places), KeyringError::KeyringLost { generation: 3 }));
    let mut healed = places.image(1);
    healed.take_file(&news[1], "keyring.3");
    places.restore(1, healed);
    assert_eq!(open(&places).unwrap().generation(), 3);
}

#[test]
fn places_older_than_the_generation_that_is_known_are_refused_before_any_repair() {
    let (places, [_, old_follower]) = two_generations();
    // A follower behind, which a repair would bring up.
    places.restore(1, old_follower);
    let before = [places.image(0), places.image(1)];
    let known = |g| {
        let random = SeededRandom::new(2);
        Keyring::open_known(places.places(), &[], root(), g, &random).map(|k| k.generation())
    };
    assert!(matches!(known(4), Err(KeyringError::RolledBack { known: 4, places: 3 })));
    assert!([places.image(0), places.image(1)] == before, "a refusal changed a place");
    assert_eq!(known(3).unwrap(), 3);
    assert_eq!(places.image(1).slots_in_use(), 1);
}
