//! An update with and without the former version forgotten.

use oubliette::{
    ids::{CertificateId, HoldId},
    retention::verify,
    vault::{Vault, VaultError},
};

use super::{find, in_hand, look, name, renamed, rows_of, shown, slot_of, with_note};
use crate::house::{House, care, clerk, events, once, rows, run, watch};

/// The statement of a certificate, and its counts of records and generations.
async fn certified(vault: &Vault, id: CertificateId) -> (String, u64, (u64, u64), Option<String>) {
    let json = vault.certificate(&watch(), Some(id)).await.unwrap();
    assert!(json.contains("\"what\":\"reseal\""), "{json}");
    let summary = verify(&json, &vault.state().unwrap().certificate_verifier_key).unwrap();
    (summary.statement, summary.records, summary.generations, summary.t2)
}

#[test]
fn a_former_version_is_forgotten_before_the_answer_and_the_record_is_as_it_was_but_for_the_change()
{
    let house = House::founded(600);
    run(async {
        let vault = house.start().unwrap();
        let record = with_note(&vault, "EXEMPLE-A").await;
        let other = with_note(&vault, "EXEMPLE-B").await;
        let (old, kept) = (slot_of(&house, record), slot_of(&house, other));
        let before = vault.log().keyring().generation();
        let input = renamed(record, 2, "EXEMPLE-C");
        let changed = vault.update_and_forget(&clerk(), &care(), input).await.unwrap();
        assert_eq!((changed.version, changed.repeated), (3, false));
        let keyring = vault.log().keyring();
        assert!(!keyring.slot_lives(&old), "the former version opens for nobody");
        assert!(keyring.slot_lives(&slot_of(&house, record)) && keyring.slot_lives(&kept));
        let certificate = changed.certificate.unwrap();
        let (statement, records, generations, t2) = certified(&vault, certificate).await;
        assert!(statement.contains("former keys") && records == 1 && t2.is_none());
        assert_eq!(generations, (keyring.generation() - 1, keyring.generation()));
        assert!(keyring.generation() > before);
        assert_eq!(look(&vault, record).await.unwrap(), shown(3, "EXEMPLE-C"));
        assert_eq!(look(&vault, other).await.unwrap(), shown(2, "EXEMPLE-B"));
        assert_eq!(find(&vault, "EXEMPLE-C").await, [record]);
        assert!(find(&vault, "EXEMPLE-A").await.is_empty());
        assert!(in_hand(&vault, record).await);
        assert_eq!(rows(&house, b'p'), Vec::<Vec<u8>>::new());
        drop(vault);
        let vault = house.start().unwrap();
        assert_eq!(look(&vault, record).await.unwrap(), shown(3, "EXEMPLE-C"));
    });
}

#[test]
fn a_plain_update_leaves_the_former_version_to_whoever_has_the_key() {
    let house = House::founded(601);
    run(async {
        let vault = house.start().unwrap();
        let record = with_note(&vault, "EXEMPLE-A").await;
        let (old, generation) = (slot_of(&house, record), vault.log().keyring().generation());
        let input = renamed(record, 2, "EXEMPLE-C");
        let changed = vault.update(&clerk(), &care(), input).await.unwrap();
        assert_eq!((changed.version, changed.certificate), (3, None));
        assert_eq!(slot_of(&house, record), old);
        assert!(vault.log().keyring().slot_lives(&old));
        assert_eq!(vault.log().keyring().generation(), generation);
    });
}

#[test]
fn an_old_database_shows_a_former_version_that_was_only_changed_and_none_that_was_forgotten() {
    for forget in [false, true] {
        let mut house = House::founded(602);
        run(async {
            let vault = house.start().unwrap();
            let record = with_note(&vault, "EXEMPLE-A").await;
            let backup = house.disk.copy();
            let input = renamed(record, 2, "EXEMPLE-C");
            if forget {
                vault.update_and_forget(&clerk(), &care(), input).await.unwrap();
            } else {
                vault.update(&clerk(), &care(), input).await.unwrap();
            }
            drop(vault);
            house.disk = backup;
            let vault = house.start().unwrap();
            match look(&vault, record).await {
                Ok(seen) => assert!(!forget && seen == shown(2, "EXEMPLE-A")),
                Err(error) => assert!(forget && matches!(error, VaultError::NotAvailable)),
            }
        });
    }
}

#[test]
fn sent_again_it_answers_the_same_certificate_and_writes_no_generation() {
    let house = House::founded(603);
    run(async {
        let vault = house.start().unwrap();
        let record = with_note(&vault, "EXEMPLE-A").await;
        let why = once(1, "Update", "x");
        let input = || renamed(record, 2, "EXEMPLE-C");
        let first = vault.update_and_forget(&clerk(), &why, input()).await.unwrap();
        let generation = vault.log().keyring().generation();
        let again = vault.update_and_forget(&clerk(), &why, input()).await.unwrap();
        assert!(again.repeated && !first.repeated);
        assert_eq!((again.version, again.certificate), (first.version, first.certificate));
        assert_eq!(vault.log().keyring().generation(), generation);
        assert_eq!(look(&vault, record).await.unwrap(), shown(3, "EXEMPLE-C"));
    });
}

#[test]
fn with_a_place_away_nothing_is_changed_and_with_it_back_it_is() {
    let house = House::founded(604);
    run(async {
        let vault = house.start().unwrap();
        let record = with_note(&vault, "EXEMPLE-A").await;
        house.places.set_silent(1, true);
        let input = renamed(record, 2, "EXEMPLE-C");
        assert!(vault.update_and_forget(&clerk(), &care(), input).await.is_err());
        assert_eq!(look(&vault, record).await.unwrap(), shown(2, "EXEMPLE-A"));
        assert_eq!(rows(&house, b'p'), Vec::<Vec<u8>>::new());
        house.places.set_silent(1, false);
        let input = renamed(record, 2, "EXEMPLE-C");
        assert!(vault.update_and_forget(&clerk(), &care(), input).await.is_ok());
        assert_eq!(look(&vault, record).await.unwrap(), shown(3, "EXEMPLE-C"));
    });
}

#[test]
fn what_a_hold_keeps_is_not_forgotten_and_once_released_it_is() {
    let house = House::founded(605);
    run(async {
        let vault = house.start().unwrap();
        let record = with_note(&vault, "EXEMPLE-A").await;
        let id = HoldId::from_bytes([5; 16]);
        super::hold::place(&vault, id, record, vec![slot_of(&house, record)]);
        let input = || renamed(record, 2, "EXEMPLE-C");
        let refused = vault.update_and_forget(&clerk(), &care(), input()).await;
        assert!(matches!(refused, Err(VaultError::Held)));
        assert_eq!(look(&vault, record).await.unwrap(), shown(2, "EXEMPLE-A"));
        super::hold::release(&vault, id);
        assert!(vault.update_and_forget(&clerk(), &care(), input()).await.is_ok());
    });
}

#[test]
fn many_at_a_time_share_generations_and_each_has_its_certificate() {
    let house = House::founded(606);
    run(async {
        let vault = house.start().unwrap();
        let mut records = Vec::new();
        for number in 0..16 {
            records.push(with_note(&vault, &name(number)).await);
        }
        let before = vault.log().keyring().generation();
        let mut calls = tokio::task::JoinSet::new();
        for record in records.clone() {
            let vault = std::sync::Arc::clone(&vault);
            calls.spawn(async move {
                let input = renamed(record, 2, "EXEMPLE-C");
                vault.update_and_forget(&clerk(), &care(), input).await.unwrap().certificate
            });
        }
        let mut certificates = calls.join_all().await;
        certificates.sort();
        certificates.dedup();
        assert!(certificates.len() == 16 && certificates.iter().all(Option::is_some));
        let written = vault.log().keyring().generation() - before;
        assert!((1..=16).contains(&written), "{written} generations");
        for record in records {
            assert_eq!(look(&vault, record).await.unwrap(), shown(3, "EXEMPLE-C"));
            assert_eq!(rows_of(&house, b'r', record).len(), 1);
        }
    });
}

#[test]
fn the_events_name_the_slots_left_and_no_value() {
    let house = House::founded(607);
    run(async {
        let vault = house.start().unwrap();
        let record = with_note(&vault, "EXEMPLE-A").await;
        let old = slot_of(&house, record);
        let input = renamed(record, 2, "EXEMPLE-C");
        let changed = vault.update_and_forget(&clerk(), &care(), input).await.unwrap();
        let note = format!("certificate={}", changed.certificate.unwrap());
        let intent = events(&vault, "update").await.remove(0);
        assert!(intent.slots.contains(&old) && intent.notes.contains(&note));
        let done = events(&vault, "reseal").await.remove(0);
        assert_eq!((done.records.as_slice(), done.outcome.as_str()), (&[record][..], "OK"));
        assert!(done.notes.contains(&note) && done.slots.is_empty());
        assert!(!format!("{intent:?}{done:?}").contains("EXEMPLE"));
    });
}

#[test]
fn an_update_of_another_version_forgets_nothing() {
    let house = House::founded(608);
    run(async {
        let vault = house.start().unwrap();
        let record = with_note(&vault, "EXEMPLE-A").await;
        let old = slot_of(&house, record);
        let refused =
            vault.update_and_forget(&clerk(), &care(), renamed(record, 1, "EXEMPLE-C")).await;
        assert!(matches!(refused, Err(VaultError::VersionMismatch)));
        assert_eq!(slot_of(&house, record), old);
        assert!(vault.log().keyring().slot_lives(&old));
        assert!(events(&vault, "update").await.iter().all(|event| event.slots.is_empty()));
    });
}

#[test]
fn forgetting_reaches_what_an_unfinished_compaction_had_the_record_leave() {
    let house = House::founded(660);
    run(async {
        let vault = house.start().unwrap();
        let record = with_note(&vault, "EXEMPLE-A").await;
        let first = slot_of(&house, record);
        assert!(vault.compact(&first.seg).unwrap());
        vault.tick().unwrap();
        let second = slot_of(&house, record);
        let keyring = vault.log().keyring();
        assert!(second != first && keyring.slot_lives(&first), "moved, and not dropped yet");
        let (version, ..) = look(&vault, record).await.unwrap();
        let changed = renamed(record, version, "CHANGE");
        vault.update_and_forget(&clerk(), &care(), changed).await.unwrap();
        assert!(!keyring.slot_lives(&first) && !keyring.slot_lives(&second));
        assert_eq!(look(&vault, record).await.unwrap().1.as_deref(), Some("CHANGE"));
    });
}
