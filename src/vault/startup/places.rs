//! The commands on places that run while no vault does: promote, add, remove, verify.
//!
//! They hold the data folder and every place that answers, so that no vault serves meanwhile, and take
//! from the database its newest generation, so that no place that was rolled back is taken for the true
//! one. They write no event: what they did is in the keyring, and the next start tells it ([`tell`])
//! before it serves.

use std::{path::Path, sync::Arc};

use crate::{
    audit::{AuditLog, EventDraft, clear::GenerationDetail},
    clock::Clock,
    ids::PlaceId,
    keyring::{
        Keyring, KnownGeneration, Place, PlaceAct, PlaceChange, Promotion, RemovedPlace,
        RootSource, Survey,
    },
    random::Random,
    storage::{Engine, Group, Store},
};

use super::{
    StartError,
    known::{generation_row, rolled_back},
};

/// What a command on places works with.
pub struct PlacesAtRest {
    /// The data folder's store, held so that no vault opens it.
    pub store: Arc<dyn Store>,
    /// The places, the primary first.
    pub places: Vec<Place>,
    /// Places that need not answer.
    pub without_places: Vec<PlaceId>,
    /// Where the root key comes from.
    pub root: RootSource,
    /// Time, for the record of what was done.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
}

/// A place that was taken off the list.
#[derive(Debug)]
pub struct Removal {
    /// The place.
    pub place: RemovedPlace,
    /// How many are left.
    pub left: usize,
}

impl PlacesAtRest {
    /// Opens the folders. A data folder without a vault is refused, and nothing is made.
    pub fn in_folders(
        data: &Path,
        places: &[std::path::PathBuf],
        root: RootSource,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, StartError> {
        let folder = |path: &std::path::PathBuf| Place::folder(path, data);
        let places = places.iter().map(folder).collect::<Result<_, _>>()?;
        let engine = Engine::of(data)?.ok_or(StartError::NoVault)?;
        let store = Engine::open(data, engine)?;
        Ok(Self { store, places, without_places: Vec::new(), root, clock, random })
    }

    /// The newest generation that the database has a leaf of.
    fn known(&self) -> Result<KnownGeneration, StartError> {
        let row = generation_row(self.store.as_ref())?.ok_or(StartError::NoVault)?;
        let detail = GenerationDetail::parse(&row.detail);
        let detail = detail.ok_or(StartError::Tampered("generation row"))?;
        Ok(KnownGeneration { generation: row.generation, keyring_hash: detail.keyring_hash })
    }

    /// Looks at every place and changes nothing. Blocks.
    pub fn survey_places(self) -> Result<Survey, StartError> {
        let known = self.known()?.generation;
        Ok(Keyring::survey(&self.places, self.root, known)?)
    }

    /// Makes an empty folder the last follower. Blocks.
    pub fn add_place(self, new: Place) -> Result<PlaceId, StartError> {
        let (clock, random) = (Arc::clone(&self.clock), Arc::clone(&self.random));
        let (keyring, _store) = self.open()?;
        Ok(keyring.add_place(new, clock.now(), random.as_ref())?)
    }

    /// Takes a follower off the list; one that answers is scrubbed. Blocks.
    pub fn remove_place(mut self, id: &PlaceId) -> Result<Removal, StartError> {
        self.without_places.push(*id);
        let (clock, random) = (Arc::clone(&self.clock), Arc::clone(&self.random));
        let (keyring, _store) = self.open()?;
        let place = keyring.remove_place(id, clock.now(), random.as_ref())?;
        Ok(Removal { place, left: keyring.places().len() })
    }

    /// Makes a follower the primary; the generation that did it. Blocks.
    pub fn promote_place(self, id: &PlaceId) -> Result<u64, StartError> {
        let promotion = Promotion {
            chosen: *id,
            without: &self.without_places,
            known: Some(self.known()?),
            now: self.clock.now(),
        };
        let random = self.random.as_ref();
        let keyring =
            Keyring::promote(self.places, promotion, self.root, random).map_err(rolled_back)?;
        Ok(keyring.generation())
    }

    /// The keyring as a start would open it, of the same history as the database.
    fn open(self) -> Result<(Arc<Keyring>, Arc<dyn Store>), StartError> {
        let known = self.known()?;
        let (without, random) = (&self.without_places, self.random.as_ref());
        let keyring =
            Keyring::open_known(self.places, without, self.root, known.generation, random)
                .map_err(rolled_back)?;
        let same = keyring.generation() != known.generation || keyring.hash() == known.keyring_hash;
        if same { Ok((keyring, self.store)) } else { Err(StartError::OtherVault) }
    }
}

/// Tells the log what was done to the list of places while no vault ran. Blocks.
pub(super) fn tell(log: &Arc<AuditLog>, pack_hash: [u8; 32]) -> Result<(), StartError> {
    let keyring = log.keyring();
    let acts = keyring.place_acts();
    if acts.is_empty() {
        return Ok(());
    }
    // 1. One event each, durable. A crash here tells some of them again: over-reporting is allowed.
    for act in &acts {
        let sealed = log.seal(&event(keyring, act, pack_hash))?;
        let _receipt = log.commit_blocking(Group::default(), &[], Some(sealed))?;
    }
    // 2. A generation without them. A crash before tells them again.
    let mut draft = keyring.draft();
    draft.clear_place_acts();
    let unpublished = draft.write(log.state(), log.random().as_ref())?;
    log.publish(unpublished)?;
    Ok(())
}

fn event(keyring: &Keyring, act: &PlaceAct, pack_hash: [u8; 32]) -> EventDraft {
    let kind = match act.change {
        PlaceChange::Added => "place-added",
        PlaceChange::Promoted => "place-promoted",
        PlaceChange::Removed => "place-removed",
    };
    let mut event = EventDraft { pack_hash, ..EventDraft::new(kind) };
    event.notes = vec![
        format!("place={}", act.place),
        format!("generation={}", act.generation),
        format!("at={}", act.at),
    ];
    let removed = keyring.removed_places();
    let removed = removed.iter().find(|gone| gone.id == act.place);
    if let Some(gone) = removed.filter(|_| act.change == PlaceChange::Removed) {
        event.notes.push(format!("scrubbed={}", u8::from(gone.scrubbed)));
    }
    event
}
