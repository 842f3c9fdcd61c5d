//! `oubliette demo`: the main job in one command. Not wired yet.

use std::process::ExitCode;

/// Arguments of `demo`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Keep the demo's vault running and print its address and sessions
    #[arg(long)]
    serve: bool,
}

/// Runs the demo.
pub(super) fn run(_args: Args) -> ExitCode {
    eprintln!("error: the demo is not wired yet");
    ExitCode::FAILURE
}
