//! Injected time. Nothing else in the tree may ask the system for the time
//! (`clippy.toml` and `tests/tidy.rs`).
//!
//! Instants are UTC with millisecond resolution; civil dates are `chrono::NaiveDate` in a named
//! IANA zone. No test waits for a clock.

use std::{
    fmt,
    time::{SystemTime, UNIX_EPOCH},
};

use chrono::{DateTime, LocalResult, NaiveDate, SecondsFormat, TimeZone, Utc};
use chrono_tz::Tz;
use parking_lot::Mutex;

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The instant this many milliseconds after the epoch.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// This instant plus so many milliseconds (negative: minus), saturating.
    #[must_use]
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// The civil date in this zone at this instant.
    #[must_use]
    pub fn date_in(self, zone: Tz) -> NaiveDate {
        self.utc().with_timezone(&zone).date_naive()
    }

    /// The instant in this zone.
    #[must_use]
    pub fn in_zone(self, zone: Tz) -> DateTime<Tz> {
        self.utc().with_timezone(&zone)
    }

    /// The first instant of `date` in `zone`: 00:00 local, or the end of the gap where a change
    /// of clocks skips midnight. `None` only beyond the calendar's range.
    #[must_use]
    pub fn start_of(date: NaiveDate, zone: Tz) -> Option<Self> {
        let midnight = date.and_hms_opt(0, 0, 0)?;
        (0..=4).find_map(|half_hours| {
            let local = midnight.checked_add_signed(chrono::TimeDelta::minutes(30 * half_hours))?;
            match zone.from_local_datetime(&local) {
                // Of two midnights the earlier one: data never outlives the rule.
                LocalResult::Single(t) | LocalResult::Ambiguous(t, _) => {
                    Some(Self(t.timestamp_millis()))
                }
                LocalResult::None => None,
            }
        })
    }

    fn utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.0).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339, UTC, exactly three decimals: `2020-11-23T08:00:00.123Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.utc().to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

/// Where the time comes from.
pub trait Clock: Send + Sync + 'static {
    /// The present instant.
    fn now(&self) -> Timestamp;
}

/// The system's clock: the only one `serve` can be given.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the system clock")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

/// A clock set by hand: demo and tests.
#[derive(Debug)]
pub struct ManualClock(Mutex<Timestamp>);

impl ManualClock {
    /// A clock that stands at this instant.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self(Mutex::new(now))
    }

    /// Sets the clock, forwards or backwards.
    pub fn set(&self, now: Timestamp) {
        *self.0.lock() = now;
    }

    /// Moves the clock by so many milliseconds.
    pub fn advance_millis(&self, millis: i64) {
        let mut now = self.0.lock();
        *now = now.plus_millis(millis);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock()
    }
}

/// The system's clock moved by a fixed amount: a served demo and benchmarks. `serve` cannot reach it.
#[derive(Debug)]
pub struct OffsetClock {
    offset_millis: i64,
}

impl OffsetClock {
    /// A running clock that shows `start` now.
    #[must_use]
    pub fn starting_at(start: Timestamp) -> Self {
        Self { offset_millis: start.as_millis().saturating_sub(SystemClock.now().as_millis()) }
    }
}

impl Clock for OffsetClock {
    fn now(&self) -> Timestamp {
        SystemClock.now().plus_millis(self.offset_millis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_prints_as_rfc_3339_with_three_decimals() {
        let t = Timestamp::from_millis(1_606_118_400_123);
        assert_eq!(t.to_string(), "2020-11-23T08:00:00.123Z");
    }

    #[test]
    fn midnight_follows_the_zone() {
        let date = NaiveDate::from_ymd_opt(2020, 11, 23).unwrap();
        let reunion = Timestamp::start_of(date, chrono_tz::Indian::Reunion).unwrap();
        let guadeloupe = Timestamp::start_of(date, chrono_tz::America::Guadeloupe).unwrap();
        assert_eq!(reunion.to_string(), "2020-11-22T20:00:00.000Z");
        assert_eq!(guadeloupe.to_string(), "2020-11-23T04:00:00.000Z");
        assert_eq!(reunion.date_in(chrono_tz::Indian::Reunion), date);
    }

    #[test]
    fn a_day_without_midnight_starts_after_the_gap() {
        // Lebanon moved its clocks at 00:00 on 2021-03-28, so that day began at 01:00.
        let date = NaiveDate::from_ymd_opt(2021, 3, 28).unwrap();
        let start = Timestamp::start_of(date, chrono_tz::Asia::Beirut).unwrap();
        assert_eq!(start.to_string(), "2021-03-27T22:00:00.000Z");
    }
}
