//! Request rows: what makes a write take effect once goes with the record it wrote.
//!
//! Row 'q' ‖ cohort ‖ record ‖ request leads to row 'q' ‖ request. Both are deleted together, the
//! second only if it still speaks of that record: a client may use an id again once its record is
//! gone, and that newer row must stay. They say nothing about a person, so no certificate counts them.

use super::*;
use crate::{ids::RequestId, wire::store::RequestRow};

/// Length of the key of the row that a request row is found by: tag, cohort, record, request.
const FOUND_BY_BYTES: usize = 1 + 16 + 16 + 16;

impl Sweeper<'_> {
    /// The request rows of a cohort whose records nothing keeps.
    pub(super) fn requests(&self, cohort: &SweptCohort) -> Result<(), RetentionError> {
        let mut batch = Batch::default();
        let mut pages = Pages::over(keys::requests(&cohort.id));
        while let Some(page) = pages.next(self.store)? {
            for (key, _) in page {
                // A request's own row may begin like a cohort: clients choose their ids.
                if key.len() != FOUND_BY_BYTES || self.kept(cohort, &key, true)? {
                    continue;
                }
                self.forget_request(&mut batch, key)?;
                self.flush_if(&mut batch, limits::SWEEP_BATCH_ROWS)?;
            }
        }
        self.flush_if(&mut batch, 1)
    }

    /// After a restored database: every request row whose record is not there any more.
    pub(super) fn request_orphans(&self) -> Result<(), RetentionError> {
        let mut batch = Batch::default();
        let mut pages = Pages::over(vec![b'q']);
        while let Some(page) = pages.next(self.store)? {
            for (key, value) in page {
                if key.len() == FOUND_BY_BYTES {
                    if !self.owner_lives(&key, true)? {
                        self.forget_request(&mut batch, key)?;
                    }
                } else {
                    let row = self.request_row(&key, &value)?;
                    let record = RecordId::from_slice(&row.record_id);
                    let record = record.map_err(|_| RetentionError::Tampered("q"))?;
                    let head = self.head_row(&record)?;
                    let lives = head.is_some_and(|head| self.reach.slot_lives(&head.slot));
                    // The row by which it is found may have taken it along already.
                    if !lives && self.store.get(&key)?.as_ref() == Some(&value) {
                        batch.preconditions.push(Precondition::Unchanged(key.clone(), value));
                        batch.ops.push(Op::Delete(key));
                    }
                }
                self.flush_if(&mut batch, limits::SWEEP_BATCH_ROWS)?;
            }
        }
        self.flush_if(&mut batch, 1)
    }

    /// Adds the deletion of a row by which a request is found, and of the request's own row if it is
    /// of the same record.
    pub(super) fn forget_request(
        &self,
        batch: &mut Batch,
        found_by: Vec<u8>,
    ) -> Result<(), RetentionError> {
        let tampered = || RetentionError::Tampered("q");
        let id = found_by.get(33..).and_then(|id| RequestId::from_slice(id).ok());
        let own = keys::request(&id.ok_or_else(tampered)?);
        if let Some(value) = self.store.get(&own)? {
            let row = self.request_row(&own, &value)?;
            let same = found_by.get(1..17) == Some(row.cohort_id.as_slice())
                && found_by.get(17..33) == Some(row.record_id.as_slice());
            if same {
                batch.preconditions.push(Precondition::Unchanged(own.clone(), value));
                batch.ops.push(Op::Delete(own));
            }
        }
        batch.ops.push(Op::Delete(found_by));
        Ok(())
    }

    fn request_row(&self, key: &[u8], value: &[u8]) -> Result<RequestRow, RetentionError> {
        let bytes = self.reach.check_row(key, value).ok_or(RetentionError::Tampered("q"))?;
        RequestRow::decode(bytes).map_err(|_| RetentionError::Tampered("q"))
    }
}
