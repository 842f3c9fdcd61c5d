//! Steps that move the manual clock: a jump that is refused, its confirmation, and the days that pass.

use chrono::{Months, NaiveDate};

use super::{DemoError, World, served::Served};
use crate::{
    audit::{EventDetail, EventFilter},
    clock::{Clock as _, Timestamp},
};

/// One day in milliseconds.
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// A minute passes before the clock is back: time does not stand still while somebody sets it.
const MINUTE_MS: i64 = 60 * 1000;
/// Events looked at for one day's report.
const EVENTS: usize = 100;

/// Sets the clock months ahead at once: the guard trips and no purge runs.
pub(super) async fn jump_ahead(
    world: &mut World<'_>,
    served: &mut Served,
    months: u32,
    who: &str,
) -> Result<(), DemoError> {
    let before = world.clock.now();
    world.before_jump = Some(before);
    let date = before.date_in(world.script.zone);
    let later = date.checked_add_months(Months::new(months)).ok_or(DemoError::Calendar)?;
    let days = (later - date).num_days();
    world.clock.advance_millis(days.saturating_mul(DAY_MS));
    served.forget_sessions();
    served.tick().await?;
    let tripped = served.vault.state()?.clock_tripped;
    world.tell.check(tripped, &format!("the clock guard trips at {later}"));
    let client = served.client(who, &*world.secret(who)?).await?;
    let (held, said) = match client.run_purge().await {
        Ok(report) => {
            let nothing =
                report.certificate.is_none() && report.generation_before == report.generation_after;
            (nothing && report.skipped.is_some(), report.skipped.unwrap_or_default())
        }
        Err(error) => (error.reason().is_some(), error.to_string()),
    };
    world.tell.check(held, &format!("the purge refuses to run: {said}"));
    Ok(())
}

/// Sets the clock back and has a person confirm it.
pub(super) async fn set_back_and_confirm(
    world: &mut World<'_>,
    served: &mut Served,
    who: &str,
) -> Result<(), DemoError> {
    let before = world.before_jump.take().ok_or(DemoError::Order("jump-ahead"))?;
    world.clock.set(before.plus_millis(MINUTE_MS));
    served.forget_sessions();
    let today = world.clock.now().date_in(served.vault.pack().zone());
    let client = served.client(who, &*world.secret(who)?).await?;
    client.confirm_clock(&today.to_string()).await?;
    let tripped = served.vault.state()?.clock_tripped;
    world.tell.check(!tripped, &format!("{who} confirms {today}; the guard is at rest"));
    Ok(())
}

/// Lets the days pass one by one; each day the vault does its own work, and says what it did.
pub(super) async fn advance(
    world: &mut World<'_>,
    served: &mut Served,
    until: NaiveDate,
    due_from: NaiveDate,
) -> Result<(), DemoError> {
    served.forget_sessions();
    let zone = world.script.zone;
    let mut quiet: Option<(NaiveDate, NaiveDate)> = None;
    let (mut early, mut purges) = (0_usize, 0_usize);
    while world.clock.now().date_in(zone) < until {
        world.clock.advance_millis(DAY_MS);
        let now = world.clock.now();
        let today = now.date_in(zone);
        served.tick().await?;
        let report = report(served, now)?;
        if report.is_empty() {
            quiet = Some((quiet.map_or(today, |(first, _)| first), today));
            continue;
        }
        tell_quiet(world, quiet.take());
        early += usize::from(today < due_from);
        purges += 1;
        report.iter().for_each(|line| world.tell.detail(&format!("{today}: {line}")));
    }
    tell_quiet(world, quiet);
    world.tell.check(early == 0, &format!("nothing was purged before {due_from}"));
    world.tell.check(purges > 0, &format!("{purges} purges by {until}, each by itself"));
    let overdue = served.vault.state()?.overdue_ms;
    world.tell.check(overdue == 0, "nothing is overdue");
    Ok(())
}

fn tell_quiet(world: &mut World<'_>, quiet: Option<(NaiveDate, NaiveDate)>) {
    if let Some((first, last)) = quiet {
        let days = (last - first).num_days() + 1;
        world.tell.detail(&format!("{first} to {last}: {days} days, no record due, none purged"));
    }
}

/// What today's purge wrote into the log, where it destroyed anything. Segments that were opened for
/// an import and never used go on their date as well, without a word.
fn report(served: &Served, now: Timestamp) -> Result<Vec<String>, DemoError> {
    let filter =
        EventFilter { kind: Some("purge".to_owned()), since: Some(now), ..EventFilter::default() };
    let page = served.vault.log().list(&filter, None, EVENTS)?;
    let done = page.events.into_iter().filter_map(|event| match event.detail {
        EventDetail::Open(detail) if detail.outcome == "OK" => Some(detail.notes),
        _ => None,
    });
    Ok(done.filter(|notes| destroyed(notes)).map(|notes| said(&notes)).collect())
}

/// Whether a purge event counts anything.
fn destroyed(notes: &[String]) -> bool {
    let counted = |note: &String| {
        let (what, count) = note.split_once('=').unwrap_or_default();
        ["records", "sections", "index_rows", "events"].contains(&what) && count != "0"
    };
    notes.iter().any(counted)
}

/// The counts of a purge event, without its ids.
fn said(notes: &[String]) -> String {
    let shown = ["generation=", "records=", "sections=", "index_rows=", "events="];
    let picked = notes.iter().filter(|note| shown.iter().any(|start| note.starts_with(start)));
    format!("purged, {}", picked.cloned().collect::<Vec<_>>().join(", "))
}
