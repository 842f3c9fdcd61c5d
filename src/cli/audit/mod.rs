//! `oubliette audit`: who saw what, why, under which rule; and the proof that the log is whole.

mod export;
mod list;
mod verify;

use super::failure::Failure;

/// Subcommands of `audit`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List events; the listing itself is an event
    List(Box<list::Args>),
    /// Write the public part of the log to a folder: no detail of any event
    Export(export::Args),
    /// Verify such a folder, offline
    Verify(verify::Args),
}

/// Runs one subcommand.
pub(super) fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::List(args) => list::run(args),
        Command::Export(args) => export::run(args),
        Command::Verify(args) => verify::run(args),
    }
}
