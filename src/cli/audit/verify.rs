//! `oubliette audit verify`: offline, with a verifier key given by the reader.

use std::{fs, path::PathBuf};

use serde_json::json;

use crate::cli::{
    failure::Failure,
    offline::{self, ClosedOrigin, VerifiedLog},
    out,
};

const AFTER: &str = "\
Example:
  oubliette audit verify /media/usb/log-2020-11-23 \\
      --key 'vault/node-1+0a1b2c3d+AX...' --checkpoint /media/usb/log-2020-11-01/checkpoint

The key is the log's verifier key that `init` printed: take it from the DPO, never from the folder.
With an older checkpoint, held elsewhere, a log that was cut or rewritten since is found out.

Exit status: 0 the log holds and nothing was ever lost; 4 it holds, and itself says that an earlier
origin was cut or exchanged (each is listed); 1 it does not hold.";

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
    tell(args, &log)?;
    verdict(&log.closed)
}

fn tell(args: &Args, log: &VerifiedLog) -> Result<(), Failure> {
    let VerifiedLog { origin, size, generations: (leaves, told), closed } = log;
    let machine = json!({
        "origin": origin, "size": size, "closed": closed,
        "generations": {"leaves": leaves, "details": told},
    });
    out::either(args.json, &machine, || {
        out::line(&format!("the log of {origin} holds: {size} events"));
        if told == leaves {
            out::line(&format!(
                "its {leaves} generations of the keyring rise, and each that follows directly names the one before"
            ));
        } else {
            let missing = leaves.saturating_sub(*told);
            out::note(&format!(
                "not checked: the folder has no detail of {missing} of {leaves} generations; export the log anew"
            ));
        }
        closed.iter().for_each(|origin| out::line(&origin.sentence()));
        match &args.checkpoint {
            Some(_) => out::line("it continues the older checkpoint"),
            None => out::note("give --checkpoint FILE to see whether it was cut since"),
        }
    })
}

/// A log that lost events holds, but is not the whole log: no script may take the one for the other.
fn verdict(closed: &[ClosedOrigin]) -> Result<(), Failure> {
    if closed.is_empty() { Ok(()) } else { Err(Failure::log_was_cut()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_log_passes_and_one_with_a_closed_origin_exits_with_4() {
        assert!(verdict(&[]).is_ok());
        let closed = ClosedOrigin { number: 0, kept: 2, lost_to: 5 };
        let failure = verdict(&[closed]).unwrap_err();
        assert_eq!(failure.code(), 4);
        assert!(failure.text().contains("cut"));
    }
}
