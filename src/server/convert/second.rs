//! Holds and approvals on the wire: what two persons do.

use super::{
    bound::{bound_hold, bound_reveal},
    check::{Check, at_most},
    records::{intent, reveal},
};
use crate::{
    clock::Timestamp,
    identity::Approval,
    ids::{ApprovalId, HoldId, RecordId},
    keyring::Hold,
    limits,
    retention::Released,
    vault::{ApprovalInput, HoldInput, Intent, VaultError},
    wire::api,
};

/// `Retention.PlaceHold`.
pub(crate) fn place_hold(
    request: api::PlaceHoldRequest,
) -> Result<(Intent, HoldInput), VaultError> {
    let bound = bound_hold(&request);
    at_most(&request.record_ids, limits::HOLDS_PER_CALL_MAX, "records")?;
    let mut check = Check::default();
    let why = intent(&mut check, request.intent, None);
    let records = check.ids("record_ids", &request.record_ids, RecordId::from_slice);
    let authority = check.label("authority", request.authority);
    let reason = check.label("reason", request.reason);
    let ends_on = check.date("ends_on", &request.ends_on);
    let approval = check.optional_id("approval_id", &request.approval_id, ApprovalId::from_slice);
    let (Some(why), Some(authority), Some(reason), Some(ends_on)) =
        (why, authority, reason, ends_on)
    else {
        return Err(check.refused());
    };
    check.done()?;
    Ok((why, HoldInput { records, authority, reason, ends_on, approval, bound }))
}

/// `Retention.ReleaseHold`.
pub(crate) fn release_hold(request: &api::ReleaseHoldRequest) -> Result<Vec<HoldId>, VaultError> {
    at_most(&request.hold_ids, limits::HOLDS_PER_CALL_MAX, "holds")?;
    let mut check = Check::default();
    let holds = check.ids("hold_ids", &request.hold_ids, HoldId::from_slice);
    check.done().map(|()| holds)
}

/// `Admin.RequestApproval`.
pub(crate) fn request_approval(
    request: api::RequestApprovalRequest,
) -> Result<ApprovalInput, VaultError> {
    use api::request_approval_request::Request;
    let reason = request.reason;
    match request.request {
        Some(Request::PlaceHold(request)) => {
            let (why, input) = place_hold(request)?;
            let notes = vec![
                format!("authority={}", input.authority),
                format!("reason={}", input.reason),
                format!("until={}", input.ends_on),
            ];
            let HoldInput { records, bound, .. } = input;
            let purpose = why.purpose;
            Ok(ApprovalInput { bound, reason, purpose, records, classes: Vec::new(), notes })
        }
        Some(Request::Reveal(request)) => {
            let bound = bound_reveal(&request);
            let (why, input, link) = reveal(request)?;
            let (records, classes) = (vec![input.record], input.classes);
            let purpose = why.purpose;
            let notes = link.map(|link| format!("link={link}")).into_iter().collect();
            Ok(ApprovalInput { bound, reason, purpose, records, classes, notes })
        }
        None => {
            let mut check = Check::default();
            check.refuse("request", "give the exact request that needs the approval");
            Err(check.refused())
        }
    }
}

/// `Admin.Approve`.
pub(crate) fn approval_id(bytes: &[u8]) -> Result<ApprovalId, VaultError> {
    let mut check = Check::default();
    check.id("approval_id", bytes, ApprovalId::from_slice).ok_or_else(|| check.refused())
}

/// Answer to `Admin.RequestApproval`.
pub(crate) fn approval_asked(
    (id, expires_at): (ApprovalId, Timestamp),
) -> api::RequestApprovalResponse {
    api::RequestApprovalResponse {
        approval_id: id.as_bytes().to_vec(),
        expires_at_ms: expires_at.as_millis(),
    }
}

/// Answer to `Retention.PlaceHold`.
pub(crate) fn held(ids: &[HoldId]) -> api::PlaceHoldResponse {
    api::PlaceHoldResponse { hold_ids: ids.iter().map(|id| id.as_bytes().to_vec()).collect() }
}

/// Answer to `Retention.ReleaseHold`.
pub(crate) fn released(released: &Released) -> api::ReleaseHoldResponse {
    let certificate = released.report.certificate.map(|id| id.as_bytes().to_vec());
    api::ReleaseHoldResponse {
        erased: u32::try_from(released.erased).unwrap_or(u32::MAX),
        certificate_id: certificate.unwrap_or_default(),
    }
}

/// One hold.
pub(crate) fn hold(hold: &Hold) -> api::Hold {
    api::Hold {
        hold_id: hold.id.as_bytes().to_vec(),
        record_id: hold.record.as_bytes().to_vec(),
        authority: hold.authority.clone(),
        reason: hold.reason.clone(),
        ends_on: hold.ends_on.to_string(),
        approver: hold.approver.to_string(),
        placed_at_ms: hold.placed_at.as_millis(),
        ends_at_ms: hold.ends_at.as_millis(),
    }
}

/// One approval.
pub(crate) fn approval(one: &Approval) -> api::Approval {
    let mut out = api::Approval {
        approval_id: one.id.as_bytes().to_vec(),
        action: one.action.clone(),
        requested_by: one.requested_by.to_string(),
        approved_by: one.approved_by.as_ref().map(ToString::to_string).unwrap_or_default(),
        expires_at_ms: one.expires_at.as_millis(),
        used: one.used,
        requested_at_ms: one.requested_at.as_millis(),
        request_hash: one.hash.to_vec(),
        ..api::Approval::default()
    };
    if let Some(asked) = &one.asked {
        out.reason = asked.justification.clone().unwrap_or_default();
        out.record_ids = asked.records.iter().map(|id| id.as_bytes().to_vec()).collect();
        out.classes.clone_from(&asked.asked);
        let own = |note: &&String| !note.starts_with("approval=") && !note.starts_with("action=");
        out.details = asked.notes.iter().filter(own).cloned().collect();
    }
    out
}
