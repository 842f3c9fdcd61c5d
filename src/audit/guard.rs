//! The clock guard (DESIGN section 5): no purge under a clock that jumped.
//!
//! The reference is the time of the last leaf written while the guard was not tripped. It never moves
//! backwards (a clock walked back in small steps would otherwise keep data readable), except when
//! somebody confirms the clock. A trip is latched, is stored with the reference, and survives restarts;
//! leaves still carry the present time, but do not move the reference.
//! Pure: no store, no clock; the committer writes the row.

use prost::Message;

use crate::{clock::Timestamp, limits, wire::store::ClockRow};

/// What the clock guard says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockVerdict {
    /// The clock is within its bounds and no trip waits to be confirmed.
    Sound,
    /// The clock is, or at the trip was, more than 5 minutes before the reference.
    Behind {
        /// The guard's reference.
        reference: Timestamp,
    },
    /// The clock is, or at the trip was, more than 48 hours after the reference.
    Ahead {
        /// The guard's reference.
        reference: Timestamp,
    },
}

/// The guard's state: what row `m/clock` holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ClockGuard {
    reference: Timestamp,
    trip: Option<Trip>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trip {
    Behind,
    Ahead,
}

impl ClockGuard {
    /// The guard of a new vault, whose first leaf will carry this time.
    pub(super) fn starting_at(now: Timestamp) -> Self {
        Self { reference: now, trip: None }
    }

    /// The guard of a stored row, lifted to the keyring's floor. `None`: not a clock row.
    pub(super) fn load(row: &[u8], floor: Timestamp) -> Option<Self> {
        let row = ClockRow::decode(row).ok()?;
        let trip = if row.ahead { Trip::Ahead } else { Trip::Behind };
        let reference = Timestamp::from_millis(row.reference_ms).max(floor);
        Some(Self { reference, trip: row.tripped.then_some(trip) })
    }

    /// The bytes of row `m/clock`, without their mac.
    pub(super) fn row(&self) -> Vec<u8> {
        ClockRow {
            reference_ms: self.reference.as_millis(),
            tripped: self.trip.is_some(),
            ahead: self.trip == Some(Trip::Ahead),
        }
        .encode_to_vec()
    }

    /// Looks at the clock and latches a trip. True if it tripped just now.
    pub(super) fn look(&mut self, now: Timestamp) -> bool {
        if self.trip.is_none() {
            self.trip = self.compare(now);
            return self.trip.is_some();
        }
        false
    }

    /// A leaf of this time is being written; true if that tripped the guard. Its time was read when
    /// it was sealed, an instant that nobody may have looked at: one too far ahead must not become the
    /// reference. One that lies back only waited long, and moves nothing.
    pub(super) fn wrote(&mut self, time: Timestamp) -> bool {
        let tripped = time > self.reference && self.look(time);
        if self.trip.is_none() {
            self.reference = self.reference.max(time);
        }
        tripped
    }

    /// Somebody vouches for this time: it becomes the reference, and the trip is over.
    pub(super) fn confirm(&mut self, time: Timestamp) {
        *self = Self::starting_at(time);
    }

    /// Takes over what was committed, but keeps a trip that was latched meanwhile.
    pub(super) fn committed(&mut self, written: Self, confirmed: bool) {
        let trip = if confirmed { None } else { self.trip };
        *self = Self { reference: written.reference, trip: written.trip.or(trip) };
    }

    /// The reference.
    pub(super) fn reference(&self) -> Timestamp {
        self.reference
    }

    /// Whether a trip waits to be confirmed.
    pub(super) fn tripped(&self) -> bool {
        self.trip.is_some()
    }

    /// How the clock stands; never `Sound` while a trip waits to be confirmed.
    pub(super) fn verdict(&self, now: Timestamp) -> ClockVerdict {
        let reference = self.reference;
        match self.compare(now).or(self.trip) {
            None => ClockVerdict::Sound,
            Some(Trip::Behind) => ClockVerdict::Behind { reference },
            Some(Trip::Ahead) => ClockVerdict::Ahead { reference },
        }
    }

    fn compare(&self, now: Timestamp) -> Option<Trip> {
        if now < self.reference.plus_millis(-limits::CLOCK_BACK_MS) {
            Some(Trip::Behind)
        } else if now > self.reference.plus_millis(limits::CLOCK_AHEAD_MS) {
            Some(Trip::Ahead)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: Timestamp = Timestamp::from_millis(1_606_118_400_000);

    #[test]
    fn a_clock_within_its_bounds_is_sound_and_moves_the_reference() {
        let mut guard = ClockGuard::starting_at(T);
        for now in [T.plus_millis(-limits::CLOCK_BACK_MS), T.plus_millis(limits::CLOCK_AHEAD_MS)] {
            assert!(!guard.look(now));
            assert_eq!(guard.verdict(now), ClockVerdict::Sound);
        }
        guard.wrote(T.plus_millis(1000));
        assert_eq!(guard.reference(), T.plus_millis(1000));
        guard.wrote(T);
        assert_eq!(guard.reference(), T.plus_millis(1000));
    }

    #[test]
    fn a_clock_beyond_its_bounds_trips_until_it_is_confirmed() {
        for (now, ahead) in [
            (T.plus_millis(-limits::CLOCK_BACK_MS - 1), false),
            (T.plus_millis(limits::CLOCK_AHEAD_MS + 1), true),
        ] {
            let mut guard = ClockGuard::starting_at(T);
            assert!(guard.look(now));
            assert!(!guard.look(now));
            guard.wrote(now);
            assert_eq!(guard.reference(), T);
            // Set back, it is still not sound: somebody must say which time is right.
            let verdict = guard.verdict(T);
            assert_eq!(
                matches!(verdict, ClockVerdict::Ahead { reference } if reference == T),
                ahead
            );
            assert_ne!(verdict, ClockVerdict::Sound);
            let reloaded = ClockGuard::load(&guard.row(), Timestamp::from_millis(0)).unwrap();
            assert_eq!(reloaded, guard);
            guard.confirm(now);
            assert_eq!(guard.verdict(now), ClockVerdict::Sound);
        }
    }

    #[test]
    fn a_leaf_sealed_too_far_ahead_trips_and_one_that_waited_long_does_not() {
        let mut guard = ClockGuard::starting_at(T);
        assert!(!guard.wrote(T.plus_millis(-limits::CLOCK_BACK_MS - 1)));
        assert!(!guard.wrote(T.plus_millis(limits::CLOCK_AHEAD_MS)));
        let reference = guard.reference();
        assert_eq!(reference, T.plus_millis(limits::CLOCK_AHEAD_MS));
        assert!(guard.wrote(reference.plus_millis(limits::CLOCK_AHEAD_MS + 1)));
        assert_eq!((guard.reference(), guard.tripped()), (reference, true));
    }

    #[test]
    fn a_row_older_than_the_floor_is_lifted_to_it() {
        let row = ClockGuard::starting_at(T).row();
        let floor = T.plus_millis(86_400_000);
        assert_eq!(ClockGuard::load(&row, floor).unwrap().reference(), floor);
        assert_eq!(ClockGuard::load(&row, T.plus_millis(-1)).unwrap().reference(), T);
    }
}
