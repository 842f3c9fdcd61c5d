//! `oubliette policy reload`: asks a running vault to read its configured folder again; and the reader of
//! that folder, which `serve` hands to the vault. No pack and no path travels.

use std::{path::PathBuf, sync::Arc};

use crate::{
    cli::{
        connect::{Connection, block_on},
        failure::Failure,
        out,
    },
    policy::{Pack, PackError},
    vault::PackReader,
};

const AFTER: &str = "\
Example:
  oubliette policy reload

Change the pack in the folder that `serve` reads, test it there with `oubliette policy test DIR`, see what
the change does with `oubliette policy diff OLD NEW`, then run this. The pack is taken whole or not at
all: one that does not pass is refused with file and line of each error, and the running one stays in
force. Calls in progress finish under the pack they began with. The old and the new hash are in the audit
log before the answer. A pack that keeps data for another time is refused with what differs.";

/// Arguments of `policy reload`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub(in crate::cli) struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

/// Runs the subcommand.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let done = block_on(async { Ok(args.connection.client().await?.reload_policies().await?) })?;
    out::either(args.json, &done, || match done.generation {
        None => out::line(&format!(
            "unchanged: the pack {} was in force already (hash {})",
            done.pack, done.pack_hash
        )),
        Some(generation) => {
            out::line(&format!("the pack {} is in force (generation {generation})", done.pack));
            out::line(&format!("hash:   {}", done.pack_hash));
            out::line(&format!("before: {}", done.previous_hash));
        }
    })
}

/// The folder of a server's pack.
pub(in crate::cli) struct PackFolder(pub(in crate::cli) PathBuf);

impl PackReader for PackFolder {
    fn read(&self) -> Result<Arc<Pack>, Vec<PackError>> {
        let read = Pack::load(&self.0);
        if let Err(errors) = &read {
            // The answer's header may not hold all of them.
            out::note("policy reload: the running pack stays in force");
            let _ = Failure::pack(errors).report();
        }
        read
    }
}
