//! `oubliette create`: files one record. Its fields come from standard input or a file, never from
//! arguments.

use std::path::PathBuf;

use super::{
    again::{Real, once},
    connect::{Connection, block_on},
    failure::Failure,
    json::{self, Source},
    out,
    why::Writing,
};
use crate::client::types::{Created, RecordFile};

const AFTER: &str = "\
Example:
  oubliette create --purpose follow-up <<'END'
  {\"collection\": \"files\", \"collected_on\": \"2020-11-23\",
   \"attributes\": {\"territory\": \"north\"},
   \"fields\": {\"surname\": \"EXAMPLE\", \"born_on\": \"1970-01-01\"}}
  END

Values are strings, integers and booleans; a date is written \"YYYY-MM-DD\". `subject_id` (32
hexadecimal digits) is optional: without it a new person's id is drawn and printed. `request_id` (32
hexadecimal digits) is optional too and does what --request-id does. Many records at once:
`oubliette import`.";
const SEE_HELP: &str = "`oubliette create --help` shows a record";

/// Arguments of `create`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub(super) struct Args {
    #[command(flatten)]
    why: Writing,
    /// JSON file with the record; standard input by default
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

/// Files the record.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let source = Source::read(args.file.as_deref())?;
    let record: RecordFile = source.object(&json::RECORD).map_err(|f| f.hint(SEE_HELP))?;
    let refused = |e| Failure::of(&e).hint(SEE_HELP);
    let why = args.why.intent_or(record.request().map_err(refused)?);
    let created = block_on(async {
        let client = args.connection.client().await?;
        let description = client.describe().await?;
        let record = record.typed(&description).map_err(refused)?;
        once(&why, &Real, async || client.create(&why, record.clone()).await).await
    })?;
    out::either(args.json, &created, || print(&created))
}

/// A new record.
pub(super) fn print(created: &Created) {
    out::line(&format!("record {}", created.record));
    out::line(&format!("subject {}", created.subject));
    out::line(&format!("version {}", created.version));
    out::line(&format!("unreadable from {} 00:00 local time on", created.expires_on));
    if created.repeated {
        out::line("filed by an earlier call with this request id");
    }
}
