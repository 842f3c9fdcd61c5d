//! Who filed a record and when: kept by its head through every change, and what rules make of it.

use oubliette::{
    identity::NewAgent,
    ids::RecordId,
    vault::{ImportBatch, ImportRecord, Intent, VaultError},
};

use super::{camille, consent, create, hand_to, hearing, islander, person, reveal, started, tie};
use crate::house::{caller, events, new_agent, run};

const HOUR_MS: i64 = 60 * 60 * 1000;

fn closed<T>(answer: Result<T, VaultError>) -> bool {
    matches!(answer, Err(VaultError::NotAvailable))
}

#[test]
fn who_filed_a_record_sees_it_for_a_day_and_nobody_else_of_the_role_does() {
    let (house, vault) = started(800);
    run(async {
        let witness = person("witnesses", "EXEMPLE");
        let record = create(&vault, &camille(), witness).await.unwrap().record;
        let other = islander("carl", "complaints", "north");
        assert!(reveal(&vault, &camille(), record, "identity").await.is_ok());
        assert!(closed(reveal(&vault, &other, record, "identity").await));
        house.clock.advance_millis(24 * HOUR_MS - 1);
        assert!(reveal(&vault, &camille(), record, "identity").await.is_ok());
        house.clock.advance_millis(1);
        assert!(closed(reveal(&vault, &camille(), record, "identity").await));
    });
}

#[test]
fn an_imported_record_has_been_filed_too() {
    let (_house, vault) = started(801);
    run(async {
        let input = person("witnesses", "EXEMPLE");
        let collection = input.collection.clone();
        let records = vec![ImportRecord { request: None, input }];
        let batch = ImportBatch { collection, records };
        let answers = vault.import(&camille(), &hearing(), batch).await.unwrap();
        let record = answers[0].as_ref().unwrap().record;
        assert!(reveal(&vault, &camille(), record, "identity").await.is_ok());
    });
}

#[test]
fn an_assignment_an_update_a_move_and_a_restart_leave_who_filed_it_and_when() {
    let (house, vault) = started(802);
    run(async {
        let witness = create(&vault, &camille(), person("witnesses", "EXEMPLE")).await.unwrap();
        let complaint = create(&vault, &camille(), person("complaints", "MODELE")).await.unwrap();
        hand_to(&vault, complaint.record, "north").await;
        let tied = tie(complaint.record, witness.record, "none");
        let tied = create(&vault, &camille(), tied).await.unwrap().record;
        let change = |version, to| consent(tied, version, to);
        vault.update(&camille(), &hearing(), change(1, "given")).await.unwrap();
        hand_to(&vault, tied, "east").await;
        let forgotten =
            vault.update_and_forget(&camille(), &hearing(), change(3, "withdrawn")).await.unwrap();
        assert_eq!(forgotten.version, 4);
        drop(vault);
        let vault = house.start().unwrap();
        assert!(reveal(&vault, &camille(), tied, "attributes").await.is_ok());
        let other = islander("carl", "complaints", "north");
        assert!(closed(vault.update(&other, &hearing(), change(4, "given")).await));
        vault.update(&camille(), &hearing(), change(4, "given")).await.unwrap();
        // The age is of the filing, not of the last change.
        house.clock.advance_millis(23 * HOUR_MS);
        hand_to(&vault, witness.record, "east").await;
        assert!(reveal(&vault, &camille(), witness.record, "identity").await.is_ok());
        house.clock.advance_millis(HOUR_MS);
        assert!(closed(reveal(&vault, &camille(), witness.record, "identity").await));
    });
}

fn gazette() -> NewAgent {
    new_agent("gazette", "press", None)
}

#[test]
fn nobody_is_appointed_to_an_excluded_role_and_the_refusal_is_in_the_log() {
    let (_house, vault) = started(803);
    run(async {
        let keys = caller("keys-1", "keys", None);
        let refused = vault.create_agent(&keys, gazette()).await.err().unwrap();
        assert!(matches!(refused, VaultError::RoleExcluded), "{refused:?}");
        let event = events(&vault, "agent-create").await.remove(0);
        assert_eq!(event.outcome, "ROLE_EXCLUDED");
        assert!(event.notes.contains(&"agent=gazette".to_owned()), "{:?}", event.notes);
        let expert = new_agent("eve", "expert", None);
        assert!(vault.create_agent(&keys, expert).await.is_ok());
    });
}

#[test]
fn an_excluded_purpose_is_stated_denied_and_logged_with_its_forbid() {
    let (_house, vault) = started(804);
    run(async {
        let publish = || Intent {
            purpose: oubliette::ids::PurposeName::parse("publicity").unwrap(),
            ..hearing()
        };
        let filed = create(&vault, &camille(), person("complaints", "EXEMPLE")).await.unwrap();
        hand_to(&vault, filed.record, "north").await;
        let reads = |record: RecordId| oubliette::vault::RevealInput {
            record,
            classes: vec![crate::house::class("identity")],
            approval: None,
        };
        assert!(closed(vault.reveal(&camille(), &publish(), reads(filed.record)).await));
        let event = events(&vault, "reveal").await.remove(0);
        assert_eq!(event.purpose.as_ref().map(|p| p.as_str()), Some("publicity"));
        let policies: Vec<_> = event.policies.iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!(policies, ["no-publicity"]);
        let refused = vault.create(&camille(), &publish(), person("complaints", "MODELE")).await;
        let Err(VaultError::Denied { policies, .. }) = refused else { panic!("a denial") };
        assert_eq!(policies[0].reason, "nothing here is ever published");
        // What is on no list at all is another answer.
        let unknown = Intent {
            purpose: oubliette::ids::PurposeName::parse("curiosity").unwrap(),
            ..hearing()
        };
        let refused = vault.reveal(&camille(), &unknown, reads(filed.record)).await;
        assert!(matches!(refused, Err(VaultError::UnknownPurpose)));
    });
}

#[test]
fn one_agent_is_not_given_two_duties_that_the_pack_keeps_apart_and_another_is_given_either() {
    let (_house, vault) = started(805);
    run(async {
        let keys = caller("keys-1", "keys", None);
        for role in ["watch", "complaints"] {
            let refused = vault.create_agent(&keys, new_agent("keys-1", role, None)).await;
            assert!(matches!(refused, Err(VaultError::DutiesSeparated)), "{role}");
            let event = events(&vault, "agent-create").await.remove(0);
            assert_eq!(event.outcome, "DUTIES_SEPARATED");
            vault.create_agent(&keys, new_agent(&format!("{role}-9"), role, None)).await.unwrap();
        }
        // Two of one duty are only a name that is taken.
        let again = vault.create_agent(&keys, new_agent("keys-1", "keys", None)).await;
        assert!(matches!(again, Err(VaultError::Identity(_))));
    });
}

#[test]
fn an_undertaking_has_a_day_that_has_come_and_a_place_where_it_is_filed() {
    let (_house, vault) = started(806);
    run(async {
        let keys = caller("keys-1", "keys", None);
        let signed = |on: Option<&str>, at: Option<&str>| {
            let mut new = new_agent("eve", "expert", None);
            new.habilitation.undertaking_on = on.map(crate::house::date);
            new.habilitation.undertaking_ref = at.map(str::to_owned);
            new
        };
        for (on, at, path) in [
            (Some("2020-11-01"), None, "habilitation.undertaking_ref"),
            (Some("2020-11-01"), Some(" "), "habilitation.undertaking_ref"),
            (None, Some("register 7"), "habilitation.undertaking_on"),
            (Some("2020-11-24"), Some("register 7"), "habilitation.undertaking_on"),
        ] {
            let refused = vault.create_agent(&keys, signed(on, at)).await;
            let Err(VaultError::Invalid(violations)) = refused else { panic!("{on:?} {at:?}") };
            assert_eq!(violations.len(), 1);
            assert_eq!(violations[0].path, path);
        }
        vault.create_agent(&keys, signed(Some("2020-11-23"), Some("register 7"))).await.unwrap();
    });
}
