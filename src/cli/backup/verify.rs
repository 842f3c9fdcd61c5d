//! `oubliette backup verify`: offline. It reads the backup and nothing else: no vault, no key place, no
//! lock, for nothing that it looks at changes, and a vault may run meanwhile.
//!
//! Every file's length and hash, the order and number of the rows, and that the log in them is whole up to
//! the size and root that the manifest says; with a key, that the vault signed exactly that end. What it
//! cannot know: whether the backup is the newest, and what is in the sealed rows.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::{
    manifest::{self, Manifest},
    read::{self, Fault},
};
use crate::{
    audit::{
        CopiedLog, LogInCopy,
        clear::origin_name,
        note::{Checkpoint, VerifierKey},
    },
    cli::{
        failure::Failure,
        offline::ClosedOrigin,
        out,
        progress::{Progress, bar},
    },
    clock::SystemClock,
    storage::Row,
};

const AFTER: &str = "\
Example:
  oubliette backup verify /media/usb/backup-2020-11-23 --key 'vault/node-1+0a1b2c3d+AX...'

Reads the whole backup, needs no vault, and names each file with what is wrong with it. The key is the
log's verifier key that `init` printed: take it from the DPO, never from the backup. With it the end of
the log in the backup is known to be one that the vault signed.

Hashes find accidents. Against somebody who can write the backup, compare the manifest's SHA-256 with the
one that `oubliette backup` printed, kept elsewhere.

Exit status: 0 the backup holds; 1 it does not.";

/// Arguments of `backup verify`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub(super) struct Args {
    /// Folder of the backup
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// The log's verifier key
    #[arg(long, value_name = "VKEY")]
    key: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A backup that holds.
pub(in crate::cli) struct Verified {
    pub(in crate::cli) manifest: Manifest,
    /// SHA-256 of the manifest's file.
    pub(in crate::cli) manifest_sha256: String,
    pub(in crate::cli) log: CopiedLog,
}

/// Verifies and tells.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    match verify(&args.folder, args.key.as_deref())? {
        Ok(verified) => tell(args, &verified),
        Err(faults) => {
            out::either(args.json, &json!({"well": false, "faults": faults}), || {
                faults.iter().for_each(|f| out::line(&format!("WRONG: {}: {}", f.file, f.what)));
            })?;
            Err(broken())
        }
    }
}

/// What to do about a backup that does not hold.
pub(in crate::cli) fn broken() -> Failure {
    Failure::new("the backup does not hold")
        .hint("use another copy of it, or an older backup; keep this one, it may be evidence")
}

/// Verifies a backup; or everything that is wrong with it. A progress line on the way.
pub(in crate::cli) fn verify(
    folder: &Path,
    key: Option<&str>,
) -> Result<Result<Verified, Vec<Fault>>, Failure> {
    let key = key.map(VerifierKey::parse).transpose();
    let key = key.map_err(|e| Failure::usage(format!("--key: {e}")))?;
    let (manifest, manifest_sha256) = match read::manifest(folder)? {
        Ok(read) => read,
        Err(fault) => return Ok(Err(vec![fault])),
    };
    let mut faults = read::strangers(folder, &manifest)?;
    let clock = SystemClock;
    let terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let mut progress = Progress::on_stderr(&clock, terminal);
    let (mut log, mut wrong, mut seen) = (LogInCopy::new(), None, 0_u64);
    let read = read::rows(folder, &manifest, |file, (key, value): Row| {
        seen = seen.saturating_add(1);
        progress.show(|| format!("{}{seen} rows verified", bar(seen, Some(manifest.rows))));
        if wrong.is_none() {
            wrong = log.row(&key, &value).err().map(|fault| Fault::of(file, fault.to_string()));
        }
        Ok(())
    });
    progress.clear();
    let read = read?;
    if !read.faults.is_empty() {
        faults.extend(read.faults);
        return Ok(Err(faults));
    }
    let fault = |what: String| Fault::of(manifest::NAME, what);
    if (read.rows, hex::encode(read.sha256)) != (manifest.rows, manifest.rows_sha256.clone()) {
        faults.push(fault("the rows are not those that it says".to_owned()));
    }
    let log = match wrong {
        Some(wrong) => Err(wrong),
        None => log.end().map_err(|e| fault(format!("the log: {e}"))),
    };
    let log = log.and_then(|log| compare(&manifest, key.as_ref(), log).map_err(fault));
    match (log, faults.is_empty()) {
        (Ok(log), true) => Ok(Ok(Verified { manifest, manifest_sha256, log })),
        (Ok(_), false) => Ok(Err(faults)),
        (Err(fault), _) => {
            faults.push(fault);
            Ok(Err(faults))
        }
    }
}

/// The log in the rows against what the manifest and its checkpoint say.
fn compare(
    manifest: &Manifest,
    key: Option<&VerifierKey>,
    log: CopiedLog,
) -> Result<CopiedLog, String> {
    let said = &manifest.log;
    if (log.k, log.size, hex::encode(log.root)) != (said.origin, said.size, said.root.clone()) {
        return Err("the log in the rows does not end where it says".to_owned());
    }
    if log.generation != manifest.generation {
        return Err("the rows are of another generation than it says".to_owned());
    }
    if said.size_at_end <= said.size {
        return Err(
            "the log did not grow while the backup was taken: its own event is missing".into()
        );
    }
    let origin = origin_name(&format!("{}/{}", manifest.vault_name, manifest.node), log.k);
    let checkpoint = match key {
        Some(key) => {
            let key = key.renamed(&origin).map_err(|e| format!("the checkpoint: {e}"))?;
            Checkpoint::verify(&said.checkpoint, &key)
        }
        None => Checkpoint::peek(&said.checkpoint),
    };
    let checkpoint = checkpoint.map_err(|e| format!("the checkpoint: {e}"))?;
    let expected = Checkpoint { origin, size: log.size, root: log.root };
    if checkpoint == expected {
        Ok(log)
    } else {
        Err("the checkpoint is not of the log in the rows".to_owned())
    }
}

fn tell(args: &Args, verified: &Verified) -> Result<(), Failure> {
    let Verified { manifest, manifest_sha256, log } = verified;
    let closed = log.closed.iter();
    let closed: Vec<ClosedOrigin> = closed
        .map(|o| ClosedOrigin { number: o.closed, kept: o.kept, lost_to: o.lost_to })
        .collect();
    let machine = json!({
        "well": true, "vault": manifest.vault_id, "name": manifest.vault_name,
        "node": manifest.node, "engine": manifest.engine, "started": manifest.started,
        "ended": manifest.ended, "generation": manifest.generation, "rows": manifest.rows,
        "bytes": manifest.bytes, "files": manifest.files.len(),
        "log": {"origin": log.k, "size": log.size, "closed": closed},
        "signature": if args.key.is_some() { "verified" } else { "not checked" },
        "manifest_sha256": manifest_sha256,
    });
    out::either(args.json, &machine, || {
        let Manifest { vault_id, vault_name, node, rows, bytes, .. } = manifest;
        out::line(&format!("the backup of {vault_name}/{node} holds (vault {vault_id})"));
        out::line(&format!(
            "  {rows} rows, {bytes} bytes in {} files, as of {}, generation {}",
            manifest.files.len(),
            manifest.started,
            manifest.generation
        ));
        out::line(&format!("  the log in it is whole: origin {}, {} events", log.k, log.size));
        closed.iter().for_each(|origin| out::line(&format!("  {}", origin.sentence())));
        out::line(&format!("  manifest SHA-256 {manifest_sha256}"));
        match args.key {
            Some(_) => out::line("  the vault signed this end of the log"),
            None => {
                out::note("give --key VKEY to see whether the vault signed this end of the log")
            }
        }
    })
}
