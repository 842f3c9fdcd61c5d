//! Calls of `Admin`.

use super::{
    Client, ClientError, second, service,
    types::{Alarm, BackupHead, BackupPart, BackupTotals, Key, KeyKind, Place, Reloaded, Status},
};
use crate::{
    clock::Timestamp,
    ids::{AlarmId, VaultId},
    wire::api,
};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// The parts of a backup that arrive one by one.
pub struct BackupParts(tonic::Streaming<api::BackupResponse>);

impl BackupParts {
    /// The next part; `None` at the end of the stream, which is a cut unless totals came before.
    pub async fn next(&mut self) -> Result<Option<BackupPart>, ClientError> {
        use api::backup_response::Part;
        let Some(message) = self.0.message().await? else { return Ok(None) };
        let part = message.part.ok_or(ClientError::Answer("part"))?;
        Ok(Some(match part {
            Part::Head(head) => BackupPart::Head(Box::new(backup_head(head)?)),
            Part::Rows(bytes) => BackupPart::Rows(bytes),
            Part::Totals(totals) => BackupPart::Totals(backup_totals(&totals)?),
        }))
    }
}

impl Client {
    /// The state of the vault.
    pub async fn status(&self) -> Result<Status, ClientError> {
        let request = self.request(api::StatusRequest {});
        let answer = service!(self, admin_client, AdminClient).status(request).await?;
        status(answer.into_inner())
    }

    /// Says that the vault's clock is right; `date` is today, `YYYY-MM-DD`.
    pub async fn confirm_clock(&self, date: &str) -> Result<(), ClientError> {
        let request = self.request(api::ConfirmClockRequest { date: date.to_owned() });
        service!(self, admin_client, AdminClient).confirm_clock(request).await?;
        Ok(())
    }

    /// Puts another root key in force, which the vault reads where it was started from. The generation
    /// that did it.
    pub async fn rotate_root_key(&self) -> Result<u64, ClientError> {
        let request = self.request(api::RotateRootKeyRequest {});
        let answer = service!(self, admin_client, AdminClient).rotate_root_key(request).await?;
        Ok(answer.into_inner().generation)
    }

    /// Puts the policy pack of the server's folder in force.
    pub async fn reload_policies(&self) -> Result<Reloaded, ClientError> {
        let request = self.request(api::ReloadPoliciesRequest {});
        let answer = service!(self, admin_client, AdminClient).reload_policies(request).await?;
        let answer = answer.into_inner();
        Ok(Reloaded {
            pack: answer.pack_name,
            pack_hash: hex::encode(&answer.pack_hash),
            previous_hash: hex::encode(&answer.previous_hash),
            generation: Some(answer.generation).filter(|generation| *generation > 0),
        })
    }

    /// All rows of the data folder, as they are at this moment.
    pub async fn backup(&self) -> Result<BackupParts, ClientError> {
        let request = self.request(api::BackupRequest {});
        let answer = service!(self, admin_client, AdminClient).backup(request).await?;
        Ok(BackupParts(answer.into_inner()))
    }

    /// Every alarm, open ones first.
    pub async fn list_alarms(&self) -> Result<Vec<Alarm>, ClientError> {
        let request = self.request(api::ListAlarmsRequest {});
        let answer = service!(self, admin_client, AdminClient).list_alarms(request).await?;
        answer.into_inner().alarms.into_iter().map(alarm).collect()
    }

    /// Takes note of an alarm.
    pub async fn ack_alarm(&self, alarm: AlarmId) -> Result<(), ClientError> {
        let alarm_id = alarm.as_bytes().to_vec();
        let request = self.request(api::AckAlarmRequest { alarm_id });
        service!(self, admin_client, AdminClient).ack_alarm(request).await?;
        Ok(())
    }
}

fn backup_head(head: api::BackupHead) -> Result<BackupHead, ClientError> {
    Ok(BackupHead {
        vault: VaultId::from_slice(&head.vault_id).map_err(|_| ClientError::Answer("vault_id"))?,
        vault_name: head.vault_name,
        node: head.node,
        engine: head.engine,
        generation: head.generation,
        log_origin: head.log_origin,
        log_size: head.log_size,
        log_root: head.log_root.try_into().map_err(|_| ClientError::Answer("log_root"))?,
        checkpoint: head.checkpoint,
        started: Timestamp::from_millis(head.started_ms).to_string(),
        rows_about: head.rows_about,
    })
}

fn backup_totals(totals: &api::BackupTotals) -> Result<BackupTotals, ClientError> {
    let sha256 = totals.sha256.as_slice().try_into();
    Ok(BackupTotals {
        rows: totals.rows,
        bytes: totals.bytes,
        sha256: sha256.map_err(|_| ClientError::Answer("sha256"))?,
        log_size: totals.log_size,
        ended: Timestamp::from_millis(totals.ended_ms).to_string(),
    })
}

fn class(class: api::PlaceClass) -> &'static str {
    match class {
        // What is not known is the weakest.
        api::PlaceClass::Unspecified | api::PlaceClass::L0 => "L0",
        api::PlaceClass::L1 => "L1",
        api::PlaceClass::L2 => "L2",
        api::PlaceClass::L3 => "L3",
    }
}

fn status(answer: api::StatusResponse) -> Result<Status, ClientError> {
    let lowest = class(answer.class());
    let place = |p: api::Place| Place {
        class: class(p.class()),
        place: hex::encode(p.place_id),
        stale: p.stale,
        description: p.description,
    };
    let now_ms = answer.now_ms;
    let holds = answer.holds.into_iter().map(|hold| second::hold(hold, now_ms));
    Ok(Status {
        holds: holds.collect::<Result<_, _>>()?,
        vault: answer.vault_name,
        node: answer.node,
        class: lowest,
        places: answer.places.into_iter().map(place).collect(),
        generation: answer.generation,
        log_origin: answer.log_origin,
        log_size: answer.log_size,
        log_writable: answer.log_writable,
        pack: answer.pack_name,
        pack_hash: hex::encode(answer.pack_hash),
        overdue_ms: answer.overdue_ms,
        clock_tripped: answer.clock_tripped,
        open_alarms: answer.open_alarms,
        untold_alarms: answer.untold_alarms,
        open_reviews: answer.open_reviews,
        overdue_reviews: answer.overdue_reviews,
        live_cohorts: answer.live_cohorts,
        live_segments: answer.live_segments,
        log_verifier_key: answer.log_verifier_key,
        certificate_verifier_key: answer.certificate_verifier_key,
        swap_accepted: answer.swap_accepted,
        now: Timestamp::from_millis(now_ms).to_string(),
        end_date_passed: answer.end_date_passed,
        keys: answer.keys.into_iter().filter_map(|k| key(&k, now_ms)).collect(),
    })
}

/// `None` for a kind that this version does not know.
fn key(answer: &api::Key, now_ms: i64) -> Option<Key> {
    let kind = match answer.kind() {
        api::KeyKind::Unspecified => return None,
        api::KeyKind::Root => KeyKind::Root,
        api::KeyKind::Generation => KeyKind::Generation,
        api::KeyKind::Log => KeyKind::Log,
        api::KeyKind::Certificate => KeyKind::Certificate,
        api::KeyKind::Directory => KeyKind::Directory,
    };
    let since = Some(answer.since_ms).filter(|ms| *ms != 0);
    Some(Key {
        kind,
        since: since.map(|ms| Timestamp::from_millis(ms).to_string()),
        age_days: since.map(|ms| now_ms.saturating_sub(ms).max(0) / DAY_MS),
    })
}

fn alarm(answer: api::Alarm) -> Result<Alarm, ClientError> {
    let id = AlarmId::from_slice(&answer.alarm_id).map_err(|_| ClientError::Answer("alarm_id"))?;
    Ok(Alarm {
        alarm: id,
        kind: answer.kind,
        raised_at: Timestamp::from_millis(answer.raised_at_ms).to_string(),
        note: answer.note,
        acknowledged_by: Some(answer.acknowledged_by).filter(|by| !by.is_empty()),
    })
}
