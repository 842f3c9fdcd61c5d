//! One bounded batch of deletions with its counts, and paged reading of a prefix.
//!
//! A batch never splits a deletion from its count: both are one group, applied whole or not at all.

use std::collections::BTreeMap;

use super::super::{error::RetentionError, reach::Reach, rows};
use crate::{
    ids::{CohortId, CollectionName},
    limits,
    storage::{Group, Op, Precondition, Row, Store},
    wire::store::SweepCount,
};

/// Deletions that go together, and what they add to each cohort's count.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) preconditions: Vec<Precondition>,
    pub(super) ops: Vec<Op>,
    counts: BTreeMap<CohortId, SweepCount>,
}

impl Batch {
    /// What this batch adds to the count of a cohort.
    pub(super) fn count(
        &mut self,
        cohort: &CohortId,
        collection: &CollectionName,
    ) -> &mut SweepCount {
        let count = self.count_bare(cohort);
        if count.collection.is_empty() {
            count.collection = collection.as_str().to_owned();
        }
        count
    }

    /// The same where the row does not say of which collection it is.
    pub(super) fn count_bare(&mut self, cohort: &CohortId) -> &mut SweepCount {
        self.counts.entry(*cohort).or_default()
    }

    /// The group to commit: deletions, and the new totals of every cohort they touch.
    pub(super) fn into_group(
        self,
        store: &dyn Store,
        reach: &dyn Reach,
    ) -> Result<Group, RetentionError> {
        let mut ops = self.ops;
        for (cohort, added) in self.counts {
            let mut total = rows::sweep_count(store, reach, &cohort)?;
            if !added.collection.is_empty() {
                total.collection = added.collection;
            }
            total.records = total.records.saturating_add(added.records);
            total.sections = total.sections.saturating_add(added.sections);
            total.index_rows = total.index_rows.saturating_add(added.index_rows);
            total.events = total.events.saturating_add(added.events);
            ops.push(rows::put_sweep_count(reach, &cohort, &total));
        }
        Ok(Group { preconditions: self.preconditions, ops })
    }
}

/// Pages over the rows of a prefix, in key order; rows deleted behind the cursor do not matter.
pub(in super::super) struct Pages {
    prefix: Vec<u8>,
    after: Option<Vec<u8>>,
}

impl Pages {
    /// From the first row of this prefix.
    pub(in super::super) fn over(prefix: Vec<u8>) -> Self {
        Self { prefix, after: None }
    }

    /// The next page, or `None` at the end.
    pub(in super::super) fn next(
        &mut self,
        store: &dyn Store,
    ) -> Result<Option<Vec<Row>>, RetentionError> {
        let page = store.scan(&self.prefix, self.after.as_deref(), limits::SWEEP_BATCH_ROWS)?;
        let Some((last, _)) = page.last() else { return Ok(None) };
        self.after = Some(last.clone());
        Ok(Some(page))
    }

    /// Goes on after every row that starts with these bytes.
    pub(in super::super) fn skip(&mut self, start: &[u8]) {
        // No row key of any kind is longer than its cohort id and 255 bytes more.
        let mut after = start.to_vec();
        after.resize(start.len() + 256, 0xff);
        self.after = Some(after);
    }
}
