//! `oubliette agent`: habilitations. The vault decides who may appoint whom.

use chrono::NaiveDate;
use serde_json::json;

use super::{
    connect::{Connection, block_on},
    failure::Failure,
    out,
};
use crate::client::types::{Agent, AgentKind, Habilitation, NewAgent};

const AFTER_CREATE: &str = "\
Example:
  oubliette agent create --agent op-1 --name \"Operator one\" --role operator \\
      --unit cell-1 --territory north --from 2020-11-23 --to 2021-03-31 \\
      --authority \"head of the body\" --undertaking-on 2020-11-20 --undertaking-ref file-12

Prints a one-time secret, once. Hand it over by another way than the login name; it is changed at
first login. A login name is never reused.";

/// Subcommands of `agent`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Appoint an agent and print its one-time secret
    Create(Box<CreateArgs>),
    /// End every habilitation and session of an agent, for good
    #[command(after_help = "Example:\n  oubliette agent revoke op-1")]
    Revoke {
        /// Login name
        agent: String,
        #[command(flatten)]
        connection: Connection,
    },
    /// List agents, revoked ones included
    #[command(after_help = "Example:\n  oubliette agent list --json")]
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        connection: Connection,
    },
}

/// Arguments of `agent create`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_CREATE)]
pub(super) struct CreateArgs {
    /// Login name
    #[arg(long, value_name = "ID")]
    agent: String,
    /// Name for people to read
    #[arg(long)]
    name: String,
    /// A service account instead of a person
    #[arg(long)]
    service_account: bool,
    /// Role of the pack
    #[arg(long)]
    role: String,
    /// Unit of the pack
    #[arg(long)]
    unit: Option<String>,
    /// Territory of the pack
    #[arg(long)]
    territory: Option<String>,
    /// First day
    #[arg(long, value_name = "YYYY-MM-DD")]
    from: NaiveDate,
    /// Last day
    #[arg(long, value_name = "YYYY-MM-DD")]
    to: NaiveDate,
    /// Who issues the habilitation
    #[arg(long)]
    authority: String,
    /// Profession, where the pack asks for one
    #[arg(long)]
    profession: Option<String>,
    /// The agent is sworn
    #[arg(long)]
    sworn: bool,
    /// Day of the secrecy undertaking
    #[arg(long, value_name = "YYYY-MM-DD")]
    undertaking_on: Option<NaiveDate>,
    /// Where the signed undertaking is filed
    #[arg(long, value_name = "TEXT")]
    undertaking_ref: Option<String>,
    /// Print JSON, the secret included
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

/// Runs one subcommand.
pub(super) fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Create(args) => create(*args),
        Command::Revoke { agent, connection } => {
            block_on(async { Ok(connection.client().await?.revoke_agent(&agent).await?) })?;
            out::line(&format!("{agent} is revoked"));
            Ok(())
        }
        Command::List { json, connection } => {
            let agents = block_on(async { Ok(connection.client().await?.list_agents().await?) })?;
            out::either(json, &agents, || list(&agents))
        }
    }
}

fn create(args: CreateArgs) -> Result<(), Failure> {
    let agent = args.agent.clone();
    let new = NewAgent {
        agent: args.agent,
        kind: if args.service_account { AgentKind::Service } else { AgentKind::Person },
        display_name: args.name,
        habilitation: Habilitation {
            role: args.role,
            unit: args.unit,
            territory: args.territory,
            valid_from: args.from.to_string(),
            valid_to: args.to.to_string(),
            authority: args.authority,
            profession: args.profession,
            sworn: args.sworn,
            undertaking_on: args.undertaking_on.map(|d| d.to_string()),
            undertaking_ref: args.undertaking_ref,
        },
    };
    let connection = args.connection;
    let secret = block_on(async { Ok(connection.client().await?.create_agent(new).await?) })?;
    // EXPOSE: shown once to the key admin, who hands it to its agent.
    let secret = String::from_utf8_lossy(secret.expose());
    out::either(args.json, &json!({"agent": agent, "one_time_secret": secret}), || {
        out::line(&format!("{agent} is appointed"));
        out::line(&format!("one-time secret, shown once: {secret}"));
    })
}

fn list(agents: &[Agent]) {
    let rows: Vec<_> = agents.iter().flat_map(rows).collect();
    let heading = ["AGENT", "KIND", "ROLE", "UNIT", "TERRITORY", "PROFESSION", "VALID", "STATE"];
    out::table(heading, &rows);
}

/// One row for each habilitation, and one for an agent without any.
fn rows(agent: &Agent) -> Vec<[String; 8]> {
    let state = match (agent.revoked, agent.one_time_secret) {
        (true, _) => "revoked",
        (false, true) => "not logged in yet",
        (false, false) => "active",
    };
    let kind = match agent.kind {
        AgentKind::Person => "person",
        AgentKind::Service => "service",
    };
    let row = |given: Option<&Habilitation>| {
        let of = |part: fn(&Habilitation) -> Option<&String>| {
            given.and_then(part).map_or_else(|| "-".to_owned(), |text| out::plain(text))
        };
        let valid = given.map(|h| format!("{} to {}", h.valid_from, h.valid_to));
        [
            agent.agent.clone(),
            kind.to_owned(),
            of(|h| Some(&h.role)),
            of(|h| h.unit.as_ref()),
            of(|h| h.territory.as_ref()),
            of(|h| h.profession.as_ref()),
            valid.unwrap_or_else(|| "-".to_owned()),
            state.to_owned(),
        ]
    };
    match agent.habilitations.as_slice() {
        [] => vec![row(None)],
        all => all.iter().map(|given| row(Some(given))).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listed_agent_has_a_row_with_everything_for_each_habilitation() {
        let first = Habilitation {
            role: "nurse".into(),
            unit: Some("ward-1".into()),
            territory: Some("north".into()),
            profession: Some("registered-nurse".into()),
            valid_from: "2020-11-23".into(),
            valid_to: "2021-03-31".into(),
            ..Habilitation::default()
        };
        let second = Habilitation { role: "clerk".into(), ..Habilitation::default() };
        let agent = Agent {
            agent: "op-1".into(),
            kind: AgentKind::Service,
            display_name: String::new(),
            habilitations: vec![first, second],
            revoked: false,
            one_time_secret: false,
            revision: 1,
        };
        let listed = rows(&agent);
        let valid = "2020-11-23 to 2021-03-31";
        let whole =
            ["op-1", "service", "nurse", "ward-1", "north", "registered-nurse", valid, "active"];
        assert_eq!(listed[0], whole);
        assert_eq!(listed[1][2..6], ["clerk", "-", "-", "-"]);
        let bare = Agent { habilitations: vec![], revoked: true, ..agent };
        assert_eq!(rows(&bare).len(), 1);
        assert_eq!(rows(&bare)[0][7], "revoked");
    }
}
