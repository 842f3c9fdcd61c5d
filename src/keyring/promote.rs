//! Making a follower the primary: for a primary that is lost, or was rolled back.
//!
//! An explicit act of the operator, under the locks of every place that answers. It never falls back:
//! the chosen place must hold the newest generation of all that answer, and not less than the database
//! has a leaf of. Until the last check has passed nothing is written anywhere.

use std::sync::Arc;

use crate::{
    clock::Timestamp,
    ids::PlaceId,
    keyring::{
        Keyring, KeyringError, Place, PlaceChange, RootSource,
        body::Body,
        create::check_distinct,
        generation,
        open::{Found, Primary, assemble, check_follower, choose, find_places, repair},
        root::RootKeys,
    },
    random::Random,
};

/// What the database says of its newest generation leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownGeneration {
    /// Its g.
    pub generation: u64,
    /// SHA-256 of keyring.g.
    pub keyring_hash: [u8; 32],
}

/// Which place shall come first, and which may stay silent.
#[derive(Debug, Clone, Copy)]
pub struct Promotion<'a> {
    /// The new primary.
    pub chosen: PlaceId,
    /// Followers that need not answer. The old primary need not anyway.
    pub without: &'a [PlaceId],
    /// The newest generation leaf; `None` without one.
    pub known: Option<KnownGeneration>,
    /// Now.
    pub now: Timestamp,
}

impl Keyring {
    /// Makes a follower the primary; the old one stays on the list, as a follower. Give `places` in
    /// any order.
    ///
    /// Errors: [`KeyringError::AlreadyPrimary`], [`KeyringError::PlaceNotListed`],
    /// [`KeyringError::FollowerAhead`] when another place is newer, [`KeyringError::RolledBack`] and
    /// [`KeyringError::FollowerDiffers`] when the database knows better, and those of a start.
    pub fn promote(
        places: Vec<Place>,
        promotion: Promotion<'_>,
        root: RootSource,
        random: &dyn Random,
    ) -> Result<Arc<Self>, KeyringError> {
        let Promotion { chosen: id, known, now, .. } = promotion;
        check_distinct(&places)?;
        let roots = RootKeys::new(root);

        // Step 1: all checks. A crash or refusal here changes nothing.
        let (vault, mut found) = find_places(places, &roots, Primary::MayFail)?;
        let at = found.iter().position(|found| found.id == id);
        let mut first = found.remove(at.ok_or(KeyringError::PlaceNotListed { id })?);
        first.held = first.held.newest_opens()?;
        found.insert(0, first);
        let chosen = choose(&found)?;
        let opened =
            generation::open(&chosen.entry.key, chosen.entry.generation, &vault, &chosen.file);
        let opened = opened.ok_or(KeyringError::Body("its file does not open"))?;
        let body = Body::decode(&opened)?;
        drop(opened);
        check_list(&body, &found, &promotion)?;
        if let Some(known) = known {
            let places = chosen.entry.generation;
            if places < known.generation {
                return Err(KeyringError::RolledBack { known: known.generation, places });
            }
            if places == known.generation && chosen.entry.keyring_hash != known.keyring_hash {
                return Err(KeyringError::FollowerDiffers { id });
            }
        }
        // One that holds another keyring of the same generation is left as it is until the next start
        // finds it behind: nothing of it is overwritten before the decision is on record.
        let mut alike = Vec::with_capacity(found.len());
        for one in &found {
            match check_follower(&chosen, one) {
                Err(KeyringError::FollowerDiffers { .. }) => {}
                other => {
                    other?;
                    alike.push(one);
                }
            }
        }

        // Step 2: the repairs of a start, with the chosen place as primary.
        // A crash here leaves every place at the chosen one's generation, in the old order.
        repair(&chosen, &alike, &roots, random)?;

        // Step 3: generation g + 1 lists it first.
        // A crash before the commit point: as after step 2; after it, the new order is in force.
        let keyring = assemble(vault, chosen, body, found, (roots, Vec::new()));
        let mut draft = keyring.draft();
        let listed = &mut draft.body.places;
        if let Some(at) = listed.iter().position(|entry| entry.id == id) {
            let entry = listed.remove(at);
            listed.insert(0, entry);
        }
        draft.act(PlaceChange::Promoted, id, now);
        drop(draft.write(keyring.log_state(), random)?);
        Ok(keyring)
    }
}

/// Every place that answers is listed, and every listed one answers or need not.
fn check_list(body: &Body, found: &[Found], promotion: &Promotion<'_>) -> Result<(), KeyringError> {
    let listed = |id: &PlaceId| body.places.iter().any(|entry| entry.id == *id);
    if let Some(stranger) = found.iter().find(|found| !listed(&found.id)) {
        return Err(KeyringError::PlaceUnknown { id: stranger.id });
    }
    for (order, entry) in body.places.iter().enumerate() {
        let id = entry.id;
        if order == 0 && id == promotion.chosen {
            return Err(KeyringError::AlreadyPrimary { id });
        }
        let answers = found.iter().any(|found| found.id == id);
        if !answers && order > 0 && !promotion.without.contains(&id) {
            return Err(KeyringError::PlaceSilent { id });
        }
    }
    Ok(())
}
