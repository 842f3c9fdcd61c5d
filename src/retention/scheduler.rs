//! When the next purge is due: a pure function of the last run, the present instant and the zones.
//!
//! A run is due at 00:00 local of each zone (DESIGN section 5). It keeps no timer and no state:
//! whoever ticks asks. A vault that was off over one or many midnights is due as soon as it is
//! asked; one run then does the work of all that were missed, because a purge drops everything
//! whose date has come.

use chrono_tz::Tz;

use crate::clock::Timestamp;

/// Whether a run is due at `now`: never ran, or some zone's 00:00 local lies after the last run and
/// not after `now`. A clock set back behind the last run is not due: nothing new can have expired.
pub(super) fn is_due(last_run: Option<Timestamp>, now: Timestamp, zones: &[Tz]) -> bool {
    let Some(last) = last_run else { return true };
    zones.iter().any(|zone| {
        Timestamp::start_of(now.date_in(*zone), *zone).is_some_and(|today| last < today)
    }) && last < now
}

/// The first instant after `now` at which some zone's day begins; `None` without zones.
pub(super) fn next_run(now: Timestamp, zones: &[Tz]) -> Option<Timestamp> {
    let tomorrow = |zone: &Tz| {
        let date = now.date_in(*zone).succ_opt()?;
        Timestamp::start_of(date, *zone)
    };
    zones.iter().filter_map(tomorrow).min()
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;
    use chrono_tz::{America::Guadeloupe, Indian::Reunion};

    use super::*;

    const HOUR: i64 = 60 * 60 * 1000;

    fn midnight(day: u32, zone: Tz) -> Timestamp {
        Timestamp::start_of(NaiveDate::from_ymd_opt(2020, 11, day).unwrap(), zone).unwrap()
    }

    #[test]
    fn a_vault_that_never_ran_is_due() {
        assert!(is_due(None, midnight(23, Reunion), &[Reunion]));
    }

    #[test]
    fn a_run_is_due_at_local_midnight_and_not_a_millisecond_before() {
        let last = Some(midnight(23, Reunion));
        let next = midnight(24, Reunion);
        assert!(is_due(last, next, &[Reunion]));
        assert!(!is_due(last, next.plus_millis(-1), &[Reunion]));
    }

    #[test]
    fn each_zone_has_its_own_midnight() {
        let zones = [Reunion, Guadeloupe];
        let after_first = Some(midnight(24, Reunion).plus_millis(1));
        assert!(!is_due(after_first, midnight(24, Guadeloupe).plus_millis(-1), &zones));
        assert!(is_due(after_first, midnight(24, Guadeloupe), &zones));
        assert!(!is_due(after_first, midnight(24, Guadeloupe), &[Reunion]));
    }

    #[test]
    fn missed_midnights_are_caught_up_by_one_run() {
        let now = midnight(29, Reunion).plus_millis(8 * HOUR);
        assert!(is_due(Some(midnight(23, Reunion)), now, &[Reunion]));
        assert!(!is_due(Some(now), now, &[Reunion]));
    }

    #[test]
    fn a_clock_set_back_is_not_due() {
        let last = Some(midnight(24, Reunion).plus_millis(HOUR));
        assert!(!is_due(last, midnight(23, Reunion), &[Reunion]));
    }

    #[test]
    fn the_next_run_is_the_first_midnight_of_any_zone() {
        let now = midnight(23, Reunion).plus_millis(12 * HOUR);
        assert_eq!(next_run(now, &[Reunion]), Some(midnight(24, Reunion)));
        assert_eq!(next_run(now, &[Guadeloupe, Reunion]), Some(midnight(24, Reunion)));
        assert_eq!(next_run(now, &[]), None);
    }
}
