//! Erasure before the date: what is erased is gone for everybody, at whatever call it is cut; what is
//! not named is as it was.

mod cut;

pub(crate) use cut::{Plan, plans};

use std::sync::Arc;

use oubliette::{
    audit::{EventDetail, EventFilter},
    ids::{CertificateId, RecordId, SubjectId},
    retention::verify,
    vault::{CreateInput, EraseAnswer, Vault, VaultError},
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

/// The attributes of a file, which the head of the desk sees.
async fn look(vault: &Vault, record: RecordId) -> Result<(), VaultError> {
    let input = oubliette::vault::RevealInput {
        record,
        classes: vec![class("attributes")],
        approval: None,
    };
    vault.reveal(&head(), &care(), input).await.map(drop)
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

/// A file of this subject, given to nobody.
async fn of_subject(vault: &Vault, subject: SubjectId, name: &str) -> RecordId {
    let input = CreateInput { subject: Some(subject), ..island_file(name, "2020-11-20") };
    vault.create(&head(), &care(), input).await.unwrap().record
}

#[test]
fn every_record_of_a_subject_goes_and_nobody_else_s() {
    let house = House::founded(420);
    run(async {
        let vault = house.start().unwrap();
        let (subject, other) = (SubjectId::from_bytes([1; 16]), SubjectId::from_bytes([2; 16]));
        let mut own = Vec::new();
        for name in ["EXEMPLE-A", "EXEMPLE-B", "EXEMPLE-C"] {
            own.push(of_subject(&vault, subject, name).await);
        }
        let kept = of_subject(&vault, other, "EXEMPLE-D").await;
        let why = once(3, "EraseSubject", "x");
        let answer = vault.erase_subject(&head(), &why, subject).await.unwrap();
        assert_eq!(reasons(&answer), [None, None, None]);
        assert!(!answer.more && !answer.repeated);
        for record in own {
            assert!(gone(look(&vault, record).await));
            assert_eq!(rows_of(&house, record), Vec::<Vec<u8>>::new());
        }
        assert!(look(&vault, kept).await.is_ok());
        let logged = events(&vault, "erase").await;
        assert_eq!((logged[0].subject, logged[0].records.len()), (Some(subject), 3));
        let again = vault.erase_subject(&head(), &why, subject).await.unwrap();
        assert!(
            again.repeated && again.items.len() == 3 && again.certificate == answer.certificate
        );
        let anew = vault.erase_subject(&head(), &care(), subject).await;
        assert!(gone(anew), "nobody of this id is left");
    });
}

#[test]
fn a_subject_is_as_unknown_to_who_may_not_know_of_its_records_as_one_that_does_not_exist() {
    let house = House::founded(421);
    run(async {
        let vault = house.start().unwrap();
        let subject = SubjectId::from_bytes([1; 16]);
        let record = of_subject(&vault, subject, "EXEMPLE-A").await;
        assert!(gone(vault.erase_subject(&watch(), &care(), subject).await));
        let nobody = SubjectId::from_bytes([9; 16]);
        assert!(gone(vault.erase_subject(&watch(), &care(), nobody).await));
        assert!(look(&vault, record).await.is_ok());
        let logged = events(&vault, "erase").await;
        assert_eq!(logged.len(), 2, "both refusals are in the log");
        assert!(logged.iter().all(|event| event.records.is_empty()));
    });
}

#[test]
fn a_held_record_is_kept_and_says_so_and_the_one_beside_it_is_erased() {
    let house = House::founded(422);
    run(async {
        let vault = house.start().unwrap();
        let held = filed(&vault, "EXEMPLE-A", "2020-11-20").await.unwrap().record;
        let free = filed(&vault, "EXEMPLE-B", "2020-11-20").await.unwrap().record;
        crate::hold::hold(&vault, &[held]).await.unwrap();
        let answer = erase(&vault, &[held, free]).await.unwrap();
        let of = |id| &answer.items.iter().find(|(item, _)| *item == id).unwrap().1;
        assert!(matches!(of(held), Err(VaultError::Held)) && of(free).is_ok());
        assert!(reveal(&vault, held).await.is_ok());
        assert!(gone(reveal(&vault, free).await));
    });
}
