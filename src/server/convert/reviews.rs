//! Broken glass and its reviews, between the wire and the vault.

use super::check::Check;
use crate::{
    identity::Review,
    ids::ReviewId,
    limits,
    policy::BreakGlassRule,
    vault::{BreakGlass, CloseInput, ReviewVerdict, VaultError},
    wire::api,
};

/// What a reveal states that breaks the glass.
pub(super) fn break_glass(check: &mut Check, given: Option<api::BreakGlass>) -> Option<BreakGlass> {
    let api::BreakGlass { code, text } = given?;
    let limit = limits::JUSTIFICATION_BYTES_MAX;
    if text.trim().is_empty() || text.len() > limit {
        check.refuse("break_glass.text", format!("says why, in 1 to {limit} bytes"));
    }
    if code.is_empty() || code.len() > limits::LABEL_BYTES_MAX {
        check.refuse("break_glass.code", "is one of the reasons that the pack gives to your role");
    }
    Some(BreakGlass { code, text })
}

/// `Audit.CloseReview`.
pub(crate) fn close_review(request: api::CloseReviewRequest) -> Result<CloseInput, VaultError> {
    let mut check = Check::default();
    let review = check.id("review_id", &request.review_id, ReviewId::from_slice);
    let verdict = match request.verdict() {
        api::ReviewVerdict::Unspecified => {
            check.refuse("verdict", "is JUSTIFIED, UNJUSTIFIED or REFERRED");
            None
        }
        api::ReviewVerdict::Justified => Some(ReviewVerdict::Justified),
        api::ReviewVerdict::Unjustified => Some(ReviewVerdict::Unjustified),
        api::ReviewVerdict::Referred => Some(ReviewVerdict::Referred),
    };
    let (Some(review), Some(verdict)) = (review, verdict) else { return Err(check.refused()) };
    Ok(CloseInput { review, verdict, text: request.conclusion })
}

/// One entry of the pack.
pub(super) fn rule(rule: &BreakGlassRule) -> api::BreakGlassRule {
    api::BreakGlassRule {
        collections: rule.collections.iter().map(ToString::to_string).collect(),
        classes: rule.classes.iter().map(ToString::to_string).collect(),
        codes: rule.codes.clone(),
        minutes: rule.minutes,
        review_hours: rule.review_hours,
    }
}

/// One review.
pub(crate) fn review(one: &Review) -> api::Review {
    let mut out = api::Review {
        review_id: one.id.as_bytes().to_vec(),
        event_id: one.event.as_bytes().to_vec(),
        agent: one.agent.to_string(),
        opened_at_ms: one.opened_at.as_millis(),
        due_at_ms: one.due_at.as_millis(),
        ends_at_ms: one.ends_at.as_millis(),
        age_ms: one.age_ms,
        overdue: one.overdue,
        ..api::Review::default()
    };
    if let Some((by, at)) = &one.closed {
        out.closed_by = by.to_string();
        out.closed_at_ms = at.as_millis();
    }
    let noted = |notes: &[String], key: &str| {
        notes.iter().find_map(|note| note.strip_prefix(key)).unwrap_or_default().to_owned()
    };
    if let Some(event) = &one.broken {
        out.role = event.role.as_ref().map(ToString::to_string).unwrap_or_default();
        out.purpose = event.purpose.as_ref().map(ToString::to_string).unwrap_or_default();
        out.collection = event.collection.as_ref().map(ToString::to_string).unwrap_or_default();
        out.record_id = event.records.first().map(|id| id.as_bytes().to_vec()).unwrap_or_default();
        out.classes.clone_from(&event.asked);
        out.code = noted(&event.notes, "code=");
        out.text = event.justification.clone().unwrap_or_default();
    }
    if let Some(event) = &one.verdict {
        let verdict = match ReviewVerdict::parse(&noted(&event.notes, "verdict=")) {
            None => api::ReviewVerdict::Unspecified,
            Some(ReviewVerdict::Justified) => api::ReviewVerdict::Justified,
            Some(ReviewVerdict::Unjustified) => api::ReviewVerdict::Unjustified,
            Some(ReviewVerdict::Referred) => api::ReviewVerdict::Referred,
        };
        out.verdict = verdict.into();
        out.conclusion = event.justification.clone().unwrap_or_default();
    }
    out
}
