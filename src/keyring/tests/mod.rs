//! The keyring over places in memory (and real folders): use, start, erasure, every fault point.

mod corruption;
mod erasure;
mod faults;
mod folder;
mod membership;
mod rotation;
mod start;
mod usage;

use std::sync::Arc;

use chrono::NaiveDate;

use super::*;
use crate::{
    clock::Timestamp,
    ids::{CollectionName, SlotRef},
    random::SeededRandom,
    secret::Secret,
};

const NOW: Timestamp = Timestamp::from_millis(1_606_118_400_000);

fn root() -> RootSource {
    RootSource::KeyFile(Secret::from_bytes([1; 32]))
}

fn new_vault() -> NewVault {
    NewVault {
        name: "vault.example".into(),
        node: "a".into(),
        pack_hash: [2; 32],
        retention_part: b"part".to_vec(),
        now: NOW,
    }
}

fn create(places: &MemoryPlaces) -> Arc<Keyring> {
    Keyring::create(places.places(), root(), new_vault(), &SeededRandom::new(1)).unwrap()
}

fn open(places: &MemoryPlaces) -> Result<Arc<Keyring>, KeyringError> {
    Keyring::open(places.places(), &[], root(), &SeededRandom::new(2))
}

fn cohort(day: u32) -> CohortKey {
    CohortKey {
        collection: CollectionName::parse("cases").unwrap(),
        expires_on: NaiveDate::from_ymd_opt(2021, 2, day).unwrap(),
        zone: chrono_tz::Indian::Reunion,
    }
}

/// A random stream of its own for each generation, as a real one would be.
fn random(keyring: &Keyring) -> SeededRandom {
    SeededRandom::new(1000 + keyring.generation())
}

/// Writes what `change` drafts, and publishes it.
fn generation(
    keyring: &Arc<Keyring>,
    change: impl FnOnce(&mut Draft) -> Result<(), KeyringError>,
) -> Result<(), KeyringError> {
    let random = random(keyring);
    let mut draft = keyring.draft();
    change(&mut draft)?;
    draft.write(keyring.log_state(), &random)?.published();
    Ok(())
}

fn open_segment(keyring: &Arc<Keyring>, key: &CohortKey) -> Result<(), KeyringError> {
    generation(keyring, |draft| {
        draft.open_segment(key, &SeededRandom::new(draft.generation())).map(|_| ())
    })
}

/// A fresh vault on two places with one segment, and the first `count` slots of it.
fn with_slots(places: &MemoryPlaces, count: usize) -> (Arc<Keyring>, Vec<SlotRef>) {
    let keyring = create(places);
    open_segment(&keyring, &cohort(1)).unwrap();
    let slots = (0..count).map(|_| keyring.hand_out(&cohort(1)).unwrap().at).collect();
    (keyring, slots)
}
