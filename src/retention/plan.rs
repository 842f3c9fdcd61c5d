//! What is due: a pure function of the keyring's segments and the present instant.
//!
//! It reads no store and writes nothing, so a dry run and a purge cannot disagree. Invariants: a
//! segment is due when the instant its cohort expires at has come, not a millisecond earlier and
//! whatever the number of records; a segment kept for held slots alone is never due; the order of
//! the plan depends on nothing but its content. A hold that has ended, or that is released, keeps
//! nothing: what it alone kept past its date is due again.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    clock::Timestamp,
    ids::{HoldId, SegmentId, SlotRef},
    keyring::{CohortInfo, Hold, SegmentInfo},
};

/// One cohort whose date has come, with the segments that go.
#[derive(Debug, Clone)]
pub(super) struct PlannedCohort {
    /// Collection, date and zone.
    pub(super) info: CohortInfo,
    /// Sorted; never empty.
    pub(super) segments: Vec<SegmentId>,
}

/// All that one generation drops.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    /// Everything that expires at or before this instant goes.
    pub(super) cutoff: Timestamp,
    /// Sorted by date, collection, zone, id.
    pub(super) cohorts: Vec<PlannedCohort>,
    /// Segments past their date that stay for held slots alone.
    pub(super) held: usize,
    /// Holds that go in the same generation: they have ended, or somebody released them. Sorted.
    pub(super) release: Vec<HoldId>,
}

impl Plan {
    /// Whether there is nothing to do.
    pub(super) fn is_empty(&self) -> bool {
        self.cohorts.is_empty() && self.release.is_empty()
    }
}

/// Slots that only these released holds keep.
fn freed<'a>(holds: &'a [Hold], release: &[HoldId]) -> BTreeSet<&'a SlotRef> {
    let slots = |released: bool| {
        let of = holds.iter().filter(move |hold| release.contains(&hold.id) == released);
        of.flat_map(|hold| &hold.slots)
    };
    let kept: BTreeSet<_> = slots(false).collect();
    slots(true).filter(|slot| !kept.contains(slot)).collect()
}

/// What is due at `now`: `now ≥ expires_at`, the end instant included (DESIGN section 5: the expiry
/// date is the day at whose 00:00 local the record must be unreadable). `release` are holds that somebody
/// releases before their end.
pub(super) fn plan(
    segments: &[SegmentInfo],
    holds: &[Hold],
    release: &[HoldId],
    now: Timestamp,
) -> Plan {
    let goes = |hold: &&Hold| hold.ends_at <= now || release.contains(&hold.id);
    let mut release: Vec<HoldId> = holds.iter().filter(goes).map(|hold| hold.id).collect();
    release.sort_unstable();
    let freed: BTreeSet<SegmentId> = freed(holds, &release).into_iter().map(|s| s.seg).collect();
    let past = segments.iter().filter(|s| s.cohort.expires_at <= now);
    let (held, due): (Vec<_>, Vec<_>) = past.partition(|s| s.held_only && !freed.contains(&s.id));
    let mut cohorts: BTreeMap<_, PlannedCohort> = BTreeMap::new();
    for segment in due {
        let info = &segment.cohort;
        let order =
            (info.key.expires_on, info.key.collection.clone(), info.key.zone.name(), info.id);
        cohorts
            .entry(order)
            .or_insert_with(|| PlannedCohort { info: info.clone(), segments: Vec::new() })
            .segments
            .push(segment.id);
    }
    let mut cohorts: Vec<PlannedCohort> = cohorts.into_values().collect();
    for cohort in &mut cohorts {
        cohort.segments.sort_unstable();
    }
    Plan { cutoff: now, cohorts, held: held.len(), release }
}

/// Age in milliseconds of the oldest segment past its date, used and not held only, or held only by holds
/// that have ended; 0 when there is none. `used` says whether the database holds a row under the segment.
pub(super) fn overdue_millis(
    segments: &[SegmentInfo],
    holds: &[Hold],
    now: Timestamp,
    used: impl Fn(&SegmentId) -> bool,
) -> i64 {
    let ended: Vec<HoldId> =
        holds.iter().filter(|hold| hold.ends_at <= now).map(|hold| hold.id).collect();
    let freed: BTreeSet<SegmentId> = freed(holds, &ended).into_iter().map(|s| s.seg).collect();
    let due_since = |segment: &SegmentInfo| {
        let date = segment.cohort.expires_at;
        if !segment.held_only {
            return Some(date);
        }
        let keeps = |hold: &&Hold| {
            ended.contains(&hold.id) && hold.slots.iter().any(|slot| slot.seg == segment.id)
        };
        let last = holds.iter().filter(keeps).map(|hold| hold.ends_at).min();
        last.filter(|_| freed.contains(&segment.id)).map(|ended| ended.max(date))
    };
    let past = segments.iter().filter(|s| s.cohort.expires_at <= now && used(&s.id));
    let ages = past.filter_map(due_since).map(|at| now.as_millis().saturating_sub(at.as_millis()));
    ages.max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;
    use chrono_tz::Indian::Reunion;

    use super::*;
    use crate::{
        ids::{AgentId, CohortId, CollectionName, RecordId},
        keyring::CohortKey,
    };

    fn segment(id: u8, cohort: u8, day: u32, held_only: bool) -> SegmentInfo {
        let expires_on = NaiveDate::from_ymd_opt(2021, 2, day).unwrap();
        let cohort = CohortInfo {
            id: CohortId::from_bytes([cohort; 16]),
            key: CohortKey {
                collection: CollectionName::parse("things").unwrap(),
                expires_on,
                zone: Reunion,
            },
            expires_at: Timestamp::start_of(expires_on, Reunion).unwrap(),
        };
        SegmentInfo { id: SegmentId::from_bytes([id; 16]), cohort, held_only, untouched: true }
    }

    fn midnight(day: u32) -> Timestamp {
        Timestamp::start_of(NaiveDate::from_ymd_opt(2021, 2, day).unwrap(), Reunion).unwrap()
    }

    #[test]
    fn a_segment_is_due_at_the_instant_of_its_date() {
        let plan = plan(&[segment(1, 1, 23, false)], &[], &[], midnight(23));
        assert_eq!(plan.cohorts.len(), 1);
        assert_eq!(plan.cutoff, midnight(23));
    }

    #[test]
    fn a_segment_is_not_due_a_millisecond_before_its_date() {
        let plan = plan(&[segment(1, 1, 23, false)], &[], &[], midnight(23).plus_millis(-1));
        assert!(plan.cohorts.is_empty());
    }

    #[test]
    fn all_segments_of_a_cohort_go_together_and_cohorts_are_sorted_by_date() {
        let all = [
            segment(9, 2, 23, false),
            segment(3, 1, 22, false),
            segment(1, 2, 23, false),
            segment(4, 3, 24, false),
        ];
        let plan = plan(&all, &[], &[], midnight(23));
        let dates: Vec<_> = plan.cohorts.iter().map(|c| c.info.key.expires_on).collect();
        assert!(dates.is_sorted());
        assert_eq!(dates.len(), 2);
        let last: Vec<_> = plan.cohorts[1].segments.iter().map(|s| s.as_bytes()[0]).collect();
        assert_eq!(last, [1, 9]);
    }

    #[test]
    fn a_segment_kept_for_held_slots_is_not_due_and_is_counted() {
        let plan =
            plan(&[segment(1, 1, 22, true), segment(2, 1, 22, false)], &[], &[], midnight(23));
        assert_eq!((plan.held, plan.cohorts[0].segments.len()), (1, 1));
    }

    #[test]
    fn the_overdue_gauge_is_the_age_of_the_oldest_used_segment() {
        let all = [segment(1, 1, 21, false), segment(2, 2, 22, false), segment(3, 3, 24, false)];
        let day = 24 * 60 * 60 * 1000;
        assert_eq!(overdue_millis(&all, &[], midnight(23), |_| true), 2 * day);
        assert_eq!(overdue_millis(&all, &[], midnight(23), |s| s.as_bytes()[0] != 1), day);
    }

    #[test]
    fn the_overdue_gauge_is_zero_for_held_unused_or_future_segments() {
        let all = [segment(1, 1, 21, true), segment(3, 3, 24, false)];
        assert_eq!(overdue_millis(&all, &[], midnight(23), |_| true), 0);
        assert_eq!(overdue_millis(&[segment(1, 1, 21, false)], &[], midnight(23), |_| false), 0);
    }

    fn hold(id: u8, seg: u8, index: u32, ends: u32) -> Hold {
        Hold {
            id: HoldId::from_bytes([id; 16]),
            record: RecordId::from_bytes([id; 16]),
            slots: vec![SlotRef { seg: SegmentId::from_bytes([seg; 16]), index }],
            authority: "court".to_owned(),
            reason: "case 12".to_owned(),
            ends_on: NaiveDate::from_ymd_opt(2021, 2, ends - 1).unwrap(),
            ends_at: midnight(ends),
            approver: AgentId::parse("dpo-1").unwrap(),
            placed_at: midnight(1),
        }
    }

    #[test]
    fn a_segment_kept_for_a_hold_is_due_once_that_hold_has_ended_and_not_before() {
        let (all, holds) = ([segment(1, 1, 21, true)], [hold(7, 1, 3, 24)]);
        let before = plan(&all, &holds, &[], midnight(24).plus_millis(-1));
        assert!(before.is_empty() && before.held == 1);
        let after = plan(&all, &holds, &[], midnight(24));
        assert_eq!(after.release, [HoldId::from_bytes([7; 16])]);
        assert_eq!((after.cohorts.len(), after.held), (1, 0));
    }

    #[test]
    fn releasing_one_of_two_holds_on_a_slot_makes_nothing_due_and_on_another_slot_it_does() {
        let all = [segment(1, 1, 21, true)];
        let twice = [hold(7, 1, 3, 27), hold(8, 1, 3, 27)];
        let one = plan(&all, &twice, &[HoldId::from_bytes([7; 16])], midnight(23));
        assert_eq!((one.release.len(), one.cohorts.len(), one.held), (1, 0, 1));
        let apart = [hold(7, 1, 3, 27), hold(8, 1, 4, 27)];
        let one = plan(&all, &apart, &[HoldId::from_bytes([7; 16])], midnight(23));
        assert_eq!((one.release.len(), one.cohorts.len()), (1, 1));
    }

    #[test]
    fn what_an_ended_hold_kept_is_overdue_since_its_end_and_what_a_hold_keeps_is_not() {
        let (all, day) = ([segment(1, 1, 21, true)], 24 * 60 * 60 * 1000);
        assert_eq!(overdue_millis(&all, &[hold(7, 1, 3, 23)], midnight(24), |_| true), day);
        assert_eq!(overdue_millis(&all, &[hold(7, 1, 3, 25)], midnight(24), |_| true), 0);
    }
}
