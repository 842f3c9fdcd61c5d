//! `oubliette policy test`: loads a pack, validates it and runs its scenarios, offline.

use std::path::PathBuf;

use serde_json::{Value as Json, json};

use crate::{
    cli::{failure::Failure, folders, out},
    policy::{Pack, PackError},
};

const AFTER: &str = "\
Example:
  oubliette policy test /etc/oubliette/policy

Checks pack.toml, every *.cedar against the schema made from it, and every scenario. A pack that does
not pass is refused by `init`, `serve` and `policy reload` as well; each reason comes with its file and
line. Exit code 0: sound. 1: refused.";

/// Arguments of `policy test`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub(in crate::cli) struct Args {
    /// The pack
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs the subcommand.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    folders::pack(&args.folder)?;
    let pack = match Pack::load(&args.folder) {
        Ok(pack) => pack,
        Err(errors) if args.json => {
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
    out::either(args.json, &machine, || {
        out::line(&format!("the pack {} is sound; its scenarios hold", pack.name()));
        out::line(&format!("collections: {}", collections.join(", ")));
        out::line(&format!("end date: {}", pack.end_date()));
        out::line(&format!("hash: {hash}"));
    })
}

fn error(e: &PackError) -> Json {
    json!({"file": e.file, "line": e.line, "reason": e.reason})
}
