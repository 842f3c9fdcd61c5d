//! `oubliette derive`: makes a record of another collection from one, by the pack's closed list.

use super::{
    again::{Real, once},
    connect::{Connection, block_on},
    create::print,
    failure::Failure,
    out,
    reveal::record_id,
    why::Writing,
};
use crate::ids::RecordId;

const AFTER: &str = "\
Example:
  oubliette derive 9f86d081884c7d659a2feaa0c55ad015 --purpose follow-up

What is copied stands in the policy pack, under [[derive]]: nothing else is, and none of it is shown. The
new record is the same subject's and has the same collection date, so it is kept no longer.";

/// Arguments of `derive`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub(super) struct Args {
    /// The source's id, 32 hexadecimal digits
    #[arg(value_parser = record_id)]
    record: RecordId,
    #[command(flatten)]
    why: Writing,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

/// Makes the record.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let why = args.why.intent();
    let created = block_on(async {
        let client = args.connection.client().await?;
        once(&why, &Real, async || client.derive(&why, args.record).await).await
    })?;
    out::either(args.json, &created, || print(&created))
}
