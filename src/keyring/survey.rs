//! Looking at every place under its lock, and changing nothing: what is there, and what is wrong.
//!
//! The reference is the newest generation that opens at any place. A fault says what will come of it:
//! whether the next start mends it by itself, or the operator must act.

use std::io;

use crate::{
    ids::{PlaceId, VaultId},
    keyring::{
        Keyring, KeyringError, Place, PlaceClass, RootSource, anchor::Entry, body::Body,
        create::check_distinct, generation, root::RootKeys,
    },
};

/// What is wrong with a place.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlaceFault {
    /// It does not answer.
    #[error("does not answer")]
    Silent(#[source] io::Error),
    /// What it holds is refused.
    #[error(transparent)]
    Refused(#[from] KeyringError),
    /// Another vault's.
    #[error("belongs to another vault")]
    OtherVault,
    /// Not on the list.
    #[error("is not on the keyring's list: take it out of the configuration")]
    Unknown,
    /// It was removed.
    #[error("was removed from the list and does not come back: take it out of the configuration")]
    Removed,
    /// Not where the list has it.
    #[error("is number {listed} of the list: give the places in that order")]
    Order {
        /// Its number on the list, the primary being 1.
        listed: usize,
    },
    /// Its anchor holds nothing whole.
    #[error("its anchor holds no whole generation")]
    Empty,
    /// An older generation.
    #[error(
        "holds generation {held}, behind {newest}: a follower is brought up by the next start; a primary was rolled back"
    )]
    Behind {
        /// What it holds.
        held: u64,
        /// The newest found.
        newest: u64,
    },
    /// The same generation, another keyring.
    #[error(
        "holds another keyring of the same generation: one of the places was restored from a copy"
    )]
    Differs,
    /// The anchor's keyring file.
    #[error("its keyring file is missing or damaged: the next start copies it from another place")]
    File,
    /// Two generation keys.
    #[error("still holds the key of an older generation: the next start scrubs it")]
    Unscrubbed,
}

/// One place that was looked at.
#[derive(Debug)]
pub struct PlaceFinding {
    /// The folder.
    pub describe: String,
    /// Its id, if it has one that can be read.
    pub id: Option<PlaceId>,
    /// Its vault's, likewise.
    pub vault: Option<VaultId>,
    /// Its number on the list, the primary being 1.
    pub number: Option<usize>,
    /// The lower of listed and detected class.
    pub class: PlaceClass,
    /// The generation its anchor opens.
    pub generation: Option<u64>,
    /// What is wrong; empty is good.
    pub faults: Vec<PlaceFault>,
}

/// What all places say together.
#[derive(Debug)]
pub struct Survey {
    /// The newest generation that opens anywhere.
    pub generation: Option<u64>,
    /// Those that were given, in the order given.
    pub places: Vec<PlaceFinding>,
    /// Those on the list that were not given or have no readable id, each with its number.
    pub missing: Vec<(PlaceId, usize)>,
    /// The newest generation that is known elsewhere, if the places are older.
    pub rolled_back: Option<u64>,
}

/// A place as it was read.
struct Looked {
    finding: PlaceFinding,
    entry: Option<Entry>,
    /// The newest generation it claims, if the root key does not open that.
    closed: Option<(u64, KeyringError)>,
    file: Option<Vec<u8>>,
}

impl Keyring {
    /// Looks at these places, in the order of the configuration. `known` is the newest generation
    /// that the database has a leaf of (0 = none).
    ///
    /// Errors: [`KeyringError::PlaceLocked`] while a vault serves with one of them; those of a list
    /// that is none.
    pub fn survey(places: &[Place], root: RootSource, known: u64) -> Result<Survey, KeyringError> {
        check_distinct(places)?;
        let roots = RootKeys::new(root);
        let looked = places.iter().map(|place| look(place, &roots));
        let mut looked: Vec<Looked> = looked.collect::<Result<_, _>>()?;
        let newest = looked.iter().filter_map(|l| l.entry.as_ref()).max_by_key(|e| e.generation);
        let newest = newest.map(Entry::copy);
        let body = newest.as_ref().and_then(|entry| body(entry, &looked));
        let mut last = 0;
        for place in &mut looked {
            compare(place, newest.as_ref());
            if let Some(body) = &body {
                compare_list(&mut place.finding, &mut last, body);
            }
        }
        let generation = newest.map(|entry| entry.generation);
        let seen = |id: PlaceId| looked.iter().any(|looked| looked.finding.id == Some(id));
        let listed = body.iter().flat_map(|body| &body.places).map(|entry| entry.id).zip(1..);
        let missing = listed.filter(|(id, _)| !seen(*id)).collect();
        Ok(Survey {
            generation,
            missing,
            rolled_back: (generation.unwrap_or_default() < known).then_some(known),
            places: looked.into_iter().map(|looked| looked.finding).collect(),
        })
    }
}

/// Reads one place under its lock, which stays until the place is dropped.
fn look(place: &Place, roots: &RootKeys) -> Result<Looked, KeyringError> {
    let mut finding = PlaceFinding {
        describe: place.describe(),
        id: None,
        vault: None,
        number: None,
        class: place.anchor.class(),
        generation: None,
        faults: Vec::new(),
    };
    let nothing = |finding| Ok(Looked { finding, entry: None, closed: None, file: None });
    let identity = match place.anchor.lock().and_then(|()| place.identity()) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            return Err(KeyringError::PlaceLocked { place: place.describe() });
        }
        Err(error) => {
            finding.faults.push(PlaceFault::Silent(error));
            return nothing(finding);
        }
        Ok(identity) => identity,
    };
    let (vault, id) = match identity {
        Ok(ids) => ids,
        Err(error) => {
            finding.faults.push(error.into());
            return nothing(finding);
        }
    };
    (finding.id, finding.vault) = (Some(id), Some(vault));
    let held = place.anchor.read(roots).map(|held| (held.highest(), held.newest_opens()));
    let held = match held {
        Ok((_, Ok(held))) => held,
        Ok((Some(claimed), Err(error))) => {
            return Ok(Looked { closed: Some((claimed, error)), ..nothing(finding)? });
        }
        Ok((None, Err(error))) | Err(error) => {
            finding.faults.push(error.into());
            return nothing(finding);
        }
    };
    let left = held.entries.len().saturating_add(held.closed.len());
    let Some(entry) = held.entries.into_iter().next() else {
        finding.faults.push(PlaceFault::Empty);
        return nothing(finding);
    };
    if left > 1 {
        finding.faults.push(PlaceFault::Unscrubbed);
    }
    if entry.vault != vault {
        finding.faults.push(PlaceFault::OtherVault);
    }
    finding.generation = Some(entry.generation);
    let file = place.read_keyring(entry.generation).ok().flatten();
    let file = file.filter(|file| generation::hash(file) == entry.keyring_hash);
    if file.is_none() {
        finding.faults.push(PlaceFault::File);
    }
    Ok(Looked { finding, entry: Some(entry), closed: None, file })
}

/// The body that this entry opens, from whichever place has its file.
fn body(entry: &Entry, looked: &[Looked]) -> Option<Body> {
    let ours = |file: &&Vec<u8>| generation::hash(file) == entry.keyring_hash;
    let file = looked.iter().filter_map(|looked| looked.file.as_ref()).find(ours)?;
    let opened = generation::open(&entry.key, entry.generation, &entry.vault, file)?;
    Body::decode(&opened).ok()
}

fn compare(place: &mut Looked, newest: Option<&Entry>) {
    let faults = &mut place.finding.faults;
    // Below what opens elsewhere, it is what a root rotation left; otherwise the root key is wrong.
    match (place.closed.take(), newest) {
        (Some((held, _)), Some(newest)) if held < newest.generation => {
            faults.push(PlaceFault::Behind { held, newest: newest.generation });
        }
        (Some((_, error)), _) => faults.push(error.into()),
        (None, _) => {}
    }
    let (Some(entry), Some(newest)) = (&place.entry, newest) else { return };
    if entry.vault != newest.vault {
        faults.push(PlaceFault::OtherVault);
    } else if entry.generation < newest.generation {
        faults.push(PlaceFault::Behind { held: entry.generation, newest: newest.generation });
    } else if entry.keyring_hash != newest.keyring_hash {
        faults.push(PlaceFault::Differs);
    }
}

/// `last` is the highest number on the list of the places before.
fn compare_list(finding: &mut PlaceFinding, last: &mut usize, body: &Body) {
    let Some(id) = finding.id else { return };
    let listed = body.places.iter().zip(1_usize..).find(|(entry, _)| entry.id == id);
    let Some((entry, number)) = listed else {
        let removed = body.removed_places.iter().any(|gone| gone.id == id);
        finding.faults.push(if removed { PlaceFault::Removed } else { PlaceFault::Unknown });
        return;
    };
    finding.number = Some(number);
    finding.class = finding.class.min(entry.class);
    if number < *last {
        finding.faults.push(PlaceFault::Order { listed: number });
    }
    *last = number.max(*last);
}
