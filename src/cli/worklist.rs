//! `oubliette worklist`: the records assigned to somebody, with their attributes. Nothing identifying
//! is in it.

use std::collections::BTreeSet;

use serde_json::json;

use super::{
    connect::{Connection, block_on},
    failure::Failure,
    listing::{self, Limit},
    out,
    why::Reading,
};
use crate::client::types::{Assignee, WorklistItem};

const AFTER: &str = "\
Example:
  oubliette worklist --collection files --purpose follow-up
  oubliette worklist --collection files --purpose follow-up --unit cell-1 --limit 20

Without --agent and --unit: your own records and those in your unit's queue. Those that expire first
come first. VERSION is what `oubliette update --version` wants.";

/// Arguments of `worklist`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub(super) struct Args {
    /// Collection of the pack
    #[arg(long, value_name = "NAME")]
    collection: String,
    #[command(flatten)]
    why: Reading,
    /// Of this agent
    #[arg(long, value_name = "ID", conflicts_with = "unit")]
    agent: Option<String>,
    /// Of this unit's queue
    #[arg(long, value_name = "NAME")]
    unit: Option<String>,
    #[command(flatten)]
    limit: Limit,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

/// Lists.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let of = match (&args.agent, &args.unit) {
        (Some(agent), _) => Some(Assignee::Agent(agent.clone())),
        (None, Some(unit)) => Some(Assignee::Unit(unit.clone())),
        (None, None) => None,
    };
    let why = args.why.intent();
    let listed = block_on(async {
        let client = args.connection.client().await?;
        listing::all(args.limit.most(), async |size, cursor| {
            let page = client.worklist(&why, &args.collection, of.as_ref(), size, &cursor).await?;
            Ok((page.items, page.event, page.cursor))
        })
        .await
    })?;
    let events: Vec<String> = listed.events.iter().map(ToString::to_string).collect();
    let items: Vec<_> = listed.items.iter().map(machine).collect();
    let machine = json!({"items": items, "events": events, "more": listed.more});
    out::either(args.json, &machine, || print(&listed.items))?;
    if listed.more {
        out::note(&format!("there are more; --limit {} was reached", args.limit.most()));
    }
    Ok(())
}

fn machine(item: &WorklistItem) -> serde_json::Value {
    let attributes: serde_json::Map<String, serde_json::Value> =
        item.attributes.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    json!({
        "record": item.record.to_string(), "version": item.version,
        "expires_on": item.expires_on, "attributes": attributes,
    })
}

fn print(items: &[WorklistItem]) {
    if items.is_empty() {
        return out::line("nothing is assigned");
    }
    let (heading, rows) = columns(items);
    out::columns(&heading, &rows);
}

/// A column for each attribute that some record has.
fn columns(items: &[WorklistItem]) -> (Vec<String>, Vec<Vec<String>>) {
    let names: BTreeSet<&str> =
        items.iter().flat_map(|i| &i.attributes).map(|(name, _)| name.as_str()).collect();
    let fixed = ["RECORD", "VERSION", "UNREADABLE FROM"].map(str::to_owned);
    let heading = fixed.into_iter().chain(names.iter().map(|n| n.to_uppercase())).collect();
    let row = |item: &WorklistItem| {
        let fixed = [item.record.to_string(), item.version.to_string(), item.expires_on.clone()];
        let cell = |name: &&str| {
            let value = item.attributes.iter().find(|(n, _)| n == name);
            value.map_or_else(|| "-".to_owned(), |(_, value)| out::value(value))
        };
        fixed.into_iter().chain(names.iter().map(cell)).collect()
    };
    (heading, items.iter().map(row).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{client::types::Value, ids::RecordId};

    #[test]
    fn a_work_list_has_a_column_for_each_attribute_that_some_record_has() {
        let item = |attributes: &[(&str, Value)]| WorklistItem {
            record: RecordId::from_bytes([1; 16]),
            version: 2,
            expires_on: "2021-02-23".into(),
            attributes: attributes.iter().map(|(n, v)| ((*n).to_owned(), v.clone())).collect(),
        };
        let items = [
            item(&[("state", Value::Text("new".into())), ("calls", Value::Integer(3))]),
            item(&[("state", Value::Text("called".into()))]),
        ];
        let (heading, rows) = columns(&items);
        assert_eq!(heading[2..], ["UNREADABLE FROM", "CALLS", "STATE"]);
        assert_eq!(rows[0][1..], ["2", "2021-02-23", "3", "new"]);
        assert_eq!(rows[1][3..], ["-", "called"]);
        assert_eq!(machine(&items[0])["attributes"]["calls"], 3);
    }
}
