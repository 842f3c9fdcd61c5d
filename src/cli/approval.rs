//! `oubliette approval`: leave that another person gives to one exact request, once.

use super::{
    connect::{Connection, block_on},
    failure::Failure,
    out,
};
use crate::{
    client::types::{Approval, Asked},
    ids::ApprovalId,
};

const GIVE: &str = "\
Example:
  oubliette approval give 9f86d081884c7d659a2feaa0c55ad015

Read the request first: `oubliette approval list`. You allow exactly what stands there, once, within the
24 hours after it was asked for; your name goes into the log and, for a hold, into every certificate that
names it. Nobody gives leave to a request of his own.";

/// Subcommands of `approval`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List approvals: what is asked for, by whom, and how it stands; the newest first
    #[command(after_help = "Example:\n  oubliette approval list --json")]
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        connection: Connection,
    },
    /// Give leave, in your name
    #[command(after_help = GIVE)]
    Give {
        /// The approval's id, 32 hexadecimal digits
        #[arg(value_parser = approval_id)]
        approval: ApprovalId,
        #[command(flatten)]
        connection: Connection,
    },
}

/// Another person's leave: asked for, or in hand.
#[derive(Debug, clap::Args)]
pub(super) struct Leave {
    /// Ask another person for leave to do exactly this, and do nothing yet; WHY is for that person
    #[arg(long, value_name = "WHY", conflicts_with = "approval")]
    pub(super) ask: Option<String>,
    /// Leave that another person gave
    #[arg(long, value_name = "ID", value_parser = approval_id)]
    pub(super) approval: Option<ApprovalId>,
}

/// Reads an approval's id.
pub(super) fn approval_id(text: &str) -> Result<ApprovalId, String> {
    ApprovalId::parse(text).map_err(|e| e.to_string())
}

/// Runs one subcommand.
pub(super) fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::List { json, connection } => {
            let approvals =
                block_on(async { Ok(connection.client().await?.list_approvals().await?) })?;
            out::either(*json, &approvals, || approvals.iter().for_each(print))
        }
        Command::Give { approval, connection } => {
            block_on(async { Ok(connection.client().await?.approve(*approval).await?) })?;
            out::line("given; who asked can send the request now");
            Ok(())
        }
    }
}

/// Says what was asked for, and what to do next.
pub(super) fn asked(json: bool, asked: &Asked) -> Result<(), Failure> {
    out::either(json, asked, || {
        out::line(&format!("approval {}, until {}", asked.approval, asked.expires_at));
        out::line(
            "another person gives it: `oubliette approval give`; then the same command again,",
        );
        out::line(&format!("with --approval {} in place of --ask", asked.approval));
    })
}

/// How one stands, in a word.
fn state(approval: &Approval) -> &'static str {
    match (approval.used, &approval.approved_by) {
        (true, _) => "USED",
        (false, Some(_)) => "GIVEN",
        (false, None) => "ASKED",
    }
}

fn print(approval: &Approval) {
    out::line(&format!("{} {} {}", approval.approval, state(approval), approval.action));
    out::line(&format!(
        "  asked by {} at {}, until {}",
        out::plain(&approval.requested_by),
        approval.requested_at,
        approval.expires_at
    ));
    if let Some(by) = &approval.approved_by {
        out::line(&format!("  given by {}", out::plain(by)));
    }
    let reason = approval.reason.as_deref().unwrap_or("(its event has expired)");
    out::line(&format!("  why: {}", out::plain(reason)));
    for record in &approval.records {
        out::line(&format!("  record {record}"));
    }
    for class in &approval.classes {
        out::line(&format!("  class {}", out::plain(class)));
    }
    for detail in &approval.details {
        out::line(&format!("  {}", out::plain(detail)));
    }
}
