//! A link lives no longer than its ends: by date, by an erasure, by a shortened date.

use oubliette::{
    ids::{RecordId, SubjectId},
    retention::verify,
    vault::{Intent, RequestKey, VaultError},
};

use super::{
    Scene, camille, create, found, hand_to, hearing, helene, person, reveal, scene, sorted,
    started, through, tie,
};
use crate::{
    house::{House, caller, date, events, rows, run, watch},
    reseal::slot_of,
};

fn is_stored(house: &House, record: RecordId) -> bool {
    rows(house, b'r').iter().any(|key| key[1..] == record.as_bytes()[..])
}

#[test]
fn a_link_expires_with_the_end_that_goes_first_and_by_its_own_rule_where_that_is_earlier() {
    let (house, vault) = started(820);
    run(async {
        let complaint = create(&vault, &camille(), person("complaints", "EXEMPLE")).await.unwrap();
        hand_to(&vault, complaint.record, "north").await;
        let mut young = person("witnesses", "TEMOIN");
        young.collected_on = date("2020-11-23");
        let witness = create(&vault, &camille(), young).await.unwrap();
        assert_eq!(witness.expires_on, date("2021-01-23"));
        // Three months by its own rule; its witness has two.
        let tied = tie(complaint.record, witness.record, "given");
        let tied = create(&vault, &camille(), tied).await.unwrap();
        assert_eq!(tied.expires_on, date("2021-01-23"));
        let mut old = tie(complaint.record, witness.record, "given");
        old.collected_on = date("2020-10-01");
        assert_eq!(create(&vault, &camille(), old).await.unwrap().expires_on, date("2021-01-01"));
        assert_eq!(found(&vault, &camille(), "complaint", complaint.record).await.len(), 2);
        house.pass_days(61);
        let keys = caller("keys-1", "keys", None);
        vault.confirm_clock(&keys, date("2021-01-23")).await.unwrap();
        vault.run_purge(&watch()).await.unwrap();
        assert!(found(&vault, &camille(), "complaint", complaint.record).await.is_empty());
        assert!(!is_stored(&house, witness.record), "purged in the same run");
        assert!(is_stored(&house, complaint.record));
    });
}

#[test]
fn a_link_goes_in_the_generation_that_erases_its_end_and_the_answer_names_only_what_was_asked() {
    let (house, vault) = started(821);
    run(async {
        let Scene { complaint, witnesses, ties } = scene(&vault).await;
        let slots = ties.map(|tied| slot_of(&house, tied));
        let why = || Intent {
            request: Some(RequestKey::new(
                oubliette::ids::RequestId::from_bytes([7; 16]),
                "erase",
                b"first",
            )),
            ..hearing()
        };
        let answer = vault.erase(&camille(), &why(), vec![witnesses[0]]).await.unwrap();
        let ids: Vec<RecordId> = answer.items.iter().map(|(id, _)| *id).collect();
        assert!(ids == [witnesses[0]] && answer.items[0].1.is_ok());
        let keyring = vault.log().keyring();
        assert_eq!(keyring.generation(), answer.generation, "one generation for both");
        assert!(!keyring.slot_lives(&slots[0]) && keyring.slot_lives(&slots[1]));
        assert_eq!(found(&vault, &camille(), "complaint", complaint).await, [ties[1]]);
        assert!(!is_stored(&house, ties[0]));
        let told = through(&vault, &helene(), (complaint, ties[0]), "identity").await;
        assert!(matches!(told, Err(VaultError::NotAvailable)));
        // The event and the certificate count both; the same request again tells of its own alone.
        let event = events(&vault, "erase").await.remove(0);
        assert_eq!(sorted(event.records.clone()), sorted(vec![witnesses[0], ties[0]]));
        let json = vault.certificate(&watch(), answer.certificate).await.unwrap();
        let key = vault.state().unwrap().certificate_verifier_key;
        assert_eq!(verify(&json, &key).unwrap().records, 2);
        let again = vault.erase(&camille(), &why(), vec![witnesses[0]]).await.unwrap();
        assert!(again.repeated && again.items.len() == 1);
        drop(vault);
        let vault = house.start().unwrap();
        assert_eq!(found(&vault, &camille(), "complaint", complaint).await, [ties[1]]);
    });
}

#[test]
fn a_subject_that_is_erased_takes_every_link_along_and_leaves_what_it_was_linked_to() {
    let (house, vault) = started(822);
    run(async {
        let subject = SubjectId::from_bytes([5; 16]);
        let mut input = person("complaints", "EXEMPLE");
        input.subject = Some(subject);
        let complaint = create(&vault, &camille(), input).await.unwrap().record;
        hand_to(&vault, complaint, "north").await;
        let (mut witnesses, mut slots) = (Vec::new(), Vec::new());
        for _ in 0..3 {
            let witness =
                create(&vault, &camille(), person("witnesses", "TEMOIN")).await.unwrap().record;
            let tied = create(&vault, &camille(), tie(complaint, witness, "given")).await.unwrap();
            slots.push(slot_of(&house, tied.record));
            witnesses.push(witness);
        }
        let answer = vault.erase_subject(&camille(), &hearing(), subject).await.unwrap();
        assert_eq!(answer.items.len(), 1);
        let keyring = vault.log().keyring();
        assert_eq!(keyring.generation(), answer.generation);
        assert!(slots.iter().all(|slot| !keyring.slot_lives(slot)));
        for witness in witnesses {
            assert!(reveal(&vault, &camille(), witness, "identity").await.is_ok());
            assert!(found(&vault, &camille(), "witness", witness).await.is_empty());
        }
        // Exchanged index keys leave nothing of them either.
        vault.run_purge(&watch()).await.unwrap();
        assert_eq!(rows(&house, b'r').len(), 3);
    });
}

#[test]
fn a_link_is_found_from_its_other_end_after_the_index_keys_were_exchanged_and_it_was_resealed() {
    let (house, vault) = started(823);
    run(async {
        let Scene { complaint, witnesses, ties } = scene(&vault).await;
        vault.erase(&camille(), &hearing(), vec![witnesses[0]]).await.unwrap();
        vault.run_purge(&watch()).await.unwrap();
        let change = super::consent(ties[1], 2, "given");
        vault.update_and_forget(&camille(), &hearing(), change).await.unwrap();
        for (end, record) in [("complaint", complaint), ("witness", witnesses[1])] {
            assert_eq!(found(&vault, &camille(), end, record).await, [ties[1]], "{end}");
        }
        let slot = slot_of(&house, ties[1]);
        vault.erase(&camille(), &hearing(), vec![complaint]).await.unwrap();
        assert!(!vault.log().keyring().slot_lives(&slot));
    });
}

#[test]
fn a_link_erased_beside_its_end_is_answered_for_itself_and_one_erased_alone_leaves_both_ends() {
    let (_house, vault) = started(824);
    run(async {
        let Scene { complaint, witnesses, ties } = scene(&vault).await;
        let answer =
            vault.erase(&camille(), &hearing(), vec![witnesses[0], ties[0]]).await.unwrap();
        assert!(answer.items.len() == 2 && answer.items.iter().all(|(_, item)| item.is_ok()));
        let answer = vault.erase(&camille(), &hearing(), vec![ties[1]]).await.unwrap();
        assert!(answer.items[0].1.is_ok());
        assert!(reveal(&vault, &camille(), complaint, "identity").await.is_ok());
        assert!(reveal(&vault, &camille(), witnesses[1], "identity").await.is_ok());
    });
}

#[test]
fn a_shortened_end_shortens_its_links_before_it() {
    let (_house, vault) = started(825);
    run(async {
        let Scene { complaint, witnesses, ties } = scene(&vault).await;
        vault.shorten(witnesses[0], date("2020-12-24")).unwrap();
        let shown = |record| {
            let vault = &vault;
            async move { reveal(vault, &camille(), record, "attributes").await.unwrap().expires_on }
        };
        assert_eq!(shown(ties[0]).await, date("2020-12-24"));
        assert_eq!(shown(ties[1]).await, date("2021-01-20"));
        assert_eq!(found(&vault, &camille(), "complaint", complaint).await, sorted(ties.to_vec()));
    });
}
