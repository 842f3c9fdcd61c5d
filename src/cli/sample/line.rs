//! A made record as one line of JSON, in the form that `create` and `import` read, and its check by the
//! pack before it is written.

use std::io::{self, Write};

use serde::{Serialize, Serializer, ser::SerializeMap as _};

use super::{
    entry::Part,
    error::SampleError,
    record::{Made, Record},
};
use crate::{
    ids::{CollectionName, FieldName},
    policy::{Pack, Value, Violation},
};

/// The line's keys in their order.
#[derive(Serialize)]
struct Line<'a> {
    collection: &'a str,
    collected_on: String,
    request_id: String,
    attributes: Values<'a>,
    fields: Values<'a>,
}

struct Values<'a>(&'a Record<'a>, Part);

impl Serialize for Values<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in self.0.part(self.1) {
            match value {
                Made::Text(text) => map.serialize_entry(name, text)?,
                Made::Integer(number) => map.serialize_entry(name, number)?,
                Made::Boolean(truth) => map.serialize_entry(name, truth)?,
                Made::Date(date) => map.serialize_entry(name, &date.to_string())?,
                // `check` has refused it.
                Made::Row(_) => {}
            }
        }
        map.end()
    }
}

/// Writes the record as a line.
pub(super) fn write(record: &Record<'_>, to: &mut dyn Write) -> io::Result<()> {
    let line = Line {
        collection: &record.plan.collection,
        collected_on: record.collected_on.to_string(),
        request_id: record.request.to_string(),
        attributes: Values(record, Part::Attribute),
        fields: Values(record, Part::Field),
    };
    serde_json::to_writer(&mut *to, &line)?;
    to.write_all(b"\n")
}

/// Whether the pack takes the record, as it would take it from a caller. Errors:
/// [`SampleError::Record`].
pub(super) fn check(pack: &Pack, record: &Record<'_>) -> Result<(), SampleError> {
    let refused = |reason: String| SampleError::Record {
        line: record.plan.line,
        collection: record.plan.collection.clone(),
        number: record.number,
        reason,
    };
    let name = CollectionName::parse(&record.plan.collection).ok();
    let Some(spec) = name.and_then(|name| pack.collection(&name)) else {
        return Err(refused("the pack has no such collection".into()));
    };
    let part = |part: Part| {
        let value = |(name, made): (&str, &Made)| match (FieldName::parse(name), value(made)) {
            (Ok(field), Some(value)) => Ok((field, value)),
            _ => Err(refused(format!("`{name}` is no value: name a column of the row"))),
        };
        record.part(part).map(value).collect::<Result<Vec<_>, _>>()
    };
    let said = |violations: Vec<Violation>| {
        let each: Vec<String> =
            violations.iter().map(|v| format!("{} {}", v.path, v.reason)).collect();
        refused(each.join(", "))
    };
    pack.check_attributes(spec, part(Part::Attribute)?, true).map_err(said)?;
    pack.check_fields(spec, part(Part::Field)?, true).map_err(said)?;
    Ok(())
}

fn value(made: &Made) -> Option<Value> {
    match made {
        Made::Text(text) => Some(Value::Text(text.clone())),
        Made::Integer(number) => Some(Value::Integer(*number)),
        Made::Boolean(truth) => Some(Value::Boolean(*truth)),
        Made::Date(date) => Some(Value::Date(*date)),
        Made::Row(_) => None,
    }
}
