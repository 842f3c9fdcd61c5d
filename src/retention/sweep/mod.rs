//! Deletes rows whose slot no key reaches any more, in bounded, resumable batches.
//!
//! The sweep erases nothing: what it deletes is already unreadable. It must never delete a row whose
//! slot lives, and never take "missing" for "erased": a segment that is neither live nor tombstoned
//! nor below the watermark is corruption. Invariants: each batch carries the counts of its own
//! deletions (row 'n'), so however often it is cut and resumed, every row is counted exactly once;
//! the 'd' rows of a cohort go last, so a cut sweep is found again; leaves 'l' and their 'a' rows
//! stay for ever, so that a listing can say which month an expired event belonged to.

mod batch;
mod erased;
mod requests;
mod scan;
#[cfg(test)]
mod tests;

use prost::Message;

use self::batch::Batch;
pub(super) use self::batch::Pages;
use super::{
    error::RetentionError,
    reach::{AUDIT, CohortState, Reach},
    rows::{self, UsedSegment},
};
use crate::{
    audit::AuditError,
    ids::{CohortId, CollectionName, RecordId, SegmentId, SlotRef},
    keyring::{CohortKey, SegmentState},
    limits,
    storage::{Group, Op, Precondition, Store, keys},
    wire::store::RecordRow,
};

/// A cohort some or all of whose segments the keyring dropped.
#[derive(Debug, Clone)]
pub(super) struct SweptCohort {
    pub(super) id: CohortId,
    pub(super) key: CohortKey,
    pub(super) segments: Vec<SegmentId>,
}

/// The sweep's handles: where rows are read, who knows what is reachable, who writes.
pub(super) struct Sweeper<'a> {
    pub(super) store: &'a dyn Store,
    pub(super) reach: &'a dyn Reach,
    pub(super) write: &'a dyn Fn(Group) -> Result<(), RetentionError>,
}

/// A record row as the sweep needs it.
pub(super) struct HeadRow {
    bytes: Vec<u8>,
    pub(super) cohort: CohortId,
    pub(super) slot: SlotRef,
    pub(super) index_rows: Vec<Vec<u8>>,
}

impl Sweeper<'_> {
    /// Deletes every row of this cohort whose slot is unreachable: members with their record rows,
    /// sections, index rows, request rows, then the 'd' rows. Calling it again deletes and counts nothing twice.
    ///
    /// # Errors
    /// A segment that is still reachable or unknown; storage and log errors.
    pub(super) fn cohort(&self, cohort: &SweptCohort) -> Result<(), RetentionError> {
        for segment in &cohort.segments {
            self.check_gone(segment, &cohort.key)?;
        }
        self.retried(|| self.members(cohort))?;
        let state = self.reach.cohort(&cohort.id);
        let whole = state == CohortState::Absent;
        self.retried(|| self.cohort_rows(cohort, whole, keys::sections(&cohort.id)))?;
        // Without an index key no token of the cohort confirms anything: a held record is reached by
        // its id alone.
        let whole = !matches!(state, CohortState::Live { searchable: true, .. });
        self.retried(|| self.cohort_rows(cohort, whole, keys::indexes(&cohort.id)))?;
        self.retried(|| self.requests(cohort))?;
        // Last: while a 'd' row stands, a cut sweep is found again by the next start.
        let mut batch = Batch::default();
        // The 'd' row of a segment kept for held slots stays as long as they do.
        let live = |id: &&SegmentId| matches!(self.reach.segment(id), SegmentState::Live { .. });
        for segment in cohort.segments.iter().filter(|id| !live(id)) {
            batch.ops.push(Op::Delete(keys::segment(segment)));
            self.flush_if(&mut batch, limits::SWEEP_BATCH_ROWS)?;
        }
        self.flush_if(&mut batch, 1)
    }

    /// A segment that must be gone: tombstoned, folded into the watermark, or kept for held slots.
    fn check_gone(&self, id: &SegmentId, key: &CohortKey) -> Result<(), RetentionError> {
        match self.reach.segment(id) {
            SegmentState::Tombstoned { .. } | SegmentState::Live { held_only: true, .. } => Ok(()),
            SegmentState::Live { .. } => Err(RetentionError::StillReachable(*id)),
            SegmentState::Unknown if self.reach.below_watermark(key) => Ok(()),
            SegmentState::Unknown => Err(RetentionError::SegmentUnknown(*id)),
        }
    }

    /// Member rows 'c' with their record rows 'r', and index rows that lie in other cohorts.
    fn members(&self, cohort: &SweptCohort) -> Result<(), RetentionError> {
        let mut batch = Batch::default();
        let mut pages = Pages::over(keys::members(&cohort.id));
        while let Some(page) = pages.next(self.store)? {
            for (key, _) in page {
                let id = tail_id(&key)?;
                match self.head_row(&id)? {
                    Some(row) if row.cohort == cohort.id && self.reach.slot_lives(&row.slot) => {}
                    Some(row) if row.cohort == cohort.id => {
                        self.delete_record(&mut batch, &id, row, Some(&cohort.key.collection))?;
                    }
                    // The record is gone, or moved to another cohort: only this row is left over.
                    _ => batch.ops.push(Op::Delete(key)),
                }
                self.flush_if(&mut batch, limits::SWEEP_BATCH_ROWS)?;
            }
        }
        self.flush_if(&mut batch, 1)
    }

    /// Rows whose key starts with a cohort id (sections or index rows): all of them when the cohort
    /// (or its index key) is gone whole, else those of records that nothing keeps in this cohort.
    fn cohort_rows(
        &self,
        cohort: &SweptCohort,
        whole: bool,
        prefix: Vec<u8>,
    ) -> Result<(), RetentionError> {
        let is_section = prefix.first() == Some(&b's');
        let mut batch = Batch::default();
        let mut pages = Pages::over(prefix);
        while let Some(page) = pages.next(self.store)? {
            for (key, _) in page {
                if !whole && self.kept(cohort, &key, is_section)? {
                    continue;
                }
                let count = batch.count(&cohort.id, &cohort.key.collection);
                match (is_section, cohort.key.collection.as_str() == AUDIT) {
                    (true, true) => count.events += 1,
                    (true, false) => count.sections += 1,
                    (false, _) => count.index_rows += 1,
                }
                batch.ops.push(Op::Delete(key));
                self.flush_if(&mut batch, limits::SWEEP_BATCH_ROWS)?;
            }
        }
        self.flush_if(&mut batch, 1)
    }

    /// Whether something keeps this row in a cohort of which segments were dropped: its record's own
    /// slot, where the head is in this cohort; else, for a section of a class with a period of its
    /// own, a hold on its record, whose slots the hold kept. In a cohort that lives on, which lost a
    /// segment that everything moved out of, a section lives while its record does.
    fn kept(
        &self,
        cohort: &SweptCohort,
        key: &[u8],
        is_section: bool,
    ) -> Result<bool, RetentionError> {
        let id = if is_section { section_owner(key)? } else { tail_id(key)? };
        let Some(row) = self.head_row(&id)? else { return Ok(false) };
        if row.cohort == cohort.id {
            return Ok(self.reach.slot_lives(&row.slot));
        }
        let lives_on = CohortState::Live { audit: false, searchable: true };
        let moved = self.reach.cohort(&cohort.id) == lives_on;
        Ok(self.reach.is_held(&id) || moved && self.reach.slot_lives(&row.slot))
    }

    /// Whether the record that a section or index row belongs to is still there. A row of a class
    /// cohort names no slot, so its record's head decides.
    fn owner_lives(&self, key: &[u8], is_section: bool) -> Result<bool, RetentionError> {
        let id = if is_section { section_owner(key)? } else { tail_id(key)? };
        let row = self.head_row(&id)?;
        Ok(row.is_some_and(|row| self.reach.slot_lives(&row.slot)))
    }

    /// Record row, member row, sections in the head's own cohort are left to the cohort's pass; index
    /// rows in other cohorts go here, because nothing else would find them.
    fn delete_record(
        &self,
        batch: &mut Batch,
        id: &RecordId,
        row: HeadRow,
        collection: Option<&CollectionName>,
    ) -> Result<(), RetentionError> {
        let own = keys::indexes(&row.cohort);
        let mut foreign = 0;
        for key in row.index_rows.into_iter().filter(|key| !key.starts_with(&own)) {
            if self.store.get(&key)?.is_some() {
                batch.ops.push(Op::Delete(key));
                foreign += 1;
            }
        }
        let record = keys::record(id);
        // If the record was re-sealed under another slot meanwhile, it lives: nothing is deleted and
        // the pass starts again.
        batch.preconditions.push(Precondition::Unchanged(record.clone(), row.bytes));
        batch.ops.push(Op::Delete(record));
        batch.ops.push(Op::Delete(keys::member(&row.cohort, id)));
        let count = match collection {
            Some(collection) => batch.count(&row.cohort, collection),
            None => batch.count_bare(&row.cohort),
        };
        count.records += 1;
        count.index_rows += foreign;
        Ok(())
    }

    fn head_row(&self, id: &RecordId) -> Result<Option<HeadRow>, RetentionError> {
        let Some(bytes) = self.store.get(&keys::record(id))? else { return Ok(None) };
        head_row(bytes).map(Some)
    }

    /// Commits the batch when it holds at least `rows` operations. A crash before leaves the rows and
    /// their count as they were; a crash after leaves both changed.
    fn flush_if(&self, batch: &mut Batch, rows: usize) -> Result<(), RetentionError> {
        if batch.ops.len() < rows {
            return Ok(());
        }
        (self.write)(std::mem::take(batch).into_group(self.store, self.reach)?)
    }

    /// Runs a pass again when a record changed under it (bounded).
    fn retried(&self, pass: impl Fn() -> Result<(), RetentionError>) -> Result<(), RetentionError> {
        for _ in 1..limits::SWEEP_RETRIES {
            match pass() {
                Err(RetentionError::Audit(AuditError::Rejected)) => {}
                done => return done,
            }
        }
        pass()
    }
}

/// Reads the clear part of a record row.
pub(super) fn head_row(bytes: Vec<u8>) -> Result<HeadRow, RetentionError> {
    let broken = |_| RetentionError::Tampered("r");
    let row = RecordRow::decode(bytes.as_slice()).map_err(|_| RetentionError::Tampered("r"))?;
    Ok(HeadRow {
        cohort: CohortId::from_slice(&row.cohort_id).map_err(broken)?,
        slot: SlotRef {
            seg: SegmentId::from_slice(&row.seg_id).map_err(broken)?,
            index: row.index,
        },
        index_rows: row.index_row_keys,
        bytes,
    })
}

/// The record id that ends a member or index row key.
fn tail_id(key: &[u8]) -> Result<RecordId, RetentionError> {
    key.len()
        .checked_sub(16)
        .and_then(|at| key.get(at..))
        .and_then(|id| RecordId::from_slice(id).ok())
        .ok_or(RetentionError::Tampered("key"))
}

/// The record id in a section row key: 's' ‖ cohort_id16 ‖ record_id16 ‖ class.
fn section_owner(key: &[u8]) -> Result<RecordId, RetentionError> {
    key.get(17..33)
        .and_then(|id| RecordId::from_slice(id).ok())
        .ok_or(RetentionError::Tampered("key"))
}
