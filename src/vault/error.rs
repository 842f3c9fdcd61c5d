//! Why the vault refused a call. Never carries a field value, a name or a search term; the one
//! translation to gRPC is `server/status.rs`.

use crate::{
    audit::AuditError,
    crypto::section::SectionError,
    identity::IdentityError,
    keyring::KeyringError,
    policy::{PolicyRef, Violation},
    retention::RetentionError,
    storage::StoreError,
};

/// Why a call was refused, or failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VaultError {
    /// The caller may know of the record (or the action is on the vault itself) but not do this.
    #[error("the policy does not allow this")]
    Denied {
        /// Deciding policies; empty when no policy allowed it.
        policies: Vec<PolicyRef>,
    },
    /// Absent, forbidden to know, expired and erased alike.
    #[error("not available")]
    NotAvailable,
    /// Somebody changed the record since the caller read it.
    #[error("the record has another version; read it again")]
    VersionMismatch,
    /// Some values were refused; paths and reasons, never the values.
    #[error("some fields were refused")]
    Invalid(Vec<Violation>),
    /// The pack has no such collection.
    #[error("unknown collection; `describe` lists them")]
    UnknownCollection,
    /// The pack has no such purpose.
    #[error("unknown purpose; use one of the pack's closed list")]
    UnknownPurpose,
    /// A bound of `limits.rs`.
    #[error("at most {limit} {what}")]
    TooMany {
        /// What there was too much of.
        what: &'static str,
        /// The bound.
        limit: usize,
    },
    /// A receipt was offered for another request's disclosure: a bug, and nothing was released.
    #[error("the receipt belongs to another request")]
    WrongReceipt,
    /// What is on disk does not verify; the word says which kind of row.
    #[error("the stored {0} does not verify; it was changed or moved on disk")]
    Corrupt(&'static str),
    /// A worker thread ended before its answer.
    #[error("the call was interrupted")]
    Interrupted,
    /// Who is calling, or the directory.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The audit log.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// Keys.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// Retention rules and purges.
    #[error(transparent)]
    Retention(#[from] RetentionError),
    /// Sealing.
    #[error(transparent)]
    Section(SectionError),
    /// Reading rows.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<SectionError> for VaultError {
    fn from(error: SectionError) -> Self {
        match error {
            SectionError::Tampered | SectionError::Format => Self::Corrupt("section"),
            other => Self::Section(other),
        }
    }
}
