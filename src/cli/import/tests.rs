//! From bytes to records: both formats, with the line of every fault.

use super::*;
use crate::{
    cli::typed::tests::{collection, description},
    client::types::{ItemRefusal, Value, ValueKind},
    limits,
};

const ID: &str = "00112233445566778899aabbccddeeff";

fn target() -> Arc<Target> {
    let fields = [
        ("surname", ValueKind::Name),
        ("born_on", ValueKind::Date),
        ("age", ValueKind::Integer),
        ("ill", ValueKind::Boolean),
    ];
    let mut files = collection("files", &fields);
    files.attributes.push(crate::client::types::AttributeDescription {
        name: "surname_known".into(),
        value: crate::cli::typed::tests::of_kind(ValueKind::Boolean),
        required: false,
    });
    let description = description(vec![files.clone()]);
    Arc::new(Target { description, collection: files })
}

/// One line: its number, and the record or the fault.
type Seen = (u64, Result<line::Parsed, ItemRefusal>);

fn read(format: Format, text: &[u8]) -> Result<Vec<Seen>, Failure> {
    let source = Box::new(io::Cursor::new(text.to_vec()));
    let mut lines = lines(format, source, Path::new("day"), target())?;
    let mut seen = Vec::new();
    let mut last = 0;
    while let Some(line) = lines.next_line() {
        let line = line?;
        assert!(line.end >= last && line.bytes > 0 || line.content.is_err());
        last = line.end;
        seen.push((line.number, line.content));
    }
    Ok(seen)
}

fn ndjson(text: &str) -> Vec<Seen> {
    read(Format::Ndjson, text.as_bytes()).unwrap()
}

fn csv(text: &str) -> Vec<Seen> {
    read(Format::Csv, text.as_bytes()).unwrap()
}

fn csv_fault(text: &str) -> String {
    read(Format::Csv, text.as_bytes()).err().unwrap().text()
}

fn fault((line, seen): &Seen) -> (u64, String) {
    let refusal = seen.as_ref().err().unwrap();
    let violations = refusal.violations.iter().map(|(path, why)| format!("{path}: {why}"));
    let words = [refusal.reason.clone(), refusal.message.clone()].into_iter().chain(violations);
    (*line, words.filter(|w| !w.is_empty()).collect::<Vec<_>>().join(" "))
}

fn field<'s>((_, seen): &'s Seen, name: &str) -> Option<&'s Value> {
    let record = &seen.as_ref().ok().unwrap().record;
    record.fields.iter().chain(&record.attributes).find(|(n, _)| n == name).map(|(_, v)| v)
}

#[test]
fn each_line_of_ndjson_is_a_record_with_its_own_number() {
    let text = format!(
        "\u{feff}{{\"collected_on\": \"2020-11-23\", \"fields\": {{\"born_on\": \"1970-01-01\"}}}}\r\n\
         \n  \n{{\"collected_on\": \"2020-11-24\", \"collection\": \"files\", \"request_id\": \"{ID}\"}}"
    );
    let seen = ndjson(&text);
    assert_eq!(seen.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [1, 4]);
    assert!(field(&seen[0], "born_on") == Some(&Value::Date("1970-01-01".into())));
    let second = seen[1].1.as_ref().ok().unwrap();
    assert_eq!(second.request.map(|id| id.to_string()).as_deref(), Some(ID));
    assert_eq!(second.record.collection, "files");
    assert!(seen[0].1.as_ref().ok().unwrap().request.is_none());
}

#[test]
fn a_faulty_line_of_ndjson_says_what_is_wrong_and_where_and_the_next_one_is_read() {
    let text = "{\"collected_on\": SECRET}\n\
        {\"collected_on\": \"d\", \"collection\": \"notes\"}\n\
        {\"fields\": {}}\n\
        {\"collected_on\": \"d\", \"fields\": {\"surname\": [\"SECRET\"]}}\n\
        {\"collected_on\": \"d\"} {\"collected_on\": \"d\"}\n\
        {\"collected_on\": \"d\", \"request_id\": \"SECRET\"}\n\
        [\"SECRET\"]\n\
        {\"collected_on\": \"d\"}\n";
    let seen = ndjson(text);
    let said: Vec<(u64, String)> = seen[..7].iter().map(fault).collect();
    let whole = format!("{said:?}");
    assert!(!whole.contains("SECRET"), "{whole}");
    let expected = [
        "BAD_LINE the record is not JSON: expected value at column",
        "INVALID_FIELDS collection: is not the collection of this import",
        "BAD_LINE `collected_on` is missing",
        "INVALID_FIELDS fields.surname: must be a string",
        "BAD_LINE holds more than one record",
        "INVALID_FIELDS request_id: must be 32 hexadecimal digits",
        "BAD_LINE the record must be one JSON object",
    ];
    for (n, (expected, (line, said))) in (1_u64..).zip(expected.iter().zip(&said)) {
        assert_eq!(n, *line);
        assert!(said.starts_with(expected), "{line}: {said}");
    }
    assert!(seen[7].1.is_ok());
    let latin = read(Format::Ndjson, b"{\"collected_on\": \"\xe9\"}\n").unwrap();
    assert_eq!(fault(&latin[0]), (1, "BAD_LINE is not UTF-8 text".into()));
}

#[test]
fn a_line_longer_than_a_message_is_refused_and_one_just_shorter_is_read() {
    let line = |length: usize| {
        let frame = "{\"collected_on\":\"d\",\"fields\":{\"surname\":\"\"}}";
        frame.replace("\"\"", &format!("\"{}\"", "x".repeat(length - frame.len())))
    };
    let most = limits::MESSAGE_BYTES_MAX;
    let (fits, long) = (line(most - 2), line(most + 70_000));
    let seen = ndjson(&format!("{fits}\n{long}\n{{\"collected_on\": \"d\"}}\n"));
    assert!(seen[0].1.is_ok());
    let (number, said) = fault(&seen[1]);
    assert_eq!(number, 2);
    assert!(said.contains("longer than a record may be"), "{said}");
    assert_eq!(seen[2].0, 3);
    assert!(seen[2].1.is_ok());
}

#[test]
fn a_row_is_a_record_with_the_kinds_of_its_columns_and_an_empty_cell_is_no_value() {
    let text = format!(
        "collected_on,request_id,subject_id,state,surname,born_on,age,ill\n\
         2020-11-23,{ID},{ID},new,\"EXAMPLE, \"\"X\"\"\",1970-01-01, 50 ,TRUE\n\
         2020-11-23,,,,EXAMPLE,,,false\n"
    );
    let seen = csv(&text);
    assert!(field(&seen[0], "surname") == Some(&Value::Text("EXAMPLE, \"X\"".into())));
    assert!(field(&seen[0], "state") == Some(&Value::Text("new".into())));
    assert!(field(&seen[0], "born_on") == Some(&Value::Date("1970-01-01".into())));
    assert!(field(&seen[0], "age") == Some(&Value::Integer(50)));
    assert!(field(&seen[0], "ill") == Some(&Value::Boolean(true)));
    let first = seen[0].1.as_ref().ok().unwrap();
    assert_eq!(first.request.map(|id| id.to_string()).as_deref(), Some(ID));
    assert_eq!(first.record.subject.map(|id| id.to_string()).as_deref(), Some(ID));
    assert_eq!(first.record.collected_on, "2020-11-23");
    assert!(field(&seen[1], "born_on").is_none() && field(&seen[1], "state").is_none());
    assert!(seen[1].1.as_ref().ok().unwrap().request.is_none());
}

#[test]
fn rows_are_counted_by_their_first_line_whatever_ends_lines_and_whatever_is_in_cells() {
    let rows = ["collected_on,surname", "d,A", "", "", "d,\"B\n\nB\"", "d,C", "d,\"D\"", ""];
    for (ending, bom, last) in
        [("\n", "", ""), ("\r\n", "\u{feff}", ""), ("\n", "", "\n\n"), ("\r\n", "", "\r\n")]
    {
        let text = format!("{bom}{}{last}", rows.join(ending));
        let seen = csv(&text);
        let numbers: Vec<u64> = seen.iter().map(|(line, _)| *line).collect();
        assert_eq!(numbers, [2, 5, 8, 9], "{ending:?} {text:?}");
        let surname = |n: usize| match field(&seen[n], "surname") {
            Some(Value::Text(text)) => text.clone(),
            _ => panic!("no surname"),
        };
        assert_eq!([surname(0), surname(2), surname(3)], ["A", "C", "D"], "{ending:?}");
    }
    let unended = csv("collected_on,surname\nd,A");
    assert_eq!((unended.len(), unended[0].0), (1, 2));
}

#[test]
fn semicolons_and_tabs_part_cells_where_the_first_line_has_them() {
    for delimiter in [";", "\t", ","] {
        let text = "collected_on|surname|state\nd|A|new\n".replace('|', delimiter);
        let seen = csv(&text);
        assert!(field(&seen[0], "state") == Some(&Value::Text("new".into())), "{delimiter:?}");
    }
    let quoted = csv("collected_on;surname\nd;\"A;B\"\n");
    assert!(field(&quoted[0], "surname") == Some(&Value::Text("A;B".into())));
}

#[test]
fn a_faulty_row_says_its_column_and_never_its_value() {
    let text = "collected_on,surname,born_on,age,ill,subject_id,collection\n\
        d,A,,SECRET,,,\n\
        d,A,,,SECRET,,\n\
        d,A,,,,SECRET,\n\
        d,A,,,,,SECRET\n\
        d,SECRET\n\
        d,A,,,,,files\n";
    let seen = csv(text);
    let said: Vec<(u64, String)> = seen[..5].iter().map(fault).collect();
    assert_eq!(
        said,
        [
            (2, "INVALID_FIELDS fields.age: must be a whole number".to_owned()),
            (3, "INVALID_FIELDS fields.ill: must be true or false".to_owned()),
            (4, "INVALID_FIELDS subject_id: must be 32 hexadecimal digits".to_owned()),
            (5, "INVALID_FIELDS collection: is not the collection of this import".to_owned()),
            (6, "BAD_LINE has 2 cells, and the first line names 7 columns".to_owned()),
        ]
    );
    assert!(seen[5].1.is_ok());
    let latin = read(Format::Csv, b"collected_on,surname\nd,\xe9\n").unwrap();
    assert_eq!(fault(&latin[0]), (2, "INVALID_FIELDS fields.surname: is not UTF-8 text".into()));
}

#[test]
fn a_column_that_is_none_is_refused_by_its_name_and_one_that_may_be_a_person_by_its_number() {
    let said = csv_fault("collected_on,surnam\nd,A\n");
    assert!(said.contains("day:1: `surnam`, column 2") && said.contains("surname"), "{said}");
    let said = csv_fault("2020-11-23,Mrs SECRET\n");
    assert!(said.contains("column 1") && !said.contains("SECRET"), "{said}");
    assert!(csv_fault("surname\nA\n").contains("`collected_on` is missing"));
    assert!(csv_fault("collected_on,surname,fields.surname\n").contains("column 3 is there twice"));
    assert!(csv_fault("").contains("is missing"));
    assert!(!csv("collected_on,fields.surname,attributes.state\nd,A,new\n").is_empty());
}

#[test]
fn a_quote_that_never_closes_ends_the_reading_at_its_line() {
    let text =
        format!("collected_on,surname\nd,A\nd,\"{}", "x\n".repeat(limits::MESSAGE_BYTES_MAX));
    let source = Box::new(io::Cursor::new(text.into_bytes()));
    let mut lines = lines(Format::Csv, source, Path::new("day"), target()).unwrap();
    assert!(lines.next_line().unwrap().is_ok_and(|line| line.content.is_ok()));
    let failed = lines.next_line().unwrap().err().unwrap().text();
    assert!(failed.contains("line 3") && failed.contains("quote"), "{failed}");
    assert!(lines.next_line().is_none());
}

#[test]
fn the_format_is_read_off_the_ending_and_asked_for_where_there_is_none() {
    let of = |path: &str| format_of(Path::new(path));
    assert_eq!(of("a.csv").unwrap(), Format::Csv);
    assert_eq!(of("a.TSV").unwrap(), Format::Csv);
    assert_eq!(of("a.ndjson").unwrap(), Format::Ndjson);
    assert_eq!(of("a.jsonl").unwrap(), Format::Ndjson);
    assert_eq!(of("-").unwrap(), Format::Ndjson);
    for none in ["a", "a.json", "a.txt"] {
        assert_eq!(of(none).unwrap_err().code(), 2, "{none}");
    }
}
