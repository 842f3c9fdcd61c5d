//! Adding a place to the list and taking one off it, over an opened keyring that serves nobody.
//!
//! Both are one generation that erases nothing. What was done is kept in its body until the log tells
//! it (`place_acts`): nothing is served before. An id that was removed is never listed again.

use std::sync::{Arc, atomic::Ordering};

use crate::{
    clock::Timestamp,
    ids::PlaceId,
    keyring::{
        Keyring, KeyringError, Place, PlaceAct, PlaceChange, RemovedPlace, body::PlaceEntry,
        handle::OpenPlace,
    },
    random::Random,
};

impl Keyring {
    /// Makes an empty folder the last follower. Its id.
    ///
    /// Errors: [`KeyringError::PlaceExists`] for a folder that holds anything of a place;
    /// [`KeyringError::Incomplete`] when the new place is listed and did not take the generation: the
    /// next start brings it up.
    pub fn add_place(
        self: &Arc<Self>,
        place: Place,
        now: Timestamp,
        random: &dyn Random,
    ) -> Result<PlaceId, KeyringError> {
        // Step 1: the place has its identity and is locked.
        // A crash here leaves a folder that nothing lists: this function takes it up again.
        let id = self.claim_or_resume(&place, random)?;
        let added = OpenPlace::new(place, id);

        // Step 2: generation g + 1 lists it, marked stale, for it holds nothing yet.
        // A crash before the commit point leaves g, and step 1's folder; after it, a place that the
        // next start asks for and brings up, as any follower that is behind.
        let mut draft = self.draft();
        let class = added.place.anchor.class();
        draft.body.places.push(PlaceEntry { id, class, stale: true });
        draft.act(PlaceChange::Added, id, now);
        // No slot is handed out by who serves nobody; the next start writes the leaf.
        drop(draft.write(self.log_state(), random)?);

        // Step 3: it holds g + 1. A crash here: as after step 2.
        let bring_up = || {
            let primary = self.places.all.first().ok_or(KeyringError::NoPlace)?;
            self.bring_up(primary, &added, &self.current_entry(primary)?, random)
        };
        bring_up().map_err(|error| KeyringError::Incomplete(Box::new(error)))?;
        Ok(id)
    }

    fn claim_or_resume(&self, place: &Place, random: &dyn Random) -> Result<PlaceId, KeyringError> {
        match place.check_vacant() {
            Ok(()) => {
                let id = PlaceId::make(random);
                place.claim(&self.vault, &id)?;
                return Ok(id);
            }
            Err(KeyringError::PlaceExists { .. }) => {}
            Err(error) => return Err(error),
        }
        let exists = || KeyringError::PlaceExists { place: place.describe() };
        place.anchor.lock().map_err(|_| exists())?;
        let (vault, id) = place.identity().map_err(|_| exists())?.map_err(|_| exists())?;
        let body = &self.state.read().body;
        let known = body.places.iter().map(|entry| entry.id);
        let known = known.chain(body.removed_places.iter().map(|gone| gone.id));
        let fresh = vault == self.vault
            && !known.into_iter().any(|other| other == id)
            && !place.anchor.read(&self.places.roots)?.written;
        if fresh { Ok(id) } else { Err(exists()) }
    }

    /// Takes a follower off the list. One that answers is scrubbed whole before; one that does not
    /// may still open an older generation, and later certificates name it.
    ///
    /// Errors: [`KeyringError::PlaceNotListed`], [`KeyringError::PlaceIsPrimary`].
    pub fn remove_place(
        self: &Arc<Self>,
        id: &PlaceId,
        now: Timestamp,
        random: &dyn Random,
    ) -> Result<RemovedPlace, KeyringError> {
        let mut draft = self.draft();
        let listed = &mut draft.body.places;
        let at = listed.iter().position(|entry| entry.id == *id);
        let at = at.ok_or(KeyringError::PlaceNotListed { id: *id })?;
        if at == 0 {
            return Err(KeyringError::PlaceIsPrimary { id: *id });
        }
        let entry = listed.remove(at);

        // Step 1: everything at the place is destroyed, if it answers.
        // A crash here leaves a follower without a generation, which the next start brings up.
        let open = self.places.all.iter().find(|open| open.id == *id);
        let scrubbed = open.is_some_and(|open| {
            open.behind.store(true, Ordering::Relaxed);
            open.place.anchor.wipe(random).is_ok() && open.place.remove_other_keyrings(0).is_ok()
        });

        // Step 2: generation g + 1 does without it.
        // A crash before the commit point: as after step 1; after it, the place is unknown.
        let generation = draft.generation();
        let removed = RemovedPlace { id: *id, class: entry.class, generation, scrubbed };
        draft.body.removed_places.push(removed.clone());
        draft.act(PlaceChange::Removed, *id, now);
        drop(draft.write(self.log_state(), random)?);
        Ok(removed)
    }
}

impl super::Draft {
    /// Notes what this generation does to the list, for the log.
    pub(super) fn act(&mut self, change: PlaceChange, place: PlaceId, at: Timestamp) {
        let (generation, previous_hash) = (self.generation, self.keyring.hash());
        self.body.place_acts.push(PlaceAct { change, place, generation, at, previous_hash });
    }
}
