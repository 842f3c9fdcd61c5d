//! Slows guessing down before any hashing: per agent and per address, exponential, bounded.
//!
//! An attempt is counted when it begins, so that many attempts started at once cannot all pass
//! before the first has failed; a right secret takes it back. Unknown agents are counted like known
//! ones, so that a delay says nothing about who exists. The table is bounded: the entry that matters
//! least makes room. It lives in memory only; a restart forgets it, and Argon2id still costs.
//!
//! An address is allowed more failures than an agent, and forgets them faster, because the agents
//! of a whole service may come from one address. Someone who keeps failing for another's name delays
//! that agent, for [`limits::LOGIN_THROTTLE_MAX_MS`] at the most per failure.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
};

use parking_lot::Mutex;

use crate::{clock::Timestamp, ids::AgentId, limits};

/// Failed attempts of every agent and address that was seen lately.
#[derive(Default)]
pub(super) struct Throttle {
    table: Mutex<HashMap<Key, Entry>>,
}

/// An attempt that was let through and counts as failed until something better is known.
#[must_use]
pub(super) struct Attempt {
    agent: Key,
    address: Option<Key>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Agent(AgentId),
    Address(IpAddr),
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    failures: u32,
    last: Timestamp,
}

impl Throttle {
    /// Lets an attempt through and counts it as failed, or says in how many milliseconds (1 to
    /// [`limits::LOGIN_THROTTLE_MAX_MS`]) the next one may be made. A refused one counts for nothing.
    pub(super) fn begin(
        &self,
        agent: &AgentId,
        from: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<Attempt, i64> {
        let attempt = Attempt { agent: Key::Agent(agent.clone()), address: from.and_then(address) };
        let mut table = self.table.lock();
        let keys = || std::iter::once(&attempt.agent).chain(&attempt.address);
        let wait = keys().filter_map(|k| Some(table.get(k)?.wait(k, now))).max().unwrap_or(0);
        if wait > 0 {
            return Err(wait);
        }
        for key in keys() {
            if !table.contains_key(key) && table.len() >= limits::LOGIN_THROTTLE_ENTRIES_MAX {
                make_room(&mut table, now);
            }
            let entry = table.entry(key.clone()).or_insert(Entry { failures: 0, last: now });
            entry.failures = entry.remaining(key, now).saturating_add(1);
            entry.last = now;
        }
        Ok(attempt)
    }

    /// The secret was right: the agent starts afresh, and the address gets this attempt back (no
    /// more: an attacker with one account of his own must not clear his address).
    pub(super) fn succeeded(&self, attempt: Attempt) {
        let mut table = self.table.lock();
        table.remove(&attempt.agent);
        give_back(&mut table, attempt.address.as_ref());
    }

    /// The secret was never tried (the queue was full): the attempt counts for nothing.
    pub(super) fn untried(&self, attempt: Attempt) {
        let mut table = self.table.lock();
        give_back(&mut table, Some(&attempt.agent));
        give_back(&mut table, attempt.address.as_ref());
    }
}

impl Key {
    /// Failures without delay, and the time after which one failure is forgotten.
    fn rule(&self) -> (u32, i64) {
        match self {
            Self::Agent(_) => (limits::LOGIN_FREE_FAILURES, limits::LOGIN_AGENT_FORGETS_MS),
            Self::Address(_) => {
                (limits::LOGIN_FREE_FAILURES_PER_ADDRESS, limits::LOGIN_ADDRESS_FORGETS_MS)
            }
        }
    }
}

impl Entry {
    /// Milliseconds until the next attempt; 0 = now.
    fn wait(&self, key: &Key, now: Timestamp) -> i64 {
        let over = self.failures.saturating_sub(key.rule().0);
        let delay = match over {
            0 => 0,
            n => limits::LOGIN_THROTTLE_FIRST_MS
                .saturating_mul(1_i64.checked_shl(n - 1).filter(|f| *f > 0).unwrap_or(i64::MAX))
                .min(limits::LOGIN_THROTTLE_MAX_MS),
        };
        // A clock that was set back must not lock anybody out for longer than the delay itself.
        let elapsed = now.as_millis().saturating_sub(self.last.as_millis()).max(0);
        delay.saturating_sub(elapsed).max(0)
    }

    /// Failures not forgotten yet.
    fn remaining(&self, key: &Key, now: Timestamp) -> u32 {
        let elapsed = now.as_millis().saturating_sub(self.last.as_millis()).max(0);
        let forgotten = elapsed.checked_div(key.rule().1).unwrap_or(0);
        self.failures.saturating_sub(u32::try_from(forgotten).unwrap_or(u32::MAX))
    }
}

fn give_back(table: &mut HashMap<Key, Entry>, key: Option<&Key>) {
    if let Some(entry) = key.and_then(|k| table.get_mut(k)) {
        entry.failures = entry.failures.saturating_sub(1);
    }
}

/// Drops everything forgotten; if nothing was, the entry with fewest failures, the oldest of them.
fn make_room(table: &mut HashMap<Key, Entry>, now: Timestamp) {
    table.retain(|key, entry| entry.remaining(key, now) > 0);
    if table.len() < limits::LOGIN_THROTTLE_ENTRIES_MAX {
        return;
    }
    let least = table.iter().min_by_key(|(_, e)| (e.failures, e.last)).map(|(k, _)| k.clone());
    if let Some(key) = least {
        table.remove(&key);
    }
}

/// What an address is counted as; `None` for this machine itself: programs and tunnels on it all have
/// one address, and without TLS that is every caller. Counted, one program that keeps failing would shut
/// everybody out. Their agents are counted all the same.
fn address(address: IpAddr) -> Option<Key> {
    let block = block_of(address);
    // An IPv6 block is cut to its network, so the address itself is asked.
    (!address.to_canonical().is_loopback()).then_some(Key::Address(block))
}

/// IPv4 as it is; IPv6 by its /64, which one host can fill at will.
fn block_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests;
