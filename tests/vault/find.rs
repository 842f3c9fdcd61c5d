//! Find and Match: exact values of records the caller may match; nothing else is given away.

use oubliette::{
    clock::Timestamp,
    ids::{AgentId, CollectionName, RecordId, UnitName},
    policy::Value,
    vault::{
        AssignInput, Assignee, CreateInput, Cursor, FindInput, FindPage, MatchInput, Matched,
        PageRequest, UpdateInput, Vault, VaultError,
    },
};

use crate::house::{
    House, START_MS, caller, care, clerk, events, field, filed, head, island_file,
    island_file_without_note, rows, run,
};

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn search(conditions: &[(&str, &str)], size: usize, after: Option<Cursor>) -> FindInput {
    FindInput {
        collection: CollectionName::parse("files").unwrap(),
        conditions: conditions.iter().map(|(name, value)| (field(name), text(value))).collect(),
        page: PageRequest { size, after },
    }
}

async fn find(vault: &Vault, conditions: &[(&str, &str)]) -> Result<FindPage, VaultError> {
    vault.find(&clerk(), &care(), search(conditions, 50, None)).await
}

async fn found(vault: &Vault, conditions: &[(&str, &str)]) -> Vec<RecordId> {
    find(vault, conditions).await.unwrap().records
}

async fn matches(
    vault: &Vault,
    record: RecordId,
    name: &str,
    value: &str,
) -> Result<Matched, VaultError> {
    let input = MatchInput { record, field: field(name), value: text(value) };
    vault.matches(&clerk(), &care(), input).await
}

async fn to_north(vault: &Vault, input: CreateInput) -> RecordId {
    let record = vault.create(&head(), &care(), input).await.unwrap().record;
    let to = Assignee::Unit(UnitName::parse("north").unwrap());
    vault.assign(&head(), &care(), AssignInput { record, to, until: None }).await.unwrap();
    record
}

#[test]
fn a_file_is_found_by_its_value_in_any_live_cohort_and_not_by_another_value() {
    run(async {
        let vault = House::founded(240).start().unwrap();
        let old = filed(&vault, "EXEMPLE-ALPHA", "2020-08-25").await.unwrap().record;
        let new = filed(&vault, "EXEMPLE-ALPHA", "2020-11-20").await.unwrap().record;
        let other = filed(&vault, "EXEMPLE-BETA", "2020-11-20").await.unwrap().record;
        let by_name = found(&vault, &[("family_name", "EXEMPLE-ALPHA")]).await;
        assert_eq!(by_name, [old, new], "in the order of their expiry");
        assert_eq!(found(&vault, &[("family_name", "EXEMPLE-BETA")]).await, [other]);
        assert!(found(&vault, &[("family_name", "EXEMPLE-GAMMA")]).await.is_empty());
        // A value is brought to its normal form first.
        assert_eq!(found(&vault, &[("phone", "06 92 12 34 56")]).await.len(), 3);
    });
}

#[test]
fn all_conditions_must_hold() {
    run(async {
        let vault = House::founded(241).start().unwrap();
        let mut input = island_file_without_note("EXEMPLE", "2020-11-20");
        input.fields[1].1 = text("0692000001");
        let one = to_north(&vault, input).await;
        let two = filed(&vault, "EXEMPLE", "2020-11-20").await.unwrap().record;
        let both = [("family_name", "EXEMPLE"), ("phone", "0692000001")];
        assert_eq!(found(&vault, &both).await, [one]);
        let swapped = [("phone", "0692123456"), ("family_name", "EXEMPLE")];
        assert_eq!(found(&vault, &swapped).await, [two]);
        let neither = [("family_name", "EXEMPLE"), ("phone", "0692999999")];
        assert!(found(&vault, &neither).await.is_empty());
    });
}

#[test]
fn what_a_caller_may_not_match_is_left_out_as_if_it_were_not_there() {
    run(async {
        let vault = House::founded(242).start().unwrap();
        let mine = filed(&vault, "EXEMPLE", "2020-11-20").await.unwrap().record;
        let nobody_s = island_file_without_note("EXEMPLE", "2020-11-21");
        vault.create(&head(), &care(), nobody_s).await.unwrap();
        let page = find(&vault, &[("family_name", "EXEMPLE")]).await.unwrap();
        assert_eq!(page.records, [mine]);
        assert_eq!(page.next, None, "a cursor would tell of the other");
        let stranger = caller("clerk-2", "clerk", Some("south"));
        let input = search(&[("family_name", "EXEMPLE")], 50, None);
        let page = vault.find(&stranger, &care(), input).await.unwrap();
        assert!(page.records.is_empty() && page.next.is_none());
        // A role that may match nothing of the collection is told so, whatever is on file.
        let input = search(&[("family_name", "EXEMPLE")], 50, None);
        let refused = vault.find(&head(), &care(), input).await;
        assert!(matches!(refused, Err(VaultError::Denied { .. })));
    });
}

#[test]
fn a_changed_value_is_found_by_the_new_one_only_and_an_assignment_taken_back_ends_it() {
    run(async {
        let vault = House::founded(243).start().unwrap();
        let record = filed(&vault, "EXEMPLE-ALPHA", "2020-11-20").await.unwrap().record;
        let input = UpdateInput {
            record,
            expected_version: 2,
            attributes: Vec::new(),
            fields: vec![(field("family_name"), Some(text("EXEMPLE-BETA")))],
        };
        vault.update(&clerk(), &care(), input).await.unwrap();
        assert!(found(&vault, &[("family_name", "EXEMPLE-ALPHA")]).await.is_empty());
        assert_eq!(found(&vault, &[("family_name", "EXEMPLE-BETA")]).await, [record]);
        let north = Assignee::Unit(UnitName::parse("north").unwrap());
        vault.unassign(&head(), &care(), record, north).await.unwrap();
        assert!(found(&vault, &[("family_name", "EXEMPLE-BETA")]).await.is_empty());
    });
}

#[test]
fn an_expired_file_is_found_no_more_before_any_purge_ran() {
    run(async {
        let house = House::founded(244);
        let vault = house.start().unwrap();
        let due = filed(&vault, "EXEMPLE", "2020-08-24").await.unwrap().record;
        let live = filed(&vault, "EXEMPLE", "2020-11-20").await.unwrap().record;
        assert_eq!(found(&vault, &[("family_name", "EXEMPLE")]).await, [due, live]);
        house.clock.advance_millis(16 * 60 * 60 * 1000);
        assert_eq!(found(&vault, &[("family_name", "EXEMPLE")]).await, [live]);
        assert!(matches!(
            matches(&vault, due, "family_name", "EXEMPLE").await,
            Err(VaultError::NotAvailable)
        ));
    });
}

#[test]
fn pages_follow_one_another_without_gap_or_repetition() {
    run(async {
        let vault = House::founded(245).start().unwrap();
        let mut all = Vec::new();
        for day in ["2020-11-18", "2020-11-19", "2020-11-20"] {
            for _ in 0..3 {
                all.push(filed(&vault, "EXEMPLE", day).await.unwrap().record);
            }
        }
        for size in [1, 2, 4, 9, 10] {
            let (mut paged, mut after) = (Vec::new(), None);
            loop {
                let input = search(&[("family_name", "EXEMPLE")], size, after);
                let page = vault.find(&clerk(), &care(), input).await.unwrap();
                assert!(page.records.len() <= size && !page.records.is_empty());
                paged.extend(page.records);
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            paged.sort_unstable();
            let mut expected = all.clone();
            expected.sort_unstable();
            assert_eq!(paged, expected, "pages of {size}");
        }
    });
}

#[test]
fn a_page_at_its_bound_is_answered_and_a_larger_or_empty_one_is_refused() {
    run(async {
        let vault = House::founded(246).start().unwrap();
        for (size, fine) in [(0, false), (1, true), (256, true), (257, false)] {
            let input = search(&[("family_name", "EXEMPLE")], size, None);
            let answer = vault.find(&clerk(), &care(), input).await;
            assert_eq!(answer.is_ok(), fine, "{size}");
            assert!(fine || matches!(answer, Err(VaultError::TooMany { limit: 256, .. })));
        }
    });
}

#[test]
fn conditions_at_their_bound_are_taken_and_none_or_one_more_are_refused() {
    run(async {
        let vault = House::founded(247).start().unwrap();
        let one = ("family_name", "EXEMPLE");
        for (count, fine) in [(0, false), (1, true), (8, true), (9, false)] {
            let answer = find(&vault, &vec![one; count]).await;
            assert_eq!(answer.is_ok(), fine, "{count}");
            assert!(fine || matches!(answer, Err(VaultError::TooMany { limit: 8, .. })));
        }
    });
}

#[test]
fn a_field_that_is_unknown_not_searchable_or_malformed_is_refused_without_its_value() {
    run(async {
        let vault = House::founded(248).start().unwrap();
        for (name, value) in [("unknown", "x"), ("memo", "x"), ("phone", "EXEMPLE")] {
            let Err(VaultError::Invalid(violations)) = find(&vault, &[(name, value)]).await else {
                panic!("{name} was searched for")
            };
            assert_eq!(violations[0].path, format!("where.{name}"));
            assert!(!violations[0].reason.contains(value));
        }
    });
}

#[test]
fn a_match_confirms_the_value_and_denies_another_and_shows_neither() {
    run(async {
        let vault = House::founded(249).start().unwrap();
        let record = filed(&vault, "EXEMPLE-ALPHA", "2020-11-20").await.unwrap().record;
        let yes = matches(&vault, record, "phone", "+262 692 12 34 56").await.unwrap();
        let no = matches(&vault, record, "phone", "0692000000").await.unwrap();
        assert!(yes.matches && !no.matches && !yes.expired);
        let unsearchable = matches(&vault, record, "memo", "x").await;
        assert!(matches!(unsearchable, Err(VaultError::Invalid(_))));
        let log = events(&vault, "match").await;
        assert_eq!(log[2].asked, ["phone.phone"]);
        assert!(log.iter().all(|event| event.records == [record] && event.given.is_empty()));
    });
}

#[test]
fn a_match_on_an_absent_and_on_a_forbidden_record_gives_the_same_answer() {
    run(async {
        let vault = House::founded(250).start().unwrap();
        let record = filed(&vault, "EXEMPLE", "2020-11-20").await.unwrap().record;
        let stranger = caller("clerk-2", "clerk", Some("south"));
        for record in [record, RecordId::from_bytes([0xee; 16])] {
            for name in ["family_name", "unknown"] {
                let input = MatchInput { record, field: field(name), value: text("EXEMPLE") };
                let answer = vault.matches(&stranger, &care(), input).await;
                assert!(matches!(answer, Err(VaultError::NotAvailable)), "{name}");
            }
        }
    });
}

#[test]
fn who_may_know_of_a_record_but_not_match_it_is_denied() {
    run(async {
        let vault = House::founded(251).start().unwrap();
        let record = filed(&vault, "EXEMPLE", "2020-11-20").await.unwrap().record;
        let input = MatchInput { record, field: field("family_name"), value: text("EXEMPLE") };
        let answer = vault.matches(&head(), &care(), input).await;
        assert!(matches!(answer, Err(VaultError::Denied { .. })));
    });
}

#[test]
fn no_search_term_reaches_the_disk_or_the_log() {
    run(async {
        let house = House::founded(252);
        let vault = house.start().unwrap();
        filed(&vault, "EXEMPLE", "2020-11-20").await.unwrap();
        find(&vault, &[("family_name", "EXEMPLE-CHERCHE")]).await.unwrap();
        let event = &events(&vault, "find").await[0];
        assert_eq!(event.asked, ["identity.family_name"]);
        assert!(!format!("{event:?}").contains("CHERCHE"));
        let mut clear = 0;
        house.disk.tamper(|rows| {
            let holds = |bytes: &[u8]| bytes.windows(7).any(|part| part == b"CHERCHE");
            clear = rows.iter().filter(|(key, value)| holds(key) || holds(value)).count();
        });
        assert_eq!(clear, 0);
    });
}

#[test]
fn an_index_row_put_beside_another_record_finds_nothing() {
    run(async {
        let house = House::founded(253);
        let vault = house.start().unwrap();
        filed(&vault, "EXEMPLE-ALPHA", "2020-11-20").await.unwrap();
        let other = filed(&vault, "EXEMPLE-BETA", "2020-11-20").await.unwrap().record;
        // Every token of the database, written again with the other record's id.
        let forged: Vec<Vec<u8>> = rows(&house, b'x')
            .into_iter()
            .filter(|key| key.len() == 53)
            .map(|key| [&key[..37], other.as_bytes()].concat())
            .collect();
        house.disk.tamper(|rows| rows.extend(forged.into_iter().map(|key| (key, Vec::new()))));
        let by_name = found(&vault, &[("family_name", "EXEMPLE-ALPHA")]).await;
        assert!(!by_name.contains(&other));
        assert_eq!(by_name.len(), 1);
    });
}

#[test]
fn a_class_past_its_own_period_matches_nothing_while_its_record_lives() {
    run(async {
        // `note` lives seven days; it is not searchable, so the file's other classes still match.
        let house = House::founded(254);
        let vault = house.start().unwrap();
        let record = to_north(&vault, island_file("EXEMPLE", "2020-11-20")).await;
        house.pass_days(10);
        let matched = matches(&vault, record, "family_name", "EXEMPLE").await.unwrap();
        assert!(matched.matches && !matched.expired);
    });
}

#[test]
fn a_find_by_an_agent_whose_assignment_has_ended_gives_nothing() {
    run(async {
        let house = House::founded(255);
        let vault = house.start().unwrap();
        let input = island_file_without_note("EXEMPLE", "2020-11-20");
        let record = vault.create(&head(), &care(), input).await.unwrap().record;
        let to = Assignee::Agent(AgentId::parse("keys-1").unwrap());
        let until = Some(Timestamp::from_millis(START_MS + 1000));
        vault.assign(&head(), &care(), AssignInput { record, to, until }).await.unwrap();
        let agent = caller("keys-1", "clerk", Some("south"));
        let input = || search(&[("family_name", "EXEMPLE")], 50, None);
        assert_eq!(vault.find(&agent, &care(), input()).await.unwrap().records, [record]);
        house.clock.advance_millis(1000);
        assert!(vault.find(&agent, &care(), input()).await.unwrap().records.is_empty());
    });
}
