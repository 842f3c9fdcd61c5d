//! The step that fetches the newest certificate, exports the log, and checks the one against the other
//! offline; and shows that a changed one is refused.

use std::{fs, path::Path};

use super::{DemoError, World, served::Served};
use crate::{
    client::Client,
    retention::{self, Evidence, LogCopy, Verdict},
};

pub(super) async fn check(
    world: &mut World<'_>,
    served: &mut Served,
    who: &str,
) -> Result<(), DemoError> {
    let client = served.client(who, &*world.secret(who)?).await?;
    let json = client.certificate(None).await?;
    world.tell.detail(&json);
    let folder = tempfile::tempdir_in(world.folder.path())?;
    export(&client, folder.path()).await?;
    let log = Some(LogCopy { folder: folder.path(), key: &world.log_key });
    match retention::prove(&json, &world.certificate_key, Evidence { log, keyring: None }) {
        Ok(proven) => {
            if let Some(summary) = &proven.summary {
                world.tell.detail(&counted(summary));
                world.tell.detail(&summary.statement);
            }
            let checks = proven.findings.iter().filter(|f| f.verdict != Verdict::NotChecked);
            for finding in checks.clone() {
                let holds = finding.verdict == Verdict::Ok;
                world.tell.check(holds, &format!("{}: {}", finding.check, finding.text));
            }
            // Signature, content, checkpoint, log, intent, generations: none may be left out unseen.
            let count = checks.count();
            world.tell.check(count == 6, &format!("{count} checks made of it, offline"));
        }
        Err(error) => world.tell.check(false, &format!("the certificate verifies: {error}")),
    }
    let changed = json.replacen("\"records\":", "\"records\":1", 1);
    let refused = retention::verify(&changed, &world.certificate_key).is_err();
    world.tell.check(refused, "the same certificate with one digit added is refused");
    Ok(())
}

fn counted(summary: &retention::CertificateSummary) -> String {
    format!(
        "{} cohorts, {} records, {} sections, {} index rows; generation {} -> {}; class {}",
        summary.cohorts,
        summary.records,
        summary.sections,
        summary.index_rows,
        summary.generations.0,
        summary.generations.1,
        summary.class
    )
}

/// The log as a folder, as `audit export` writes it.
async fn export(client: &Client, folder: &Path) -> Result<(), DemoError> {
    let mut files = client.export_log().await?;
    while let Some((path, content)) = files.next().await? {
        let target = folder.join(path);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&target, content)?;
    }
    Ok(())
}
