//! `oubliette audit list`.

use chrono::NaiveDate;

use crate::{
    audit::leaf::{KIND_GENERATION, KIND_ORIGIN},
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

/// Every kind of event there is: a closed set. A test holds it against the code that writes them.
const KINDS: [&str; 41] = [
    "reveal",
    "reveal-many",
    "find",
    "match",
    "worklist",
    "create",
    "import",
    "update",
    "assign",
    "unassign",
    "login",
    "logout",
    "change-secret",
    "appoint-first",
    "agent-create",
    "agent-revoke",
    "agent-list",
    "audit-list",
    "audit-checkpoint",
    "audit-export",
    "purge-preview",
    "purge-run",
    "purge-intent",
    "purge",
    "sweep",
    "certificate-get",
    "status-read",
    "key-rotate",
    "key-rotate-intent",
    "policy-reload",
    "policy-reload-intent",
    "backup-begin",
    "backup-end",
    "place-added",
    "place-promoted",
    "place-removed",
    "clock-confirm",
    "alarm-list",
    "alarm-ack",
    KIND_GENERATION,
    KIND_ORIGIN,
];
/// Kinds of what a purge writes, by itself or in somebody's name.
const PURGES: [&str; 3] = ["purge-intent", "purge", "sweep"];

/// Who acted, where the event names no agent.
fn nobody(kind: &str, decision: &str) -> &'static str {
    match kind {
        kind if PURGES.contains(&kind) => "schedule",
        "login" if decision == "deny" => "an unknown agent",
        _ => "the vault",
    }
}

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
    /// Of this kind: reveal, create, login, purge ...; an unknown one is answered with the list
    #[arg(long, value_parser = kind)]
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

fn kind(text: &str) -> Result<String, String> {
    match KINDS.contains(&text) {
        true => Ok(text.to_owned()),
        false => Err(format!("no event has this kind; the kinds are {}", KINDS.join(", "))),
    }
}

/// An empty span is a mistake, not an empty answer.
fn check_span(since: Option<NaiveDate>, until: Option<NaiveDate>) -> Result<(), Failure> {
    match (since, until) {
        (Some(since), Some(until)) if since >= until => {
            Err(Failure::usage(format!("--since {since} is not before --until {until}"))
                .hint("events of --until itself are left out: name the day after the last wanted"))
        }
        _ => Ok(()),
    }
}

fn millis(day: Option<NaiveDate>) -> Option<i64> {
    day.and_then(|d| Timestamp::start_of(d, chrono_tz::UTC)).map(Timestamp::as_millis)
}

/// Lists page after page, up to the limit.
pub(in crate::cli) fn run(args: &Args) -> Result<(), Failure> {
    check_span(args.since, args.until)?;
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
    if events.is_empty() && !args.json {
        out::line("no events match");
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
    let agent = match detail.agent.as_str() {
        "" => nobody(&event.kind, &detail.decision),
        agent => agent,
    };
    let who = [agent, &detail.role, &detail.unit];
    let who: Vec<&str> = who.into_iter().filter(|word| !word.is_empty()).collect();
    let decision = [detail.decision.as_str(), &detail.outcome];
    let decision: Vec<&str> = decision.into_iter().filter(|word| !word.is_empty()).collect();
    out::line(&format!("{place}  {}  {}", who.join(", "), decision.join(": ")));
    let say = |what: &str, text: String| {
        if !text.is_empty() {
            out::line(&format!("    {what}: {}", out::plain(&text)));
        }
    };
    say("about", detail.notes.join(", "));
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Every text between the marks in the files that write events.
    fn written() -> Vec<&'static str> {
        let files = [
            (include_str!("../../vault/duties.rs"), "kind: \""),
            (include_str!("../../vault/reveal.rs"), "draft_for(\""),
            (include_str!("../../vault/create.rs"), "draft_for(\""),
            (include_str!("../../vault/import.rs"), "draft_for(\""),
            (include_str!("../../vault/reveal_many.rs"), "draft_for(\""),
            (include_str!("../../vault/find.rs"), "draft_for(\""),
            (include_str!("../../vault/worklist.rs"), "draft_for(\""),
            (include_str!("../../vault/update.rs"), "draft_for(\""),
            (include_str!("../../vault/assign.rs"), "self.change(\""),
            (include_str!("../../identity/agents.rs"), "EventDraft::new(\""),
            (include_str!("../../identity/agents.rs"), "action: \""),
            (include_str!("../../identity/login.rs"), "action: \""),
            (include_str!("../../retention/purge.rs"), "draft_event(cx, \""),
            (include_str!("../../retention/certify.rs"), "draft_event(cx, \""),
            (include_str!("../../retention/mod.rs"), "draft_event(cx, \""),
        ];
        let after = |(text, mark): (&'static str, &str)| -> Vec<&'static str> {
            text.split(mark).skip(1).filter_map(|rest| rest.split('"').next()).collect()
        };
        files.into_iter().flat_map(after).collect()
    }

    #[test]
    fn every_kind_that_is_written_is_known_and_a_misspelt_one_is_answered_with_the_list() {
        let written = written();
        assert!(written.len() > 20, "{written:?}");
        for one in written {
            assert!(kind(one).is_ok(), "{one}");
        }
        let refused = kind("revael").unwrap_err();
        assert!(refused.contains("reveal") && refused.contains(KIND_ORIGIN));
    }

    #[test]
    fn a_span_that_ends_before_it_begins_is_refused() {
        let day = |d| NaiveDate::from_ymd_opt(2020, 11, d);
        assert!(check_span(day(22), day(23)).is_ok());
        assert!(check_span(day(23), None).is_ok() && check_span(None, day(1)).is_ok());
        assert_eq!(check_span(day(23), day(22)).unwrap_err().code(), 2);
        assert_eq!(check_span(day(23), day(23)).unwrap_err().code(), 2);
    }

    #[test]
    fn an_event_without_an_agent_still_says_who() {
        assert_eq!(nobody("purge", "allow"), "schedule");
        assert_eq!(nobody("login", "deny"), "an unknown agent");
        assert_eq!(nobody("appoint-first", "allow"), "the vault");
    }
}
