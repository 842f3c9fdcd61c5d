//! `oubliette alarm`: alarms stay open until a person takes note of them by name.

use super::{
    connect::{Connection, block_on},
    failure::Failure,
    out,
};
use crate::{client::types::Alarm, ids::AlarmId};

/// Subcommands of `alarm`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List alarms, open ones first
    #[command(after_help = "Example:\n  oubliette alarm list --json")]
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        connection: Connection,
    },
    /// Take note of an alarm, by your name
    #[command(after_help = "Example:\n  oubliette alarm ack 9f86d081884c7d659a2feaa0c55ad015")]
    Ack {
        /// The alarm's id, 32 hexadecimal digits
        #[arg(value_parser = alarm_id)]
        alarm: AlarmId,
        #[command(flatten)]
        connection: Connection,
    },
}

fn alarm_id(text: &str) -> Result<AlarmId, String> {
    AlarmId::parse(text).map_err(|e| e.to_string())
}

/// Runs one subcommand.
pub(super) fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::List { json, connection } => {
            let alarms = block_on(async { Ok(connection.client().await?.list_alarms().await?) })?;
            out::either(*json, &alarms, || list(&alarms))
        }
        Command::Ack { alarm, connection } => {
            block_on(async { Ok(connection.client().await?.ack_alarm(*alarm).await?) })?;
            out::line("noted");
            Ok(())
        }
    }
}

/// Alarms in columns.
pub(super) fn list(alarms: &[Alarm]) {
    let row = |a: &Alarm| {
        [
            a.alarm.to_string(),
            a.raised_at.clone(),
            a.kind.clone(),
            a.acknowledged_by.clone().unwrap_or_else(|| "OPEN".to_owned()),
            a.note.clone(),
        ]
    };
    let rows: Vec<_> = alarms.iter().map(row).collect();
    out::table(["ALARM", "RAISED", "KIND", "NOTED BY", "NOTE"], &rows);
}
