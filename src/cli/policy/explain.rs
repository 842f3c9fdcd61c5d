//! `oubliette policy explain`: for each class and act, by which policy it is allowed, under which law and if
//! what holds; or what refuses it.

use std::{collections::BTreeMap, path::PathBuf};

use serde_json::{Value as Json, json};

use super::matrix::loaded;
use crate::{
    cli::{failure::Failure, out},
    policy::{
        Pack, PolicyRef,
        explore::{Finding, Need, Subject, Way},
    },
};

const AFTER: &str = "\
Example:
  oubliette policy explain --policy /etc/oubliette/policy --role ROLE --purpose PURPOSE \\
      --collection COLLECTION

For each class and act: the policies that can allow it and what must hold for each, all of it; after a
condition, the policy that refuses where it does not hold. The engine is asked in every situation that the
policies tell apart; nothing of it is a promise about one record, which has its own facts. `oubliette
describe` lists the words of a running vault's pack.";

/// Arguments of `policy explain`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub(in crate::cli) struct Args {
    /// The pack
    #[arg(long, value_name = "DIR")]
    policy: PathBuf,
    /// Who
    #[arg(long, value_name = "NAME")]
    role: String,
    /// What for
    #[arg(long, value_name = "NAME")]
    purpose: String,
    /// With which records
    #[arg(long, value_name = "NAME")]
    collection: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs the subcommand.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let pack = loaded(&args.policy)?;
    let purposes = pack.purposes();
    let (role, role_label) = named("role", &args.role, pack.roles())?;
    let (purpose, purpose_label) = named("purpose", &args.purpose, &purposes)?;
    let collections: Vec<_> =
        pack.collections().iter().map(|c| (c.name.clone(), c.label.clone())).collect();
    let (name, collection_label) = named("collection", &args.collection, &collections)?;
    let collection = pack.collection(name).ok_or_else(|| Failure::new("no such collection"))?;
    let findings =
        pack.explore(Subject { role, purpose, collection }).map_err(|e| Failure::of(&e))?;
    let machine = json!({
        "role": role.to_string(), "purpose": purpose.to_string(), "collection": name.to_string(),
        "pack": pack.name(), "pack_hash": hex::encode(pack.hash()),
        "findings": findings.iter().map(finding).collect::<Vec<_>>(),
    });
    out::either(args.json, &machine, || {
        out::line(&format!("role        {role}: {role_label}"));
        out::line(&format!("purpose     {purpose}: {purpose_label}"));
        out::line(&format!("collection  {name}: {collection_label}"));
        print(&pack, &findings);
    })
}

/// A word of the pack, or a refusal that lists them.
fn named<'a, N: ToString>(
    what: &str,
    given: &str,
    known: &'a [(N, String)],
) -> Result<(&'a N, &'a str), Failure> {
    let found = known.iter().find(|(name, _)| name.to_string() == given);
    found.map(|(name, label)| (name, label.as_str())).ok_or_else(|| {
        let all: Vec<String> = known.iter().map(|(name, _)| name.to_string()).collect();
        Failure::usage(format!("the pack has no {what} `{given}`"))
            .hint(format!("it has {}", all.join(", ")))
    })
}

fn print(pack: &Pack, findings: &[Finding]) {
    let (mut class, mut met) = (None, BTreeMap::new());
    for finding in findings {
        if class != Some(&finding.class) {
            let label = pack.classes().iter().find(|(name, _)| *name == finding.class);
            let label = label.map(|(_, label)| format!(": {label}")).unwrap_or_default();
            out::line(&format!("\n{}{label}", finding.class));
            class = Some(&finding.class);
        }
        let word = finding.act.word();
        for way in &finding.ways {
            out::line(&format!("  {word:<7} allowed by {}", way.policy.id));
            note(&mut met, [&way.policy]);
            for need in &way.needs {
                let stop: Vec<&str> = need.stopped_by.iter().map(|p| p.id.as_str()).collect();
                let stop = if stop.is_empty() {
                    String::new()
                } else {
                    format!("  (else {})", stop.join(", "))
                };
                out::line(&format!("            if {}{stop}", need.text()));
                note(&mut met, &need.stopped_by);
            }
        }
        let ids: Vec<&str> = finding.refused_by.iter().map(|p| p.id.as_str()).collect();
        match (finding.ways.is_empty(), ids.is_empty()) {
            (true, true) => out::line(&format!("  {word:<7} never: no policy allows it")),
            (true, false) => {
                out::line(&format!("  {word:<7} never: refused by {}", ids.join(", ")));
                note(&mut met, &finding.refused_by);
            }
            (false, _) => {}
        }
    }
    out::line("\nPolicies");
    for (id, policy) in met {
        out::line(&format!("  {id}: {}", policy.reason));
        out::line(&format!("    law: {}", policy.legal));
    }
}

fn note<'a>(
    met: &mut BTreeMap<String, PolicyRef>,
    policies: impl IntoIterator<Item = &'a PolicyRef>,
) {
    met.extend(policies.into_iter().map(|policy| (policy.id.clone(), policy.clone())));
}

fn finding(finding: &Finding) -> Json {
    json!({
        "class": finding.class.to_string(),
        "act": finding.act.word(),
        "allowed": finding.ways.iter().map(way).collect::<Vec<_>>(),
        "refused_by": finding.refused_by.iter().map(policy).collect::<Vec<_>>(),
    })
}

fn way(way: &Way) -> Json {
    json!({"policy": policy(&way.policy), "needs": way.needs.iter().map(need).collect::<Vec<_>>()})
}

fn need(need: &Need) -> Json {
    json!({
        "fact": need.fact,
        "values": need.values,
        "else": need.stopped_by.iter().map(|p| p.id.clone()).collect::<Vec<_>>(),
    })
}

fn policy(policy: &PolicyRef) -> Json {
    json!({"id": policy.id, "reason": policy.reason, "legal": policy.legal})
}
