//! Head and totals of a backup, for the wire.

use crate::{
    vault::{BackupHead, BackupTotals},
    wire::api,
};

pub(crate) fn backup_head(head: &BackupHead) -> api::BackupHead {
    api::BackupHead {
        vault_id: head.vault.as_bytes().to_vec(),
        vault_name: head.vault_name.clone(),
        node: head.node.clone(),
        engine: head.engine.to_owned(),
        generation: head.log.generation,
        log_origin: head.log.k,
        log_size: head.log.size,
        log_root: head.log.root.to_vec(),
        checkpoint: head.checkpoint.clone(),
        started_ms: head.started.as_millis(),
        rows_about: head.rows_about,
    }
}

pub(crate) fn backup_totals(totals: &BackupTotals) -> api::BackupTotals {
    api::BackupTotals {
        rows: totals.rows,
        bytes: totals.bytes,
        sha256: totals.sha256.to_vec(),
        log_size: totals.log_size,
        ended_ms: totals.ended.as_millis(),
    }
}
