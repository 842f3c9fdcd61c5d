//! Filing the sample: every line that the script names, imported like any other caller's.
//!
//! One stream per filing, answers taken while records are sent. Each line is named, so that later
//! steps can speak of it.

use super::{DemoError, World, script::Filing, served::Served};
use crate::client::types::{ImportItem, Intent, RecordFile};

/// Imports every line that the script names.
pub(super) async fn all(world: &mut World<'_>, served: &mut Served) -> Result<(), DemoError> {
    for filing in world.script.filings.clone() {
        let lines: Vec<(String, RecordFile)> = world
            .lines(&filing)?
            .into_iter()
            .filter(|(name, line)| !world.records.contains_key(name) && matches(&filing, line))
            .collect();
        for (_, line) in &lines {
            world.remember_clear_values(line);
        }
        let asked = lines.len();
        let filed = import(world, served, &filing, lines).await?;
        let what = format!("{}: {filed} records imported by {}", filing.file, filing.by);
        world.tell.check(filed > 0 && filed == asked, &what);
    }
    Ok(())
}

/// One stream; how many of its lines were filed.
async fn import(
    world: &mut World<'_>,
    served: &mut Served,
    filing: &Filing,
    lines: Vec<(String, RecordFile)>,
) -> Result<usize, DemoError> {
    let client = served.client(&filing.by, &*world.secret(&filing.by)?).await?;
    if world.description.is_none() {
        world.description = Some(client.describe().await?);
    }
    let description = world.description.as_ref().ok_or(DemoError::Sample)?;
    let (mut names, mut items) = (Vec::new(), Vec::new());
    for ((name, line), position) in lines.into_iter().zip(0_u64..) {
        let request = line.request().map_err(|_| DemoError::Sample)?;
        let why = Intent { request, ..Intent::of(&filing.purpose) };
        let record = line.typed(description).map_err(|_| DemoError::Sample)?;
        names.push(name);
        items.push(ImportItem { position, why, record });
    }
    let (sender, mut answers) = client.import();
    let sending = async move {
        for item in items {
            // A stream that ended early says why in its answers.
            if sender.send(item).await.is_err() {
                break;
            }
        }
    };
    let taking = async {
        let mut filed = Vec::new();
        while let Some(answer) = answers.next().await? {
            filed.extend(answer.result.ok().map(|created| (answer.position, created.record)));
        }
        Ok::<_, DemoError>(filed)
    };
    let ((), filed) = tokio::join!(sending, taking);
    let filed = filed?;
    for (position, record) in &filed {
        let name = usize::try_from(*position).ok().and_then(|at| names.get(at));
        world.records.insert(name.ok_or(DemoError::Sample)?.clone(), *record);
    }
    Ok(filed.len())
}

fn matches(filing: &Filing, line: &RecordFile) -> bool {
    filing.only.iter().all(|(name, value)| {
        line.attributes.get(name).and_then(|v| v.as_str()) == Some(value.as_str())
    })
}
