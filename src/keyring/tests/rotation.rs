//! Root rotation: the new root key opens everything, the old one nothing; and every call to the places
//! fails once, in every way, after which exactly one of the two is in force.

use super::*;
use crate::{
    crypto::section::{self, SectionAddress},
    ids::{ClassName, RecordId},
    secret::SecretBytes,
};

const PLACES: usize = 2;
const FAULTS: [Fault; 3] = [Fault::Lost, Fault::Kept, Fault::Torn];

fn key_file(byte: u8) -> RootSource {
    RootSource::KeyFile(Secret::from_bytes([byte; 32]))
}

fn passphrase(text: &str) -> RootSource {
    RootSource::passphrase(&SecretBytes::new(text.into())).unwrap()
}

fn open_with(places: &MemoryPlaces, root: RootSource) -> Result<Arc<Keyring>, KeyringError> {
    Keyring::open(places.places(), &[], root, &SeededRandom::new(2))
}

fn rotate(keyring: &Arc<Keyring>, source: &RootSource) -> Result<(), KeyringError> {
    let new = keyring.derive_root(source, &random(keyring))?;
    generation(keyring, |draft| {
        draft.rotate_root(new, NOW.plus_millis(1));
        Ok(())
    })
}

/// Every mixture of files and anchors of the two images that a thief could put together.
fn mixtures(old: &MemoryImage, new: &MemoryImage) -> Vec<MemoryImage> {
    let mut mixtures = Vec::new();
    for (files, anchor) in [(new, new), (old, new)] {
        let mut image = files.clone().with_anchor_of(anchor);
        mixtures.push(image.clone());
        for other in [old, new] {
            other.names().iter().for_each(|name| image.take_file(other, name));
        }
        mixtures.push(image);
    }
    mixtures
}

#[test]
fn after_a_rotation_the_new_passphrase_opens_and_the_old_one_opens_nothing_with_any_file() {
    let (old, new) = (|| passphrase("the old passphrase"), || passphrase("the new passphrase"));
    let places = MemoryPlaces::new(1);
    let made = Keyring::create(places.places(), old(), new_vault(), &SeededRandom::new(1));
    let keyring = made.unwrap();
    open_segment(&keyring, &cohort(1)).unwrap();
    let slot = keyring.hand_out(&cohort(1)).unwrap().at;
    let before = places.image(0);
    rotate(&keyring, &new()).unwrap();
    assert!(keyring.slot_lives(&slot), "no record is touched");
    assert_eq!(keyring.key_ages().root, Some(NOW.plus_millis(1)));
    open_segment(&keyring, &cohort(2)).unwrap();
    drop(keyring);
    let after = places.image(0);
    for image in mixtures(&before, &after) {
        places.restore(0, image);
        assert!(matches!(open_with(&places, old()).map(|_| ()), Err(KeyringError::WrongRoot)));
    }
    places.restore(0, after);
    let keyring = open_with(&places, new()).unwrap();
    assert!(keyring.slot_lives(&slot) && keyring.generation() == 4);
    // What a rotation does not protect against, by design: a whole old image with the old passphrase.
    drop(keyring);
    places.restore(0, before);
    assert!(open_with(&places, old()).is_ok());
}

#[test]
fn a_passphrase_gives_way_to_a_key_file_and_a_key_file_to_another() {
    let places = MemoryPlaces::new(2);
    let made = passphrase("the old passphrase");
    let keyring =
        Keyring::create(places.places(), made, new_vault(), &SeededRandom::new(1)).unwrap();
    rotate(&keyring, &key_file(1)).unwrap();
    rotate(&keyring, &key_file(2)).unwrap();
    assert!((0..2).all(|place| places.image(place).slots_in_use() == 1));
    drop(keyring);
    let refused = |root| open_with(&places, root).map(|_| ()).unwrap_err();
    assert!(matches!(refused(key_file(1)), KeyringError::WrongRoot));
    assert!(matches!(refused(passphrase("the old passphrase")), KeyringError::RootKind(_)));
    assert_eq!(open_with(&places, key_file(2)).unwrap().generation(), 3);
}

#[test]
fn the_secret_in_force_is_no_new_one_and_another_is() {
    let places = MemoryPlaces::new(1);
    let keyring = create(&places);
    assert!(matches!(rotate(&keyring, &root()), Err(KeyringError::RootUnchanged)));
    assert_eq!(keyring.generation(), 1);
    rotate(&keyring, &key_file(2)).unwrap();
    assert!(matches!(rotate(&keyring, &key_file(2)), Err(KeyringError::RootUnchanged)));
    rotate(&keyring, &root()).unwrap();
}

#[test]
fn a_rotation_waits_for_every_place_and_writes_nothing_before() {
    let places = MemoryPlaces::new(2);
    let keyring = create(&places);
    let before = places.image(0);
    places.set_silent(1, true);
    let refused = rotate(&keyring, &key_file(2));
    assert!(matches!(refused, Err(KeyringError::ErasureNeedsPlace { .. })));
    assert!(places.image(0) == before);
    // A generation that erases nothing goes on, under the root key in force.
    open_segment(&keyring, &cohort(1)).unwrap();
    places.set_silent(1, false);
    rotate(&keyring, &key_file(2)).unwrap();
    drop(keyring);
    assert_eq!(open_with(&places, key_file(2)).unwrap().generation(), 3);
}

#[test]
fn a_follower_that_a_cut_rotation_left_under_the_old_root_key_is_told_as_behind_and_brought_up() {
    let places = MemoryPlaces::new(2);
    let keyring = create(&places);
    let old = places.image(1);
    rotate(&keyring, &key_file(2)).unwrap();
    drop(keyring);
    places.restore(1, old);
    let found = Keyring::survey(&places.places(), key_file(2), 0).unwrap();
    assert!(found.places[0].faults.is_empty());
    assert!(matches!(found.places[1].faults[..], [PlaceFault::Behind { held: 1, newest: 2 }]));
    let found = Keyring::survey(&places.places(), key_file(3), 0).unwrap();
    assert!(found.places.iter().all(|place| place.faults[0].to_string().contains("wrong")));
    // The old secret opens the follower, and must not be taken for the vault's.
    assert!(matches!(open_with(&places, root()).map(|_| ()), Err(KeyringError::WrongRoot)));
    let keyring = open_with(&places, key_file(2)).unwrap();
    assert_eq!((keyring.generation(), places.image(1).slots_in_use()), (2, 1));
    drop(keyring);
    // A follower that claims more than the primary, under whatever root key, is refused.
    let keyring = open_with(&places, key_file(2)).unwrap();
    let before = places.image(0);
    rotate(&keyring, &key_file(4)).unwrap();
    drop(keyring);
    places.restore(0, before);
    let ahead = open_with(&places, key_file(2)).map(|_| ());
    assert!(matches!(ahead, Err(KeyringError::FollowerAhead { .. })));
}

/// A vault under key file 1 with a sealed section, at generation 2.
struct Setup {
    images: Vec<MemoryImage>,
    slot: SlotRef,
    section: Vec<u8>,
}

impl Setup {
    fn new() -> Self {
        let places = MemoryPlaces::new(PLACES);
        let keyring = create(&places);
        open_segment(&keyring, &cohort(1)).unwrap();
        let slot = keyring.hand_out(&cohort(1)).unwrap();
        let section = Self::with_address(&keyring, slot.at, |at| {
            section::seal(&slot.secret, at, b"hello", &SeededRandom::new(8)).unwrap()
        });
        let images = (0..PLACES).map(|place| places.image(place)).collect();
        Self { images, slot: slot.at, section }
    }

    fn places(&self) -> MemoryPlaces {
        let places = MemoryPlaces::new(PLACES);
        for (place, image) in self.images.iter().enumerate() {
            places.restore(place, image.clone());
        }
        places
    }

    fn with_address<T>(
        keyring: &Keyring,
        slot: SlotRef,
        act: impl FnOnce(&SectionAddress<'_>) -> T,
    ) -> T {
        let collection = CollectionName::parse("cases").unwrap();
        let class = ClassName::parse("identity").unwrap();
        act(&SectionAddress {
            vault: keyring.vault(),
            slot,
            collection: &collection,
            record: RecordId::from_bytes([3; 16]),
            class: &class,
            version: 1,
        })
    }

    /// Opens under the one root key that is in force, checks that everything works, and says which.
    fn check(&self, places: &MemoryPlaces, context: &str) -> u8 {
        let opened = [1, 2].map(|byte| open_with(places, key_file(byte)).map(|k| (byte, k)).ok());
        let [one, two] = opened;
        assert!(one.is_some() != two.is_some(), "{context}: both or neither");
        let (byte, keyring) = one.or(two).unwrap();
        assert_eq!(keyring.generation(), u64::from(byte) + 1, "{context}");
        let secret = keyring.derive_slot(&self.slot).unwrap();
        let shown =
            Self::with_address(&keyring, self.slot, |at| section::open(&secret, at, &self.section));
        assert_eq!(shown.unwrap().expose(), b"hello");
        for place in 0..PLACES {
            assert_eq!(places.image(place).slots_in_use(), 1, "{context}: an old key survived");
        }
        open_segment(&keyring, &cohort(9)).unwrap();
        byte
    }
}

#[test]
fn a_rotation_survives_every_fault_and_leaves_exactly_one_root_key_in_force() {
    let setup = Setup::new();
    let clean = setup.places();
    let keyring = open_with(&clean, key_file(1)).unwrap();
    let before = clean.calls();
    rotate(&keyring, &key_file(2)).unwrap();
    let calls = clean.calls();
    drop(keyring);
    assert!(calls > before + 10);
    assert_eq!(setup.check(&clean, "clean"), 2);
    let mut seen = [0, 0];
    for call in before + 1..=calls {
        for (fault, crash) in FAULTS.into_iter().flat_map(|f| [(f, true), (f, false)]) {
            let places = setup.places();
            let keyring = open_with(&places, key_file(1)).unwrap();
            places.fail(call, fault, crash);
            let outcome = rotate(&keyring, &key_file(2));
            drop(keyring);
            places.restart();
            let context = format!("call {call}, {fault:?}, crash {crash}: {outcome:?}");
            let in_force = setup.check(&places, &context);
            assert!(outcome.is_err() || in_force == 2, "{context}");
            seen[usize::from(in_force) - 1] += 1;
        }
    }
    assert!(seen.iter().all(|times| *times > 10), "{seen:?}");
}

#[test]
fn a_start_that_finishes_a_rotation_survives_every_fault_of_its_own() {
    let setup = Setup::new();
    let clean = setup.places();
    let keyring = open_with(&clean, key_file(1)).unwrap();
    let before = clean.calls();
    rotate(&keyring, &key_file(2)).unwrap();
    let calls = clean.calls();
    drop(keyring);
    for call in before + 1..=calls {
        for repair_call in 1.. {
            let places = setup.places();
            let keyring = open_with(&places, key_file(1)).unwrap();
            places.fail(call, Fault::Torn, true);
            let _ = rotate(&keyring, &key_file(2));
            drop(keyring);
            places.restart();
            places.fail(repair_call, Fault::Torn, true);
            let unharmed = open_with(&places, key_file(2)).is_ok() && places.calls() < repair_call;
            let refused = places.calls() < repair_call;
            places.restart();
            setup.check(&places, &format!("call {call}, repair call {repair_call}"));
            if unharmed || refused {
                break;
            }
        }
    }
}

#[test]
fn a_failed_rotation_before_the_commit_point_is_tried_again_by_the_same_vault() {
    let setup = Setup::new();
    let clean = setup.places();
    let keyring = open_with(&clean, key_file(1)).unwrap();
    let before = clean.calls();
    rotate(&keyring, &key_file(2)).unwrap();
    let calls = clean.calls();
    let (mut tried_again, mut stopped) = (0, 0);
    for call in before + 1..=calls {
        let places = setup.places();
        let keyring = open_with(&places, key_file(1)).unwrap();
        places.fail(call, Fault::Lost, false);
        match rotate(&keyring, &key_file(2)) {
            Ok(()) => {}
            Err(KeyringError::Incomplete(_)) => {
                stopped += 1;
                let again = rotate(&keyring, &key_file(3));
                assert!(matches!(again, Err(KeyringError::MustReopen)));
                assert!(keyring.derive_slot(&setup.slot).is_ok(), "reading goes on");
            }
            Err(_) => {
                tried_again += 1;
                open_segment(&keyring, &cohort(4)).unwrap();
                rotate(&keyring, &key_file(2)).unwrap();
            }
        }
    }
    assert!(tried_again > 0 && stopped > 0);
}
