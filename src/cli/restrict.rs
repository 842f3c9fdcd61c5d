//! `oubliette restrict`: stops the processing of a person's records, or lets it go on. Nothing is erased.

use super::{
    again::{Real, once},
    connect::{Connection, block_on},
    erase::subject_id,
    failure::Failure,
    out,
    why::Writing,
};
use crate::ids::SubjectId;

const AFTER: &str = "\
Example:
  oubliette restrict 0011223344556677889900aabbccddee --purpose p7 \\
      --justification \"accuracy contested, request 12\"

  oubliette restrict 0011223344556677889900aabbccddee --lift --purpose p7 \\
      --justification \"corrected, request 12\"

A restricted record is kept and read by nobody but whom the policy pack names. At most 256 records are
changed in one call; the command goes on until none is left.";

/// Arguments of `restrict`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub(super) struct Args {
    /// The person's id, 32 hexadecimal digits
    #[arg(value_name = "SUBJECT", value_parser = subject_id)]
    subject: SubjectId,
    /// Lift the restriction
    #[arg(long)]
    lift: bool,
    #[command(flatten)]
    why: Writing,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

/// Restricts the records, or lifts it.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let mut total = 0;
    let last = block_on(async {
        let client = args.connection.client().await?;
        loop {
            // A further call is another write, so it takes another id, unless the first one is told again.
            let why = args.why.intent();
            let restrict = async || client.restrict_subject(&why, args.subject, !args.lift).await;
            let answer = once(&why, &Real, restrict).await?;
            total += answer.records;
            if !answer.more || answer.repeated {
                return Ok(answer);
            }
        }
    })?;
    let what = if args.lift { "lifted" } else { "restricted" };
    let machine = serde_json::json!({
        "changed": total, "denied": last.denied, "more": last.more, "repeated": last.repeated,
    });
    out::either(args.json, &machine, || {
        out::line(&format!("{what}: {total} records"));
        if last.denied > 0 {
            out::note(&format!("{} records are left as they are: the policy refuses", last.denied));
        }
        if last.more {
            out::note("this person has more: run the command again with another request id");
        }
    })
}
