//! Erasures that are cut at every call of store and places, and marks that nobody began.

use std::sync::Arc;

use oubliette::{
    ids::RecordId,
    keyring::Fault as PlaceFault,
    retention::verify,
    storage::memory::{Counted, Fault},
    vault::Vault,
};

use super::{erase, gone, look, rows_of, with_note};
use crate::house::{House, filed, head, once, reveal, rows, run, text_of, watch};

/// One planned failure.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Plan {
    Store(Fault),
    Place(u64, PlaceFault),
}

pub(crate) fn plans((store, places): (u64, u64)) -> Vec<Plan> {
    let store = (0..store).flat_map(|n| {
        [Fault::FailAndNotPersist(n), Fault::FailButPersist(n), Fault::DeadFrom(n)].map(Plan::Store)
    });
    let places = (1..=places).flat_map(|n| {
        [PlaceFault::Lost, PlaceFault::Kept, PlaceFault::Torn].map(|fault| Plan::Place(n, fault))
    });
    store.chain(places).collect()
}

/// A vault with two records, the first to be erased.
async fn ready(house: &House) -> (Arc<Vault>, RecordId, RecordId) {
    let vault = house.start().unwrap();
    let erased = with_note(&vault, "EXEMPLE-A").await;
    let kept = filed(&vault, "EXEMPLE-B", "2020-11-20").await.unwrap().record;
    (vault, erased, kept)
}

#[test]
fn an_erasure_cut_anywhere_is_finished_or_undone_and_never_half_done() {
    let base = House::founded(413);
    let calls = {
        let house = base.copy(414);
        run(async {
            let (vault, erased, _) = ready(&house).await;
            let places = house.places.calls();
            house.disk.heal();
            erase(&vault, &[erased]).await.unwrap();
            (house.disk.calls(Counted::All), house.places.calls() - places)
        })
    };
    assert!(calls.0 > 10 && calls.1 > 5, "{calls:?}");
    let (mut finished, mut undone) = (0, 0);
    for plan in plans(calls) {
        let house = base.copy(415);
        run(async {
            let (vault, record, kept) = ready(&house).await;
            match plan {
                Plan::Store(fault) => house.disk.inject(Counted::All, fault),
                Plan::Place(n, fault) => house.places.fail(house.places.calls() + n, fault, true),
            }
            let answer = vault.erase(&head(), &once(1, "Erase", "x"), vec![record]).await;
            let acknowledged = answer.is_ok_and(|answer| answer.items[0].1.is_ok());
            vault.drain();
            drop(vault);

            let vault = house.start().unwrap_or_else(|e| panic!("{plan:?}: {e}"));
            let answer = reveal(&vault, kept).await.unwrap_or_else(|e| panic!("{plan:?}: {e}"));
            assert_eq!(text_of(&answer, "family_name"), Some("EXEMPLE-B"), "{plan:?}");
            assert_eq!(rows(&house, b'p'), Vec::<Vec<u8>>::new(), "a run was left open: {plan:?}");
            assert_eq!(rows(&house, b'n'), Vec::<Vec<u8>>::new(), "a count was left: {plan:?}");
            let is_gone = gone(look(&vault, record).await);
            assert!(is_gone || !acknowledged, "acknowledged and readable: {plan:?}");
            if is_gone {
                finished += 1;
                assert_eq!(rows_of(&house, record), Vec::<Vec<u8>>::new(), "{plan:?}");
                let json = vault.certificate(&watch(), None).await.unwrap();
                let summary =
                    verify(&json, &vault.state().unwrap().certificate_verifier_key).unwrap();
                assert_eq!((summary.records, summary.sections), (1, 3), "{plan:?}");
                // The same request again hears of it.
                let again = vault.erase(&head(), &once(1, "Erase", "x"), vec![record]).await;
                let again = again.unwrap_or_else(|e| panic!("{plan:?}: {e}"));
                assert!(again.repeated && again.items[0].1.is_ok(), "{plan:?}");
            } else {
                undone += 1;
                let again = erase(&vault, &[record]).await;
                let again = again.unwrap_or_else(|e| panic!("{plan:?}: {e}"));
                assert!(again.items[0].1.is_ok(), "{plan:?}");
                assert!(gone(look(&vault, record).await), "{plan:?}");
            }
            let alarms = vault.list_alarms(&watch()).await.unwrap();
            assert!(alarms.iter().all(|alarm| alarm.kind != "mark-without-intent"), "{plan:?}");
        });
    }
    assert!(finished > 10 && undone > 5, "{finished} finished, {undone} undone");
}

#[test]
fn a_cut_erasure_with_a_place_away_at_the_start_is_undone_and_the_record_is_readable() {
    let base = House::founded(416);
    run(async {
        let house = base.copy(417);
        let (vault, record, _) = ready(&house).await;
        // The primary dies before its anchor moves: intents and marks are durable, nothing is erased.
        house.places.fail(house.places.calls() + 8, PlaceFault::Lost, true);
        assert!(erase(&vault, &[record]).await.is_err());
        drop(vault);
        house.places.set_silent(1, true);
        house.disk.heal();
        house.places.restart();
        let mut parts = house.parts();
        parts.without_places = vec![second_place(&house)];
        let vault = oubliette::vault::startup::start(parts).unwrap();
        assert!(look(&vault, record).await.is_ok());
    });
}

fn second_place(house: &House) -> oubliette::ids::PlaceId {
    house.places.set_silent(1, false);
    let vault = house.copy(1).start().unwrap();
    let id = vault.log().keyring().places()[1].id;
    house.places.set_silent(1, true);
    id
}

#[test]
fn a_mark_without_an_intent_is_an_alarm_and_never_an_erasure() {
    let house = House::founded(418);
    run(async {
        let vault = house.start().unwrap();
        let marked = filed(&vault, "EXEMPLE-A", "2020-11-20").await.unwrap().record;
        let other = filed(&vault, "EXEMPLE-B", "2020-11-20").await.unwrap().record;
        drop(vault);
        house.disk.tamper(|rows| {
            let key = [&[b'r'][..], marked.as_bytes()].concat();
            let row = rows.get_mut(&key).unwrap();
            // Field 5 of the row, a varint: the generation that would erase it.
            row.extend_from_slice(&[5 << 3, 9]);
        });
        let vault = house.start().unwrap();
        assert!(reveal(&vault, other).await.is_ok());
        assert!(vault.list_alarms(&watch()).await.unwrap().is_empty());
        assert!(gone(reveal(&vault, marked).await));
        let alarms = vault.list_alarms(&watch()).await.unwrap();
        assert!(alarms.iter().any(|alarm| alarm.kind == "mark-without-intent"));
        house.disk.tamper(|rows| {
            let key = [&[b'r'][..], marked.as_bytes()].concat();
            let row = rows.get_mut(&key).unwrap();
            row.truncate(row.len() - 2);
        });
        assert!(reveal(&vault, marked).await.is_ok(), "its key was never touched");
    });
}
