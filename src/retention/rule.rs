//! The retention rule: the day from whose first instant a record must be unreadable.
//!
//! Pure date arithmetic: no clock, no zone, no storage. Which instant that day begins at is a
//! question of the zone (`clock::Timestamp::start_of`).

use chrono::NaiveDate;

use crate::policy::Period;

/// The expiry date: the earlier of `collected_on` + `period` and the pack's `end_date`.
///
/// Calendar months, clipped to the month's end: 30-11-2020 + three months is 28-02-2021. The date
/// returned is the day at whose 00:00 local the record must be unreadable, so data never outlives
/// the rule, not by an hour. A sum beyond the calendar is the end date.
#[must_use]
pub fn expiry(collected_on: NaiveDate, period: Period, end_date: NaiveDate) -> NaiveDate {
    period.after(collected_on).map_or(end_date, |date| date.min(end_date))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn after(collected_on: &str, period: &str) -> NaiveDate {
        expiry(date(collected_on), Period::parse(period).unwrap(), date("2100-01-01"))
    }

    #[test]
    fn three_calendar_months_are_clipped_to_the_end_of_the_month() {
        assert_eq!(after("2020-11-30", "P3M"), date("2021-02-28"));
        assert_eq!(after("2019-11-30", "P3M"), date("2020-02-29"));
        assert_eq!(after("2020-05-31", "P3M"), date("2020-08-31"));
        assert_eq!(after("2020-11-23", "P3M"), date("2021-02-23"));
    }

    #[test]
    fn days_and_weeks_are_counted_over_month_and_year_ends() {
        assert_eq!(after("2020-12-20", "P2W"), date("2021-01-03"));
        assert_eq!(after("2020-01-31", "P1M1D"), date("2020-03-01"));
    }

    #[test]
    fn three_months_last_between_89_and_92_days() {
        let period = Period::parse("P3M").unwrap();
        for start in date("2019-01-01").iter_days().take(1_461) {
            let days = (expiry(start, period, NaiveDate::MAX) - start).num_days();
            assert!((89..=92).contains(&days), "{start}: {days}");
        }
    }

    #[test]
    fn the_earlier_of_period_and_end_date_wins() {
        let period = Period::parse("P3M").unwrap();
        let end = date("2021-04-01");
        assert_eq!(expiry(date("2020-12-31"), period, end), date("2021-03-31"));
        assert_eq!(expiry(date("2021-01-01"), period, end), end);
        assert_eq!(expiry(date("2021-03-31"), period, end), end);
        // Collected after the end: it was never to be kept.
        assert_eq!(expiry(date("2021-05-01"), period, end), end);
    }

    #[test]
    fn a_sum_beyond_the_calendar_is_the_end_date() {
        let period = Period { months: 1_200, days: 0 };
        assert_eq!(expiry(NaiveDate::MAX, period, date("2021-04-01")), date("2021-04-01"));
    }
}
