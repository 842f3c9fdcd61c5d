//! What every step of a purge is given, and what it does in the name of whoever started it.
//!
//! It knows no step of the order, and must not: the steps are above it. Invariant: every event of a
//! run names the same agent and the same pack.

use crate::{
    audit::{AuditLog, EventDraft},
    identity::Caller,
    ids::CertificateId,
};

/// What a purge needs, and in whose name it acts.
pub(super) struct Context<'a> {
    pub(super) log: &'a AuditLog,
    pub(super) pack_hash: [u8; 32],
    pub(super) by: Option<&'a Caller>,
}

/// An event in the name of whoever started the run.
pub(super) fn draft_event(cx: &Context<'_>, action: &'static str, outcome: &str) -> EventDraft {
    let mut event = EventDraft::new(action);
    if let Some(caller) = cx.by {
        event.agent = Some(caller.agent.clone());
        event.role = Some(caller.habilitation.role.clone());
        event.unit = caller.habilitation.unit.clone();
        event.service = caller.service.clone();
    }
    event.pack_hash = cx.pack_hash;
    event.decision = "allow";
    event.outcome = outcome.to_owned();
    event
}

/// A fresh certificate id of this log's generator.
pub(super) fn make_certificate_id(cx: &Context<'_>) -> CertificateId {
    CertificateId::make(cx.log.random().as_ref())
}

/// Name of the key that signs a vault's certificates.
pub(super) fn certificates_name(vault: &str) -> String {
    format!("{vault}/certificates")
}
