//! `oubliette match`: asks whether a field of a record has a value, without being shown it. The value
//! comes from standard input or a file, never from an argument.

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

Prints yes and exits 0, or prints no and exits 5. The field must be searchable: `oubliette describe`
says which are.";
const SEE_HELP: &str = "`oubliette match --help` shows a field";

/// Arguments of `match`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub(super) struct Args {
    /// The record's id, 32 hexadecimal digits
    #[arg(value_parser = record_id)]
    record: RecordId,
    #[command(flatten)]
    why: Reading,
    /// JSON file with one field and its value; standard input by default
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// The record's collection, where the name is a date in one collection and none in another
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
    if named.len() > 1 {
        return Err(Failure::new("one field a call").hint(SEE_HELP));
    }
    let answer = block_on(async {
        let client = args.connection.client().await?;
        let description = client.describe().await?;
        let names = Names::of(&description, args.collection.as_deref())?;
        let field = names.values(List::Fields, named)?.into_iter().next();
        let field = field.ok_or_else(|| Failure::new("no field is named").hint(SEE_HELP))?;
        Ok(client.matches(&args.why.intent(), args.record, field).await?)
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
