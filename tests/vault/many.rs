//! RevealMany and Worklist: several records under one event, each decided and answered by itself.

use oubliette::{
    clock::Timestamp,
    ids::{AgentId, CollectionName, RecordId, UnitName},
    policy::{FieldStatus, Value},
    vault::{
        AssignInput, Assignee, PageRequest, RevealManyInput, RevealedItem, Vault, VaultError,
        WorklistInput, WorklistPage,
    },
};

use crate::house::{
    DAY_MS, House, START_MS, caller, care, class, clerk, events, field, filed, head,
    island_file_without_note, run, text_of,
};

async fn reveal_many(
    vault: &Vault,
    records: &[RecordId],
    classes: &[&str],
) -> Result<Vec<RevealedItem>, VaultError> {
    let classes = classes.iter().map(|name| class(name)).collect();
    let input = RevealManyInput { records: records.to_vec(), classes };
    vault.reveal_many(&clerk(), &care(), input).await
}

fn unit(name: &str) -> Assignee {
    Assignee::Unit(UnitName::parse(name).unwrap())
}

fn agent(name: &str) -> Assignee {
    Assignee::Agent(AgentId::parse(name).unwrap())
}

fn list(of: Option<Assignee>, size: usize) -> WorklistInput {
    let collection = CollectionName::parse("files").unwrap();
    WorklistInput { collection, of, page: PageRequest { size, after: None } }
}

async fn worklist(vault: &Vault, of: Option<Assignee>) -> Result<WorklistPage, VaultError> {
    vault.worklist(&clerk(), &care(), list(of, 50)).await
}

fn ids(page: &WorklistPage) -> Vec<RecordId> {
    page.entries.iter().map(|entry| entry.record).collect()
}

#[test]
fn several_records_are_answered_in_the_order_asked_each_by_itself_under_one_event() {
    run(async {
        let vault = House::founded(260).start().unwrap();
        let one = filed(&vault, "EXEMPLE-UN", "2020-11-20").await.unwrap().record;
        let two = filed(&vault, "EXEMPLE-DEUX", "2020-11-19").await.unwrap().record;
        let nobody_s = island_file_without_note("EXEMPLE-TROIS", "2020-11-20");
        let hidden = vault.create(&head(), &care(), nobody_s).await.unwrap().record;
        let absent = RecordId::from_bytes([0xee; 16]);
        let before = vault.state().unwrap().log_size;
        let asked = [two, hidden, one, absent];
        let items = reveal_many(&vault, &asked, &["identity", "phone"]).await.unwrap();
        assert_eq!(vault.state().unwrap().log_size, before + 1);
        assert_eq!(items.iter().map(|item| item.record).collect::<Vec<_>>(), asked);
        let name = |item: &RevealedItem| {
            item.result.as_ref().ok().and_then(|r| text_of(r, "family_name").map(str::to_owned))
        };
        let names: Vec<_> = items.iter().map(name).collect();
        assert_eq!(names, [Some("EXEMPLE-DEUX".into()), None, Some("EXEMPLE-UN".into()), None]);
        for item in [&items[1], &items[3]] {
            assert!(matches!(item.result, Err(VaultError::NotAvailable)));
        }
        let shown = items[0].result.as_ref().ok().unwrap();
        let phone = shown.fields.iter().find(|f| f.field.as_str() == "phone").unwrap();
        assert_eq!(phone.status, FieldStatus::Denied);

        let event = &events(&vault, "reveal-many").await[0];
        assert_eq!(event.records, asked);
        assert_eq!((event.decision.as_str(), event.outcome.as_str()), ("partial", "OK"));
        // What was given, record by record: the two that are hers, and of those the identity.
        assert_eq!(event.given.len(), 4);
        assert!(event.given.iter().all(|given| given.class.as_str() == "identity"));
        let mut subjects = Vec::new();
        for item in [&items[0], &items[2]] {
            let filter = oubliette::audit::EventFilter {
                record: Some(item.record),
                kind: Some("create".to_owned()),
                ..oubliette::audit::EventFilter::default()
            };
            let page = vault.list_events(&crate::house::watch(), filter, None, 9).await.unwrap();
            let oubliette::audit::EventDetail::Open(created) = &page.events[0].detail else {
                panic!("a detail")
            };
            subjects.push(created.subject.unwrap());
        }
        // The persons whose records were shown find it in the log, and nobody else.
        for subject in &subjects {
            let filter = oubliette::audit::EventFilter {
                subject: Some(*subject),
                kind: Some("reveal-many".to_owned()),
                ..oubliette::audit::EventFilter::default()
            };
            let page = vault.list_events(&crate::house::watch(), filter, None, 9).await.unwrap();
            assert_eq!(page.events.len(), 1);
        }
        subjects.sort_unstable();
        assert_eq!(event.subjects, subjects);
        let of: Vec<_> = event.given.iter().filter_map(|given| given.record).collect();
        assert_eq!(of, [two, two, one, one]);
    });
}

#[test]
fn when_nothing_may_be_shown_every_record_says_so_and_the_event_too() {
    run(async {
        let vault = House::founded(261).start().unwrap();
        let file = filed(&vault, "EXEMPLE", "2020-11-20").await.unwrap().record;
        let stranger = caller("clerk-2", "clerk", Some("south"));
        let input = RevealManyInput { records: vec![file], classes: vec![class("identity")] };
        let items = vault.reveal_many(&stranger, &care(), input).await.unwrap();
        assert!(matches!(items[0].result, Err(VaultError::NotAvailable)));
        let event = &events(&vault, "reveal-many").await[0];
        assert_eq!((event.decision.as_str(), event.outcome.as_str()), ("deny", "NOT_AVAILABLE"));
        // Who may know of the record is told that he may not see this of it.
        let input = RevealManyInput { records: vec![file], classes: vec![class("identity")] };
        let items = vault.reveal_many(&head(), &care(), input).await.unwrap();
        assert!(matches!(items[0].result, Err(VaultError::Denied { .. })));
        assert_eq!(events(&vault, "reveal-many").await[0].outcome, "DENIED");
    });
}

#[test]
fn records_at_their_bound_are_answered_and_none_or_one_more_are_refused() {
    run(async {
        let vault = House::founded(262).start().unwrap();
        let some = |count: u16| -> Vec<RecordId> {
            let id = |n: u16| {
                let mut bytes = [1; 16];
                bytes[..2].copy_from_slice(&n.to_be_bytes());
                RecordId::from_bytes(bytes)
            };
            (0..count).map(id).collect()
        };
        for (count, fine) in [(0, false), (256, true), (257, false)] {
            let answer = reveal_many(&vault, &some(count), &["identity"]).await;
            assert_eq!(answer.is_ok(), fine, "{count}");
            assert!(fine || matches!(answer, Err(VaultError::TooMany { limit: 256, .. })));
        }
    });
}

#[test]
fn a_record_that_was_changed_on_disk_is_answered_so_and_keeps_nobody_from_the_others() {
    run(async {
        let house = House::founded(263);
        let vault = house.start().unwrap();
        let one = filed(&vault, "EXEMPLE-UN", "2020-11-20").await.unwrap().record;
        let two = filed(&vault, "EXEMPLE-DEUX", "2020-11-20").await.unwrap().record;
        house.disk.tamper(|rows| {
            let section = rows.iter_mut().find(|(key, _)| {
                key[0] == b's' && key[17..33] == two.as_bytes()[..] && key[33..] == b"identity"[..]
            });
            *section.unwrap().1.last_mut().unwrap() ^= 1;
        });
        let items = reveal_many(&vault, &[two, one], &["identity"]).await.unwrap();
        assert!(matches!(items[0].result, Err(VaultError::Corrupt(_))));
        let shown = items[1].result.as_ref().ok().unwrap();
        assert_eq!(text_of(shown, "family_name"), Some("EXEMPLE-UN"));
        // The same where its head does not verify any more; on a list it is left out, with an alarm.
        house.disk.tamper(|rows| {
            let key = [b"r".as_slice(), two.as_bytes()].concat();
            *rows.get_mut(&key).unwrap().last_mut().unwrap() ^= 1;
        });
        let items = reveal_many(&vault, &[two, one], &["identity"]).await.unwrap();
        assert!(matches!(items[0].result, Err(VaultError::Corrupt(_))));
        assert!(items[1].result.is_ok());
        assert_eq!(ids(&worklist(&vault, None).await.unwrap()), [one]);
        let alarms = vault.list_alarms(&crate::house::watch()).await.unwrap();
        assert!(alarms.iter().any(|alarm| alarm.kind == "record-changed"));
    });
}

#[test]
fn a_work_list_shows_the_unit_s_and_the_agent_s_own_files_with_their_attributes() {
    run(async {
        let vault = House::founded(264).start().unwrap();
        let unit_s = filed(&vault, "EXEMPLE-UN", "2020-11-20").await.unwrap().record;
        let input = island_file_without_note("EXEMPLE-DEUX", "2020-11-19");
        let own = vault.create(&head(), &care(), input).await.unwrap().record;
        let me = agent("keys-1");
        let to = AssignInput { record: own, to: me.clone(), until: None };
        vault.assign(&head(), &care(), to).await.unwrap();
        let caller = caller("keys-1", "clerk", Some("north"));
        let page = vault.worklist(&caller, &care(), list(None, 50)).await.unwrap();
        assert_eq!(ids(&page), [own, unit_s], "in the order of their expiry");
        let entry = &page.entries[0];
        assert_eq!((entry.version, entry.expires_on.to_string().as_str()), (2, "2021-02-19"));
        let state = entry.attributes.iter().find(|a| a.field == field("state")).unwrap();
        assert!(state.value == Some(Value::Text("open".into())));
        // One list alone.
        let page = vault.worklist(&caller, &care(), list(Some(me), 50)).await.unwrap();
        assert_eq!(ids(&page), [own]);
        let page = vault.worklist(&caller, &care(), list(Some(unit("north")), 50)).await.unwrap();
        assert_eq!(ids(&page), [unit_s]);
        let event = &events(&vault, "worklist").await[0];
        assert_eq!(
            (event.records.as_slice(), event.notes.as_slice()),
            (&[unit_s][..], &["unit=north".to_owned()][..])
        );
        assert!(event.given.iter().all(|given| given.class.as_str() == "attributes"));
        assert!(!event.given.is_empty());
    });
}

#[test]
fn another_unit_s_list_is_empty_and_a_role_without_lists_is_denied() {
    run(async {
        let vault = House::founded(265).start().unwrap();
        filed(&vault, "EXEMPLE", "2020-11-20").await.unwrap();
        let stranger = caller("clerk-2", "clerk", Some("south"));
        let page = vault.worklist(&stranger, &care(), list(Some(unit("north")), 50)).await.unwrap();
        assert!(page.entries.is_empty() && page.next.is_none());
        let refused = vault.worklist(&crate::house::watch(), &care(), list(None, 50)).await;
        assert!(matches!(refused, Err(VaultError::Denied { .. })));
        // The head of the desk sees attributes of all, so every list is his to look at.
        let page = vault.worklist(&head(), &care(), list(Some(unit("north")), 50)).await.unwrap();
        assert_eq!(page.entries.len(), 1);
    });
}

#[test]
fn an_assignment_that_ran_out_or_was_taken_back_is_on_no_list() {
    run(async {
        let house = House::founded(266);
        let vault = house.start().unwrap();
        let one = filed(&vault, "EXEMPLE-UN", "2020-11-20").await.unwrap().record;
        let two = filed(&vault, "EXEMPLE-DEUX", "2020-11-20").await.unwrap().record;
        assert_eq!(worklist(&vault, None).await.unwrap().entries.len(), 2);
        let until = Some(Timestamp::from_millis(START_MS + 1000));
        let to = AssignInput { record: one, to: unit("north"), until };
        vault.assign(&head(), &care(), to).await.unwrap();
        house.clock.advance_millis(1000);
        assert_eq!(ids(&worklist(&vault, None).await.unwrap()), [two]);
        vault.unassign(&head(), &care(), two, unit("north")).await.unwrap();
        assert!(worklist(&vault, None).await.unwrap().entries.is_empty());
    });
}

#[test]
fn a_work_list_pages_without_gap_or_repetition_also_where_two_lists_name_one_file() {
    run(async {
        let vault = House::founded(267).start().unwrap();
        let mut all = Vec::new();
        for day in ["2020-11-18", "2020-11-19"] {
            for _ in 0..3 {
                let record = filed(&vault, "EXEMPLE", day).await.unwrap().record;
                let to = AssignInput { record, to: agent("keys-1"), until: None };
                vault.assign(&head(), &care(), to).await.unwrap();
                all.push(record);
            }
        }
        all.sort_unstable();
        let caller = caller("keys-1", "clerk", Some("north"));
        for size in [1, 2, 3, 6, 7] {
            let (mut paged, mut input) = (Vec::new(), list(None, size));
            loop {
                let page = vault.worklist(&caller, &care(), input).await.unwrap();
                paged.extend(ids(&page));
                let Some(after) = page.next else { break };
                input = list(None, size);
                input.page.after = Some(after);
            }
            paged.sort_unstable();
            assert_eq!(paged, all, "pages of {size}");
        }
    });
}

#[test]
fn an_expired_file_is_on_no_list_before_any_purge_ran() {
    run(async {
        let house = House::founded(268);
        let vault = house.start().unwrap();
        filed(&vault, "EXEMPLE-DU", "2020-08-24").await.unwrap();
        let live = filed(&vault, "EXEMPLE-VIF", "2020-11-20").await.unwrap().record;
        assert_eq!(worklist(&vault, None).await.unwrap().entries.len(), 2);
        house.clock.advance_millis(DAY_MS);
        assert_eq!(ids(&worklist(&vault, None).await.unwrap()), [live]);
    });
}

#[test]
fn a_page_of_a_work_list_at_its_bound_is_answered_and_a_larger_or_empty_one_refused() {
    run(async {
        let vault = House::founded(269).start().unwrap();
        for (size, fine) in [(0, false), (256, true), (257, false)] {
            let answer = vault.worklist(&clerk(), &care(), list(None, size)).await;
            assert_eq!(answer.is_ok(), fine, "{size}");
        }
    });
}
