//! Rows of single records whose keys are gone: erased, or of a restored database.

use super::*;

impl Sweeper<'_> {
    /// Deletes all rows of these records, each given with the cohorts that its rows lie in. A record
    /// whose slot lives is left alone.
    ///
    /// # Errors
    /// Storage and log errors; a row that does not parse.
    pub(in super::super) fn erased(
        &self,
        records: &[(RecordId, Vec<CohortId>)],
    ) -> Result<(), RetentionError> {
        self.retried(|| {
            let mut batch = Batch::default();
            for (id, cohorts) in records {
                self.gone_record(&mut batch, id, cohorts)?;
                // Between records, never within one: its rows and their count go together.
                self.flush_if(&mut batch, limits::SWEEP_BATCH_ROWS)?;
            }
            self.flush_if(&mut batch, 1)
        })
    }

    /// Adds all rows of a record to the batch, with their counts, unless its slot lives. `cohorts` are
    /// those that its rows lie in besides the head's.
    pub(super) fn gone_record(
        &self,
        batch: &mut Batch,
        id: &RecordId,
        cohorts: &[CohortId],
    ) -> Result<(), RetentionError> {
        let Some(row) = self.head_row(id)? else { return Ok(()) };
        if self.reach.slot_lives(&row.slot) {
            return Ok(());
        }
        let collection = self.collection_of(&row)?;
        let (cohort, own) = (row.cohort, row.index_rows.clone());
        self.delete_record(batch, id, row, collection.as_ref())?;
        let prefix = keys::indexes(&cohort);
        for key in own.into_iter().filter(|key| key.starts_with(&prefix)) {
            if self.store.get(&key)?.is_some() {
                batch.count_bare(&cohort).index_rows += 1;
                batch.ops.push(Op::Delete(key));
            }
        }
        for at in std::iter::once(&cohort).chain(cohorts.iter().filter(|at| **at != cohort)) {
            for (key, _) in self.all(&[keys::sections(at).as_slice(), id.as_bytes()].concat())? {
                batch.count_bare(at).sections += 1;
                batch.ops.push(Op::Delete(key));
            }
        }
        for (key, _) in self.all(&[keys::requests(&cohort).as_slice(), id.as_bytes()].concat())? {
            self.forget_request(batch, key)?;
        }
        Ok(())
    }

    /// The collection of a record's cohort, from the row of its segment, where there is one.
    fn collection_of(&self, row: &HeadRow) -> Result<Option<CollectionName>, RetentionError> {
        let key = keys::segment(&row.slot.seg);
        let Some(value) = self.store.get(&key)? else { return Ok(None) };
        Ok(Some(rows::used_segment(self.reach, &key, &value)?.key.collection))
    }

    /// All rows of a prefix: of one record, so they are few.
    fn all(&self, prefix: &[u8]) -> Result<Vec<crate::storage::Row>, RetentionError> {
        let (mut rows, mut pages) = (Vec::new(), Pages::over(prefix.to_vec()));
        while let Some(page) = pages.next(self.store)? {
            rows.extend(page);
        }
        Ok(rows)
    }
}
