//! Generation 1: a new vault's places, keys and pins.
//!
//! Never overwrites: a folder that holds anything of a place is refused.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, atomic::AtomicBool},
};

use parking_lot::Mutex;

use crate::{
    clock::Timestamp,
    ids::{PlaceId, VaultId},
    keyring::{
        Keyring, KeyringError, LogState, Place, RootSource,
        anchor::Entry,
        body::{Body, PlaceEntry},
        draft::EMPTY_ROOT,
        generation,
        handle::{OpenPlace, OpenPlaces, State},
        hold::Holds,
        root::RootKeys,
    },
    random::Random,
    secret::Secret,
};

/// What generation 1 pins.
#[derive(Debug, Clone)]
pub struct NewVault {
    /// First part of the log's origin: no space, no plus.
    pub name: String,
    /// Second part of the log's origin.
    pub node: String,
    /// SHA-256 of the policy pack.
    pub pack_hash: [u8; 32],
    /// The pack's canonical retention part.
    pub retention_part: Vec<u8>,
    /// The clock guard's first reference.
    pub now: Timestamp,
}

impl Keyring {
    /// Makes a new vault at these empty places, the primary first, and opens it. Leaf 0 is its
    /// [`Keyring::generation_detail`].
    ///
    /// Errors: [`KeyringError::NoPlace`], [`KeyringError::PlaceTwice`],
    /// [`KeyringError::PlaceExists`] (nothing is overwritten), [`KeyringError::PlaceIo`].
    pub fn create(
        places: Vec<Place>,
        root: RootSource,
        new: NewVault,
        random: &dyn Random,
    ) -> Result<Arc<Self>, KeyringError> {
        check_distinct(&places)?;
        // All are looked at before any is touched, so that a refusal leaves nothing behind.
        places.iter().try_for_each(Place::check_vacant)?;
        let vault = VaultId::make(random);
        let roots = RootKeys::new(root);

        // Step 1: every place is made and locked.
        // A crash here, or in step 2, leaves places that `open` calls unfinished.
        let mut all = Vec::with_capacity(places.len());
        for place in places {
            let id = PlaceId::make(random);
            place.claim(&vault, &id)?;
            all.push(OpenPlace { place, id, behind: AtomicBool::new(false) });
        }

        let root = roots.make(random)?;

        // Step 2: keyring.1 is at every place.
        let body = first_body(&all, new, random);
        let key = Secret::make(random);
        let file = generation::seal(&key, 1, &vault, body.encode()?)
            .ok_or(KeyringError::Body("it cannot be sealed"))?;
        for open in &all {
            open.place.write_keyring(1, &file)?;
        }

        // Step 3: the anchors hold generation 1, the primary first: the commit point.
        // A crash after the primary's leaves a vault whose followers `open` brings up.
        let hash = generation::hash(&file);
        let entry = Entry { generation: 1, vault, keyring_hash: hash, root, key };
        for open in &all {
            open.place.anchor.init(&entry, &roots, random)?;
        }
        let state = State { generation: 1, hash, bytes: file.len(), body };
        let root = Mutex::new(entry.root);
        Ok(Self::assemble(vault, state, OpenPlaces { all, roots, root }, Vec::new()))
    }
}

pub(super) fn check_distinct(places: &[Place]) -> Result<(), KeyringError> {
    if places.is_empty() {
        return Err(KeyringError::NoPlace);
    }
    let mut seen = BTreeSet::new();
    let twice = places.iter().map(Place::describe).find(|name| !seen.insert(name.clone()));
    twice.map_or(Ok(()), |place| Err(KeyringError::PlaceTwice { place }))
}

fn first_body(places: &[OpenPlace], new: NewVault, random: &dyn Random) -> Body {
    let place = |open: &OpenPlace| PlaceEntry {
        id: open.id,
        class: open.place.anchor.class(),
        stale: false,
    };
    Body {
        places: places.iter().map(place).collect(),
        cohorts: BTreeMap::new(),
        segments: BTreeMap::new(),
        tombstones: BTreeMap::new(),
        holds: Holds::default(),
        revocations: BTreeMap::new(),
        directory_key: Arc::new(Secret::make(random)),
        log_seed: Arc::new(Secret::make(random)),
        certificate_seed: Arc::new(Secret::make(random)),
        watermarks: BTreeMap::new(),
        log: LogState { k: 0, size: 0, root: EMPTY_ROOT, clock_floor: new.now },
        pack_hash: new.pack_hash,
        retention_part: new.retention_part,
        previous_hash: [0; 32],
        vault_name: new.name,
        node: new.node,
        founded_at: Some(new.now),
        root_since: Some(new.now),
        removed_places: Vec::new(),
        place_acts: Vec::new(),
    }
}
