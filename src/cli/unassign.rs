//! `oubliette unassign`: takes an assignment back.

use super::{
    again::{Real, once},
    assign::To,
    connect::{Connection, block_on},
    failure::Failure,
    out,
    reveal::record_id,
    update::print,
    why::Writing,
};
use crate::ids::RecordId;

const AFTER: &str = "\
Example:
  oubliette unassign 9f86d081884c7d659a2feaa0c55ad015 --agent op-1 --purpose follow-up";

/// Arguments of `unassign`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub(super) struct Args {
    /// The record's id, 32 hexadecimal digits
    #[arg(value_parser = record_id)]
    record: RecordId,
    #[command(flatten)]
    from: To,
    #[command(flatten)]
    why: Writing,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

/// Takes the assignment back.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let (why, from) = (args.why.intent(), args.from.assignee());
    let written = block_on(async {
        let client = args.connection.client().await?;
        once(&why, &Real, async || client.unassign(&why, args.record, &from).await).await
    })?;
    out::either(args.json, &written, || print(&written))
}
