//! A record made from another by the pack's list: nothing else is copied, nothing is shown, all or nothing.

use std::sync::Arc;

use oubliette::{
    identity::Caller,
    ids::{AgentId, CollectionName, RecordId, TerritoryName},
    policy::Value,
    storage::memory::{Counted, Fault},
    vault::{
        CreateInput, Created, FindInput, PageRequest, RevealInput, Revealed, Vault, VaultError,
    },
};

use crate::house::{
    House, caller, care, class, clerk, date, events, field, head, once, run, text_of,
};

fn doctor() -> Caller {
    caller("doctor-1", "doctor", None)
}

fn of_the_mainland() -> Caller {
    let mut doctor = doctor();
    doctor.habilitation.territory = Some(TerritoryName::parse("mainland").unwrap());
    doctor
}

/// A vault of slips and files.
fn house(seed: u64) -> House {
    let house = House::empty_of("slips", seed);
    house.found().unwrap();
    house
}

async fn slip(vault: &Vault, name: &str, collected_on: &str) -> Created {
    let text = |t: &str| Value::Text(t.to_owned());
    let input = CreateInput {
        collection: CollectionName::parse("slips").unwrap(),
        subject: None,
        collected_on: date(collected_on),
        attributes: vec![(field("territory"), text("island")), (field("stage"), text("received"))],
        fields: vec![
            (field("surname"), text(name)),
            (field("seen_on"), text("2020-11-18")),
            (field("remark"), text("MARKED REMARK")),
            (field("desk"), text("EXEMPLE-DESK")),
        ],
    };
    vault.create(&head(), &care(), input).await.unwrap()
}

async fn shown(vault: &Vault, who: &Caller, record: RecordId, classes: &[&str]) -> Revealed {
    let classes = classes.iter().map(|c| class(c)).collect();
    vault.reveal(who, &care(), RevealInput { record, classes, approval: None }).await.unwrap()
}

async fn stage(vault: &Vault, record: RecordId) -> String {
    let seen = shown(vault, &head(), record, &["attributes"]).await;
    text_of(&seen, "stage").unwrap().to_owned()
}

async fn files(vault: &Vault, name: &str) -> Vec<RecordId> {
    let collection = CollectionName::parse("files").unwrap();
    let conditions = vec![(field("family_name"), Value::Text(name.to_owned()))];
    let input = FindInput { collection, conditions, page: PageRequest { size: 9, after: None } };
    vault.find(&clerk(), &care(), input).await.unwrap().records
}

#[test]
fn the_list_is_copied_and_nothing_else_for_the_same_subject_and_date_and_the_source_is_marked() {
    run(async {
        let house = house(900);
        let vault = house.start().unwrap();
        let slip = slip(&vault, "EXEMPLE-A", "2020-11-20").await;
        let made = vault.derive(&doctor(), &care(), slip.record).await.unwrap();
        assert!(made.record != slip.record && !made.repeated);
        assert_eq!((made.subject, made.expires_on), (slip.subject, slip.expires_on));
        let seen =
            shown(&vault, &clerk(), made.record, &["identity", "state_of", "attributes"]).await;
        assert_eq!(text_of(&seen, "family_name"), Some("EXEMPLE-A"));
        assert_eq!(text_of(&seen, "told_by"), Some("EXEMPLE-DESK"));
        assert_eq!(text_of(&seen, "state"), Some("open"));
        let value = |name: &str| {
            let found = seen.fields.iter().find(|f| f.field.as_str() == name);
            found.and_then(|f| f.value.clone())
        };
        assert!(value("found") == Some(Value::Boolean(true)));
        assert!(value("found_on") == Some(Value::Date(date("2020-11-18"))));
        assert_eq!(seen.fields.len(), 6, "two attributes and four fields, no remark");
        assert_eq!(stage(&vault, slip.record).await, "handled");
        assert_eq!(files(&vault, "EXEMPLE-A").await, [made.record]);
        let logged = events(&vault, "derive").await;
        assert_eq!(logged.len(), 1);
        assert_eq!(logged[0].records, [slip.record, made.record]);
        assert_eq!(logged[0].subject, Some(slip.subject));
        assert_eq!(logged[0].asked, ["identity", "finding", "short"]);
        assert_eq!(logged[0].notes, ["made=files"]);
        assert!(logged[0].given.is_empty(), "nothing was shown");
    });
}

#[test]
fn who_may_not_derive_hears_no_more_than_of_an_absent_record() {
    run(async {
        let house = house(901);
        let vault = house.start().unwrap();
        let slip = slip(&vault, "EXEMPLE-A", "2020-11-20").await;
        let absent = RecordId::from_bytes([7; 16]);
        for (who, record) in
            [(clerk(), slip.record), (of_the_mainland(), slip.record), (doctor(), absent)]
        {
            let refused = vault.derive(&who, &care(), record).await;
            assert!(matches!(refused, Err(VaultError::NotAvailable)));
        }
        // The head of the desk may know of it, and not do this.
        let refused = vault.derive(&head(), &care(), slip.record).await;
        assert!(matches!(refused, Err(VaultError::Denied { .. })));
        assert_eq!(files(&vault, "EXEMPLE-A").await, []);
        assert_eq!(stage(&vault, slip.record).await, "received");
        assert_eq!(events(&vault, "derive").await.len(), 4, "each refusal is an event");
    });
}

#[test]
fn a_second_time_is_refused_by_the_mark_and_a_repeated_call_answers_the_first() {
    run(async {
        let house = house(902);
        let vault = house.start().unwrap();
        let slip = slip(&vault, "EXEMPLE-A", "2020-11-20").await;
        let why = once(3, "Derive", "EXEMPLE");
        let made = vault.derive(&doctor(), &why, slip.record).await.unwrap();
        let again = vault.derive(&doctor(), &why, slip.record).await.unwrap();
        assert_eq!((again.record, again.repeated), (made.record, true));
        let other = vault.derive(&doctor(), &care(), slip.record).await;
        assert!(matches!(other, Err(VaultError::Denied { .. })));
        assert_eq!(files(&vault, "EXEMPLE-A").await, [made.record]);
        let reused = vault.derive(&doctor(), &once(3, "Derive", "OTHER"), slip.record).await;
        assert!(matches!(reused, Err(VaultError::RequestIdReused)));
    });
}

#[test]
fn two_at_the_same_time_make_one() {
    run(async {
        let house = house(903);
        let vault = house.start().unwrap();
        let slip = slip(&vault, "EXEMPLE-A", "2020-11-20").await;
        let both = [0, 1].map(|n| {
            let vault = Arc::clone(&vault);
            let mut who = doctor();
            who.agent = AgentId::parse(&format!("doctor-{n}")).unwrap();
            tokio::spawn(async move { vault.derive(&who, &care(), slip.record).await })
        });
        let mut made = 0;
        for one in both {
            made += usize::from(one.await.unwrap().is_ok());
        }
        assert_eq!(made, 1);
        assert_eq!(files(&vault, "EXEMPLE-A").await.len(), 1);
    });
}

#[test]
fn what_is_past_its_own_period_is_not_copied_and_a_source_past_its_date_gives_nothing() {
    run(async {
        let house = house(904);
        let vault = house.start().unwrap();
        let late = slip(&vault, "EXEMPLE-B", "2020-11-20").await;
        let slip = slip(&vault, "EXEMPLE-A", "2020-11-20").await;
        house.pass_days(8);
        let made = vault.derive(&doctor(), &care(), slip.record).await.unwrap();
        let seen = shown(&vault, &clerk(), made.record, &["identity"]).await;
        assert_eq!(text_of(&seen, "family_name"), Some("EXEMPLE-A"));
        assert_eq!(text_of(&seen, "told_by"), None, "its class had a week");
        assert_eq!(made.expires_on, date("2021-02-20"));
        house.pass_days(120);
        let refused = vault.derive(&doctor(), &care(), late.record).await;
        assert!(matches!(refused, Err(VaultError::NotAvailable)));
    });
}

#[test]
fn cut_at_any_store_call_there_is_the_file_and_the_mark_or_neither() {
    run(async {
        let calls = {
            let house = house(905);
            let vault = house.start().unwrap();
            let slip = slip(&vault, "EXEMPLE-A", "2020-11-20").await;
            house.disk.heal();
            vault.derive(&doctor(), &care(), slip.record).await.unwrap();
            house.disk.calls(Counted::All)
        };
        assert!(calls > 4, "{calls}");
        let faults = (0..calls).flat_map(|n| {
            [Fault::FailAndNotPersist(n), Fault::FailButPersist(n), Fault::DeadFrom(n)]
        });
        let mut outcomes = [0, 0];
        for fault in faults {
            let house = house(905);
            let vault = house.start().unwrap();
            let slip = slip(&vault, "EXEMPLE-A", "2020-11-20").await;
            house.disk.inject(Counted::All, fault);
            let answered = vault.derive(&doctor(), &care(), slip.record).await.is_ok();
            vault.drain();
            drop(vault);
            let vault = house.start().unwrap_or_else(|e| panic!("{fault:?}: {e}"));
            let made = files(&vault, "EXEMPLE-A").await.len();
            let marked = stage(&vault, slip.record).await == "handled";
            assert_eq!(made == 1, marked, "{fault:?}");
            assert!(made == 1 || !answered, "acknowledged and lost: {fault:?}");
            outcomes[made] += 1;
        }
        assert!(outcomes[0] > 0 && outcomes[1] > 0, "{outcomes:?}");
    });
}
