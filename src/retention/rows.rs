//! The rows that only retention writes: 'm/purge' (the run under way), 'n' (rows swept of a cohort),
//! 'k' (certificates), and the reading of 'd' (segments in use).
//!
//! 'm/purge', 'n' and 'd' carry a MAC, so that who writes the database can neither forge a
//! certificate's total nor a run. Nothing here writes: callers put the operations in their groups.

use prost::Message;

use super::{error::RetentionError, reach::Reach};
use crate::{
    ids::{CohortId, CollectionName, SegmentId},
    keyring::CohortKey,
    storage::{Op, Store, keys},
    wire::store::{PurgeRun, SegmentRow, SweepCount},
};

/// The purge run that is not certified yet, with the row's bytes (its precondition).
pub(super) fn purge_run(
    store: &dyn Store,
    by: &dyn Reach,
) -> Result<Option<(PurgeRun, Vec<u8>)>, RetentionError> {
    let Some(value) = store.get(keys::PURGE)? else { return Ok(None) };
    let run = checked(by, keys::PURGE, &value, "m/purge")?;
    Ok(Some((run, value)))
}

/// Writes the run under way.
pub(super) fn put_purge_run(by: &dyn Reach, run: &PurgeRun) -> Op {
    put(by, keys::PURGE.to_vec(), run)
}

/// Rows swept of this cohort and not reported yet; zeros where there is no row.
pub(super) fn sweep_count(
    store: &dyn Store,
    by: &dyn Reach,
    cohort: &CohortId,
) -> Result<SweepCount, RetentionError> {
    let key = keys::sweep_count(cohort);
    match store.get(&key)? {
        Some(value) => checked(by, &key, &value, "n"),
        None => Ok(SweepCount::default()),
    }
}

/// Writes the count of a cohort, in the batch of the deletions that it counts.
pub(super) fn put_sweep_count(by: &dyn Reach, cohort: &CohortId, count: &SweepCount) -> Op {
    put(by, keys::sweep_count(cohort), count)
}

/// One segment the database uses.
#[derive(Debug, Clone)]
pub(super) struct UsedSegment {
    pub(super) id: SegmentId,
    pub(super) cohort: CohortId,
    pub(super) key: CohortKey,
}

/// Reads one 'd' row. Errors: a tampered or malformed row.
pub(super) fn used_segment(
    by: &dyn Reach,
    key: &[u8],
    value: &[u8],
) -> Result<UsedSegment, RetentionError> {
    let row: SegmentRow = checked(by, key, value, "d")?;
    let broken = || RetentionError::Tampered("d");
    let id = key.get(1..).and_then(|id| SegmentId::from_slice(id).ok());
    Ok(UsedSegment {
        id: id.ok_or_else(broken)?,
        cohort: CohortId::from_slice(&row.cohort_id).map_err(|_| broken())?,
        key: CohortKey {
            collection: CollectionName::parse(&row.collection).map_err(|_| broken())?,
            expires_on: row.expires_on.parse().map_err(|_| broken())?,
            zone: row.zone.parse().map_err(|_| broken())?,
        },
    })
}

fn put(by: &dyn Reach, key: Vec<u8>, message: &impl Message) -> Op {
    let value = by.mac_row(&key, &message.encode_to_vec());
    Op::Put(key, value)
}

fn checked<M: Message + Default>(
    by: &dyn Reach,
    key: &[u8],
    value: &[u8],
    row: &'static str,
) -> Result<M, RetentionError> {
    let bytes = by.check_row(key, value).ok_or(RetentionError::Tampered(row))?;
    M::decode(bytes).map_err(|_| RetentionError::Tampered(row))
}
