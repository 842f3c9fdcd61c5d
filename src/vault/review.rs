//! Reviews of broken glass, as calls: who may list and close, and the event of each.
//!
//! What a review is, and who never closes one, is `identity::review`'s. Invariant: verdict and text are
//! written down, sealed, in the commit that closes.

use super::{
    VaultError,
    duties::{Duties, Duty, blocking},
    request::{self, OK},
};
use crate::{
    identity::{CLOSED, Caller, Review, review_note},
    ids::ReviewId,
    limits,
    policy::{Pack, Violation},
};

const LIST: Duty = Duty { action: "review:list", kind: "review-list" };
const CLOSE: Duty = Duty { action: "review:close", kind: CLOSED };

/// What a review comes to: a closed list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReviewVerdict {
    /// It was right.
    Justified,
    /// It was not.
    Unjustified,
    /// It is handed to another procedure, which the text names.
    Referred,
}

impl ReviewVerdict {
    /// As the event notes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Justified => "justified",
            Self::Unjustified => "unjustified",
            Self::Referred => "referred",
        }
    }

    /// The verdict that an event notes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let all = [Self::Justified, Self::Unjustified, Self::Referred];
        all.into_iter().find(|verdict| verdict.as_str() == text)
    }
}

/// How a review is closed. No `Debug`: the text is free.
pub struct CloseInput {
    /// Which.
    pub review: ReviewId,
    /// What it comes to.
    pub verdict: ReviewVerdict,
    /// Why: 1 to `JUSTIFICATION_BYTES_MAX` bytes.
    pub text: String,
}

impl Duties {
    /// The reviews, open ones first, what is due first before the others.
    pub(crate) async fn list_reviews(
        &self,
        pack: &Pack,
        who: &Caller,
        open_only: bool,
    ) -> Result<Vec<Review>, VaultError> {
        let event = self.allowed(LIST, pack, who).await?;
        self.done(event).await?;
        let reviews = self.reviews.clone();
        blocking(move || Ok(reviews.list(open_only)?)).await
    }

    /// Closes a review, as another person than who broke the glass.
    pub(crate) async fn close_review(
        &self,
        pack: &Pack,
        who: &Caller,
        input: CloseInput,
    ) -> Result<(), VaultError> {
        let mut event = self.allowed(CLOSE, pack, who).await?;
        event.notes =
            vec![review_note(&input.review), format!("verdict={}", input.verdict.as_str())];
        let limit = limits::JUSTIFICATION_BYTES_MAX;
        if input.text.trim().is_empty() || input.text.len() > limit {
            let reason = format!("says why, in 1 to {limit} bytes");
            let violation = Violation { path: "conclusion".to_owned(), reason };
            let error = VaultError::Invalid(vec![violation]);
            return Err(request::refuse(&self.log, event, error).await);
        }
        event.justification = Some(input.text);
        OK.clone_into(&mut event.outcome);
        match self.reviews.close(who, &input.review, &event).await {
            Ok(()) => Ok(()),
            Err(error) => Err(request::refuse(&self.log, event, error.into()).await),
        }
    }
}
