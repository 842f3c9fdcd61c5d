//! What can stop the demo before its verdict: faults, not expectations that did not hold.

use std::{error::Error as _, io};

use crate::{
    audit::AuditError,
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
    #[error("a part of the demo was cut short")]
    Join(#[from] tokio::task::JoinError),
}

impl DemoError {
    /// The whole chain, one cause after the other.
    pub(super) fn with_causes(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        text
    }
}
