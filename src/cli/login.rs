//! `oubliette login` and `logout`. The secret is typed or read, never an argument. A one-time secret is
//! changed at once.

use std::path::PathBuf;

use super::{
    connect::{Connection, block_on},
    failure::Failure,
    out,
    secrets::{agent_secret, prompt_twice},
};
use crate::{
    client::{Client, session::Session, types::LoggedIn},
    clock::Timestamp,
    secret::SecretBytes,
};

const AFTER: &str = "\
Example:
  oubliette login op-1
  oubliette login op-1 --address vault.example.org:7443 --ca ca.pem

With --ca the connection is TLS 1.3, and a certificate of any other authority is refused; without it
only this machine is spoken to. Address and CA are kept with the session: later commands need neither.
With a one-time secret you are asked for a new one at once (12 characters or more). The session's
token is kept in a file that only you may read: $XDG_RUNTIME_DIR/oubliette/session or, where that
variable is not set, ~/.config/oubliette/session. `oubliette logout` ends the session.";

/// Arguments of `login`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER, override_usage = "oubliette login [OPTIONS] <ID>")]
pub(super) struct LoginArgs {
    #[command(flatten)]
    who: Who,
    /// Read the secret from this file
    #[arg(long, value_name = "FILE", conflicts_with = "secret_fd")]
    secret_file: Option<PathBuf>,
    /// Read the secret from this open file descriptor
    #[arg(long, value_name = "N")]
    secret_fd: Option<u32>,
    /// Read the new secret from this file, when the present one is for one use
    #[arg(long, value_name = "FILE")]
    new_secret_file: Option<PathBuf>,
    #[command(flatten)]
    connection: Connection,
}

/// The login name, as an argument or, as before, as a flag.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Who {
    /// Your login name
    #[arg(value_name = "ID")]
    agent: Option<String>,
    /// The same as a flag
    #[arg(long = "agent", value_name = "ID", hide = true)]
    agent_flag: Option<String>,
}

impl Who {
    /// One of the two is there: the command line is refused otherwise.
    fn name(&self) -> &str {
        self.agent.as_deref().or(self.agent_flag.as_deref()).unwrap_or_default()
    }
}

/// Arguments of `logout`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  oubliette logout")]
pub(super) struct LogoutArgs {
    #[command(flatten)]
    connection: Connection,
}

/// Opens a session and keeps it.
pub(super) fn login(args: &LoginArgs) -> Result<(), Failure> {
    let path = args.connection.session_path()?;
    let address = args.connection.login_address().to_owned();
    let file = args.secret_file.as_deref();
    let session = block_on(async {
        // Connected first: nobody types a secret for a vault that does not answer.
        let client = args.connection.visitor().await?;
        let secret = agent_secret(file, args.secret_fd, "Secret: ")?;
        let session = client.login(args.who.name(), &secret).await?;
        if !session.must_change_secret {
            return Ok(session);
        }
        change(args, &client, &session, &secret).await
    })?;
    Session::new(address, args.who.name().to_owned(), session.expires_at_ms, &session.token)
        .with_ca(args.connection.login_ca())?
        .write(&path)?;
    let habilitation = &session.habilitation;
    let unit = habilitation.unit.as_deref().map_or_else(String::new, |u| format!(" of {u}"));
    out::line(&format!("logged in as {}, {}{unit}", args.who.name(), habilitation.role));
    out::line(&format!(
        "until {} at the latest; the session is in {}",
        Timestamp::from_millis(session.expires_at_ms),
        path.display()
    ));
    Ok(())
}

async fn change(
    args: &LoginArgs,
    client: &Client,
    session: &LoggedIn,
    old: &SecretBytes,
) -> Result<LoggedIn, Failure> {
    out::note("this secret was for one use; choose your own, of 12 characters or more");
    let new = match &args.new_secret_file {
        Some(path) => agent_secret(Some(path), None, "")?,
        None => prompt_twice("New secret: ")?,
    };
    client.with_token(&session.token)?.change_secret(old, &new).await?;
    out::note("the secret is changed");
    Ok(client.login(args.who.name(), &new).await?)
}

/// Ends the session here and in the vault.
pub(super) fn logout(args: &LogoutArgs) -> Result<(), Failure> {
    let path = args.connection.session_path()?;
    let ended = block_on(async { Ok(args.connection.client().await?.logout().await?) });
    // The file goes in any case: a token that nobody can use is worth nothing to its owner.
    let was_there = path.exists();
    Session::forget(&path)?;
    match ended {
        Err(failure) if was_there => {
            let deleted = format!("the local session file `{}` was deleted", path.display());
            Err(failure.and(&deleted).hint(
                "nothing more to do here: the vault ends an idle session by itself, and all at a restart",
            ))
        }
        other => other.map(|()| out::line("logged out")),
    }
}
