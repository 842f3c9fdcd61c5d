//! `oubliette review`: each time somebody broke the glass, another person says whether that was right.

use super::{
    connect::{Connection, block_on},
    failure::Failure,
    out,
};
use crate::{
    client::types::{Review, ReviewVerdict},
    ids::ReviewId,
};

const CLOSE: &str = "\
Example:
  oubliette review close 9f86d081884c7d659a2feaa0c55ad015 --verdict justified --why 'ward confirmed the call'

Read it first: `oubliette review list`, and what was shown: `oubliette audit list --kind break-glass`. Your
verdict and your words are kept, sealed, in the log, under your name; write no name of a patient and no
value of a field. Nobody closes a review of his own doing, and a closed one stays closed.

Verdicts:
  justified    it was right to break the glass
  unjustified  it was not
  referred     it is handed to another procedure, which your words name";

/// Subcommands of `review`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List reviews of broken glass: open ones first, what is due first before the others
    #[command(after_help = "Example:\n  oubliette review list --open --json")]
    List {
        /// Open ones only
        #[arg(long)]
        open: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        connection: Connection,
    },
    /// Close a review with a verdict, in your name
    #[command(after_help = CLOSE)]
    Close {
        /// The review's id, 32 hexadecimal digits
        #[arg(value_parser = review_id)]
        review: ReviewId,
        /// justified, unjustified or referred
        #[arg(long, value_parser = verdict)]
        verdict: ReviewVerdict,
        /// Why, in your words
        #[arg(long, value_name = "TEXT")]
        why: String,
        #[command(flatten)]
        connection: Connection,
    },
}

fn review_id(text: &str) -> Result<ReviewId, String> {
    ReviewId::parse(text).map_err(|e| e.to_string())
}

fn verdict(text: &str) -> Result<ReviewVerdict, String> {
    match text {
        "justified" => Ok(ReviewVerdict::Justified),
        "unjustified" => Ok(ReviewVerdict::Unjustified),
        "referred" => Ok(ReviewVerdict::Referred),
        _ => Err("is justified, unjustified or referred".to_owned()),
    }
}

/// Runs one subcommand.
pub(super) fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::List { open, json, connection } => {
            let reviews =
                block_on(async { Ok(connection.client().await?.list_reviews(*open).await?) })?;
            out::either(*json, &reviews, || reviews.iter().for_each(print))
        }
        Command::Close { review, verdict, why, connection } => {
            block_on(async {
                Ok(connection.client().await?.close_review(*review, *verdict, why).await?)
            })?;
            out::line("closed");
            Ok(())
        }
    }
}

/// How one stands, in a word.
fn state(review: &Review) -> &'static str {
    match (&review.closed_by, review.overdue) {
        (Some(_), _) => "CLOSED",
        (None, true) => "OVERDUE",
        (None, false) => "OPEN",
    }
}

fn print(review: &Review) {
    out::line(&format!("{} {} due {}", review.review, state(review), review.due_at));
    out::line(&format!(
        "  broken by {} at {}, {} h ago, until {}",
        out::plain(&review.agent),
        review.opened_at,
        review.age_hours,
        review.ends_at
    ));
    match review.record {
        None => out::line("  (its event has expired)"),
        Some(record) => {
            out::line(&format!(
                "  as {}, for {}: {} of {} {record}",
                out::plain(&review.role),
                out::plain(&review.purpose),
                out::plain(&review.classes.join(" ")),
                out::plain(&review.collection)
            ));
            let (code, text) = (out::plain(&review.code), out::plain(&review.text));
            out::line(&format!("  {code}: {text}"));
        }
    }
    out::line(&format!("  event {}", review.event));
    if let Some(by) = &review.closed_by {
        let said = match review.verdict {
            Some(ReviewVerdict::Justified) => "justified",
            Some(ReviewVerdict::Unjustified) => "unjustified",
            Some(ReviewVerdict::Referred) => "referred",
            None => "(its event has expired)",
        };
        out::line(&format!(
            "  closed by {}: {said} {}",
            out::plain(by),
            out::plain(&review.conclusion)
        ));
    }
}
