//! Calls of `Audit`.

use super::{
    Client, ClientError, service,
    types::{Detail, Event, EventDetail, EventFilter, EventPage, Given, Position, RecordIds},
};
use crate::{
    ids::{RecordId, SubjectId},
    wire::api,
};

/// Files of the log that arrive one by one.
pub struct LogFiles(tonic::Streaming<api::ExportLogResponse>);

impl LogFiles {
    /// The next file, relative path and bytes; `None` after the last.
    pub async fn next(&mut self) -> Result<Option<(String, Vec<u8>)>, ClientError> {
        Ok(self.0.message().await?.map(|file| (file.path, file.content)))
    }
}

impl Client {
    /// A page of events, newest first, older than the cursor of the page before.
    pub async fn list_events(
        &self,
        filter: &EventFilter,
        after: Option<Position>,
        page_size: u32,
    ) -> Result<EventPage, ClientError> {
        let bytes = |id: Option<&[u8; 16]>| id.map(|b| b.to_vec()).unwrap_or_default();
        let request = self.request(api::ListEventsRequest {
            agent: filter.agent.clone().unwrap_or_default(),
            record_id: bytes(filter.record.as_ref().map(RecordId::as_bytes)),
            subject_id: bytes(filter.subject.as_ref().map(SubjectId::as_bytes)),
            kind: filter.kind.clone().unwrap_or_default(),
            since_ms: filter.since_ms.unwrap_or_default(),
            until_ms: filter.until_ms.unwrap_or_default(),
            page_size,
            after: after.map(|at| api::LogPosition { k: at.k, n: at.n }),
        });
        let answer = service!(self, audit_client, AuditClient).list_events(request).await?;
        let answer = answer.into_inner();
        Ok(EventPage {
            events: answer.events.into_iter().map(event).collect::<Result<_, _>>()?,
            next: answer.next.map(position),
            complete_from: Some(answer.complete_from).filter(|date| !date.is_empty()),
        })
    }

    /// The head of the log, a signed note.
    pub async fn checkpoint(&self) -> Result<String, ClientError> {
        let request = self.request(api::GetCheckpointRequest {});
        let answer = service!(self, audit_client, AuditClient).get_checkpoint(request).await?;
        Ok(answer.into_inner().checkpoint)
    }

    /// The public part of the log as files.
    pub async fn export_log(&self) -> Result<LogFiles, ClientError> {
        let request = self.request(api::ExportLogRequest {});
        let answer = service!(self, audit_client, AuditClient).export_log(request).await?;
        Ok(LogFiles(answer.into_inner()))
    }
}

fn position(at: api::LogPosition) -> Position {
    Position { k: at.k, n: at.n }
}

fn event(answer: api::Event) -> Result<Event, ClientError> {
    use api::event::Detail as Wire;
    let detail = match answer.detail {
        Some(Wire::Open(open)) => Detail::Open(Box::new(open_detail(open)?)),
        Some(Wire::Expired(_)) => Detail::Expired,
        Some(Wire::Generation(g)) => Detail::Generation {
            generation: g.generation,
            keyring_hash: hex::encode(g.keyring_hash),
        },
        Some(Wire::Origin(o)) => Detail::Origin {
            closed: o.closed,
            kept: o.kept,
            lost_to: o.lost_to,
            checkpoint: o.checkpoint,
        },
        None => return Err(ClientError::Answer("detail")),
    };
    Ok(Event {
        position: answer.position.map(position).ok_or(ClientError::Answer("position"))?,
        time: answer.time,
        kind: answer.kind,
        leaf: answer.leaf,
        detail,
    })
}

fn open_detail(answer: api::EventDetail) -> Result<EventDetail, ClientError> {
    let records: Result<Vec<_>, _> =
        answer.record_ids.iter().map(|id| RecordId::from_slice(id)).collect();
    let subject = match answer.subject_id.as_slice() {
        [] => None,
        bytes => Some(SubjectId::from_slice(bytes).map_err(|_| ClientError::Answer("subject_id"))?),
    };
    Ok(EventDetail {
        agent: answer.agent,
        role: answer.role,
        unit: answer.unit,
        service: answer.service,
        purpose: answer.purpose,
        action: answer.action,
        collection: answer.collection,
        records: RecordIds(records.map_err(|_| ClientError::Answer("record_ids"))?),
        subject,
        asked: answer.fields_asked,
        given: answer.fields_given.into_iter().map(given).collect(),
        decision: answer.decision,
        policies: answer.policies.into_iter().map(|p| (p.id, p.legal)).collect(),
        pack_hash: hex::encode(answer.pack_hash),
        justification: answer.justification,
        outcome: answer.outcome,
        notes: answer.notes,
    })
}

fn given(answer: api::FieldGiven) -> Given {
    Given {
        record: RecordId::from_slice(&answer.record_id).ok(),
        class: answer.class,
        field: answer.field,
        mask: answer.mask,
    }
}
