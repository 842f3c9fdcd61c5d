//! Calls that take two persons: holds, and the approvals that they need.

use super::{
    Client, ClientError,
    records::{intent, reveal_request},
    service,
    types::{Approval, Asked, Hold, HoldOrder, Intent, Released},
};
use crate::{
    clock::Timestamp,
    ids::{ApprovalId, CertificateId, HoldId, RecordId},
    wire::api::{self, request_approval_request::Request},
};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

impl Client {
    /// Asks another person for leave to reveal these classes of one record.
    pub async fn ask_reveal(
        &self,
        why: &Intent,
        record: RecordId,
        classes: &[&str],
        reason: &str,
    ) -> Result<Asked, ClientError> {
        let request = reveal_request(why, record, classes, None);
        self.ask(Request::Reveal(request), reason).await
    }

    /// Asks another person for leave to place these holds.
    pub async fn ask_hold(
        &self,
        why: &Intent,
        order: &HoldOrder,
        reason: &str,
    ) -> Result<Asked, ClientError> {
        self.ask(Request::PlaceHold(hold_request(why, order, None)), reason).await
    }

    async fn ask(&self, request: Request, reason: &str) -> Result<Asked, ClientError> {
        let request = self.request(api::RequestApprovalRequest {
            reason: reason.to_owned(),
            request: Some(request),
        });
        let answer = service!(self, admin_client, AdminClient).request_approval(request).await?;
        let answer = answer.into_inner();
        Ok(Asked {
            approval: approval_id(&answer.approval_id)?,
            expires_at: Timestamp::from_millis(answer.expires_at_ms).to_string(),
        })
    }

    /// Gives leave.
    pub async fn approve(&self, approval: ApprovalId) -> Result<(), ClientError> {
        let approval_id = approval.as_bytes().to_vec();
        let request = self.request(api::ApproveRequest { approval_id });
        service!(self, admin_client, AdminClient).approve(request).await?;
        Ok(())
    }

    /// What was asked for, given and used; the newest first.
    pub async fn list_approvals(&self) -> Result<Vec<Approval>, ClientError> {
        let request = self.request(api::ListApprovalsRequest {});
        let answer = service!(self, admin_client, AdminClient).list_approvals(request).await?;
        answer.into_inner().approvals.into_iter().map(approval).collect()
    }

    /// Places holds, one per record in the order given, with another person's leave.
    pub async fn place_hold(
        &self,
        why: &Intent,
        order: &HoldOrder,
        approval: Option<ApprovalId>,
    ) -> Result<Vec<HoldId>, ClientError> {
        let request = self.request(hold_request(why, order, approval));
        let answer = service!(self, retention_client, RetentionClient).place_hold(request).await?;
        answer.into_inner().hold_ids.iter().map(|id| hold_id(id)).collect()
    }

    /// Ends holds, and erases what they alone kept past its date.
    pub async fn release_hold(&self, holds: &[HoldId]) -> Result<Released, ClientError> {
        let hold_ids = holds.iter().map(|id| id.as_bytes().to_vec()).collect();
        let request = self.request(api::ReleaseHoldRequest { hold_ids });
        let answer =
            service!(self, retention_client, RetentionClient).release_hold(request).await?;
        let answer = answer.into_inner();
        let certificate = match answer.certificate_id.as_slice() {
            [] => None,
            id => Some(
                CertificateId::from_slice(id).map_err(|_| ClientError::Answer("certificate_id"))?,
            ),
        };
        Ok(Released { erased: answer.erased, certificate })
    }

    /// The holds in force, the oldest first.
    pub async fn list_holds(&self) -> Result<Vec<Hold>, ClientError> {
        let request = self.request(api::ListHoldsRequest {});
        let answer = service!(self, retention_client, RetentionClient).list_holds(request).await?;
        let api::ListHoldsResponse { holds, now_ms } = answer.into_inner();
        holds.into_iter().map(|one| hold(one, now_ms)).collect()
    }
}

fn hold_request(
    why: &Intent,
    order: &HoldOrder,
    approval: Option<ApprovalId>,
) -> api::PlaceHoldRequest {
    api::PlaceHoldRequest {
        intent: Some(intent(why)),
        record_ids: order.records.iter().map(|id| id.as_bytes().to_vec()).collect(),
        authority: order.authority.clone(),
        reason: order.reason.clone(),
        ends_on: order.ends_on.clone(),
        approval_id: approval.map(|id| id.as_bytes().to_vec()).unwrap_or_default(),
    }
}

fn approval_id(bytes: &[u8]) -> Result<ApprovalId, ClientError> {
    ApprovalId::from_slice(bytes).map_err(|_| ClientError::Answer("approval_id"))
}

fn hold_id(bytes: &[u8]) -> Result<HoldId, ClientError> {
    HoldId::from_slice(bytes).map_err(|_| ClientError::Answer("hold_id"))
}

fn record_id(bytes: &[u8]) -> Result<RecordId, ClientError> {
    RecordId::from_slice(bytes).map_err(|_| ClientError::Answer("record_id"))
}

/// A hold; its age as seen at `now_ms`.
pub(super) fn hold(answer: api::Hold, now_ms: i64) -> Result<Hold, ClientError> {
    Ok(Hold {
        hold: hold_id(&answer.hold_id)?,
        record: record_id(&answer.record_id)?,
        authority: answer.authority,
        reason: answer.reason,
        ends_on: answer.ends_on,
        approver: answer.approver,
        placed_at: Timestamp::from_millis(answer.placed_at_ms).to_string(),
        age_days: now_ms.saturating_sub(answer.placed_at_ms).max(0) / DAY_MS,
    })
}

fn approval(answer: api::Approval) -> Result<Approval, ClientError> {
    let text = |text: String| Some(text).filter(|text| !text.is_empty());
    Ok(Approval {
        approval: approval_id(&answer.approval_id)?,
        action: answer.action,
        requested_by: answer.requested_by,
        requested_at: Timestamp::from_millis(answer.requested_at_ms).to_string(),
        expires_at: Timestamp::from_millis(answer.expires_at_ms).to_string(),
        approved_by: text(answer.approved_by),
        used: answer.used,
        reason: text(answer.reason),
        records: answer.record_ids.iter().map(hex::encode).collect(),
        classes: answer.classes,
        details: answer.details,
    })
}
