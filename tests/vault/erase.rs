//! Erasure before the date: what is erased is gone for everybody, at whatever call it is cut; what is
//! not named is as it was.

use std::sync::Arc;

use oubliette::{
    audit::{EventDetail, EventFilter},
    ids::{CertificateId, RecordId},
    keyring::Fault as PlaceFault,
    retention::verify,
    storage::memory::{Counted, Fault},
    vault::{EraseAnswer, Vault, VaultError},
};

use crate::house::{
    DAY_MS, House, care, class, clerk, events, filed, head, island_file, once, reveal,
    reveal_classes, rows, run, text_of, watch,
};

async fn erase(vault: &Vault, records: &[RecordId]) -> Result<EraseAnswer, VaultError> {
    vault.erase(&head(), &care(), records.to_vec()).await
}

fn gone<T>(answer: Result<T, VaultError>) -> bool {
    matches!(answer, Err(VaultError::NotAvailable))
}

fn reasons(answer: &EraseAnswer) -> Vec<Option<String>> {
    answer.items.iter().map(|(_, item)| item.as_ref().err().map(ToString::to_string)).collect()
}

/// Keys of the rows of a record, by kind: record, member, sections, index, requests.
fn rows_of(house: &House, record: RecordId) -> Vec<Vec<u8>> {
    let of = |key: &Vec<u8>| key.windows(16).any(|part| part == record.as_bytes());
    [b'r', b'c', b's', b'x', b'q'].into_iter().flat_map(|tag| rows(house, tag)).filter(of).collect()
}

/// A file with a short-lived note, so that its sections lie in two cohorts.
async fn with_note(vault: &Vault, name: &str) -> RecordId {
    vault.create(&head(), &care(), island_file(name, "2020-11-20")).await.unwrap().record
}

#[test]
fn an_erased_record_is_gone_with_all_its_rows_and_its_neighbour_is_as_it_was() {
    let house = House::founded(400);
    run(async {
        let vault = house.start().unwrap();
        let (erased, kept) = (
            filed(&vault, "EXEMPLE-A", "2020-11-20").await,
            filed(&vault, "EXEMPLE-B", "2020-11-20").await,
        );
        let (erased, kept) = (erased.unwrap().record, kept.unwrap().record);
        assert!(rows_of(&house, erased).len() > 4);
        let before = vault.log().keyring().generation();
        let answer = erase(&vault, &[erased]).await.unwrap();
        assert_eq!(reasons(&answer), [None]);
        assert_eq!(answer.generation, before + 1);
        assert!(gone(reveal(&vault, erased).await));
        assert_eq!(rows_of(&house, erased), Vec::<Vec<u8>>::new());
        let answer = reveal(&vault, kept).await.unwrap();
        assert_eq!(text_of(&answer, "family_name"), Some("EXEMPLE-B"));
        drop(vault);
        let vault = house.start().unwrap();
        assert!(gone(reveal(&vault, erased).await));
        assert!(reveal(&vault, kept).await.is_ok());
    });
}

#[test]
fn sections_in_cohorts_of_their_own_go_too() {
    let house = House::founded(401);
    run(async {
        let vault = house.start().unwrap();
        let (erased, kept) =
            (with_note(&vault, "EXEMPLE-A").await, with_note(&vault, "EXEMPLE-B").await);
        let sections = |record: RecordId| {
            let of = |key: &&Vec<u8>| key.windows(16).any(|part| part == record.as_bytes());
            rows(&house, b's').iter().filter(of).count()
        };
        assert_eq!((sections(erased), sections(kept)), (3, 3));
        erase(&vault, &[erased]).await.unwrap();
        assert_eq!((sections(erased), sections(kept)), (0, 3));
        assert_eq!(rows_of(&house, erased), Vec::<Vec<u8>>::new());
    });
}

#[test]
fn the_certificate_counts_what_went_and_claims_no_more() {
    let house = House::founded(402);
    run(async {
        let vault = house.start().unwrap();
        let erased = with_note(&vault, "EXEMPLE-A").await;
        let answer = erase(&vault, &[erased]).await.unwrap();
        let json = vault.certificate(&watch(), answer.certificate).await.unwrap();
        let key = vault.state().unwrap().certificate_verifier_key;
        let summary = verify(&json, &key).unwrap();
        assert_eq!((summary.records, summary.sections, summary.revision), (1, 3, 1));
        assert_eq!(summary.generations, (answer.generation - 1, answer.generation));
        assert_eq!(summary.t2, None, "guessed values can still be confirmed");
        assert!(summary.statement.contains("records counted above"));
        assert!(json.contains("\"what\":\"erasure\""));
        assert!(!json.contains(&erased.to_string()), "no record is named");
    });
}

#[test]
fn an_old_database_put_back_brings_nothing_erased_back() {
    let house = House::founded(403);
    run(async {
        let vault = house.start().unwrap();
        let erased = filed(&vault, "EXEMPLE-A", "2020-11-20").await.unwrap().record;
        let kept = filed(&vault, "EXEMPLE-B", "2020-11-20").await.unwrap().record;
        let backup = house.disk.copy();
        erase(&vault, &[erased]).await.unwrap();
        drop(vault);
        let mut house = house;
        house.disk = backup;
        let vault = house.start().unwrap();
        assert!(gone(reveal(&vault, erased).await));
        assert_eq!(rows_of(&house, erased), Vec::<Vec<u8>>::new(), "and its rows were swept");
        assert!(reveal(&vault, kept).await.is_ok());
    });
}

#[test]
fn who_may_not_erase_erases_nothing_and_learns_nothing() {
    let house = House::founded(404);
    run(async {
        let vault = house.start().unwrap();
        let record = filed(&vault, "EXEMPLE-A", "2020-11-20").await.unwrap().record;
        let absent = RecordId::from_bytes([7; 16]);
        let answer = vault.erase(&clerk(), &care(), vec![record, absent]).await.unwrap();
        assert!(matches!(answer.items[0].1, Err(VaultError::Denied { .. })), "he may know of it");
        assert!(matches!(answer.items[1].1, Err(VaultError::NotAvailable)));
        let answer = vault.erase(&watch(), &care(), vec![record, absent]).await.unwrap();
        assert!(answer.items.iter().all(|(_, item)| matches!(item, Err(VaultError::NotAvailable))));
        assert_eq!((answer.generation, answer.certificate), (0, None));
        assert!(reveal(&vault, record).await.is_ok());
        let logged = events(&vault, "erase").await;
        assert_eq!(logged.len(), 2, "each refusal is in the log");
        assert!(logged.iter().all(|event| event.decision == "deny" && event.outcome != "OK"));
    });
}

#[test]
fn of_several_records_each_is_answered_by_itself() {
    let house = House::founded(405);
    run(async {
        let vault = house.start().unwrap();
        let first = filed(&vault, "EXEMPLE-A", "2020-11-20").await.unwrap().record;
        let absent = RecordId::from_bytes([7; 16]);
        let second = filed(&vault, "EXEMPLE-B", "2020-11-21").await.unwrap().record;
        let answer = erase(&vault, &[first, absent, second]).await.unwrap();
        let of = |id| answer.items.iter().find(|(item, _)| *item == id).unwrap().1.is_ok();
        assert_eq!((of(first), of(absent), of(second)), (true, false, true));
        assert!(gone(reveal(&vault, first).await) && gone(reveal(&vault, second).await));
    });
}

#[test]
fn no_record_and_more_than_the_bound_are_refused_and_the_bound_is_not() {
    let house = House::founded(406);
    run(async {
        let vault = house.start().unwrap();
        for (count, fine) in [(0, false), (1, true), (256, true), (257, false)] {
            let ids = (0..count).map(|n: u16| {
                let mut id = [7; 16];
                id[..2].copy_from_slice(&n.to_be_bytes());
                RecordId::from_bytes(id)
            });
            let answer = erase(&vault, &ids.collect::<Vec<_>>()).await;
            assert_eq!(answer.is_ok(), fine, "{count}");
            assert!(fine || matches!(answer, Err(VaultError::TooMany { limit: 256, .. })));
        }
    });
}

#[test]
fn the_same_request_again_is_told_what_the_first_one_did_and_another_under_its_id_is_refused() {
    let house = House::founded(407);
    run(async {
        let vault = house.start().unwrap();
        let record = filed(&vault, "EXEMPLE-A", "2020-11-20").await.unwrap().record;
        let other = filed(&vault, "EXEMPLE-B", "2020-11-20").await.unwrap().record;
        let why = once(1, "Erase", "first");
        let first = vault.erase(&head(), &why, vec![record]).await.unwrap();
        drop(vault);
        let vault = house.start().unwrap();
        let again = vault.erase(&head(), &why, vec![record]).await.unwrap();
        assert!(again.repeated && !first.repeated);
        assert_eq!((again.certificate, again.generation), (first.certificate, first.generation));
        assert_eq!(reasons(&again), [None]);
        let reused = vault.erase(&head(), &once(1, "Erase", "second"), vec![other]).await;
        assert!(matches!(reused, Err(VaultError::RequestIdReused)));
        let why = once(1, "Create", "x");
        let create = vault.create(&head(), &why, island_file("X", "2020-11-20")).await;
        assert!(matches!(create, Err(VaultError::RequestIdReused)));
        assert!(reveal(&vault, other).await.is_ok());
    });
}

#[test]
fn many_erasures_at_the_same_time_are_all_done_and_share_generations() {
    let house = House::founded(408);
    run(async {
        let vault = house.start().unwrap();
        let mut records = Vec::new();
        for letter in 'A'..'M' {
            let name = format!("EXEMPLE-{letter}");
            records.push(filed(&vault, &name, "2020-11-20").await.unwrap().record);
        }
        let kept = records.pop().unwrap();
        let before = vault.log().keyring().generation();
        let tasks: Vec<_> = records
            .iter()
            .map(|id| {
                let (vault, id) = (Arc::clone(&vault), *id);
                tokio::spawn(async move { erase(&vault, &[id]).await.unwrap() })
            })
            .collect();
        let mut certificates: Vec<CertificateId> = Vec::new();
        for task in tasks {
            let answer = task.await.unwrap();
            assert_eq!(reasons(&answer), [None]);
            certificates.extend(answer.certificate);
        }
        certificates.sort_unstable();
        certificates.dedup();
        let written = vault.log().keyring().generation() - before;
        assert_eq!(u64::try_from(certificates.len()).unwrap(), written, "one for each generation");
        for id in &records {
            assert!(gone(reveal(&vault, *id).await));
        }
        assert!(reveal(&vault, kept).await.is_ok());
    });
}

#[test]
fn the_intent_comes_before_the_erasure_and_both_name_the_record_and_the_agent() {
    let house = House::founded(409);
    run(async {
        let vault = house.start().unwrap();
        let record = filed(&vault, "EXEMPLE-A", "2020-11-20").await.unwrap().record;
        let answer = erase(&vault, &[record]).await.unwrap();
        let list = async |kind: &str| {
            let filter = EventFilter { kind: Some(kind.to_owned()), ..EventFilter::default() };
            let page = vault.list_events(&watch(), filter, None, 9).await.unwrap();
            let event = page.events.into_iter().next().unwrap();
            let EventDetail::Open(open) = event.detail else { panic!("{kind} does not open") };
            (event.n, *open)
        };
        let (intended, intent) = list("erase-intent").await;
        let (done, event) = list("erase").await;
        assert!(intended < done);
        for event in [&intent, &event] {
            assert_eq!(event.records, [record]);
            assert_eq!(event.agent, Some(head().agent));
            assert_eq!(event.policies[0].0, "head-erases");
        }
        assert_eq!((intent.slots.len(), event.slots.len()), (1, 0));
        assert_eq!((intent.outcome.as_str(), event.outcome.as_str()), ("STARTED", "OK"));
        let certificate = format!("certificate={}", answer.certificate.unwrap());
        assert!(intent.notes.contains(&certificate) && event.notes.contains(&certificate));
    });
}

#[test]
fn with_a_place_away_nothing_is_erased_and_with_it_back_it_is() {
    let house = House::founded(410);
    run(async {
        let vault = house.start().unwrap();
        let record = filed(&vault, "EXEMPLE-A", "2020-11-20").await.unwrap().record;
        house.places.set_silent(1, true);
        assert!(erase(&vault, &[record]).await.is_err());
        assert!(reveal(&vault, record).await.is_ok(), "it is as it was");
        house.places.set_silent(1, false);
        assert_eq!(reasons(&erase(&vault, &[record]).await.unwrap()), [None]);
        assert!(gone(reveal(&vault, record).await));
    });
}

#[test]
fn a_record_that_was_erased_is_erased_no_second_time() {
    let house = House::founded(411);
    run(async {
        let vault = house.start().unwrap();
        let record = filed(&vault, "EXEMPLE-A", "2020-11-20").await.unwrap().record;
        erase(&vault, &[record]).await.unwrap();
        let generation = vault.log().keyring().generation();
        let again = erase(&vault, &[record]).await.unwrap();
        assert!(matches!(again.items[0].1, Err(VaultError::NotAvailable)));
        assert_eq!(vault.log().keyring().generation(), generation);
    });
}

#[test]
fn the_subject_s_other_records_and_later_erasures_are_not_touched_by_an_erasure() {
    let house = House::founded(412);
    run(async {
        let vault = house.start().unwrap();
        let mut left = Vec::new();
        for letter in 'A'..'G' {
            let name = format!("EXEMPLE-{letter}");
            left.push(filed(&vault, &name, "2020-11-20").await.unwrap().record);
        }
        while let Some(record) = left.pop() {
            erase(&vault, &[record]).await.unwrap();
            assert!(gone(reveal(&vault, record).await));
            for other in &left {
                assert!(reveal(&vault, *other).await.is_ok());
            }
        }
        house.pass_days(1);
        vault.tick().unwrap();
    });
}

/// One planned failure.
#[derive(Debug, Clone, Copy)]
enum Plan {
    Store(Fault),
    Place(u64, PlaceFault),
}

fn plans((store, places): (u64, u64)) -> Vec<Plan> {
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

/// The attributes of a file, which the head of the desk sees.
async fn look(vault: &Vault, record: RecordId) -> Result<(), VaultError> {
    let input = oubliette::vault::RevealInput { record, classes: vec![class("attributes")] };
    vault.reveal(&head(), &care(), input).await.map(drop)
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

#[test]
fn a_record_past_its_date_is_left_to_the_purge() {
    let house = House::founded(419);
    run(async {
        let vault = house.start().unwrap();
        let record = filed(&vault, "EXEMPLE-A", "2020-08-24").await.unwrap().record;
        house.clock.advance_millis(DAY_MS);
        let answer = erase(&vault, &[record]).await.unwrap();
        assert!(matches!(answer.items[0].1, Err(VaultError::NotAvailable)));
        assert!(reveal_classes(&vault, record, &["identity"]).await.is_err());
    });
}
