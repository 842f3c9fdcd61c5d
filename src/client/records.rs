//! Calls of `Records`.

use super::{
    Client, ClientError, service,
    types::{
        Assignee, AttributeDescription, Change, Collection, Created, Description, Field,
        FieldDescription, FieldStatus, Intent, NewRecord, Revealed, Value, ValueKind,
    },
};
use crate::{
    ids::{EventId, RecordId, SubjectId},
    wire::api,
};

impl Client {
    /// What the pack holds and what this caller could do with it.
    pub async fn describe(&self) -> Result<Description, ClientError> {
        let request = self.request(api::DescribeRequest {});
        let answer = service!(self, records_client, RecordsClient).describe(request).await?;
        Ok(description(answer.into_inner()))
    }

    /// Files one record.
    pub async fn create(&self, why: &Intent, new: NewRecord) -> Result<Created, ClientError> {
        let request = self.request(api::CreateRequest {
            intent: Some(intent(why)),
            collection: new.collection,
            subject_id: new.subject.map(|id| id.as_bytes().to_vec()).unwrap_or_default(),
            collected_on: new.collected_on,
            attributes: named(new.attributes),
            fields: named(new.fields),
        });
        let answer = service!(self, records_client, RecordsClient).create(request).await?;
        let answer = answer.into_inner();
        let subject = SubjectId::from_slice(&answer.subject_id);
        Ok(Created {
            record: record_id(&answer.record_id)?,
            subject: subject.map_err(|_| ClientError::Answer("subject_id"))?,
            version: answer.version,
            expires_on: answer.expires_on,
        })
    }

    /// Shows the fields of these classes of one record.
    pub async fn reveal(
        &self,
        why: &Intent,
        record: RecordId,
        classes: &[&str],
    ) -> Result<Revealed, ClientError> {
        let request = self.request(api::RevealRequest {
            intent: Some(intent(why)),
            record_id: record.as_bytes().to_vec(),
            classes: classes.iter().map(|c| (*c).to_owned()).collect(),
        });
        let answer = service!(self, records_client, RecordsClient).reveal(request).await?;
        revealed(answer.into_inner())
    }

    /// Changes a record; the new version.
    pub async fn update(&self, why: &Intent, change: Change) -> Result<u32, ClientError> {
        let request = self.request(api::UpdateRequest {
            intent: Some(intent(why)),
            record_id: change.record.as_bytes().to_vec(),
            expected_version: change.expected_version,
            attributes: changes(change.attributes),
            fields: changes(change.fields),
        });
        let answer = service!(self, records_client, RecordsClient).update(request).await?;
        Ok(answer.into_inner().version)
    }

    /// Assigns a record, until an instant (milliseconds) or with the record; the new version.
    pub async fn assign(
        &self,
        why: &Intent,
        record: RecordId,
        to: &Assignee,
        until_ms: Option<i64>,
    ) -> Result<u32, ClientError> {
        let request = self.request(api::AssignRequest {
            intent: Some(intent(why)),
            record_id: record.as_bytes().to_vec(),
            to: Some(assignee(to)),
            until_ms: until_ms.unwrap_or_default(),
        });
        let answer = service!(self, records_client, RecordsClient).assign(request).await?;
        Ok(answer.into_inner().version)
    }

    /// Takes an assignment back; the new version.
    pub async fn unassign(
        &self,
        why: &Intent,
        record: RecordId,
        from: &Assignee,
    ) -> Result<u32, ClientError> {
        let request = self.request(api::UnassignRequest {
            intent: Some(intent(why)),
            record_id: record.as_bytes().to_vec(),
            from: Some(assignee(from)),
        });
        let answer = service!(self, records_client, RecordsClient).unassign(request).await?;
        Ok(answer.into_inner().version)
    }
}

fn record_id(bytes: &[u8]) -> Result<RecordId, ClientError> {
    RecordId::from_slice(bytes).map_err(|_| ClientError::Answer("record_id"))
}

fn intent(why: &Intent) -> api::Intent {
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

fn named(values: Vec<(String, Value)>) -> Vec<api::NamedValue> {
    let one = |(name, value)| api::NamedValue { name, value: Some(to_wire(value)) };
    values.into_iter().map(one).collect()
}

fn changes(values: Vec<(String, Option<Value>)>) -> Vec<api::ValueChange> {
    let one = |(name, value): (String, Option<Value>)| {
        let value = value.map(to_wire);
        api::ValueChange { name, value }
    };
    values.into_iter().map(one).collect()
}

fn revealed(answer: api::RevealResponse) -> Result<Revealed, ClientError> {
    let event = EventId::from_slice(&answer.event_id);
    Ok(Revealed {
        record: record_id(&answer.record_id)?,
        collection: answer.collection,
        version: answer.version,
        expires_on: answer.expires_on,
        fields: answer.fields.into_iter().map(field).collect::<Result<_, _>>()?,
        event: event.map_err(|_| ClientError::Answer("event_id"))?,
    })
}

fn field(answer: api::FieldAnswer) -> Result<Field, ClientError> {
    let status = match answer.status() {
        api::FieldStatus::Value => FieldStatus::Value,
        api::FieldStatus::Masked => FieldStatus::Masked,
        api::FieldStatus::Denied => FieldStatus::Denied,
        api::FieldStatus::Absent => FieldStatus::Absent,
        api::FieldStatus::Expired => FieldStatus::Expired,
        api::FieldStatus::Unspecified => return Err(ClientError::Answer("status")),
    };
    Ok(Field {
        class: answer.class,
        field: answer.field,
        status,
        value: answer.value.and_then(from_wire),
        policies: answer.policies,
    })
}

fn description(answer: api::DescribeResponse) -> Description {
    Description {
        pack: answer.pack_name,
        pack_hash: hex::encode(answer.pack_hash),
        end_date: answer.end_date,
        zone: answer.zone,
        purposes: answer.purposes.into_iter().map(|p| (p.name, p.description)).collect(),
        collections: answer.collections.into_iter().map(collection).collect(),
        abilities: answer.abilities.into_iter().map(|a| (a.collection, a.class, a.verbs)).collect(),
    }
}

fn collection(answer: api::Collection) -> Collection {
    let field = |f: api::FieldDescription| FieldDescription {
        kind: kind(f.r#type),
        name: f.name,
        class: f.class,
        required: f.required,
    };
    let attribute = |a: api::AttributeDescription| AttributeDescription {
        kind: kind(a.r#type),
        name: a.name,
        required: a.required,
    };
    Collection {
        name: answer.name,
        period: answer.period,
        fields: answer.fields.into_iter().map(field).collect(),
        attributes: answer.attributes.into_iter().map(attribute).collect(),
    }
}

fn kind(given: Option<api::ValueType>) -> ValueKind {
    match given.map(|t| t.kind()) {
        Some(api::ValueKind::Date) => ValueKind::Date,
        Some(api::ValueKind::Integer) => ValueKind::Integer,
        Some(api::ValueKind::Boolean) => ValueKind::Boolean,
        _ => ValueKind::Text,
    }
}
