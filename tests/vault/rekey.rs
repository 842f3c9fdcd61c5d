//! Index keys are exchanged after an erasure: nobody can confirm a guess at what is gone, and who is
//! left is found at every moment.

use std::sync::Arc;

use oubliette::{
    ids::{CertificateId, CollectionName, RecordId, UnitName},
    keyring::Fault as PlaceFault,
    policy::Value,
    retention::{CertificateSummary, verify},
    storage::memory::{Counted, Fault},
    vault::{
        AssignInput, Assignee, FindInput, PageRequest, UpdateInput, Vault, VaultError,
        WorklistInput,
    },
};

use crate::house::{
    House, care, clerk, events, field, filed, head, island_file, once, reveal, rows, run, watch,
};

async fn erase(vault: &Vault, record: RecordId) -> CertificateId {
    let answer = vault.erase(&head(), &care(), vec![record]).await.unwrap();
    answer.certificate.unwrap()
}

/// The night: the schedule's run, and with it the exchange.
fn night(house: &House, vault: &Vault) -> Result<(), VaultError> {
    house.pass_days(1);
    vault.tick()
}

async fn summary(vault: &Vault, id: CertificateId) -> CertificateSummary {
    let json = vault.certificate(&watch(), Some(id)).await.unwrap();
    verify(&json, &vault.state().unwrap().certificate_verifier_key).unwrap()
}

/// Who is found by this name, and whether the clerk's list has the record.
async fn found(vault: &Vault, name: &str) -> Vec<RecordId> {
    let collection = CollectionName::parse("files").unwrap();
    let page = PageRequest { size: 9, after: None };
    let value = Value::Text(name.to_owned());
    let conditions = vec![(field("family_name"), value)];
    let input = FindInput { collection: collection.clone(), conditions, page };
    let found = vault.find(&clerk(), &care(), input).await.unwrap().records;
    let list = WorklistInput { collection, of: None, page };
    let listed = vault.worklist(&clerk(), &care(), list).await.unwrap().entries;
    found.into_iter().filter(|id| listed.iter().any(|entry| entry.record == *id)).collect()
}

/// Ids of the index keys that rows of records are under.
fn keys_in_use(house: &House, vault: &Vault) -> Vec<u32> {
    let collection = CollectionName::parse("files").unwrap();
    let cohorts = vault.log().keyring().cohorts_of(&collection);
    let mut ids: Vec<u32> = rows(house, b'x')
        .iter()
        .filter(|key| cohorts.iter().any(|cohort| &key[1..17] == cohort.id.as_bytes()))
        .map(|key| u32::from_be_bytes(key[17..21].try_into().unwrap()))
        .collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

#[test]
fn in_the_night_after_an_erasure_its_values_stop_being_confirmable_and_the_certificate_says_since_when()
 {
    let house = House::founded(450);
    run(async {
        let vault = house.start().unwrap();
        let gone = filed(&vault, "EXEMPLE-A", "2020-11-20").await.unwrap().record;
        let kept = filed(&vault, "EXEMPLE-B", "2020-11-20").await.unwrap().record;
        let other = filed(&vault, "EXEMPLE-C", "2020-11-21").await.unwrap().record;
        let cohort =
            vault.log().keyring().cohorts_of(&CollectionName::parse("files").unwrap())[0].id;
        let certificate = erase(&vault, gone).await;
        let before = summary(&vault, certificate).await;
        assert_eq!((before.revision, before.t2), (1, None));
        assert_eq!(keys_in_use(&house, &vault), [1]);
        night(&house, &vault).unwrap();
        let after = summary(&vault, certificate).await;
        assert_eq!((after.revision, after.t1.as_str()), (2, before.t1.as_str()));
        assert!(after.t2.unwrap() > before.t1);
        assert_eq!(keys_in_use(&house, &vault), [1, 2], "the other day's cohort keeps its key");
        assert!([vec![1], vec![2]].contains(&vault.log().keyring().index_key_ids(&cohort)));
        assert_eq!(found(&vault, "EXEMPLE-B").await, [kept]);
        assert_eq!(found(&vault, "EXEMPLE-C").await, [other]);
        assert_eq!(found(&vault, "EXEMPLE-A").await, []);
        assert!(reveal(&vault, kept).await.is_ok());
        let logged = events(&vault, "rekey").await;
        assert_eq!(logged.len(), 1);
        assert!(logged[0].notes.contains(&"certificates=1".to_owned()));
        assert!(logged[0].records.is_empty());
    });
}

#[test]
fn a_purge_on_demand_exchanges_too_and_a_night_without_erasures_exchanges_nothing() {
    let house = House::founded(451);
    run(async {
        let vault = house.start().unwrap();
        let gone = filed(&vault, "EXEMPLE-A", "2020-11-20").await.unwrap().record;
        filed(&vault, "EXEMPLE-B", "2020-11-20").await.unwrap();
        night(&house, &vault).unwrap();
        assert!(events(&vault, "rekey").await.is_empty());
        let certificate = erase(&vault, gone).await;
        vault.run_purge(&watch()).await.unwrap();
        assert_eq!(summary(&vault, certificate).await.revision, 2);
    });
}

#[test]
fn a_value_in_a_cohort_of_its_own_is_moved_there_and_a_record_changed_meanwhile_is_found() {
    let house = House::founded(452);
    run(async {
        let vault = house.start().unwrap();
        let with_note = |name: &str| island_file(name, "2020-11-20");
        let gone = vault.create(&head(), &care(), with_note("EXEMPLE-A")).await.unwrap().record;
        let kept = filed(&vault, "EXEMPLE-B", "2020-11-20").await.unwrap().record;
        let certificate = erase(&vault, gone).await;
        night(&house, &vault).unwrap();
        assert_eq!(summary(&vault, certificate).await.revision, 2);
        // Filed after the exchange, under the new key.
        let new = filed(&vault, "EXEMPLE-B", "2020-11-20").await.unwrap().record;
        let mut both = found(&vault, "EXEMPLE-B").await;
        both.sort_unstable();
        let mut expected = [kept, new];
        expected.sort_unstable();
        assert_eq!(both, expected);
    });
}

#[test]
fn an_old_database_put_back_after_the_exchange_is_searchable_again_under_the_new_key_alone() {
    let mut house = House::founded(453);
    run(async {
        let vault = house.start().unwrap();
        let gone = filed(&vault, "EXEMPLE-A", "2020-11-20").await.unwrap().record;
        let kept = filed(&vault, "EXEMPLE-B", "2020-11-20").await.unwrap().record;
        let backup = house.disk.copy();
        erase(&vault, gone).await;
        night(&house, &vault).unwrap();
        drop(vault);
        house.disk = backup;
        let vault = house.start().unwrap();
        assert_eq!(found(&vault, "EXEMPLE-B").await, [kept]);
        assert_eq!(found(&vault, "EXEMPLE-A").await, []);
        assert_eq!(keys_in_use(&house, &vault), [2]);
    });
}

#[test]
fn a_create_repeated_after_the_exchange_is_refused_and_files_no_second_record() {
    let house = House::founded(454);
    run(async {
        let vault = house.start().unwrap();
        let why = once(9, "Create", "B");
        let first =
            vault.create(&head(), &why, island_file("EXEMPLE-B", "2020-11-20")).await.unwrap();
        let gone = filed(&vault, "EXEMPLE-A", "2020-11-20").await.unwrap().record;
        let again =
            vault.create(&head(), &why, island_file("EXEMPLE-B", "2020-11-20")).await.unwrap();
        assert!(again.repeated && again.record == first.record);
        erase(&vault, gone).await;
        night(&house, &vault).unwrap();
        // The key that told the same content from another is gone: it cannot be said which this is.
        let again = vault.create(&head(), &why, island_file("EXEMPLE-B", "2020-11-20")).await;
        assert!(matches!(again, Err(VaultError::RequestIdReused)));
    });
}

#[test]
fn with_a_place_away_nothing_is_exchanged_and_the_next_night_does_it() {
    let house = House::founded(455);
    run(async {
        let vault = house.start().unwrap();
        let gone = filed(&vault, "EXEMPLE-A", "2020-11-20").await.unwrap().record;
        let kept = filed(&vault, "EXEMPLE-B", "2020-11-20").await.unwrap().record;
        let certificate = erase(&vault, gone).await;
        house.places.set_silent(1, true);
        let _ = night(&house, &vault);
        assert_eq!(summary(&vault, certificate).await.revision, 1);
        assert_eq!(found(&vault, "EXEMPLE-B").await, [kept]);
        house.places.set_silent(1, false);
        night(&house, &vault).unwrap();
        assert_eq!(summary(&vault, certificate).await.revision, 2);
        assert_eq!(found(&vault, "EXEMPLE-B").await, [kept]);
    });
}

async fn ready(house: &House) -> (Arc<Vault>, RecordId, CertificateId) {
    let vault = house.start().unwrap();
    let gone = filed(&vault, "EXEMPLE-A", "2020-11-20").await.unwrap().record;
    let kept = filed(&vault, "EXEMPLE-B", "2020-11-20").await.unwrap().record;
    let certificate = erase(&vault, gone).await;
    (vault, kept, certificate)
}

#[test]
fn an_exchange_cut_anywhere_leaves_everybody_findable_and_is_done_in_the_next_night() {
    let base = House::founded(456);
    let (store, places) = {
        let house = base.copy(457);
        run(async {
            let (vault, ..) = ready(&house).await;
            let places = house.places.calls();
            house.disk.heal();
            vault.run_purge(&watch()).await.unwrap();
            (house.disk.calls(Counted::All), house.places.calls() - places)
        })
    };
    assert!(store > 20 && places > 10, "{store} {places}");
    // Each store call dying, and each place call lost or torn: what differs in what is left.
    let plans = (0..store).map(Ok).chain((1..=places).map(Err));
    for plan in plans {
        let house = base.copy(458);
        run(async {
            let (vault, kept, certificate) = ready(&house).await;
            match plan {
                Ok(n) => house.disk.inject(Counted::All, Fault::DeadFrom(n)),
                Err(n) => house.places.fail(house.places.calls() + n, PlaceFault::Torn, true),
            }
            let _ = vault.run_purge(&watch()).await;
            vault.drain();
            drop(vault);
            let vault = house.start().unwrap_or_else(|e| panic!("{plan:?}: {e}"));
            assert_eq!(found(&vault, "EXEMPLE-B").await, [kept], "{plan:?}");
            night(&house, &vault).unwrap_or_else(|e| panic!("{plan:?}: {e}"));
            assert_eq!(found(&vault, "EXEMPLE-B").await, [kept], "{plan:?}");
            assert_eq!(summary(&vault, certificate).await.revision, 2, "{plan:?}");
            let keys = keys_in_use(&house, &vault);
            assert!(!keys.contains(&1), "rows under the old key: {plan:?}");
        });
    }
}

/// The exchange, standing before its first read of a section while `meanwhile` is done.
async fn exchange_around(house: &House, vault: &Arc<Vault>, meanwhile: impl AsyncFnOnce(&Vault)) {
    let held = house.disk.hold_next_read(b"s");
    let exchange = {
        let vault = Arc::clone(vault);
        tokio::spawn(async move { vault.run_purge(&watch()).await })
    };
    while !held.has_one() {
        tokio::task::yield_now().await;
    }
    meanwhile(vault).await;
    drop(held);
    exchange.await.unwrap().unwrap();
}

#[test]
fn a_record_changed_while_the_exchange_reads_it_is_exchanged_as_it_is_now() {
    let house = House::founded(459);
    run(async {
        let (vault, kept, certificate) = ready(&house).await;
        exchange_around(&house, &vault, async |vault| {
            let value = Some(Value::Text("EXEMPLE-C".to_owned()));
            let fields = vec![(field("family_name"), value)];
            let version = reveal(vault, kept).await.unwrap().version;
            let input = UpdateInput {
                record: kept,
                expected_version: version,
                attributes: Vec::new(),
                fields,
            };
            vault.update(&clerk(), &care(), input).await.unwrap();
        })
        .await;
        assert_eq!(found(&vault, "EXEMPLE-C").await, [kept]);
        assert_eq!(found(&vault, "EXEMPLE-B").await, []);
        assert_eq!(keys_in_use(&house, &vault), [2]);
        assert_eq!(summary(&vault, certificate).await.revision, 2);
    });
}

#[test]
fn a_record_erased_while_the_exchange_reads_it_keeps_nobody_from_being_exchanged() {
    let house = House::founded(460);
    run(async {
        let (vault, gone, certificate) = ready(&house).await;
        let kept = filed(&vault, "EXEMPLE-D", "2020-11-20").await.unwrap().record;
        exchange_around(&house, &vault, async |vault| {
            erase(vault, gone).await;
        })
        .await;
        assert_eq!(found(&vault, "EXEMPLE-D").await, [kept]);
        assert_eq!(found(&vault, "EXEMPLE-B").await, []);
        assert_eq!(keys_in_use(&house, &vault), [2]);
        assert_eq!(summary(&vault, certificate).await.revision, 2);
    });
}

#[test]
fn a_change_that_meets_the_exchange_of_index_keys_is_made_all_the_same() {
    let house = House::founded(299);
    run(async {
        let vault = house.start().unwrap();
        let mut records = Vec::new();
        for _ in 0..60 {
            records.push(filed(&vault, "EXEMPLE-A", "2020-11-20").await.unwrap().record);
        }
        let erased = records.pop().unwrap();
        vault.erase(&head(), &care(), vec![erased]).await.unwrap();
        let exchange = {
            let vault = Arc::clone(&vault);
            tokio::spawn(async move { vault.run_purge(&watch()).await })
        };
        for record in &records {
            let version = reveal(&vault, *record).await.unwrap().version;
            let input = UpdateInput {
                record: *record,
                expected_version: version,
                attributes: Vec::new(),
                fields: vec![(field("family_name"), Some(Value::Text("EXEMPLE-B".to_owned())))],
            };
            vault.update(&clerk(), &care(), input).await.unwrap();
            let to = Assignee::Unit(UnitName::parse("south").unwrap());
            let input = AssignInput { record: *record, to, until: None };
            vault.assign(&head(), &care(), input).await.unwrap();
        }
        exchange.await.unwrap().unwrap();
    });
}
