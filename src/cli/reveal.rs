//! `oubliette reveal`: shows classes of one record. The access is in the audit log before the answer.

use super::{
    connect::{Connection, block_on},
    failure::Failure,
    out,
};
use crate::{
    client::types::{Field, Intent, Revealed, Value},
    ids::RecordId,
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
Ask for the classes that the task needs: what you were shown is written down.";

/// Arguments of `reveal`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub(super) struct Args {
    /// The record's id, 32 hexadecimal digits
    #[arg(value_parser = record_id)]
    record: RecordId,
    /// Class to show; repeat for several
    #[arg(long = "class", value_name = "CLASS", required = true)]
    classes: Vec<String>,
    /// Purpose, one of the pack's list
    #[arg(long)]
    purpose: String,
    /// Why, where the policy wants it; name no person here
    #[arg(long, value_name = "TEXT")]
    justification: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

/// Reads a record's id.
pub(super) fn record_id(text: &str) -> Result<RecordId, String> {
    RecordId::parse(text).map_err(|e| e.to_string())
}

/// Shows the record.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let why = Intent { justification: args.justification.clone(), ..Intent::of(&args.purpose) };
    let classes: Vec<&str> = args.classes.iter().map(String::as_str).collect();
    let revealed = block_on(async {
        Ok(args.connection.client().await?.reveal(&why, args.record, &classes).await?)
    })?;
    out::either(args.json, &revealed, || print(&revealed))
}

fn print(revealed: &Revealed) {
    out::line(&format!(
        "{} of {}, version {}, unreadable from {} on",
        revealed.record, revealed.collection, revealed.version, revealed.expires_on
    ));
    let row = |field: &Field| {
        let value = match &field.value {
            Some(Value::Text(text) | Value::Date(text)) => text.clone(),
            Some(Value::Integer(number)) => number.to_string(),
            Some(Value::Boolean(truth)) => truth.to_string(),
            None => String::new(),
        };
        [
            field.class.clone(),
            field.field.clone(),
            field.status.as_str().to_owned(),
            out::plain(&value),
        ]
    };
    let rows: Vec<_> = revealed.fields.iter().map(row).collect();
    out::table(["CLASS", "FIELD", "STATUS", "VALUE"], &rows);
    out::line(&format!("event {}", revealed.event));
}
