//! `oubliette reveal`: shows classes of records. The access is in the audit log before the answer.

use serde_json::json;

use super::{
    approval::{self, Leave},
    connect::{Connection, block_on},
    failure::Failure,
    out,
    why::Reading,
};
use crate::{
    client::types::{Field, RevealItem, Revealed},
    ids::RecordId,
    limits,
};

const AFTER: &str = "\
Example:
  oubliette reveal 9f86d081884c7d659a2feaa0c55ad015 --class identity --class coordinates \\
      --purpose follow-up

Every field of every class asked is listed with its status:
  VALUE    the whole value
  MASKED   part of it
  DENIED   the policy does not let you see it; whether there is a value is not said
  ABSENT   there is none
  EXPIRED  its own period has ended
Ask for the classes that the task needs: what you were shown is written down.

A record that a hold keeps past its date is shown under the pack's hold purpose alone, one at a time and
with another person's leave: --ask WHY first, then the same with --approval ID.

Several records, at most 256, are one call and one event in the audit log; each is answered by
itself. Exits 3 when one of them was not shown, after printing the others.";

/// Arguments of `reveal`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub(super) struct Args {
    /// The record's id, 32 hexadecimal digits; several ids for several records
    #[arg(value_name = "RECORD", value_parser = record_id, required = true,
          num_args = 1..=limits::RECORDS_PER_REVEAL_MAX)]
    records: Vec<RecordId>,
    /// Class to show; repeat for several
    #[arg(long = "class", value_name = "CLASS", required = true)]
    classes: Vec<String>,
    #[command(flatten)]
    why: Reading,
    /// Link through which you have to do with the record: its consent may open what is closed otherwise
    #[arg(long, value_name = "RECORD", value_parser = record_id, conflicts_with_all = ["ask", "approval"])]
    link: Option<RecordId>,
    #[command(flatten)]
    leave: Leave,
    /// Print JSON: an object for one record, a list for several
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

/// Reads a record's id.
pub(super) fn record_id(text: &str) -> Result<RecordId, String> {
    RecordId::parse(text).map_err(|e| e.to_string())
}

/// Shows the records.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let why = args.why.intent();
    let classes: Vec<&str> = args.classes.iter().map(String::as_str).collect();
    if let [record] = args.records.as_slice() {
        if let Some(reason) = &args.leave.ask {
            let asked = block_on(async {
                let client = args.connection.client().await?;
                Ok(client.ask_reveal(&why, *record, &classes, reason).await?)
            })?;
            return approval::asked(args.json, &asked);
        }
        let revealed = block_on(async {
            let client = args.connection.client().await?;
            Ok(match args.link {
                Some(link) => client.reveal_through(&why, *record, &classes, link).await?,
                None => {
                    client.reveal_approved(&why, *record, &classes, args.leave.approval).await?
                }
            })
        })?;
        return out::either(args.json, &revealed, || print(&revealed));
    }
    if args.link.is_some() {
        return Err(Failure::usage("a link is named for one record at a time")
            .hint("name one record with --link"));
    }
    if args.leave.ask.is_some() || args.leave.approval.is_some() {
        return Err(Failure::usage("leave is given for one record at a time")
            .hint("name one record with --ask or --approval"));
    }
    let items = block_on(async {
        Ok(args.connection.client().await?.reveal_many(&why, &args.records, &classes).await?)
    })?;
    let list: Vec<_> = items.iter().map(machine).collect();
    out::either(args.json, &list, || items.iter().for_each(print_item))?;
    let missing = items.iter().filter(|item| item.result.is_err()).count();
    if missing == 0 {
        return Ok(());
    }
    Err(Failure::refused(format!("{missing} of {} records were not shown", items.len()))
        .hint("check their ids; a record that is none of your business answers like an absent one"))
}

fn machine(item: &RevealItem) -> serde_json::Value {
    match &item.result {
        Ok(revealed) => json!({"record": item.record.to_string(), "revealed": revealed}),
        Err(reason) => json!({"record": item.record.to_string(), "reason": reason}),
    }
}

fn print_item(item: &RevealItem) {
    match &item.result {
        Ok(revealed) => print(revealed),
        Err(reason) => out::line(&format!("{} {}", item.record, out::plain(reason))),
    }
    out::line("");
}

fn print(revealed: &Revealed) {
    out::line(&format!(
        "{} of {}, version {}, unreadable from {} on",
        revealed.record, revealed.collection, revealed.version, revealed.expires_on
    ));
    let row = |field: &Field| {
        [
            field.class.clone(),
            field.field.clone(),
            field.status.as_str().to_owned(),
            field.value.as_ref().map(out::value).unwrap_or_default(),
        ]
    };
    let rows: Vec<_> = revealed.fields.iter().map(row).collect();
    out::table(["CLASS", "FIELD", "STATUS", "VALUE"], &rows);
    out::line(&format!("event {}", revealed.event));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_that_was_not_shown_says_its_reason_to_a_program() {
        let record = RecordId::from_bytes([7; 16]);
        let item = RevealItem { record, result: Err("NOT_AVAILABLE".into()) };
        let said = machine(&item);
        assert_eq!(said["reason"], "NOT_AVAILABLE");
        assert_eq!(said["record"], "07".repeat(16));
        assert!(said.get("revealed").is_none());
    }
}
