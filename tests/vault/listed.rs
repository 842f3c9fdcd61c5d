//! Match by value: one bit, the same for nobody and for somebody who is none of the caller's business;
//! refused before any lookup without the right; counted per agent and hour.

use oubliette::{
    identity::Caller,
    ids::{CollectionName, RecordId},
    policy::Value,
    vault::{Listed, ListedInput, Vault, VaultError},
};

use crate::{
    counter::{counter_house, file_of, person, rights},
    house::{
        DAY_MS, caller, care, clerk, events, field, hand_to_north, head, island_file_without_note,
        rows, run,
    },
};

const HOUR_MS: i64 = DAY_MS / 24;

fn counter() -> Caller {
    caller("counter-1", "counter", Some("north"))
}

fn asking(conditions: &[(&str, &str)]) -> ListedInput {
    let value = |text: &str| Value::Text(text.to_owned());
    ListedInput {
        collection: CollectionName::parse("files").unwrap(),
        conditions: conditions.iter().map(|(name, v)| (field(name), value(v))).collect(),
    }
}

async fn ask(vault: &Vault, who: &Caller, name: &str) -> Result<Listed, VaultError> {
    vault.listed(who, &care(), asking(&[("family_name", name)])).await
}

async fn listed(vault: &Vault, name: &str) -> bool {
    ask(vault, &counter(), name).await.unwrap().listed
}

#[test]
fn somebody_on_file_is_listed_and_nobody_and_somebody_out_of_scope_are_not() {
    run(async {
        let vault = counter_house(820).start().unwrap();
        let mine = file_of(&vault, person(1), "EXEMPLE-ALPHA").await;
        let elsewhere = island_file_without_note("EXEMPLE-BETA", "2020-11-20");
        vault.create(&head(), &care(), elsewhere).await.unwrap();
        assert!(listed(&vault, "EXEMPLE-ALPHA").await);
        assert!(!listed(&vault, "EXEMPLE-BETA").await, "on file, and of no unit");
        assert!(!listed(&vault, "EXEMPLE-GAMMA").await, "on no file");
        let log = events(&vault, "match").await;
        assert_eq!(log[2].records, [mine]);
        assert_eq!(log[2].subjects, [person(1)]);
        // Of the other two the events say the same, but for what decided.
        for event in &log[..2] {
            assert!(event.records.is_empty() && event.subjects.is_empty());
            assert_eq!((event.decision.as_str(), event.outcome.as_str()), ("allow", "OK"));
            assert_eq!(event.asked, ["identity.family_name"]);
            assert!(event.policies.is_empty() && event.notes.is_empty());
        }
    });
}

#[test]
fn all_values_must_hold_and_an_erased_restricted_or_expired_file_is_not_listed() {
    run(async {
        let house = counter_house(821);
        let vault = house.start().unwrap();
        let record = file_of(&vault, person(1), "EXEMPLE-ALPHA").await;
        file_of(&vault, person(2), "EXEMPLE-BETA").await;
        let both = |phone| asking(&[("family_name", "EXEMPLE-ALPHA"), ("phone", phone)]);
        let asked = vault.listed(&counter(), &care(), both("06 92 12 34 56")).await.unwrap();
        assert!(asked.listed, "in its normal form");
        let other = vault.listed(&counter(), &care(), both("0692 00 00 00")).await.unwrap();
        assert!(!other.listed);
        let because = crate::counter::because();
        vault.restrict_subject(&rights(), &because, person(1), true).await.unwrap();
        assert!(!listed(&vault, "EXEMPLE-ALPHA").await, "restricted");
        vault.restrict_subject(&rights(), &because, person(1), false).await.unwrap();
        assert!(listed(&vault, "EXEMPLE-ALPHA").await);
        vault.erase(&head(), &care(), vec![record]).await.unwrap();
        assert!(!listed(&vault, "EXEMPLE-ALPHA").await, "erased");
        assert!(listed(&vault, "EXEMPLE-BETA").await);
        house.pass_days(90);
        assert!(!listed(&vault, "EXEMPLE-BETA").await, "expired");
    });
}

#[test]
fn without_the_right_it_is_denied_whatever_the_value_before_any_lookup_and_logged() {
    run(async {
        let house = counter_house(822);
        let vault = house.start().unwrap();
        file_of(&vault, person(1), "EXEMPLE-ALPHA").await;
        // On file, on no file, and no value of this field at all.
        for value in ["EXEMPLE-ALPHA", "EXEMPLE-GAMMA", "", "0"] {
            let answer = ask(&vault, &head(), value).await;
            let Err(VaultError::Denied { classes, policies }) = answer else { panic!("{value}") };
            assert_eq!(classes.len(), 1);
            assert!(policies.is_empty());
        }
        let log = events(&vault, "match").await;
        assert_eq!(log.len(), 4);
        assert!(log.windows(2).all(|two| two[0] == two[1]), "one event like the other");
        assert_eq!((log[0].outcome.as_str(), log[0].decision.as_str()), ("DENIED", "deny"));
        assert!(rows(&house, b'u').is_empty(), "nothing was looked up, so nothing is counted");
    });
}

#[test]
fn a_field_that_is_unknown_not_searchable_or_malformed_is_refused_and_not_counted() {
    run(async {
        let house = counter_house(823);
        let vault = house.start().unwrap();
        for (name, value) in [("unknown", "x"), ("memo", "x"), ("phone", "EXEMPLE")] {
            let answer = vault.listed(&counter(), &care(), asking(&[(name, value)])).await;
            let Err(VaultError::Invalid(violations)) = answer else { panic!("{name}") };
            assert_eq!(violations[0].path, format!("where.{name}"));
            assert!(!violations[0].reason.contains(value) || value == "x");
        }
        for count in [0, 9] {
            let many = vec![("family_name", "EXEMPLE"); count];
            let answer = vault.listed(&counter(), &care(), asking(&many)).await;
            assert!(matches!(answer, Err(VaultError::TooMany { limit: 8, .. })), "{count}");
        }
        assert!(rows(&house, b'u').is_empty());
    });
}

#[test]
fn no_value_and_no_record_of_a_question_reaches_the_disk_in_clear() {
    run(async {
        let house = counter_house(824);
        let vault = house.start().unwrap();
        let record: RecordId = file_of(&vault, person(1), "EXEMPLE-CHERCHE").await;
        hand_to_north(&vault, record).await.unwrap();
        assert!(listed(&vault, "EXEMPLE-CHERCHE").await);
        let event = &events(&vault, "match").await[0];
        assert!(!format!("{event:?}").contains("CHERCHE"));
        house.disk.tamper(|rows| {
            let holds = |bytes: &[u8], what: &[u8]| bytes.windows(what.len()).any(|p| p == what);
            assert!(!rows.iter().any(|(k, v)| holds(k, b"CHERCHE") || holds(v, b"CHERCHE")));
            let counts: Vec<_> = rows.iter().filter(|(key, _)| key[0] == b'u').collect();
            assert_eq!(counts.len(), 1);
            assert!(!holds(counts[0].1, record.as_bytes()), "a count names no record");
        });
    });
}

#[test]
fn as_many_questions_as_the_bound_are_answered_in_an_hour_and_one_more_is_told_to_wait() {
    run(async {
        let house = counter_house(825);
        let mut vault = house.start().unwrap();
        file_of(&vault, person(1), "EXEMPLE-ALPHA").await;
        for number in 0..120 {
            let name = if number % 2 == 0 { "EXEMPLE-ALPHA" } else { "EXEMPLE-GAMMA" };
            assert_eq!(listed(&vault, name).await, number % 2 == 0);
            house.clock.advance_millis(1000);
        }
        // The first was 120 seconds ago.
        let refused = ask(&vault, &counter(), "EXEMPLE-ALPHA").await;
        let Err(VaultError::TooOften { retry_ms }) = refused else { panic!("answered") };
        assert_eq!(retry_ms, HOUR_MS - 120_000);
        let event = &events(&vault, "match").await[0];
        assert_eq!((event.outcome.as_str(), event.decision.as_str()), ("TOO_OFTEN", "deny"));
        assert!(event.records.is_empty());
        // Another agent has an hour of his own.
        let other = caller("counter-2", "counter", Some("north"));
        assert!(ask(&vault, &other, "EXEMPLE-ALPHA").await.unwrap().listed);
        // A restart lifts nothing, and neither does a clock set back.
        vault.drain();
        drop(vault);
        vault = house.start().unwrap();
        let refused = ask(&vault, &counter(), "EXEMPLE-ALPHA").await;
        assert!(matches!(refused, Err(VaultError::TooOften { .. })));
        house.clock.advance_millis(-2 * HOUR_MS);
        let refused = ask(&vault, &counter(), "EXEMPLE-ALPHA").await;
        assert!(matches!(refused, Err(VaultError::TooOften { .. })), "the clock went back");
        house.clock.advance_millis(2 * HOUR_MS + retry_ms);
        // Room for one, and for one only.
        assert!(listed(&vault, "EXEMPLE-ALPHA").await);
        let refused = ask(&vault, &counter(), "EXEMPLE-ALPHA").await;
        assert!(matches!(refused, Err(VaultError::TooOften { retry_ms: 1000 })));
    });
}

#[test]
fn a_count_that_was_changed_on_disk_refuses_its_agent_and_nobody_else() {
    run(async {
        let house = counter_house(826);
        let vault = house.start().unwrap();
        file_of(&vault, person(1), "EXEMPLE-ALPHA").await;
        assert!(listed(&vault, "EXEMPLE-ALPHA").await);
        house.disk.tamper(|rows| {
            let count = rows.iter_mut().find(|(key, _)| key[0] == b'u').unwrap();
            *count.1.last_mut().unwrap() ^= 1;
        });
        let refused = ask(&vault, &counter(), "EXEMPLE-ALPHA").await;
        assert!(matches!(refused, Err(VaultError::Corrupt("count"))));
        let other = caller("counter-2", "counter", Some("north"));
        assert!(ask(&vault, &other, "EXEMPLE-ALPHA").await.unwrap().listed);
        assert!(vault.find(&clerk(), &care(), find("EXEMPLE-ALPHA")).await.is_ok());
    });
}

fn find(name: &str) -> oubliette::vault::FindInput {
    let ListedInput { collection, conditions } = asking(&[("family_name", name)]);
    let page = oubliette::vault::PageRequest { size: 50, after: None };
    oubliette::vault::FindInput { collection, conditions, page }
}
