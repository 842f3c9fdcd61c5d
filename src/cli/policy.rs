//! `oubliette policy check`: loads a pack, validates it and runs its scenarios, offline.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::{failure::Failure, folders, out};
use crate::policy::Pack;

const AFTER: &str = "\
Example:
  oubliette policy check /etc/oubliette/policy

Checks pack.toml, every *.cedar against the schema made from it, and every scenario. A pack that does
not pass is refused by `init` and `serve` as well; each reason comes with its file and line.";

/// Subcommands of `policy`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Check a pack and its scenarios
    #[command(after_help = AFTER)]
    Check {
        /// The pack
        #[arg(value_name = "DIR")]
        folder: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// Runs the subcommand.
pub(super) fn run(command: &Command) -> Result<(), Failure> {
    let Command::Check { folder, json } = command;
    check(folder, *json)
}

fn check(folder: &Path, as_json: bool) -> Result<(), Failure> {
    folders::pack(folder)?;
    let pack = match Pack::load(folder) {
        Ok(pack) => pack,
        Err(errors) if as_json => {
            let error = |e: &crate::policy::PackError| json!({"file": e.file, "line": e.line, "reason": e.reason});
            out::json(&json!({"errors": errors.iter().map(error).collect::<Vec<_>>()}))?;
            return Err(Failure::silent());
        }
        Err(errors) => return Err(Failure::pack(&errors)),
    };
    let hash = hex::encode(pack.hash());
    let collections: Vec<String> = pack.collections().iter().map(|c| c.name.to_string()).collect();
    let machine = json!({
        "name": pack.name(), "hash": hash,
        "end_date": pack.end_date().to_string(), "collections": collections,
    });
    out::either(as_json, &machine, || {
        out::line(&format!("the pack {} is sound; its scenarios hold", pack.name()));
        out::line(&format!("collections: {}", collections.join(", ")));
        out::line(&format!("end date: {}", pack.end_date()));
        out::line(&format!("hash: {hash}"));
    })
}
