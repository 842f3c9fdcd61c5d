//! What can stop the demo before its verdict: faults, not expectations that did not hold.

use std::io;

use crate::{
    audit::AuditError,
    cli::failure::Failure,
    client::ClientError,
    ids::IdError,
    keyring::KeyringError,
    retention::RetentionError,
    server::ServeError,
    storage::StoreError,
    vault::{VaultError, startup::StartError},
};

/// Why the demo could not go on.
#[derive(Debug, thiserror::Error)]
pub(super) enum DemoError {
    #[error("demo.toml does not read: {0}")]
    Script(#[from] toml::de::Error),
    #[error("a sample file of the pack does not read")]
    Sample,
    #[error("demo.toml names the record `{0}`, which no filing files")]
    NoRecord(String),
    #[error("demo.toml names the agent `{0}`, which it does not list")]
    NoAgent(String),
    #[error("demo.toml has a step out of order: `{0}` must come before")]
    Order(&'static str),
    #[error("demo.toml leads beyond the calendar")]
    Calendar,
    #[error("a stopped vault still holds its folders")]
    StillOpen,
    #[error("a file operation failed")]
    Io(#[from] io::Error),
    #[error(transparent)]
    Name(#[from] IdError),
    #[error("a call failed")]
    Client(#[from] ClientError),
    #[error("the vault did not start")]
    Start(#[from] StartError),
    #[error("the vault's own work failed")]
    Vault(#[from] VaultError),
    #[error("serving failed")]
    Serve(#[from] ServeError),
    #[error("the keyring failed")]
    Keyring(#[from] KeyringError),
    #[error("the log failed")]
    Audit(#[from] AuditError),
    #[error("reading the old copy failed")]
    Retention(#[from] RetentionError),
    #[error("the store failed")]
    Store(#[from] StoreError),
    #[error("interrupted; the demo's folders are deleted")]
    Interrupted,
    #[error("a part of the demo was cut short")]
    Join(#[from] tokio::task::JoinError),
}

impl DemoError {
    /// As the command line tells it.
    pub(super) fn failure(self) -> Failure {
        let hint = match self {
            // Every reason, and no file at line 0.
            Self::Start(error @ StartError::Pack(_)) => return error.into(),
            Self::Script(_) | Self::NoRecord(_) | Self::NoAgent(_) => {
                "correct demo.toml in the pack; the shipped one shows how it is written"
            }
            Self::Sample | Self::Order(_) | Self::Calendar => {
                "correct demo.toml or the sample files it names"
            }
            Self::Interrupted => "start it again; it keeps nothing between two runs",
            Self::Io(_) => "check the space and the permissions of the temporary folder (TMPDIR)",
            _ => "run it once more; if it stays, report it with the output above",
        };
        Failure::of(&self).hint(hint)
    }
}
