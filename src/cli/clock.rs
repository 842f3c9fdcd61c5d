//! `oubliette clock confirm`: a person says that the vault's clock is right after a jump.

use chrono::NaiveDate;

use super::{
    connect::{Connection, block_on},
    failure::Failure,
    out,
};
use crate::client::ClientError;

const AFTER: &str = "\
Example:
  oubliette clock confirm --date 2020-11-23

A clock that jumps could make a vault forget too early, so a jump stops purges. Read today's date from
somewhere else than this machine; a date that is not the vault's own today is refused.";

/// Subcommands of `clock`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Say that the clock is right, so that purges run again
    #[command(after_help = AFTER)]
    Confirm {
        /// Today, as you read it elsewhere
        #[arg(long, value_name = "YYYY-MM-DD")]
        date: NaiveDate,
        #[command(flatten)]
        connection: Connection,
    },
}

/// A sentence of its own for a date that is not the vault's today.
fn wrong_date(date: &str, error: &ClientError) -> Option<Failure> {
    let ClientError::Refused(refusal) = error else { return None };
    let (_, why) = refusal.violations.iter().find(|(path, _)| path == "date")?;
    Some(Failure::new(format!("nothing was confirmed: you say that today is {date}, and {why}")).hint(
        "read the date from a phone or a wall; if the vault's is wrong, set the machine's clock, then \
         confirm again",
    ))
}

/// Runs the subcommand.
pub(super) fn run(command: &Command) -> Result<(), Failure> {
    let Command::Confirm { date, connection } = command;
    let date = date.to_string();
    block_on(async {
        let answer = connection.client().await?.confirm_clock(&date).await;
        answer.map_err(|error| wrong_date(&date, &error).unwrap_or_else(|| error.into()))
    })?;
    out::line("the clock is confirmed; due purges run again");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{Reason, Refusal};

    fn refused(path: &str) -> ClientError {
        ClientError::Refused(Box::new(Refusal {
            code: Reason::InvalidFields.code(),
            reason: Some(Reason::InvalidFields),
            message: Reason::InvalidFields.message().into(),
            violations: vec![(path.into(), "the vault's clock shows 2020-11-23".into())],
            policies: vec![],
            retry_after_ms: None,
        }))
    }

    #[test]
    fn a_wrong_date_has_its_own_sentence_and_another_refusal_has_not() {
        let text = wrong_date("2021-01-01", &refused("date")).unwrap().text();
        assert!(text.contains("today is 2021-01-01, and the vault's clock shows 2020-11-23"));
        assert!(wrong_date("2021-01-01", &refused("other")).is_none());
        assert!(wrong_date("2021-01-01", &ClientError::Token).is_none());
    }
}
