//! The two offline verifiers, as the commands use them. They read files and nothing else: no vault, no
//! network, no clock, and no key but the one given.

use std::path::Path;

use super::failure::Failure;
use crate::{audit::verify, retention};

/// A verified log: its origin and number of leaves, and what it says was lost before.
pub(super) struct VerifiedLog {
    pub(super) origin: String,
    pub(super) size: u64,
    /// Leaves of generations, and those of them whose detail is in the folder and true.
    pub(super) generations: (u64, u64),
    /// Origins that were closed because they had been cut or exchanged, newest first.
    pub(super) closed: Vec<ClosedOrigin>,
}

/// An origin that ended because the database was restored or tampered with.
#[derive(Debug, serde::Serialize)]
pub(super) struct ClosedOrigin {
    /// Its number.
    pub(super) number: u32,
    /// Events that are still there.
    pub(super) kept: u64,
    /// Events it is known to have had.
    pub(super) lost_to: u64,
}

impl ClosedOrigin {
    /// One line for people.
    pub(super) fn sentence(&self) -> String {
        let Self { number, kept, lost_to } = self;
        match lost_to.checked_sub(*kept) {
            Some(lost @ 1..) => {
                format!("origin {number} was cut: {kept} of {lost_to} events are left, {lost} lost")
            }
            _ => {
                format!("origin {number} was exchanged: none of its {kept} events can be relied on")
            }
        }
    }
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
    let closed = report.closed.iter();
    let closed = closed
        .map(|o| ClosedOrigin { number: o.closed, kept: o.kept, lost_to: o.lost_to })
        .collect();
    let (checkpoint, generations) = (report.checkpoint, report.generations);
    Ok(VerifiedLog { origin: checkpoint.origin, size: checkpoint.size, generations, closed })
}

/// Checks a certificate with a verifier key and whatever there is to compare it with.
pub(super) fn certificate(
    json: &str,
    key: &str,
    evidence: retention::Evidence<'_>,
) -> Result<retention::Proven, Failure> {
    retention::prove(json, key, evidence)
        .map_err(|e| Failure::of(&e).hint("use the certificates' verifier key that `init` printed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_origin_says_how_much_was_lost_and_an_exchanged_one_that_all_is_in_doubt() {
        let cut = ClosedOrigin { number: 0, kept: 2, lost_to: 5 };
        assert_eq!(cut.sentence(), "origin 0 was cut: 2 of 5 events are left, 3 lost");
        let exchanged = ClosedOrigin { number: 1, kept: 5, lost_to: 5 };
        assert!(exchanged.sentence().contains("none of its 5 events"));
    }
}
