//! `oubliette key`: the vault's keys, never shown, and the rotation of the root key. The new secret does
//! not pass through here: the vault reads it where it was started from.

use serde::Serialize;

use super::{
    connect::{Connection, block_on},
    failure::Failure,
    out,
};
use crate::client::types::{Key, KeyKind, Status};

const ROTATE: &str = "\
Example:
  oubliette key rotate

Put the new passphrase (16 characters or more) or key file where `serve` reads it: the same file, with
the new content. Then run this. Keep the old secret until the answer is there: if the machine stops on
the way, one of the two opens the vault, and after the answer only the new one does. Every key place must
answer. A passphrase typed at the terminal or given by a descriptor cannot be rotated; a systemd
credential is a copy made when the service started, so name its file with --passphrase-file instead.

Rotate when somebody who knew the secret leaves. It does not help against who holds the old secret
together with an old copy of a whole key place.";

/// Subcommands of `key`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List the vault's keys: what for, since when, what to do next
    #[command(after_help = "Example:\n  oubliette key list --json")]
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        connection: Connection,
    },
    /// Put the root secret that `serve` reads now in force
    #[command(after_help = ROTATE)]
    Rotate {
        #[command(flatten)]
        connection: Connection,
    },
}

/// One line of the list.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    key: &'a Key,
    /// Of the keyring, for the key that each generation has of its own.
    generation: Option<u64>,
    next: &'static str,
}

/// Runs one subcommand.
pub(super) fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::List { json, connection } => {
            let status = block_on(async { Ok(connection.client().await?.status().await?) })?;
            let lines = lines(&status);
            out::either(*json, &lines, || print(&lines))
        }
        Command::Rotate { connection } => {
            let generation =
                block_on(async { Ok(connection.client().await?.rotate_root_key().await?) })?;
            out::line(&format!(
                "the new root secret is in force (generation {generation}); the old one opens nothing \
                 any more"
            ));
            Ok(())
        }
    }
}

fn lines(status: &Status) -> Vec<Line<'_>> {
    fn line(key: &Key, generation: u64) -> Line<'_> {
        let own = key.kind == KeyKind::Generation;
        Line { key, generation: own.then_some(generation), next: next(key.kind) }
    }
    status.keys.iter().map(|key| line(key, status.generation)).collect()
}

/// What is to be done about a key, and when.
fn next(kind: KeyKind) -> &'static str {
    match kind {
        KeyKind::Root => "`oubliette key rotate` when somebody who knew the secret leaves",
        KeyKind::Generation => "nothing: every generation draws its own",
        KeyKind::Log => "nothing: it is the log's identity; keep its verifier key outside",
        KeyKind::Certificate => {
            "nothing: it is the certificates' identity; keep its verifier key outside"
        }
        KeyKind::Directory => "nothing: it never leaves the keyring",
    }
}

fn name(kind: KeyKind) -> &'static str {
    match kind {
        KeyKind::Root => "root",
        KeyKind::Generation => "generation",
        KeyKind::Log => "log",
        KeyKind::Certificate => "certificate",
        KeyKind::Directory => "directory",
    }
}

fn print(lines: &[Line<'_>]) {
    let row = |line: &Line<'_>| {
        let Key { kind, since, age_days } = line.key;
        [
            name(*kind).to_owned(),
            since.clone().unwrap_or_else(|| "not known".to_owned()),
            age_days.map_or_else(|| "-".to_owned(), |days| format!("{days} d")),
            line.generation.map_or_else(|| "-".to_owned(), |g| g.to_string()),
            line.next.to_owned(),
        ]
    };
    let rows: Vec<_> = lines.iter().map(row).collect();
    out::table(["KEY", "SINCE", "AGE", "GENERATION", "NEXT"], &rows);
}
