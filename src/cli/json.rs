//! JSON from standard input or a file, and what is wrong with it: which key, and what kind of fault.
//!
//! It never quotes a value. Of a key only what looks like a name is quoted: somebody may have put a
//! person's name where a key belongs.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::{Map, Value, error::Category};

use super::failure::Failure;
use crate::{ids::FieldName, limits};

/// A kind of value, and whether a value is of it.
type Kind = (&'static str, fn(&Value) -> bool);

const TEXT: Kind = ("a string", Value::is_string);
const NAMED: Kind = ("an object of names and values", Value::is_object);
const ID: Kind = ("a string of 32 hexadecimal digits", |v| v.is_string() || v.is_null());

/// What an object must look like: its keys, whether each must be there, and what each holds.
pub(super) struct Shape {
    /// What a fault calls it.
    what: &'static str,
    keys: &'static [(&'static str, bool, Kind)],
}

/// A record to be filed.
pub(super) const RECORD: Shape = Shape {
    what: "record",
    keys: &[
        ("collection", true, TEXT),
        ("collected_on", true, TEXT),
        ("subject_id", false, ID),
        ("request_id", false, ID),
        ("attributes", false, NAMED),
        ("fields", false, NAMED),
    ],
};
/// The same where the collection is known from elsewhere.
pub(super) const LINE: Shape = Shape {
    what: "record",
    keys: &[
        ("collection", false, ("a string", |v| v.is_string() || v.is_null())),
        ("collected_on", true, TEXT),
        ("subject_id", false, ID),
        ("request_id", false, ID),
        ("attributes", false, NAMED),
        ("fields", false, NAMED),
    ],
};
/// Changes of a record.
pub(super) const CHANGE: Shape =
    Shape { what: "change", keys: &[("attributes", false, NAMED), ("fields", false, NAMED)] };

/// A text and where it came from.
pub(super) struct Source {
    text: String,
    name: String,
}

impl Source {
    /// Reads a file, or standard input where none is named; less than a message may hold.
    pub(super) fn read(file: Option<&Path>) -> Result<Self, Failure> {
        let (text, name) = match file {
            Some(path) => {
                let opened = File::open(path).map_err(|e| Failure::file("opening", path, &e))?;
                (bounded(opened, path)?, format!("`{}`", path.display()))
            }
            None => {
                let name = "standard input";
                (bounded(io::stdin().lock(), Path::new(name))?, name.to_owned())
            }
        };
        if text.len() >= limits::MESSAGE_BYTES_MAX {
            let most = limits::MESSAGE_BYTES_MAX;
            return Err(Failure::new(format!("{name} is longer than one call may be"))
                .hint(format!("a call has less than {most} bytes")));
        }
        Ok(Self { text, name })
    }

    /// One object of this shape.
    pub(super) fn object<T: DeserializeOwned>(&self, shape: &Shape) -> Result<T, Failure> {
        serde_json::from_str(&self.text).map_err(|error| {
            if self.text.trim().is_empty() {
                return Failure::new(format!("{} is empty", self.name));
            }
            let records = count(&self.text);
            if records > 1 {
                let lines = self.text.lines().filter(|line| !line.trim().is_empty()).count();
                let what = shape.what;
                return Failure::new(format!(
                    "one {what} per call; {} holds {lines} lines",
                    self.name
                ));
            }
            Failure::new(fault(shape, &self.text, &error))
        })
    }

    /// An object of names and values.
    pub(super) fn named(&self) -> Result<Map<String, Value>, Failure> {
        let empty = || Failure::new(format!("{} names nothing", self.name));
        let named: Map<String, Value> = self.object(&Shape { what: "object", keys: &[] })?;
        if named.is_empty() { Err(empty()) } else { Ok(named) }
    }
}

fn bounded(source: impl Read, path: &Path) -> Result<String, Failure> {
    let bound = u64::try_from(limits::MESSAGE_BYTES_MAX).unwrap_or(u64::MAX);
    let mut text = String::new();
    let read = source.take(bound).read_to_string(&mut text);
    read.map_err(|e| Failure::file("reading", path, &e))?;
    Ok(text)
}

/// How many JSON values a text holds before its end or its first fault.
fn count(text: &str) -> usize {
    let values = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    values.take_while(Result::is_ok).count()
}

/// The sentence about a text that is no object of this shape; `error` is what the parser found.
pub(super) fn fault(shape: &Shape, text: &str, error: &serde_json::Error) -> String {
    let what = shape.what;
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(object)) => in_object(shape, &object).unwrap_or_else(|| twice(error)),
        Ok(_) => format!("the {what} must be one JSON object"),
        // The parser's words about syntax quote nothing of the text.
        Err(e) if e.classify() != Category::Data => format!("the {what} is not JSON: {e}"),
        Err(e) => at(&format!("the {what} is not of the expected form"), &e),
    }
}

/// What is left: the one fault that a map of keys does not show.
fn twice(error: &serde_json::Error) -> String {
    at("a key is there twice", error)
}

fn at(what: &str, error: &serde_json::Error) -> String {
    format!("{what} (line {}, column {})", error.line(), error.column())
}

fn in_object(shape: &Shape, object: &Map<String, Value>) -> Option<String> {
    let known = || shape.keys.iter().map(|(key, ..)| *key);
    if let Some(key) = object.keys().find(|key| !known().any(|k| k == key.as_str())) {
        let key = quoted(key).map_or_else(|| "one of its keys".to_owned(), |k| format!("`{k}`"));
        let keys = known().collect::<Vec<_>>().join(", ");
        return Some(format!("{key} is not a key of a {}; its keys are {keys}", shape.what));
    }
    shape.keys.iter().find_map(|(key, needed, (kind, is))| match object.get(*key) {
        None if *needed => Some(format!("`{key}` is missing")),
        Some(value) if !is(value) => Some(format!("`{key}` must be {kind}")),
        _ => None,
    })
}

/// A key that is spelt as names of a pack are, and so names no person.
pub(super) fn quoted(key: &str) -> Option<&str> {
    FieldName::parse(key).is_ok().then_some(key)
}

#[cfg(test)]
mod tests;
