//! Restriction: what is restricted is kept and read by nobody whose permit does not say so, until it is
//! lifted; it reaches every record of the person and no other's.

use oubliette::{
    ids::{AgentId, RecordId},
    policy::Value,
    vault::{
        AssignInput, Assignee, CreateInput, Intent, Restricted, RevealInput, UpdateInput, Vault,
        VaultError,
    },
};

use crate::{
    counter::{because, because_once, counter_house, file_of, person, rights},
    house::{
        caller, care, class, clerk, events, field, head, island_file_without_note, reveal, run,
        watch,
    },
};

fn changed(records: u32) -> Restricted {
    Restricted { records, ..Restricted::default() }
}

async fn restrict(vault: &Vault, number: u8, to: bool) -> Result<Restricted, VaultError> {
    vault.restrict_subject(&rights(), &because(), person(number), to).await
}

fn denied<T>(answer: Result<T, VaultError>) -> bool {
    matches!(answer, Err(VaultError::Denied { .. } | VaultError::NotAvailable))
}

async fn desk_reads(vault: &Vault, record: RecordId) -> bool {
    let input = RevealInput { record, classes: vec![class("identity")], approval: None };
    vault.reveal(&rights(), &care(), input).await.is_ok()
}

fn renamed(record: RecordId, expected_version: u32, name: &str) -> UpdateInput {
    UpdateInput {
        record,
        expected_version,
        attributes: Vec::new(),
        fields: vec![(field("family_name"), Some(Value::Text(name.to_owned())))],
    }
}

#[test]
fn what_is_restricted_is_closed_to_its_clerk_and_open_to_the_rights_desk_until_it_is_lifted() {
    run(async {
        let vault = counter_house(800).start().unwrap();
        let mine = file_of(&vault, person(1), "EXEMPLE-A").await;
        let also = file_of(&vault, person(1), "EXEMPLE-B").await;
        let other = file_of(&vault, person(2), "EXEMPLE-C").await;
        assert_eq!(restrict(&vault, 1, true).await.unwrap(), changed(2));
        for record in [mine, also] {
            assert!(denied(reveal(&vault, record).await));
            let input = renamed(record, 3, "EXEMPLE-D");
            assert!(denied(vault.update(&clerk(), &care(), input).await));
            assert!(desk_reads(&vault, record).await);
        }
        assert!(reveal(&vault, other).await.is_ok(), "another person's file");
        let logged = events(&vault, "restrict").await;
        assert_eq!(logged.len(), 1, "one event for all records");
        assert_eq!((logged[0].subject, logged[0].records.len()), (Some(person(1)), 2));
        assert_eq!(logged[0].notes, ["restricted=1"]);
        assert_eq!(logged[0].policies[0].0, "rights-restricts");
        // Already so: nothing is written, and nothing is wrong.
        assert_eq!(restrict(&vault, 1, true).await.unwrap(), changed(0));
        assert_eq!(restrict(&vault, 1, false).await.unwrap(), changed(2));
        for record in [mine, also] {
            assert_eq!(reveal(&vault, record).await.unwrap().version, 4);
        }
        assert_eq!(events(&vault, "restrict").await[0].notes, ["restricted=0"]);
    });
}

#[test]
fn a_restriction_survives_a_change_an_assignment_a_move_to_other_slots_and_a_restart() {
    run(async {
        let house = counter_house(801);
        let mut vault = house.start().unwrap();
        let record = file_of(&vault, person(1), "EXEMPLE-A").await;
        restrict(&vault, 1, true).await.unwrap();
        vault.update(&rights(), &care(), renamed(record, 3, "EXEMPLE-B")).await.unwrap();
        assert!(denied(reveal(&vault, record).await), "after a change");
        let to = Assignee::Agent(AgentId::parse("keys-1").unwrap());
        let input = AssignInput { record, to, until: None };
        vault.assign(&head(), &care(), input).await.unwrap();
        assert!(denied(reveal(&vault, record).await), "after an assignment");
        let input = renamed(record, 5, "EXEMPLE-C");
        vault.update_and_forget(&rights(), &care(), input).await.unwrap();
        assert!(denied(reveal(&vault, record).await), "after a move");
        vault.drain();
        drop(vault);
        vault = house.start().unwrap();
        assert!(denied(reveal(&vault, record).await), "after a restart");
        assert!(desk_reads(&vault, record).await);
        restrict(&vault, 1, false).await.unwrap();
        assert!(reveal(&vault, record).await.is_ok(), "lifted");
    });
}

#[test]
fn a_restriction_without_a_reason_is_refused_before_anything_is_looked_up() {
    run(async {
        let vault = counter_house(802).start().unwrap();
        let record = file_of(&vault, person(1), "EXEMPLE-A").await;
        for number in [1, 9] {
            let answer = vault.restrict_subject(&rights(), &care(), person(number), true).await;
            let Err(VaultError::Invalid(violations)) = answer else { panic!("{number}") };
            assert_eq!(violations[0].path, "intent.justification");
        }
        assert!(reveal(&vault, record).await.is_ok());
        let logged = events(&vault, "restrict").await;
        assert!(logged.len() == 2 && logged.iter().all(|e| e.outcome == "INVALID_FIELDS"));
    });
}

#[test]
fn an_absent_person_and_one_who_is_none_of_the_caller_s_business_answer_alike() {
    run(async {
        let vault = counter_house(803).start().unwrap();
        let record = file_of(&vault, person(1), "EXEMPLE-A").await;
        for number in [1, 9] {
            let answer = vault.restrict_subject(&watch(), &because(), person(number), true).await;
            assert!(matches!(answer, Err(VaultError::NotAvailable)), "{number}");
        }
        let logged = events(&vault, "restrict").await;
        assert_eq!(logged.len(), 2, "both are in the log");
        assert!(logged.iter().all(|e| e.records.is_empty() && e.collection.is_none()));
        assert_eq!(
            (&logged[0].outcome, &logged[0].decision),
            (&logged[1].outcome, &logged[1].decision)
        );
        // Who knows of it and may not do it is told so.
        let refused = vault.restrict_subject(&clerk(), &because(), person(1), true).await;
        assert!(matches!(refused, Err(VaultError::Denied { .. })));
        let stranger = caller("clerk-2", "clerk", Some("south"));
        let unknown = vault.restrict_subject(&stranger, &because(), person(1), true).await;
        assert!(matches!(unknown, Err(VaultError::NotAvailable)));
        assert!(reveal(&vault, record).await.is_ok());
    });
}

#[test]
fn the_same_request_again_is_told_what_the_first_did_and_another_of_its_id_is_refused() {
    run(async {
        let vault = counter_house(804).start().unwrap();
        let record = file_of(&vault, person(1), "EXEMPLE-A").await;
        let send = async |why: Intent, to: bool| {
            vault.restrict_subject(&rights(), &why, person(1), to).await
        };
        assert_eq!(send(because_once(1, "on"), true).await.unwrap(), changed(1));
        send(because_once(2, "off"), false).await.unwrap();
        // Repeated late, the first call does not restrict again what was lifted since.
        let again = send(because_once(1, "on"), true).await.unwrap();
        assert_eq!(again, Restricted { repeated: true, ..changed(1) });
        assert!(reveal(&vault, record).await.is_ok());
        let reused = send(because_once(1, "off"), false).await;
        assert!(matches!(reused, Err(VaultError::RequestIdReused)));
    });
}

#[test]
fn a_restriction_and_a_change_at_the_same_time_both_count_or_the_change_is_told() {
    run(async {
        let vault = counter_house(805).start().unwrap();
        for number in 1..=20 {
            let record = file_of(&vault, person(number), "EXEMPLE-A").await;
            let changing = {
                let vault = vault.clone();
                let input = renamed(record, 2, "EXEMPLE-B");
                tokio::spawn(async move { vault.update(&rights(), &care(), input).await })
            };
            let restricting = {
                let vault = vault.clone();
                tokio::spawn(async move { restrict(&vault, number, true).await })
            };
            assert_eq!(restricting.await.unwrap().unwrap(), changed(1));
            let updated = changing.await.unwrap();
            assert!(matches!(updated, Ok(_) | Err(VaultError::VersionMismatch)));
            assert!(denied(reveal(&vault, record).await), "{number}");
            let input = RevealInput { record, classes: vec![class("identity")], approval: None };
            let shown = vault.reveal(&rights(), &care(), input).await.unwrap();
            assert_eq!(shown.version, if updated.is_ok() { 4 } else { 3 });
        }
    });
}

#[test]
fn as_many_records_as_the_bound_are_restricted_in_one_call_and_the_others_in_the_next() {
    run(async {
        let vault = counter_house(806).start().unwrap();
        for _ in 0..257 {
            let file = island_file_without_note("EXEMPLE-A", "2020-11-20");
            let input = CreateInput { subject: Some(person(1)), ..file };
            vault.create(&head(), &care(), input).await.unwrap();
        }
        let first = restrict(&vault, 1, true).await.unwrap();
        assert_eq!(first, Restricted { more: true, ..changed(256) });
        assert_eq!(restrict(&vault, 1, true).await.unwrap(), changed(1));
        assert_eq!(restrict(&vault, 1, true).await.unwrap(), changed(0));
        assert_eq!(events(&vault, "restrict").await[2].records.len(), 256);
    });
}
