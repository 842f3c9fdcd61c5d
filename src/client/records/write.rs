//! Calls that change one record. Each may carry a request id, and then takes effect once.

use super::{assignee, created, intent, new_record, record_id, to_wire};
use crate::{
    client::{
        Client, ClientError, service,
        types::{
            Assignee, Change, Created, Erased, ErasedItem, Intent, NewRecord, Restricted, Value,
            Written,
        },
    },
    ids::{CertificateId, RecordId, SubjectId},
    wire::api,
};

impl Client {
    /// Files one record.
    pub async fn create(&self, why: &Intent, new: NewRecord) -> Result<Created, ClientError> {
        let request = self.request(new_record(why, new));
        let answer = service!(self, records_client, RecordsClient).create(request).await?;
        created(answer.into_inner())
    }

    /// Makes the record that the pack makes of this one.
    pub async fn derive(&self, why: &Intent, source: RecordId) -> Result<Created, ClientError> {
        let request = self.request(api::DeriveRequest {
            intent: Some(intent(why)),
            record_id: source.as_bytes().to_vec(),
        });
        let made = service!(self, records_client, RecordsClient).derive(request).await?;
        let made = made.into_inner();
        created(api::CreateResponse {
            record_id: made.record_id,
            subject_id: made.subject_id,
            version: made.version,
            expires_on: made.expires_on,
            repeated: made.repeated,
        })
    }

    /// Changes a record. Errors also: VERSION_MISMATCH.
    pub async fn update(&self, why: &Intent, change: Change) -> Result<Written, ClientError> {
        self.change(why, change, false).await
    }

    /// Changes a record and has the version before forgotten: answered once no key opens it any more.
    /// Errors also: VERSION_MISMATCH, HELD, PLACE_DOWN, ERASURE_PENDING.
    pub async fn update_and_forget(
        &self,
        why: &Intent,
        change: Change,
    ) -> Result<Written, ClientError> {
        self.change(why, change, true).await
    }

    async fn change(
        &self,
        why: &Intent,
        change: Change,
        forget_previous: bool,
    ) -> Result<Written, ClientError> {
        let request = self.request(api::UpdateRequest {
            intent: Some(intent(why)),
            record_id: change.record.as_bytes().to_vec(),
            expected_version: change.expected_version,
            attributes: changes(change.attributes),
            fields: changes(change.fields),
            forget_previous,
        });
        let answer = service!(self, records_client, RecordsClient).update(request).await?;
        let answer = answer.into_inner();
        let certificate = CertificateId::from_slice(&answer.certificate_id).ok();
        Ok(Written { version: answer.version, repeated: answer.repeated, certificate })
    }

    /// Assigns a record, until an instant (milliseconds) or with the record.
    pub async fn assign(
        &self,
        why: &Intent,
        record: RecordId,
        to: &Assignee,
        until_ms: Option<i64>,
    ) -> Result<Written, ClientError> {
        let request = self.request(api::AssignRequest {
            intent: Some(intent(why)),
            record_id: record.as_bytes().to_vec(),
            to: Some(assignee(to)),
            until_ms: until_ms.unwrap_or_default(),
        });
        let answer = service!(self, records_client, RecordsClient).assign(request).await?;
        let answer = answer.into_inner();
        Ok(Written { version: answer.version, repeated: answer.repeated, certificate: None })
    }

    /// Destroys the keys of records before their date. Errors also: PLACE_DOWN, ERASURE_PENDING.
    pub async fn erase(&self, why: &Intent, records: &[RecordId]) -> Result<Erased, ClientError> {
        let request = self.request(api::EraseRequest {
            intent: Some(intent(why)),
            record_ids: records.iter().map(|id| id.as_bytes().to_vec()).collect(),
        });
        let answer = service!(self, records_client, RecordsClient).erase(request).await?;
        let api::EraseResponse { generation, certificate_id, items, repeated } =
            answer.into_inner();
        erased(generation, &certificate_id, items, (repeated, false))
    }

    /// Destroys the keys of every record of a subject. Errors also: PLACE_DOWN, ERASURE_PENDING.
    pub async fn erase_subject(
        &self,
        why: &Intent,
        subject: SubjectId,
    ) -> Result<Erased, ClientError> {
        let request = self.request(api::EraseSubjectRequest {
            intent: Some(intent(why)),
            subject_id: subject.as_bytes().to_vec(),
        });
        let answer = service!(self, rights_client, RightsClient).erase_subject(request).await?;
        let answer = answer.into_inner();
        let told = (answer.repeated, answer.more);
        erased(answer.generation, &answer.certificate_id, answer.items, told)
    }

    /// Marks every record of a subject as restricted, or lifts that; `why` needs a justification.
    pub async fn restrict_subject(
        &self,
        why: &Intent,
        subject: SubjectId,
        restricted: bool,
    ) -> Result<Restricted, ClientError> {
        let request = self.request(api::RestrictSubjectRequest {
            intent: Some(intent(why)),
            subject_id: subject.as_bytes().to_vec(),
            restricted,
        });
        let answer = service!(self, rights_client, RightsClient).restrict_subject(request).await?;
        let api::RestrictSubjectResponse { records, repeated, more, denied } = answer.into_inner();
        Ok(Restricted { records, denied, more, repeated })
    }

    /// Takes an assignment back.
    pub async fn unassign(
        &self,
        why: &Intent,
        record: RecordId,
        from: &Assignee,
    ) -> Result<Written, ClientError> {
        let request = self.request(api::UnassignRequest {
            intent: Some(intent(why)),
            record_id: record.as_bytes().to_vec(),
            from: Some(assignee(from)),
        });
        let answer = service!(self, records_client, RecordsClient).unassign(request).await?;
        let answer = answer.into_inner();
        Ok(Written { version: answer.version, repeated: answer.repeated, certificate: None })
    }
}

fn erased(
    generation: u64,
    certificate: &[u8],
    items: Vec<api::ErasedItem>,
    (repeated, more): (bool, bool),
) -> Result<Erased, ClientError> {
    let certificate = match certificate {
        [] => None,
        id => {
            let id = CertificateId::from_slice(id);
            Some(id.map_err(|_| ClientError::Answer("certificate_id"))?)
        }
    };
    let item = |item: api::ErasedItem| {
        let reason = Some(item.reason).filter(|text| !text.is_empty());
        Ok(ErasedItem { record: record_id(&item.record_id)?, reason })
    };
    let items = items.into_iter().map(item).collect::<Result<_, ClientError>>()?;
    Ok(Erased { generation, certificate, items, repeated, more })
}

fn changes(values: Vec<(String, Option<Value>)>) -> Vec<api::ValueChange> {
    let one = |(name, value): (String, Option<Value>)| {
        let value = value.map(to_wire);
        api::ValueChange { name, value }
    };
    values.into_iter().map(one).collect()
}
