//! Steps that touch records: assigning, revealing, and listing who saw what.

use super::{
    DemoError, World,
    script::{Expect, Reveal},
    served::Served,
};
use crate::{
    client::types::{Assignee, Detail, EventFilter, Field, FieldStatus, Intent, Revealed},
    ids::RecordId,
};

/// Events asked for in one page.
const PAGE: u32 = 100;

/// Assigns a record.
pub(super) async fn assign(
    world: &mut World<'_>,
    served: &mut Served,
    who: &str,
    record: &str,
    to: &Assignee,
    purpose: &str,
    refused: Option<&str>,
) -> Result<(), DemoError> {
    let id = world.record(record)?;
    let client = served.client(who, &*world.secret(who)?).await?;
    let answer = client.assign(&Intent::of(purpose), id, to, None).await;
    let name = match to {
        Assignee::Agent(agent) => agent.clone(),
        Assignee::Unit(unit) => unit.clone(),
    };
    match (answer, refused) {
        (Ok(_), None) => world.tell.check(true, &format!("{record} assigned to {name} by {who}")),
        (Ok(_), Some(reason)) => {
            world.tell.check(false, &format!("{record} was assigned, expected {reason}"));
        }
        (Err(error), expected) => {
            let reason = error.reason().map(|r| r.as_str()).ok_or(error)?;
            let what = format!("{who} assigning {record} to {name}: {reason}");
            world.tell.check(expected == Some(reason), &what);
        }
    }
    Ok(())
}

/// Reveals and compares with what the script expects; prints each field with its status.
pub(super) async fn reveal(
    world: &mut World<'_>,
    served: &mut Served,
    step: &Reveal,
) -> Result<(), DemoError> {
    let id = world.record(&step.record)?;
    let client = served.client(&step.who, &*world.secret(&step.who)?).await?;
    let classes: Vec<&str> = step.classes.iter().map(String::as_str).collect();
    let asked = format!("{} asks {} for {}", step.who, step.record, step.classes.join(", "));
    match client.reveal(&Intent::of(&step.purpose), id, &classes).await {
        Ok(answer) => {
            show(world, &answer);
            let held = match &step.expect {
                Expect::Fields(classes) => classes.iter().all(|(c, s)| has(&answer, c, s)),
                Expect::Refused(_) => false,
            };
            world.tell.check(held, &asked);
        }
        Err(error) => {
            let reason = error.reason().map(|r| r.as_str()).ok_or(error)?;
            let held = step.expect == Expect::Refused(reason.to_owned());
            world.tell.check(held, &format!("{asked}: {reason}"));
        }
    }
    Ok(())
}

/// Whether the fields of a class have this status.
fn has(answer: &Revealed, class: &str, status: &str) -> bool {
    let fields: Vec<&Field> = answer.fields.iter().filter(|f| f.class == class).collect();
    let may_be_absent = matches!(status, "VALUE" | "MASKED");
    let fits = |f: &&Field| {
        f.status.as_str() == status || (may_be_absent && f.status == FieldStatus::Absent)
    };
    fields.iter().any(|f| f.status.as_str() == status) && fields.iter().all(fits)
}

pub(super) fn show(world: &mut World<'_>, answer: &Revealed) {
    for field in &answer.fields {
        let value = field.value.as_ref().and_then(|value| serde_json::to_string(value).ok());
        let text = format!(
            "{:<12} {:<16} {:<7} {}",
            field.class,
            field.field,
            field.status.as_str(),
            value.unwrap_or_default()
        );
        world.tell.detail(text.trim_end());
    }
}

/// Who saw what of a record under which rule.
pub(super) async fn events(
    world: &mut World<'_>,
    served: &mut Served,
    who: &str,
    record: &str,
    must_name: &[String],
) -> Result<(), DemoError> {
    let id: RecordId = world.record(record)?;
    let client = served.client(who, &*world.secret(who)?).await?;
    let filter = EventFilter { record: Some(id), ..EventFilter::default() };
    let (mut after, mut seen, mut lines) = (None, Vec::new(), Vec::new());
    loop {
        let page = client.list_events(&filter, after, PAGE).await?;
        for event in &page.events {
            let Detail::Open(detail) = &event.detail else { continue };
            seen.push(detail.agent.clone());
            let mut given: Vec<&str> = detail.given.iter().map(|g| g.class.as_str()).collect();
            given.dedup();
            let rules: Vec<&str> = detail.policies.iter().map(|(id, _)| id.as_str()).collect();
            lines.push(format!(
                "{} {:<13} {:<11} {:<7} {:<13} gave [{}] under [{}]",
                event.time,
                detail.agent,
                event.kind,
                detail.decision,
                detail.outcome,
                given.join(", "),
                rules.join(", ")
            ));
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    // The log answers newest first; a story is told from its beginning.
    lines.iter().rev().for_each(|line| world.tell.detail(line));
    let named = must_name.iter().all(|agent| seen.contains(agent));
    let what = format!("the log names {} for {record}", must_name.join(", "));
    world.tell.check(named, &what);
    Ok(())
}
