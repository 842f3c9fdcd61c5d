//! `demo --serve`: a vault with the sample, kept running on a clock that runs from the script's start.

use std::{path::Path, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{
    DemoError, Interrupt, Tell, World,
    script::{Call, Expect, Reveal},
    served::Served,
    steps,
};
use crate::limits;

/// Serves until interrupted. Prints the address, one session per role, and a line to paste.
pub(super) async fn serve(
    policy: Option<&Path>,
    folder: &Path,
    tell: &mut Tell,
    interrupt: &mut Interrupt,
) -> Result<(), DemoError> {
    let mut world = World::running(policy, folder, tell)?;
    world.tell.part("A vault to try, on a clock that runs from the demo's start");
    let served = tokio::select! {
        served = steps::prepare(&mut world) => served?,
        () = interrupt.arrived() => return Err(DemoError::Interrupted),
    };
    let mut every = tokio::time::interval(Duration::from_millis(limits::TICK_MS));
    introduce(&mut world, &served).await?;
    loop {
        tokio::select! {
            () = interrupt.arrived() => break,
            _ = every.tick() => served.tick().await?,
        }
    }
    world.tell.say("Stopping; the folders are deleted.");
    served.stop().await
}

async fn introduce(world: &mut World<'_>, served: &Served) -> Result<(), DemoError> {
    world.tell.say("Sessions (metadata `authorization: Bearer TOKEN`), one per role:");
    let mut tokens: Vec<(String, String)> = Vec::new();
    let mut roles: Vec<String> = Vec::new();
    for agent in world.script.agents.clone() {
        if roles.contains(&agent.role) {
            continue;
        }
        roles.push(agent.role.clone());
        let login =
            served.visitor().await?.login(&agent.agent, &*world.secret(&agent.agent)?).await?;
        // EXPOSE: the demo's sessions are there to be tried; the vault and its data are synthetic.
        let token = String::from_utf8_lossy(login.token.expose()).into_owned();
        world.tell.detail(&format!("{:<16} {:<12} {token}", agent.role, agent.agent));
        tokens.push((agent.agent, token));
    }
    world.tell.say("Or log in as one of them; these secrets are of this demo alone:");
    for agent in world.script.agents.clone() {
        let secret = world.secret(&agent.agent)?;
        // EXPOSE: as above: a synthetic vault's agents, for Agents/Login from another language.
        let secret = String::from_utf8_lossy(secret.expose()).into_owned();
        world.tell.detail(&format!("login {:<12} {secret}", agent.agent));
    }
    let shown = world.script.steps.clone().into_iter().find_map(|step| match step.call {
        Call::Reveal(reveal) if matches!(reveal.expect, Expect::Fields(_)) => Some(reveal),
        _ => None,
    });
    if let Some(reveal) = shown {
        let token = tokens.iter().find(|(agent, _)| *agent == reveal.who);
        if let Some((_, token)) = token {
            world.tell.say("Paste this to reveal a record as one of them:");
            world.tell.line(&grpcurl(world, served, &reveal, token)?);
        }
    }
    world.tell.say(&format!("serving on {} (loopback); Ctrl-C ends it", served.address));
    Ok(())
}

fn grpcurl(
    world: &World<'_>,
    served: &Served,
    reveal: &Reveal,
    token: &str,
) -> Result<String, DemoError> {
    let message = serde_json::json!({
        "intent": { "purpose": reveal.purpose },
        "record_id": STANDARD.encode(world.record(&reveal.record)?.as_bytes()),
        "classes": reveal.classes,
    });
    Ok(format!(
        "grpcurl -plaintext -H 'authorization: Bearer {token}' -d '{message}' {} oubliette.v1.Records/Reveal",
        served.address
    ))
}
