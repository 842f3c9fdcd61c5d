//! The slots this run may hand out: of segments it opened itself, once published, in order.
//!
//! Lives in memory alone, so that no slot is handed out twice whatever was rolled back on disk.

use std::collections::{HashMap, VecDeque};

use crate::{
    ids::{SegmentId, SlotRef},
    keyring::CohortKey,
    limits::SEGMENT_SLOTS,
};

struct OpenSegment {
    seg: SegmentId,
    next: u32,
}

/// Segments opened by this run, by cohort, oldest first.
#[derive(Default)]
pub(crate) struct Run(HashMap<CohortKey, VecDeque<OpenSegment>>);

impl Run {
    /// Adds a published segment.
    pub(crate) fn publish(&mut self, cohort: CohortKey, seg: SegmentId) {
        self.0.entry(cohort).or_default().push_back(OpenSegment { seg, next: 0 });
    }

    /// The next slot that was never handed out.
    pub(crate) fn take(&mut self, cohort: &CohortKey) -> Option<SlotRef> {
        let open = self.0.get_mut(cohort)?;
        while open.front().is_some_and(|segment| segment.next >= SEGMENT_SLOTS) {
            open.pop_front();
        }
        let segment = open.front_mut()?;
        let index = segment.next;
        segment.next += 1;
        Some(SlotRef { seg: segment.seg, index })
    }

    /// Whether a slot can be taken.
    pub(crate) fn has(&self, cohort: &CohortKey) -> bool {
        self.0.get(cohort).is_some_and(|open| open.iter().any(|s| s.next < SEGMENT_SLOTS))
    }

    /// Forgets segments that no longer hand out.
    pub(crate) fn retain(&mut self, stays: impl Fn(&SegmentId) -> bool) {
        self.0.retain(|_, open| {
            open.retain(|segment| stays(&segment.seg));
            !open.is_empty()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_segment_makes_way_for_the_next_and_no_slot_comes_twice() {
        let cohort = CohortKey {
            collection: crate::ids::CollectionName::parse("cases").unwrap(),
            expires_on: chrono::NaiveDate::MIN,
            zone: chrono_tz::UTC,
        };
        let seg = |n| SegmentId::from_bytes([n; 16]);
        let mut run = Run::default();
        assert!(run.take(&cohort).is_none());
        run.publish(cohort.clone(), seg(1));
        run.publish(cohort.clone(), seg(2));
        assert_eq!(run.take(&cohort), Some(SlotRef { seg: seg(1), index: 0 }));
        run.0.get_mut(&cohort).unwrap()[0].next = SEGMENT_SLOTS - 1;
        let last = SlotRef { seg: seg(1), index: SEGMENT_SLOTS - 1 };
        assert_eq!(run.take(&cohort), Some(last));
        assert_eq!(run.take(&cohort), Some(SlotRef { seg: seg(2), index: 0 }));
        run.retain(|segment| *segment != seg(2));
        assert!(!run.has(&cohort));
    }
}
