//! `serve`: the start-up checks of DESIGN section 4 in order, then recovery, then the first generation.
//!
//! Every refusal changes nothing. "Missing" is never read as "erased": a segment that the keyring does
//! not know stops the start.

use std::sync::Arc;

use prost::Message as _;

use crate::{
    audit::{AuditLog, Opened, RolledBack},
    identity::{Approvals, Identity, ZoneOf},
    ids::{CollectionName, SegmentId},
    keyring::{CohortKey, Draft, Keyring, KeyringError, SegmentState},
    limits,
    policy::Pack,
    random::Random,
    retention::Retention,
    storage::{Group, Op, Store, keys},
    wire::store::SegmentRow,
};

use super::{
    Parts, StartError,
    known::{generation_row, rolled_back},
    places,
};
use crate::vault::{
    AtStart, Swept, Vault, VaultError,
    rekey::Rekey,
    reload,
    retention_diff::differences,
    segments::{Segments, audit_rule, upcoming},
};

/// What the database's newest generation leaf says, next to the keyring.
enum Leaf {
    /// It is the keyring's generation.
    Current,
    /// The keyring is ahead: the leaf of its generation is missing, or an older database is back.
    Behind,
}

/// Checks, recovers, and wires a vault that may serve. Blocks.
pub fn start(parts: Parts) -> Result<Arc<Vault>, StartError> {
    start_bounded(parts, limits::KEYRING_BYTES_MAX)
}

/// The same for a test that shall not have to fill a keyring: above so many bytes a segment is compacted.
pub fn start_bounded(parts: Parts, keyring_bytes: usize) -> Result<Arc<Vault>, StartError> {
    let rule = audit_rule(&parts.pack);
    // 0. A data folder that holds a vault: anything else would give the places' log a false history.
    let known = generation_row(parts.store.as_ref())?.ok_or(StartError::NoVault)?.generation;
    // 1. The places: locks, order, anchors, followers, not older than the database, unfinished scrubs
    //    (keyring::open).
    let without = &parts.without_places;
    let random = parts.random.as_ref();
    let keyring = Keyring::open_known(parts.places, without, parts.root, known, random)
        .map_err(rolled_back)?;
    // 2. The pack: its retention part is the pinned one, byte for byte.
    check_retention(&keyring, &parts.pack)?;
    // 3. The database: of the same history as the places, and every segment it uses accounted for.
    let leaf = check_generation(parts.store.as_ref(), &keyring)?;
    check_segments(parts.store.as_ref(), &keyring)?;
    // 4. The log: whole, and not shorter than its two floors.
    let (held, store) = (Arc::clone(&keyring), Arc::clone(&parts.store));
    let random = Arc::clone(&parts.random);
    let opened = AuditLog::open(parts.store, keyring, rule, parts.clock, parts.random)?;
    let (log, restored) = match opened {
        Opened::Whole(log) => (Arc::new(log), false),
        Opened::RolledBack(rolled_back) => {
            mark_sweep(store.as_ref())?;
            (restart_log(rolled_back, &held, random.as_ref())?, true)
        }
    };
    // 5. A generation whose leaf a crash kept from the log: written before anything is served.
    if !restored && matches!(leaf, Leaf::Behind) {
        log.publish_missing()?;
    }
    // 6. The first generation of this run: segments for events, today and tomorrow, and with them what
    //    intents of the present generation name, and the slots that moved records left. Without every
    //    place nothing is erased: those erasures are undone below, those slots wait.
    let retention = Arc::new(Retention::new(Arc::clone(&log)));
    let segments = Segments::new(Arc::clone(&log));
    let wanted = upcoming(&parts.pack, log.clock().now());
    let erase = |draft: &mut Draft| Ok(retention.erase_pending(parts.pack.hash(), draft)?);
    match segments.ensure_with(&wanted, Some(&erase)) {
        Err(VaultError::Keyring(KeyringError::ErasureNeedsPlace { .. })) => {
            segments.ensure(&wanted)?;
        }
        done => done?,
    }
    reload::pin_at_start(&log, &parts.pack)?;
    // 7. What was done to the list of places while no vault ran.
    places::tell(&log, parts.pack.hash())?;
    // 8. A purge cut by a crash, and rows of a restored database without a reachable slot: of this
    //    start, or of one that a crash cut before its sweep was through.
    let mut swept = None;
    if store.get(keys::SWEEP)?.is_some() {
        // Records of an older database may be named under index keys that were exchanged since.
        Rekey::new(Arc::clone(&log), Arc::clone(&retention)).repair(&parts.pack)?;
        // What leave was used since, it does not know.
        Approvals::forget_all(&log).map_err(VaultError::from)?;
        // What an erasure that it holds unfinished named is its certificate's to count.
        retention.resume_erasures(parts.pack.hash())?;
        let rows = retention.sweep_unreachable()?;
        swept = Some(Swept { rows, log_origin: log.state().k });
    }
    retention.resume(parts.pack.hash())?;
    retention.resume_erasures(parts.pack.hash())?;
    // 9. The directory: every row's mac and revocation.
    let identity = Arc::new(Identity::open(Arc::clone(&log), zones(&parts.pack))?);
    let found = AtStart { swept, swap_accepted: parts.swap_accepted, keyring_bytes };
    let vault = Vault::wire(parts.pack, log, identity, retention, found);
    // 10. What was missed while the vault was off, within the clock guard.
    vault.tick()?;
    Ok(vault)
}

fn check_retention(keyring: &Keyring, pack: &Pack) -> Result<(), StartError> {
    let (_, pinned) = keyring.pinned_pack();
    let own = pack.retention_part();
    if pinned == own {
        return Ok(());
    }
    let lines = differences(&pinned, &own);
    Err(StartError::RetentionChanged(
        lines.iter().map(|l| format!("  {}: {}", l.path, l.reason)).collect(),
    ))
}

/// Notes that every row must be compared with the keyring. Written while no log is open, so this is
/// the one write that does not pass through it; it is durable before the new origin's first leaf, after
/// which nothing else would tell the next start.
fn mark_sweep(store: &dyn Store) -> Result<(), StartError> {
    let mark = Op::Put(keys::SWEEP.to_vec(), Vec::new());
    store.commit(&[Group { preconditions: Vec::new(), ops: vec![mark] }])?;
    Ok(())
}

fn check_generation(store: &dyn Store, keyring: &Keyring) -> Result<Leaf, StartError> {
    let Some(row) = generation_row(store)? else { return Ok(Leaf::Behind) };
    if row.generation < keyring.generation() {
        return Ok(Leaf::Behind);
    }
    if row.detail == keyring.generation_detail() {
        return Ok(Leaf::Current);
    }
    Err(StartError::OtherVault)
}

fn check_segments(store: &dyn Store, keyring: &Keyring) -> Result<(), StartError> {
    let prefix = keys::segments();
    let mut after: Option<Vec<u8>> = None;
    loop {
        let rows = store.scan(&prefix, after.as_deref(), limits::SWEEP_BATCH_ROWS)?;
        let Some((last, _)) = rows.last() else { return Ok(()) };
        after = Some(last.clone());
        for (key, value) in &rows {
            check_segment(keyring, key, value)?;
        }
    }
}

fn check_segment(keyring: &Keyring, key: &[u8], value: &[u8]) -> Result<(), StartError> {
    let tampered = || StartError::Tampered("segment row");
    let id = key.get(1..).and_then(|id| SegmentId::from_slice(id).ok()).ok_or_else(tampered)?;
    let row = keyring.check_row(key, value).ok_or_else(tampered)?;
    match keyring.segment(&id) {
        SegmentState::Live { .. } | SegmentState::Tombstoned { .. } => return Ok(()),
        SegmentState::Unknown => {}
    }
    let row = SegmentRow::decode(row).map_err(|_| tampered())?;
    let cohort = CohortKey {
        collection: CollectionName::parse(&row.collection).map_err(|_| tampered())?,
        expires_on: row.expires_on.parse().map_err(|_| tampered())?,
        zone: row.zone.parse().map_err(|_| tampered())?,
    };
    if keyring.below_watermark(&cohort) {
        return Ok(());
    }
    Err(StartError::SegmentUnaccounted(id))
}

/// A database older than the log's floors: a generation raises the origin first, and only then is the
/// first leaf of the new origin written, with the old checkpoint and the lost range.
///
/// A crash in between leaves a raised, empty origin, which is found again here.
fn restart_log(
    rolled_back: RolledBack,
    keyring: &Arc<Keyring>,
    random: &dyn Random,
) -> Result<Arc<AuditLog>, StartError> {
    if !rolled_back.loss().needs_raise {
        let log = Arc::new(rolled_back.start_origin()?);
        log.publish_missing()?;
        return Ok(log);
    }
    let mut draft = keyring.draft();
    draft.raise_origin(rolled_back.loss().next_k);
    let unpublished = draft.write(rolled_back.state(), random)?;
    let log = Arc::new(rolled_back.start_origin()?);
    log.publish(unpublished)?;
    Ok(log)
}

/// The zone a territory's agents work in: habilitations begin and end at its midnight. Zones are of the
/// retention part, which no reload changes, so the pack of the start answers for as long as this runs.
fn zones(pack: &Arc<Pack>) -> ZoneOf {
    let pack = Arc::clone(pack);
    Arc::new(move |territory| pack.zone_of(territory))
}
