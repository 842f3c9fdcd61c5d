//! The holds that a certificate tells of, with their age and why they are there.
//!
//! Record and hold ids are random; authority and reason are the words of who placed the hold, and are told
//! because nothing that is kept past its date may be kept in silence.

use super::parts::CertifiedHold;
use crate::{clock::Timestamp, ids::SegmentId, keyring::Hold, limits};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// How many holds are in force, and those that the certificate lists: first those whose record's date has
/// passed (`past_date` of any of its segments), then the oldest.
pub(in super::super) fn certified(
    holds: &[Hold],
    now: Timestamp,
    past_date: impl Fn(&SegmentId) -> bool,
) -> (u64, Vec<CertifiedHold>) {
    let mut listed: Vec<(bool, &Hold)> = holds
        .iter()
        .map(|hold| (hold.slots.iter().any(|slot| past_date(&slot.seg)), hold))
        .collect();
    listed.sort_by_key(|(past, hold)| (!past, hold.placed_at, hold.id));
    listed.truncate(limits::CERTIFICATE_HOLDS_MAX);
    let certified = |(past, hold): (bool, &Hold)| CertifiedHold {
        id: hold.id.to_string(),
        record: hold.record.to_string(),
        slots: u64::try_from(hold.slots.len()).unwrap_or(u64::MAX),
        authority: hold.authority.clone(),
        reason: hold.reason.clone(),
        placed_at: hold.placed_at.to_string(),
        ends_on: hold.ends_on.to_string(),
        age_days: age_days(hold.placed_at, now),
        past_date: past,
    };
    let count = u64::try_from(holds.len()).unwrap_or(u64::MAX);
    (count, listed.into_iter().map(certified).collect())
}

/// Whole days; none for one that a clock set back puts into the future.
fn age_days(placed_at: Timestamp, now: Timestamp) -> u64 {
    let millis = now.as_millis().saturating_sub(placed_at.as_millis());
    u64::try_from(millis / DAY_MS).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::*;
    use crate::ids::{AgentId, HoldId, RecordId, SlotRef};

    const NOW: Timestamp = Timestamp::from_millis(1_613_952_000_000);

    fn hold(number: u16, age_ms: i64) -> Hold {
        let mut id = [0; 16];
        id[14..].copy_from_slice(&number.to_be_bytes());
        Hold {
            id: HoldId::from_bytes(id),
            record: RecordId::from_bytes([7; 16]),
            slots: vec![SlotRef { seg: SegmentId::from_bytes(id), index: 1 }],
            authority: "court".into(),
            reason: "case 12".into(),
            ends_on: NaiveDate::from_ymd_opt(2021, 6, 1).unwrap(),
            ends_at: Timestamp::from_millis(1_622_592_000_000),
            approver: AgentId::parse("dpo-1").unwrap(),
            placed_at: NOW.plus_millis(-age_ms),
        }
    }

    #[test]
    fn a_hold_is_told_with_its_age_authority_and_reason_and_one_past_its_date_comes_first() {
        let holds = [hold(1, 3 * DAY_MS + 1), hold(2, 2 * DAY_MS - 1), hold(3, -1)];
        let past = |seg: &SegmentId| *seg == SegmentId::from_bytes(*holds[1].id.as_bytes());
        let (count, listed) = certified(&holds, NOW, past);
        assert_eq!(count, 3);
        let told: Vec<_> = listed.iter().map(|h| (h.past_date, h.age_days)).collect();
        assert_eq!(told, [(true, 1), (false, 3), (false, 0)]);
        assert_eq!(listed[0].id, holds[1].id.to_string());
        assert_eq!((listed[0].authority.as_str(), listed[0].reason.as_str()), ("court", "case 12"));
        assert_eq!((listed[0].ends_on.as_str(), listed[0].slots), ("2021-06-01", 1));
    }

    #[test]
    fn as_many_holds_are_listed_and_one_more_is_counted_and_left_out() {
        let most = limits::CERTIFICATE_HOLDS_MAX;
        let holds: Vec<Hold> =
            (0..=u16::try_from(most).unwrap()).map(|n| hold(n, i64::from(n))).collect();
        let (count, listed) = certified(&holds[..most], NOW, |_| false);
        assert_eq!((count, listed.len()), (most as u64, most));
        let (count, listed) = certified(&holds, NOW, |_| false);
        assert_eq!((count, listed.len()), (most as u64 + 1, most));
        assert!(!listed.iter().any(|h| h.id == holds[0].id.to_string()), "the youngest goes first");
    }
}
