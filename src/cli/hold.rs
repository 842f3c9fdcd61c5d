//! `oubliette hold`: keeps named records beyond their date, for a named authority, with two persons.

use super::{
    approval::{self, Leave},
    connect::{Connection, block_on},
    failure::Failure,
    out, prompt,
    reveal::record_id,
    why::Reading,
};
use crate::{
    client::types::{Hold, HoldOrder},
    ids::{HoldId, RecordId},
    limits,
};

const PLACE: &str = "\
Example:
  oubliette hold place 9f86d081884c7d659a2feaa0c55ad015 --authority \"Tribunal judiciaire\" \\
      --reason \"requisition 12/2020\" --until 2021-01-31 --purpose p7 \\
      --justification \"requisition received\" --ask \"requisition 12/2020 is in the file\"

That asks another person, who reads and gives leave under her own session (`oubliette approval list`,
`oubliette approval give ID`). Then the same command again, with --approval ID in place of --ask.

A held record is not purged and not erased. Past its date it is unreadable all the same, but for the
pack's hold purpose, again with another person's leave: `oubliette reveal --help`. The hold ends by itself
after its last day; what it kept past its date then goes with the next purge.";

const RELEASE: &str = "\
Example:
  oubliette hold release 9f86d081884c7d659a2feaa0c55ad015

What these holds alone kept past its date is erased before the answer, together with everything else that
is due.";

/// Subcommands of `hold`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Keep records beyond their date
    #[command(after_help = PLACE)]
    Place(PlaceArgs),
    /// List the holds in force, the oldest first
    #[command(after_help = "Example:\n  oubliette hold list --json")]
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        connection: Connection,
    },
    /// End holds, and erase what they alone kept past its date
    #[command(after_help = RELEASE)]
    Release {
        /// The hold's id, 32 hexadecimal digits; several ids for several holds
        #[arg(value_name = "HOLD", value_parser = hold_id, required = true,
              num_args = 1..=limits::HOLDS_PER_CALL_MAX)]
        holds: Vec<HoldId>,
        /// Release without being asked
        #[arg(long)]
        yes: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        connection: Connection,
    },
}

/// Arguments of `hold place`.
#[derive(Debug, clap::Args)]
pub(super) struct PlaceArgs {
    /// The record's id, 32 hexadecimal digits; several ids for several records: all are held, or none
    #[arg(value_name = "RECORD", value_parser = record_id, required = true,
          num_args = 1..=limits::HOLDS_PER_CALL_MAX)]
    records: Vec<RecordId>,
    /// Who ordered it
    #[arg(long, value_name = "NAME")]
    authority: String,
    /// Why; no name and no value of a field
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Last day of the hold, YYYY-MM-DD
    #[arg(long, value_name = "DATE")]
    until: String,
    #[command(flatten)]
    why: Reading,
    #[command(flatten)]
    leave: Leave,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

fn hold_id(text: &str) -> Result<HoldId, String> {
    HoldId::parse(text).map_err(|e| e.to_string())
}

/// Runs one subcommand.
pub(super) fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Place(args) => place(args),
        Command::List { json, connection } => {
            let holds = block_on(async { Ok(connection.client().await?.list_holds().await?) })?;
            out::either(*json, &holds, || list(&holds))
        }
        Command::Release { holds, yes, json, connection } => {
            if !yes {
                let what = "these holds; what they alone kept past its date is erased for good";
                prompt::confirm(&format!("Release {what}?"))?;
            }
            let released =
                block_on(async { Ok(connection.client().await?.release_hold(holds).await?) })?;
            out::either(*json, &released, || {
                out::line(&format!("released; {} records erased", released.erased));
                if let Some(certificate) = released.certificate {
                    out::line(&format!("certificate {certificate}"));
                }
            })
        }
    }
}

fn place(args: &PlaceArgs) -> Result<(), Failure> {
    let why = args.why.intent();
    let order = HoldOrder {
        records: args.records.clone(),
        authority: args.authority.clone(),
        reason: args.reason.clone(),
        ends_on: args.until.clone(),
    };
    if let Some(reason) = &args.leave.ask {
        let asked = block_on(async {
            Ok(args.connection.client().await?.ask_hold(&why, &order, reason).await?)
        })?;
        return approval::asked(args.json, &asked);
    }
    let ids = block_on(async {
        Ok(args.connection.client().await?.place_hold(&why, &order, args.leave.approval).await?)
    })?;
    let texts: Vec<String> = ids.iter().map(ToString::to_string).collect();
    out::either(args.json, &texts, || {
        for (id, record) in texts.iter().zip(&args.records) {
            out::line(&format!("hold {id} keeps {record} until {}", out::plain(&args.until)));
        }
    })
}

/// Holds in columns.
pub(super) fn list(holds: &[Hold]) {
    let row = |hold: &Hold| {
        [
            hold.hold.to_string(),
            hold.record.to_string(),
            format!("{} d", hold.age_days),
            hold.ends_on.clone(),
            hold.authority.clone(),
            hold.reason.clone(),
            hold.approver.clone(),
        ]
    };
    let rows: Vec<_> = holds.iter().map(row).collect();
    out::table(["HOLD", "RECORD", "AGE", "UNTIL", "AUTHORITY", "REASON", "APPROVED BY"], &rows);
}
