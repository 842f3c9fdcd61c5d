//! `oubliette demo`: the main job in one command, without set-up.
//!
//! A vault in temporary folders, the shipped pack, a manual clock; every call goes through the vault's
//! own gRPC endpoint, as any other caller's would. What is shown, by whom and with which outcome is
//! data of the pack (`demo.toml`); this interpreter names no collection, role, class or field. The live
//! places are never opened by two vaults. The exit status says whether every step behaved.

mod certificate;
mod copies;
mod error;
mod filing;
mod folders;
mod holds;
mod interrupt;
mod keep;
mod people;
mod raw;
mod records;
mod script;
mod served;
pub(super) mod shipped;
mod steps;
mod tell;
#[cfg(test)]
mod tests;
mod time;
mod world;

use std::{
    io,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use self::{error::DemoError, interrupt::Interrupt, tell::Tell, world::World};
use super::folders as given;

/// How long work that was cut short may take to end before its folders are deleted.
const END_WITHIN: Duration = Duration::from_secs(10);

const AFTER: &str = "\
Example:
  oubliette demo
  oubliette demo --serve

Nothing is left behind: all folders are temporary. With --serve a vault with the same data stays up until
it is interrupted.";

/// Arguments of `demo`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub(super) struct Args {
    /// Keep a vault with the same data running, and print its address, sessions and a line to paste
    #[arg(long)]
    serve: bool,
    /// A policy pack with a demo.toml, instead of the shipped one
    #[arg(long, value_name = "DIR")]
    policy: Option<PathBuf>,
}

/// Runs the demo. The code is 0 only if every step behaved.
pub(super) fn run(args: Args) -> ExitCode {
    if let Some(Err(failure)) = args.policy.as_deref().map(given::demo_pack) {
        return failure.report();
    }
    let mut tell = Tell::to(Box::new(io::stdout()));
    match play(args, &mut tell) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => error.failure().report(),
    }
}

/// Plays the story; true when every step behaved. Whatever happens, its folders are gone at the end.
fn play(args: Args, tell: &mut Tell) -> Result<bool, DemoError> {
    // All folders are in this one, which is dropped after the runtime: nothing works in it any more.
    let folder = tempfile::tempdir()?;
    let runtime = tokio::runtime::Runtime::new().map_err(DemoError::Io)?;
    let outcome = runtime.block_on(all(&args, folder.path(), tell));
    runtime.shutdown_timeout(END_WITHIN);
    folder.close()?;
    outcome
}

async fn all(args: &Args, folder: &Path, tell: &mut Tell) -> Result<bool, DemoError> {
    let mut interrupt = Interrupt::listen()?;
    let policy = args.policy.as_deref();
    let behaved = tokio::select! {
        behaved = story(policy, folder, tell) => behaved?,
        () = interrupt.arrived() => return Err(DemoError::Interrupted),
    };
    if args.serve && behaved {
        keep::serve(policy, folder, tell, &mut interrupt).await?;
    }
    Ok(behaved)
}

async fn story(policy: Option<&Path>, folder: &Path, tell: &mut Tell) -> Result<bool, DemoError> {
    let mut world = World::manual(policy, folder, tell)?;
    steps::play(&mut world).await?;
    Ok(world.tell.verdict())
}
