//! `oubliette match`: asks whether a field of a record has a value, or whether somebody of these values is
//! on file, without being shown anything. Values come from standard input or a file, never from an argument.

use std::path::PathBuf;

use serde_json::json;

use super::{
    connect::{Connection, block_on},
    failure::Failure,
    json::Source,
    out,
    reveal::record_id,
    typed::{List, Names},
    why::Reading,
};
use crate::ids::RecordId;

const AFTER: &str = "\
Example:
  oubliette match 9f86d081884c7d659a2feaa0c55ad015 --purpose follow-up <<'END'
  {\"surname\": \"EXAMPLE\"}
  END

  oubliette match --collection files --purpose follow-up <<'END'
  {\"surname\": \"EXAMPLE\", \"phone\": \"0639 98 00 02\"}
  END

Without a record it asks whether somebody of all these values is on file: `no` also means that it is none of
your business. At most 120 such questions an hour.

Prints yes and exits 0, or prints no and exits 5. The field must be searchable: `oubliette describe`
says which are.";
const SEE_HELP: &str = "`oubliette match --help` shows a field";

/// Arguments of `match`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub(super) struct Args {
    /// The record's id, 32 hexadecimal digits; without one the question is whether somebody is on file
    #[arg(value_parser = record_id, required_unless_present = "collection")]
    record: Option<RecordId>,
    #[command(flatten)]
    why: Reading,
    /// JSON file with one field and its value (without a record, up to 8); standard input by default
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Where to look; with a record: its collection, where the name is a date in one collection and none in
    /// another
    #[arg(long, value_name = "NAME")]
    collection: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

/// Asks.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let source = Source::read(args.file.as_deref())?;
    let named = source.named().map_err(|f| f.hint(SEE_HELP))?;
    let Some(record) = args.record else { return listed(args, named) };
    if named.len() > 1 {
        return Err(Failure::new("one field a call").hint(SEE_HELP));
    }
    let answer = block_on(async {
        let client = args.connection.client().await?;
        let description = client.describe().await?;
        let names = Names::of(&description, args.collection.as_deref())?;
        let field = names.values(List::Fields, named)?.into_iter().next();
        let field = field.ok_or_else(|| Failure::new("no field is named").hint(SEE_HELP))?;
        Ok(client.matches(&args.why.intent(), record, field).await?)
    })?;
    let machine = json!({
        "matches": answer.matches, "expired": answer.expired, "event": answer.event.to_string(),
    });
    out::either(args.json, &machine, || {
        out::line(if answer.matches { "yes" } else { "no" });
        if answer.expired {
            out::note("the field's own period has ended: nothing matches any more");
        }
    })?;
    if answer.matches { Ok(()) } else { Err(Failure::no_match()) }
}

/// Asks whether somebody of these values is on file.
fn listed(args: &Args, named: serde_json::Map<String, serde_json::Value>) -> Result<(), Failure> {
    let answer = block_on(async {
        let client = args.connection.client().await?;
        let description = client.describe().await?;
        let names = Names::of(&description, args.collection.as_deref())?;
        let values = names.values(List::Fields, named)?;
        let collection = args.collection.as_deref().unwrap_or_default();
        Ok(client.listed(&args.why.intent(), collection, values).await?)
    })?;
    let machine = json!({ "listed": answer.listed, "event": answer.event.to_string() });
    out::either(args.json, &machine, || out::line(if answer.listed { "yes" } else { "no" }))?;
    if answer.listed { Ok(()) } else { Err(Failure::no_match()) }
}
