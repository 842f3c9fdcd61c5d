//! Calls about broken glass: the reveal that breaks it, and the reviews.

use super::{
    Client, ClientError,
    records::{reveal_request, revealed},
    service,
    types::{BreakGlass, Intent, Revealed, Review, ReviewVerdict},
};
use crate::{
    clock::Timestamp,
    ids::{EventId, RecordId, ReviewId},
    wire::api,
};

impl Client {
    /// Shows the fields of these classes of one record, and breaks the glass for it where that is needed.
    pub async fn break_glass(
        &self,
        why: &Intent,
        record: RecordId,
        classes: &[&str],
        stated: &BreakGlass,
    ) -> Result<Revealed, ClientError> {
        let break_glass =
            Some(api::BreakGlass { code: stated.code.clone(), text: stated.text.clone() });
        let request = reveal_request(why, record, classes, None);
        let request = self.request(api::RevealRequest { break_glass, ..request });
        let answer = service!(self, records_client, RecordsClient).reveal(request).await?;
        revealed(answer.into_inner())
    }

    /// The reviews of broken glass: open ones first.
    pub async fn list_reviews(&self, open_only: bool) -> Result<Vec<Review>, ClientError> {
        let request = self.request(api::ListReviewsRequest { open_only });
        let answer = service!(self, audit_client, AuditClient).list_reviews(request).await?;
        answer.into_inner().reviews.into_iter().map(review).collect()
    }

    /// Closes one, as another person than who broke the glass.
    pub async fn close_review(
        &self,
        review: ReviewId,
        verdict: ReviewVerdict,
        conclusion: &str,
    ) -> Result<(), ClientError> {
        let verdict = match verdict {
            ReviewVerdict::Justified => api::ReviewVerdict::Justified,
            ReviewVerdict::Unjustified => api::ReviewVerdict::Unjustified,
            ReviewVerdict::Referred => api::ReviewVerdict::Referred,
        };
        let request = self.request(api::CloseReviewRequest {
            review_id: review.as_bytes().to_vec(),
            conclusion: conclusion.to_owned(),
            verdict: verdict.into(),
        });
        service!(self, audit_client, AuditClient).close_review(request).await?;
        Ok(())
    }
}

fn review(answer: api::Review) -> Result<Review, ClientError> {
    let instant = |ms: i64| Timestamp::from_millis(ms).to_string();
    let verdict = match answer.verdict() {
        api::ReviewVerdict::Unspecified => None,
        api::ReviewVerdict::Justified => Some(ReviewVerdict::Justified),
        api::ReviewVerdict::Unjustified => Some(ReviewVerdict::Unjustified),
        api::ReviewVerdict::Referred => Some(ReviewVerdict::Referred),
    };
    let closed = !answer.closed_by.is_empty();
    Ok(Review {
        review: ReviewId::from_slice(&answer.review_id)
            .map_err(|_| ClientError::Answer("review_id"))?,
        event: EventId::from_slice(&answer.event_id)
            .map_err(|_| ClientError::Answer("event_id"))?,
        agent: answer.agent,
        opened_at: instant(answer.opened_at_ms),
        ends_at: instant(answer.ends_at_ms),
        due_at: instant(answer.due_at_ms),
        age_hours: answer.age_ms / (60 * 60 * 1000),
        overdue: answer.overdue,
        role: answer.role,
        purpose: answer.purpose,
        collection: answer.collection,
        record: RecordId::from_slice(&answer.record_id).ok(),
        classes: answer.classes,
        code: answer.code,
        text: answer.text,
        closed_by: closed.then_some(answer.closed_by),
        closed_at: closed.then(|| instant(answer.closed_at_ms)),
        verdict,
        conclusion: answer.conclusion,
    })
}
