//! What is wrong with a record's JSON: which key, and what kind of fault.
//!
//! It never quotes a value. Of a key only what looks like a name is quoted: somebody may have put a
//! person's name where a key belongs.

use serde::de::IgnoredAny;
use serde_json::{Map, Value, error::Category};

/// A kind of value, and whether a value is of it.
type Kind = (&'static str, fn(&Value) -> bool);

const TEXT: Kind = ("a string", Value::is_string);
const NAMED: Kind = ("an object of names and values", Value::is_object);
const ID: Kind = ("a string of 32 hexadecimal digits", |v| v.is_string() || v.is_null());
/// The keys of a record, whether each must be there, and what it holds.
const KEYS: [(&str, bool, Kind); 6] = [
    ("collection", true, TEXT),
    ("collected_on", true, TEXT),
    ("subject_id", false, ID),
    ("request_id", false, ID),
    ("attributes", false, NAMED),
    ("fields", false, NAMED),
];
/// Longest key that is quoted, in bytes.
const QUOTED_MAX: usize = 64;

/// The sentence about a text that is no record. `error` is what the parser found, `source` where the
/// text came from.
pub(super) fn of(text: &str, source: &str, error: &serde_json::Error) -> String {
    if text.trim().is_empty() {
        return format!("{source} is empty");
    }
    let records = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    // A fault in a later record does not make them one.
    let records = records.take_while(Result::is_ok).count();
    if records > 1 {
        return format!("one record per call; the file holds {} lines", lines(text));
    }
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(record)) => in_record(&record).unwrap_or_else(|| twice(error)),
        Ok(_) => "the record must be one JSON object".to_owned(),
        // The parser's words about syntax quote nothing of the text.
        Err(e) if e.classify() != Category::Data => format!("the record is not JSON: {e}"),
        Err(e) => at("the record is not of the expected form", &e),
    }
}

fn lines(text: &str) -> usize {
    text.lines().filter(|line| !line.trim().is_empty()).count()
}

/// What is left: the one fault that a map of keys does not show.
fn twice(error: &serde_json::Error) -> String {
    at("a key of the record is there twice", error)
}

fn at(what: &str, error: &serde_json::Error) -> String {
    format!("{what} (line {}, column {})", error.line(), error.column())
}

fn in_record(record: &Map<String, Value>) -> Option<String> {
    let known = KEYS.map(|(key, ..)| key);
    if let Some(key) = record.keys().find(|key| !known.contains(&key.as_str())) {
        let key = if is_name(key) { format!("`{key}`") } else { "one of its keys".to_owned() };
        return Some(format!("{key} is not a key of a record; its keys are {}", known.join(", ")));
    }
    KEYS.iter().find_map(|(key, needed, (kind, is))| match record.get(*key) {
        None if *needed => Some(format!("`{key}` is missing")),
        Some(value) if !is(value) => Some(format!("`{key}` must be {kind}")),
        _ => None,
    })
}

/// Whether a key is spelt as names of a pack are, and so names no person.
fn is_name(key: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-';
    (1..=QUOTED_MAX).contains(&key.len()) && key.bytes().all(plain)
}
