//! Calls that show fields of records.

use super::{event_id, from_wire, intent, record_id};
use crate::{
    client::{
        Client, ClientError, service,
        types::{Field, FieldStatus, Intent, RevealItem, Revealed},
    },
    ids::{ApprovalId, RecordId},
    wire::api,
};

impl Client {
    /// Shows the fields of these classes of one record.
    pub async fn reveal(
        &self,
        why: &Intent,
        record: RecordId,
        classes: &[&str],
    ) -> Result<Revealed, ClientError> {
        self.reveal_approved(why, record, classes, None).await
    }

    /// The same with another person's leave: a held record past its date.
    pub async fn reveal_approved(
        &self,
        why: &Intent,
        record: RecordId,
        classes: &[&str],
        approval: Option<ApprovalId>,
    ) -> Result<Revealed, ClientError> {
        self.shown(reveal_request(why, record, classes, approval)).await
    }

    /// The same through a link that has this record as an end: the policies see its consent.
    pub async fn reveal_through(
        &self,
        why: &Intent,
        record: RecordId,
        classes: &[&str],
        link: RecordId,
    ) -> Result<Revealed, ClientError> {
        let mut request = reveal_request(why, record, classes, None);
        request.link_id = link.as_bytes().to_vec();
        self.shown(request).await
    }

    async fn shown(&self, request: api::RevealRequest) -> Result<Revealed, ClientError> {
        let request = self.request(request);
        let answer = service!(self, records_client, RecordsClient).reveal(request).await?;
        revealed(answer.into_inner())
    }

    /// The same for 1 to 256 records, each answered by itself, in the order asked.
    pub async fn reveal_many(
        &self,
        why: &Intent,
        records: &[RecordId],
        classes: &[&str],
    ) -> Result<Vec<RevealItem>, ClientError> {
        let request = self.request(api::RevealManyRequest {
            intent: Some(intent(why)),
            record_ids: records.iter().map(|id| id.as_bytes().to_vec()).collect(),
            classes: classes.iter().map(|c| (*c).to_owned()).collect(),
        });
        let answer = service!(self, records_client, RecordsClient).reveal_many(request).await?;
        answer.into_inner().items.into_iter().map(item).collect()
    }
}

/// The request as it is sent, and as leave is asked for it.
pub(in crate::client) fn reveal_request(
    why: &Intent,
    record: RecordId,
    classes: &[&str],
    approval: Option<ApprovalId>,
) -> api::RevealRequest {
    api::RevealRequest {
        intent: Some(intent(why)),
        record_id: record.as_bytes().to_vec(),
        classes: classes.iter().map(|c| (*c).to_owned()).collect(),
        approval_id: approval.map(|id| id.as_bytes().to_vec()).unwrap_or_default(),
        link_id: Vec::new(),
    }
}

fn item(answer: api::RevealItem) -> Result<RevealItem, ClientError> {
    let record = record_id(&answer.record_id)?;
    let result = match answer.revealed {
        Some(shown) => Ok(revealed(shown)?),
        None if answer.reason.is_empty() => return Err(ClientError::Answer("reason")),
        None => Err(answer.reason),
    };
    Ok(RevealItem { record, result })
}

fn revealed(answer: api::RevealResponse) -> Result<Revealed, ClientError> {
    Ok(Revealed {
        record: record_id(&answer.record_id)?,
        collection: answer.collection,
        version: answer.version,
        expires_on: answer.expires_on,
        fields: answer.fields.into_iter().map(field).collect::<Result<_, _>>()?,
        event: event_id(&answer.event_id)?,
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
