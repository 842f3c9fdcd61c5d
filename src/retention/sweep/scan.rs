//! The full scan: every row of the database against the keyring, after a restored database.
//!
//! An older copy of the data folder brings back rows whose slots no cover reaches any more. They are
//! unreadable already; here they are deleted and counted. The scan must not be fooled the other way:
//! a segment in use that the keyring neither holds nor remembers dropping is a fault of the keyring,
//! named and left alone.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

impl Sweeper<'_> {
    /// Every segment the database uses. Errors: [`RetentionError::SegmentUnknown`] for the first one
    /// that is neither live nor tombstoned nor below the watermark; a tampered row.
    pub(in super::super) fn used_segments(&self) -> Result<Vec<UsedSegment>, RetentionError> {
        let mut used = Vec::new();
        let mut pages = Pages::over(keys::segments());
        while let Some(page) = pages.next(self.store)? {
            for (key, value) in page {
                let segment = rows::used_segment(self.reach, &key, &value)?;
                if !matches!(self.reach.segment(&segment.id), SegmentState::Live { .. }) {
                    self.check_gone(&segment.id, &segment.key)?;
                }
                used.push(segment);
            }
        }
        Ok(used)
    }

    /// Cohorts with a segment in use that the keyring dropped: what a cut sweep or a restored
    /// database left. Sorted by id.
    pub(in super::super) fn dropped_cohorts(&self) -> Result<Vec<SweptCohort>, RetentionError> {
        let mut dropped: BTreeMap<CohortId, SweptCohort> = BTreeMap::new();
        for segment in self.used_segments()? {
            if matches!(self.reach.segment(&segment.id), SegmentState::Live { .. }) {
                continue;
            }
            let UsedSegment { id, cohort, key } = segment;
            dropped
                .entry(cohort)
                .or_insert_with(|| SweptCohort { id: cohort, key, segments: Vec::new() })
                .segments
                .push(id);
        }
        Ok(dropped.into_values().collect())
    }

    /// Looks at every row and deletes those whose slot is unreachable, with everything that belonged
    /// to them. Returns the cohorts it touched.
    pub(in super::super) fn everything(&self) -> Result<BTreeSet<CohortId>, RetentionError> {
        let mut touched = BTreeSet::new();
        for cohort in self.dropped_cohorts()? {
            self.cohort(&cohort)?;
            touched.insert(cohort.id);
        }
        for id in self.records()? {
            touched.insert(id);
        }
        for tag in [b's', b'x', b'c'] {
            touched.extend(self.orphans(tag)?);
        }
        self.retried(|| self.request_orphans())?;
        Ok(touched)
    }

    /// Record rows whose slot is unreachable, with their sections and index rows.
    fn records(&self) -> Result<BTreeSet<CohortId>, RetentionError> {
        let mut touched = BTreeSet::new();
        let mut pages = Pages::over(vec![b'r']);
        while let Some(page) = pages.next(self.store)? {
            for (key, value) in page {
                let row = head_row(value)?;
                if self.reach.slot_lives(&row.slot) {
                    continue;
                }
                if self.reach.segment(&row.slot.seg) == SegmentState::Unknown {
                    // Folded segments were swept through their 'd' row; this one has none.
                    return Err(RetentionError::SegmentUnknown(row.slot.seg));
                }
                touched.insert(row.cohort);
                self.retried(|| self.record(&tail_id(&key)?))?;
            }
        }
        Ok(touched)
    }

    /// One unreachable record: all its rows and their count, in one group.
    fn record(&self, id: &RecordId) -> Result<(), RetentionError> {
        let mut batch = Batch::default();
        self.gone_record(&mut batch, id, &[])?;
        self.flush_if(&mut batch, 1)
    }

    /// Sections, index rows and member rows whose record is no longer there: a section is opened only
    /// through its record's head, so these cannot be. Rows of audit events have no record row: theirs
    /// go with their cohort, through its 'd' rows, or not at all.
    fn orphans(&self, tag: u8) -> Result<BTreeSet<CohortId>, RetentionError> {
        let mut touched = BTreeSet::new();
        let mut batch = Batch::default();
        let mut pages = Pages::over(vec![tag]);
        'pages: while let Some(page) = pages.next(self.store)? {
            for (key, _) in page {
                let start = key.get(..17).ok_or(RetentionError::Tampered("key"))?;
                let cohort = start.get(1..).and_then(|id| CohortId::from_slice(id).ok());
                let cohort = cohort.ok_or(RetentionError::Tampered("key"))?;
                match self.reach.cohort(&cohort) {
                    CohortState::Live { audit: true, .. } => {
                        pages.skip(start);
                        continue 'pages;
                    }
                    // An absent cohort's segments were all swept through their 'd' rows: an event's
                    // row that is still here has no segment anybody knows of.
                    CohortState::Absent if is_event_row(&key) => {
                        return Err(RetentionError::CohortUnknown(cohort));
                    }
                    CohortState::Live { audit: false, .. } | CohortState::Absent => {}
                }
                if self.owner_lives(&key, tag == b's')? {
                    continue;
                }
                touched.insert(cohort);
                match tag {
                    b's' => batch.count_bare(&cohort).sections += 1,
                    b'x' => batch.count_bare(&cohort).index_rows += 1,
                    _ => {}
                }
                batch.ops.push(Op::Delete(key));
                self.flush_if(&mut batch, limits::SWEEP_BATCH_ROWS)?;
            }
        }
        self.flush_if(&mut batch, 1)?;
        Ok(touched)
    }
}

/// Whether a section or index row belongs to an audit event: the section's class is `event`; an index
/// row ends in a leaf number (12 bytes) where a record's ends in its id (16 bytes).
fn is_event_row(key: &[u8]) -> bool {
    match key.first() {
        Some(b's') => key.get(33..) == Some(b"event"),
        Some(b'x') => key.len() == 1 + 16 + 4 + 16 + 12,
        _ => false,
    }
}
