//! The interpreter: one step after the other, each printed before it is done.

use super::{
    DemoError, World, certificate, copies, filing, holds, people, raw, records,
    script::{Call, Step},
    served::Served,
    time,
};
use crate::{
    client::types::{Assignee, Intent},
    retention,
};

/// Plays every step of the script.
pub(super) async fn play(world: &mut World<'_>) -> Result<(), DemoError> {
    world.tell.line(&world.script.title.clone());
    world.tell.say("A vault is founded in temporary folders: one data folder, two key places.");
    people::found(world).await?;
    let mut served = Served::start(&world.means, &world.home).await?;
    for step in world.script.steps.clone() {
        tell(world, &step);
        served = one(world, served, step.call).await?;
    }
    served.stop().await
}

/// Plays only the steps that fill a vault, for one that is kept running.
pub(super) async fn prepare(world: &mut World<'_>) -> Result<Served, DemoError> {
    people::found(world).await?;
    let mut served = Served::start(&world.means, &world.home).await?;
    for step in world.script.steps.clone() {
        let fills = match &step.call {
            Call::LogIn | Call::File => true,
            Call::Assign { refused, .. } => refused.is_none(),
            _ => false,
        };
        if fills {
            tell(world, &step);
            served = one(world, served, step.call).await?;
        }
    }
    Ok(served)
}

fn tell(world: &mut World<'_>, step: &Step) {
    if let Some(part) = &step.part {
        world.tell.part(part);
    }
    world.tell.say(&step.say);
}

/// One step. Those that need the vault stopped give back another one.
async fn one(world: &mut World<'_>, mut served: Served, call: Call) -> Result<Served, DemoError> {
    match call {
        Call::LogIn => people::log_in(world, &mut served).await?,
        Call::File => filing::all(world, &mut served).await?,
        Call::Assign { who, record, agent, unit, purpose, refused } => {
            let to = match (agent, unit) {
                (Some(agent), None) => Assignee::Agent(agent),
                (_, unit) => Assignee::Unit(unit.unwrap_or_default()),
            };
            let refused = refused.as_deref();
            records::assign(world, &mut served, &who, &record, &to, &purpose, refused).await?;
        }
        Call::Reveal(step) => records::reveal(world, &mut served, &step).await?,
        Call::Events { who, record, must_name } => {
            records::events(world, &mut served, &who, &record, &must_name).await?;
        }
        Call::KeepOldCopy { look } => return copies::keep(world, served, &look).await,
        Call::Erase { who, reader, record, purpose, justification } => {
            let why = Intent { justification: Some(justification), ..Intent::of(&purpose) };
            erase(world, &mut served, (&who, &reader), &record, &why).await?;
        }
        Call::Hold { step, authority, reason, until } => {
            holds::hold(world, &mut served, &step, (&authority, &reason, &until)).await?;
        }
        Call::ReadHeld { step, classes } => {
            holds::read(world, &mut served, &step, &classes).await?;
        }
        Call::Release { who, record } => {
            holds::release(world, &mut served, (&who, &record)).await?;
        }
        Call::JumpAhead { months, who } => {
            time::jump_ahead(world, &mut served, months, &who).await?;
        }
        Call::SetBackAndConfirm { who } => {
            time::set_back_and_confirm(world, &mut served, &who).await?;
        }
        Call::Advance { until, due_from } => {
            time::advance(world, &mut served, until, due_from).await?;
        }
        Call::Certificate { who } => certificate::check(world, &mut served, &who).await?,
        Call::OpenOldCopy { look } => return copies::open_old(world, served, &look).await,
        Call::OpenOldFiles { gone, live } => return raw::open(world, served, &gone, &live).await,
        Call::Status { who } => status(world, &mut served, &who).await?,
    }
    Ok(served)
}

/// Erases a record, verifies the certificate offline, and asks for the record once more.
async fn erase(
    world: &mut World<'_>,
    served: &mut Served,
    (who, reader): (&str, &str),
    record: &str,
    why: &Intent,
) -> Result<(), DemoError> {
    let id = world.record(record)?;
    let client = served.client(who, &*world.secret(who)?).await?;
    let erased = client.erase(why, &[id]).await?;
    let done = erased.items.iter().all(|item| item.reason.is_none());
    world.tell.check(done, &format!("{record} erased by {who}, generation {}", erased.generation));
    let reader = served.client(reader, &*world.secret(reader)?).await?;
    let json = reader.certificate(erased.certificate).await?;
    let holds = retention::verify(&json, &world.certificate_key)
        .is_ok_and(|summary| summary.records == 1 && summary.t2.is_none());
    world.tell.check(holds, "its certificate verifies offline, and leaves T2 to the coming night");
    let again = client.erase(why, &[id]).await?;
    let absent = again.items.iter().all(|item| item.reason.as_deref() == Some("NOT_AVAILABLE"));
    world.tell.check(absent, "asked again, it is as absent as one that never was");
    Ok(())
}

async fn status(world: &mut World<'_>, served: &mut Served, who: &str) -> Result<(), DemoError> {
    let client = served.client(who, &*world.secret(who)?).await?;
    let status = client.status().await?;
    world.tell.detail(&format!(
        "class {}, generation {}, {} leaves in the log, {} live cohorts, {} open alarms",
        status.class, status.generation, status.log_size, status.live_cohorts, status.open_alarms
    ));
    world.tell.check(status.overdue_ms == 0, "nothing is overdue");
    world.tell.check(status.log_writable, "the log can be written");
    Ok(())
}
