//! Types of broken glass and its reviews.

use serde::Serialize;

use super::{optional_text, text};
use crate::ids::{EventId, RecordId, ReviewId};

/// What a reveal states that breaks the glass. No `Debug`: the text is free.
#[derive(Clone)]
pub struct BreakGlass {
    /// One of the pack's reasons.
    pub code: String,
    /// Why, in the agent's words.
    pub text: String,
}

/// The review that broken glass has.
#[derive(Debug, Clone, Serialize)]
pub struct Broken {
    /// The review.
    #[serde(serialize_with = "text")]
    pub review: ReviewId,
    /// From then on the glass is whole, RFC 3339.
    pub ends_at: String,
}

/// One entry of the pack: where the caller may break the glass.
#[derive(Debug, Clone, Serialize)]
pub struct BreakGlassRule {
    /// On records of these collections.
    pub collections: Vec<String>,
    /// For these classes.
    pub classes: Vec<String>,
    /// For these reasons.
    pub codes: Vec<String>,
    /// How long it stays broken.
    pub minutes: u32,
    /// Within how many hours the review is due.
    pub review_hours: u32,
}

/// What a review comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ReviewVerdict {
    /// It was right to break the glass.
    Justified,
    /// It was not.
    Unjustified,
    /// It is handed to another procedure, which the text names.
    Referred,
}

/// A review of broken glass. No `Debug`: its texts are free.
#[derive(Clone, Serialize)]
pub struct Review {
    /// Its id.
    #[serde(serialize_with = "text")]
    pub review: ReviewId,
    /// The event of the breaking.
    #[serde(serialize_with = "text")]
    pub event: EventId,
    /// Who broke the glass.
    pub agent: String,
    /// When, RFC 3339.
    pub opened_at: String,
    /// Until when it stays broken, RFC 3339.
    pub ends_at: String,
    /// Until when the review must be closed, RFC 3339.
    pub due_at: String,
    /// Whole hours that it has been open, or was.
    pub age_hours: i64,
    /// It is open, and its time is over.
    pub overdue: bool,
    /// His role then; empty, like the six below, where the event has expired.
    pub role: String,
    /// The purpose stated.
    pub purpose: String,
    /// The collection.
    pub collection: String,
    /// The record.
    #[serde(serialize_with = "optional_text")]
    pub record: Option<RecordId>,
    /// The classes asked.
    pub classes: Vec<String>,
    /// The reason.
    pub code: String,
    /// Why, in his words.
    pub text: String,
    /// Who closed it.
    pub closed_by: Option<String>,
    /// When, RFC 3339.
    pub closed_at: Option<String>,
    /// What it came to.
    pub verdict: Option<ReviewVerdict>,
    /// Why.
    pub conclusion: String,
}
