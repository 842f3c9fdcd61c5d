//! Why the log did not do what it was asked. No message carries an id, a key or a payload.

use crate::{keyring::KeyringError, storage::StoreError};

use super::{note::NoteError, tree::TreeError};

/// Errors of the running log.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    /// The log cannot be written: latched until the process is started again.
    #[error(
        "the audit log cannot be written; every data call is refused until the vault is restarted"
    )]
    Unwritable,
    /// The call's own rows lost a precondition: nothing was written and no number was taken.
    #[error("the record changed meanwhile")]
    Rejected,
    /// A slot of the call, or of its event, was erased while the call waited: nothing was written and
    /// no number was taken. The caller may seal again, under fresh slots.
    #[error("a key expired while the call waited; try again")]
    SlotGone,
    /// The log takes no more calls.
    #[error("the vault is stopping")]
    Stopping,
    /// The store could not be read; the log itself may be sound.
    #[error("reading the audit log failed")]
    Read(#[source] StoreError),
    /// Start-up opens the `_audit` segments of this month and the next.
    #[error("no segment is open for this month's events")]
    NoSegment,
    /// What is stored contradicts the tree, or an event cannot be written as asked.
    #[error("the audit log does not verify: {0}")]
    Corrupt(&'static str),
    /// The keyring refused.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
}

/// Why the log could not be opened: start-up must refuse and change nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The store or the tree cannot be read.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// A file `checkpoint` at a place does not verify.
    #[error("the checkpoint at a place is not one of this log")]
    Checkpoint(#[source] NoteError),
    /// No place holds a checkpoint, and the vault is not new.
    #[error(
        "no place holds a checkpoint of the audit log; without one a cut log cannot be told from a whole one"
    )]
    NoCheckpoint,
    /// The database or a checkpoint is of a later generation or origin than the keyring.
    #[error("the places were rolled back: the {0} is newer than the keyring")]
    PlacesRolledBack(&'static str),
}

impl From<StoreError> for AuditError {
    fn from(error: StoreError) -> Self {
        Self::Read(error)
    }
}

impl From<TreeError> for AuditError {
    fn from(error: TreeError) -> Self {
        match error {
            TreeError::Store(error) => Self::Read(error),
            TreeError::Damaged(what) => Self::Corrupt(what),
        }
    }
}

impl From<StoreError> for OpenError {
    fn from(error: StoreError) -> Self {
        Self::Audit(error.into())
    }
}

impl From<TreeError> for OpenError {
    fn from(error: TreeError) -> Self {
        Self::Audit(error.into())
    }
}
