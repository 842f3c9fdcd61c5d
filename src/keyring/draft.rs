//! Generation g + 1 while it is put together: changes to a copy of the body that shares its keys.
//!
//! Nothing here does IO and nothing takes effect before `write`. A draft that is dropped leaves no
//! trace.

use std::sync::Arc;

use crate::{
    clock::Timestamp,
    crypto::blind_index::IndexKey,
    ids::{AgentId, CohortId, HoldId, SegmentId, SlotRef},
    keyring::{
        CohortKey, Hold, Keyring, KeyringError, LogState, NewRoot, Revocation,
        body::{Body, Cohort, Segment},
        cover::Cover,
        root::Root,
        turn::Turn,
    },
    limits::HOLDS_MAX,
    random::Random,
    secret::Secret,
};

/// Root of a tree without leaves: SHA-256("") (RFC 6962 section 2.1).
pub(crate) const EMPTY_ROOT: [u8; 32] = [
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
    0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
];

/// Generation g + 1 while it is put together. Holds the turn: no other draft exists meanwhile.
#[must_use = "a draft changes nothing until it is written"]
pub struct Draft {
    pub(super) keyring: Arc<Keyring>,
    pub(super) turn: Turn,
    pub(super) body: Body,
    pub(super) generation: u64,
    pub(super) erases: bool,
    pub(super) opened: Vec<(CohortKey, SegmentId)>,
    /// The root key it puts in force, where it rotates it.
    pub(super) root: Option<Root>,
    /// Bytes of its file, once that is written.
    pub(super) bytes: usize,
    raised: Option<u32>,
}

impl Draft {
    pub(super) fn begin(keyring: &Arc<Keyring>) -> Self {
        let turn = keyring.turnstile.enter();
        let state = keyring.state.read();
        Self {
            turn,
            body: state.body.clone(),
            generation: state.generation + 1,
            erases: false,
            opened: Vec::new(),
            root: None,
            bytes: 0,
            raised: None,
            keyring: Arc::clone(keyring),
        }
    }

    /// The g this draft will write.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// A new segment (and cohort, where the key is new) for this date; its slots are handed out
    /// after publication.
    ///
    /// Errors: [`KeyringError::Calendar`]; [`KeyringError::UnknownSegment`] when only held slots are
    /// left of that cohort.
    pub fn open_segment(
        &mut self,
        cohort: &CohortKey,
        random: &dyn Random,
    ) -> Result<SegmentId, KeyringError> {
        let id = match self.body.find_cohort(cohort) {
            Some(id) => id,
            None => self.open_cohort(cohort, random)?,
        };
        // Without index keys the cohort was purged: nothing new may be sealed under its date.
        if self.body.cohorts.get(&id).is_none_or(|c| c.index_keys.is_empty()) {
            return Err(KeyringError::UnknownSegment);
        }
        let seg = SegmentId::make(random);
        let cover = Arc::new(Cover::whole(Secret::make(random)));
        self.body.segments.insert(seg, Segment { cohort: id, cover, held_only: false });
        self.opened.push((cohort.clone(), seg));
        Ok(seg)
    }

    fn open_cohort(
        &mut self,
        key: &CohortKey,
        random: &dyn Random,
    ) -> Result<CohortId, KeyringError> {
        let expires_at =
            Timestamp::start_of(key.expires_on, key.zone).ok_or(KeyringError::Calendar)?;
        let index_keys = vec![Arc::new(IndexKey::make(1, random))];
        let id = CohortId::make(random);
        self.body.cohorts.insert(id, Cohort { key: key.clone(), expires_at, index_keys });
        Ok(id)
    }

    /// Drops a segment whole, leaving a tombstone. Slots under a hold survive: then the segment
    /// stays live, reduced to them. The last segment of a cohort takes the cohort and its index keys
    /// along; the last that is not held-only takes the index keys.
    ///
    /// Errors: [`KeyringError::UnknownSegment`].
    pub fn drop_segment(&mut self, seg: &SegmentId, now: Timestamp) -> Result<(), KeyringError> {
        self.body.drop_segment(seg, self.generation, now)?;
        self.erases = true;
        self.opened.retain(|(_, opened)| opened != seg);
        Ok(())
    }

    /// Removes slots for good. Slots already gone are no error.
    ///
    /// Errors: [`KeyringError::Held`], [`KeyringError::UnknownSegment`]; then nothing is removed.
    pub fn puncture(&mut self, slots: &[SlotRef]) -> Result<(), KeyringError> {
        self.body.puncture(slots)?;
        self.erases |= !slots.is_empty();
        Ok(())
    }

    /// Places a hold: no later generation erases its slots until it is released.
    ///
    /// Errors: [`KeyringError::HoldRefused`] without slots, for a used id or beyond
    /// `limits::HOLDS_MAX`;
    /// [`KeyringError::SlotGone`] for a slot that no longer lives.
    pub fn place_hold(&mut self, mut hold: Hold) -> Result<(), KeyringError> {
        let used = self.body.holds.get(&hold.id).is_some();
        if hold.slots.is_empty() || used || self.body.holds.len() >= HOLDS_MAX {
            return Err(KeyringError::HoldRefused);
        }
        if !hold.slots.iter().all(|slot| self.body.reaches(slot)) {
            return Err(KeyringError::SlotGone);
        }
        hold.slots.sort_unstable();
        hold.slots.dedup();
        self.body.holds.insert(hold);
        Ok(())
    }

    /// Takes a hold away and returns it. What it kept beyond its date is erased by the caller, in
    /// this same draft.
    pub fn release_hold(&mut self, id: &HoldId) -> Option<Hold> {
        self.body.holds.remove(id)
    }

    /// The holds as this draft leaves them.
    #[must_use]
    pub fn holds(&self) -> Vec<Hold> {
        self.body.holds.iter().cloned().collect()
    }

    /// Adds an index key to a cohort: from publication on it is written with, and all are searched.
    ///
    /// Errors: [`KeyringError::UnknownSegment`] for a cohort without live index keys.
    pub fn add_index_key(
        &mut self,
        cohort: &CohortId,
        random: &dyn Random,
    ) -> Result<u32, KeyringError> {
        let cohort = self.body.cohorts.get_mut(cohort).ok_or(KeyringError::UnknownSegment)?;
        let last = cohort.index_keys.last().ok_or(KeyringError::UnknownSegment)?.id();
        let id = last.checked_add(1).ok_or(KeyringError::UnknownSegment)?;
        cohort.index_keys.push(Arc::new(IndexKey::make(id, random)));
        Ok(id)
    }

    /// Drops an index key of a cohort: its tokens confirm nothing any more.
    ///
    /// Errors: [`KeyringError::UnknownSegment`] unless a newer key takes its place.
    pub fn drop_index_key(&mut self, cohort: &CohortId, id: u32) -> Result<(), KeyringError> {
        let cohort = self.body.cohorts.get_mut(cohort).ok_or(KeyringError::UnknownSegment)?;
        if cohort.index_keys.last().is_none_or(|newest| newest.id() <= id) {
            return Err(KeyringError::UnknownSegment);
        }
        cohort.index_keys.retain(|key| key.id() != id);
        self.erases = true;
        Ok(())
    }

    /// Remembers what an agent's directory row must at least be. Never weakens what is remembered.
    pub fn revoke(&mut self, agent: &AgentId, revocation: Revocation) {
        let kept = self.body.revocations.entry(agent.clone()).or_insert(revocation);
        kept.min_revision = kept.min_revision.max(revocation.min_revision);
        kept.revoked |= revocation.revoked;
    }

    /// Puts another root key in force. Every place must answer, as for an erasure: what the old root
    /// key opened shall be gone everywhere.
    pub fn rotate_root(&mut self, new: NewRoot, now: Timestamp) {
        self.body.root_since = Some(now);
        self.root = Some(new.0);
        self.erases = true;
    }

    /// Forgets what was done to the list of places: the log tells it now.
    pub fn clear_place_acts(&mut self) {
        self.body.place_acts.clear();
    }

    /// Starts the log origin `k`, whose tree is empty: the floor of the one before no longer binds.
    pub fn raise_origin(&mut self, k: u32) {
        self.raised = Some(k);
    }

    /// Pins a policy pack: its hash, and its canonical retention part.
    pub fn pin_pack(&mut self, hash: [u8; 32], retention: Vec<u8>) {
        self.body.pack_hash = hash;
        self.body.retention_part = retention;
    }

    /// Sets the log's floor: never lower than it was, except that a raised origin starts empty.
    pub(super) fn set_log(&mut self, log: LogState) {
        let floor = self.body.log;
        let mut new = if (log.k, log.size) < (floor.k, floor.size) { floor } else { log };
        if let Some(k) = self.raised.filter(|k| *k > new.k) {
            new = LogState { k, size: 0, root: EMPTY_ROOT, clock_floor: log.clock_floor };
        }
        self.body.log = LogState { clock_floor: log.clock_floor, ..new };
    }
}
