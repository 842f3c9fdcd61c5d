//! Taking a backup: from the running vault into a folder, file by file, the manifest last.

use std::path::Path;

use serde_json::json;

use super::{
    folder::{self, Writer},
    manifest::{LogEnd, Manifest},
};
use crate::{
    cli::{
        connect::{Connection, block_on},
        failure::Failure,
        out,
        progress::{Progress, bar},
    },
    client::types::{BackupHead, BackupPart, BackupTotals},
    client::{BackupParts, ClientError},
    clock::SystemClock,
    limits,
};

/// Writes the folder. What is there when it fails has no manifest, and is no backup.
pub(super) fn run(folder: &Path, connection: &Connection, as_json: bool) -> Result<(), Failure> {
    folder::prepare(folder)?;
    let taken = block_on(async {
        let parts = connection.client().await?.backup().await?;
        take(parts, folder).await
    });
    let cut = |failure: Failure| {
        failure.and(&format!(
            "`{}` is no backup: it has no manifest; remove it, and take another",
            folder.display()
        ))
    };
    let (manifest, sha256) = taken.map_err(cut)?;
    let Manifest { rows, bytes, files, generation, log, started, .. } = &manifest;
    let machine = json!({
        "folder": folder.display().to_string(), "vault": manifest.vault_id, "rows": rows,
        "bytes": bytes, "files": files.len(), "generation": generation, "log_origin": log.origin,
        "log_size": log.size, "started": started, "manifest_sha256": sha256,
    });
    out::either(as_json, &machine, || {
        out::line(&format!(
            "{rows} rows, {bytes} bytes in {} files in {}, as of {started}",
            files.len(),
            folder.display()
        ));
        out::line(&format!("manifest SHA-256 {sha256}: keep it elsewhere"));
        out::line("verify: `oubliette backup verify DIR --key LOG_VERIFIER_KEY`");
    })
}

async fn take(mut parts: BackupParts, folder: &Path) -> Result<(Manifest, String), Failure> {
    let Some(BackupPart::Head(head)) = parts.next().await? else {
        return Err(ClientError::Answer("head").into());
    };
    let clock = SystemClock;
    let terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let mut progress = Progress::on_stderr(&clock, terminal);
    let mut writer = Writer::new(folder, head.vault, limits::BACKUP_FILE_BYTES);
    let totals = loop {
        match parts.next().await? {
            Some(BackupPart::Rows(piece)) => writer.push(&piece)?,
            Some(BackupPart::Totals(totals)) => break totals,
            Some(BackupPart::Head(_)) => return Err(ClientError::Answer("head").into()),
            None => return Err(Failure::new("the vault ended the backup before its end")),
        }
        let (rows, bytes) = (writer.rows, writer.bytes);
        // The whole is an estimate: never full before the end.
        let whole = head.rows_about.max(rows.saturating_add(1));
        progress.show(|| format!("{}{rows} rows, {} MiB", bar(rows, Some(whole)), bytes >> 20));
    };
    progress.clear();
    let counted = (writer.rows, writer.bytes);
    let (files, sha256) = writer.finish()?;
    if (counted, sha256) != ((totals.rows, totals.bytes), totals.sha256) {
        return Err(Failure::new("what arrived is not what the vault sent"));
    }
    let manifest = manifest(*head, &totals, files);
    let hash = manifest.write(folder)?;
    Ok((manifest, hash))
}

fn manifest(
    head: BackupHead,
    totals: &BackupTotals,
    files: Vec<super::manifest::FileEntry>,
) -> Manifest {
    let log = LogEnd {
        origin: head.log_origin,
        size: head.log_size,
        root: hex::encode(head.log_root),
        checkpoint: head.checkpoint,
        size_at_end: totals.log_size,
    };
    Manifest::new(
        (head.vault, head.vault_name, head.node, head.engine),
        (head.started, totals.ended.clone()),
        (head.generation, log),
        (totals.rows, totals.bytes, hex::encode(totals.sha256)),
        files,
    )
}
