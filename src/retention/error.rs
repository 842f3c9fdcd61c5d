//! Why retention could not do what was asked. Messages carry random ids at most, never content.

use crate::{
    audit::AuditError,
    ids::{CohortId, PlaceId, SegmentId},
    keyring::KeyringError,
    storage::StoreError,
};

/// Errors of rules, purges, sweeps and certificates.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RetentionError {
    /// The clock guard is tripped.
    #[error("the clock jumped; run `oubliette clock confirm` once it is right")]
    ClockTripped,
    /// The caller's `collected_on` is later than today in the territory's zone.
    #[error("collected_on lies in the future of its territory")]
    FutureDate,
    /// The caller's data would have to be unreadable at once.
    #[error("this data is already past its retention date")]
    AlreadyExpired,
    /// No such certificate, or none yet.
    #[error("no certificate has this id")]
    NoCertificate,
    /// No such hold is in force.
    #[error("no hold in force has this id")]
    NoHold,
    /// A place was silent before anything was erased.
    #[error("a place does not answer; nothing was erased")]
    PlaceDown,
    /// The keys are gone from every other place; this one still owes its scrub.
    #[error("place {0} has not confirmed the erasure yet; it is certified once it has")]
    PlacePending(PlaceId),
    /// Another purge is under way.
    #[error("a purge is already running; ask again when it is done")]
    Running,
    /// The keyring still reaches a segment that the run says was dropped: nothing was deleted.
    #[error("segment {0} is still reachable; its rows were left alone")]
    StillReachable(SegmentId),
    /// Neither live nor tombstoned nor below the watermark: a fault of the keyring, never an erasure.
    #[error("the keyring does not know segment {0}, which the data uses; restore the right places")]
    SegmentUnknown(SegmentId),
    /// Event rows of a cohort of which no segment is known.
    #[error("the keyring does not know cohort {0}, which the data uses; restore the right places")]
    CohortUnknown(CohortId),
    /// A generation has no leaf in the log.
    #[error("generation {0} of the keyring is not in the audit log")]
    GenerationUnlogged(u64),
    /// A row was changed on disk: its kind is named.
    #[error("a row of kind {0} was changed on disk")]
    Tampered(&'static str),
    /// A certificate could not be written as JSON: a fault of the program.
    #[error("the certificate could not be put together")]
    CertificateFormat,
    /// What an erasure of several requests failed of, told to each of them.
    #[error("the erasure failed")]
    Erasure(#[source] std::sync::Arc<RetentionError>),
    /// Reading storage.
    #[error(transparent)]
    Read(#[from] StoreError),
    /// The log.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// The keyring.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
}

impl RetentionError {
    /// Whether nothing was erased because a place does not answer.
    #[must_use]
    pub fn needs_place(&self) -> bool {
        match self {
            Self::Erasure(cause) => cause.needs_place(),
            Self::Keyring(KeyringError::ErasureNeedsPlace { .. }) => true,
            _ => false,
        }
    }
}
