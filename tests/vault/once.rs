//! A write with a request id takes effect once: repeated, raced, cut, restarted, and forgotten with its
//! record.

use oubliette::{
    ids::UnitName,
    policy::Value,
    storage::memory::{Counted, Fault},
    vault::{AssignInput, Assignee, Created, UpdateInput, Vault, VaultError},
};

use crate::house::{
    House, caller, care, clerk, events, field, filed, head, island_file, island_file_without_note,
    once, reveal, rows, run, text_of, watch,
};

async fn create(vault: &Vault, id: u8, name: &str) -> Result<Created, VaultError> {
    vault.create(&head(), &once(id, "Create", name), island_file(name, "2020-11-20")).await
}

fn to_north(created: &Created) -> AssignInput {
    let to = Assignee::Unit(UnitName::parse("north").unwrap());
    AssignInput { record: created.record, to, until: None }
}

fn renamed(created: &Created, version: u32, name: &str) -> UpdateInput {
    UpdateInput {
        record: created.record,
        expected_version: version,
        attributes: Vec::new(),
        fields: vec![(field("family_name"), Some(Value::Text(name.to_owned())))],
    }
}

#[test]
fn a_create_sent_again_answers_the_first_record_and_another_id_files_another() {
    run(async {
        let house = House::founded(200);
        let vault = house.start().unwrap();
        let first = create(&vault, 1, "EXEMPLE").await.unwrap();
        let again = create(&vault, 1, "EXEMPLE").await.unwrap();
        assert!(!first.repeated && again.repeated);
        assert_eq!((again.record, again.subject), (first.record, first.subject));
        assert_eq!((again.version, again.expires_on), (first.version, first.expires_on));
        assert_eq!(rows(&house, b'r').len(), 1);
        let other = create(&vault, 2, "EXEMPLE").await.unwrap();
        assert_ne!(other.record, first.record);
        assert_eq!(rows(&house, b'r').len(), 2);
        // Both calls of the first id are in the log, and the second says what it was.
        let creates = events(&vault, "create").await;
        let notes: Vec<_> = creates.iter().map(|event| event.notes.join(",")).collect();
        assert_eq!(notes, ["", "repeated=1", ""]);
        assert!(creates[1..].iter().all(|event| event.records == [first.record]));
    });
}

#[test]
fn the_same_id_with_other_content_by_another_agent_or_for_another_method_is_refused() {
    run(async {
        let house = House::founded(201);
        let vault = house.start().unwrap();
        let first = create(&vault, 1, "EXEMPLE").await.unwrap();
        let reused = |answer: Result<Created, VaultError>| {
            assert!(matches!(answer, Err(VaultError::RequestIdReused)));
        };
        reused(create(&vault, 1, "EXEMPLE-AUTRE").await);
        let other_head = caller("head-2", "desk_head", None);
        let (why, input) = (once(1, "Create", "EXEMPLE"), island_file("EXEMPLE", "2020-11-20"));
        reused(vault.create(&other_head, &why, input).await);
        let assigned = vault.assign(&head(), &once(1, "Assign", "EXEMPLE"), to_north(&first)).await;
        assert!(matches!(assigned, Err(VaultError::RequestIdReused)));
        assert_eq!(rows(&house, b'r').len(), 1);
        let refused = events(&vault, "create").await;
        assert_eq!(refused[0].outcome, "REQUEST_ID_REUSED");
    });
}

#[test]
fn an_update_sent_again_answers_its_version_whatever_came_after_and_changes_nothing() {
    run(async {
        let vault = House::founded(202).start().unwrap();
        let file = filed(&vault, "EXEMPLE", "2020-11-20").await.unwrap();
        let why = once(3, "Update", "to BETA at 2");
        let first = vault.update(&clerk(), &why, renamed(&file, 2, "EXEMPLE-BETA")).await.unwrap();
        assert_eq!((first.version, first.repeated), (3, false));
        let later = renamed(&file, 3, "EXEMPLE-GAMMA");
        vault.update(&clerk(), &once(4, "Update", "to GAMMA at 3"), later).await.unwrap();
        let again = vault.update(&clerk(), &why, renamed(&file, 2, "EXEMPLE-BETA")).await.unwrap();
        assert_eq!((again.version, again.repeated), (3, true));
        let revealed = reveal(&vault, file.record).await.unwrap();
        assert_eq!(text_of(&revealed, "family_name"), Some("EXEMPLE-GAMMA"));
        assert_eq!(revealed.version, 4);
        // Without the id the same change is late.
        let late = vault.update(&clerk(), &care(), renamed(&file, 2, "EXEMPLE-BETA")).await;
        assert!(matches!(late, Err(VaultError::VersionMismatch)));
    });
}

#[test]
fn an_assignment_sent_again_is_answered_and_one_taken_back_stays_back() {
    run(async {
        let vault = House::founded(203).start().unwrap();
        let file = create(&vault, 1, "EXEMPLE").await.unwrap();
        let why = once(2, "Assign", "north");
        let first = vault.assign(&head(), &why, to_north(&file)).await.unwrap();
        let north = Assignee::Unit(UnitName::parse("north").unwrap());
        let back = once(3, "Unassign", "north");
        vault.unassign(&head(), &back, file.record, north.clone()).await.unwrap();
        let again = vault.assign(&head(), &why, to_north(&file)).await.unwrap();
        assert_eq!((again.version, again.repeated), (first.version, true));
        assert!(matches!(reveal(&vault, file.record).await, Err(VaultError::NotAvailable)));
        let again = vault.unassign(&head(), &back, file.record, north).await.unwrap();
        assert!(again.repeated);
    });
}

#[test]
fn a_create_sent_again_is_answered_as_it_was_though_it_could_not_be_filed_any_more() {
    run(async {
        let house = House::founded(214);
        let vault = house.start().unwrap();
        // Its note lives seven days from the 20th; after that nobody could file it like this.
        let first = create(&vault, 1, "EXEMPLE").await.unwrap();
        house.pass_days(5);
        let again = create(&vault, 1, "EXEMPLE").await.unwrap();
        assert!(again.repeated && again.record == first.record);
        let new = create(&vault, 2, "EXEMPLE").await;
        assert!(matches!(
            new,
            Err(VaultError::Retention(oubliette::retention::RetentionError::AlreadyExpired))
        ));
    });
}

#[test]
fn a_refused_write_leaves_its_id_free() {
    run(async {
        let vault = House::founded(204).start().unwrap();
        let why = once(5, "Create", "EXEMPLE");
        let input = || island_file("EXEMPLE", "2020-11-20");
        let refused = vault.create(&clerk(), &why, input()).await;
        assert!(matches!(refused, Err(VaultError::Denied { .. })));
        let filed = vault.create(&head(), &why, input()).await.unwrap();
        assert!(!filed.repeated);
    });
}

#[test]
fn of_many_calls_with_one_id_at_the_same_time_one_writes_and_all_answer_the_same_record() {
    run(async {
        let house = House::founded(205);
        let vault = house.start().unwrap();
        let calls: Vec<_> = (0..16)
            .map(|_| {
                let vault = std::sync::Arc::clone(&vault);
                tokio::spawn(async move { create(&vault, 9, "EXEMPLE").await })
            })
            .collect();
        let mut answers = Vec::new();
        for call in calls {
            answers.push(call.await.unwrap().unwrap());
        }
        assert!(answers.iter().all(|answer| answer.record == answers[0].record));
        assert_eq!(answers.iter().filter(|answer| !answer.repeated).count(), 1);
        assert_eq!(rows(&house, b'r').len(), 1);
    });
}

#[test]
fn of_many_changes_with_one_id_at_the_same_time_one_is_done_and_all_answer_its_version() {
    run(async {
        let vault = House::founded(213).start().unwrap();
        let file = filed(&vault, "EXEMPLE", "2020-11-20").await.unwrap();
        for round in 0..8 {
            let version = 2 + u32::from(round);
            let calls: Vec<_> = (0..6)
                .map(|_| {
                    let (vault, file) = (std::sync::Arc::clone(&vault), file.clone());
                    let why = once(100 + round, "Update", &format!("round {round}"));
                    tokio::spawn(async move {
                        vault.update(&clerk(), &why, renamed(&file, version, "EXEMPLE-BETA")).await
                    })
                })
                .collect();
            let mut new = 0;
            for call in calls {
                let changed = call.await.unwrap().unwrap();
                assert_eq!(changed.version, version + 1);
                new += u32::from(!changed.repeated);
            }
            assert_eq!(new, 1);
        }
    });
}

#[test]
fn a_create_cut_anywhere_and_sent_again_after_the_restart_is_there_exactly_once() {
    let base = House::founded(206);
    let calls = {
        let house = base.copy(207);
        run(async {
            let vault = house.start().unwrap();
            house.disk.heal();
            create(&vault, 1, "EXEMPLE").await.unwrap();
            house.disk.calls(Counted::All)
        })
    };
    assert!(calls > 3, "{calls}");
    for n in 0..calls {
        for fault in [Fault::FailAndNotPersist(n), Fault::FailButPersist(n), Fault::DeadFrom(n)] {
            let house = base.copy(208);
            run(async {
                let vault = house.start().unwrap();
                house.disk.inject(Counted::All, fault);
                let first = create(&vault, 1, "EXEMPLE").await;
                vault.drain();
                drop(vault);
                let vault = house.start().unwrap();
                let again = create(&vault, 1, "EXEMPLE").await.unwrap();
                assert_eq!(rows(&house, b'r').len(), 1, "{fault:?}");
                assert_eq!(rows(&house, b'q').len(), 2, "{fault:?}");
                if let Ok(first) = first {
                    assert!(again.repeated && again.record == first.record, "{fault:?}");
                }
            });
        }
    }
}

#[test]
fn request_rows_go_with_their_record_and_those_of_a_live_one_stay() {
    run(async {
        let house = House::founded(209);
        let vault = house.start().unwrap();
        let file = |name: &str, day: &str| island_file_without_note(name, day);
        let due = once(1, "Create", "due");
        let due_file = vault.create(&head(), &due, file("EXEMPLE-DU", "2020-08-24")).await.unwrap();
        vault.assign(&head(), &once(2, "Assign", "due"), to_north(&due_file)).await.unwrap();
        let live = once(3, "Create", "live");
        vault.create(&head(), &live, file("EXEMPLE-VIF", "2020-11-20")).await.unwrap();
        assert_eq!(rows(&house, b'q').len(), 6);
        house.pass_days(1);
        vault.run_purge(&watch()).await.unwrap();
        let left = rows(&house, b'q');
        assert_eq!(left.len(), 2);
        assert!(left.iter().any(|key| key[1..] == [3; 16]));
        let again = vault.create(&head(), &live, file("EXEMPLE-VIF", "2020-11-20")).await.unwrap();
        assert!(again.repeated);
        // The id of the purged record means nothing any more.
        let new = vault.create(&head(), &due, file("EXEMPLE-NEUF", "2020-11-24")).await.unwrap();
        assert!(!new.repeated);
    });
}

#[test]
fn an_old_database_brings_no_purged_request_back_and_keeps_those_of_live_records() {
    run(async {
        let house = House::founded(212);
        let file = |name: &str, day: &str| island_file_without_note(name, day);
        let (due, live) = (once(1, "Create", "due"), once(2, "Create", "live"));
        let backup;
        {
            let vault = house.start().unwrap();
            vault.create(&head(), &due, file("EXEMPLE-DU", "2020-08-24")).await.unwrap();
            vault.create(&head(), &live, file("EXEMPLE-VIF", "2020-11-20")).await.unwrap();
            vault.drain();
            backup = house.disk.copy();
        }
        house.pass_days(1);
        {
            let vault = house.start().unwrap();
            vault.run_purge(&watch()).await.unwrap();
            vault.drain();
        }
        let restored = House { disk: backup, ..house };
        assert_eq!(rows(&restored, b'q').len(), 4, "the backup holds both");
        let vault = restored.start().unwrap();
        assert_eq!(rows(&restored, b'q').len(), 2, "the start swept what belongs to nothing");
        let again = vault.create(&head(), &live, file("EXEMPLE-VIF", "2020-11-20")).await.unwrap();
        assert!(again.repeated);
        let new = vault.create(&head(), &due, file("EXEMPLE-NEUF", "2020-11-24")).await.unwrap();
        assert!(!new.repeated);
    });
}

#[test]
fn a_request_id_chosen_to_look_like_a_cohort_is_not_swept_with_it() {
    run(async {
        let house = House::founded(210);
        let vault = house.start().unwrap();
        let due = island_file_without_note("EXEMPLE-DU", "2020-08-24");
        vault.create(&head(), &once(1, "Create", "due"), due).await.unwrap();
        let found_by = rows(&house, b'q').into_iter().find(|key| key.len() == 49).unwrap();
        let cohort: [u8; 16] = found_by[1..17].try_into().unwrap();
        let id = oubliette::ids::RequestId::from_bytes(cohort);
        let request = Some(oubliette::vault::RequestKey::new(id, "Create", b"live"));
        let why = oubliette::vault::Intent { request, ..care() };
        let live = || island_file_without_note("EXEMPLE-VIF", "2020-11-20");
        vault.create(&head(), &why, live()).await.unwrap();
        house.pass_days(1);
        vault.run_purge(&watch()).await.unwrap();
        assert!(vault.create(&head(), &why, live()).await.unwrap().repeated);
    });
}

#[test]
fn a_request_row_that_was_changed_on_disk_is_not_believed() {
    run(async {
        let house = House::founded(211);
        let vault = house.start().unwrap();
        create(&vault, 1, "EXEMPLE").await.unwrap();
        house.disk.tamper(|rows| {
            let (_, row) =
                rows.iter_mut().find(|(key, _)| key.len() == 17 && key[0] == b'q').unwrap();
            *row.last_mut().unwrap() ^= 1;
        });
        let answer = create(&vault, 1, "EXEMPLE").await;
        assert!(matches!(answer, Err(VaultError::Corrupt("request"))));
    });
}
