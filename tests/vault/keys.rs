//! Root rotation through the vault: who may, what it leaves in the log, and what opens afterwards.

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

use oubliette::{
    clock::Clock as _,
    keyring::{KeyringError, RootSource},
    vault::{
        KeyKind, RootReader, RootUnreadable, Vault, VaultError,
        startup::{StartError, start},
    },
};

use crate::house::{
    DAY_MS, House, caller, clerk, events, filed, reveal, root, run, text_of, watch,
};

/// A source that gives the key file of the number it holds; 0 = none.
#[derive(Clone, Default)]
struct Source(Arc<AtomicU8>);

impl Source {
    fn put(&self, byte: u8) {
        self.0.store(byte, Ordering::Relaxed);
    }
}

impl RootReader for Source {
    fn read(&self) -> Result<RootSource, RootUnreadable> {
        match self.0.load(Ordering::Relaxed) {
            0 => Err(RootUnreadable),
            byte => Ok(root(byte)),
        }
    }
}

fn started(house: &House) -> (Arc<Vault>, Source) {
    let (vault, source) = (house.start().unwrap(), Source::default());
    vault.read_root_by(Arc::new(source.clone()));
    (vault, source)
}

fn start_with(house: &House, byte: u8) -> Result<Arc<Vault>, StartError> {
    house.places.restart();
    start(house.parts_with(root(byte)))
}

fn keys() -> oubliette::identity::Caller {
    caller("keys-1", "keys", None)
}

#[test]
fn the_key_admin_rotates_the_root_key_online_and_only_the_new_secret_starts_the_vault_again() {
    run(async {
        let house = House::founded(60);
        let (vault, source) = started(&house);
        let record = filed(&vault, "EXEMPLE-CLE", "2020-11-20").await.unwrap().record;
        let before = vault.state().unwrap().generation;
        house.clock.advance_millis(60_000);
        source.put(7);
        let generation = vault.rotate_root_key(&keys()).await.unwrap();
        assert_eq!(generation, before + 1);
        assert_eq!(
            text_of(&reveal(&vault, record).await.unwrap(), "family_name"),
            Some("EXEMPLE-CLE")
        );
        filed(&vault, "EXEMPLE-APRES", "2020-11-20").await.unwrap();
        let intent = events(&vault, "key-rotate-intent").await.remove(0);
        let done = events(&vault, "key-rotate").await.remove(0);
        let note = format!("generation={generation}");
        assert_eq!((intent.outcome.as_str(), done.outcome.as_str()), ("STARTED", "OK"));
        assert!(intent.notes.contains(&note) && done.notes.contains(&note));
        assert_eq!(done.agent.unwrap().as_str(), "keys-1");
        vault.drain();
        drop(vault);

        let old = start_with(&house, 9).map(|_| ());
        assert!(matches!(old, Err(StartError::Keyring(KeyringError::WrongRoot))), "{old:?}");
        let vault = start_with(&house, 7).unwrap();
        assert_eq!(
            text_of(&reveal(&vault, record).await.unwrap(), "family_name"),
            Some("EXEMPLE-CLE")
        );
    });
}

#[test]
fn who_is_no_key_admin_rotates_nothing_and_the_refusal_is_logged() {
    run(async {
        let house = House::founded(61);
        let (vault, source) = started(&house);
        source.put(7);
        let before = vault.state().unwrap().generation;
        for who in [watch(), clerk()] {
            let refused = vault.rotate_root_key(&who).await;
            assert!(matches!(refused, Err(VaultError::Denied { .. })));
        }
        assert_eq!(vault.state().unwrap().generation, before);
        let refusals = events(&vault, "key-rotate").await;
        assert!(refusals.len() == 2 && refusals.iter().all(|e| e.outcome == "DENIED"));
        assert!(events(&vault, "key-rotate-intent").await.is_empty());
    });
}

#[test]
fn a_source_that_gives_nothing_or_the_same_secret_changes_nothing_and_says_which() {
    run(async {
        let house = House::founded(62);
        let vault = house.start().unwrap();
        let none = vault.rotate_root_key(&keys()).await;
        assert!(matches!(none, Err(VaultError::RootUnreadable(_))), "nobody said where it is");
        let source = Source::default();
        vault.read_root_by(Arc::new(source.clone()));
        let before = vault.state().unwrap().generation;
        let nothing = vault.rotate_root_key(&keys()).await;
        assert!(matches!(nothing, Err(VaultError::RootUnreadable(_))));
        source.put(9);
        let same = vault.rotate_root_key(&keys()).await;
        assert!(matches!(same, Err(VaultError::Keyring(KeyringError::RootUnchanged))));
        assert_eq!(vault.state().unwrap().generation, before);
        let outcomes: Vec<_> =
            events(&vault, "key-rotate").await.into_iter().map(|e| e.outcome).collect();
        for outcome in ["ROOT_UNREADABLE", "ROOT_UNCHANGED"] {
            assert!(outcomes.iter().any(|o| o == outcome), "{outcomes:?}");
        }
        source.put(7);
        vault.rotate_root_key(&keys()).await.unwrap();
    });
}

#[test]
fn a_rotation_needs_every_place_and_is_done_when_all_are_back() {
    run(async {
        let house = House::founded(63);
        let (vault, source) = started(&house);
        source.put(7);
        house.places.set_silent(1, true);
        let refused = vault.rotate_root_key(&keys()).await;
        assert!(matches!(
            refused,
            Err(VaultError::Keyring(KeyringError::ErasureNeedsPlace { .. }))
        ));
        let refusal = events(&vault, "key-rotate").await.remove(0);
        assert_eq!(refusal.outcome, "PLACE_DOWN");
        house.places.set_silent(1, false);
        vault.rotate_root_key(&keys()).await.unwrap();
    });
}

#[test]
fn a_vault_cut_at_any_device_call_of_a_rotation_starts_with_exactly_one_of_the_two_secrets() {
    run(async {
        let house = House::founded(64);
        let vault = house.start().unwrap();
        let record = filed(&vault, "EXEMPLE-CLE", "2020-11-20").await.unwrap().record;
        vault.drain();
        drop(vault);
        let calls = |house: &House| {
            let (vault, source) = started(house);
            source.put(7);
            (house.places.calls(), vault)
        };
        let clean = house.copy(640);
        let (before, vault) = calls(&clean);
        vault.rotate_root_key(&keys()).await.unwrap();
        let after = clean.places.calls();
        drop(vault);
        let mut seen = [0, 0];
        for call in (before + 1..=after).step_by(3) {
            let copy = house.copy(640);
            let (_, vault) = calls(&copy);
            copy.places.fail(call, oubliette::keyring::Fault::Torn, true);
            let outcome = vault.rotate_root_key(&keys()).await.map(|_| ());
            drop(vault);
            let old = start_with(&copy, 9).ok();
            let is_old = old.is_some();
            let new = if is_old { None } else { start_with(&copy, 7).ok() };
            let vault = old.or(new).unwrap_or_else(|| panic!("call {call}: neither: {outcome:?}"));
            let shown = reveal(&vault, record).await.unwrap();
            assert_eq!(text_of(&shown, "family_name"), Some("EXEMPLE-CLE"));
            assert!(outcome.is_err() || !is_old, "call {call}: acknowledged and undone");
            let intents = events(&vault, "key-rotate-intent").await;
            assert!(is_old || intents.len() == 1, "call {call}: an effect without its event");
            seen[usize::from(is_old)] += 1;
        }
        assert!(seen.iter().all(|times| *times > 0), "{seen:?}");
    });
}

#[test]
fn the_state_tells_since_when_each_key_is_in_force_and_a_rotation_renews_the_root_key_alone() {
    run(async {
        let house = House::founded(65);
        let founded = house.clock.now();
        let (vault, source) = started(&house);
        let since = |kind: KeyKind| {
            let keys = vault.state().unwrap().keys;
            keys.iter().find(|key| key.kind == kind).unwrap().since
        };
        let identities = [KeyKind::Root, KeyKind::Log, KeyKind::Certificate, KeyKind::Directory];
        assert!(identities.iter().all(|kind| since(*kind) == Some(founded)));
        house.clock.advance_millis(DAY_MS / 2);
        source.put(7);
        vault.rotate_root_key(&keys()).await.unwrap();
        assert_eq!(since(KeyKind::Root), Some(house.clock.now()));
        assert!(since(KeyKind::Generation) > Some(founded));
        assert!(identities[1..].iter().all(|kind| since(*kind) == Some(founded)));
    });
}
