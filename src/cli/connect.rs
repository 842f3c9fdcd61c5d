//! Where the vault is and under which session a command works.

use std::{future::Future, path::PathBuf};

use super::failure::Failure;
use crate::client::{Client, DEFAULT_ADDRESS, session::Session};

/// Flags of every command that talks to a running vault.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct Connection {
    /// Address of the vault; by default the session's
    #[arg(long, value_name = "HOST:PORT")]
    address: Option<String>,
    /// Session file; by default $XDG_RUNTIME_DIR/oubliette/session or, where that variable is not set,
    /// ~/.config/oubliette/session
    #[arg(long, value_name = "FILE")]
    session: Option<PathBuf>,
}

impl Connection {
    /// Where the session is kept.
    pub(super) fn session_path(&self) -> Result<PathBuf, Failure> {
        match &self.session {
            Some(path) => Ok(path.clone()),
            None => Ok(Session::default_path()?),
        }
    }

    /// The address to log in at.
    pub(super) fn login_address(&self) -> &str {
        self.address.as_deref().unwrap_or(DEFAULT_ADDRESS)
    }

    /// A client under the session of the file.
    pub(super) async fn client(&self) -> Result<Client, Failure> {
        let session = Session::read(&self.session_path()?)?;
        if self.address.as_ref().is_some_and(|address| *address != session.address) {
            // A token is shown to the vault that gave it, and to nobody else.
            let message = format!("the session was opened at {}", session.address);
            return Err(Failure::usage(message).hint(
                "leave --address out, or log in there: `oubliette login NAME --address ...`",
            ));
        }
        Ok(Client::connect(&session.address).await?.with_token(&session.token())?)
    }
}

/// Runs a command's calls to their end.
pub(super) fn block_on<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::of(&e))?
        .block_on(future)
}
