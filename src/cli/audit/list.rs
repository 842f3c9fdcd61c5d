//! `oubliette audit list`.

use chrono::NaiveDate;

use crate::{
    cli::{
        connect::{Connection, block_on},
        failure::Failure,
        out,
        reveal::record_id,
    },
    client::types::{Detail, Event, EventFilter},
    clock::Timestamp,
    ids::{RecordId, SubjectId},
    limits,
};

const AFTER: &str = "\
Example:
  oubliette audit list --record 9f86d081884c7d659a2feaa0c55ad015
  oubliette audit list --agent op-1 --since 2020-11-23 --json

With --json one event a line. An event whose detail has been purged on its date is listed as EXPIRED:
its leaf stays for ever, and the log stays verifiable.";

/// Arguments of `audit list`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub(in crate::cli) struct Args {
    /// Of this agent
    #[arg(long, value_name = "ID")]
    agent: Option<String>,
    /// About this record
    #[arg(long, value_name = "HEX", value_parser = record_id)]
    record: Option<RecordId>,
    /// About this person
    #[arg(long, value_name = "HEX", value_parser = subject_id)]
    subject: Option<SubjectId>,
    /// Of this kind: reveal, create, login, purge ...
    #[arg(long)]
    kind: Option<String>,
    /// From 00:00 UTC of this day on
    #[arg(long, value_name = "YYYY-MM-DD")]
    since: Option<NaiveDate>,
    /// Before 00:00 UTC of this day
    #[arg(long, value_name = "YYYY-MM-DD")]
    until: Option<NaiveDate>,
    /// At most so many
    #[arg(long, default_value_t = 200)]
    limit: usize,
    /// Print JSON, one event a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

fn subject_id(text: &str) -> Result<SubjectId, String> {
    SubjectId::parse(text).map_err(|e| e.to_string())
}

fn millis(day: Option<NaiveDate>) -> Option<i64> {
    day.and_then(|d| Timestamp::start_of(d, chrono_tz::UTC)).map(Timestamp::as_millis)
}

/// Lists page after page, up to the limit.
pub(in crate::cli) fn run(args: &Args) -> Result<(), Failure> {
    let filter = EventFilter {
        agent: args.agent.clone(),
        record: args.record,
        subject: args.subject,
        kind: args.kind.clone(),
        since_ms: millis(args.since),
        until_ms: millis(args.until),
    };
    let (events, more, complete_from) = block_on(async {
        let client = args.connection.client().await?;
        let mut events: Vec<Event> = Vec::new();
        let mut after = None;
        loop {
            let wanted = args.limit.saturating_sub(events.len()).min(limits::PAGE_MAX);
            let page = u32::try_from(wanted.max(1)).unwrap_or(u32::MAX);
            let page = client.list_events(&filter, after, page).await?;
            events.extend(page.events);
            events.truncate(args.limit);
            after = page.next;
            if after.is_none() || events.len() >= args.limit {
                return Ok((events, after.is_some(), page.complete_from));
            }
        }
    })?;
    for event in &events {
        if args.json { out::json(event)? } else { print(event) }
    }
    if more {
        out::note(&format!("there are more; --limit {} was reached", args.limit));
    }
    if let Some(date) = complete_from {
        out::note(&format!("filters are complete from {date} on: older details are purged"));
    }
    Ok(())
}

fn print(event: &Event) {
    let place = format!("{}/{} {} {}", event.position.k, event.position.n, event.time, event.kind);
    let detail = match &event.detail {
        Detail::Open(detail) => detail,
        Detail::Expired => return out::line(&format!("{place}  EXPIRED")),
        Detail::Generation { generation, keyring_hash } => {
            return out::line(&format!("{place}  {generation}  keyring {keyring_hash}"));
        }
        Detail::Origin { closed, kept, lost_to, .. } => {
            let lost = format!("leaves {kept} to {lost_to} of origin {closed} are lost");
            return out::line(&format!("{place}  {lost}"));
        }
    };
    let who = [detail.agent.as_str(), &detail.role, &detail.unit];
    let who: Vec<&str> = who.into_iter().filter(|word| !word.is_empty()).collect();
    let decision = [detail.decision.as_str(), &detail.outcome];
    let decision: Vec<&str> = decision.into_iter().filter(|word| !word.is_empty()).collect();
    out::line(&format!("{place}  {}  {}", who.join(", "), decision.join(": ")));
    let say = |what: &str, text: String| {
        if !text.is_empty() {
            out::line(&format!("    {what}: {text}"));
        }
    };
    say("purpose", detail.purpose.clone());
    say("because", detail.justification.clone());
    let records: Vec<String> = detail.records.0.iter().map(ToString::to_string).collect();
    say("records", records.join(" "));
    say("asked", detail.asked.join(", "));
    let given = detail.given.iter().map(|g| {
        let mask = if g.mask.is_empty() { String::new() } else { format!(" ({})", g.mask) };
        format!("{}.{}{mask}", g.class, g.field)
    });
    say("given", given.collect::<Vec<_>>().join(", "));
    let rule = |(id, legal): &(String, String)| {
        if legal.is_empty() { id.clone() } else { format!("{id} [{legal}]") }
    };
    say("rule", detail.policies.iter().map(rule).collect::<Vec<_>>().join("; "));
}
