//! Steps of holds: kept with a second person's leave, read past the date with another, and let go.

use super::{DemoError, World, script::HoldStep, served::Served};
use crate::client::types::{Hold, HoldOrder, Intent};

/// Holds a record: nobody does so alone.
pub(super) async fn hold(
    world: &mut World<'_>,
    served: &mut Served,
    step: &HoldStep,
    order: (&str, &str, &str),
) -> Result<(), DemoError> {
    let (authority, reason, until) = order;
    let order = HoldOrder {
        records: vec![world.record(&step.record)?],
        authority: authority.to_owned(),
        reason: reason.to_owned(),
        ends_on: until.to_owned(),
    };
    let client = served.client(&step.who, &*world.secret(&step.who)?).await?;
    let second = served.client(&step.second, &*world.secret(&step.second)?).await?;
    let why = intent(step);
    let alone = client.place_hold(&why, &order, None).await;
    let refused = alone.err().and_then(|error| error.reason()).map(|reason| reason.as_str());
    world.tell.check(refused == Some("APPROVAL_NEEDED"), &format!("{} alone may not", step.who));
    let asked = client.ask_hold(&why, &order, reason).await?;
    second.approve(asked.approval).await?;
    let placed = client.place_hold(&why, &order, Some(asked.approval)).await?;
    let holds = client.list_holds().await?;
    let listed = |hold: &Hold| placed.contains(&hold.hold) && hold.approver == step.second;
    world.tell.check(
        holds.iter().any(listed),
        &format!("{} held until {until}, with the leave of {}", step.record, step.second),
    );
    Ok(())
}

/// Reads a held record past its date, with leave.
pub(super) async fn read(
    world: &mut World<'_>,
    served: &mut Served,
    step: &HoldStep,
    classes: &[String],
) -> Result<(), DemoError> {
    let record = world.record(&step.record)?;
    let classes: Vec<&str> = classes.iter().map(String::as_str).collect();
    let client = served.client(&step.who, &*world.secret(&step.who)?).await?;
    let second = served.client(&step.second, &*world.secret(&step.second)?).await?;
    let why = intent(step);
    let alone = client.reveal(&why, record, &classes).await;
    let refused = alone.err().and_then(|error| error.reason()).map(|reason| reason.as_str());
    world.tell.check(refused == Some("APPROVAL_NEEDED"), &format!("{} alone may not", step.who));
    let asked = client.ask_reveal(&why, record, &classes, "the authority asks for it").await?;
    second.approve(asked.approval).await?;
    let shown = client.reveal_approved(&why, record, &classes, Some(asked.approval)).await?;
    super::records::show(world, &shown);
    let told = shown.fields.iter().any(|field| field.value.is_some());
    world.tell.check(told, &format!("{} read with the leave of {}", step.record, step.second));
    Ok(())
}

/// Ends every hold on a record; what it kept past its date is erased.
pub(super) async fn release(
    world: &mut World<'_>,
    served: &mut Served,
    (who, record): (&str, &str),
) -> Result<(), DemoError> {
    let id = world.record(record)?;
    let client = served.client(who, &*world.secret(who)?).await?;
    let holds = client.list_holds().await?.into_iter().filter(|hold| hold.record == id);
    let ids: Vec<_> = holds.map(|hold| hold.hold).collect();
    let released = client.release_hold(&ids).await?;
    let erased = released.erased == 1 && released.certificate.is_some();
    world.tell.check(erased, &format!("{record} erased with the end of its hold, and certified"));
    Ok(())
}

fn intent(step: &HoldStep) -> Intent {
    let justification = Some(step.justification.clone());
    Intent { justification, ..Intent::of(&step.purpose) }
}
