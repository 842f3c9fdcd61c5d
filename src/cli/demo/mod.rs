//! `oubliette demo`: the main job in one command, without set-up.
//!
//! A vault in temporary folders, the shipped pack, a manual clock; every call goes through the vault's
//! own gRPC endpoint, as any other caller's would. What is shown, by whom and with which outcome is
//! data of the pack (`demo.toml`); this interpreter names no collection, role, class or field. The live
//! places are never opened by two vaults. The exit status says whether every step behaved.

mod copies;
mod error;
mod folders;
mod keep;
mod people;
mod raw;
mod records;
mod script;
mod served;
mod shipped;
mod steps;
mod tell;
#[cfg(test)]
mod tests;
mod time;
mod world;

use std::{io, path::PathBuf, process::ExitCode};

use self::{error::DemoError, tell::Tell, world::World};

/// Arguments of `demo`.
#[derive(Debug, clap::Args)]
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
    let mut tell = Tell::to(Box::new(io::stdout()));
    match play(args, &mut tell) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            tell.line(&format!("\nerror: {}", error.with_causes()));
            ExitCode::FAILURE
        }
    }
}

/// Plays the story; true when every step behaved.
fn play(args: Args, tell: &mut Tell) -> Result<bool, DemoError> {
    let runtime = tokio::runtime::Runtime::new().map_err(DemoError::Io)?;
    runtime.block_on(async {
        let mut world = World::manual(args.policy.as_deref(), tell)?;
        steps::play(&mut world).await?;
        let behaved = world.tell.verdict();
        drop(world);
        if args.serve && behaved {
            keep::serve(args.policy.as_deref(), tell).await?;
        }
        Ok(behaved)
    })
}
