//! Retention periods: ISO 8601 durations of whole calendar units, and their date arithmetic.
//!
//! Pure. The rule that takes the earlier of a period and the end date is `retention::rule`.

use std::fmt;

use chrono::{Days, Months, NaiveDate};

use crate::limits::{PERIOD_DAYS_MAX, PERIOD_MONTHS_MAX};

/// Calendar months and days, from ISO 8601 `PnY`, `PnM`, `PnW`, `PnD` and their combinations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// Calendar months, years included; at most [`PERIOD_MONTHS_MAX`].
    pub months: u32,
    /// Days, weeks included; at most [`PERIOD_DAYS_MAX`].
    pub days: u32,
}

/// Days of one leap cycle: every start date that a comparison of periods must look at.
const LEAP_CYCLE_DAYS: u64 = 4 * 365 + 1;

/// Why a text is no retention period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PeriodError {
    /// Not of the accepted form.
    #[error("a period is ISO 8601 of whole years, months, weeks or days, such as P3M or P14D")]
    Form,
    /// Zero would forget at once.
    #[error("a period of zero keeps nothing")]
    Zero,
    /// Beyond the bounds.
    #[error("a period is at most 1200 months and 36525 days")]
    TooLong,
}

impl Period {
    /// Reads `P[nY][nM][nW][nD]`, units in this order, each once. Errors: [`PeriodError`].
    pub fn parse(text: &str) -> Result<Self, PeriodError> {
        let rest = text.strip_prefix('P').ok_or(PeriodError::Form)?;
        let (mut months, mut days) = (0_u32, 0_u32);
        let mut digits = String::new();
        let mut units = "YMWD".chars();
        for c in rest.chars() {
            if c.is_ascii_digit() {
                digits.push(c);
                continue;
            }
            // `any` consumes the units up to this one, so that order and uniqueness hold.
            if !units.any(|unit| unit == c) {
                return Err(PeriodError::Form);
            }
            if digits.is_empty() || digits.len() > 6 {
                return Err(PeriodError::Form);
            }
            let count: u32 = digits.parse().map_err(|_| PeriodError::Form)?;
            digits.clear();
            match c {
                'Y' => months += count * 12,
                'M' => months += count,
                'W' => days += count * 7,
                _ => days += count,
            }
        }
        match (rest.is_empty() || !digits.is_empty(), months, days) {
            (true, _, _) => Err(PeriodError::Form),
            (false, 0, 0) => Err(PeriodError::Zero),
            (false, m, d) if m > PERIOD_MONTHS_MAX || d > PERIOD_DAYS_MAX => {
                Err(PeriodError::TooLong)
            }
            (false, months, days) => Ok(Self { months, days }),
        }
    }

    /// The date this long after `start`: calendar months first, clipped to the month's end, then
    /// days. `None` only beyond the calendar's range.
    #[must_use]
    pub fn after(self, start: NaiveDate) -> Option<NaiveDate> {
        start
            .checked_add_months(Months::new(self.months))?
            .checked_add_days(Days::new(u64::from(self.days)))
    }

    /// Whether, for some start date, this period ends later than `other`.
    #[must_use]
    pub fn may_outlive(self, other: Self) -> bool {
        let Some(first) = NaiveDate::from_ymd_opt(2020, 1, 1) else { return true };
        first
            .iter_days()
            .zip(0..LEAP_CYCLE_DAYS)
            .any(|(start, _)| self.after(start) > other.after(start))
    }
}

impl fmt::Display for Period {
    /// The canonical text: `P3M`, `P14D`, `P1M15D`. Reads back as the same period.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.months, self.days) {
            (months, 0) => write!(f, "P{months}M"),
            (0, days) => write!(f, "P{days}D"),
            (months, days) => write!(f, "P{months}M{days}D"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_calendar_units_are_read_and_written_canonically() {
        for (text, months, days, canonical) in [
            ("P3M", 3, 0, "P3M"),
            ("P1Y", 12, 0, "P12M"),
            ("P2W", 0, 14, "P14D"),
            ("P30D", 0, 30, "P30D"),
            ("P1Y2M3W4D", 14, 25, "P14M25D"),
        ] {
            let period = Period::parse(text).unwrap();
            assert_eq!(period, Period { months, days }, "{text}");
            assert_eq!(period.to_string(), canonical);
            assert_eq!(Period::parse(canonical), Ok(period));
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "P", "3M", "PM", "P3", "P1D1M", "P1M1M", "PT3H", "P-3M", "P1.5M", "p3m"] {
            assert_eq!(Period::parse(text), Err(PeriodError::Form), "{text}");
        }
        assert_eq!(Period::parse("P0M"), Err(PeriodError::Zero));
    }

    #[test]
    fn a_period_of_a_century_is_read_and_a_longer_one_is_not() {
        for (most, more) in [("P1200M", "P1201M"), ("P36525D", "P36526D"), ("P100Y", "P101Y")] {
            assert!(Period::parse(most).is_ok(), "{most}");
            assert_eq!(Period::parse(more), Err(PeriodError::TooLong), "{more}");
        }
    }

    #[test]
    fn ninety_days_may_outlive_three_months_and_eighty_nine_may_not() {
        let three_months = Period::parse("P3M").unwrap();
        assert!(Period::parse("P90D").unwrap().may_outlive(three_months));
        assert!(!Period::parse("P89D").unwrap().may_outlive(three_months));
        assert!(!three_months.may_outlive(three_months));
    }
}
