//! Calls that look for records: find, match, worklist. What is looked for is in a message body only.

use super::{assignee, event_id, from_wire, intent, named, named_value, record_id, record_ids};
use crate::{
    client::{
        Client, ClientError, service,
        types::{Assignee, FoundPage, Intent, Listed, Matched, Value, WorklistItem, WorklistPage},
    },
    ids::RecordId,
    wire::api,
};

impl Client {
    /// One page of the records that have exactly these values. `page_size` 0 = 50, at most 256;
    /// `cursor` is that of the page before, empty for the first.
    pub async fn find(
        &self,
        why: &Intent,
        collection: &str,
        values: Vec<(String, Value)>,
        page_size: u32,
        cursor: &[u8],
    ) -> Result<FoundPage, ClientError> {
        let request = self.request(api::FindRequest {
            intent: Some(intent(why)),
            collection: collection.to_owned(),
            r#where: named(values),
            page_size,
            cursor: cursor.to_vec(),
        });
        let answer = service!(self, records_client, RecordsClient).find(request).await?;
        let answer = answer.into_inner();
        Ok(FoundPage {
            records: record_ids(&answer.record_ids)?,
            cursor: next(answer.cursor),
            event: event_id(&answer.event_id)?,
        })
    }

    /// Says whether a field of a record has this value.
    pub async fn matches(
        &self,
        why: &Intent,
        record: RecordId,
        field: (String, Value),
    ) -> Result<Matched, ClientError> {
        let request = self.request(api::MatchRequest {
            intent: Some(intent(why)),
            record_id: record.as_bytes().to_vec(),
            field: Some(named_value(field)),
            ..api::MatchRequest::default()
        });
        let answer = service!(self, records_client, RecordsClient).r#match(request).await?;
        let answer = answer.into_inner();
        Ok(Matched {
            matches: answer.matches,
            expired: answer.expired,
            event: event_id(&answer.event_id)?,
        })
    }

    /// Says whether somebody of exactly these values is on file, as far as the caller may be told. Errors
    /// also: UNKNOWN_COLLECTION, TOO_OFTEN.
    pub async fn listed(
        &self,
        why: &Intent,
        collection: &str,
        values: Vec<(String, Value)>,
    ) -> Result<Listed, ClientError> {
        let request = self.request(api::MatchRequest {
            intent: Some(intent(why)),
            collection: collection.to_owned(),
            r#where: named(values),
            ..api::MatchRequest::default()
        });
        let answer = service!(self, records_client, RecordsClient).r#match(request).await?;
        let answer = answer.into_inner();
        let listed = match answer.listing() {
            api::Listing::Listed => true,
            api::Listing::NotListed => false,
            api::Listing::Unspecified => return Err(ClientError::Answer("listing")),
        };
        Ok(Listed { listed, event: event_id(&answer.event_id)? })
    }

    /// One page of the records assigned to somebody; to the caller and his unit when `of` is `None`.
    /// `page_size` and `cursor` as in [`Client::find`].
    pub async fn worklist(
        &self,
        why: &Intent,
        collection: &str,
        of: Option<&Assignee>,
        page_size: u32,
        cursor: &[u8],
    ) -> Result<WorklistPage, ClientError> {
        let request = self.request(api::WorklistRequest {
            intent: Some(intent(why)),
            collection: collection.to_owned(),
            page_size,
            cursor: cursor.to_vec(),
            of: of.map(assignee),
        });
        let answer = service!(self, records_client, RecordsClient).worklist(request).await?;
        let answer = answer.into_inner();
        Ok(WorklistPage {
            items: answer.items.into_iter().map(item).collect::<Result<_, _>>()?,
            cursor: next(answer.cursor),
            event: event_id(&answer.event_id)?,
        })
    }
}

/// An empty cursor is that of the last page.
fn next(cursor: Vec<u8>) -> Option<Vec<u8>> {
    Some(cursor).filter(|bytes| !bytes.is_empty())
}

fn item(answer: api::WorklistItem) -> Result<WorklistItem, ClientError> {
    let attribute = |given: api::NamedValue| {
        let value = given.value.and_then(from_wire).ok_or(ClientError::Answer("attributes"))?;
        Ok::<_, ClientError>((given.name, value))
    };
    Ok(WorklistItem {
        record: record_id(&answer.record_id)?,
        version: answer.version,
        expires_on: answer.expires_on,
        attributes: answer.attributes.into_iter().map(attribute).collect::<Result<_, _>>()?,
    })
}
