//! [`Keyring`]: the one handle to all keys; slots, places and checkpoints.
//!
//! What it can tell without IO beyond slots is in `facts`.
//!
//! Lock order: state, then cache; the run's lock is never held while another is taken.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use parking_lot::{Mutex, RwLock};

use crate::{
    crypto::{section::SlotSecret, signing::Signer},
    ids::{PlaceId, SegmentId, SlotRef, VaultId},
    keyring::{
        CohortInfo, CohortKey, Draft, KeyringError, Place, PlaceClass, PlaceStatus,
        body::{Body, PlaceEntry},
        cache::SlotCache,
        generation,
        nodes::NodeCache,
        root::{Root, RootKeys},
        run::Run,
        turn::Turnstile,
    },
};

/// A slot that was handed out, once, to seal one record under.
pub struct Slot {
    /// Where it is.
    pub at: SlotRef,
    /// Its cohort.
    pub cohort: CohortInfo,
    /// Its secret.
    pub secret: SlotSecret,
}

/// The generation in force.
pub(crate) struct State {
    pub(crate) generation: u64,
    pub(crate) hash: [u8; 32],
    /// Bytes of its file.
    pub(crate) bytes: usize,
    pub(crate) body: Body,
}

/// A place that takes part in this run, locked.
pub(crate) struct OpenPlace {
    pub(crate) place: Place,
    pub(crate) id: PlaceId,
    /// It missed a generation of this run and must be brought up before it counts again.
    pub(crate) behind: AtomicBool,
}

impl OpenPlace {
    pub(crate) fn new(place: Place, id: PlaceId) -> Self {
        Self { place, id, behind: AtomicBool::new(false) }
    }
}

/// The places of this run, the primary first, and what opens their anchors.
pub(crate) struct OpenPlaces {
    pub(crate) all: Vec<OpenPlace>,
    pub(crate) roots: RootKeys,
    /// The root key in force.
    pub(crate) root: Mutex<Root>,
}

/// The one handle to all keys. Cheap to share; locks inside.
pub struct Keyring {
    pub(crate) vault: VaultId,
    pub(crate) state: RwLock<State>,
    pub(crate) cache: SlotCache,
    pub(crate) nodes: NodeCache,
    pub(crate) run: Mutex<Run>,
    /// Segments that no commit may use any more.
    pub(crate) refused: RwLock<BTreeSet<SegmentId>>,
    pub(crate) turnstile: Arc<Turnstile>,
    pub(crate) places: OpenPlaces,
    pub(crate) broken: AtomicBool,
    pub(super) log_signer: Arc<Signer>,
    pub(super) certificate_signer: Arc<Signer>,
    checkpoints: Vec<String>,
    checkpoint_turn: Mutex<()>,
}

impl Keyring {
    pub(crate) fn assemble(
        vault: VaultId,
        state: State,
        places: OpenPlaces,
        checkpoints: Vec<String>,
    ) -> Arc<Self> {
        places.roots.forget_source();
        Arc::new(Self {
            vault,
            log_signer: Arc::new(Signer::of(&state.body.log_seed)),
            certificate_signer: Arc::new(Signer::of(&state.body.certificate_seed)),
            state: RwLock::new(state),
            cache: SlotCache::default(),
            nodes: NodeCache::default(),
            run: Mutex::default(),
            refused: RwLock::default(),
            turnstile: Arc::default(),
            places,
            broken: AtomicBool::new(false),
            checkpoints,
            checkpoint_turn: Mutex::new(()),
        })
    }

    /// The vault's id.
    #[must_use]
    pub fn vault(&self) -> VaultId {
        self.vault
    }

    /// First part of the log's origin.
    #[must_use]
    pub fn vault_name(&self) -> String {
        self.state.read().body.vault_name.clone()
    }

    /// Second part of the log's origin.
    #[must_use]
    pub fn node(&self) -> String {
        self.state.read().body.node.clone()
    }

    /// The generation in force.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.state.read().generation
    }

    /// SHA-256 of the current keyring file.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        self.state.read().hash
    }

    /// "OUBG" detail of the current generation (77 bytes).
    #[must_use]
    pub fn generation_detail(&self) -> Vec<u8> {
        let state = self.state.read();
        generation::detail(state.generation, &state.hash, &state.body.previous_hash)
    }

    /// The details of the leaves of all generations after `written`, whose keyring file has this hash, as
    /// far as theirs are known, in order: commands on places write generations while no log is open, and
    /// each notes the hash of the one before it.
    #[must_use]
    pub fn generation_details_after(&self, written: u64, written_hash: [u8; 32]) -> Vec<Vec<u8>> {
        let state = self.state.read();
        let (newest, body) = (state.generation, &state.body);
        let hash = |g: u64| {
            let noted =
                || body.place_acts.iter().find(|act| act.generation.checked_sub(1) == Some(g));
            match g {
                g if g == written => Some(written_hash),
                g if g == newest => Some(state.hash),
                g if g.checked_add(1) == Some(newest) => Some(body.previous_hash),
                _ => noted().map(|act| act.previous_hash).filter(|hash| *hash != [0; 32]),
            }
        };
        let first = written.saturating_add(1);
        let detail = |g: u64| Some(generation::detail(g, &hash(g)?, &hash(g.checked_sub(1)?)?));
        (first..=newest).filter_map(detail).collect()
    }

    /// The lowest class over all configured places.
    #[must_use]
    pub fn class(&self) -> PlaceClass {
        self.places().iter().map(|p| p.class).min().unwrap_or(PlaceClass::L0)
    }

    /// All configured places in order, the primary first, those left out of this run included.
    #[must_use]
    pub fn places(&self) -> Vec<PlaceStatus> {
        let state = self.state.read();
        let status = |entry: &PlaceEntry| {
            let open = self.places.all.iter().find(|p| p.id == entry.id);
            PlaceStatus {
                id: entry.id,
                class: open.map_or(entry.class, |p| p.place.anchor.class().min(entry.class)),
                stale: open.is_none_or(|p| p.behind.load(Ordering::Relaxed)),
                describe: open
                    .map_or_else(|| "left out of this run".to_owned(), |p| p.place.describe()),
            }
        };
        state.body.places.iter().map(status).collect()
    }

    /// Secret of a live slot. While it lives, an erasure of this slot waits.
    ///
    /// Errors: [`KeyringError::SlotGone`].
    pub fn derive_slot(&self, at: &SlotRef) -> Result<SlotSecret, KeyringError> {
        // The state stays locked until the cache holds the secret: a commit sees every opening
        // begun before it.
        let state = self.state.read();
        if let Some(secret) = self.cache.get(at) {
            return Ok(secret);
        }
        let segment = state.body.segments.get(&at.seg).ok_or(KeyringError::SlotGone)?;
        let secret = self.nodes.derive_slot(&segment.cover, at).ok_or(KeyringError::SlotGone)?;
        Ok(self.cache.insert(*at, secret))
    }

    /// Whether the slot can still be opened.
    #[must_use]
    pub fn slot_lives(&self, at: &SlotRef) -> bool {
        self.state.read().body.reaches(at)
    }

    /// Next unused slot of a segment opened (and published) by this run for this cohort.
    ///
    /// Errors: [`KeyringError::NoSegment`].
    pub fn hand_out(&self, cohort: &CohortKey) -> Result<Slot, KeyringError> {
        loop {
            let at = self.run.lock().take(cohort).ok_or(KeyringError::NoSegment)?;
            // A slot erased before it was ever used is skipped.
            let Ok(secret) = self.derive_slot(&at) else { continue };
            let state = self.state.read();
            let segment = state.body.segments.get(&at.seg);
            let info = segment.and_then(|segment| state.body.cohort_info(&segment.cohort));
            if let Some(cohort) = info {
                return Ok(Slot { at, cohort, secret });
            }
        }
    }

    /// Whether [`Keyring::hand_out`] would find a slot.
    #[must_use]
    pub fn has_open_segment(&self, cohort: &CohortKey) -> bool {
        self.run.lock().has(cohort)
    }

    /// Writes the file `checkpoint` durably at every place that answers. Blocks on devices.
    ///
    /// Errors: the first failure, when no place took it.
    pub fn write_checkpoint(&self, note: &str) -> Result<(), KeyringError> {
        let _turn = self.checkpoint_turn.lock();
        let mut failure = None;
        let mut written = false;
        for open in &self.places.all {
            match open.place.write_checkpoint(note) {
                Ok(()) => written = true,
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        if written { Ok(()) } else { Err(failure.unwrap_or(KeyringError::NoPlace)) }
    }

    /// Whether a generation is between its commit point and its publication, or failed there: then
    /// no further one is written until the vault is restarted.
    #[must_use]
    pub fn is_incomplete(&self) -> bool {
        self.broken.load(Ordering::Acquire)
    }

    /// The checkpoints found at the places when the keyring was opened, the primary's first.
    #[must_use]
    pub fn checkpoints(&self) -> Vec<String> {
        self.checkpoints.clone()
    }

    /// Takes the generation's turn (blocks; call off the async threads) and starts generation g + 1.
    pub fn draft(self: &Arc<Self>) -> Draft {
        Draft::begin(self)
    }
}
