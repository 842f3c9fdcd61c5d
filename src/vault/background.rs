//! The vault's own work between calls: purges, segments for tomorrow, checkpoints, the clock guard.
//!
//! One tick does all that is due and returns; whoever runs the vault calls it at an interval. It takes
//! no input, keeps no state that a restart would lose, and retries nothing inside: what failed is due
//! again at the next tick. The first error is returned after everything else was tried.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::{audit::AuditLog, clock::Timestamp, policy::Pack, retention::Retention};

use super::{
    VaultError,
    recent::Recent,
    rekey::Rekey,
    reseal::compact::Compact,
    segments::{Segments, upcoming},
};

/// How long data may stay past its date before an alarm, in milliseconds: one interval of the
/// schedule, which has a run at every midnight.
const OVERDUE_ALARM_MS: i64 = 24 * 60 * 60 * 1000;

/// What the background work touches.
pub(crate) struct Background {
    pub(crate) log: Arc<AuditLog>,
    pub(crate) segments: Arc<Segments>,
    pub(crate) retention: Arc<Retention>,
    pub(crate) rekey: Rekey,
    pub(crate) compact: Arc<Compact>,
    pub(crate) recent: Arc<Recent>,
    /// Since when something has been overdue, as seen by this run.
    pub(crate) overdue_alarmed: Mutex<bool>,
}

impl Background {
    /// Does what is due now. Blocks.
    pub(crate) fn tick(&self, pack: &Pack) -> Result<(), VaultError> {
        let now = self.log.clock().now();
        // The guard looks first: a jump must stop a purge, not be noticed after it.
        let tripped = self.log.clock_tripped();
        let segments = self.segments.ensure(&upcoming(pack, now));
        let purge = if tripped { Ok(()) } else { self.purge_if_due(pack) };
        self.watch_overdue();
        let left = self.erase_left(pack);
        let compacted = self.compact.round(pack);
        let checkpoint = self.log.write_checkpoint(false).map_err(VaultError::from);
        let counts = self.recent.sweep();
        segments.and(purge).and(left).and(compacted).and(counts).and(checkpoint)
    }

    /// What moved records left and no call erased, for a place was away. While one is, it waits on.
    fn erase_left(&self, pack: &Pack) -> Result<(), VaultError> {
        match self.retention.erase_all_left(pack) {
            Err(error) if error.needs_place() => Ok(()),
            done => Ok(done?),
        }
    }

    fn purge_if_due(&self, pack: &Pack) -> Result<(), VaultError> {
        // Once after each zone's midnight, due data or not: the run's event is the daily leaf that keeps
        // an idle vault inside the clock guard.
        if self.retention.is_due(&pack.zones()) {
            let purged = self.retention.run(pack, None);
            // Every night, whatever became of the purge: it only shortens what was confirmable.
            self.rekey.run(pack)?;
            purged?;
        }
        Ok(())
    }

    /// Raises one alarm while data stays past its date; re-armed once nothing is overdue.
    fn watch_overdue(&self) {
        let overdue = self.retention.overdue_ms() > OVERDUE_ALARM_MS;
        let mut alarmed = self.overdue_alarmed.lock();
        let raise = overdue && !*alarmed;
        *alarmed = overdue;
        drop(alarmed);
        if raise {
            self.log.raise_alarm("overdue", "data past its date has not been purged");
        }
    }
}

/// Whether the pack's end date has passed at `now`.
pub(crate) fn end_date_passed(pack: &Pack, now: Timestamp) -> bool {
    now.date_in(pack.zone()) >= pack.end_date()
}
