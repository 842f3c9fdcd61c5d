//! `oubliette erase`: destroys the keys of records before their date.

use super::{
    again::{Real, once},
    connect::{Connection, block_on},
    failure::Failure,
    out, prompt,
    reveal::record_id,
    why::Writing,
};
use crate::{client::types::Erased, ids::RecordId, limits};

const AFTER: &str = "\
Example:
  oubliette erase 9f86d081884c7d659a2feaa0c55ad015 --purpose p7 \\
      --justification \"objection of the person upheld\"

What is erased cannot be read again by anybody, from this vault or from any backup of its data folder.
It answers once every key place has confirmed; the certificate says what that proves:
`oubliette certificate get`.

Several records, at most 256, are one call; each is answered by itself. Exits 3 when one of them was not
erased, after printing the others.";

/// Arguments of `erase`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub(super) struct Args {
    /// The record's id, 32 hexadecimal digits; several ids for several records
    #[arg(value_name = "RECORD", value_parser = record_id, required = true,
          num_args = 1..=limits::RECORDS_PER_ERASE_MAX)]
    records: Vec<RecordId>,
    #[command(flatten)]
    why: Writing,
    /// Erase without being asked
    #[arg(long)]
    yes: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

/// Erases the records.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let number = args.records.len();
    if !args.yes {
        let what =
            if number == 1 { "this record".to_owned() } else { format!("these {number} records") };
        prompt::confirm(&format!("Erase {what} for good?"))?;
    }
    let why = args.why.intent();
    let erased = block_on(async {
        let client = args.connection.client().await?;
        once(&why, &Real, async || client.erase(&why, &args.records).await).await
    })?;
    out::either(args.json, &erased, || print(&erased))?;
    let left = erased.items.iter().filter(|item| item.reason.is_some()).count();
    if left == 0 {
        return Ok(());
    }
    Err(Failure::refused(format!("{left} of {number} records were not erased"))
        .hint("the reason stands beside each; a record that is none of your business answers like an absent one"))
}

fn print(erased: &Erased) {
    for item in &erased.items {
        let what = item.reason.as_deref().map_or("erased".into(), out::plain);
        out::line(&format!("{} {what}", item.record));
    }
    if let Some(certificate) = erased.certificate {
        let before = if erased.repeated { " (by an earlier call)" } else { "" };
        out::line(&format!("certificate {certificate}, generation {}{before}", erased.generation));
    }
}
