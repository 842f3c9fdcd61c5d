//! What a person and a program are told of each line.

use std::fs;

use super::*;
use crate::{
    cli::import::line::{bad, invalid},
    client::types::{ImportItem, Intent, NewRecord, Value},
    clock::{ManualClock, Timestamp},
    ids::{RecordId, SubjectId},
};

fn sent(line: u64) -> Sent {
    let secret = Value::Text("SECRET".into());
    let record = NewRecord {
        collection: "files".into(),
        subject: None,
        collected_on: "2020-11-23".into(),
        attributes: vec![],
        fields: vec![("surname".into(), secret.clone()), ("born_on".into(), secret)],
    };
    let item = ImportItem { position: line, why: Intent::of("p"), record };
    Sent { item, bytes: 10, end: 10 * line, put_off: 0 }
}

fn created(repeated: bool) -> Created {
    Created {
        record: RecordId::from_bytes([1; 16]),
        subject: SubjectId::from_bytes([2; 16]),
        version: 1,
        expires_on: "2021-02-23".into(),
        repeated,
    }
}

/// Tells these and gives what was said, the results and the rejects.
fn told(tell: impl FnOnce(&mut Told<'_, &mut Vec<u8>>)) -> (Summary, String, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let (results, rejects) = (folder.path().join("results"), folder.path().join("rejects"));
    let (clock, mut said) = (ManualClock::at(Timestamp::from_millis(0)), Vec::new());
    let mut told = Told {
        summary: Summary::default(),
        name: "day.csv".into(),
        results: Some(Results::create(&results, &[]).unwrap()),
        rejects: Some(Results::create(&rejects, &[&results]).unwrap()),
        progress: Progress::over(&mut said, &clock, false),
        whole: Some(100),
    };
    tell(&mut told);
    told.finish().unwrap();
    let summary = told.summary;
    let text = |path| fs::read_to_string(path).unwrap();
    (summary, String::from_utf8(said).unwrap(), text(results), text(rejects))
}

#[test]
fn a_filed_line_is_counted_and_written_with_its_ids_and_says_nothing() {
    let (summary, said, results, rejects) = told(|t| {
        t.filed(&sent(1), &created(false)).unwrap();
        t.filed(&sent(2), &created(true)).unwrap();
    });
    assert_eq!((summary.filed, summary.repeated, summary.refusals()), (1, 1, 0));
    assert_eq!((said.as_str(), rejects.as_str()), ("", ""));
    let lines: Vec<serde_json::Value> =
        results.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines[0]["record_id"], "01".repeat(16));
    assert_eq!(lines[0]["subject_id"], "02".repeat(16));
    assert_eq!((lines[0]["line"].as_u64(), lines[1]["repeated"].as_bool()), (Some(1), Some(true)));
    assert_eq!(
        (lines[0]["version"].as_u64(), lines[0]["expires_on"].as_str()),
        (Some(1), Some("2021-02-23"))
    );
}

#[test]
fn a_refused_line_is_said_with_its_place_its_reason_and_its_fields_and_never_a_value() {
    let (summary, said, results, rejects) = told(|t| {
        let mut two = invalid("fields[1].value", "is not a date");
        two.violations.push(("collected_on".into(), "lies in the future".into()));
        t.refused(&sent(7), &two).unwrap();
        let expired =
            ItemRefusal { reason: "ALREADY_EXPIRED".into(), violations: vec![], ..two.clone() };
        t.refused(&sent(8), &expired).unwrap();
        t.faulty(&Faulty { number: 9, end: 90, refusal: bad("is not JSON") }).unwrap();
    });
    assert_eq!(
        said,
        "day.csv:7: INVALID_FIELDS fields.born_on: is not a date\n\
         day.csv:7: INVALID_FIELDS collected_on: lies in the future\n\
         day.csv:8: ALREADY_EXPIRED\n\
         day.csv:9: BAD_LINE is not JSON\n"
    );
    assert_eq!(results, "");
    let lines: Vec<serde_json::Value> =
        rejects.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines[0]["violations"][0]["path"], "fields.born_on");
    assert_eq!(lines[0]["violations"].as_array().unwrap().len(), 2);
    assert_eq!(
        (lines[1]["reason"].as_str(), lines[1].get("message")),
        (Some("ALREADY_EXPIRED"), None)
    );
    assert_eq!(lines[2]["message"], "is not JSON");
    assert!(!said.contains("SECRET") && !rejects.contains("SECRET"));
    assert_eq!(summary.refusals(), 3);
    assert_eq!(summary.refused["INVALID_FIELDS"], 1);
}

#[test]
fn a_file_of_results_is_never_the_file_that_is_read_nor_another_one_of_results() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("day.csv");
    fs::write(&input, "kept").unwrap();
    let linked = folder.path().join("linked.csv");
    fs::hard_link(&input, &linked).unwrap();
    for path in [&input, &linked] {
        assert_eq!(Results::create(path, &[&input]).err().unwrap().code(), 2);
    }
    assert_eq!(fs::read_to_string(&input).unwrap(), "kept");
    let results = folder.path().join("results");
    assert!(Results::create(&results, &[&input]).is_ok());
    assert_eq!(fs::metadata(&results).unwrap().mode() & 0o777, 0o600);
}
