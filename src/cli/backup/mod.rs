//! `oubliette backup`: the data folder's rows of one moment, from the running vault into a folder; and
//! `backup verify`, which reads such a folder offline. Putting one back is `oubliette restore`.

mod folder;
mod manifest;
mod read;
mod take;
mod verify;

use std::path::{Path, PathBuf};

use super::{connect::Connection, failure::Failure};
use crate::storage::Row;

pub(super) use manifest::Manifest;
pub(super) use verify::{Verified, broken, verify};

const AFTER: &str = "\
Examples:
  oubliette backup /media/usb/backup-2020-11-23
  oubliette backup verify /media/usb/backup-2020-11-23 --key \"$LOG_KEY\"

Taken from the running vault: everything as it was when the command began, however long it takes and
whatever is filed meanwhile. It holds ciphertext, keyed tokens, random ids, and the agents' directory in
clear (names of staff and what they may do); no key, and nothing of a record in clear. So it may live for
ever: what is erased or purged after it was taken is forgotten in it too, without anybody touching it.

It is no copy of the key places, and there is none: losing all of them is losing everything, whatever was
backed up. A record that is re-sealed after the backup (keys moved by `compact` or by a rectification that
forgets) is unreadable in it as well.

A folder without manifest.json was cut and is no backup. The role needs `backup:take`; both the beginning
and the end are in the audit log.";

/// Arguments of `backup`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// Folder to write; empty or not there yet
    #[arg(value_name = "DIR", required = true)]
    folder: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

/// Subcommands of `backup`.
#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Verify a backup, offline
    Verify(verify::Args),
}

/// Takes a backup, or verifies one.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    match (&args.command, &args.folder) {
        (Some(Command::Verify(args)), _) => verify::run(args),
        (None, Some(folder)) => take::run(folder, &args.connection, args.json),
        (None, None) => Err(Failure::usage("no folder was named")),
    }
}

/// The rows of a backup that was verified, once more: `take` gets each.
pub(super) fn rows(
    folder: &Path,
    manifest: &Manifest,
    mut take: impl FnMut(Row) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let read = read::rows(folder, manifest, |_, row| take(row))?;
    if read.faults.is_empty() { Ok(()) } else { Err(broken()) }
}
