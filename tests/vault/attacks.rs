//! Attacks on erasure and its proof: clocks that jump, rows that are put back, keyrings that vanish.
//!
//! Each was once possible, found by a hostile reading. A test here must fail if its fix goes.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use oubliette::{
    clock::{Clock, ManualClock, Timestamp},
    ids::RecordId,
    keyring::Fault as PlaceFault,
    retention::ALARM_ERASURE_PENDING,
    storage::{
        keys,
        memory::{Counted, Fault},
    },
    vault::{
        Vault,
        startup::{Parts, StartError, start},
    },
};

use crate::house::{DAY_MS, House, caller, filed, new_agent, reveal, reveal_classes, run, watch};

/// A due and a live record, on the day the due one's date has come.
async fn ready_to_purge(house: &House) -> (Arc<Vault>, RecordId, RecordId) {
    let vault = house.start().unwrap();
    let due = filed(&vault, "EXEMPLE-DU", "2020-08-24").await.unwrap().record;
    let live = filed(&vault, "EXEMPLE-VIF", "2020-11-20").await.unwrap().record;
    house.clock.advance_millis(DAY_MS);
    (vault, due, live)
}

fn row(house: &House, key: &[u8]) -> Option<Vec<u8>> {
    let mut row = None;
    house.disk.tamper(|map| row = map.get(key).cloned());
    row
}

#[test]
fn no_certificate_is_issued_before_the_erasure_point_and_the_next_start_issues_it() {
    let base = House::founded(100);
    let calls = {
        let house = base.copy(101);
        run(async {
            let (vault, ..) = ready_to_purge(&house).await;
            let before = house.places.calls();
            vault.run_purge(&watch()).await.unwrap();
            house.places.calls() - before
        })
    };
    let mut pending = 0;
    for call in 1..=calls {
        let house = base.copy(102);
        run(async {
            let (vault, due, _) = ready_to_purge(&house).await;
            house.places.fail(house.places.calls() + call, PlaceFault::Lost, false);
            let first = vault.run_purge(&watch()).await;
            let second = vault.run_purge(&watch()).await;
            let whole = |n: usize| house.places.image(n).slots_in_use() > 1;
            let certificate = vault.certificate(&watch(), None).await;
            assert!(certificate.is_err() || !(whole(0) || whole(1)), "at call {call}");
            if first.is_ok() || second.is_ok() {
                return;
            }
            pending += 1;
            assert!(certificate.is_err(), "at call {call}");
            let alarms = vault.list_alarms(&watch()).await.unwrap();
            let open = alarms.iter().filter(|alarm| alarm.acknowledged.is_none());
            let open: Vec<&str> = open.map(|alarm| alarm.kind.as_str()).collect();
            assert!(open.contains(&ALARM_ERASURE_PENDING), "at call {call}: {open:?}");
            vault.drain();
            drop(vault);

            let vault = house.start().unwrap();
            let json = vault.certificate(&watch(), None).await.unwrap();
            assert!(json.contains("\"records\":1"), "at call {call}: {json}");
            assert!(reveal(&vault, due).await.is_err(), "at call {call}");
        });
    }
    assert!(pending > 0, "no failure fell past the commit point");
}

/// A clock that jumps a quarter ahead once it was read so many times.
struct Jumpy {
    base: Arc<ManualClock>,
    reads_left: AtomicI64,
}

impl Jumpy {
    const NEVER: i64 = i64::MAX;

    fn of(house: &House) -> Arc<Self> {
        let base = Arc::clone(&house.clock);
        Arc::new(Self { base, reads_left: AtomicI64::new(Self::NEVER) })
    }

    fn jump_after(&self, reads: i64) {
        self.reads_left.store(reads, Ordering::SeqCst);
    }
}

impl Clock for Jumpy {
    fn now(&self) -> Timestamp {
        let ahead = self.reads_left.fetch_sub(1, Ordering::SeqCst) <= 0;
        self.base.now().plus_millis(if ahead { 95 * DAY_MS } else { 0 })
    }
}

#[test]
fn a_clock_that_jumps_while_a_purge_runs_erases_nothing_before_its_date() {
    let mut stopped_after_the_intent = 0;
    for reads in 0..30 {
        run(async {
            let house = House::founded(103);
            house.places.restart();
            let clock = Jumpy::of(&house);
            let parts = Parts { clock: Arc::clone(&clock) as Arc<dyn Clock>, ..house.parts() };
            let vault = start(parts).unwrap();
            let due = filed(&vault, "EXEMPLE-DU", "2020-08-24").await.unwrap().record;
            let live = filed(&vault, "EXEMPLE-VIF", "2020-11-20").await.unwrap().record;
            house.clock.advance_millis(DAY_MS);
            let before = vault.state().unwrap().generation;
            clock.jump_after(reads);
            let report = vault.run_purge(&watch()).await;
            clock.jump_after(Jumpy::NEVER);
            if row(&house, keys::PURGE).is_some() && vault.state().unwrap().generation == before {
                stopped_after_the_intent += 1;
            }
            let today = house.clock.now().date_in(chrono_tz::Europe::Paris);
            vault.confirm_clock(&caller("keys-1", "keys", None), today).await.unwrap();
            assert!(reveal(&vault, live).await.is_ok(), "after read {reads}: {report:?}");
            // Whatever was stopped is continued once the clock is confirmed.
            vault.run_purge(&watch()).await.unwrap();
            let json = vault.certificate(&watch(), None).await.unwrap();
            assert!(json.contains("\"records\":1"), "after read {reads}: {json}");
            assert!(reveal(&vault, due).await.is_err(), "after read {reads}");
            assert!(reveal(&vault, live).await.is_ok(), "after read {reads}");
            assert!(row(&house, keys::PURGE).is_none(), "after read {reads}");
        });
    }
    assert!(stopped_after_the_intent > 0, "the last look before the keys go was never reached");
}

/// A house whose purge was cut with its run's row on disk, at call `n` of the store.
fn cut_purge(base: &House, n: u64) -> Option<(House, Vec<u8>)> {
    let house = base.copy(104);
    run(async {
        let (vault, ..) = ready_to_purge(&house).await;
        house.disk.heal();
        house.disk.inject(Counted::All, Fault::DeadFrom(n));
        let _ = vault.run_purge(&watch()).await;
        vault.drain();
    });
    let run_row = row(&house, keys::PURGE)?;
    Some((house, run_row))
}

#[test]
fn a_run_that_is_put_back_after_its_certificate_changes_no_certificate_and_raises_an_alarm() {
    let base = House::founded(105);
    let (house, old) = (0..400).find_map(|n| cut_purge(&base, n)).unwrap();
    run(async {
        let vault = house.start().unwrap();
        let first = vault.certificate(&watch(), None).await.unwrap();
        vault.drain();
        drop(vault);
        house.disk.tamper(|map| {
            map.insert(keys::PURGE.to_vec(), old);
        });
        let vault = house.start().unwrap();
        assert_eq!(first, vault.certificate(&watch(), None).await.unwrap());
        assert!(row(&house, keys::PURGE).is_none());
        let alarms = vault.list_alarms(&watch()).await.unwrap();
        assert!(alarms.iter().any(|alarm| alarm.note == "purge-run-replayed"));
    });
}

#[test]
fn a_restored_database_with_a_cut_purge_gets_a_certificate_with_an_id_of_its_own() {
    let base = House::founded(106);
    let mut looked = 0;
    for n in 0..60 {
        let Some((house, _)) = cut_purge(&base, n) else { continue };
        looked += 1;
        run(async {
            let backup = house.disk.copy();
            let vault = house.start().unwrap();
            let first = vault.certificate(&watch(), None).await.unwrap();
            vault.drain();
            drop(vault);
            let house = House { disk: backup, ..house };
            let vault = house.start().unwrap_or_else(|e| panic!("cut at {n}: {e}"));
            assert_eq!(vault.state().unwrap().log_origin, 1, "cut at {n}");
            let second = vault.certificate(&watch(), None).await.unwrap();
            let id = |json: &str| {
                let json: serde_json::Value = serde_json::from_str(json).unwrap();
                json["id"].as_str().map(str::to_owned).unwrap()
            };
            assert_ne!(id(&first), id(&second), "cut at {n}");
            assert!(second.contains("\"records\":1"), "cut at {n}: {second}");
            assert!(row(&house, keys::PURGE).is_none(), "cut at {n}");
        });
    }
    assert!(looked > 5, "{looked}");
}

#[test]
fn a_sweep_of_a_restored_database_that_a_crash_cut_is_done_again_by_the_next_start() {
    let base = House::founded(107);
    let prepared = |seed: u64| {
        let house = base.copy(seed);
        run(async {
            let (vault, ..) = ready_to_purge(&house).await;
            vault.drain();
            drop(vault);
            let backup = house.disk.copy();
            let vault = house.start().unwrap();
            assert!(row(&house, keys::SWEEP).is_none());
            vault.run_purge(&watch()).await.unwrap();
            vault.drain();
            House { disk: backup, ..house }
        })
    };
    let records = |house: &House| {
        let mut count = 0;
        house.disk.tamper(|map| count = map.keys().filter(|key| key.starts_with(b"r")).count());
        count
    };
    let mut marked = 0;
    for n in (0..200).step_by(3) {
        let house = prepared(108);
        house.places.restart();
        house.disk.heal();
        house.disk.inject(Counted::All, Fault::DeadFrom(n));
        let whole = start(house.parts()).is_ok();
        marked += usize::from(row(&house, keys::SWEEP).is_some());
        drop(house.start().unwrap_or_else(|e| panic!("cut at {n}: {e}")));
        assert!(row(&house, keys::SWEEP).is_none(), "cut at {n}");
        assert_eq!(records(&house), 1, "cut at {n}");
        if whole {
            assert!(marked > 0, "no crash fell between the mark and the end of the sweep");
            return;
        }
    }
    panic!("the start never came to its end");
}

#[test]
fn a_lost_keyring_of_the_newest_generation_is_refused_and_never_undone_by_the_one_before() {
    let base = House::founded(109);
    let mut looked = 0;
    for call in 1..60 {
        let house = base.copy(110);
        run(async {
            let (vault, ..) = ready_to_purge(&house).await;
            let before = vault.state().unwrap().generation;
            house.places.fail(house.places.calls() + call, PlaceFault::Kept, true);
            let _ = vault.run_purge(&watch()).await;
            drop(vault);
            if house.places.image(0).slots_in_use() != 2 {
                return;
            }
            looked += 1;
            let whole = [0, 1].map(|n| house.places.image(n));
            for (n, image) in whole.iter().enumerate() {
                let mut image = image.clone();
                let _ = image.remove(&format!("keyring.{}", before + 1));
                house.places.restore(n, image);
            }
            assert!(house.start().is_err(), "at call {call}");
            for (n, image) in whole.into_iter().enumerate() {
                house.places.restore(n, image);
            }
            assert!(house.start().is_ok(), "at call {call}");
        });
    }
    assert!(looked > 0, "no crash left both slots of the primary");
}

#[test]
fn a_start_refused_for_rolled_back_places_changes_no_place() {
    let house = House::founded(111);
    run(async {
        let vault = house.start().unwrap();
        filed(&vault, "EXEMPLE", "2020-11-20").await.unwrap();
        vault.drain();
    });
    // A follower that is behind the primary would be repaired, were the primary not old itself.
    let follower = house.places.image(1);
    drop(house.start().unwrap());
    let primary = house.places.image(0);
    drop(house.start().unwrap());
    let newest = [0, 1].map(|n| house.places.image(n));
    house.places.restore(0, primary);
    house.places.restore(1, follower);
    let before = [0, 1].map(|n| house.places.image(n));
    let refused = house.start();
    assert!(matches!(refused, Err(StartError::PlacesRolledBack { .. })));
    assert!(before == [0, 1].map(|n| house.places.image(n)), "a refused start rewrote a place");
    for (n, image) in newest.into_iter().enumerate() {
        house.places.restore(n, image);
    }
    assert!(house.start().is_ok());
}

#[test]
fn a_place_that_is_left_out_by_name_lets_the_vault_start_and_shows_as_stale() {
    let house = House::founded(112);
    let id = house.start().unwrap().state().unwrap().places[1].id;
    house.places.restart();
    house.places.set_silent(1, true);
    let refused = start(house.parts()).map(drop).unwrap_err();
    assert!(refused.to_string().contains(&format!("--without-place {id}")), "{refused}");
    house.places.restart();
    house.places.set_silent(1, true);
    let vault = start(Parts { without_places: vec![id], ..house.parts() }).unwrap();
    let places = vault.state().unwrap().places;
    assert_eq!(places.iter().map(|p| p.stale).collect::<Vec<_>>(), [false, true]);
}

#[test]
fn a_record_row_that_names_another_cohort_extends_no_reading() {
    run(async {
        let house = House::founded(113);
        let (vault, due, live) = ready_to_purge(&house).await;
        let identity = reveal(&vault, due).await;
        assert!(identity.is_err());
        house.disk.tamper(|map| {
            let member = |map: &std::collections::BTreeMap<Vec<u8>, Vec<u8>>, id: &RecordId| {
                let key = map.keys().find(|k| k[0] == b'c' && k.ends_with(id.as_bytes()));
                key.unwrap()[1..17].to_vec()
            };
            let (own, other) = (member(map, &due), member(map, &live));
            let row = map.get_mut(&keys::record(&due)).unwrap();
            // Field 1 of the row is its cohort: tag, length, 16 bytes.
            assert_eq!(row[2..18], own);
            row[2..18].copy_from_slice(&other);
        });
        for class in ["identity", "attributes"] {
            assert!(reveal_classes(&vault, due, &[class]).await.is_err(), "{class}");
            assert!(reveal_classes(&vault, live, &[class]).await.is_ok(), "{class}");
        }
    });
}

#[test]
fn the_first_row_of_an_agent_that_was_created_again_is_not_believed() {
    run(async {
        let keys_admin = caller("keys-1", "keys", None);
        let house = House::founded(114);
        let before = house.disk.copy();
        let vault = house.start().unwrap();
        vault.create_agent(&keys_admin, new_agent("temp-1", "watch", None)).await.unwrap();
        vault.drain();
        drop(vault);
        let old = row(&house, &keys::agent("temp-1")).unwrap();
        let house = House { disk: before, ..house };
        let vault = house.start().unwrap();
        let clerk = new_agent("temp-1", "clerk", Some("north"));
        vault.create_agent(&keys_admin, clerk).await.unwrap();
        vault.drain();
        drop(vault);
        house.disk.tamper(|map| {
            map.insert(keys::agent("temp-1"), old);
        });
        let vault = house.start().unwrap();
        let agents = vault.list_agents(&keys_admin).await.unwrap();
        let found = agents.iter().find(|agent| agent.agent.as_str() == "temp-1").unwrap();
        assert!(found.stale || found.habilitations[0].role.as_str() == "clerk");
    });
}
