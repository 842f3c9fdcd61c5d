//! Telling alarms: each open alarm is told once to whatever the operator named, with its kind and its
//! opaque id and nothing else.
//!
//! No call waits for it: whoever runs the vault calls a round now and then, on a thread of its own. What
//! fails is tried again, later each time and so often at most; then it is given up, and the status shows it
//! until somebody has taken note of the alarm. After a restart what is still open is told again.
//! Invariant: one round at a time, one alarm after the other.

use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;

use super::Vault;
use crate::{
    ids::AlarmId,
    limits::{ALARM_EXEC_TRIES_MAX, ALARM_EXEC_WAIT_ROUNDS},
};

/// An alarm could not be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the alarm could not be told")]
pub struct AlarmUntold;

/// Who is told of alarms. Blocks for a bounded time.
pub trait AlarmTeller: Send + Sync {
    /// Tells one.
    ///
    /// # Errors
    /// [`AlarmUntold`] where that failed, for whatever reason.
    fn tell(&self, kind: &str, alarm: &AlarmId) -> Result<(), AlarmUntold>;
}

/// What became of one open alarm.
struct Telling {
    alarm: AlarmId,
    kind: String,
    told: bool,
    tries: u32,
    /// Rounds until the next try.
    wait: u32,
}

/// The open alarms of this run, and whether they were told.
#[derive(Default)]
pub(crate) struct Tellings {
    teller: OnceLock<Arc<dyn AlarmTeller>>,
    all: Mutex<Vec<Telling>>,
    turn: Mutex<()>,
}

impl Tellings {
    /// How many failed, so far or for good.
    pub(crate) fn untold(&self) -> usize {
        self.all.lock().iter().filter(|one| !one.told && one.tries > 0).count()
    }

    /// Tells what is due, for as long as `goes_on` holds.
    fn round(&self, open: &[(AlarmId, String)], goes_on: &dyn Fn() -> bool) {
        let Some(teller) = self.teller.get() else { return };
        let _turn = self.turn.lock();
        for (alarm, kind) in self.due(open) {
            if !goes_on() {
                return;
            }
            let done = teller.tell(&kind, &alarm).is_ok();
            let mut all = self.all.lock();
            if let Some(one) = all.iter_mut().find(|one| one.alarm == alarm) {
                one.told = done;
                // Doubled by each further one.
                one.wait = ALARM_EXEC_WAIT_ROUNDS << one.tries;
                one.tries += 1;
            }
        }
    }

    /// Takes in what was raised, leaves out what was acknowledged, and gives what is to be told now.
    fn due(&self, open: &[(AlarmId, String)]) -> Vec<(AlarmId, String)> {
        let mut all = self.all.lock();
        all.retain(|one| open.iter().any(|(alarm, _)| *alarm == one.alarm));
        for (alarm, kind) in open {
            if all.iter().all(|one| one.alarm != *alarm) {
                let (alarm, kind) = (*alarm, kind.clone());
                all.push(Telling { alarm, kind, told: false, tries: 0, wait: 0 });
            }
        }
        for one in all.iter_mut() {
            one.wait = one.wait.saturating_sub(1);
        }
        let due = |one: &&Telling| !one.told && one.tries < ALARM_EXEC_TRIES_MAX && one.wait == 0;
        all.iter().filter(due).map(|one| (one.alarm, one.kind.clone())).collect()
    }
}

impl Vault {
    /// Says who is told of alarms. Once; without it nobody is.
    pub fn tell_alarms_to(&self, teller: Arc<dyn AlarmTeller>) {
        let _ = self.tellings.teller.set(teller);
    }

    /// One round of telling, for as long as `goes_on` holds. Blocks for as long as the teller does.
    pub fn tell_alarms(&self, goes_on: &dyn Fn() -> bool) {
        self.tellings.round(&self.log.open_alarms(), goes_on);
    }
}

#[cfg(test)]
mod tests;
