//! Rows of single records that an erasure took the keys of.

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
                self.erased_record(&mut batch, id, cohorts)?;
                // Between records, never within one: its rows and their count go together.
                self.flush_if(&mut batch, limits::SWEEP_BATCH_ROWS)?;
            }
            self.flush_if(&mut batch, 1)
        })
    }

    fn erased_record(
        &self,
        batch: &mut Batch,
        id: &RecordId,
        cohorts: &[CohortId],
    ) -> Result<(), RetentionError> {
        let Some(row) = self.head_row(id)? else { return Ok(()) };
        if self.reach.slot_lives(&row.slot) {
            return Ok(());
        }
        let (cohort, own) = (row.cohort, row.index_rows.clone());
        self.delete_record(batch, id, row, None)?;
        let prefix = keys::indexes(&cohort);
        for key in own.into_iter().filter(|key| key.starts_with(&prefix)) {
            if self.store.get(&key)?.is_some() {
                batch.count_bare(&cohort).index_rows += 1;
                batch.ops.push(Op::Delete(key));
            }
        }
        for at in cohorts {
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

    /// All rows of a prefix: of one record, so they are few.
    fn all(&self, prefix: &[u8]) -> Result<Vec<crate::storage::Row>, RetentionError> {
        let (mut rows, mut pages) = (Vec::new(), Pages::over(prefix.to_vec()));
        while let Some(page) = pages.next(self.store)? {
            rows.extend(page);
        }
        Ok(rows)
    }
}
