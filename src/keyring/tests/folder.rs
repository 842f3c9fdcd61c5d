//! Real folders: placement, locks, the anchor on a file system, a passphrase as root.

use std::path::Path;

use super::*;
use crate::secret::SecretBytes;

struct Folders(tempfile::TempDir);

impl Folders {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    fn places(&self) -> Vec<Place> {
        ["keys1", "keys2"].map(|name| self.place(&self.path(name)).unwrap()).into()
    }

    fn place(&self, path: &Path) -> Result<Place, KeyringError> {
        Place::folder(path, &self.path("data"))
    }
}

#[test]
fn a_vault_in_folders_is_made_opened_and_changed() {
    let folders = Folders::new();
    let made = Keyring::create(folders.places(), root(), new_vault(), &SeededRandom::new(1));
    let keyring = made.unwrap();
    open_segment(&keyring, &cohort(1)).unwrap();
    let slot = keyring.hand_out(&cohort(1)).unwrap().at;
    generation(&keyring, |d| d.puncture(&[slot])).unwrap();
    keyring.write_checkpoint("note").unwrap();
    let second = Keyring::open(folders.places(), &[], root(), &SeededRandom::new(2));
    assert!(matches!(second.map(|_| ()), Err(KeyringError::PlaceLocked { .. })));
    drop(keyring);
    for name in ["keys1", "keys2"] {
        let mut names: Vec<_> = std::fs::read_dir(folders.path(name))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, ["anchor", "checkpoint", "keyring.3", "place"]);
        assert_eq!(std::fs::metadata(folders.path(name).join("anchor")).unwrap().len(), 8192);
        assert_eq!(std::fs::metadata(folders.path(name).join("place")).unwrap().len(), 37);
    }
    let keyring = Keyring::open(folders.places(), &[], root(), &SeededRandom::new(2)).unwrap();
    assert_eq!(keyring.generation(), 3);
    assert!(!keyring.slot_lives(&slot));
    assert_eq!(keyring.checkpoints(), ["note", "note"]);
}

#[test]
fn a_place_beside_the_data_folder_is_accepted_and_one_inside_it_is_not() {
    let folders = Folders::new();
    let data = folders.path("data");
    std::fs::create_dir(&data).unwrap();
    std::os::unix::fs::symlink(&data, folders.path("link")).unwrap();
    assert!(folders.place(&folders.path("keys")).is_ok());
    assert!(folders.place(&folders.path("data-keys")).is_ok());
    for inside in
        [data.clone(), data.join("keys"), folders.path("link/keys"), folders.path("data/../data/b")]
    {
        let refused = folders.place(&inside).map(|_| ());
        assert!(matches!(refused, Err(KeyringError::PlaceInsideData { .. })), "{inside:?}");
    }
}

#[test]
fn the_same_folder_twice_is_refused_and_two_folders_are_not() {
    let folders = Folders::new();
    std::fs::create_dir(folders.path("keys1")).unwrap();
    std::os::unix::fs::symlink(folders.path("keys1"), folders.path("alias")).unwrap();
    let twice = ["keys1", "alias"].map(|name| folders.place(&folders.path(name)).unwrap());
    let made = Keyring::create(twice.into(), root(), new_vault(), &SeededRandom::new(1));
    assert!(matches!(made.map(|_| ()), Err(KeyringError::PlaceTwice { .. })));
    let made = Keyring::create(folders.places(), root(), new_vault(), &SeededRandom::new(1));
    assert!(made.is_ok());
}

#[test]
fn a_folder_with_other_files_becomes_a_place_and_one_with_a_keyring_does_not() {
    let folders = Folders::new();
    std::fs::create_dir(folders.path("keys1")).unwrap();
    std::fs::write(folders.path("keys1").join("README"), "the vault's keys").unwrap();
    std::fs::create_dir(folders.path("keys2")).unwrap();
    std::fs::write(folders.path("keys2").join("keyring.7"), "old").unwrap();
    let create = || Keyring::create(folders.places(), root(), new_vault(), &SeededRandom::new(1));
    assert!(matches!(create().map(|_| ()), Err(KeyringError::PlaceExists { .. })));
    assert_eq!(std::fs::read(folders.path("keys2").join("keyring.7")).unwrap(), b"old");
    assert!(!folders.path("keys1").join("place").exists());
    let place = || vec![folders.place(&folders.path("keys3")).unwrap()];
    std::fs::create_dir(folders.path("keys3")).unwrap();
    std::fs::write(folders.path("keys3").join("README"), "the vault's keys").unwrap();
    assert!(Keyring::create(place(), root(), new_vault(), &SeededRandom::new(1)).is_ok());
}

#[test]
fn a_vault_opens_with_its_passphrase_and_not_with_another() {
    let folders = Folders::new();
    let pass = |text: &str| RootSource::passphrase(&SecretBytes::new(text.into())).unwrap();
    let created = pass("oubliette \u{e9}t\u{e9} 2020");
    let made = Keyring::create(folders.places(), created, new_vault(), &SeededRandom::new(1));
    let vault = made.unwrap().vault();
    let open = |root| Keyring::open(folders.places(), &[], root, &SeededRandom::new(2));
    assert!(matches!(open(pass("another")).map(|_| ()), Err(KeyringError::WrongRoot)));
    assert_eq!(open(pass("oubliette e\u{301}te\u{301} 2020\n")).unwrap().vault(), vault);
}

#[test]
fn a_missing_folder_is_named() {
    let folders = Folders::new();
    let opened = Keyring::open(folders.places(), &[], root(), &SeededRandom::new(2));
    let error = opened.map(|_| ()).unwrap_err();
    assert!(matches!(error, KeyringError::PrimarySilent { .. }));
    assert!(error.to_string().contains("keys1"));
}
