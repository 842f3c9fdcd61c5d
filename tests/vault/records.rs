//! Create, reveal, update, assign: what each caller gets, in allowed and denied pairs.

use oubliette::{
    clock::Timestamp,
    ids::{AgentId, RecordId, TerritoryName, UnitName},
    policy::{FieldStatus, Value},
    retention::RetentionError,
    vault::{AssignInput, Assignee, UpdateInput, VaultError},
};

use crate::house::{
    DAY_MS, House, START_MS, caller, care, class, clerk, field, filed, head, island_file, reveal,
    reveal_classes, run, text_of,
};

fn to_unit(name: &str) -> Assignee {
    Assignee::Unit(UnitName::parse(name).unwrap())
}

#[test]
fn a_clerk_reveals_the_file_of_her_unit_and_another_clerk_learns_nothing() {
    run(async {
        let vault = House::founded(1).start().unwrap();
        let file = filed(&vault, "EXEMPLE-ALPHA", "2020-11-20").await.unwrap();
        assert_eq!(file.expires_on.to_string(), "2021-02-20");
        let revealed = reveal(&vault, file.record).await.unwrap();
        assert_eq!(text_of(&revealed, "family_name"), Some("EXEMPLE-ALPHA"));

        let stranger = caller("clerk-2", "clerk", Some("south"));
        let input = oubliette::vault::RevealInput {
            record: file.record,
            classes: vec![class("identity")],
            approval: None,
        };
        let refused = vault.reveal(&stranger, &care(), input).await;
        assert!(matches!(refused, Err(VaultError::NotAvailable)));
    });
}

#[test]
fn absent_and_forbidden_records_give_the_same_answer() {
    run(async {
        let vault = House::founded(2).start().unwrap();
        let file = filed(&vault, "EXEMPLE", "2020-11-20").await.unwrap();
        let stranger = caller("clerk-2", "clerk", Some("south"));
        let mut answers = Vec::new();
        for record in [file.record, RecordId::from_bytes([0xee; 16])] {
            let input = oubliette::vault::RevealInput {
                record,
                classes: vec![class("identity")],
                approval: None,
            };
            answers.push(vault.reveal(&stranger, &care(), input).await.err().unwrap().to_string());
        }
        assert_eq!(answers, ["not available", "not available"]);
    });
}

#[test]
fn each_field_has_its_status_and_denied_is_not_absent() {
    run(async {
        let vault = House::founded(3).start().unwrap();
        let file = filed(&vault, "EXEMPLE", "2020-11-20").await.unwrap();
        let answer = reveal_classes(&vault, file.record, &["identity", "phone", "note"]).await;
        let revealed = answer.unwrap();
        let status = |name: &str| {
            revealed.fields.iter().find(|f| f.field.as_str() == name).map(|f| f.status).unwrap()
        };
        assert_eq!(status("family_name"), FieldStatus::Value);
        assert_eq!(status("born_on"), FieldStatus::Absent);
        assert_eq!(status("phone"), FieldStatus::Denied);
        assert_eq!(status("memo"), FieldStatus::Absent);
    });
}

#[test]
fn a_masked_class_shows_what_its_mask_leaves() {
    run(async {
        let vault = House::founded(4).start().unwrap();
        let file = filed(&vault, "EXEMPLE", "2020-11-20").await.unwrap();
        let to = Assignee::Agent(AgentId::parse("keys-1").unwrap());
        let input = AssignInput { record: file.record, to, until: None };
        vault.assign(&head(), &care(), input).await.unwrap();
        let assigned = caller("keys-1", "clerk", Some("south"));
        let input = oubliette::vault::RevealInput {
            record: file.record,
            classes: vec![class("phone")],
            approval: None,
        };
        let revealed = vault.reveal(&assigned, &care(), input).await.unwrap();
        let phone = &revealed.fields[0];
        assert_eq!(phone.status, FieldStatus::Masked);
        let Some(Value::Text(shown)) = &phone.value else { panic!("a masked text") };
        assert!(shown.ends_with("56") && !shown.contains("1234"), "{shown}");
    });
}

#[test]
fn an_update_at_the_version_read_is_kept_and_one_at_an_older_version_is_refused() {
    run(async {
        let vault = House::founded(5).start().unwrap();
        let file = filed(&vault, "EXEMPLE", "2020-11-20").await.unwrap();
        let version = reveal(&vault, file.record).await.unwrap().version;
        let change = |expected_version, name: &str| UpdateInput {
            record: file.record,
            expected_version,
            attributes: Vec::new(),
            fields: vec![(field("family_name"), Some(Value::Text(name.to_owned())))],
        };
        let next = vault.update(&clerk(), &care(), change(version, "EXEMPLE-BETA")).await.unwrap();
        assert_eq!((next.version, next.repeated), (version + 1, false));
        let stale = vault.update(&clerk(), &care(), change(version, "EXEMPLE-GAMMA")).await;
        assert!(matches!(stale, Err(VaultError::VersionMismatch)));
        let revealed = reveal(&vault, file.record).await.unwrap();
        assert_eq!(text_of(&revealed, "family_name"), Some("EXEMPLE-BETA"));
        assert_eq!(revealed.expires_on.to_string(), "2021-02-20", "an edit never moves the date");
    });
}

#[test]
fn a_required_field_cannot_be_cleared_and_an_optional_one_can() {
    run(async {
        let vault = House::founded(6).start().unwrap();
        let file = filed(&vault, "EXEMPLE", "2020-11-20").await.unwrap();
        let clear = |version, name: &str| UpdateInput {
            record: file.record,
            expected_version: version,
            attributes: Vec::new(),
            fields: vec![(field(name), None)],
        };
        let refused = vault.update(&clerk(), &care(), clear(2, "family_name")).await;
        let Err(VaultError::Invalid(violations)) = refused else { panic!("a violation") };
        assert_eq!(violations[0].path, "family_name");
        vault.update(&clerk(), &care(), clear(2, "born_on")).await.unwrap();
    });
}

#[test]
fn nobody_assigns_to_himself_and_an_assignment_ends_when_it_is_taken_back() {
    run(async {
        let vault = House::founded(7).start().unwrap();
        let file = filed(&vault, "EXEMPLE", "2020-11-20").await.unwrap();
        let me = caller("keys-1", "desk_head", None);
        let to = Assignee::Agent(me.agent.clone());
        let input = AssignInput { record: file.record, to, until: None };
        let refused = vault.assign(&me, &care(), input).await;
        assert!(matches!(refused, Err(VaultError::Denied { .. })));

        vault.unassign(&head(), &care(), file.record, to_unit("north")).await.unwrap();
        assert!(matches!(reveal(&vault, file.record).await, Err(VaultError::NotAvailable)));
    });
}

#[test]
fn an_assignment_runs_out_at_its_end() {
    run(async {
        let house = House::founded(8);
        let vault = house.start().unwrap();
        let file = filed(&vault, "EXEMPLE", "2020-11-20").await.unwrap();
        let until = Some(Timestamp::from_millis(START_MS + 3_600_000));
        let input = AssignInput { record: file.record, to: to_unit("north"), until };
        vault.assign(&head(), &care(), input).await.unwrap();
        assert!(reveal(&vault, file.record).await.is_ok());
        house.clock.advance_millis(3_600_000);
        assert!(matches!(reveal(&vault, file.record).await, Err(VaultError::NotAvailable)));
    });
}

#[test]
fn data_of_tomorrow_or_past_its_date_is_refused_and_todays_is_kept() {
    run(async {
        let vault = House::founded(9).start().unwrap();
        let try_on = |day: &'static str| {
            let vault = &vault;
            async move { vault.create(&head(), &care(), island_file("EXEMPLE", day)).await }
        };
        let future = try_on("2020-11-24").await;
        assert!(matches!(future, Err(VaultError::Retention(RetentionError::FutureDate))));
        let past = try_on("2020-08-23").await;
        assert!(matches!(past, Err(VaultError::Retention(RetentionError::AlreadyExpired))));
        assert!(try_on("2020-11-23").await.is_ok());
    });
}

#[test]
fn a_class_with_a_shorter_period_expires_while_its_record_lives() {
    run(async {
        let house = House::founded(10);
        let vault = house.start().unwrap();
        let file =
            vault.create(&head(), &care(), island_file("EXEMPLE", "2020-11-20")).await.unwrap();
        let input = AssignInput { record: file.record, to: to_unit("north"), until: None };
        vault.assign(&head(), &care(), input).await.unwrap();
        let memo = |revealed: &oubliette::vault::Revealed| {
            revealed.fields.iter().find(|f| f.field.as_str() == "memo").map(|f| f.status).unwrap()
        };
        let before = reveal_classes(&vault, file.record, &["identity", "note"]).await.unwrap();
        assert_eq!(memo(&before), FieldStatus::Value);
        for _ in 0..4 {
            house.clock.advance_millis(DAY_MS);
            vault.tick().unwrap();
        }
        let after = reveal_classes(&vault, file.record, &["identity", "note"]).await.unwrap();
        assert_eq!(memo(&after), FieldStatus::Expired);
        assert_eq!(text_of(&after, "family_name"), Some("EXEMPLE"));
    });
}

#[test]
fn an_unknown_field_is_refused_with_its_path_and_without_its_value() {
    run(async {
        let vault = House::founded(11).start().unwrap();
        let mut input = island_file("EXEMPLE", "2020-11-20");
        input.fields.push((field("illness"), Value::Text("diabète".to_owned())));
        let refused = vault.create(&head(), &care(), input).await;
        let Err(VaultError::Invalid(violations)) = refused else { panic!("a violation") };
        assert!(violations.iter().any(|v| v.path.contains("illness")));
        assert!(violations.iter().all(|v| !v.reason.contains("diab") && !v.path.contains("diab")));
    });
}

#[test]
fn a_denial_names_the_refused_class_and_not_the_policy_that_allowed_the_others() {
    run(async {
        let vault = House::founded(12).start().unwrap();
        let file = filed(&vault, "EXEMPLE", "2020-11-20").await.unwrap();
        let refused = reveal_classes(&vault, file.record, &["phone"]).await;
        let Err(VaultError::Denied { classes, policies }) = refused else { panic!("a denial") };
        assert_eq!(classes, [class("phone")]);
        assert!(policies.iter().all(|p| p.id != "clerk-own-files"), "{policies:?}");
        let typo = reveal_classes(&vault, file.record, &["identty"]).await;
        assert!(matches!(typo, Err(VaultError::Invalid(_))));
    });
}

#[test]
fn the_last_who_may_appoint_or_audit_is_not_revoked_and_one_of_two_is() {
    run(async {
        let vault = House::founded(13).start().unwrap();
        let keys = caller("keys-1", "keys", None);
        for last in ["keys-1", "watch-1"] {
            let refused = vault.revoke_agent(&keys, AgentId::parse(last).unwrap()).await;
            assert!(matches!(refused, Err(VaultError::Invalid(_))), "{last}");
        }
        let second = crate::house::new_agent("watch-2", "watch", None);
        vault.create_agent(&keys, second).await.unwrap();
        vault.revoke_agent(&keys, AgentId::parse("watch-1").unwrap()).await.unwrap();
    });
}

#[test]
fn a_file_that_moves_to_another_territory_leaves_the_eyes_of_the_first() {
    run(async {
        let vault = House::founded(14).start().unwrap();
        let file = filed(&vault, "EXEMPLE", "2020-11-20").await.unwrap();
        let islander = || {
            let mut clerk = caller("clerk-3", "clerk", Some("north"));
            clerk.habilitation.territory = Some(TerritoryName::parse("island").unwrap());
            clerk
        };
        let input = || oubliette::vault::RevealInput {
            record: file.record,
            classes: vec![class("identity")],
            approval: None,
        };
        assert!(vault.reveal(&islander(), &care(), input()).await.is_ok());
        let moved = UpdateInput {
            record: file.record,
            expected_version: 2,
            attributes: vec![(field("territory"), Some(Value::Text("mainland".to_owned())))],
            fields: Vec::new(),
        };
        vault.update(&clerk(), &care(), moved).await.unwrap();
        assert!(vault.reveal(&islander(), &care(), input()).await.is_err());
        let revealed = reveal(&vault, file.record).await.unwrap();
        assert_eq!(revealed.expires_on.to_string(), "2021-02-20", "a move never moves the date");
    });
}
