//! Crash points: every call of store and places fails in turn, found by counting a clean run.
//!
//! A new step is covered without being listed. After each crash the vault is started again and held to
//! three sentences: what was acknowledged is there, nothing half-written answers, nothing purged opens.

use oubliette::{
    ids::RecordId,
    keyring::Fault as PlaceFault,
    storage::memory::{Counted, Fault},
    vault::{Vault, VaultError},
};

use crate::house::{DAY_MS, House, filed, reveal, run, text_of, watch};

/// One planned failure.
#[derive(Debug, Clone, Copy)]
enum Plan {
    Store(Fault),
    Place(u64, PlaceFault),
}

/// How many store calls and place calls `act` makes on a clean run.
fn count(base: &House, seed: u64, act: impl AsyncFn(&House, &Vault)) -> (u64, u64) {
    let house = base.copy(seed);
    run(async {
        let vault = house.start().unwrap();
        let places = house.places.calls();
        house.disk.heal();
        act(&house, &vault).await;
        (house.disk.calls(Counted::All), house.places.calls() - places)
    })
}

/// Every failure of every call of `act`.
fn plans((store, places): (u64, u64)) -> Vec<Plan> {
    let mut plans = Vec::new();
    for n in 0..store {
        plans.push(Plan::Store(Fault::FailAndNotPersist(n)));
        plans.push(Plan::Store(Fault::FailButPersist(n)));
        plans.push(Plan::Store(Fault::DeadFrom(n)));
    }
    for n in 1..=places {
        for fault in [PlaceFault::Lost, PlaceFault::Kept, PlaceFault::Torn] {
            plans.push(Plan::Place(n, fault));
        }
    }
    plans
}

fn inject(house: &House, plan: Plan) {
    match plan {
        Plan::Store(fault) => house.disk.inject(Counted::All, fault),
        Plan::Place(n, fault) => house.places.fail(house.places.calls() + n, fault, true),
    }
}

fn not_available<T>(answer: Result<T, VaultError>) -> bool {
    matches!(answer, Err(VaultError::NotAvailable))
}

#[test]
fn a_create_cut_anywhere_leaves_the_whole_record_or_none() {
    let base = House::founded(80);
    // A date of its own, so that the create also opens a segment.
    let act = async |_: &House, vault: &Vault| {
        filed(vault, "EXEMPLE-NEUF", "2020-11-03").await.map(|f| f.record).ok();
    };
    let calls = count(&base, 81, act);
    assert!(calls.0 > 5 && calls.1 > 5, "the clean run opened a segment and committed: {calls:?}");
    for plan in plans(calls) {
        let house = base.copy(82);
        run(async {
            let vault = house.start().unwrap();
            let old = filed(&vault, "EXEMPLE-VIEUX", "2020-11-20").await.unwrap().record;
            inject(&house, plan);
            let new = filed(&vault, "EXEMPLE-NEUF", "2020-11-03").await;
            vault.drain();
            drop(vault);

            let vault = house.start().unwrap_or_else(|e| panic!("{plan:?}: {e}"));
            let answer = reveal(&vault, old).await.unwrap_or_else(|e| panic!("{plan:?}: {e}"));
            assert_eq!(text_of(&answer, "family_name"), Some("EXEMPLE-VIEUX"), "{plan:?}");
            if let Ok(new) = new {
                let answer = reveal(&vault, new.record).await;
                let answer = answer.unwrap_or_else(|e| panic!("acknowledged, {plan:?}: {e}"));
                assert_eq!(text_of(&answer, "family_name"), Some("EXEMPLE-NEUF"), "{plan:?}");
            }
        });
    }
}

#[test]
fn an_opening_of_segments_cut_anywhere_is_finished_or_forgotten() {
    let base = House::founded(83);
    // A new day opens the next day's segments.
    let act = async |house: &House, vault: &Vault| {
        house.clock.advance_millis(DAY_MS);
        vault.tick().ok();
    };
    let calls = count(&base, 84, act);
    assert!(calls.1 > 5, "the clean run wrote a generation: {calls:?}");
    for plan in plans(calls) {
        let house = base.copy(85);
        run(async {
            let vault = house.start().unwrap();
            let old = filed(&vault, "EXEMPLE", "2020-11-20").await.unwrap().record;
            inject(&house, plan);
            act(&house, &vault).await;
            vault.drain();
            drop(vault);
            let vault = house.start().unwrap_or_else(|e| panic!("{plan:?}: {e}"));
            assert!(reveal(&vault, old).await.is_ok(), "{plan:?}");
            assert!(filed(&vault, "EXEMPLE", "2020-11-24").await.is_ok(), "{plan:?}");
        });
    }
}

/// Files a due and a live record, and lets the due one's date come.
async fn ready_to_purge(house: &House) -> (std::sync::Arc<Vault>, RecordId, RecordId) {
    let vault = house.start().unwrap();
    let due = filed(&vault, "EXEMPLE-DU", "2020-08-24").await.unwrap().record;
    let live = filed(&vault, "EXEMPLE-VIF", "2020-11-20").await.unwrap().record;
    house.clock.advance_millis(DAY_MS);
    (vault, due, live)
}

#[test]
fn a_purge_cut_anywhere_is_finished_and_its_totals_are_the_same() {
    let base = House::founded(86);
    let calls = {
        let house = base.copy(87);
        run(async {
            let (vault, ..) = ready_to_purge(&house).await;
            let places = house.places.calls();
            house.disk.heal();
            assert_eq!(vault.run_purge(&watch()).await.unwrap().records, 1);
            (house.disk.calls(Counted::All), house.places.calls() - places)
        })
    };
    assert!(calls.0 > 5 && calls.1 > 5, "{calls:?}");
    for plan in plans(calls) {
        let house = base.copy(88);
        run(async {
            let (vault, due, live) = ready_to_purge(&house).await;
            inject(&house, plan);
            let _ = vault.run_purge(&watch()).await;
            vault.drain();
            drop(vault);

            let vault = house.start().unwrap_or_else(|e| panic!("{plan:?}: {e}"));
            let answer = reveal(&vault, live).await.unwrap_or_else(|e| panic!("{plan:?}: {e}"));
            assert_eq!(text_of(&answer, "family_name"), Some("EXEMPLE-VIF"), "{plan:?}");
            assert!(not_available(reveal(&vault, due).await), "{plan:?}");
            // Start-up has finished it: nothing is due, and one certificate says one record.
            assert!(vault.preview_purge(&watch()).await.unwrap().cohorts.is_empty(), "{plan:?}");
            let json = vault.certificate(&watch(), None).await;
            let json = json.unwrap_or_else(|e| panic!("no certificate, {plan:?}: {e}"));
            assert!(json.contains("\"records\":1"), "{plan:?}: {json}");
        });
    }
}
