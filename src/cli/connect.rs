//! Where the vault is and under which session a command works.

use std::{
    future::Future,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::failure::Failure;
use crate::{
    client::{Client, ClientError, DEFAULT_ADDRESS, Trust, session::Session},
    clock::SystemClock,
};

/// Flags of every command that talks to a running vault.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct Connection {
    /// Address of the vault, also as https://HOST:PORT; by default the session's
    #[arg(long, value_name = "HOST:PORT")]
    address: Option<String>,
    /// Speak TLS and accept a certificate of this CA alone (PEM); by default the session's
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
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

    /// The CA to log in with.
    pub(super) fn login_ca(&self) -> Option<&Path> {
        self.ca.as_deref()
    }

    /// A client without a session, for a login.
    pub(super) async fn visitor(&self) -> Result<Client, Failure> {
        Ok(connect(self.login_address(), self.login_ca()).await?)
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
        let ca = self.ca.as_deref().or(session.ca.as_deref());
        Ok(connect(&session.address, ca).await?.with_token(&session.token())?)
    }
}

async fn connect(address: &str, ca: Option<&Path>) -> Result<Client, ClientError> {
    let trust = ca.map(|ca| Trust::read(ca, Arc::new(SystemClock))).transpose()?;
    Client::connect_by(address, trust.as_ref()).await
}

/// Runs a command's calls to their end.
pub(super) fn block_on<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::of(&e))?
        .block_on(future)
}
