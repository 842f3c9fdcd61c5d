//! `oubliette purge`: destroys the keys of everything due, or says what would go.

use super::{
    connect::{Connection, block_on},
    failure::Failure,
    out,
};
use crate::{
    client::types::{Cohort, Preview, Purged},
    clock::Timestamp,
};

const AFTER: &str = "\
Example:
  oubliette purge --dry-run
  oubliette purge

A vault that runs purges by itself every day; this is for the day that cannot wait. What is due was
unreadable already, by date; the purge destroys its keys, so that no old backup can undo it.";

/// Arguments of `purge`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub(super) struct Args {
    /// Say what would go, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

/// Purges or previews.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    if args.dry_run {
        let preview =
            block_on(async { Ok(args.connection.client().await?.preview_purge().await?) })?;
        return out::either(args.json, &preview, || print_preview(&preview));
    }
    let purged = block_on(async { Ok(args.connection.client().await?.run_purge().await?) })?;
    out::either(args.json, &purged, || print_purged(&purged))
}

fn print_preview(preview: &Preview) {
    let until = Timestamp::from_millis(preview.cutoff_ms);
    if preview.cohorts.is_empty() {
        out::line(&format!("nothing is due at {until}"));
        return;
    }
    out::line(&format!("due at {until}; nothing was changed:"));
    print_cohorts(&preview.cohorts);
    if preview.holds > 0 {
        out::line(&format!("{} holds would keep their records' keys", preview.holds));
    }
}

fn print_purged(purged: &Purged) {
    if let Some(why) = &purged.skipped {
        out::line(&format!("nothing ran: {why}"));
        return;
    }
    if purged.cohorts.is_empty() {
        out::line("nothing was due");
    } else {
        print_cohorts(&purged.cohorts);
        out::line(&format!(
            "keys destroyed: generation {} -> {}",
            purged.generation_before, purged.generation_after
        ));
    }
    out::line(&format!(
        "rows deleted: {} records, {} sections, {} index rows, {} event details",
        purged.records, purged.sections, purged.index_rows, purged.events
    ));
    if let Some(id) = &purged.certificate {
        out::line(&format!("certificate {id}: `oubliette certificate get --id {id}`"));
    } else if !purged.cohorts.is_empty() {
        out::line("no certificate: the key trees that went had never been used");
    }
}

fn print_cohorts(cohorts: &[Cohort]) {
    let row = |c: &Cohort| {
        [
            c.collection.clone(),
            c.expires_on.clone(),
            c.zone.clone(),
            c.segments.to_string(),
            c.records.to_string(),
        ]
    };
    let rows: Vec<_> = cohorts.iter().map(row).collect();
    out::table(["COLLECTION", "EXPIRED ON", "ZONE", "KEY TREES", "RECORDS"], &rows);
}
