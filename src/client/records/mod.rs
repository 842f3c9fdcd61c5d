//! Calls of `Records`, by subject. Here is what they share: intents, values and ids on the wire.

mod describe;
mod import;
mod read;
mod search;
mod write;

pub use import::{ImportAnswers, ImportSender};
pub(super) use read::{reveal_request, revealed};

use super::{
    ClientError,
    types::{Assignee, Created, Intent, NewRecord, Value},
};
use crate::{
    ids::{EventId, RecordId, SubjectId},
    wire::api,
};

fn record_id(bytes: &[u8]) -> Result<RecordId, ClientError> {
    RecordId::from_slice(bytes).map_err(|_| ClientError::Answer("record_id"))
}

fn record_ids(all: &[Vec<u8>]) -> Result<Vec<RecordId>, ClientError> {
    all.iter().map(|bytes| record_id(bytes)).collect()
}

fn event_id(bytes: &[u8]) -> Result<EventId, ClientError> {
    EventId::from_slice(bytes).map_err(|_| ClientError::Answer("event_id"))
}

fn created(answer: api::CreateResponse) -> Result<Created, ClientError> {
    let subject = SubjectId::from_slice(&answer.subject_id);
    Ok(Created {
        record: record_id(&answer.record_id)?,
        subject: subject.map_err(|_| ClientError::Answer("subject_id"))?,
        version: answer.version,
        expires_on: answer.expires_on,
        repeated: answer.repeated,
    })
}

fn new_record(why: &Intent, new: NewRecord) -> api::CreateRequest {
    api::CreateRequest {
        intent: Some(intent(why)),
        collection: new.collection,
        subject_id: new.subject.map(|id| id.as_bytes().to_vec()).unwrap_or_default(),
        collected_on: new.collected_on,
        attributes: named(new.attributes),
        fields: named(new.fields),
    }
}

pub(super) fn intent(why: &Intent) -> api::Intent {
    api::Intent {
        purpose: why.purpose.clone(),
        justification: why.justification.clone().unwrap_or_default(),
        request_id: why.request.map(|id| id.as_bytes().to_vec()).unwrap_or_default(),
    }
}

fn assignee(assignee: &Assignee) -> api::Assignee {
    use api::assignee::Kind;
    let kind = match assignee {
        Assignee::Agent(name) => Kind::Agent(name.clone()),
        Assignee::Unit(name) => Kind::Unit(name.clone()),
    };
    api::Assignee { kind: Some(kind) }
}

fn to_wire(value: Value) -> api::Value {
    use api::value::Kind;
    let kind = match value {
        Value::Text(text) => Kind::Text(text),
        Value::Integer(number) => Kind::Integer(number),
        Value::Date(date) => Kind::Date(date),
        Value::Boolean(truth) => Kind::Boolean(truth),
    };
    api::Value { kind: Some(kind) }
}

fn from_wire(value: api::Value) -> Option<Value> {
    use api::value::Kind;
    value.kind.map(|kind| match kind {
        Kind::Text(text) => Value::Text(text),
        Kind::Integer(number) => Value::Integer(number),
        Kind::Date(date) => Value::Date(date),
        Kind::Boolean(truth) => Value::Boolean(truth),
    })
}

fn named_value((name, value): (String, Value)) -> api::NamedValue {
    api::NamedValue { name, value: Some(to_wire(value)) }
}

fn named(values: Vec<(String, Value)>) -> Vec<api::NamedValue> {
    values.into_iter().map(named_value).collect()
}
