//! `oubliette find`: the ids of the records that have exactly these values. What is searched for comes
//! from standard input or a file, never from arguments; it is in no log.

use std::path::PathBuf;

use serde_json::json;

use super::{
    connect::{Connection, block_on},
    failure::Failure,
    json::Source,
    listing::{self, Limit},
    out,
    typed::{List, Names},
    why::Reading,
};

const AFTER: &str = "\
Example:
  oubliette find --collection files --purpose follow-up <<'END'
  {\"surname\": \"EXAMPLE\", \"born_on\": \"1970-01-01\"}
  END

All of them must hold, exactly; at most 8 fields, each searchable (`oubliette describe` says which
are). Prints one id a line, those that expire first first. Records that you may not match are not
listed.";

/// Arguments of `find`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub(super) struct Args {
    /// Collection of the pack
    #[arg(long, value_name = "NAME")]
    collection: String,
    #[command(flatten)]
    why: Reading,
    /// JSON file with fields and their values; standard input by default
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    limit: Limit,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

/// Finds.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let source = Source::read(args.file.as_deref())?;
    let hint = "`oubliette find --help` shows a search";
    let named = source.named().map_err(|f| f.hint(hint))?;
    let why = args.why.intent();
    let found = block_on(async {
        let client = args.connection.client().await?;
        let description = client.describe().await?;
        let names = Names::of(&description, Some(&args.collection))?;
        let values = names.values(List::Fields, named)?;
        listing::all(args.limit.most(), async |size, cursor| {
            let page = client.find(&why, &args.collection, values.clone(), size, &cursor).await?;
            Ok((page.records, page.event, page.cursor))
        })
        .await
    })?;
    let ids: Vec<String> = found.items.iter().map(ToString::to_string).collect();
    let events: Vec<String> = found.events.iter().map(ToString::to_string).collect();
    let machine = json!({"records": ids, "events": events, "more": found.more});
    out::either(args.json, &machine, || ids.iter().for_each(|id| out::line(id)))?;
    if !args.json && ids.is_empty() {
        out::note("no record that you may match has these values");
    }
    if found.more {
        out::note(&format!("there are more; --limit {} was reached", args.limit.most()));
    }
    Ok(())
}
