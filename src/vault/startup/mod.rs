//! Founding a vault (`init`) and starting one (`serve`): every check of DESIGN section 4, then recovery.
//!
//! Nothing is served before all of it has passed. Recovery calls the same functions as the running
//! vault, with the step reached. [`Parts`] takes the store and the places as they are, so that tests can
//! hand in faulty doubles; [`Parts::in_folders`] is what the program uses.

mod error;
mod found;
mod known;
mod places;
mod recover;
mod restore;

use std::{fs, os::unix::fs::DirBuilderExt as _, path::Path, sync::Arc};

use crate::{
    clock::Clock,
    ids::PlaceId,
    keyring::{Place, RootSource},
    policy::Pack,
    random::Random,
    storage::{Engine, Store},
};

pub use error::StartError;
pub use found::{Founded, Founders, found};
pub use places::{PlacesAtRest, Removal};
pub use recover::{start, start_bounded};
pub use restore::{PlacesOfBackup, Refill};

/// What a vault is made of.
pub struct Parts {
    /// The data folder's store.
    pub store: Arc<dyn Store>,
    /// The key places in order; the first is primary.
    pub places: Vec<Place>,
    /// Places of the configuration that may stay silent at this start.
    pub without_places: Vec<PlaceId>,
    /// Where the root key comes from.
    pub root: RootSource,
    /// The policy pack, loaded and validated.
    pub pack: Arc<Pack>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// Whether the operator accepted that memory may reach a swap.
    pub swap_accepted: bool,
}

/// Which folders a vault lives in.
#[derive(Debug, Clone)]
pub struct Folders<'a> {
    /// Ciphertext, ids and the agents' directory.
    pub data: &'a Path,
    /// The key places, in order.
    pub places: &'a [std::path::PathBuf],
    /// The policy pack.
    pub policy: &'a Path,
    /// What shall keep a vault that is being founded; one that exists keeps its own engine.
    pub engine: Engine,
}

impl Parts {
    /// Opens the folders. A place inside the data folder is refused.
    pub fn in_folders(
        folders: &Folders<'_>,
        root: RootSource,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        swap_accepted: bool,
    ) -> Result<Self, StartError> {
        let pack = Pack::load(folders.policy).map_err(StartError::Pack)?;
        let mut places = Vec::with_capacity(folders.places.len());
        for path in folders.places {
            places.push(Place::folder(path, folders.data)?);
        }
        let store = Engine::open(folders.data, folders.engine)?;
        let without_places = Vec::new();
        Ok(Self { store, places, without_places, root, pack, clock, random, swap_accepted })
    }
}

/// Makes the data folder if it is missing, and refuses one that holds anything.
pub fn prepare_data_folder(data: &Path) -> Result<(), StartError> {
    let io = |what| move |source| StartError::Io { what, source };
    // Ciphertext, but also the agents' directory in clear: nobody else's business.
    let mut private = fs::DirBuilder::new();
    private.recursive(true).mode(0o700);
    private.create(data).map_err(io("creating the data folder"))?;
    let mut entries = fs::read_dir(data).map_err(io("reading the data folder"))?;
    if entries.next().is_some() {
        return Err(StartError::NotEmpty);
    }
    Ok(())
}
