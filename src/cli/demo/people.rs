//! Founding the vault, and everybody's first login: one-time secrets are changed, agents appointed.

use std::sync::Arc;

use super::{DemoError, World, script::Agent, served::Served};
use crate::{
    client::types as client,
    identity::{AgentKind, Habilitation, NewAgent},
    ids::{AgentId, RoleName, TerritoryName, UnitName},
    random::{OsRandom, Random as _},
    secret::SecretBytes,
    vault::startup::{self, Founders},
};

/// `init`: places, first generation, leaf 0, two persons with one-time secrets.
pub(super) async fn found(world: &mut World<'_>) -> Result<(), DemoError> {
    let (key_admin, dpo) = (world.script.key_admin.clone(), world.script.dpo.clone());
    let founders = Founders {
        vault_name: world.script.vault.clone(),
        node: world.script.node.clone(),
        key_admin: founder(&listed(world, &key_admin)?)?,
        dpo: founder(&listed(world, &dpo)?)?,
    };
    startup::prepare_data_folder(&world.home.data)?;
    let (means, home) = (world.means.clone(), world.home.clone());
    let work = move || Ok::<_, DemoError>(startup::found(means.parts(&home)?, founders)?);
    let founded = tokio::task::spawn_blocking(work).await??;
    world.tell.detail(&format!("audit log key    {}", founded.log_verifier_key));
    world.tell.detail(&format!("certificate key  {}", founded.certificate_verifier_key));
    world.tell.detail(&format!(
        "class {:?}: temporary folders on this machine's disk; old key slots may physically survive there",
        founded.class
    ));
    world.certificate_key = founded.certificate_verifier_key;
    world.log_key = founded.log_verifier_key;
    world.secrets.insert(key_admin, Arc::new(founded.key_admin_secret.0));
    world.secrets.insert(dpo, Arc::new(founded.dpo_secret.0));
    Ok(())
}

/// Everybody logs in for the first time; the key admin appoints those who are not there yet.
pub(super) async fn log_in(world: &mut World<'_>, served: &mut Served) -> Result<(), DemoError> {
    let key_admin = world.script.key_admin.clone();
    first_login(world, served, &key_admin).await?;
    for agent in world.script.agents.clone() {
        if agent.agent == key_admin {
            continue;
        }
        if !world.secrets.contains_key(&agent.agent) {
            let admin = served.client(&key_admin, &*world.secret(&key_admin)?).await?;
            let one_time = admin.create_agent(appointed(&agent)).await?;
            world.secrets.insert(agent.agent.clone(), Arc::new(one_time));
        }
        first_login(world, served, &agent.agent).await?;
    }
    let count = world.secrets.len();
    world.tell.check(count == world.script.agents.len(), &format!("{count} agents logged in"));
    Ok(())
}

async fn first_login(
    world: &mut World<'_>,
    served: &mut Served,
    who: &str,
) -> Result<(), DemoError> {
    let new = Arc::new(make_secret());
    let one_time = world.secret(who)?;
    let login = served.visitor().await?.login_first(who, &one_time, &new).await?;
    served.keep(who, &login).await?;
    world.secrets.insert(who.to_owned(), new);
    Ok(())
}

fn make_secret() -> SecretBytes {
    let mut bytes = [0; 16];
    OsRandom.fill(&mut bytes);
    SecretBytes::new(hex::encode(bytes).into_bytes())
}

fn listed(world: &World<'_>, name: &str) -> Result<Agent, DemoError> {
    let found = world.script.agents.iter().find(|agent| agent.agent == name);
    found.cloned().ok_or_else(|| DemoError::NoAgent(name.to_owned()))
}

/// As `init` takes an agent.
fn founder(agent: &Agent) -> Result<NewAgent, DemoError> {
    let unit = agent.unit.as_deref().map(UnitName::parse);
    let territory = agent.territory.as_deref().map(TerritoryName::parse);
    Ok(NewAgent {
        agent: AgentId::parse(&agent.agent)?,
        kind: if agent.service_account { AgentKind::Service } else { AgentKind::Person },
        display_name: agent.display_name.clone(),
        habilitation: Habilitation {
            role: RoleName::parse(&agent.role)?,
            unit: unit.transpose()?,
            territory: territory.transpose()?,
            valid_from: agent.valid_from,
            valid_to: agent.valid_to,
            authority: agent.authority.clone(),
            profession: agent.profession.clone(),
            sworn: agent.sworn,
            undertaking_on: agent.undertaking_on,
            undertaking_ref: agent.undertaking_ref.clone(),
        },
    })
}

/// As the API takes an agent.
fn appointed(agent: &Agent) -> client::NewAgent {
    let kind = match agent.service_account {
        true => client::AgentKind::Service,
        false => client::AgentKind::Person,
    };
    client::NewAgent {
        agent: agent.agent.clone(),
        kind,
        display_name: agent.display_name.clone(),
        habilitation: client::Habilitation {
            role: agent.role.clone(),
            unit: agent.unit.clone(),
            territory: agent.territory.clone(),
            valid_from: agent.valid_from.to_string(),
            valid_to: agent.valid_to.to_string(),
            authority: agent.authority.clone(),
            profession: agent.profession.clone(),
            sworn: agent.sworn,
            undertaking_on: agent.undertaking_on.map(|date| date.to_string()),
            undertaking_ref: agent.undertaking_ref.clone(),
        },
    }
}
