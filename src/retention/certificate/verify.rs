//! Verifies a certificate offline, with the verifier key given by the reader.
//!
//! It must never take a key from what it checks. The signature is checked over the exact bytes before
//! anything is parsed.

use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};

use super::{Certificate, FORMAT, SIGNATURE};
use crate::{crypto::signing, limits};

/// Signature type of C2SP signed notes for Ed25519.
const ED25519: u8 = 0x01;

/// Why a certificate or its verifier key was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// The key is not `name+hex key id+base64`, or its id does not belong to it.
    #[error("the verifier key is not of the form name+hex+base64, as `init` prints it")]
    Key,
    /// Too large, or no signature at the end.
    #[error("this is not a certificate")]
    Format,
    /// The bytes were changed, or another vault signed them.
    #[error("the signature does not hold: the certificate was changed, or is of another vault")]
    Signature,
    /// Signed, but by a build that writes another format.
    #[error("the certificate has a format this build does not know")]
    Version,
}

/// What a verified certificate says, for a reader who does not parse JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateSummary {
    /// 32 hexadecimal digits.
    pub id: String,
    /// 1, or 2 once searchable values went too.
    pub revision: u32,
    /// Name of the vault.
    pub vault: String,
    /// RFC 3339, UTC: fields unreadable.
    pub t1: String,
    /// RFC 3339, UTC: searchable values no longer confirmable.
    pub t2: Option<String>,
    /// Cohorts that went.
    pub cohorts: usize,
    /// Record rows deleted.
    pub records: u64,
    /// Sections deleted.
    pub sections: u64,
    /// Index rows deleted.
    pub index_rows: u64,
    /// Details of audit events deleted.
    pub events: u64,
    /// Keyring generation before and after.
    pub generations: (u64, u64),
    /// `purge`, `erasure` or `reseal`.
    pub what: String,
    /// Holds in force when it was issued, and how many of them alone keep records past their date.
    pub holds: (u64, u64),
    /// What remains readable: stable code (empty in older certificates), English, French.
    pub still_readable: Vec<(String, String, String)>,
    /// Lowest class over the places, e.g. `L0`.
    pub class: String,
    /// What went wrong on the way; empty is good.
    pub failures: Vec<String>,
    /// What is proven, in English.
    pub statement: String,
    /// The same in French.
    pub statement_fr: String,
}

/// The verifier key of this public key: `name+hex key id+base64(0x01 ‖ public key)`, where the key id
/// is SHA-256(name ‖ "\n" ‖ 0x01 ‖ public key)\[0..4\] (C2SP signed-note).
#[must_use]
pub fn verifier_key(name: &str, public: &[u8; 32]) -> String {
    let typed = typed(public);
    format!("{name}+{}+{}", key_id(name, &typed), STANDARD.encode(typed))
}

/// Name and key id, as a certificate names its signer.
pub(in super::super) fn signer_name(name: &str, public: &[u8; 32]) -> String {
    format!("{name}+{}", key_id(name, &typed(public)))
}

/// Checks a certificate against a verifier key. Needs no vault, no network and no time.
///
/// # Errors
/// See [`CertificateError`]; a certificate of another vault's key fails as [`CertificateError::Signature`].
pub fn verify(json: &str, verifier_key: &str) -> Result<CertificateSummary, CertificateError> {
    signed(json, verifier_key).map(summary)
}

/// The certificate, if it is signed with this key.
pub(super) fn signed(json: &str, verifier_key: &str) -> Result<Certificate, CertificateError> {
    let (signer, public) = parse_key(verifier_key)?;
    let json = json.trim_ascii();
    if json.len() > limits::CERTIFICATE_BYTES_MAX {
        return Err(CertificateError::Format);
    }
    let (open, rest) = json.rsplit_once(SIGNATURE).ok_or(CertificateError::Format)?;
    let signature = rest.strip_suffix("\"}").ok_or(CertificateError::Format)?;
    let signature = STANDARD.decode(signature).map_err(|_| CertificateError::Format)?;
    let signature = signature.as_slice().try_into().map_err(|_| CertificateError::Format)?;
    let body = format!("{open}}}");
    if !signing::verify(&public, body.as_bytes(), signature) {
        return Err(CertificateError::Signature);
    }
    let certificate: Certificate =
        serde_json::from_str(&body).map_err(|_| CertificateError::Version)?;
    if certificate.v != FORMAT {
        return Err(CertificateError::Version);
    }
    if certificate.signed_by != signer {
        return Err(CertificateError::Signature);
    }
    Ok(certificate)
}

/// What it says.
pub(super) fn summary(certificate: Certificate) -> CertificateSummary {
    let held = certificate.holds.iter().filter(|hold| hold.past_date).count();
    let held = u64::try_from(held).unwrap_or(u64::MAX);
    let readable = certificate.still_readable.into_iter();
    let readable = readable.map(|item| (item.code, item.text.en, item.text.fr));
    CertificateSummary {
        id: certificate.id,
        revision: certificate.revision,
        vault: certificate.vault,
        t1: certificate.t1,
        t2: certificate.t2,
        cohorts: certificate.cohorts.len(),
        records: certificate.totals.records,
        sections: certificate.totals.sections,
        index_rows: certificate.totals.index_rows,
        events: certificate.totals.events,
        generations: (certificate.generation_before, certificate.generation_after),
        what: certificate.what,
        holds: (certificate.holds_in_force, held),
        still_readable: readable.collect(),
        class: certificate.class,
        failures: certificate.failures,
        statement: certificate.statement.en,
        statement_fr: certificate.statement.fr,
    }
}

/// Name with key id, and public key.
fn parse_key(text: &str) -> Result<(String, [u8; 32]), CertificateError> {
    let mut parts = text.trim_ascii().splitn(3, '+');
    let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(CertificateError::Key);
    };
    let typed = STANDARD.decode(key).map_err(|_| CertificateError::Key)?;
    let Some((&ED25519, public)) = typed.split_first() else { return Err(CertificateError::Key) };
    let public: [u8; 32] = public.try_into().map_err(|_| CertificateError::Key)?;
    if name.is_empty() || key_id(name, &typed) != id {
        return Err(CertificateError::Key);
    }
    Ok((format!("{name}+{id}"), public))
}

fn typed(public: &[u8; 32]) -> Vec<u8> {
    let mut typed = vec![ED25519];
    typed.extend_from_slice(public);
    typed
}

fn key_id(name: &str, typed: &[u8]) -> String {
    let digest = Sha256::new().chain_update(name).chain_update("\n").chain_update(typed).finalize();
    hex::encode(digest.iter().take(4).copied().collect::<Vec<u8>>())
}
