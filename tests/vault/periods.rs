//! Data never outlives its rule: not through an update, not through a clock set back or run ahead,
//! and not by keeping quiet. Refusals of every kind leave their event.

use oubliette::{
    clock::Clock as _,
    ids::{AgentId, PurposeName, RecordId, UnitName},
    policy::{FieldStatus, Value},
    retention::RetentionError,
    storage::keys,
    vault::{AssignInput, Assignee, Intent, RevealInput, UpdateInput, Vault, VaultError},
};

use crate::house::{
    DAY_MS, House, caller, care, class, clerk, field, filed, head, island_file,
    island_file_without_note, new_agent, reveal, reveal_classes, run,
};

/// Days pass one by one, with the vault's own work done on each.
fn live_through(house: &House, vault: &Vault, days: usize) {
    for _ in 0..days {
        house.clock.advance_millis(DAY_MS);
        vault.tick().unwrap();
    }
}

async fn add_note(vault: &Vault, record: RecordId) -> Result<u32, VaultError> {
    let expected_version = reveal(vault, record).await?.version;
    let note = Value::Text("note tardive".to_owned());
    let input = UpdateInput {
        record,
        expected_version,
        attributes: Vec::new(),
        fields: vec![(field("memo"), Some(note))],
    };
    vault.update(&clerk(), &care(), input).await.map(|changed| changed.version)
}

async fn note_status(vault: &Vault, record: RecordId) -> FieldStatus {
    let revealed = reveal_classes(vault, record, &["identity", "note"]).await.unwrap();
    revealed.fields.iter().find(|f| f.field.as_str() == "memo").unwrap().status
}

#[test]
fn a_class_added_by_an_update_keeps_its_own_shorter_period() {
    run(async {
        let house = House::founded(100);
        let vault = house.start().unwrap();
        let file = filed(&vault, "EXEMPLE", "2020-11-20").await.unwrap().record;
        add_note(&vault, file).await.unwrap();
        assert_eq!(note_status(&vault, file).await, FieldStatus::Value);
        live_through(&house, &vault, 4);
        assert_eq!(note_status(&vault, file).await, FieldStatus::Expired);
    });
}

#[test]
fn a_class_past_its_own_period_takes_no_new_data() {
    run(async {
        let house = House::founded(101);
        let vault = house.start().unwrap();
        let input = island_file("EXEMPLE", "2020-11-20");
        let file = vault.create(&head(), &care(), input).await.unwrap().record;
        let to = Assignee::Unit(UnitName::parse("north").unwrap());
        let input = AssignInput { record: file, to, until: None };
        vault.assign(&head(), &care(), input).await.unwrap();
        live_through(&house, &vault, 5);
        let late = add_note(&vault, file).await;
        assert!(matches!(late, Err(VaultError::Retention(RetentionError::AlreadyExpired))));
        house.disk.tamper(|rows| {
            let note = |key: &Vec<u8>| key.first() == Some(&b's') && key.ends_with(b"note");
            assert!(!rows.keys().any(note), "a purged note left a row");
        });
    });
}

#[test]
fn a_clock_set_back_makes_nothing_readable_again() {
    run(async {
        let house = House::founded(102);
        let vault = house.start().unwrap();
        let due = filed(&vault, "EXEMPLE-DU", "2020-08-24").await.unwrap().record;
        let live = filed(&vault, "EXEMPLE-VIF", "2020-11-20").await.unwrap().record;
        house.clock.advance_millis(DAY_MS);
        // An event of the new day: the guard has seen it.
        assert!(reveal(&vault, live).await.is_ok());
        house.clock.advance_millis(-DAY_MS);
        assert!(matches!(reveal(&vault, due).await, Err(VaultError::NotAvailable)));
        assert!(reveal(&vault, live).await.is_ok());
    });
}

#[test]
fn a_clock_that_ran_ahead_lets_nothing_in_from_the_future() {
    run(async {
        let house = House::founded(103);
        let vault = house.start().unwrap();
        house.pass_days(90);
        assert!(vault.state().unwrap().clock_tripped);
        let input = island_file_without_note("EXEMPLE", "2021-02-20");
        let refused = vault.create(&head(), &care(), input).await;
        assert!(matches!(refused, Err(VaultError::Retention(RetentionError::FutureDate))));
        let input = island_file_without_note("EXEMPLE", "2020-11-24");
        assert!(vault.create(&head(), &care(), input).await.is_ok());
    });
}

#[test]
fn a_vault_that_nobody_calls_keeps_its_clock_and_its_purges() {
    run(async {
        let house = House::founded(104);
        let vault = house.start().unwrap();
        filed(&vault, "EXEMPLE", "2020-11-20").await.unwrap();
        // Past the pack's end date, when no new date needs a segment.
        live_through(&house, &vault, 150);
        assert!(house.clock.now().date_in(chrono_tz::UTC) > house.pack.end_date());
        let state = vault.state().unwrap();
        assert!(!state.clock_tripped);
        assert_eq!(state.overdue_ms, 0);
    });
}

#[test]
fn every_refusal_leaves_its_event() {
    run(async {
        let house = House::founded(105);
        let vault = house.start().unwrap();
        let file = filed(&vault, "EXEMPLE", "2020-11-20").await.unwrap().record;
        let keys_1 = caller("keys-1", "keys", None);
        let logged = |what: &str, before: u64| {
            assert!(vault.state().unwrap().log_size > before, "no event: {what}");
        };
        let size = || vault.state().unwrap().log_size;
        let asked =
            || RevealInput { record: file, classes: vec![class("identity")], approval: None };

        let before = size();
        let purpose = PurposeName::parse("curiosity").unwrap();
        let why = Intent { purpose, justification: None, request: None };
        let refused = vault.reveal(&clerk(), &why, asked()).await;
        assert!(matches!(refused, Err(VaultError::UnknownPurpose)));
        logged("a reveal with an unknown purpose", before);

        let before = size();
        let nobody = AgentId::parse("nobody").unwrap();
        assert!(vault.revoke_agent(&keys_1, nobody).await.is_err());
        logged("the revocation of an unknown agent", before);

        let before = size();
        let again = new_agent("watch-1", "clerk", None);
        assert!(vault.create_agent(&keys_1, again).await.is_err());
        logged("the creation of an agent that exists", before);

        let before = size();
        house.disk.tamper(|rows| {
            let row = rows.get_mut(&keys::record(&file)).unwrap();
            *row.last_mut().unwrap() ^= 1;
        });
        assert!(matches!(reveal(&vault, file).await, Err(VaultError::Corrupt(_))));
        logged("the reveal of a tampered head", before);
    });
}
