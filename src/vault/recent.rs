//! What an agent was given within the last hour: the persons revealed to him, the questions he asked by
//! value. The policies decide by the first count (`context.recent_subjects`), a bound of the product by the
//! second.
//!
//! One row 'u' per agent and kind, MACed like a directory row, replaced in the commit of the event that
//! counts and on the condition that it is as it was read: of two calls at the edge one is looked at again.
//! Invariants: nothing is given without having been counted, and nothing refused is counted; no person is
//! named, a keyed token under the index key of that month's events stands for her, another for each agent;
//! an hour is judged by the later of the clock and its guard's reference, so a clock set back makes no room.
//! Who writes the database can take a row away or put an older one back: the events still tell.

use std::sync::Arc;

use prost::Message as _;
use tokio::sync::{Mutex, MutexGuard};

use crate::{
    audit::{AuditLog, audit_cohort_key},
    clock::Timestamp,
    identity::Caller,
    ids::{AgentId, CohortId, CollectionName, SubjectId},
    limits,
    policy::{Pack, Permit},
    storage::{Group, Op, Precondition, keys},
    wire::store::{RecentEntry, RecentRow},
};

use super::{VaultError, disclose::ATTRIBUTES, segments::audit_rule};

/// The reserved collection of events, whose index keys make the tokens.
const EVENTS: &str = "_audit";
/// The reserved field name of these tokens.
const FIELD: &str = "_recent";
/// How many agents' calls can be under way side by side; two that share a turn only wait.
const TURNS: usize = 64;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Persons revealed.
    Subjects,
    /// Questions asked by value.
    Questions,
}

/// The counts of all agents.
pub(crate) struct Recent {
    log: Arc<AuditLog>,
    turns: [Mutex<()>; TURNS],
}

/// One agent's last hour, as it was read.
pub(crate) struct Hour {
    log: Arc<AuditLog>,
    agent: AgentId,
    key: Vec<u8>,
    /// The row's exact bytes.
    stored: Option<Vec<u8>>,
    now: Timestamp,
    entries: Vec<(Timestamp, Vec<u8>)>,
    /// Cohorts of events that an entry of this hour can be of, that of now first.
    cohorts: Vec<CohortId>,
    events: CollectionName,
}

// === impl Recent ===

impl Recent {
    pub(crate) fn new(log: Arc<AuditLog>) -> Self {
        Self { log, turns: std::array::from_fn(|_| Mutex::new(())) }
    }

    /// Calls of one agent that count take turns, so that each is decided on what the one before it left.
    pub(crate) async fn turn(&self, agent: &AgentId) -> Option<MutexGuard<'_, ()>> {
        let mix = |sum: usize, byte: u8| sum.wrapping_mul(31).wrapping_add(usize::from(byte));
        let turn = agent.as_str().bytes().fold(0, mix) % TURNS;
        match self.turns.get(turn) {
            Some(turn) => Some(turn.lock().await),
            None => None,
        }
    }

    /// The same for a call that counts only where a policy asks.
    pub(crate) async fn turn_if_counted(
        &self,
        pack: &Pack,
        who: &Caller,
    ) -> Option<MutexGuard<'_, ()>> {
        if pack.counts_reveals(who) { self.turn(&who.agent).await } else { None }
    }

    /// The persons revealed to the caller; `None` where no policy that concerns his role asks.
    ///
    /// Errors: [`VaultError::Corrupt`] if the row does not verify.
    pub(crate) fn subjects(&self, pack: &Pack, who: &Caller) -> Result<Option<Hour>, VaultError> {
        if !pack.counts_reveals(who) {
            return Ok(None);
        }
        self.hour(pack, who, Kind::Subjects).map(Some)
    }

    /// The questions that the caller asked by value.
    ///
    /// Errors: [`VaultError::Corrupt`] if the row does not verify.
    pub(crate) fn questions(&self, pack: &Pack, who: &Caller) -> Result<Hour, VaultError> {
        self.hour(pack, who, Kind::Questions)
    }

    fn hour(&self, pack: &Pack, who: &Caller, kind: Kind) -> Result<Hour, VaultError> {
        let (log, now) = (Arc::clone(&self.log), self.log.civil_now());
        let key = keys::recent(tag(kind), who.agent.as_str());
        let stored = log.store().get(&key)?;
        let entries = match &stored {
            Some(bytes) => entries(&log, &key, bytes).ok_or(VaultError::Corrupt("count"))?,
            None => Vec::new(),
        };
        let entries = entries.into_iter().filter(|(at, _)| is_recent(*at, now)).collect();
        let events = CollectionName::parse(EVENTS).map_err(|_| VaultError::Corrupt("cohort"))?;
        let cohorts = cohorts(&log, pack, &events, now)?;
        Ok(Hour { agent: who.agent.clone(), key, stored, now, entries, cohorts, events, log })
    }

    /// Deletes rows of which nothing is recent any more, a bounded number. Blocks.
    pub(crate) fn sweep(&self) -> Result<(), VaultError> {
        let now = self.log.civil_now();
        let mut group = Group::default();
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page =
                self.log.store().scan(&keys::recents(), after.as_deref(), limits::PAGE_MAX)?;
            let Some((last, _)) = page.last() else { break };
            after = Some(last.clone());
            for (key, bytes) in page {
                // One that does not verify stays: it refuses whoever it is of, and is told there.
                let Some(entries) = entries(&self.log, &key, &bytes) else { continue };
                if !entries.iter().any(|(at, _)| is_recent(*at, now)) {
                    group.preconditions.push(Precondition::Unchanged(key.clone(), bytes));
                    group.ops.push(Op::Delete(key));
                }
            }
            if group.ops.len() >= limits::SWEEP_BATCH_ROWS {
                break;
            }
        }
        if group.ops.is_empty() {
            return Ok(());
        }
        match self.log.write_rows(group) {
            // Somebody of them is at work again: the next round looks.
            Err(crate::audit::AuditError::Rejected) => Ok(()),
            done => Ok(done?),
        }
    }
}

// === impl Hour ===

impl Hour {
    /// How many there are beside this person.
    pub(crate) fn others(&self, subject: Option<&SubjectId>) -> u32 {
        let own = self.tokens(subject.unwrap_or(&SubjectId::from_bytes([0; 16])));
        let others = self.entries.iter().filter(|(_, token)| !own.contains(token)).count();
        u32::try_from(others).unwrap_or(u32::MAX)
    }

    /// Counts this person, if the permit gives more of her than attributes.
    ///
    /// Errors: [`VaultError::Corrupt`] if there is no index key of events, which a running vault has.
    pub(crate) fn note(&mut self, subject: &SubjectId, permit: &Permit) -> Result<(), VaultError> {
        if permit.classes().iter().all(|(class, _)| class.as_str() == ATTRIBUTES) {
            return Ok(());
        }
        let own = self.tokens(subject);
        let newest = own.first().ok_or(VaultError::Corrupt("cohort"))?.clone();
        self.entries.retain(|(_, token)| !own.contains(token));
        self.push(newest, limits::RECENT_SUBJECTS_MAX);
        Ok(())
    }

    /// Counts one more question. Errors: [`VaultError::TooOften`], with when the next may be asked.
    pub(crate) fn ask(&mut self) -> Result<(), VaultError> {
        let limit = limits::QUESTIONS_PER_HOUR_MAX;
        if self.entries.len() >= limit {
            let oldest = self.entries.iter().map(|(at, _)| *at).min().unwrap_or(self.now);
            let free = oldest.plus_millis(limits::RECENT_MS).as_millis();
            return Err(VaultError::TooOften {
                retry_ms: free.saturating_sub(self.now.as_millis()),
            });
        }
        self.push(Vec::new(), limit);
        Ok(())
    }

    /// What must be committed with the event that counts.
    pub(crate) fn group(&self) -> Group {
        let entry = |(at, token): &(Timestamp, Vec<u8>)| RecentEntry {
            at_ms: at.as_millis(),
            token: token.clone(),
        };
        let row = RecentRow { entries: self.entries.iter().map(entry).collect() };
        let value = self.log.keyring().mac_row(&self.key, &row.encode_to_vec());
        let key = self.key.clone();
        let before = match &self.stored {
            Some(bytes) => Precondition::Unchanged(key.clone(), bytes.clone()),
            None => Precondition::Absent(key.clone()),
        };
        Group { preconditions: vec![before], ops: vec![Op::Put(key, value)] }
    }

    /// Adds one of now; beyond the bound the oldest go.
    fn push(&mut self, token: Vec<u8>, limit: usize) {
        self.entries.push((self.now, token));
        let beyond = self.entries.len().saturating_sub(limit);
        self.entries.drain(..beyond);
    }

    /// What stands for a person, under every key that an entry of this hour can be of.
    fn tokens(&self, subject: &SubjectId) -> Vec<Vec<u8>> {
        let agent = self.agent.as_str().as_bytes();
        let value = [subject.as_bytes().as_slice(), agent].concat();
        let keyring = self.log.keyring();
        let of = |cohort| keyring.search_tokens(cohort, &self.events, FIELD, &value);
        let all = self.cohorts.iter().flat_map(of);
        all.map(|(_, token)| token.0.to_vec()).collect()
    }
}

fn tag(kind: Kind) -> u8 {
    match kind {
        Kind::Subjects => b's',
        Kind::Questions => b'q',
    }
}

/// Within an hour of now, on either side: an entry that lies ahead was made under a clock that somebody has
/// set back since and vouched for.
fn is_recent(at: Timestamp, now: Timestamp) -> bool {
    at.as_millis().abs_diff(now.as_millis()) < limits::RECENT_MS.unsigned_abs()
}

fn entries(log: &AuditLog, key: &[u8], bytes: &[u8]) -> Option<Vec<(Timestamp, Vec<u8>)>> {
    let row = RecentRow::decode(log.keyring().check_row(key, bytes)?).ok()?;
    let entry = |entry: RecentEntry| (Timestamp::from_millis(entry.at_ms), entry.token);
    Some(row.entries.into_iter().map(entry).collect())
}

/// The cohorts of events of now and of an hour ago, which differ at a month's end alone.
fn cohorts(
    log: &AuditLog,
    pack: &Pack,
    events: &CollectionName,
    now: Timestamp,
) -> Result<Vec<CohortId>, VaultError> {
    let rule = audit_rule(pack);
    let live = log.keyring().cohorts_of(events);
    let mut found = Vec::new();
    for at in [now, now.plus_millis(-limits::RECENT_MS)] {
        let key = audit_cohort_key(&rule, at)?;
        found.extend(live.iter().filter(|one| one.key == key).map(|one| one.id));
    }
    if found.is_empty() {
        // Under a clock that jumped: the newest there is.
        found.extend(live.last().map(|one| one.id));
    }
    found.dedup();
    Ok(found)
}
