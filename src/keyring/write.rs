//! The order in which generation g + 1 replaces g (DESIGN section 3), as one function over numbered
//! steps, and the value that stands for it until its leaf is durable.
//!
//! Invariants: every place that must hold g + 1 does so before any scrubs g; nothing is acknowledged
//! before the last scrub was read back; each attempt draws a fresh generation key; a failure from
//! step 3 on leaves a handle that writes no further generation until it is opened again.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use crate::{
    ids::{PlaceId, SegmentId},
    keyring::{
        CohortKey, Draft, Keyring, KeyringError, LogState,
        anchor::Entry,
        generation,
        handle::{OpenPlace, State},
        turn::Turn,
    },
    limits::DRAIN_MS,
    random::Random,
    secret::Secret,
};

impl Draft {
    /// Writes the generation to every place. Blocks on devices, and on calls that read slots this
    /// generation erases.
    ///
    /// Errors before step 3 leave g in force, and the draft's changes may be tried again. From step
    /// 3 on the error is [`KeyringError::Incomplete`]: what was to be erased is pending and
    /// unacknowledged, and every further draft answers [`KeyringError::MustReopen`].
    pub fn write(
        mut self,
        log: LogState,
        random: &dyn Random,
    ) -> Result<Unpublished, KeyringError> {
        if self.keyring.broken.load(Ordering::Acquire) {
            return Err(KeyringError::MustReopen);
        }
        self.set_log(log);
        self.body.previous_hash = self.keyring.hash();
        self.body.fold_tombstones(log.clock_floor);

        // Step 1: every place that must answer answers, and holds g.
        // A crash here leaves g.
        self.ready_places(random)?;

        // Step 2: keyring.(g+1) is at every place, synced and read back.
        // A crash here leaves g and orphans of g + 1, which the next start removes.
        let entry = self.write_files(random)?;

        // From here on the handle is incomplete until `published` says otherwise; set while the turn
        // is held, so that no other draft can slip in between.
        self.keyring.broken.store(true, Ordering::Release);
        self.commit(&entry, random).map_err(|error| KeyringError::Incomplete(Box::new(error)))
    }

    /// Steps 3 to 6.
    fn commit(self, entry: &Entry, random: &dyn Random) -> Result<Unpublished, KeyringError> {
        let keyring = Arc::clone(&self.keyring);
        let (places, erases) = (&keyring.places, self.erases);
        if self.root.is_some() {
            // Both root keys are known until no slot is left under the old one.
            places.roots.add(&entry.root);
        }

        // Step 3: the anchors advance, the primary first: the commit point.
        // A crash before the primary's leaves g; after it, g + 1: the next start brings up the
        // followers and scrubs. A torn slot is ignored.
        let (primary, followers) = places.all.split_first().ok_or(KeyringError::NoPlace)?;
        primary.place.anchor.advance(entry, &places.roots, random)?;
        let advance = |p: &OpenPlace| p.place.anchor.advance(entry, &places.roots, random);
        let advanced = followers.iter().try_for_each(|p| needed(p, erases, advance));

        // Step 4: the old state is wiped in memory, and openings of erased slots have ended.
        // A crash here leaves g + 1, not yet scrubbed: the next start scrubs before serving.
        let unpublished = self.install(entry)?;
        advanced?;

        // Step 5: the old slots are scrubbed and read back at every place: the erasure point.
        // A crash here leaves g + 1 and, at some places, the key of g: the next start scrubs. After a
        // root rotation that key is wrapped under the old root key, which the new one's holder need
        // not know: a start accepts a slot it cannot open below one it can.
        let scrub = |p: &OpenPlace| p.place.anchor.scrub(entry.generation, &places.roots, random);
        scrub(primary)?;
        followers.iter().try_for_each(|p| needed(p, erases, scrub))?;

        *places.root.lock() = entry.root.share();
        places.roots.keep_only(&entry.root);

        // Step 6: the old files, unreadable now, are removed. What a crash or failure leaves, the
        // next generation or start removes.
        for open in places.all.iter().filter(|p| !p.behind.load(Ordering::Relaxed)) {
            let _ = open.place.remove_other_keyrings(entry.generation);
        }
        Ok(unpublished)
    }

    /// Sees to it, before anything is written anywhere, that every place answers and holds g. The draft
    /// counts as one that erases from then on.
    ///
    /// Errors: [`KeyringError::ErasureNeedsPlace`]; [`KeyringError::MustReopen`].
    pub fn ready_to_erase(&mut self, random: &dyn Random) -> Result<(), KeyringError> {
        if self.keyring.broken.load(Ordering::Acquire) {
            return Err(KeyringError::MustReopen);
        }
        self.erases = true;
        self.ready_places(random)
    }

    /// Brings every follower up to g. A silent one is marked behind, or stops an erasing draft.
    fn ready_places(&mut self, random: &dyn Random) -> Result<(), KeyringError> {
        let keyring = Arc::clone(&self.keyring);
        let places = &keyring.places;
        if self.erases {
            let open = |id: &PlaceId| places.all.iter().any(|p| p.id == *id);
            if let Some(absent) = self.body.places.iter().find(|entry| !open(&entry.id)) {
                return Err(KeyringError::ErasureNeedsPlace { id: absent.id });
            }
        }
        let (primary, followers) = places.all.split_first().ok_or(KeyringError::NoPlace)?;
        let current = keyring.current_entry(primary)?;
        for follower in followers {
            if !self.body.places.iter().any(|entry| entry.id == follower.id) {
                // This generation removes it.
                follower.behind.store(true, Ordering::Relaxed);
                continue;
            }
            let ready = keyring.bring_up(primary, follower, &current, random);
            follower.behind.store(ready.is_err(), Ordering::Relaxed);
            if ready.is_err() && self.erases {
                return Err(KeyringError::ErasureNeedsPlace { id: follower.id });
            }
        }
        Ok(())
    }

    /// Seals the body and writes it to every place that is not behind. A follower that fails is
    /// marked behind and the attempt begins again, for the mark is part of the body; an erasing
    /// draft fails instead. Ends because each round has one follower fewer.
    fn write_files(&mut self, random: &dyn Random) -> Result<Entry, KeyringError> {
        let keyring = Arc::clone(&self.keyring);
        let (primary, followers) = keyring.places.all.split_first().ok_or(KeyringError::NoPlace)?;
        'attempt: loop {
            let answering: Vec<&OpenPlace> =
                followers.iter().filter(|p| !p.behind.load(Ordering::Relaxed)).collect();
            for entry in &mut self.body.places {
                entry.stale = entry.id != primary.id && answering.iter().all(|p| p.id != entry.id);
            }
            let key = Secret::make(random);
            let file = generation::seal(&key, self.generation, &keyring.vault, self.body.encode()?)
                .ok_or(KeyringError::Body("it cannot be sealed"))?;
            self.bytes = file.len();
            primary.place.write_keyring(self.generation, &file)?;
            for follower in answering {
                match follower.place.write_keyring(self.generation, &file) {
                    Err(_) if !self.erases => {
                        follower.behind.store(true, Ordering::Relaxed);
                        continue 'attempt;
                    }
                    other => other?,
                }
            }
            return Ok(Entry {
                generation: self.generation,
                vault: keyring.vault,
                keyring_hash: generation::hash(&file),
                root: self.root.as_ref().unwrap_or(&*keyring.places.root.lock()).share(),
                key,
            });
        }
    }

    /// Puts g + 1 in force in memory and waits for openings of erased slots.
    fn install(self, entry: &Entry) -> Result<Unpublished, KeyringError> {
        let keyring = self.keyring;
        let detail =
            generation::detail(entry.generation, &entry.keyring_hash, &self.body.previous_hash);
        let new = State {
            generation: entry.generation,
            hash: entry.keyring_hash,
            bytes: self.bytes,
            body: self.body,
        };
        let erased = {
            let mut state = keyring.state.write();
            // The old body's keys are wiped here, where the last reference to them goes.
            *state = new;
            keyring.nodes.clear();
            keyring.cache.retire(|at| state.body.reaches(at))
        };
        keyring.forget_closed_segments();
        let unpublished = Unpublished {
            generation: entry.generation,
            detail,
            opened: self.opened,
            keyring: Arc::clone(&keyring),
            turn: self.turn,
        };
        if !keyring.cache.gate().drain(&erased, Duration::from_millis(DRAIN_MS)) {
            return Err(KeyringError::Drain);
        }
        Ok(unpublished)
    }
}

/// Does something at a follower that is not behind. An erasure needs it done; otherwise a follower
/// that fails is behind from now on, to be brought up by a later generation or start.
fn needed(
    follower: &OpenPlace,
    erases: bool,
    act: impl Fn(&OpenPlace) -> Result<(), KeyringError>,
) -> Result<(), KeyringError> {
    if follower.behind.load(Ordering::Relaxed) {
        return Ok(());
    }
    let done = act(follower);
    if done.is_err() && !erases {
        follower.behind.store(true, Ordering::Relaxed);
        return Ok(());
    }
    done
}

impl Keyring {
    /// The primary's entry of the generation in force.
    pub(super) fn current_entry(&self, primary: &OpenPlace) -> Result<Entry, KeyringError> {
        let (generation, hash) = {
            let state = self.state.read();
            (state.generation, state.hash)
        };
        let held = primary.place.anchor.read(&self.places.roots)?;
        let newest = held.entries.into_iter().next();
        newest
            .filter(|entry| entry.generation == generation && entry.keyring_hash == hash)
            .ok_or(KeyringError::Body("the primary's anchor was changed under the running vault"))
    }

    /// Makes a follower hold `current`, whatever lower generation it has, and nothing else.
    pub(super) fn bring_up(
        &self,
        primary: &OpenPlace,
        follower: &OpenPlace,
        current: &Entry,
        random: &dyn Random,
    ) -> Result<(), KeyringError> {
        let held = follower.place.anchor.read(&self.places.roots)?;
        let newest = held.closed_from(Some(current.generation))?.entries.into_iter().next();
        if newest.as_ref().is_some_and(|entry| entry.keyring_hash == current.keyring_hash) {
            if follower.behind.load(Ordering::Relaxed) {
                follower.place.anchor.scrub(current.generation, &self.places.roots, random)?;
            }
            return Ok(());
        }
        if newest.is_some_and(|entry| entry.generation >= current.generation) {
            // Another keyring of this generation: nothing of it is overwritten before a later one.
            return Err(KeyringError::FollowerDiffers { id: follower.id });
        }
        let file = primary.place.read_keyring(current.generation)?;
        let file = file.ok_or(KeyringError::KeyringLost { generation: current.generation })?;
        follower.place.write_keyring(current.generation, &file)?;
        follower.place.anchor.adopt(current, &self.places.roots, random)?;
        follower.place.anchor.scrub(current.generation, &self.places.roots, random)?;
        follower.place.remove_other_keyrings(current.generation)
    }

    /// Segments that were dropped, or reduced to held slots, hand out no more.
    fn forget_closed_segments(&self) {
        let state = self.state.read();
        let open: std::collections::HashSet<SegmentId> =
            state.body.segments.iter().filter(|(_, s)| !s.held_only).map(|(id, _)| *id).collect();
        drop(state);
        self.run.lock().retain(|seg| open.contains(seg));
    }
}

/// A generation that is at the places but whose leaf is not durable yet: nothing it opened can be
/// handed out. Dropping it unpublished stops further generations until the vault is restarted: every
/// generation has its leaf.
#[must_use = "an unpublished generation hands out no slot"]
pub struct Unpublished {
    generation: u64,
    detail: Vec<u8>,
    opened: Vec<(CohortKey, SegmentId)>,
    keyring: Arc<Keyring>,
    #[expect(dead_code, reason = "ends the generation's turn on drop")]
    turn: Turn,
}

impl Unpublished {
    /// Its g.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Detail of the generation leaf.
    #[must_use]
    pub fn detail(&self) -> &[u8] {
        &self.detail
    }

    /// Called by `audit::publish` alone, once the leaf is durable: what was opened is handed out.
    pub(crate) fn published(mut self) {
        let mut run = self.keyring.run.lock();
        for (cohort, seg) in self.opened.drain(..) {
            run.publish(cohort, seg);
        }
        drop(run);
        self.keyring.broken.store(false, Ordering::Release);
    }
}
