//! The file anchor on a medium in memory: each act beside its refusal, and torn writes.

use super::{
    slot::{self, SlotContent},
    *,
};
use crate::{
    keyring::{Fault, MemoryPlaces, RootSource, place::Place},
    random::SeededRandom,
};

struct Bench {
    places: MemoryPlaces,
    place: Place,
    roots: RootKeys,
}

impl Bench {
    fn new() -> Self {
        let places = MemoryPlaces::new(1);
        let place = places.places().pop().unwrap();
        let roots = RootKeys::new(RootSource::KeyFile(Secret::from_bytes([1; 32])));
        Self { places, place, roots }
    }

    fn entry(&self, generation: u64) -> Entry {
        let source = RootSource::KeyFile(Secret::from_bytes([1; 32]));
        Entry {
            generation,
            vault: VaultId::from_bytes([2; 16]),
            keyring_hash: [3; 32],
            root: source.derive(&source.make_params(&SeededRandom::new(1))).unwrap(),
            key: Secret::from_bytes([4; 32]),
        }
    }

    fn anchor(&self) -> &dyn Anchor {
        &*self.place.anchor
    }

    fn init(&self) -> Result<(), KeyringError> {
        self.anchor().init(&self.entry(1), &self.roots, &SeededRandom::new(2))
    }

    fn advance(&self, generation: u64) -> Result<(), KeyringError> {
        self.anchor().advance(&self.entry(generation), &self.roots, &SeededRandom::new(3))
    }

    fn scrub(&self, keep: u64) -> Result<(), KeyringError> {
        self.anchor().scrub(keep, &self.roots, &SeededRandom::new(4))
    }

    fn generations(&self) -> Vec<u64> {
        let held = self.anchor().read(&self.roots).unwrap();
        held.entries.iter().map(|entry| entry.generation).collect()
    }
}

#[test]
fn an_empty_anchor_is_initialised_once() {
    let bench = Bench::new();
    assert!(!bench.anchor().read(&bench.roots).unwrap().written);
    bench.init().unwrap();
    assert_eq!(bench.generations(), [1]);
    assert!(matches!(bench.init(), Err(KeyringError::PlaceExists { .. })));
    assert_eq!(bench.anchor().class(), PlaceClass::L0);
}

#[test]
fn an_anchor_advances_by_one_and_holds_both_until_it_is_scrubbed() {
    let bench = Bench::new();
    bench.init().unwrap();
    assert!(bench.advance(3).is_err());
    bench.advance(2).unwrap();
    assert_eq!(bench.generations(), [2, 1]);
    assert!(bench.scrub(3).is_err());
    bench.scrub(2).unwrap();
    assert_eq!(bench.generations(), [2]);
    assert_eq!(bench.places.image(0).slots_in_use(), 1);
    bench.scrub(2).unwrap();
    bench.advance(3).unwrap();
    assert_eq!(bench.generations(), [3, 2]);
}

#[test]
fn a_follower_adopts_any_higher_generation_and_no_lower_one() {
    let bench = Bench::new();
    let adopt = |g| bench.anchor().adopt(&bench.entry(g), &bench.roots, &SeededRandom::new(5));
    adopt(7).unwrap();
    assert!(adopt(7).is_err() && adopt(6).is_err());
    adopt(9).unwrap();
    assert_eq!(bench.generations(), [9, 7]);
}

#[test]
fn a_torn_advance_leaves_the_generation_before() {
    let bench = Bench::new();
    bench.init().unwrap();
    let calls = bench.places.calls();
    bench.advance(2).unwrap();
    let advance_calls = bench.places.calls() - calls;
    for call in 1..=advance_calls {
        let bench = Bench::new();
        bench.init().unwrap();
        bench.places.fail(bench.places.calls() + call, Fault::Torn, false);
        assert!(bench.advance(2).is_err());
        let generations = bench.generations();
        assert!(generations.contains(&1), "call {call}: {generations:?}");
    }
}

#[test]
fn a_wrong_root_key_is_told_apart_from_a_torn_slot() {
    let bench = Bench::new();
    bench.init().unwrap();
    let wrong = RootKeys::new(RootSource::KeyFile(Secret::from_bytes([9; 32])));
    let held = bench.anchor().read(&wrong).unwrap();
    assert!(held.entries.is_empty() && held.closed.len() == 1);
    assert!(matches!(held.newest_opens().map(|_| ()), Err(KeyringError::WrongRoot)));
    let mut image = bench.places.image(0);
    assert!(image.flip("anchor"));
    bench.places.restore(0, image);
    let held = bench.anchor().read(&wrong).unwrap();
    assert!(held.entries.is_empty() && held.closed.is_empty() && held.written);
}

#[test]
fn a_slot_under_another_root_key_is_left_behind_below_one_that_opens_and_refused_above_it() {
    let bench = Bench::new();
    bench.init().unwrap();
    let source = RootSource::KeyFile(Secret::from_bytes([9; 32]));
    let mut rotated = bench.entry(2);
    rotated.root = source.derive(&rotated.root.params).unwrap();
    bench.anchor().advance(&rotated, &bench.roots, &SeededRandom::new(6)).unwrap();
    let old = bench.anchor().read(&bench.roots).unwrap();
    assert_eq!((old.entries[0].generation, old.closed[0].generation), (1, 2));
    assert!(matches!(old.newest_opens().map(|_| ()), Err(KeyringError::WrongRoot)));
    assert!(bench.advance(2).is_err() && bench.scrub(2).is_err());
    let new = RootKeys::new(source);
    let held = bench.anchor().read(&new).unwrap().newest_opens().unwrap();
    assert_eq!((held.entries[0].generation, held.closed[0].generation), (2, 1));
    bench.anchor().scrub(2, &new, &SeededRandom::new(7)).unwrap();
    assert_eq!(bench.places.image(0).slots_in_use(), 1);
    assert!(bench.anchor().read(&new).unwrap().closed.is_empty());
}

#[test]
fn a_wiped_anchor_holds_nothing_and_takes_a_generation_again() {
    let bench = Bench::new();
    bench.init().unwrap();
    bench.advance(2).unwrap();
    bench.anchor().wipe(&SeededRandom::new(8)).unwrap();
    assert_eq!(bench.places.image(0).slots_in_use(), 0);
    assert!(!bench.anchor().read(&bench.roots).unwrap().written);
    bench.anchor().adopt(&bench.entry(5), &bench.roots, &SeededRandom::new(9)).unwrap();
    assert_eq!(bench.generations(), [5]);
}

#[test]
fn a_slot_with_any_bit_of_any_byte_changed_is_torn_and_the_unchanged_one_is_whole() {
    let mut bytes = slot::seal(&Bench::new().entry(1), &[1; 32]).unwrap();
    assert!(matches!(SlotContent::parse(&bytes), SlotContent::Whole(_)));
    for at in 0..SLOT_BYTES {
        for mask in [1, 2, 4, 8, 16, 32, 64, 128, 255] {
            bytes[at] ^= mask;
            assert!(matches!(SlotContent::parse(&bytes), SlotContent::Torn), "byte {at}, {mask}");
            bytes[at] ^= mask;
        }
    }
    assert!(matches!(SlotContent::parse(&bytes), SlotContent::Whole(_)));
}
