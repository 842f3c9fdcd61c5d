//! A record moves to an earlier date: retention that was shortened, for what is filed already.
//!
//! Who may shorten what is decided above. Invariants: never to a later date; what has an earlier date of its
//! own keeps it; the record is found, in hand and known by its request ids as before, under the new cohort's
//! keys; nothing of it can be opened beyond the new date, in no backup either.

use chrono::NaiveDate;

use crate::{
    audit::{AuditError, EventDraft},
    clock::Timestamp,
    ids::{CertificateId, RecordId},
    limits,
    policy::{Pack, Violation},
    retention::RetentionError,
    storage::Group,
};

use super::{super::VaultError, Leaving, Moves, RESEAL, doomed, forget::Forget, leaving};
use crate::vault::{head::Loaded, links};

/// Moves a record to an earlier date and erases the slots it left; the certificate that says so. Blocks.
///
/// Errors: [`VaultError::NotAvailable`] for a record that is absent, expired or being erased;
/// [`VaultError::Invalid`] for a date that is not earlier; `RetentionError::AlreadyExpired` for one that is
/// past; before the commit nothing is changed, and after it the next start erases what is pending.
pub(in super::super) fn shorten(
    cx: &Forget,
    pack: &Pack,
    id: RecordId,
    expires_on: NaiveDate,
) -> Result<CertificateId, VaultError> {
    let log = cx.segments.log();
    let (store, keyring) = (log.store().as_ref(), log.keyring());
    links_first(cx, pack, id, expires_on)?;
    for _ in 0..limits::REQUEST_RACES_MAX {
        // 1. One state of the record, and slots for what moves. A crash burns them.
        let now = log.civil_now();
        let found = Loaded::read_whole(store, keyring, id)?.filter(|record| !record.expired(now));
        let record = found.ok_or(VaultError::NotAvailable)?;
        check(&record, expires_on, now.date_in(record.head.zone))?;
        let left = leaving(&record, Leaving::Later(expires_on), keyring, now);
        let wanted: Vec<_> = left.iter().map(|(_, key)| key.clone()).collect();
        cx.segments.ensure(&wanted)?;
        let moves = Moves::of(keyring, left)?;
        let doomed = doomed(&record, &moves);
        let mut event = EventDraft { pack_hash: pack.hash(), ..EventDraft::new(RESEAL) };
        event.collection = Some(record.head.collection.clone());
        event.records = vec![id];
        event.slots.clone_from(&doomed.slots);
        let pending = cx.retention.leave(pack, RESEAL, &doomed)?;
        event.notes = pending.notes;
        let mut resealed = moves.rows(log, pack, record)?;
        resealed.ops.push(pending.row);
        // 2. The record under its new date, and what it left, in one commit while no generation is written.
        //    A crash leaves both readable: the next start's first generation erases what was left.
        let mut draft = keyring.draft();
        draft.ready_to_erase(log.random().as_ref())?;
        let pause = draft.into_pause();
        let group = Group { preconditions: vec![resealed.unchanged], ops: resealed.ops };
        let sealed = log.seal(&event)?;
        match log.commit_blocking(group, &resealed.slots, Some(sealed)) {
            // Somebody changed the record: it is looked at again.
            Err(AuditError::Rejected) => continue,
            done => done?,
        };
        drop(pause);
        // 3. The generation without the slots it left, certificate and final event.
        cx.retention.erase_left(pack, pending.certificate)?;
        return Ok(pending.certificate);
    }
    Err(VaultError::VersionMismatch)
}

/// A link lives no longer than its ends: those of this record are shortened before it is.
fn links_first(
    cx: &Forget,
    pack: &Pack,
    id: RecordId,
    expires_on: NaiveDate,
) -> Result<(), VaultError> {
    let log = cx.segments.log();
    let Some(record) = Loaded::read(log.store().as_ref(), log.keyring(), id, &[])? else {
        return Ok(());
    };
    let end = Timestamp::start_of(expires_on, record.head.zone);
    for link in links::of(log, pack, (id, &record.head.collection))? {
        let zone = link.head.zone;
        // In another zone the same date may begin later: then the day before.
        let late = Timestamp::start_of(expires_on, zone) > end;
        let date = if late { expires_on.pred_opt().unwrap_or(expires_on) } else { expires_on };
        if link.cohort.key.expires_on > date {
            shorten(cx, pack, link.id, date)?;
        }
    }
    Ok(())
}

fn check(record: &Loaded, expires_on: NaiveDate, today: NaiveDate) -> Result<(), VaultError> {
    if expires_on >= record.cohort.key.expires_on {
        let reason = "is not earlier than the record's own".to_owned();
        return Err(VaultError::Invalid(vec![Violation { path: "expires_on".to_owned(), reason }]));
    }
    if expires_on <= today {
        return Err(RetentionError::AlreadyExpired.into());
    }
    Ok(())
}
