//! Faults are told by key and kind, never by value.

use std::fs;

use super::*;
use crate::client::types::RecordFile;

fn said(text: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("record.json");
    fs::write(&path, text).unwrap();
    let source = Source::read(Some(&path)).unwrap();
    source.object::<RecordFile>(&RECORD).map(drop).err().map_or_else(String::new, |f| f.text())
}

#[test]
fn a_malformed_record_is_refused_without_quoting_it() {
    for text in ["{\"collection\": \"SECRET\"", "{\"SECRET\": 1}", "\"SECRET\""] {
        let said = said(text);
        assert!(!said.is_empty() && !said.contains("SECRET"), "{said}");
    }
}

#[test]
fn a_fault_names_its_key_and_kind_and_never_a_value() {
    assert!(said(r#"{"collected_on": "SECRET"}"#).contains("`collection` is missing"));
    assert!(
        said(r#"{"colection": "x", "collected_on": "y"}"#).contains("`colection` is not a key")
    );
    let list = said(r#"{"collection": "x", "collected_on": "y", "fields": ["SECRET"]}"#);
    assert!(list.contains("`fields` must be an object") && !list.contains("SECRET"));
    let number = said(r#"{"collection": 5, "collected_on": "y"}"#);
    assert!(number.contains("`collection` must be a string"));
    let twice = said(r#"{"collection": "x", "collection": "SECRET", "collected_on": "y"}"#);
    assert!(twice.contains("twice") && !twice.contains("SECRET"));
    assert!(said("[1]").contains("one JSON object"));
    assert!(said(" \n").contains("is empty"));
    let broken = said("{\"collection\": SECRET}");
    assert!(broken.contains("is not JSON: expected value at line 1 column"), "{broken}");
}

#[test]
fn several_records_in_one_file_are_refused_with_their_number() {
    let line = r#"{"collection": "SECRET", "collected_on": "2020-11-23"}"#;
    let three = said(&format!("{line}\n{line}\n{line}\n"));
    assert!(three.contains("one record per call") && three.contains("3 lines"), "{three}");
    assert!(!three.contains("SECRET"));
    assert_eq!(said(&format!("{line}\n")), "");
}

#[test]
fn an_object_of_names_may_hold_anything_but_nothing() {
    let source = |text: &str| Source { text: text.to_owned(), name: "it".to_owned() };
    assert_eq!(source(r#"{"a": 1, "b": null}"#).named().unwrap().len(), 2);
    assert!(source("{}").named().unwrap_err().text().contains("names nothing"));
    assert!(source("[1]").named().unwrap_err().text().contains("one JSON object"));
}
