//! Opening the places of a vault: every check of DESIGN section 4 first, then the repairs a crash
//! calls for. Until the last check has passed nothing is written anywhere.

use std::{io, sync::Arc};

use parking_lot::Mutex;

use crate::{
    ids::{PlaceId, VaultId},
    keyring::{
        Keyring, KeyringError, Place, RootSource,
        anchor::{Entry, Held},
        body::Body,
        create::check_distinct,
        generation,
        handle::{OpenPlace, OpenPlaces, State},
        root::RootKeys,
    },
    random::Random,
};

/// A place that answered, locked.
pub(super) struct Found {
    pub(super) place: Place,
    pub(super) id: PlaceId,
    pub(super) held: Held,
}

/// Whether the first place given must answer, and its newest slot open.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Primary {
    Answers,
    MayFail,
}

/// What the primary's anchor names, with the file that matches it.
pub(super) struct Chosen {
    pub(super) entry: Entry,
    pub(super) file: Vec<u8>,
}

impl Keyring {
    /// [`Keyring::open_known`] for who knows of no generation.
    ///
    /// Errors: as there.
    pub fn open(
        places: Vec<Place>,
        without: &[PlaceId],
        root: RootSource,
        random: &dyn Random,
    ) -> Result<Arc<Self>, KeyringError> {
        Self::open_known(places, without, root, 0, random)
    }

    /// Opens the vault at these places, in the order of the configuration, the primary first. Places
    /// that do not answer must be named in `without`. `known` is the newest generation that the
    /// database has a leaf of (0 = none): places that are older were rolled back.
    ///
    /// Errors: every refusal of [`KeyringError`]'s second and third group; nothing is changed by a
    /// refusal, except that a crash's repair may have begun when a device fails.
    pub fn open_known(
        places: Vec<Place>,
        without: &[PlaceId],
        root: RootSource,
        known: u64,
        random: &dyn Random,
    ) -> Result<Arc<Self>, KeyringError> {
        check_distinct(&places)?;
        let roots = RootKeys::new(root);

        // Step 1: all checks. A crash or refusal here changes nothing.
        let (vault, found) = find_places(places, &roots, Primary::Answers)?;
        let chosen = choose(&found)?;
        let opened =
            generation::open(&chosen.entry.key, chosen.entry.generation, &vault, &chosen.file);
        let opened = opened.ok_or(KeyringError::Body("its file does not open"))?;
        let body = Body::decode(&opened)?;
        drop(opened);
        check_places(&body, &found, without)?;
        found.iter().try_for_each(|found| check_follower(&chosen, found))?;
        // After the followers, so that one which is ahead is named as what the operator needs.
        let places = chosen.entry.generation;
        if places < known {
            return Err(KeyringError::RolledBack { known, places });
        }

        // Steps 2 to 5 repeat whole after a crash: each looks at what is there first.
        repair(&chosen, &found.iter().collect::<Vec<_>>(), &roots, random)?;

        let mut checkpoints = Vec::new();
        for found in &found {
            checkpoints.extend(found.place.read_checkpoint()?);
        }
        Ok(assemble(vault, chosen, body, found, (roots, checkpoints)))
    }
}

pub(super) fn assemble(
    vault: VaultId,
    chosen: Chosen,
    body: Body,
    found: Vec<Found>,
    (roots, checkpoints): (RootKeys, Vec<String>),
) -> Arc<Keyring> {
    let entry = chosen.entry;
    let bytes = chosen.file.len();
    let state = State { generation: entry.generation, hash: entry.keyring_hash, bytes, body };
    // A slot under an older root key is scrubbed by now.
    roots.keep_only(&entry.root);
    let all = found.into_iter().map(|found| OpenPlace::new(found.place, found.id)).collect();
    let root = Mutex::new(entry.root);
    Keyring::assemble(vault, state, OpenPlaces { all, roots, root }, checkpoints)
}

/// Locks and reads every place that answers; the primary must.
pub(super) fn find_places(
    places: Vec<Place>,
    roots: &RootKeys,
    primary: Primary,
) -> Result<(VaultId, Vec<Found>), KeyringError> {
    let mut found: Vec<Found> = Vec::with_capacity(places.len());
    let mut vault = None;
    for (order, place) in places.into_iter().enumerate() {
        let must = order == 0 && primary == Primary::Answers;
        let (its_vault, id) = match lock_and_identify(&place) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                return Err(KeyringError::PlaceLocked { place: place.describe() });
            }
            Err(source) if must => {
                return Err(KeyringError::PrimarySilent { place: place.describe(), source });
            }
            // A silent follower shows as missing from the body's list.
            Err(_) => continue,
            Ok(ids) => ids?,
        };
        let held = match place.anchor.read(roots) {
            Err(KeyringError::PlaceIo { .. }) if !must => continue,
            other if must => other?.newest_opens()?,
            other => other?,
        };
        let vault = *vault.get_or_insert(its_vault);
        let mut claimed = held.entries.iter().map(|e| e.vault);
        let mut closed = held.closed.iter().map(|c| c.vault);
        if vault != its_vault || claimed.any(|v| v != vault) || closed.any(|v| v != vault) {
            return Err(KeyringError::OtherVault { place: place.describe() });
        }
        found.push(Found { place, id, held });
    }
    let vault = vault.ok_or(KeyringError::NoPlace)?;
    Ok((vault, found))
}

fn lock_and_identify(place: &Place) -> io::Result<Result<(VaultId, PlaceId), KeyringError>> {
    place.anchor.lock()?;
    place.identity()
}

/// The primary's highest generation, with a file that matches it.
///
/// The file was at every place before the anchor moved, so no crash loses it: where it is missing
/// everywhere, falling back to g would undo what g + 1 erased, and is refused.
pub(super) fn choose(found: &[Found]) -> Result<Chosen, KeyringError> {
    let primary = found.first().ok_or(KeyringError::NoPlace)?;
    let Some(highest) = primary.held.entries.first() else {
        let place = primary.place.describe();
        return Err(if primary.held.written {
            KeyringError::AnchorTorn { place }
        } else {
            KeyringError::PlaceUnfinished { place }
        });
    };
    let mut failure = None;
    for found in found {
        match found.place.read_keyring(highest.generation) {
            Ok(Some(file)) if generation::hash(&file) == highest.keyring_hash => {
                return Ok(Chosen { entry: highest.copy(), file });
            }
            Ok(_) => {}
            // A device that fails may still have it.
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    Err(failure.unwrap_or(KeyringError::KeyringLost { generation: highest.generation }))
}

/// The configuration agrees with the body's list of places.
fn check_places(body: &Body, found: &[Found], without: &[PlaceId]) -> Result<(), KeyringError> {
    let listed = |id: &PlaceId| body.places.iter().any(|entry| entry.id == *id);
    if let Some(stranger) = found.iter().find(|found| !listed(&found.id)) {
        return Err(KeyringError::PlaceUnknown { id: stranger.id });
    }
    let answered = |id: &PlaceId| found.iter().any(|found| found.id == *id);
    for (order, entry) in body.places.iter().enumerate() {
        if !answered(&entry.id) {
            if order == 0 {
                return Err(KeyringError::PrimaryMissing { id: entry.id });
            }
            if !without.contains(&entry.id) {
                return Err(KeyringError::PlaceSilent { id: entry.id });
            }
        }
    }
    let in_body = body.places.iter().map(|entry| entry.id).filter(answered);
    if !in_body.eq(found.iter().map(|found| found.id)) {
        return Err(KeyringError::PlaceOrder);
    }
    Ok(())
}

/// The place is not ahead of the primary, and holds no other keyring of the same generation. A slot that
/// the root key does not open, below the primary's generation, is what a root rotation left.
pub(super) fn check_follower(chosen: &Chosen, follower: &Found) -> Result<(), KeyringError> {
    let (entry, held) = (&chosen.entry, &follower.held);
    if held.highest().is_some_and(|generation| generation > entry.generation) {
        return Err(KeyringError::FollowerAhead { id: follower.id });
    }
    let same = held.entries.iter().find(|e| e.generation == entry.generation);
    let closed = held.closed.iter().any(|c| c.generation == entry.generation);
    if closed || same.is_some_and(|e| e.keyring_hash != entry.keyring_hash) {
        return Err(KeyringError::FollowerDiffers { id: follower.id });
    }
    Ok(())
}

pub(super) fn repair(
    chosen: &Chosen,
    found: &[&Found],
    roots: &RootKeys,
    random: &dyn Random,
) -> Result<(), KeyringError> {
    let generation = chosen.entry.generation;

    // Step 2: the keyring's file is whole at every place.
    // A crash here leaves places that lack it: the next start copies it again.
    for &found in found {
        let present = found.place.read_keyring(generation).ok().flatten();
        if present.as_deref() != Some(chosen.file.as_slice()) {
            found.place.write_keyring(generation, &chosen.file)?;
        }
    }

    // Step 3: followers that stayed behind adopt the primary's generation.
    // A crash here leaves some behind: the next start goes on.
    for follower in found.iter().skip(1) {
        if follower.held.entries.first().is_none_or(|e| e.generation < generation) {
            follower.place.anchor.adopt(&chosen.entry, roots, random)?;
        }
    }

    // Step 4: the scrub that a crash left out is finished, before anything is served.
    // A crash here leaves some unscrubbed, or a torn slot: scrubbed by the next start.
    for found in found {
        found.place.anchor.scrub(generation, roots, random)?;
    }

    // Step 5: orphans and old files go; the primary was read long before.
    // A crash here leaves files that no anchor opens.
    for found in found {
        found.place.remove_other_keyrings(generation)?;
    }
    Ok(())
}
