//! The list of places as a vault sees it: what the commands at rest do is told by the next start before
//! anything is served, and a place removed unscrubbed is named in every later certificate.

use std::sync::Arc;

use oubliette::{
    audit::{EventDetail, EventFilter, verify::verify_folder},
    clock::Clock,
    ids::PlaceId,
    keyring::{KeyringError, MemoryPlaces, Place},
    retention::verify,
    storage::memory::{Counted, Fault},
    vault::{
        Vault,
        startup::{Parts, PlacesAtRest, StartError, start},
    },
};

use crate::house::{DAY_MS, House, events, filed, reveal, root, run, text_of, watch};

/// A vault's house with a third, empty device.
fn house(seed: u64) -> (House, MemoryPlaces) {
    // Of three, so that its name is not that of one of the house's own two.
    (House::founded(seed), MemoryPlaces::new(3))
}

fn at_rest(house: &House, places: Vec<Place>) -> PlacesAtRest {
    house.places.restart();
    house.disk.heal();
    PlacesAtRest {
        store: Arc::new(house.disk.open()),
        places,
        without_places: Vec::new(),
        root: root(9),
        clock: Arc::clone(&house.clock) as Arc<dyn Clock>,
        random: Arc::clone(&house.random),
    }
}

fn nth(house: &House, wanted: &[usize]) -> Vec<Place> {
    let mut all: Vec<_> = house.places.places().into_iter().map(Some).collect();
    wanted.iter().map(|n| all[*n].take().unwrap()).collect()
}

fn start_at(house: &House, places: Vec<Place>) -> Result<Arc<Vault>, StartError> {
    house.places.restart();
    house.disk.heal();
    start(Parts { places, ..house.parts() })
}

fn ids(house: &House) -> Vec<PlaceId> {
    let survey = at_rest(house, house.places.places()).survey_places().unwrap();
    survey.places.iter().map(|place| place.id.unwrap()).collect()
}

fn stop(vault: Arc<Vault>) {
    vault.drain();
    drop(vault);
}

#[test]
fn a_place_that_was_added_takes_part_in_the_next_run_and_its_event_is_there_once() {
    run(async {
        let (house, third) = house(70);
        let vault = house.start().unwrap();
        let record = filed(&vault, "EXEMPLE-LIEU", "2020-11-20").await.unwrap().record;
        stop(vault);
        let new = || third.places().remove(2);
        let id = at_rest(&house, house.places.places()).add_place(new()).unwrap();
        let three = || {
            let mut places = house.places.places();
            places.push(new());
            places
        };
        let without = house.start().map(|_| ());
        assert!(
            matches!(without, Err(StartError::Keyring(KeyringError::PlaceSilent { id: i })) if i == id)
        );
        for _ in 0..2 {
            third.restart();
            let vault = start_at(&house, three()).unwrap();
            let told = events(&vault, "place-added").await;
            assert_eq!(told.len(), 1, "told once, whatever the number of starts");
            assert!(told[0].notes.contains(&format!("place={id}")), "{:?}", told[0].notes);
            assert_eq!(told[0].agent, None);
            let places = vault.state().unwrap().places;
            assert!(places.len() == 3 && places.iter().all(|place| !place.stale));
            let shown = reveal(&vault, record).await.unwrap();
            assert_eq!(text_of(&shown, "family_name"), Some("EXEMPLE-LIEU"));
            stop(vault);
        }
        assert_eq!(third.image(2).slots_in_use(), 1);
    });
}

#[test]
fn a_place_removed_unscrubbed_is_named_in_later_certificates_and_a_scrubbed_one_is_not() {
    run(async {
        for (seed, silent) in [(71, true), (72, false)] {
            let (house, _) = house(seed);
            let vault = house.start().unwrap();
            filed(&vault, "EXEMPLE-DU", "2020-08-24").await.unwrap();
            stop(vault);
            let second = ids(&house)[1];
            let given: &[usize] = if silent { &[0] } else { &[0, 1] };
            let removed = at_rest(&house, nth(&house, given)).remove_place(&second).unwrap();
            assert_eq!((removed.place.scrubbed, removed.left), (!silent, 1));
            assert_eq!(house.places.image(1).slots_in_use(), usize::from(silent));

            let back = start_at(&house, house.places.places()).map(|_| ());
            assert!(matches!(
                back,
                Err(StartError::Keyring(KeyringError::PlaceUnknown { id })) if id == second
            ));
            let vault = start_at(&house, nth(&house, &[0])).unwrap();
            let told = events(&vault, "place-removed").await;
            let note = format!("scrubbed={}", u8::from(!silent));
            assert!(told.len() == 1 && told[0].notes.contains(&note), "{told:?}");
            house.clock.advance_millis(DAY_MS);
            let report = vault.run_purge(&watch()).await.unwrap();
            assert_eq!(report.records, 1);
            let json = vault.certificate(&watch(), report.certificate).await.unwrap();
            let certificate: serde_json::Value = serde_json::from_str(&json).unwrap();
            let failures = certificate["failures"].to_string();
            assert_eq!(failures.contains(&second.to_string()), silent, "{failures}");
            assert_eq!(certificate["places"].as_array().unwrap().len(), 1);
        }
    });
}

#[test]
fn a_follower_promoted_over_a_primary_that_was_rolled_back_serves_with_everything_erased_since() {
    run(async {
        let (house, _) = house(73);
        let vault = house.start().unwrap();
        let due = filed(&vault, "EXEMPLE-DU", "2020-08-24").await.unwrap().record;
        let live = filed(&vault, "EXEMPLE-VIF", "2020-11-20").await.unwrap().record;
        let old = house.places.image(0);
        house.clock.advance_millis(DAY_MS);
        vault.run_purge(&watch()).await.unwrap();
        stop(vault);
        let second = ids(&house)[1];
        house.places.restore(0, old);
        let refused = house.start().map(|_| ());
        assert!(matches!(
            refused,
            Err(StartError::Keyring(KeyringError::FollowerAhead { id })) if id == second
        ));
        at_rest(&house, house.places.places()).promote_place(&second).unwrap();
        let order = house.start().map(|_| ());
        assert!(matches!(order, Err(StartError::Keyring(KeyringError::PlaceOrder))));
        let vault = start_at(&house, nth(&house, &[1, 0])).unwrap();
        assert_eq!(events(&vault, "place-promoted").await.len(), 1);
        assert!(reveal(&vault, due).await.is_err());
        assert!(reveal(&vault, live).await.is_ok());
        assert!((0..2).all(|place| house.places.image(place).slots_in_use() == 1));
    });
}

#[test]
fn places_older_than_the_database_are_not_promoted_by_any_means() {
    run(async {
        let (house, _) = house(74);
        let old = [house.places.image(0), house.places.image(1)];
        stop(house.start().unwrap());
        let second = ids(&house)[1];
        house.places.restore(0, old[0].clone());
        house.places.restore(1, old[1].clone());
        let refused = at_rest(&house, house.places.places()).promote_place(&second);
        assert!(matches!(refused, Err(StartError::PlacesRolledBack { .. })));
        let survey = at_rest(&house, house.places.places()).survey_places().unwrap();
        assert!(survey.rolled_back.is_some());
        let added = at_rest(&house, house.places.places()).remove_place(&second).map(|_| ());
        assert!(matches!(added, Err(StartError::PlacesRolledBack { .. })));
    });
}

#[test]
fn nothing_is_done_at_rest_while_a_vault_runs_and_all_of_it_after() {
    run(async {
        let (house, third) = house(75);
        let vault = house.start().unwrap();
        let second = vault.state().unwrap().places[1].id;
        let before: Vec<_> = (0..2).map(|place| house.places.image(place)).collect();
        let running = || PlacesAtRest {
            store: Arc::new(house.disk.open()),
            places: house.places.places(),
            without_places: Vec::new(),
            root: root(9),
            clock: Arc::clone(&house.clock) as Arc<dyn Clock>,
            random: Arc::clone(&house.random),
        };
        let locked = |outcome: Result<(), StartError>| {
            matches!(outcome, Err(StartError::Keyring(KeyringError::PlaceLocked { .. })))
        };
        assert!(locked(running().survey_places().map(|_| ())));
        assert!(locked(running().add_place(third.places().remove(2)).map(|_| ())));
        assert!(locked(running().remove_place(&second).map(|_| ())));
        assert!(locked(running().promote_place(&second).map(|_| ())));
        assert!((0..2).all(|place| house.places.image(place) == before[place]));
        stop(vault);
        assert!(at_rest(&house, house.places.places()).survey_places().is_ok());
        at_rest(&house, house.places.places()).promote_place(&second).unwrap();
    });
}

/// Every generation from the first to the newest has its leaf, in order, and the exported log verifies.
async fn told_without_a_gap(vault: &Vault) -> u64 {
    let filter = EventFilter { kind: Some("generation".to_owned()), ..EventFilter::default() };
    let page = vault.list_events(&watch(), filter, None, 500).await.unwrap();
    let mut told: Vec<u64> = page
        .events
        .iter()
        .filter_map(|event| match event.detail {
            EventDetail::Generation { generation, .. } => Some(generation),
            _ => None,
        })
        .collect();
    told.reverse();
    let newest = vault.log().keyring().generation();
    assert_eq!(told, (1..=newest).collect::<Vec<_>>());
    let folder = tempfile::tempdir().unwrap();
    for file in vault.export_log(&watch()).await.unwrap() {
        let file = file.unwrap();
        let path = folder.path().join(&file.path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, &file.bytes).unwrap();
    }
    let key = vault.state().unwrap().log_verifier_key;
    verify_folder(folder.path(), &key, None).unwrap();
    newest
}

#[test]
fn of_several_commands_between_two_starts_each_generation_has_its_leaf() {
    run(async {
        let (house, third) = house(76);
        stop(house.start().unwrap());
        let before = {
            let vault = house.start().unwrap();
            let newest = told_without_a_gap(&vault).await;
            stop(vault);
            newest
        };
        let second = ids(&house)[1];
        let id =
            at_rest(&house, house.places.places()).add_place(third.places().remove(2)).unwrap();
        let three = |order: [usize; 2]| {
            third.restart();
            let mut places = nth(&house, &order);
            places.push(third.places().remove(2));
            places
        };
        at_rest(&house, three([0, 1])).promote_place(&second).unwrap();
        at_rest(&house, three([1, 0])).remove_place(&id).unwrap();
        let vault = start_at(&house, nth(&house, &[1, 0])).unwrap();
        assert!(told_without_a_gap(&vault).await >= before + 3);
    });
}

#[test]
fn a_purge_that_was_cut_before_its_leaf_is_finished_also_after_a_command_on_places() {
    run(async {
        let (base, third) = house(77);
        let vault = base.start().unwrap();
        let due = filed(&vault, "EXEMPLE-DU", "2020-08-24").await.unwrap().record;
        stop(vault);
        // Cut at the first write after the anchors moved: the leaf of the purge's generation.
        let mut cut = None;
        for call in 1..40 {
            let house = base.copy(78);
            let vault = house.start().unwrap();
            house.clock.advance_millis(DAY_MS);
            let before = vault.log().keyring().generation();
            house.disk.heal();
            house.disk.inject(Counted::Commits, Fault::DeadFrom(call));
            let purged = vault.run_purge(&watch()).await;
            let moved = vault.log().keyring().generation() > before;
            stop(vault);
            if moved {
                assert!(purged.is_err(), "cut at {call}");
                cut = Some(house);
                break;
            }
        }
        let house = cut.unwrap();
        at_rest(&house, house.places.places()).add_place(third.places().remove(2)).unwrap();
        third.restart();
        let mut places = house.places.places();
        places.push(third.places().remove(2));
        let vault = start_at(&house, places).unwrap();
        told_without_a_gap(&vault).await;
        assert!(reveal(&vault, due).await.is_err());
        let json = vault.certificate(&watch(), None).await.unwrap();
        verify(&json, &vault.state().unwrap().certificate_verifier_key).unwrap();
    });
}
