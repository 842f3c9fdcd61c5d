//! Why a vault would not start, each with what to do next.

use crate::{
    audit::{AuditError, OpenError},
    identity::IdentityError,
    ids::{SegmentId, VaultId},
    keyring::KeyringError,
    policy::PackError,
    retention::RetentionError,
    storage::StoreError,
};

use super::super::VaultError;

/// Why a vault could not be founded or started. Nothing was changed, unless the message says so.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The policy pack is refused.
    #[error("the policy pack is refused:\n{}", list(.0))]
    Pack(Vec<PackError>),
    /// The pack's retention part differs from the pinned one.
    #[error(
        "RETENTION_CHANGED: the pack's retention rules differ from those this vault was started \
         with; nothing was changed. Restore the old rules, or apply the new ones explicitly:\n{}",
        .0.join("\n")
    )]
    RetentionChanged(Vec<String>),
    /// The database knows a newer generation than the places.
    #[error(
        "the places were rolled back: the database knows generation {database}, the places hold \
         {places}; put the newest places back, or promote the one that is newest"
    )]
    PlacesRolledBack {
        /// Newest generation leaf in the database.
        database: u64,
        /// The anchor's generation.
        places: u64,
    },
    /// Same generation, other keyring.
    #[error("this data folder and these places belong to different vaults or histories")]
    OtherVault,
    /// A row that should verify does not.
    #[error(
        "the stored {0} does not verify: these key places belong to another vault, or the data \
         folder was changed by somebody else"
    )]
    Tampered(&'static str),
    /// A segment in use that the keyring has no word of.
    #[error(
        "segment {0} is used by the database but neither live nor erased in the keyring; this is \
         corruption, never an erasure: restore the places that belong to this data folder"
    )]
    SegmentUnaccounted(SegmentId),
    /// The data folder is empty or something else.
    #[error(
        "there is no vault in this data folder; nothing was changed. Check the folder's name, or \
         found a vault with `init`"
    )]
    NoVault,
    /// A backup of another vault.
    #[error(
        "the backup is of the vault {backup}, and these key places are of the vault {places}; nothing \
         was written"
    )]
    BackupOfOther {
        /// Of which the backup is.
        backup: VaultId,
        /// Whose places they are.
        places: VaultId,
    },
    /// `init` over something that is there.
    #[error("the data folder is not empty; `init` never writes over a vault")]
    NotEmpty,
    /// The first two agents must be two persons.
    #[error("the key admin and the DPO must be different persons")]
    SamePerson,
    /// `<vault>/<node>/<number>` is the name of a later origin of a log, so no node is a number.
    #[error("the node's name must not be a number")]
    NodeIsNumber,
    /// A use case that start-up runs.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// Storage.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Places and keys.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// Writing to the log.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// The log does not hold together.
    #[error(transparent)]
    Log(#[from] OpenError),
    /// The directory.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// Recovery of a purge.
    #[error(transparent)]
    Retention(#[from] RetentionError),
    /// The file system.
    #[error("{what} failed")]
    Io {
        /// What was tried.
        what: &'static str,
        /// The system's answer.
        #[source]
        source: std::io::Error,
    },
}

fn list(errors: &[PackError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
