//! Approvals, as calls: who may ask, give and list, and the event of each.
//!
//! What an approval is and when it counts is `identity::approval`'s. Invariant: what is asked for and why
//! is written down, sealed, before anybody can give it.

use super::{
    ApprovalInput, VaultError,
    duties::{Duties, Duty, blocking},
    request::{self, OK},
};
use crate::{
    clock::Timestamp,
    identity::{Approval, Caller},
    ids::ApprovalId,
    limits,
    policy::{Pack, Violation},
};

const REQUEST: Duty = Duty { action: "approval:request", kind: "approval-request" };
const GIVE: Duty = Duty { action: "approval:give", kind: "approval-give" };
const LIST: Duty = Duty { action: "approval:list", kind: "approval-list" };

impl Duties {
    /// Asks a second person for leave to send exactly this request; the id, and until when it counts.
    pub(crate) async fn request_approval(
        &self,
        pack: &Pack,
        who: &Caller,
        input: ApprovalInput,
    ) -> Result<(ApprovalId, Timestamp), VaultError> {
        let mut event = self.allowed(REQUEST, pack, who).await?;
        if let Err(error) = check(&input) {
            return Err(request::refuse(&self.log, event, error).await);
        }
        event.purpose = pack.has_purpose(&input.purpose).then_some(input.purpose);
        event.records = input.records;
        event.asked = input.classes.iter().map(ToString::to_string).collect();
        event.justification = Some(input.reason);
        event.notes = input.notes;
        OK.clone_into(&mut event.outcome);
        match self.approvals.request(who, &input.bound, event.clone()).await {
            Ok(asked) => Ok(asked),
            Err(error) => Err(request::refuse(&self.log, event, error.into()).await),
        }
    }

    /// Gives leave, as another person than who asked.
    pub(crate) async fn approve(
        &self,
        pack: &Pack,
        who: &Caller,
        id: ApprovalId,
    ) -> Result<(), VaultError> {
        let mut event = self.allowed(GIVE, pack, who).await?;
        event.notes = vec![format!("approval={id}")];
        OK.clone_into(&mut event.outcome);
        match self.approvals.approve(who, &id, event.clone()).await {
            Ok(()) => Ok(()),
            Err(error) => Err(request::refuse(&self.log, event, error.into()).await),
        }
    }

    /// What is asked for, given and used: the newest first.
    pub(crate) async fn list_approvals(
        &self,
        pack: &Pack,
        who: &Caller,
    ) -> Result<Vec<Approval>, VaultError> {
        let event = self.allowed(LIST, pack, who).await?;
        self.done(event).await?;
        let approvals = self.approvals.clone();
        blocking(move || Ok(approvals.list()?)).await
    }
}

fn check(input: &ApprovalInput) -> Result<(), VaultError> {
    let limit = limits::JUSTIFICATION_BYTES_MAX;
    let reason = match input.reason.len() {
        _ if input.reason.trim().is_empty() => {
            "is required: the other person decides by it".to_owned()
        }
        length if length > limit => format!("is at most {limit} bytes"),
        _ => return Ok(()),
    };
    Err(VaultError::Invalid(vec![Violation { path: "reason".to_owned(), reason }]))
}
