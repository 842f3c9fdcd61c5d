//! The certificate of a purge: what was forgotten, when, and exactly what that proves.
//!
//! One line of JSON with its fields in the order of the structs below, then the signature. Signed
//! bytes = the JSON without `,"signature":"…"`. The Ed25519 key is the certificates' own, so nothing
//! signed for the log can be taken for a certificate. It must never hold anything about a subject:
//! only random cohort and segment ids, collection names, dates and counts. It must never claim more
//! than the class of the places proves (DESIGN section 4).

mod holds;
mod parts;
mod prove;
mod readable;
mod text;
mod verify;

#[cfg(test)]
mod tests;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

pub(super) use self::{
    holds::certified,
    parts::{
        AuditReference, Bilingual, CertifiedCohort, CertifiedHold, CertifiedPlace, Counts,
        GenerationReference, LeafIndex, Readable, UnscrubbedPlace,
    },
    readable::{Forgotten, readable},
    text::statement,
    verify::signer_name,
};
pub use self::{
    prove::{Evidence, Finding, LogCopy, Proven, Verdict, prove},
    verify::{CertificateError, CertificateSummary, verifier_key, verify},
};
use super::{error::RetentionError, sweep::Pages};
use crate::{
    crypto::signing::Signer,
    ids::CertificateId,
    storage::{Store, keys},
};

/// Version of this format.
pub(super) const FORMAT: u32 = 1;
/// Cohorts whose date had come.
pub(super) const PURGE: &str = "purge";
/// Single records, before their date.
pub(super) const ERASURE: &str = "erasure";
/// Former versions of records that moved to other keys.
pub(super) const RESEAL: &str = "reseal";
/// Where the signature starts.
const SIGNATURE: &str = ",\"signature\":\"";

/// A certificate before it is signed. Field order is the order of the JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Certificate {
    /// Format version, 1.
    pub(super) v: u32,
    pub(super) id: String,
    /// 1 when issued; 2 when searchable values went later than the fields.
    pub(super) revision: u32,
    /// [`PURGE`] or [`ERASURE`]; certificates of before there were erasures do not say.
    #[serde(default = "purge")]
    pub(super) what: String,
    pub(super) vault: String,
    pub(super) vault_id: String,
    pub(super) node: String,
    /// SHA-256 of the policy pack in force, hexadecimal.
    pub(super) policy_pack_hash: String,
    /// Agent id, or `schedule`.
    pub(super) started_by: String,
    pub(super) cutoff: String,
    pub(super) started_at: String,
    /// When the erasure point was passed and seen to be.
    pub(super) erased_at: String,
    pub(super) finished_at: String,
    /// How often the run was taken up again after a crash or a failure.
    pub(super) resumed: u32,
    pub(super) cohorts: Vec<CertifiedCohort>,
    pub(super) totals: Counts,
    /// Segments past their date kept for held slots alone.
    pub(super) holds_kept: u64,
    /// Holds in force when this was issued.
    #[serde(default)]
    pub(super) holds_in_force: u64,
    /// Those past their records' date first, then the oldest; at most `limits::CERTIFICATE_HOLDS_MAX`.
    #[serde(default)]
    pub(super) holds: Vec<CertifiedHold>,
    pub(super) failures: Vec<String>,
    pub(super) generation_before: u64,
    pub(super) generation_after: u64,
    /// SHA-256 of the keyring file of `generation_after`, hexadecimal.
    pub(super) keyring_hash: String,
    /// Lowest class over all places.
    pub(super) class: String,
    pub(super) places: Vec<CertifiedPlace>,
    /// Places removed without having been scrubbed, each also a failure.
    #[serde(default)]
    pub(super) removed_places: Vec<UnscrubbedPlace>,
    /// Fields unreadable.
    pub(super) t1: String,
    /// Searchable values no longer confirmable; null while index keys live on.
    pub(super) t2: Option<String>,
    /// A generation without the old index keys, once `t2` came later than `t1`.
    #[serde(default)]
    pub(super) t2_generation: Option<GenerationReference>,
    pub(super) audit: AuditReference,
    pub(super) still_readable: Vec<Readable>,
    pub(super) statement: Bilingual,
    /// Name and key id of the key that signed.
    pub(super) signed_by: String,
}

fn purge() -> String {
    PURGE.to_owned()
}

impl Certificate {
    /// The signed certificate, one line.
    pub(super) fn sign(&self, signer: &Signer) -> Result<String, RetentionError> {
        let body = serde_json::to_string(self).map_err(|_| RetentionError::CertificateFormat)?;
        let open = body.strip_suffix('}').ok_or(RetentionError::CertificateFormat)?;
        let signature = STANDARD.encode(signer.sign(body.as_bytes()));
        Ok(format!("{open}{SIGNATURE}{signature}\"}}"))
    }
}

/// The stored JSON: of this id the last revision, or of the newest certificate by its end.
pub(super) fn read(store: &dyn Store, id: Option<CertificateId>) -> Result<String, RetentionError> {
    let prefix = match id {
        Some(id) => [keys::certificates().as_slice(), id.as_bytes()].concat(),
        None => keys::certificates(),
    };
    let mut newest: Option<((String, u32), String)> = None;
    let mut pages = Pages::over(prefix);
    while let Some(page) = pages.next(store)? {
        for (_, value) in page {
            let json = String::from_utf8(value).map_err(|_| RetentionError::Tampered("k"))?;
            let order: Order =
                serde_json::from_str(&json).map_err(|_| RetentionError::Tampered("k"))?;
            let order = (order.finished_at, order.revision);
            if newest.as_ref().is_none_or(|(last, _)| *last <= order) {
                newest = Some((order, json));
            }
        }
    }
    newest.map(|(_, json)| json).ok_or(RetentionError::NoCertificate)
}

/// The generation that a certificate of this id names as the erasing one.
pub(super) fn generation(store: &dyn Store, id: CertificateId) -> Result<u64, RetentionError> {
    let certificate: Certificate =
        serde_json::from_str(&read(store, Some(id))?).map_err(|_| RetentionError::Tampered("k"))?;
    Ok(certificate.generation_after)
}

/// What decides which certificate is the newest: RFC 3339 in UTC sorts as text.
#[derive(Deserialize)]
struct Order {
    finished_at: String,
    revision: u32,
}

/// Ids and revisions, in key order.
pub(super) fn ids(store: &dyn Store) -> Result<Vec<(CertificateId, u32)>, RetentionError> {
    let mut ids = Vec::new();
    let mut pages = Pages::over(keys::certificates());
    while let Some(page) = pages.next(store)? {
        for (key, _) in page {
            let broken = RetentionError::Tampered("k");
            let Some((id, revision)) = key.get(1..).and_then(|k| k.split_at_checked(16)) else {
                return Err(broken);
            };
            match (CertificateId::from_slice(id), <[u8; 4]>::try_from(revision)) {
                (Ok(id), Ok(revision)) => ids.push((id, u32::from_be_bytes(revision))),
                _ => return Err(broken),
            }
        }
    }
    Ok(ids)
}
