//! The two offline verifiers, as the commands use them. They read files and nothing else: no vault, no
//! network, no clock, and no key but the one given.

use std::path::Path;

use super::failure::Failure;
use crate::{audit::verify, retention};

/// A verified log: its origin and number of leaves.
pub(super) struct VerifiedLog {
    pub(super) origin: String,
    pub(super) size: u64,
}

/// Verifies an exported folder against a verifier key and, if given, an older checkpoint.
pub(super) fn log(
    folder: &Path,
    key: &str,
    older_checkpoint: Option<&str>,
) -> Result<VerifiedLog, Failure> {
    let report = verify::verify_folder(folder, key, older_checkpoint).map_err(|e| {
        Failure::of(&e).hint("keep this folder as it is: it is evidence; compare with other copies")
    })?;
    Ok(VerifiedLog { origin: report.checkpoint.origin, size: report.checkpoint.size })
}

/// Verifies a certificate against a verifier key.
pub(super) fn certificate(json: &str, key: &str) -> Result<retention::CertificateSummary, Failure> {
    retention::verify(json, key)
        .map_err(|e| Failure::of(&e).hint("use the certificates' verifier key that `init` printed"))
}
