//! Events of the audit log, from `audit` to the wire.

use crate::{
    audit::{EventDetail, EventPage, FieldGiven, ListedEvent, StoredEvent},
    wire::api,
};

/// Answer to `Audit.ListEvents`.
pub(crate) fn events(page: EventPage) -> api::ListEventsResponse {
    api::ListEventsResponse {
        events: page.events.into_iter().map(event).collect(),
        next: page.next.map(|(k, n)| api::LogPosition { k, n }),
        complete_from: page.complete_from.map(|d| d.to_string()).unwrap_or_default(),
    }
}

fn event(event: ListedEvent) -> api::Event {
    use api::event::Detail;
    let detail = match event.detail {
        EventDetail::Open(stored) => Detail::Open(detail(*stored)),
        EventDetail::Expired => Detail::Expired(api::ExpiredDetail {}),
        EventDetail::Generation { generation, keyring_hash } => {
            let keyring_hash = keyring_hash.to_vec();
            Detail::Generation(api::GenerationDetail { generation, keyring_hash })
        }
        EventDetail::Origin(origin) => Detail::Origin(api::OriginDetail {
            closed: origin.closed,
            kept: origin.kept,
            lost_to: origin.lost_to,
            checkpoint: origin.checkpoint,
        }),
    };
    api::Event {
        position: Some(api::LogPosition { k: event.k, n: event.n }),
        time: event.time,
        kind: event.kind,
        leaf: event.leaf,
        detail: Some(detail),
    }
}

fn detail(stored: StoredEvent) -> api::EventDetail {
    fn text<T: ToString>(name: Option<T>) -> String {
        name.map(|n| n.to_string()).unwrap_or_default()
    }
    let policy = |(id, legal)| api::DecidingPolicy { id, legal };
    api::EventDetail {
        agent: text(stored.agent),
        role: text(stored.role),
        unit: text(stored.unit),
        service: text(stored.service),
        purpose: text(stored.purpose),
        action: stored.action,
        collection: text(stored.collection),
        record_ids: stored.records.iter().map(|id| id.as_bytes().to_vec()).collect(),
        subject_id: stored.subject.map(|id| id.as_bytes().to_vec()).unwrap_or_default(),
        fields_asked: stored.asked,
        fields_given: stored.given.into_iter().map(given).collect(),
        decision: stored.decision,
        policies: stored.policies.into_iter().map(policy).collect(),
        pack_hash: stored.pack_hash.to_vec(),
        justification: stored.justification.unwrap_or_default(),
        request_id: stored.request.map(|id| id.as_bytes().to_vec()).unwrap_or_default(),
        outcome: stored.outcome,
        notes: stored.notes,
        subject_ids: stored.subjects.iter().map(|id| id.as_bytes().to_vec()).collect(),
    }
}

fn given(given: FieldGiven) -> api::FieldGiven {
    api::FieldGiven {
        record_id: given.record.map(|id| id.as_bytes().to_vec()).unwrap_or_default(),
        class: given.class.to_string(),
        field: given.field.to_string(),
        mask: given.mask.unwrap_or_default(),
    }
}
