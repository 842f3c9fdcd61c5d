//! `oubliette audit verify`: offline, with a verifier key given by the reader.

use std::{fs, path::PathBuf};

use serde_json::json;

use crate::cli::{failure::Failure, offline, out};

const AFTER: &str = "\
Example:
  oubliette audit verify /media/usb/log-2020-11-23 \\
      --key 'vault/node-1+0a1b2c3d+AX...' --checkpoint /media/usb/log-2020-11-01/checkpoint

The key is the log's verifier key that `init` printed: take it from the DPO, never from the folder.
With an older checkpoint, held elsewhere, a log that was cut or rewritten since is found out.";

/// Arguments of `audit verify`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub(in crate::cli) struct Args {
    /// Exported folder
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// The log's verifier key
    #[arg(long, value_name = "VKEY")]
    key: String,
    /// An older checkpoint of this log, held elsewhere
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Verifies the folder.
pub(in crate::cli) fn run(args: &Args) -> Result<(), Failure> {
    let older = match &args.checkpoint {
        Some(path) => {
            Some(fs::read_to_string(path).map_err(|e| Failure::file("reading", path, &e))?)
        }
        None => None,
    };
    let log = offline::log(&args.folder, &args.key, older.as_deref())?;
    out::either(args.json, &json!({"origin": log.origin, "size": log.size}), || {
        out::line(&format!("the log of {} holds: {} events", log.origin, log.size));
        match &args.checkpoint {
            Some(_) => out::line("it continues the older checkpoint"),
            None => out::note("give --checkpoint FILE to see whether it was cut since"),
        }
    })
}
