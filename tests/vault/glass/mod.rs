//! Broken glass: what it opens, what it never opens, when it is whole again; its alarm and its review.
//!
//! On a pack of its own, `tests/packs/ward`: a doctor may break the glass of any file, for identity and
//! telephone, for 30 minutes. The policy behind the glass would give him every class.

mod closing;
mod cut;
mod storm;

use std::{path::Path, sync::Arc};

use oubliette::{
    audit::{Alarm, StoredEvent},
    clock::Clock as _,
    identity::{AgentKind, Caller, Review, ReviewError},
    ids::RecordId,
    policy::{FieldStatus, Pack},
    vault::{BreakGlass, CloseInput, RevealInput, Revealed, ReviewVerdict, Vault, VaultError},
};

use crate::house::{
    House, caller, care, class, events, hand_to_north, head, island_file, run, text_of, watch,
};

const MINUTE_MS: i64 = 60_000;
const TEXT: &str = "EXEMPLE-WHY the ward calls";

pub(super) fn pack() -> Arc<Pack> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/packs/ward");
    Pack::load(&folder).unwrap_or_else(|errors| panic!("{errors:#?}"))
}

pub(super) fn ward(seed: u64) -> House {
    let house = House { pack: pack(), ..House::empty(seed) };
    house.found().unwrap();
    house
}

pub(super) fn doctor(number: u32) -> Caller {
    caller(&format!("doctor-{number}"), "doctor", None)
}

pub(super) async fn filed(vault: &Vault) -> RecordId {
    vault.create(&head(), &care(), island_file("EXEMPLE-A", "2020-11-20")).await.unwrap().record
}

pub(super) fn stated(code: &str, text: &str) -> BreakGlass {
    BreakGlass { code: code.to_owned(), text: text.to_owned() }
}

fn input(record: RecordId, classes: &[&str]) -> RevealInput {
    RevealInput { record, classes: classes.iter().map(|c| class(c)).collect(), approval: None }
}

/// The doctor breaks the glass for these classes.
pub(super) async fn breaks(
    vault: &Vault,
    who: &Caller,
    record: RecordId,
    classes: &[&str],
) -> Result<Revealed, VaultError> {
    let stated = stated("life_threatening", TEXT);
    vault.break_glass(who, &care(), input(record, classes), stated).await
}

/// The doctor looks without stating anything.
async fn looks(vault: &Vault, who: &Caller, record: RecordId) -> Result<Revealed, VaultError> {
    vault.reveal(who, &care(), input(record, &["identity"])).await
}

fn gone(answer: &Result<Revealed, VaultError>) -> bool {
    matches!(answer, Err(VaultError::NotAvailable))
}

pub(super) async fn alarms(vault: &Vault, kind: &str) -> Vec<Alarm> {
    let all = vault.list_alarms(&watch()).await.unwrap();
    all.into_iter().filter(|alarm| alarm.kind == kind).collect()
}

pub(super) async fn reviews(vault: &Vault) -> Vec<Review> {
    vault.list_reviews(&watch(), false).await.unwrap()
}

pub(super) async fn close(
    vault: &Vault,
    who: &Caller,
    review: &Review,
    text: &str,
) -> Result<(), VaultError> {
    let verdict = ReviewVerdict::Justified;
    let input = CloseInput { review: review.id, verdict, text: text.to_owned() };
    vault.close_review(who, input).await
}

/// Lets whole days pass in which nobody called, and has the clock confirmed.
pub(super) async fn later(house: &House, vault: &Vault, days: i64) {
    house.pass_days(days);
    // The months of the log that passed get their keys first.
    vault.tick().unwrap();
    let today = house.clock.now().date_in(pack().zone());
    vault.confirm_clock(&caller("keys-1", "keys", None), today).await.unwrap();
    vault.tick().unwrap();
}

fn only(mut all: Vec<StoredEvent>) -> StoredEvent {
    assert_eq!(all.len(), 1, "{all:#?}");
    all.pop().unwrap()
}

#[test]
fn broken_glass_opens_a_record_with_event_alarm_and_review_and_without_it_there_is_none() {
    run(async {
        let vault = ward(600).start().unwrap();
        let record = filed(&vault).await;
        assert!(gone(&looks(&vault, &doctor(1), record).await));
        assert!(reviews(&vault).await.is_empty() && alarms(&vault, "break-glass").await.is_empty());

        let shown = breaks(&vault, &doctor(1), record, &["identity"]).await.unwrap();
        assert_eq!(text_of(&shown, "family_name"), Some("EXEMPLE-A"));
        let broken = shown.broken.unwrap();
        let event = only(events(&vault, "break-glass").await);
        assert_eq!((event.outcome.as_str(), event.decision.as_str()), ("OK", "allow"));
        assert_eq!(event.records, [record]);
        assert_eq!(event.justification.as_deref(), Some(TEXT));
        let review_note = format!("review={}", broken.review);
        for note in ["code=life_threatening", "minutes=30", review_note.as_str()] {
            assert!(event.notes.iter().any(|n| n == note), "{note}: {:?}", event.notes);
        }
        assert_eq!(event.policies[0].0, "doctor-behind-glass");

        let review = reviews(&vault).await.pop().unwrap();
        assert_eq!((review.id, review.event), (broken.review, shown.event));
        assert_eq!(review.agent.as_str(), "doctor-1");
        assert_eq!(review.ends_at, review.opened_at.plus_millis(30 * MINUTE_MS));
        assert_eq!(review.due_at, review.opened_at.plus_millis(24 * 60 * MINUTE_MS));
        assert_eq!(review.broken.as_ref(), Some(&event));
        assert!(review.closed.is_none() && !review.overdue && review.verdict.is_none());
        let alarm = alarms(&vault, "break-glass").await.pop().unwrap();
        assert_eq!((alarm.note, alarm.acknowledged), (review_note, None));
    });
}

#[test]
fn for_its_minutes_the_glass_stays_broken_and_is_whole_from_its_end_on() {
    run(async {
        let house = ward(601);
        let vault = house.start().unwrap();
        let record = filed(&vault).await;
        breaks(&vault, &doctor(1), record, &["identity"]).await.unwrap();
        house.clock.advance_millis(30 * MINUTE_MS - 1);
        let shown = looks(&vault, &doctor(1), record).await.unwrap();
        assert_eq!(shown.broken.unwrap().review, reviews(&vault).await[0].id);
        let event = events(&vault, "reveal").await.remove(0);
        assert_eq!(event.notes, [format!("review={}", shown.broken.unwrap().review)]);
        house.clock.advance_millis(1);
        assert!(gone(&looks(&vault, &doctor(1), record).await));
        // A clock that is set back makes nothing broken again.
        house.clock.advance_millis(-2 * MINUTE_MS);
        assert!(gone(&looks(&vault, &doctor(1), record).await));
        assert_eq!(reviews(&vault).await.len(), 1, "looking opens no review");
        // To break it again is another breaking.
        breaks(&vault, &doctor(1), record, &["identity"]).await.unwrap();
        assert_eq!(reviews(&vault).await.len(), 2);
        assert_eq!(alarms(&vault, "break-glass").await.len(), 2);
    });
}

#[test]
fn a_restart_makes_the_glass_whole_and_leaves_alarm_and_review() {
    run(async {
        let house = ward(602);
        let vault = house.start().unwrap();
        let record = filed(&vault).await;
        breaks(&vault, &doctor(1), record, &["identity"]).await.unwrap();
        vault.drain();
        drop(vault);
        let vault = house.start().unwrap();
        assert!(gone(&looks(&vault, &doctor(1), record).await));
        assert_eq!(reviews(&vault).await.len(), 1);
        assert_eq!(alarms(&vault, "break-glass").await.len(), 1);
    });
}

#[test]
fn it_is_broken_for_one_agent_one_role_and_one_record_and_for_no_other() {
    run(async {
        let vault = ward(603).start().unwrap();
        let (record, other) = (filed(&vault).await, filed(&vault).await);
        breaks(&vault, &doctor(1), record, &["identity"]).await.unwrap();
        assert!(looks(&vault, &doctor(1), record).await.is_ok());
        assert!(gone(&looks(&vault, &doctor(1), other).await), "another record");
        assert!(gone(&looks(&vault, &doctor(2), record).await), "another doctor");
        let same_person = caller("doctor-1", "clerk", None);
        assert!(gone(&looks(&vault, &same_person, record).await), "another role of his");
        let many = oubliette::vault::RevealManyInput {
            records: vec![record],
            classes: vec![class("identity")],
        };
        let items = vault.reveal_many(&doctor(1), &care(), many).await.unwrap();
        assert!(gone(&items.into_iter().next().unwrap().result), "no other method");
    });
}

#[test]
fn a_class_that_the_entry_does_not_name_stays_denied_whatever_the_policy_says() {
    run(async {
        let vault = ward(604).start().unwrap();
        let record = filed(&vault).await;
        assert!(gone(&breaks(&vault, &doctor(1), record, &["note"]).await));
        assert!(gone(&breaks(&vault, &doctor(1), record, &["attributes"]).await));
        assert!(reviews(&vault).await.is_empty(), "nothing was broken");
        let shown = breaks(&vault, &doctor(1), record, &["identity", "note"]).await.unwrap();
        let status =
            |name: &str| shown.fields.iter().find(|f| f.field.as_str() == name).map(|f| f.status);
        assert_eq!(status("family_name"), Some(FieldStatus::Value));
        assert_eq!(status("memo"), Some(FieldStatus::Denied));
    });
}

#[test]
fn a_reason_of_another_collection_opens_nothing_and_the_records_own_does() {
    run(async {
        let vault = ward(605).start().unwrap();
        let record = filed(&vault).await;
        let why = stated("lost_ticket", TEXT);
        let answer = vault.break_glass(&doctor(1), &care(), input(record, &["phone"]), why).await;
        assert!(gone(&answer));
        assert!(reviews(&vault).await.is_empty());
        assert!(breaks(&vault, &doctor(1), record, &["phone"]).await.is_ok());
    });
}

#[test]
fn without_a_reason_of_the_list_and_a_text_nothing_is_broken() {
    run(async {
        let vault = ward(606).start().unwrap();
        let record = filed(&vault).await;
        let long = "x".repeat(501);
        for (code, text) in [
            ("", TEXT),
            ("curious", TEXT),
            ("no_answer", ""),
            ("no_answer", " \n"),
            ("no_answer", long.as_str()),
        ] {
            for record in [record, RecordId::from_bytes([9; 16])] {
                let ask = input(record, &["identity"]);
                let answer = vault.break_glass(&doctor(1), &care(), ask, stated(code, text)).await;
                assert!(matches!(answer, Err(VaultError::Invalid(_))), "{code}, {}", text.len());
            }
        }
        let mut doubly = care();
        doubly.justification = Some("another".to_owned());
        let (ask, why) = (input(record, &["identity"]), stated("no_answer", TEXT));
        let answer = vault.break_glass(&doctor(1), &doubly, ask, why).await;
        assert!(matches!(answer, Err(VaultError::Invalid(_))), "two justifications");
        assert!(reviews(&vault).await.is_empty() && alarms(&vault, "break-glass").await.is_empty());
        assert!(events(&vault, "break-glass").await.iter().all(|e| e.outcome == "INVALID_FIELDS"));

        let (ask, why) = (input(record, &["identity"]), stated("no_answer", &"x".repeat(500)));
        assert!(vault.break_glass(&doctor(1), &care(), ask, why).await.is_ok());
    });
}

#[test]
fn a_role_without_an_entry_and_a_service_account_are_denied_whatever_the_record() {
    run(async {
        let vault = ward(607).start().unwrap();
        let record = filed(&vault).await;
        let mut service = doctor(1);
        service.kind = AgentKind::Service;
        for who in [service, caller("clerk-1", "clerk", Some("north")), head(), watch()] {
            for record in [record, RecordId::from_bytes([9; 16])] {
                let answer = breaks(&vault, &who, record, &["identity"]).await;
                assert!(matches!(answer, Err(VaultError::Denied { .. })), "{:?}", who.agent);
            }
        }
        assert!(reviews(&vault).await.is_empty() && alarms(&vault, "break-glass").await.is_empty());
    });
}

#[test]
fn who_may_see_it_anyway_breaks_no_glass() {
    run(async {
        let vault = ward(608).start().unwrap();
        let record = filed(&vault).await;
        hand_to_north(&vault, record).await.unwrap();
        let own = caller("doctor-1", "doctor", Some("north"));
        let shown = breaks(&vault, &own, record, &["identity"]).await.unwrap();
        assert!(shown.broken.is_none());
        assert!(reviews(&vault).await.is_empty() && alarms(&vault, "break-glass").await.is_empty());
        assert_eq!(events(&vault, "break-glass").await, [], "it is a reveal like any other");
        // And a doctor in whose hands it is not does.
        assert!(breaks(&vault, &doctor(2), record, &["identity"]).await.unwrap().broken.is_some());
    });
}

#[test]
fn to_state_it_again_while_it_is_broken_is_no_second_breaking() {
    run(async {
        let vault = ward(609).start().unwrap();
        let record = filed(&vault).await;
        let first = breaks(&vault, &doctor(1), record, &["identity"]).await.unwrap();
        let again = breaks(&vault, &doctor(1), record, &["phone"]).await.unwrap();
        assert_eq!(again.broken, first.broken);
        assert_eq!(text_of(&again, "phone"), Some("+262692123456"));
        assert_eq!(reviews(&vault).await.len(), 1);
        // Two at one time are one breaking as well: they wait for each other.
        let other = filed(&vault).await;
        let (one, two) = (doctor(1), doctor(1));
        let both = tokio::join!(
            Box::pin(breaks(&vault, &one, other, &["identity"])),
            Box::pin(breaks(&vault, &two, other, &["identity"])),
        );
        assert_eq!(both.0.unwrap().broken, both.1.unwrap().broken);
        assert_eq!(reviews(&vault).await.len(), 2);
        assert_eq!(alarms(&vault, "break-glass").await.len(), 2);
    });
}

#[test]
fn what_is_absent_expired_or_erased_answers_alike_behind_the_glass_and_is_logged() {
    run(async {
        let house = ward(610);
        let vault = house.start().unwrap();
        let erased = filed(&vault).await;
        vault.erase(&head(), &care(), vec![erased]).await.unwrap();
        let expired = filed(&vault).await;
        later(&house, &vault, 100).await;
        let absent = RecordId::from_bytes([9; 16]);
        for record in [erased, expired, absent] {
            assert!(gone(&breaks(&vault, &doctor(1), record, &["identity"]).await), "{record}");
        }
        let logged = events(&vault, "break-glass").await;
        let outcomes: Vec<_> = logged.iter().map(|e| e.outcome.as_str()).collect();
        assert_eq!(outcomes, ["NOT_AVAILABLE"; 3]);
        assert!(logged.iter().all(|e| e.justification.as_deref() == Some(TEXT)));
        assert!(reviews(&vault).await.is_empty());
    });
}

#[test]
fn the_text_of_a_breaking_is_in_no_row_alarm_or_error_in_clear() {
    run(async {
        let house = ward(611);
        let vault = house.start().unwrap();
        let record = filed(&vault).await;
        breaks(&vault, &doctor(1), record, &["identity"]).await.unwrap();
        let review = reviews(&vault).await.pop().unwrap();
        close(&vault, &watch(), &review, "EXEMPLE-VERDICT fine").await.unwrap();
        let absent = RecordId::from_bytes([9; 16]);
        let refused = breaks(&vault, &doctor(1), absent, &["identity"]).await.err().unwrap();
        assert!(!refused.to_string().contains("EXEMPLE"));
        for alarm in vault.list_alarms(&watch()).await.unwrap() {
            assert!(!format!("{alarm:?}").contains("EXEMPLE"), "{alarm:?}");
        }
        let mut looked = 0;
        house.disk.tamper(|rows| {
            for (key, value) in rows.iter() {
                looked += 1;
                let both = [key.as_slice(), value.as_slice()].concat();
                let has = |what: &[u8]| both.windows(what.len()).any(|w| w == what);
                assert!(!has(b"EXEMPLE"), "{}", String::from_utf8_lossy(key));
                // Of the record the clear row says nothing, not even which it is.
                let is_review = key.starts_with(b"g/review/");
                assert!(!is_review || !has(record.as_bytes()), "a review names its record");
            }
        });
        assert!(looked > 20);
    });
}

#[test]
fn a_review_that_was_changed_on_disk_is_told_and_an_intact_one_is_listed() {
    run(async {
        let house = ward(612);
        let vault = house.start().unwrap();
        let record = filed(&vault).await;
        breaks(&vault, &doctor(1), record, &["identity"]).await.unwrap();
        assert!(vault.list_reviews(&watch(), true).await.is_ok());
        house.disk.tamper(|rows| {
            let row = rows.iter_mut().find(|(key, _)| key.starts_with(b"g/review/")).unwrap();
            *row.1.last_mut().unwrap() ^= 1;
        });
        let told = vault.list_reviews(&watch(), true).await;
        assert!(matches!(told, Err(VaultError::Corrupt("review"))));
        let closed = vault
            .close_review(
                &watch(),
                CloseInput {
                    review: oubliette::ids::ReviewId::from_bytes([7; 16]),
                    verdict: ReviewVerdict::Referred,
                    text: "x".to_owned(),
                },
            )
            .await;
        assert!(matches!(closed, Err(VaultError::Review(ReviewError::Unknown))));
    });
}
