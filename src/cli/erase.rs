//! `oubliette erase`: destroys the keys of records before their date.

use super::{
    again::{Real, once},
    connect::{Connection, block_on},
    failure::Failure,
    out, prompt,
    reveal::record_id,
    why::Writing,
};
use crate::{
    client::types::Erased,
    ids::{RecordId, SubjectId},
    limits,
};

const AFTER: &str = "\
Example:
  oubliette erase 9f86d081884c7d659a2feaa0c55ad015 --purpose p7 \\
      --justification \"objection of the person upheld\"

  oubliette erase --subject 0011223344556677889900aabbccddee --purpose p7 \\
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
    #[arg(value_name = "RECORD", value_parser = record_id, required_unless_present = "subject",
          num_args = 1..=limits::RECORDS_PER_ERASE_MAX)]
    records: Vec<RecordId>,
    /// Every record of this person that you may erase, in every collection
    #[arg(long, value_name = "SUBJECT", value_parser = subject_id, conflicts_with = "records")]
    subject: Option<SubjectId>,
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

pub(super) fn subject_id(text: &str) -> Result<SubjectId, String> {
    SubjectId::parse(text).map_err(|e| e.to_string())
}

/// Erases the records.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    if !args.yes {
        let number = args.records.len();
        let what = if args.subject.is_some() {
            "every record of this person".to_owned()
        } else if number == 1 {
            "this record".to_owned()
        } else {
            format!("these {number} records")
        };
        prompt::confirm(&format!("Erase {what} for good?"))?;
    }
    let why = args.why.intent();
    let erased = block_on(async {
        let client = args.connection.client().await?;
        let erase = async || match args.subject {
            Some(subject) => client.erase_subject(&why, subject).await,
            None => client.erase(&why, &args.records).await,
        };
        once(&why, &Real, erase).await
    })?;
    out::either(args.json, &erased, || print(&erased))?;
    let left = erased.items.iter().filter(|item| item.reason.is_some()).count();
    if erased.more {
        out::note("this person has more records than one call erases: run the command again");
    }
    if left == 0 {
        return Ok(());
    }
    let number = erased.items.len();
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
