//! Import: one event and one commit a batch, each record answered by itself, exactly once however it
//! is cut.

use oubliette::{
    ids::{CollectionName, RequestId},
    policy::Value,
    retention::RetentionError,
    storage::memory::{Counted, Fault},
    vault::{
        CreateInput, Created, ImportAnswers, ImportBatch, ImportRecord, RequestKey, Vault,
        VaultError,
    },
};

use crate::house::{
    House, care, clerk, date, events, field, head, island_file, island_file_without_note, reveal,
    rows, run,
};

fn record(id: Option<u16>, name: &str, day: &str) -> ImportRecord {
    let request = id.map(|id| {
        let mut bytes = [7; 16];
        bytes[..2].copy_from_slice(&id.to_be_bytes());
        RequestKey::new(RequestId::from_bytes(bytes), "Create", format!("{name} {day}").as_bytes())
    });
    ImportRecord { request, input: island_file_without_note(name, day) }
}

async fn import(vault: &Vault, records: Vec<ImportRecord>) -> Result<ImportAnswers, VaultError> {
    let collection = CollectionName::parse("files").unwrap();
    vault.import(&head(), &care(), ImportBatch { collection, records }).await
}

fn ok(answers: &ImportAnswers) -> Vec<&Created> {
    answers.iter().filter_map(|answer| answer.as_ref().ok()).collect()
}

/// `count` records of different days.
fn many(count: u16) -> Vec<ImportRecord> {
    let day = |n: u16| format!("2020-11-{:02}", 1 + n % 20);
    (0..count).map(|n| record(Some(n), &format!("EXEMPLE-{}", letters(n)), &day(n))).collect()
}

/// A number in letters: names hold no digits.
fn letters(mut n: u16) -> String {
    let mut text = String::new();
    loop {
        text.push(char::from(b'A' + u8::try_from(n % 26).unwrap()));
        n /= 26;
        if n == 0 {
            return text;
        }
    }
}

#[test]
fn each_record_of_a_batch_is_answered_by_itself_and_one_event_names_all_that_were_filed() {
    run(async {
        let house = House::founded(220);
        let vault = house.start().unwrap();
        let mut bad = record(Some(2), "EXEMPLE-DEUX", "2020-11-20");
        bad.input.fields.push((field("unknown"), Value::Boolean(true)));
        let records = vec![
            record(Some(1), "EXEMPLE-UN", "2020-11-20"),
            bad,
            record(None, "EXEMPLE-TROIS", "2020-08-20"),
            record(None, "EXEMPLE-QUATRE", "2020-11-24"),
            record(None, "EXEMPLE-CINQ", "2020-11-03"),
        ];
        let answers = import(&vault, records).await.unwrap();
        assert!(answers[0].is_ok() && answers[4].is_ok());
        let Err(VaultError::Invalid(violations)) = &answers[1] else { panic!("a violation") };
        assert_eq!(violations[0].path, "fields.unknown");
        let expired = &answers[2];
        assert!(matches!(expired, Err(VaultError::Retention(RetentionError::AlreadyExpired))));
        let future = &answers[3];
        assert!(matches!(future, Err(VaultError::Retention(RetentionError::FutureDate))));
        assert_eq!(rows(&house, b'r').len(), 2, "what was refused is not stored");

        let events = events(&vault, "import").await;
        assert_eq!(events.len(), 1);
        let mut filed: Vec<_> = ok(&answers).iter().map(|created| created.record).collect();
        filed.sort_unstable();
        assert_eq!(events[0].records, filed);
        assert_eq!((events[0].decision.as_str(), events[0].outcome.as_str()), ("allow", "OK"));
        let notes = ["filed=2", "repeated=0", "INVALID_FIELDS=2", "ALREADY_EXPIRED=1"];
        assert_eq!(events[0].notes, notes);
    });
}

#[test]
fn expiry_is_counted_from_the_source_s_date_and_never_from_the_day_of_the_import() {
    run(async {
        let vault = House::founded(221).start().unwrap();
        let days = ["2020-08-24", "2020-11-23", "2020-08-31"];
        let records = days.map(|day| record(None, "EXEMPLE", day)).into();
        let answers = import(&vault, records).await.unwrap();
        let dates: Vec<_> = ok(&answers).iter().map(|created| created.expires_on).collect();
        assert_eq!(dates, [date("2020-11-24"), date("2021-02-23"), date("2020-11-30")]);
    });
}

#[test]
fn an_import_opens_every_live_date_of_its_collection_in_one_generation_and_no_other_later() {
    run(async {
        let vault = House::founded(222).start().unwrap();
        let generation = || vault.state().unwrap().generation;
        let before = generation();
        import(&vault, vec![record(None, "EXEMPLE", "2020-11-20")]).await.unwrap();
        assert_eq!(generation(), before + 1);
        let others: Vec<_> = (25..31)
            .map(|day| record(None, "EXEMPLE", &format!("2020-08-{day:02}")))
            .chain((1..24).map(|day| record(None, "EXEMPLE", &format!("2020-11-{day:02}"))))
            .collect();
        let answers = import(&vault, others).await.unwrap();
        assert_eq!(ok(&answers).len(), 29);
        assert_eq!(generation(), before + 1);
    });
}

#[test]
fn a_batch_sent_again_files_nothing_and_a_part_of_it_fills_the_rest() {
    run(async {
        let house = House::founded(223);
        let vault = house.start().unwrap();
        let first = import(&vault, many(5)).await.unwrap();
        let again = import(&vault, many(8)).await.unwrap();
        for (one, two) in ok(&first).into_iter().zip(ok(&again)) {
            assert_eq!((one.record, one.subject), (two.record, two.subject));
            assert!(!one.repeated && two.repeated);
        }
        assert!(ok(&again)[5..].iter().all(|created| !created.repeated));
        assert_eq!(rows(&house, b'r').len(), 8);
        let all_before = import(&vault, many(8)).await.unwrap();
        assert!(ok(&all_before).iter().all(|created| created.repeated));
        let newest = &events(&vault, "import").await[0];
        assert_eq!(newest.notes, ["filed=0", "repeated=8"]);
        assert_eq!((newest.decision.as_str(), newest.records.len()), ("allow", 8));
        // Sent alone, by Create, it is the same write.
        let why = oubliette::vault::Intent { request: many(1).remove(0).request, ..care() };
        let input = many(1).remove(0).input;
        assert!(vault.create(&head(), &why, input).await.unwrap().repeated);
    });
}

#[test]
fn a_record_twice_in_one_batch_is_filed_once_and_an_id_with_two_contents_refused() {
    run(async {
        let house = House::founded(224);
        let vault = house.start().unwrap();
        let records = vec![
            record(Some(1), "EXEMPLE-UN", "2020-11-20"),
            record(Some(1), "EXEMPLE-UN", "2020-11-20"),
            record(Some(1), "EXEMPLE-AUTRE", "2020-11-20"),
        ];
        let answers = import(&vault, records).await.unwrap();
        let filed = ok(&answers);
        assert_eq!((filed.len(), filed[0].record), (2, filed[1].record));
        assert!(!filed[0].repeated && filed[1].repeated);
        assert!(matches!(answers[2], Err(VaultError::RequestIdReused)));
        assert_eq!(rows(&house, b'r').len(), 1);
    });
}

#[test]
fn a_full_batch_is_taken_and_one_record_more_is_refused_whole() {
    run(async {
        let house = House::founded(225);
        let vault = house.start().unwrap();
        let refused = import(&vault, many(257)).await;
        assert!(matches!(refused, Err(VaultError::TooMany { limit: 256, .. })));
        assert!(rows(&house, b'r').is_empty());
        let answers = import(&vault, many(256)).await.unwrap();
        assert_eq!(ok(&answers).len(), 256);
        assert_eq!(events(&vault, "import").await[0].records.len(), 256);
    });
}

#[test]
fn who_may_not_file_imports_nothing_and_it_is_logged_as_refused() {
    run(async {
        let house = House::founded(226);
        let vault = house.start().unwrap();
        let generation = vault.state().unwrap().generation;
        let collection = CollectionName::parse("files").unwrap();
        let batch = ImportBatch { collection, records: many(3) };
        let answers = vault.import(&clerk(), &care(), batch).await.unwrap();
        assert!(answers.iter().all(|answer| matches!(answer, Err(VaultError::Denied { .. }))));
        assert!(rows(&house, b'r').is_empty());
        let event = &events(&vault, "import").await[0];
        assert_eq!((event.decision.as_str(), event.outcome.as_str()), ("deny", "DENIED"));
        assert!(event.records.is_empty());
        assert_eq!(vault.state().unwrap().generation, generation, "no segment was opened for it");
    });
}

#[test]
fn two_imports_of_the_same_records_at_the_same_time_file_each_once() {
    run(async {
        let house = House::founded(227);
        let vault = house.start().unwrap();
        let imports: Vec<_> = (0..4)
            .map(|_| {
                let vault = std::sync::Arc::clone(&vault);
                tokio::spawn(async move { import(&vault, many(40)).await })
            })
            .collect();
        let mut filed = 0;
        for one in imports {
            let answers = one.await.unwrap().unwrap();
            assert_eq!(ok(&answers).len(), 40);
            filed += ok(&answers).iter().filter(|created| !created.repeated).count();
        }
        assert_eq!((filed, rows(&house, b'r').len()), (40, 40));
    });
}

#[test]
fn an_import_cut_at_any_call_of_the_store_and_sent_again_files_each_record_once() {
    let base = House::founded(228);
    // Three batches, the second with a record of the first in it.
    let batches = || {
        let mut all = many(9);
        let third = all.split_off(6);
        let second = all.split_off(3);
        [all, second, third]
    };
    let calls = {
        let house = base.copy(229);
        run(async {
            let vault = house.start().unwrap();
            house.disk.heal();
            for batch in batches() {
                import(&vault, batch).await.unwrap();
            }
            house.disk.calls(Counted::All)
        })
    };
    assert!(calls > 20, "{calls}");
    for n in 0..calls {
        for fault in [Fault::FailAndNotPersist(n), Fault::FailButPersist(n), Fault::DeadFrom(n)] {
            let house = base.copy(230);
            run(async {
                let vault = house.start().unwrap();
                house.disk.inject(Counted::All, fault);
                let mut acknowledged = Vec::new();
                for batch in batches() {
                    let Ok(answers) = import(&vault, batch).await else { break };
                    acknowledged.extend(ok(&answers).iter().map(|created| created.record));
                }
                vault.drain();
                drop(vault);
                let vault = house.start().unwrap_or_else(|e| panic!("{fault:?}: {e}"));
                let mut known = Vec::new();
                for batch in batches() {
                    let answers = import(&vault, batch).await.unwrap();
                    known.extend(ok(&answers).iter().map(|created| created.record));
                }
                assert_eq!((known.len(), rows(&house, b'r').len()), (9, 9), "{fault:?}");
                assert!(acknowledged.iter().all(|record| known.contains(record)), "{fault:?}");
            });
        }
    }
}

#[test]
fn a_record_of_an_import_is_one_like_any_other() {
    run(async {
        let vault = House::founded(231).start().unwrap();
        let input: CreateInput = island_file("EXEMPLE-IMPORT", "2020-11-20");
        let answers = import(&vault, vec![ImportRecord { request: None, input }]).await.unwrap();
        let record = ok(&answers)[0].record;
        let to =
            oubliette::vault::Assignee::Unit(oubliette::ids::UnitName::parse("north").unwrap());
        let assign = oubliette::vault::AssignInput { record, to, until: None };
        vault.assign(&head(), &care(), assign).await.unwrap();
        let revealed = reveal(&vault, record).await.unwrap();
        assert_eq!(crate::house::text_of(&revealed, "family_name"), Some("EXEMPLE-IMPORT"));
    });
}
