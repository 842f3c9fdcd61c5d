//! `oubliette status`: the vault's state for people and monitoring. Fails while something needs a
//! person.

use serde_json::json;

use super::{
    alarm,
    connect::{Connection, block_on},
    failure::Failure,
    hold, out,
};
use crate::client::types::{Alarm, Status};

const AFTER: &str = "\
Example:
  oubliette status || echo 'somebody must look'

Exits 1 while an alarm is open or could not be told to the configured command, a review of broken glass or
data is overdue, the clock is tripped, the log cannot be written or a key place missed a generation.";

/// Arguments of `status`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub(super) struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

/// Prints the state.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let (status, open) = block_on(async {
        let client = args.connection.client().await?;
        let status = client.status().await?;
        // Whoever may read the state may not be who reads alarms: then the number is enough.
        let alarms = if status.open_alarms > 0 {
            client.list_alarms().await.unwrap_or_default()
        } else {
            Vec::new()
        };
        let open: Vec<Alarm> = alarms.into_iter().filter(|a| a.acknowledged_by.is_none()).collect();
        Ok((status, open))
    })?;
    let well = status.is_well();
    let machine = json!({"well": well, "status": status, "open_alarms": open});
    out::either(args.json, &machine, || print(&status, &open))?;
    if well { Ok(()) } else { Err(Failure::silent()) }
}

fn print(status: &Status, open: &[Alarm]) {
    let yes = |truth: bool, word: &'static str, other: &'static str| {
        if truth { word } else { other }
    };
    out::line(&format!("vault {} node {}, {}", status.vault, status.node, status.now));
    out::line(&format!("pack {} {}", status.pack, status.pack_hash));
    out::line(&format!("keyring generation {}, class {}", status.generation, status.class));
    for place in &status.places {
        let stale = yes(place.stale, "  STALE: no disaster copy", "");
        out::line(&format!("  place {} {} {}{stale}", place.place, place.class, place.description));
    }
    out::line(&format!(
        "live: {} cohorts, {} key trees",
        status.live_cohorts, status.live_segments
    ));
    out::line(&format!(
        "log: origin {}, {} events, {}",
        status.log_origin,
        status.log_size,
        yes(status.log_writable, "writable", "NOT WRITABLE: restart the vault")
    ));
    out::line(yes(
        status.clock_tripped,
        "clock: TRIPPED; see `oubliette clock confirm`",
        "clock: sound",
    ));
    match status.overdue_ms {
        0 => out::line("overdue: nothing"),
        ms => out::line(&format!("overdue: by {} s; see `oubliette purge`", ms / 1000)),
    }
    if !status.holds.is_empty() {
        out::line(&format!("holds: {}", status.holds.len()));
        hold::list(&status.holds);
    }
    if status.swap_accepted {
        out::line("memory: NOT LOCKED and a swap is on; accepted at start");
    }
    if status.end_date_passed {
        out::line("the pack's end date has PASSED: nothing is readable");
    }
    if status.open_reviews > 0 {
        out::line(&format!(
            "reviews of broken glass: {} open, {} OVERDUE; see `oubliette review list`",
            status.open_reviews, status.overdue_reviews
        ));
    }
    if status.untold_alarms > 0 {
        out::line(&format!(
            "alarm.exec: {} open alarms could NOT be told to the configured command",
            status.untold_alarms
        ));
    }
    out::line(&format!("alarms: {} open", status.open_alarms));
    if !open.is_empty() {
        alarm::list(open);
    }
    out::line(&format!("log verifier key: {}", status.log_verifier_key));
    out::line(&format!("certificate verifier key: {}", status.certificate_verifier_key));
}
