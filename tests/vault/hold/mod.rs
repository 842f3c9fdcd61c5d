//! Holds and the leave they take: what is kept stays, past its date it is opened by two persons alone, and
//! nothing outlives the hold.

mod cut;
mod leave;

use oubliette::{
    clock::{Clock as _, Timestamp},
    identity::{ApprovalError, Bound},
    ids::{ApprovalId, HoldId, PurposeName, RecordId},
    policy::FieldStatus,
    retention::{RetentionError, verify},
    vault::{
        ApprovalInput, HoldInput, Intent, RevealInput, Revealed, UpdateInput, Vault, VaultError,
    },
};

use crate::house::{
    DAY_MS, House, care, class, date, events, field, filed, hand_to_north, head, island_file,
    island_file_without_note, reveal, rows, run, text_of, watch,
};

const COURT: &str = "Test court (fictional)";

pub(super) fn purpose(name: &str) -> PurposeName {
    PurposeName::parse(name).unwrap()
}

pub(super) fn held_purpose() -> Intent {
    Intent { purpose: purpose("hold"), ..care() }
}

/// Two requests are the same if they were given the same number.
pub(super) fn bound(action: &'static str, number: u8) -> Bound {
    Bound { action, hash: [number; 32] }
}

/// The head asks, the watch gives.
pub(super) async fn leave(vault: &Vault, of: Bound) -> ApprovalId {
    let input = asked(of);
    let (id, _) = vault.request_approval(&head(), input).await.unwrap();
    vault.approve(&watch(), id).await.unwrap();
    id
}

pub(super) fn asked(bound: Bound) -> ApprovalInput {
    ApprovalInput {
        bound,
        reason: "requisition 1, fictional".to_owned(),
        purpose: purpose("care"),
        records: Vec::new(),
        classes: vec![class("identity")],
        notes: Vec::new(),
    }
}

pub(super) fn order(records: &[RecordId], until: &str, approval: Option<ApprovalId>) -> HoldInput {
    HoldInput {
        records: records.to_vec(),
        authority: COURT.to_owned(),
        reason: "case 0".to_owned(),
        ends_on: date(until),
        approval,
        bound: bound("hold-place", 1),
    }
}

/// Holds records until the end of January, with leave.
pub(crate) async fn hold(vault: &Vault, records: &[RecordId]) -> Result<Vec<HoldId>, VaultError> {
    hold_until(vault, records, "2021-01-31").await
}

async fn hold_until(
    vault: &Vault,
    records: &[RecordId],
    until: &str,
) -> Result<Vec<HoldId>, VaultError> {
    let approval = leave(vault, bound("hold-place", 1)).await;
    vault.place_holds(&head(), &care(), order(records, until, Some(approval))).await
}

/// The head reads classes of a held record with leave of this request.
pub(crate) async fn read_held(
    vault: &Vault,
    record: RecordId,
    classes: &[&str],
) -> Result<Revealed, VaultError> {
    let of = bound("reveal", 2);
    let approval = Some((leave(vault, of.clone()).await, of));
    let classes = classes.iter().map(|name| class(name)).collect();
    vault.reveal(&head(), &held_purpose(), RevealInput { record, classes, approval }).await
}

pub(super) fn gone<T>(answer: &Result<T, VaultError>) -> bool {
    matches!(answer, Err(VaultError::NotAvailable))
}

fn status(revealed: &Revealed, name: &str) -> FieldStatus {
    revealed.fields.iter().find(|f| f.field.as_str() == name).unwrap().status
}

/// Two files that are due the next day, the first of them held.
pub(super) async fn due_and_held(vault: &Vault) -> (RecordId, RecordId, HoldId) {
    let held = filed(vault, "EXEMPLE-A", "2020-08-24").await.unwrap().record;
    let due = filed(vault, "EXEMPLE-B", "2020-08-24").await.unwrap().record;
    let ids = hold(vault, &[held]).await.unwrap();
    (held, due, ids[0])
}

#[test]
fn a_held_file_survives_the_purge_that_takes_its_neighbour() {
    let house = House::founded(500);
    run(async {
        let vault = house.start().unwrap();
        let (held, due, _) = due_and_held(&vault).await;
        house.pass_days(1);
        let report = vault.run_purge(&watch()).await.unwrap();
        assert_eq!(report.records, 1, "the neighbour alone");
        let json = vault.certificate(&watch(), report.certificate).await.unwrap();
        verify(&json, &vault.state().unwrap().certificate_verifier_key).unwrap();
        assert!(gone(&reveal(&vault, held).await), "past its date");
        assert!(gone(&read_held(&vault, due, &["identity"]).await));
        let shown = read_held(&vault, held, &["identity"]).await.unwrap();
        assert_eq!(text_of(&shown, "family_name"), Some("EXEMPLE-A"));
        assert_eq!(vault.state().unwrap().overdue_ms, 0, "held, not overdue");
        let logged = events(&vault, "reveal").await;
        assert!(logged[0].notes.iter().any(|note| note.starts_with("approval=")));
        assert_eq!(logged[0].outcome, "OK");
    });
}

#[test]
fn a_held_file_past_its_date_is_found_by_its_id_alone() {
    let house = House::founded(501);
    run(async {
        let vault = house.start().unwrap();
        let (held, _, _) = due_and_held(&vault).await;
        house.pass_days(1);
        vault.run_purge(&watch()).await.unwrap();
        let left = rows(&house, b'x');
        let of_it = left.iter().filter(|key| key.ends_with(held.as_bytes())).count();
        assert_eq!(of_it, 0, "index rows of a held record past its date");
        assert!(read_held(&vault, held, &["identity"]).await.is_ok());
    });
}

#[test]
fn a_held_file_past_its_date_opens_under_no_other_purpose_and_to_nobody_alone() {
    let house = House::founded(502);
    run(async {
        let vault = house.start().unwrap();
        let (held, _, _) = due_and_held(&vault).await;
        house.pass_days(1);
        let input =
            |approval| RevealInput { record: held, classes: vec![class("identity")], approval };
        let alone = vault.reveal(&head(), &held_purpose(), input(None)).await;
        assert!(matches!(alone, Err(VaultError::Approval(ApprovalError::Needed))));
        let of = bound("reveal", 2);
        let given = Some((leave(&vault, of.clone()).await, of));
        let other_purpose = vault.reveal(&head(), &care(), input(given)).await;
        assert!(gone(&other_purpose), "past its date");
        for verb in ["many", "erase", "hold"] {
            let refused = match verb {
                "many" => {
                    let input = oubliette::vault::RevealManyInput {
                        records: vec![held],
                        classes: vec![class("identity")],
                    };
                    let items = vault.reveal_many(&head(), &held_purpose(), input).await.unwrap();
                    items.into_iter().next().unwrap().result.map(drop)
                }
                "erase" => {
                    let erased = vault.erase(&head(), &held_purpose(), vec![held]).await.unwrap();
                    erased.items.into_iter().next().unwrap().1
                }
                _ => hold(&vault, &[held]).await.map(drop),
            };
            assert!(gone(&refused), "{verb}");
        }
        assert!(read_held(&vault, held, &["identity"]).await.is_ok());
    });
}

#[test]
fn the_purpose_of_holds_opens_no_file_that_is_not_held_though_leave_was_given() {
    let house = House::founded(503);
    run(async {
        let vault = house.start().unwrap();
        let free = filed(&vault, "EXEMPLE-B", "2020-11-20").await.unwrap().record;
        assert!(gone(&read_held(&vault, free, &["identity"]).await));
        hold(&vault, &[free]).await.unwrap();
        assert!(read_held(&vault, free, &["identity"]).await.is_ok());
    });
}

#[test]
fn a_hold_keeps_a_class_of_a_shorter_period_also_one_that_was_written_after_it() {
    let house = House::founded(504);
    run(async {
        let vault = house.start().unwrap();
        let note = island_file("EXEMPLE-A", "2020-11-20");
        let with_note = vault.create(&head(), &care(), note).await.unwrap().record;
        let plain = island_file_without_note("EXEMPLE-B", "2020-11-20");
        let later = vault.create(&head(), &care(), plain).await.unwrap();
        hand_to_north(&vault, later.record).await.unwrap();
        hold(&vault, &[with_note, later.record]).await.unwrap();
        let version = reveal(&vault, later.record).await.unwrap().version;
        let memo = oubliette::policy::Value::Text("note tardive".to_owned());
        let change = UpdateInput {
            record: later.record,
            expected_version: version,
            attributes: Vec::new(),
            fields: vec![(field("memo"), Some(memo))],
        };
        vault.update(&crate::house::clerk(), &care(), change).await.unwrap();
        for _ in 0..5 {
            house.pass_days(1);
            vault.tick().unwrap();
        }
        for record in [with_note, later.record] {
            let shown = read_held(&vault, record, &["note"]).await.unwrap();
            assert_eq!(status(&shown, "memo"), FieldStatus::Value);
        }
        let classes = ["identity", "note"];
        let in_time = crate::house::reveal_classes(&vault, later.record, &classes).await.unwrap();
        assert_eq!(status(&in_time, "memo"), FieldStatus::Expired, "for everybody else");
    });
}

#[test]
fn releasing_a_hold_past_the_date_erases_what_it_kept_and_before_it_keeps_everything() {
    let house = House::founded(505);
    run(async {
        let vault = house.start().unwrap();
        let (held, _, id) = due_and_held(&vault).await;
        let young = filed(&vault, "EXEMPLE-C", "2020-11-20").await.unwrap().record;
        let other = hold(&vault, &[young]).await.unwrap()[0];
        house.pass_days(1);
        vault.run_purge(&watch()).await.unwrap();
        let unknown = vault.release_holds(&head(), vec![HoldId::from_bytes([9; 16])]).await;
        assert!(matches!(unknown, Err(VaultError::Retention(RetentionError::NoHold))));
        let released = vault.release_holds(&head(), vec![id, other]).await.unwrap();
        assert_eq!(released.erased, 1);
        let json = vault.certificate(&watch(), released.report.certificate).await.unwrap();
        let summary = verify(&json, &vault.state().unwrap().certificate_verifier_key).unwrap();
        assert_eq!((summary.records, summary.sections), (1, 2));
        assert!(gone(&read_held(&vault, held, &["identity"]).await));
        let of_it = |key: &Vec<u8>| key.windows(16).any(|part| part == held.as_bytes());
        let left: Vec<_> = [b'r', b'c', b's', b'x', b'q'].map(|tag| rows(&house, tag)).concat();
        assert!(!left.iter().any(of_it), "rows of what was erased");
        assert!(reveal(&vault, young).await.is_ok(), "its date is far");
        assert!(vault.state().unwrap().holds.is_empty());
        let again = vault.release_holds(&head(), vec![id]).await;
        assert!(matches!(again, Err(VaultError::Retention(RetentionError::NoHold))));
    });
}

#[test]
fn of_two_holds_on_one_file_the_last_to_go_erases_it() {
    let house = House::founded(506);
    run(async {
        let vault = house.start().unwrap();
        let (held, _, first) = due_and_held(&vault).await;
        let second = hold(&vault, &[held]).await.unwrap()[0];
        house.pass_days(1);
        vault.run_purge(&watch()).await.unwrap();
        assert_eq!(vault.release_holds(&head(), vec![first]).await.unwrap().erased, 0);
        assert!(read_held(&vault, held, &["identity"]).await.is_ok());
        assert_eq!(vault.release_holds(&head(), vec![second]).await.unwrap().erased, 1);
        assert!(gone(&read_held(&vault, held, &["identity"]).await));
    });
}

#[test]
fn a_hold_whose_last_day_is_over_keeps_nothing_readable_and_the_next_purge_takes_it() {
    let house = House::founded(507);
    run(async {
        let vault = house.start().unwrap();
        let held = filed(&vault, "EXEMPLE-A", "2020-08-24").await.unwrap().record;
        hold_until(&vault, &[held], "2020-11-25").await.unwrap();
        for _ in 0..2 {
            house.pass_days(1);
            vault.tick().unwrap();
        }
        assert!(read_held(&vault, held, &["identity"]).await.is_ok(), "the last day");
        // 00:00 in Paris, the pack's zone, is 19 hours after 08:00 on the island.
        house.clock.advance_millis(19 * 60 * 60 * 1000);
        assert!(gone(&read_held(&vault, held, &["identity"]).await));
        assert!(vault.state().unwrap().overdue_ms >= 0);
        vault.tick().unwrap();
        assert!(vault.state().unwrap().holds.is_empty());
        assert!(!rows(&house, b'r').iter().any(|key| key.ends_with(held.as_bytes())));
    });
}

#[test]
fn no_hold_reaches_the_end_date_unless_the_pack_names_its_authority() {
    let house = House::founded(508);
    run(async {
        let vault = house.start().unwrap();
        let record = filed(&vault, "EXEMPLE-A", "2020-11-20").await.unwrap().record;
        let refused = hold_until(&vault, &[record], "2021-04-01").await;
        assert!(matches!(refused, Err(VaultError::Invalid(v)) if v[0].path == "ends_on"));
        let approval = Some(leave(&vault, bound("hold-place", 1)).await);
        let named = HoldInput {
            authority: "Test court of last resort (fictional)".to_owned(),
            ..order(&[record], "2021-06-30", approval)
        };
        vault.place_holds(&head(), &care(), named).await.unwrap();
        assert!(hold_until(&vault, &[record], "2021-03-31").await.is_ok(), "the day before");
        for _ in 0..140 {
            house.pass_days(1);
            vault.tick().unwrap();
        }
        assert!(house.clock.now() > Timestamp::from_millis(0).plus_millis(18_719 * DAY_MS));
        assert!(read_held(&vault, record, &["identity"]).await.is_ok(), "past the end date");
    });
}

#[test]
fn holds_survive_a_restored_database_and_leave_does_not() {
    let house = House::founded(509);
    run(async {
        let vault = house.start().unwrap();
        let held = filed(&vault, "EXEMPLE-A", "2020-08-24").await.unwrap().record;
        let of = bound("reveal", 2);
        let before = leave(&vault, of.clone()).await;
        let old = {
            vault.drain();
            house.disk.copy()
        };
        drop(vault);
        let vault = house.start().unwrap();
        hold(&vault, &[held]).await.unwrap();
        vault.drain();
        drop(vault);
        house.pass_days(1);
        let house = House { disk: old, ..house };
        let vault = house.start().unwrap();
        vault.run_purge(&watch()).await.unwrap();
        let approval = Some((before, of));
        let input = RevealInput { record: held, classes: vec![class("identity")], approval };
        let unknown = vault.reveal(&head(), &held_purpose(), input).await;
        assert!(
            matches!(unknown, Err(VaultError::Approval(ApprovalError::Other))),
            "a database that was put back does not know what was used since"
        );
        let shown = read_held(&vault, held, &["identity"]).await.unwrap();
        assert_eq!(text_of(&shown, "family_name"), Some("EXEMPLE-A"));
    });
}

#[test]
fn a_hold_names_records_that_may_be_held_all_or_none() {
    let house = House::founded(510);
    run(async {
        let vault = house.start().unwrap();
        let there = filed(&vault, "EXEMPLE-A", "2020-11-20").await.unwrap().record;
        let absent = RecordId::from_bytes([9; 16]);
        assert!(gone(&hold(&vault, &[there, absent]).await));
        assert!(vault.state().unwrap().holds.is_empty());
        let nobody = hold(&vault, &[]).await;
        assert!(matches!(nobody, Err(VaultError::TooMany { .. })));
        let many: Vec<_> = (0..257_u32).map(|_| absent).collect();
        assert!(matches!(hold(&vault, &many).await, Err(VaultError::TooMany { limit: 256, .. })));
        assert_eq!(
            hold(&vault, &vec![absent; 256]).await.err().map(|e| e.to_string()),
            Some("not available".to_owned()),
            "at the bound"
        );
        let past = hold_until(&vault, &[there], "2020-11-22").await;
        assert!(matches!(past, Err(VaultError::Invalid(v)) if v[0].path == "ends_on"));
        let ids = hold(&vault, &[there]).await.unwrap();
        let listed = vault.list_holds(&head()).await.unwrap();
        assert_eq!(listed.iter().map(|hold| hold.id).collect::<Vec<_>>(), ids);
        assert_eq!((listed[0].record, &*listed[0].authority), (there, COURT));
        assert_eq!(listed[0].approver, watch().agent);
    });
}

/// Days pass, and the vault does its own work on each.
fn live_through(house: &House, vault: &Vault, days: usize) {
    for _ in 0..days {
        house.pass_days(1);
        vault.tick().unwrap();
    }
}

#[test]
fn a_file_whose_note_is_long_gone_is_held_and_erased_like_any_other() {
    let house = House::founded(511);
    run(async {
        let vault = house.start().unwrap();
        let mut files = Vec::new();
        for name in ["EXEMPLE-A", "EXEMPLE-B"] {
            let input = island_file(name, "2020-11-20");
            files.push(vault.create(&head(), &care(), input).await.unwrap().record);
        }
        live_through(&house, &vault, 6);
        hold(&vault, &files[..1]).await.unwrap();
        let erased = vault.erase(&head(), &care(), files.clone()).await.unwrap();
        assert!(matches!(
            erased.items.iter().find(|(id, _)| *id == files[0]),
            Some((_, Err(VaultError::Held)))
        ));
        assert!(matches!(erased.items.iter().find(|(id, _)| *id == files[1]), Some((_, Ok(())))));
        assert!(!rows(&house, b'r').iter().any(|key| key.ends_with(files[1].as_bytes())));
        let shown = read_held(&vault, files[0], &["identity", "note"]).await.unwrap();
        assert_eq!(text_of(&shown, "family_name"), Some("EXEMPLE-A"));
    });
}

#[test]
fn a_hold_brings_back_no_class_that_was_past_its_own_date_when_it_was_placed() {
    let house = House::founded(512);
    run(async {
        let vault = house.start().unwrap();
        let input = island_file("EXEMPLE-A", "2020-11-20");
        let file = vault.create(&head(), &care(), input).await.unwrap().record;
        // The note's date comes, and no purge has run yet.
        for _ in 0..5 {
            house.pass_days(1);
            filed(&vault, "EXEMPLE-B", "2020-11-20").await.unwrap();
        }
        hold(&vault, &[file]).await.unwrap();
        let shown = read_held(&vault, file, &["identity", "note"]).await.unwrap();
        assert_eq!(status(&shown, "memo"), FieldStatus::Expired);
        assert_eq!(status(&shown, "family_name"), FieldStatus::Value);
        vault.run_purge(&watch()).await.unwrap();
        let notes = rows(&house, b's').into_iter().filter(|key| key.ends_with(b"note"));
        assert_eq!(notes.count(), 0, "the purge took it");
    });
}
