//! `oubliette clock confirm`: a person says that the vault's clock is right after a jump.

use chrono::NaiveDate;

use super::{
    connect::{Connection, block_on},
    failure::Failure,
    out,
};

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

/// Runs the subcommand.
pub(super) fn run(command: &Command) -> Result<(), Failure> {
    let Command::Confirm { date, connection } = command;
    let date = date.to_string();
    block_on(async { Ok(connection.client().await?.confirm_clock(&date).await?) })?;
    out::line("the clock is confirmed; due purges run again");
    Ok(())
}
