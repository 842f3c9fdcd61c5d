//! The bound on how many persons one agent sees in an hour: kept over restarts, his own, counted with the
//! event that reveals, and not to be passed by two calls at one time.

use std::sync::Arc;

use oubliette::{
    identity::Caller,
    ids::{PurposeName, RecordId, SubjectId},
    storage::memory::{Counted, Fault},
    vault::{
        Assignee, CreateInput, Intent, PageRequest, RevealInput, RevealManyInput, Vault,
        VaultError, WorklistInput,
    },
};

use crate::{
    counter::{counter_house, file_of, person},
    house::{
        DAY_MS, House, caller, care, class, clerk, events, head, island_file_without_note, reveal,
        rows, run, watch,
    },
};

const HOUR_MS: i64 = DAY_MS / 24;

/// A file each of these persons.
async fn files(vault: &Vault, persons: std::ops::Range<u8>) -> Vec<RecordId> {
    let mut all = Vec::new();
    for number in persons {
        all.push(file_of(vault, person(number), "EXEMPLE").await);
    }
    all
}

async fn reveal_as(vault: &Vault, who: &Caller, record: RecordId) -> Result<(), VaultError> {
    let input = RevealInput { record, classes: vec![class("identity")], approval: None };
    vault.reveal(who, &care(), input).await.map(drop)
}

fn refused_by_the_bound<T>(answer: Result<T, VaultError>) -> bool {
    let Err(VaultError::Denied { policies, .. }) = answer else { return false };
    policies.iter().any(|policy| policy.id == "clerk-many")
}

#[test]
fn the_forty_first_person_of_an_hour_is_refused_and_the_forty_seen_before_are_not() {
    run(async {
        let house = counter_house(840);
        let vault = house.start().unwrap();
        let all = files(&vault, 0..41).await;
        let also_first = file_of(&vault, person(0), "EXEMPLE").await;
        for record in &all[..40] {
            reveal(&vault, *record).await.unwrap();
        }
        assert!(refused_by_the_bound(reveal(&vault, all[40]).await));
        let event = &events(&vault, "reveal").await[0];
        assert_eq!((event.outcome.as_str(), event.decision.as_str()), ("DENIED", "deny"));
        assert_eq!(event.policies[0].0, "clerk-many");
        for record in &all[..40] {
            assert!(reveal(&vault, *record).await.is_ok(), "seen before");
        }
        assert!(reveal(&vault, also_first).await.is_ok(), "another file of a person seen before");
        // A refused reveal does not count, and does not put the end of the hour off.
        house.clock.advance_millis(HOUR_MS - 1);
        assert!(refused_by_the_bound(reveal(&vault, all[40]).await));
        house.clock.advance_millis(1);
        assert!(reveal(&vault, all[40]).await.is_ok(), "an hour later");
    });
}

#[test]
fn an_hour_runs_from_the_last_time_a_person_was_seen() {
    run(async {
        let house = counter_house(841);
        let vault = house.start().unwrap();
        let all = files(&vault, 0..41).await;
        for record in &all[..40] {
            reveal(&vault, *record).await.unwrap();
        }
        house.clock.advance_millis(HOUR_MS / 2);
        reveal(&vault, all[0]).await.unwrap();
        house.clock.advance_millis(HOUR_MS / 2);
        // The other 39 are forgotten, the first is not: 39 more make forty.
        for record in &all[1..40] {
            reveal(&vault, *record).await.unwrap();
        }
        assert!(refused_by_the_bound(reveal(&vault, all[40]).await));
    });
}

#[test]
fn a_restart_or_a_clock_set_back_makes_no_room_and_two_agents_do_not_share() {
    run(async {
        let house = counter_house(842);
        let mut vault = house.start().unwrap();
        let all = files(&vault, 0..41).await;
        for record in &all[..40] {
            reveal(&vault, *record).await.unwrap();
        }
        vault.drain();
        drop(vault);
        vault = house.start().unwrap();
        assert!(refused_by_the_bound(reveal(&vault, all[40]).await), "after a restart");
        house.clock.advance_millis(-3 * HOUR_MS);
        assert!(refused_by_the_bound(reveal(&vault, all[40]).await), "the clock went back");
        assert!(reveal(&vault, all[0]).await.is_ok());
        let colleague = caller("clerk-2", "clerk", Some("north"));
        assert!(reveal_as(&vault, &colleague, all[40]).await.is_ok());
    });
}

#[test]
fn two_calls_at_thirty_nine_do_not_both_pass() {
    run(async {
        for seed in 0..10 {
            let vault = counter_house(860 + seed).start().unwrap();
            let all = files(&vault, 0..45).await;
            for record in &all[..39] {
                reveal(&vault, *record).await.unwrap();
            }
            let calls: Vec<_> = all[39..]
                .iter()
                .map(|record| {
                    let (vault, record): (Arc<Vault>, RecordId) = (Arc::clone(&vault), *record);
                    tokio::spawn(async move { reveal(&vault, record).await })
                })
                .collect();
            let (mut passed, mut refused) = (0, 0);
            for call in calls {
                match call.await.unwrap() {
                    Ok(_) => passed += 1,
                    answer => refused += i32::from(refused_by_the_bound(answer)),
                }
            }
            assert_eq!((passed, refused), (1, 5));
        }
    });
}

#[test]
fn a_reveal_of_many_counts_each_person_and_refuses_those_beyond() {
    run(async {
        let vault = counter_house(843).start().unwrap();
        let all = files(&vault, 0..45).await;
        let many = async |records: &[RecordId]| {
            let input =
                RevealManyInput { records: records.to_vec(), classes: vec![class("identity")] };
            vault.reveal_many(&clerk(), &care(), input).await.unwrap()
        };
        reveal(&vault, all[0]).await.unwrap();
        let answers = many(&all).await;
        let shown: Vec<bool> = answers.iter().map(|item| item.result.is_ok()).collect();
        assert_eq!(shown, [vec![true; 40], vec![false; 5]].concat());
        assert!(answers.into_iter().skip(40).all(|item| refused_by_the_bound(item.result)));
        // Asked again, the same forty are shown.
        let again = many(&all[40..]).await;
        assert!(again.into_iter().all(|item| refused_by_the_bound(item.result)));
        assert!(many(&all[..40]).await.into_iter().all(|item| item.result.is_ok()));
    });
}

#[test]
fn what_is_refused_or_shows_attributes_alone_is_not_counted() {
    run(async {
        let vault = counter_house(844).start().unwrap();
        let all = files(&vault, 0..41).await;
        let stranger = caller("clerk-9", "clerk", Some("south"));
        for record in &all {
            assert!(reveal_as(&vault, &stranger, *record).await.is_err());
            let classes = vec![class("attributes")];
            let input = RevealInput { record: *record, classes, approval: None };
            vault.reveal(&clerk(), &care(), input).await.unwrap();
        }
        for record in &all[..40] {
            reveal(&vault, *record).await.unwrap();
        }
        // The stranger was shown nothing: his hour is empty.
        let north = caller("clerk-9", "clerk", Some("north"));
        assert!(reveal_as(&vault, &north, all[40]).await.is_ok());
        assert!(refused_by_the_bound(reveal(&vault, all[40]).await));
        // A list of attributes is as long as it was.
        let page = PageRequest { size: 50, after: None };
        let collection = oubliette::ids::CollectionName::parse("files").unwrap();
        let input = WorklistInput { collection, of: None::<Assignee>, page };
        assert_eq!(vault.worklist(&clerk(), &care(), input).await.unwrap().entries.len(), 41);
    });
}

#[test]
fn an_event_that_cannot_be_written_gives_nothing_and_counts_nothing() {
    run(async {
        let house = counter_house(845);
        let vault = house.start().unwrap();
        let all = files(&vault, 0..1).await;
        house.disk.inject(Counted::Commits, Fault::FailAndNotPersist(0));
        assert!(reveal(&vault, all[0]).await.is_err());
        assert!(rows(&house, b'u').is_empty());
        drop(vault);
        let vault = house.start().unwrap();
        assert!(reveal(&vault, all[0]).await.is_ok());
        assert_eq!(rows(&house, b'u').len(), 1);
    });
}

#[test]
fn a_row_names_no_person_and_goes_once_nothing_in_it_is_recent() {
    run(async {
        let house = counter_house(846);
        let vault = house.start().unwrap();
        let subject = SubjectId::from_bytes([7; 16]);
        let record = file_of(&vault, subject, "EXEMPLE").await;
        reveal(&vault, record).await.unwrap();
        let colleague = caller("clerk-2", "clerk", Some("north"));
        reveal_as(&vault, &colleague, record).await.unwrap();
        let mut values = Vec::new();
        house.disk.tamper(|rows| {
            let counts = rows.iter().filter(|(key, _)| key[0] == b'u');
            values = counts.map(|(_, value)| value.clone()).collect();
        });
        let holds = |bytes: &[u8], what: &[u8]| bytes.windows(what.len()).any(|part| part == what);
        assert_eq!(values.len(), 2);
        for value in &values {
            assert!(!holds(value, subject.as_bytes()) && !holds(value, record.as_bytes()));
        }
        // The same person is another token for another agent.
        let tails: Vec<_> = values.iter().map(|value| &value[value.len() - 16..]).collect();
        assert_ne!(tails[0], tails[1]);
        vault.tick().unwrap();
        assert_eq!(rows(&house, b'u').len(), 2, "recent");
        house.clock.advance_millis(HOUR_MS);
        vault.tick().unwrap();
        assert!(rows(&house, b'u').is_empty());
    });
}

#[test]
fn a_pack_that_asks_for_no_count_keeps_none() {
    run(async {
        let house = House::founded(847);
        let vault = house.start().unwrap();
        let record = crate::house::filed(&vault, "EXEMPLE", "2020-11-20").await.unwrap().record;
        reveal(&vault, record).await.unwrap();
        assert!(rows(&house, b'u').is_empty());
        let house = counter_house(848);
        let vault = house.start().unwrap();
        let record = file_of(&vault, person(1), "EXEMPLE").await;
        reveal_as(&vault, &crate::counter::rights(), record).await.unwrap();
        assert!(rows(&house, b'u').is_empty(), "a role that no such policy concerns");
        reveal(&vault, record).await.unwrap();
        assert_eq!(rows(&house, b'u').len(), 1);
        assert!(reveal_as(&vault, &watch(), record).await.is_err());
    });
}

#[test]
fn as_many_persons_as_the_bound_are_remembered_of_an_hour_and_one_more_takes_the_oldest_s_place() {
    run(async {
        let house = counter_house(849);
        let vault = house.start().unwrap();
        let wide = caller("wide-1", "wide", Some("north"));
        let mut all = Vec::new();
        for number in 0..1025_u16 {
            let [high, low] = number.to_be_bytes();
            let mut id = [9; 16];
            (id[0], id[1]) = (high, low);
            let file = island_file_without_note("EXEMPLE", "2020-11-20");
            let input = CreateInput { subject: Some(SubjectId::from_bytes(id)), ..file };
            all.push(vault.create(&head(), &care(), input).await.unwrap().record);
        }
        for records in all.chunks(256) {
            let input =
                RevealManyInput { records: records.to_vec(), classes: vec![class("identity")] };
            let answers = vault.reveal_many(&wide, &care(), input).await.unwrap();
            assert!(answers.iter().all(|item| item.result.is_ok()));
        }
        // The first person is remembered no more, so all that are remembered are others; of the second
        // one less.
        let audit = Intent { purpose: PurposeName::parse("audit").unwrap(), ..care() };
        let look = async |record| {
            let input = RevealInput { record, classes: vec![class("identity")], approval: None };
            vault.reveal(&wide, &audit, input).await
        };
        assert!(refused(look(all[0]).await), "1,024 others");
        assert!(look(all[1]).await.is_ok(), "1,023 others");
    });
}

fn refused<T>(answer: Result<T, VaultError>) -> bool {
    let Err(VaultError::Denied { policies, .. }) = answer else { return false };
    policies.iter().any(|policy| policy.id == "wide-many")
}
