//! Opening the log: is it whole, and is it the log that was signed?
//!
//! The tree of the present origin must be at least as long as every floor, with the same root at its
//! size. The floors are the keyring's log state and the checkpoints at the places. A shorter or
//! A database that was put back from a backup says so itself ([`keys::RESTORED`]): leaves written since may
//! have been signed and shown to others although no floor knows of them. A shorter or
//! different tree is not an error but a finding ([`RolledBack`]): a generation first raises k, and only
//! then the first leaf of the next origin is written, carrying the old checkpoint and the lost range.
//! Nothing here writes, except that first leaf.

use std::{collections::HashSet, sync::Arc};

use parking_lot::{Mutex, RwLock};

use super::{
    alarm,
    alarm_book::AlarmBook,
    clear::{GenerationDetail, OriginDetail, origin_name},
    error::{AuditError, OpenError},
    guard::ClockGuard,
    leaf,
    merkle::{self, empty_root},
    note::Checkpoint,
    queue::Queue,
    rule::AuditRule,
    shared::{self, Placed, Shared, Tail},
    tree::{StoredTree, Tree},
};
use crate::{
    clock::{Clock, Timestamp},
    ids::SegmentId,
    keyring::{Keyring, LogState},
    random::Random,
    storage::{Store, keys},
    wire::store::GenerationRow,
};
use prost::Message;

/// What the log is opened with.
pub(super) struct Parts {
    pub(super) store: Arc<dyn Store>,
    pub(super) keyring: Arc<Keyring>,
    pub(super) rule: AuditRule,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn Random>,
}

/// What was found.
pub(super) enum Found {
    /// The tree covers every floor.
    Whole(Tree),
    /// It does not.
    Cut(Loss),
}

/// How the stored log falls short of what was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// The first leaf of the next origin will say this.
    pub detail: OriginDetail,
    /// The number of the next origin.
    pub next_k: u32,
    /// Whether a generation must still raise the keyring's origin number to it.
    pub needs_raise: bool,
}

/// A floor: what somebody else than the database says about an origin's tree.
struct Floor {
    k: u32,
    size: u64,
    root: merkle::Hash,
    note: String,
}

/// Compares the store with the floors. Refuses (an error) whatever no crash and no restored database
/// can explain.
pub(super) fn examine(parts: &Parts) -> Result<Found, OpenError> {
    let (store, keyring) = (parts.store.as_ref(), parts.keyring.as_ref());
    let state = keyring.log_state();
    let placed = placed_floors(keyring, state.k)?;
    let tail = match store.get(keys::LOG_TAIL)? {
        None => Tail { k: 0, size: 0, root: empty_root() },
        Some(row) => Tail::parse(&row).ok_or(AuditError::Corrupt("row m/log"))?,
    };
    if tail.k > state.k {
        return Err(OpenError::PlacesRolledBack("audit log"));
    }
    check_generation(store, keyring)?;
    // Until generation 1 is published nothing was logged, so nothing can have been cut.
    let brand_new = keyring.generation() == 1 && state.size == 0 && tail.size <= 1;
    if placed.is_empty() && !brand_new {
        return Err(OpenError::NoCheckpoint);
    }
    let tree = sound_tree(store, tail)?;
    let mut floors = placed;
    floors.push(Floor { k: state.k, size: state.size, root: state.root, note: String::new() });
    let restored = restored(store)?;
    if restored.is_none() && tail.k == state.k && covers(store, tail, &floors)? {
        return Ok(Found::Whole(tree));
    }
    let mut loss = loss(tail, state, floors);
    loss.detail.lost_to = loss.detail.lost_to.max(restored.unwrap_or_default());
    Ok(Found::Cut(loss))
}

/// How many leaves the origin of a restored database had at least; `None` if it was not restored.
fn restored(store: &dyn Store) -> Result<Option<u64>, OpenError> {
    let Some(row) = store.get(keys::RESTORED)? else { return Ok(None) };
    let row = row.as_slice().try_into().map_err(|_| AuditError::Corrupt("row m/restored"))?;
    Ok(Some(u64::from_be_bytes(row)))
}

/// The checkpoints at the places, verified. Those of later origins than the keyring's are refused.
fn placed_floors(keyring: &Keyring, present: u32) -> Result<Vec<Floor>, OpenError> {
    let base = format!("{}/{}", keyring.vault_name(), keyring.node());
    let mut floors = Vec::new();
    for note in keyring.checkpoints() {
        let origin = Checkpoint::peek(&note).map_err(OpenError::Checkpoint)?.origin;
        let k = match origin.strip_prefix(&base) {
            Some("") => 0,
            Some(rest) => later_origin(rest).ok_or(AuditError::Corrupt("a checkpoint's origin"))?,
            None => return Err(AuditError::Corrupt("a checkpoint is of another log").into()),
        };
        let key = shared::verifier(keyring, k)?;
        let checkpoint = Checkpoint::verify(&note, &key).map_err(OpenError::Checkpoint)?;
        if k > present {
            return Err(OpenError::PlacesRolledBack("checkpoint"));
        }
        floors.push(Floor { k, size: checkpoint.size, root: checkpoint.root, note });
    }
    Ok(floors)
}

fn later_origin(rest: &str) -> Option<u32> {
    let digits = rest.strip_prefix('/')?;
    let k = digits.parse().ok()?;
    (origin_name("", k) == rest).then_some(k)
}

/// Row `m/generation` against its leaf and against the keyring.
fn check_generation(store: &dyn Store, keyring: &Keyring) -> Result<(), OpenError> {
    let Some(row) = generation_row(store)? else { return Ok(()) };
    let corrupt = || AuditError::Corrupt("row m/generation");
    let detail = GenerationDetail::parse(&row.detail).ok_or_else(corrupt)?;
    let leaf = store.get(&keys::leaf(row.k, row.n))?.ok_or_else(corrupt)?;
    let leaf = leaf::parse(&leaf).map_err(|_| corrupt())?;
    let same = leaf.digest == <merkle::Hash>::from(sha2_of(&row.detail));
    if !same || leaf.kind != leaf::KIND_GENERATION || detail.generation != row.generation {
        return Err(corrupt().into());
    }
    let present = keyring.generation();
    if row.generation > present {
        return Err(OpenError::PlacesRolledBack("database's generation"));
    }
    if row.generation == present && row.detail != keyring.generation_detail() {
        return Err(AuditError::Corrupt("the generation's leaf names another keyring").into());
    }
    Ok(())
}

/// Row `m/generation`, if there is one.
pub(super) fn generation_row(store: &dyn Store) -> Result<Option<GenerationRow>, AuditError> {
    let row = store.get(keys::GENERATION)?;
    row.map(|row| GenerationRow::decode(row.as_slice()))
        .transpose()
        .map_err(|_| AuditError::Corrupt("row m/generation"))
}

fn sha2_of(bytes: &[u8]) -> [u8; 32] {
    use sha2::Digest;
    sha2::Sha256::digest(bytes).into()
}

/// The tree that row `m/log` describes: its right edge gives its root, and no leaf lies beyond.
fn sound_tree(store: &dyn Store, tail: Tail) -> Result<Tree, OpenError> {
    let tree = Tree::open(store, tail.k, tail.size)?;
    if tree.root() != tail.root {
        return Err(AuditError::Corrupt("the tree does not have the root of row m/log").into());
    }
    let last = store.last(&keys::leaves(tail.k))?.map(|(key, _)| key);
    let expected = tail.size.checked_sub(1).map(|n| keys::leaf(tail.k, n));
    if last != expected {
        return Err(AuditError::Corrupt("the leaves do not end where row m/log says").into());
    }
    Ok(tree)
}

fn covers(store: &dyn Store, tail: Tail, floors: &[Floor]) -> Result<bool, OpenError> {
    let stored = StoredTree { store, k: tail.k, size: tail.size };
    for floor in floors.iter().filter(|floor| floor.k == tail.k) {
        if floor.size > tail.size || merkle::root(&stored, floor.size)? != floor.root {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What was lost, and which origin comes next.
fn loss(tail: Tail, state: LogState, floors: Vec<Floor>) -> Loss {
    // A raised origin without any leaf is taken up as it is: the crash came before its first leaf.
    let begun = state.size > 0 || floors.iter().any(|floor| floor.k == state.k && floor.size > 0);
    let needs_raise = begun || tail.k == state.k;
    let next_k = if needs_raise { state.k.saturating_add(1) } else { state.k };
    let newest = floors
        .into_iter()
        .filter(|floor| floor.k == tail.k)
        .max_by_key(|floor| (floor.size, !floor.note.is_empty()));
    let (lost_to, note) = newest.map_or((tail.size, String::new()), |f| (f.size, f.note));
    let detail = OriginDetail {
        closed: tail.k,
        kept: tail.size,
        root: tail.root,
        lost_to,
        checkpoint: note,
    };
    Loss { detail, next_k, needs_raise }
}

/// Puts the shared state of a log together. Reads row `m/clock`, segment rows and alarms.
pub(super) fn assemble(parts: Parts, tree: &Tree) -> Result<Shared, OpenError> {
    let Parts { store, keyring, rule, clock, random } = parts;
    let (now, state) = (clock.now(), keyring.log_state());
    let mut guard = load_guard(store.as_ref(), keyring.as_ref(), state)?;
    guard.look(now);
    let placed = newest_placed(keyring.as_ref(), tree.k(), now);
    let alarms = alarm::load(store.as_ref(), keyring.as_ref())?;
    Ok(Shared {
        queue: Queue::new(),
        tail: Mutex::new(Tail { k: tree.k(), size: tree.size(), root: tree.root() }),
        guard: Mutex::new(guard),
        alarms: Mutex::new(AlarmBook::of(alarms)),
        segments: RwLock::new(used_segments(store.as_ref())?),
        placed: Mutex::new(placed),
        unwritable: false.into(),
        verifier: shared::verifier(keyring.as_ref(), tree.k())?,
        store,
        keyring,
        rule,
        clock,
        random,
    })
}

fn load_guard(
    store: &dyn Store,
    keyring: &Keyring,
    state: LogState,
) -> Result<ClockGuard, OpenError> {
    let corrupt = || AuditError::Corrupt("row m/clock");
    match store.get(keys::CLOCK)? {
        Some(row) => {
            let row = keyring.check_row(keys::CLOCK, &row).ok_or_else(corrupt)?;
            Ok(ClockGuard::load(row, state.clock_floor).ok_or_else(corrupt)?)
        }
        // Every commit with a leaf has written it, so it was taken away.
        None if store.get(keys::LOG_TAIL)?.is_some() => Err(corrupt().into()),
        None => Ok(ClockGuard::starting_at(state.clock_floor)),
    }
}

fn newest_placed(keyring: &Keyring, k: u32, now: Timestamp) -> Option<Placed> {
    let key = shared::verifier(keyring, k).ok()?;
    let notes = keyring.checkpoints();
    let sizes = notes.iter().filter_map(|note| Checkpoint::verify(note, &key).ok()).map(|c| c.size);
    // The oldest of the places counts, so that one which lags is brought up first.
    sizes.min().map(|size| Placed { k, size, at: now })
}

fn used_segments(store: &dyn Store) -> Result<HashSet<SegmentId>, OpenError> {
    let mut used = HashSet::new();
    let mut after: Option<Vec<u8>> = None;
    loop {
        let rows = store.scan(&keys::segments(), after.as_deref(), 1000)?;
        let Some((last, _)) = rows.last() else { return Ok(used) };
        after = Some(last.clone());
        for (key, _) in &rows {
            let id = key.split_first().and_then(|(_, id)| SegmentId::from_slice(id).ok());
            used.insert(id.ok_or(AuditError::Corrupt("a segment row"))?);
        }
    }
}
