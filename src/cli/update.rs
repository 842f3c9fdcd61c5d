//! `oubliette update`: changes fields and attributes of a record. The new values come from standard
//! input or a file, never from arguments.

use std::path::PathBuf;

use serde::Deserialize;

use super::{
    again::{Real, once},
    connect::{Connection, block_on},
    failure::Failure,
    json::{self, Source},
    out,
    reveal::record_id,
    typed::{List, Names},
    why::Writing,
};
use crate::{
    client::types::{Change, Description, JsonMap, Written},
    ids::RecordId,
};

const AFTER: &str = "\
Example:
  oubliette update 9f86d081884c7d659a2feaa0c55ad015 --version 3 --purpose follow-up <<'END'
  {\"attributes\": {\"state\": \"called\"}, \"fields\": {\"surname\": \"EXAMPLE\", \"email\": null}}
  END

`null` clears a value. --version is the one that `reveal`, `worklist` or the last change printed: if
somebody changed the record since, nothing is written (VERSION_MISMATCH). The period of retention
stays as it is, whatever is changed. With --forget the record moves to fresh keys, and the version
before cannot be read any more by anybody; without it, older copies of the data folder can be read with
the vault's keys as before.";
const SEE_HELP: &str = "`oubliette update --help` shows a change";

/// Arguments of `update`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub(super) struct Args {
    /// The record's id, 32 hexadecimal digits
    #[arg(value_parser = record_id)]
    record: RecordId,
    /// The version you know
    #[arg(long = "version", value_name = "N", id = "expected")]
    expected_version: u32,
    #[command(flatten)]
    why: Writing,
    /// JSON file with the changes; standard input by default
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// The record's collection, where a name is a date in one collection and none in another
    #[arg(long, value_name = "NAME")]
    collection: Option<String>,
    /// Have the version before forgotten: wait until no key opens it, in no backup either
    #[arg(long)]
    forget: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

/// The changes as they are typed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangeFile {
    #[serde(default)]
    attributes: JsonMap,
    #[serde(default)]
    fields: JsonMap,
}

impl ChangeFile {
    fn typed(self, args: &Args, description: &Description) -> Result<Change, Failure> {
        let names = Names::of(description, args.collection.as_deref())?;
        Ok(Change {
            record: args.record,
            expected_version: args.expected_version,
            attributes: names.changes(List::Attributes, self.attributes)?,
            fields: names.changes(List::Fields, self.fields)?,
        })
    }
}

/// Changes the record.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let source = Source::read(args.file.as_deref())?;
    let given: ChangeFile = source.object(&json::CHANGE).map_err(|f| f.hint(SEE_HELP))?;
    if given.attributes.is_empty() && given.fields.is_empty() {
        return Err(Failure::new("the change names nothing").hint(SEE_HELP));
    }
    let why = args.why.intent();
    let written = block_on(async {
        let client = args.connection.client().await?;
        let change = given.typed(args, &client.describe().await?)?;
        once(&why, &Real, async || {
            if args.forget {
                client.update_and_forget(&why, change.clone()).await
            } else {
                client.update(&why, change.clone()).await
            }
        })
        .await
    })?;
    out::either(args.json, &written, || print(&written))
}

/// What a change led to, for people.
pub(super) fn print(written: &Written) {
    out::line(&format!("version {}", written.version));
    if let Some(certificate) = &written.certificate {
        out::line(&format!("the version before is forgotten: certificate {certificate}"));
    }
    if written.repeated {
        out::line("done by an earlier call with this request id");
    }
}
