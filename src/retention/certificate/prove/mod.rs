//! Everything that can be checked of a certificate without a vault: its signature, whether it contradicts
//! itself, whether an exported log bears it out, and whether a keyring file is the one it names.
//!
//! One finding for each check, in a fixed order, so that what was *not* checked is said as plainly as what
//! fails. It must take no key from what it checks, and conclude nothing from a log that does not verify. It
//! reads the files given and nothing else; memory does not grow with the log.

mod content;
mod keyring_file;
mod log;

#[cfg(test)]
mod tests;

use std::path::Path;

use super::verify::{self, CertificateError, CertificateSummary};

/// What the caller has beside the certificate.
#[derive(Debug, Clone, Copy, Default)]
pub struct Evidence<'a> {
    /// An exported log.
    pub log: Option<LogCopy<'a>>,
    /// A keyring file of a key place.
    pub keyring: Option<&'a Path>,
}

/// An exported log and the key it is verified with.
#[derive(Debug, Clone, Copy)]
pub struct LogCopy<'a> {
    /// The folder that `audit export` wrote.
    pub folder: &'a Path,
    /// The log's verifier key, as `init` printed it.
    pub key: &'a str,
}

/// What came of one check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It holds.
    Ok,
    /// It does not.
    Failed,
    /// It was not looked at, for want of something to compare with.
    NotChecked,
}

/// One check and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// Its stable name.
    pub check: &'static str,
    /// What came of it.
    pub verdict: Verdict,
    /// What holds, what is wrong, or what was missing.
    pub text: String,
}

impl Finding {
    fn ok(check: &'static str, text: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Ok, text: text.into() }
    }

    fn failed(check: &'static str, text: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Failed, text: text.into() }
    }

    fn not_checked(check: &'static str, text: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::NotChecked, text: text.into() }
    }
}

/// All findings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    /// What the certificate says; only if its signature holds.
    pub summary: Option<CertificateSummary>,
    /// One for each check.
    pub findings: Vec<Finding>,
}

impl Proven {
    /// Whether nothing that was checked failed.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.findings.iter().all(|finding| finding.verdict != Verdict::Failed)
    }
}

pub(super) const SIGNATURE: &str = "signature";
pub(super) const CONTENT: &str = "content";
pub(super) const LOG: &str = "log";
pub(super) const CHECKPOINT: &str = "checkpoint";
pub(super) const INTENT: &str = "intent";
pub(super) const GENERATIONS: &str = "generations";
pub(super) const T2: &str = "t2";
pub(super) const KEYRING: &str = "keyring";
/// The checks that a log is needed for.
const OF_THE_LOG: [&str; 5] = [CHECKPOINT, LOG, INTENT, GENERATIONS, T2];

/// Checks a certificate with the certificates' verifier key, and with whatever else there is.
///
/// # Errors
/// [`CertificateError::Key`] for a key that is none: nothing can be checked with it.
pub fn prove(
    json: &str,
    verifier_key: &str,
    evidence: Evidence<'_>,
) -> Result<Proven, CertificateError> {
    let certificate = match verify::signed(json, verifier_key) {
        Ok(certificate) => certificate,
        Err(CertificateError::Key) => return Err(CertificateError::Key),
        Err(error) => return Ok(unsigned(&error)),
    };
    let signer = format!("signed by {}", certificate.signed_by);
    let mut findings = vec![Finding::ok(SIGNATURE, signer), content::check(&certificate)];
    match evidence.log {
        Some(copy) => findings.extend(log::check(&certificate, copy)),
        None => findings.extend(OF_THE_LOG.map(|check| {
            let why = "needs the exported log (--log) and its verifier key (--log-key)";
            Finding::not_checked(check, why)
        })),
    }
    findings.push(match evidence.keyring {
        Some(path) => keyring_file::check(&certificate, path),
        None => Finding::not_checked(KEYRING, "needs a keyring file of a key place (--keyring)"),
    });
    Ok(Proven { summary: Some(verify::summary(certificate)), findings })
}

/// Nothing is concluded from a certificate that nobody is known to have signed.
fn unsigned(error: &CertificateError) -> Proven {
    let rest = [CONTENT].into_iter().chain(OF_THE_LOG).chain([KEYRING]);
    let skipped = rest.map(|check| Finding::not_checked(check, "the signature does not hold"));
    let findings = [Finding::failed(SIGNATURE, error.to_string())].into_iter().chain(skipped);
    Proven { summary: None, findings: findings.collect() }
}
