//! A restore asks the key places whose they are, holds their locks, and changes nothing of them.

use oubliette::{
    ids::{PlaceId, VaultId},
    keyring::{KeyringError, Place},
    vault::startup::PlacesOfBackup,
};

use super::*;
use crate::house::root;

fn asked(
    places: Vec<Place>,
    without: &[PlaceId],
    of: (VaultId, u64),
) -> Result<PlacesOfBackup, StartError> {
    PlacesOfBackup::take(places, without, root(9), of)
}

fn vault_of(house: &House) -> (VaultId, u64) {
    let vault = house.start().unwrap();
    let of = (vault.log().keyring().vault(), vault.log().keyring().generation());
    stop(vault);
    house.places.restart();
    of
}

#[test]
fn the_places_of_the_backups_vault_are_taken_and_held_and_those_of_another_are_refused() {
    let (house, other) = (House::founded(620), House::founded(621));
    let (ours, theirs) = (vault_of(&house), vault_of(&other));
    let before = house.places.image(0).names();
    let held = asked(house.places.places(), &[], ours).unwrap();
    let second = asked(house.places.places(), &[], ours);
    assert!(matches!(second, Err(StartError::Keyring(KeyringError::PlaceLocked { .. }))));
    assert_eq!(house.places.image(0).names(), before);
    drop(held);
    house.places.restart();
    let refused = asked(house.places.places(), &[], theirs);
    assert!(matches!(refused, Err(StartError::BackupOfOther { backup, places })
        if backup == theirs.0 && places == ours.0));
    house.places.restart();
    let wrong = PlacesOfBackup::take(house.places.places(), &[], root(8), ours);
    assert!(matches!(wrong, Err(StartError::Keyring(KeyringError::WrongRoot))));
}

#[test]
fn places_older_than_the_backup_are_refused_and_a_newer_one_is_not() {
    let house = House::founded(622);
    let (vault, generation) = vault_of(&house);
    let later = asked(house.places.places(), &[], (vault, generation + 1));
    assert!(matches!(later, Err(StartError::PlacesRolledBack { database, places })
        if (database, places) == (generation + 1, generation)));
    house.places.restart();
    assert!(asked(house.places.places(), &[], (vault, generation - 1)).is_ok());
}

#[test]
fn every_place_of_the_list_is_asked_for_unless_it_is_named_as_away() {
    let house = House::founded(623);
    let of = vault_of(&house);
    let first = || house.places.places().into_iter().take(1).collect::<Vec<_>>();
    let Err(StartError::Keyring(KeyringError::PlaceSilent { id })) = asked(first(), &[], of) else {
        panic!("a place is missing");
    };
    house.places.restart();
    assert!(asked(first(), &[id], of).is_ok());
}
