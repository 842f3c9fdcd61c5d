//! Compaction: every record moves out of a segment whose cover has grown, and the segment is dropped.
//!
//! Erasing single slots leaves the siblings on their paths in the keyring. Above its bound the segment with
//! the most nodes per live record is chosen, and a bounded number of rows is looked at per round; between
//! two commits of `limits::COMPACT_BATCH_RECORDS` an erasure gets its turn. Steps, with row 'm/compact' as
//! their memory:
//! 1. chosen: the row is durable. A crash leaves it, and the next round goes on. From here on the segment
//!    hands out no slot;
//! 2. batches: records move, one commit each with the row's progress. A crash leaves moved records in their
//!    new slots and the others where they were; the heads of the moved ones list what they left, so that an
//!    erasure reaches both;
//! 3. a whole pass that found nothing in the segment, while no commit could use it any more. Where one did
//!    find something, step 2 again;
//! 4. the segment is dropped in one generation. A crash before leaves it; after it, step 5 is left;
//! 5. final event and the end of the row, in one commit.
//!
//! Invariants: a segment is dropped only after a whole pass, begun after it was closed to writes, found no
//! live row in it; a record in it whose head does not open stops the compaction, never the record; a
//! segment whose date has come is left to its purge.

use std::{collections::BTreeSet, sync::Arc};

use parking_lot::Mutex;
use prost::Message as _;

use crate::{
    audit::{AuditError, AuditLog, EventDraft},
    ids::{CohortId, RecordId, SegmentId, SlotRef},
    keyring::{CohortInfo, SegmentState},
    limits,
    policy::Pack,
    retention::{Dropped, Retention},
    storage::{Group, Op, Precondition, Row, keys},
    wire::store::{Compaction, RecordRow},
};

use super::{super::VaultError, Leaving, Moves, RESEAL, leaving};
use crate::vault::{head::Loaded, segments::Segments};

/// Alarm: a segment cannot be compacted, because a record in it does not open.
const ALARM_STUCK: &str = "compaction-stopped";

/// Bytes of one node of a cover, as the keyring stores it.
const NODE_BYTES: usize = 37;

/// What compaction touches, and what it knows of this run.
pub(in super::super) struct Compact {
    pub(in super::super) log: Arc<AuditLog>,
    pub(in super::super) segments: Arc<Segments>,
    pub(in super::super) retention: Arc<Retention>,
    /// Bytes of the keyring above which segments are compacted.
    pub(in super::super) bound: usize,
    /// One round at a time.
    pub(in super::super) turn: Mutex<State>,
}

impl Compact {
    /// Nothing under way; `bound` in bytes of the keyring.
    pub(in super::super) fn new(
        log: &Arc<AuditLog>,
        segments: &Arc<Segments>,
        retention: &Arc<Retention>,
        bound: usize,
    ) -> Self {
        let (log, segments) = (Arc::clone(log), Arc::clone(segments));
        Self { log, segments, retention: Arc::clone(retention), bound, turn: Mutex::default() }
    }
}

/// What lives in memory alone.
#[derive(Default)]
pub(in super::super) struct State {
    /// Segments that could not be compacted by this run.
    stuck: BTreeSet<SegmentId>,
    /// The segment takes no writes since before the present pass began.
    closed: bool,
    /// How often the bound was found exceeded and a segment chosen.
    fired: u64,
}

/// The compaction under way.
struct Running {
    seg: SegmentId,
    cohort: CohortInfo,
    row: Compaction,
    /// The row's bytes: its precondition.
    bytes: Vec<u8>,
}

/// A record with something in the segment.
enum Found {
    /// It moves.
    Here(RecordId),
    /// Its slot lives, and it cannot be read now: an erasure is under way.
    Marked,
}

/// How a pass ended.
enum Pass {
    /// There is more to look at in a later round.
    Paused,
    /// Every row was looked at.
    Through,
}

impl Compact {
    /// How often a segment was chosen because the keyring had grown beyond its bound, in this run.
    pub(in super::super) fn fired(&self) -> u64 {
        self.turn.lock().fired
    }

    /// One bounded round: goes on with the compaction under way, or begins one if the keyring is above its
    /// bound. Does nothing while a place is away. Blocks.
    pub(in super::super) fn round(&self, pack: &Pack) -> Result<(), VaultError> {
        let Some(mut state) = self.turn.try_lock() else { return Ok(()) };
        let running = match self.running()? {
            Some(running) => Some(running),
            None if self.log.keyring().file_bytes() > self.bound => self.choose(&mut state)?,
            None => None,
        };
        match running {
            Some(running) => self.go_on(pack, running, &mut state),
            None => Ok(()),
        }
    }

    /// Begins to compact this segment, whatever the keyring's size, unless another is under way.
    pub(in super::super) fn begin(&self, seg: &SegmentId) -> Result<bool, VaultError> {
        let mut state = self.turn.lock();
        if self.running()?.is_some() {
            return Ok(false);
        }
        self.start(seg, &mut state)
    }

    /// The segment that is being compacted.
    pub(in super::super) fn segment(&self) -> Result<Option<SegmentId>, VaultError> {
        Ok(self.running()?.map(|running| running.seg))
    }

    fn running(&self) -> Result<Option<Running>, VaultError> {
        let Some(bytes) = self.log.store().get(keys::COMPACT)? else { return Ok(None) };
        let corrupt = || VaultError::Corrupt("compaction");
        let row = self.log.keyring().check_row(keys::COMPACT, &bytes).ok_or_else(corrupt)?;
        let row = Compaction::decode(row).map_err(|_| corrupt())?;
        let seg = SegmentId::from_slice(&row.seg_id).map_err(|_| corrupt())?;
        let id = CohortId::from_slice(&row.cohort_id).map_err(|_| corrupt())?;
        let Some(cohort) = self.log.keyring().cohort(&id) else {
            // Purged whole, the segment with it.
            self.end(&row, bytes, "GONE", &[])?;
            return Ok(None);
        };
        Ok(Some(Running { seg, cohort, row, bytes }))
    }

    /// The segment with the most nodes per live record, of those with the largest covers.
    fn choose(&self, state: &mut State) -> Result<Option<Running>, VaultError> {
        let keyring = self.log.keyring();
        let now = self.log.civil_now();
        let segments = keyring.segments();
        let fits = |id: &SegmentId| {
            let found = segments.iter().find(|segment| segment.id == *id);
            found.filter(|s| !s.held_only && now < s.cohort.expires_at && !is_events(&s.cohort))
        };
        let mut best: Option<(u64, SegmentId)> = None;
        let part = self.bound / limits::COMPACT_PARTS_MAX / NODE_BYTES;
        let least = part.max(limits::COMPACT_NODES_MIN);
        let heavy = keyring.cover_weights().into_iter().filter(|weight| weight.nodes >= least);
        let able =
            heavy.filter(|w| !state.stuck.contains(&w.segment) && fits(&w.segment).is_some());
        for weight in able.take(limits::COMPACT_CANDIDATES) {
            let Some(segment) = fits(&weight.segment) else { continue };
            // Counted by rows: the cover reaches slots that were never used, too.
            let live = self.count(&segment.cohort, &weight.segment)?;
            let nodes = u64::try_from(weight.nodes).unwrap_or(u64::MAX);
            let per_thousand = nodes.saturating_mul(1_000) / live.max(1);
            if best.is_none_or(|(most, _)| per_thousand > most) {
                best = Some((per_thousand, weight.segment));
            }
        }
        let Some((_, seg)) = best else { return Ok(None) };
        if !self.start(&seg, state)? {
            return Ok(None);
        }
        state.fired = state.fired.saturating_add(1);
        self.running()
    }

    /// Step 1.
    fn start(&self, seg: &SegmentId, state: &mut State) -> Result<bool, VaultError> {
        let keyring = self.log.keyring();
        let SegmentState::Live { cohort, held_only: false } = keyring.segment(seg) else {
            return Ok(false);
        };
        state.closed = false;
        let row = Compaction {
            seg_id: seg.as_bytes().to_vec(),
            cohort_id: cohort.as_bytes().to_vec(),
            started_at_ms: self.log.clock().now().as_millis(),
            ..Compaction::default()
        };
        let value = keyring.mac_row(keys::COMPACT, &row.encode_to_vec());
        let free = Precondition::Absent(keys::COMPACT.to_vec());
        let ops = vec![Op::Put(keys::COMPACT.to_vec(), value)];
        let sealed = self.log.seal(&event(&row, "STARTED"))?;
        self.log.commit_blocking(Group { preconditions: vec![free], ops }, &[], Some(sealed))?;
        Ok(true)
    }

    fn go_on(&self, pack: &Pack, mut at: Running, state: &mut State) -> Result<(), VaultError> {
        let keyring = self.log.keyring();
        let live = matches!(keyring.segment(&at.seg), SegmentState::Live { held_only: false, .. });
        let due = self.log.civil_now() >= at.cohort.expires_at;
        if !live || due {
            keyring.take_writes(&at.seg);
            // Dropped already, by step 4 or by a purge, whose sweep deletes the same row.
            let dropped = matches!(keyring.segment(&at.seg), SegmentState::Tombstoned { .. });
            let gone: Vec<Vec<u8>> = dropped.then(|| keys::segment(&at.seg)).into_iter().collect();
            let outcome = if dropped { "OK" } else { "LEFT_TO_ITS_PURGE" };
            return self.end(&at.row, at.bytes, outcome, &gone);
        }
        // Slots of it are not handed out any more; the cohort keeps another segment that is open.
        keyring.close_segment(&at.seg);
        self.segments.ensure(std::slice::from_ref(&at.cohort.key))?;
        match self.pass(pack, &mut at) {
            Err(VaultError::Corrupt(_)) => {
                self.log.raise_alarm(ALARM_STUCK, "a record does not verify");
                state.stuck.insert(at.seg);
                keyring.take_writes(&at.seg);
                self.end(&at.row, at.bytes, "STOPPED", &[])
            }
            Err(error) => Err(error),
            Ok(Pass::Paused) => Ok(()),
            Ok(Pass::Through) if at.row.found || !state.closed => {
                // Step 3 begins, in a later round: what was read before it moved is answered by then. What
                // was handed out before and is not durable yet never will be.
                keyring.refuse_writes(&at.seg);
                // All that was admitted before is on the device when this is.
                self.progress(&mut at, Vec::new(), false)?;
                state.closed = true;
                Ok(())
            }
            Ok(Pass::Through) => self.drop_segment(&at, state),
        }
    }

    /// Steps 4 and 5.
    fn drop_segment(&self, at: &Running, state: &mut State) -> Result<(), VaultError> {
        let dropped = match self.retention.drop_left(&at.seg) {
            // The next round comes back to it.
            Err(error) if error.needs_place() => return Ok(()),
            dropped => dropped?,
        };
        self.log.keyring().take_writes(&at.seg);
        state.closed = false;
        if dropped == Dropped::Held {
            state.stuck.insert(at.seg);
            return self.end(&at.row, at.bytes.clone(), "HELD", &[]);
        }
        self.end(&at.row, at.bytes.clone(), "OK", &[keys::segment(&at.seg)])
    }

    /// Looks at up to `limits::COMPACT_ROUND_ROWS` rows from where the last round ended, and moves what it
    /// finds.
    fn pass(&self, pack: &Pack, at: &mut Running) -> Result<Pass, VaultError> {
        let mut looked = 0;
        loop {
            let rows = self.rows(at)?;
            let Some((last, _)) = rows.last() else {
                return Ok(Pass::Through);
            };
            looked += rows.len();
            let last = last.clone();
            let mut records = Vec::new();
            for (key, _) in &rows {
                match self.look(at, key)? {
                    Some(Found::Here(id)) if !records.contains(&id) => records.push(id),
                    Some(Found::Here(_)) | None => {}
                    Some(Found::Marked) => at.row.found = true,
                }
            }
            at.row.found |= !records.is_empty();
            at.row.after = last;
            self.move_all(pack, at, &records)?;
            if looked >= limits::COMPACT_ROUND_ROWS {
                return Ok(Pass::Paused);
            }
        }
    }

    /// The next rows of the cohort: members first, then sections, which may belong to heads elsewhere.
    fn rows(&self, at: &Running) -> Result<Vec<Row>, VaultError> {
        let (store, id) = (self.log.store(), &at.cohort.id);
        let after = Some(at.row.after.as_slice()).filter(|after| !after.is_empty());
        let (members, sections) = (keys::members(id), keys::sections(id));
        let limit = limits::COMPACT_BATCH_RECORDS;
        if after.is_none_or(|after| after.starts_with(&members)) {
            let rows = store.scan(&members, after, limit)?;
            if !rows.is_empty() {
                return Ok(rows);
            }
        }
        Ok(store.scan(&sections, after.filter(|after| after.starts_with(&sections)), limit)?)
    }

    /// The record of a row, if something of it is sealed under the segment.
    fn look(&self, at: &Running, key: &[u8]) -> Result<Option<Found>, VaultError> {
        let corrupt = || VaultError::Corrupt("record row");
        let id =
            key.get(17..33).and_then(|id| RecordId::from_slice(id).ok()).ok_or_else(corrupt)?;
        let (store, keyring) = (self.log.store().as_ref(), self.log.keyring());
        let Some(bytes) = store.get(&keys::record(&id))? else { return Ok(None) };
        let row = RecordRow::decode(bytes.as_slice()).map_err(|_| corrupt())?;
        let seg = SegmentId::from_slice(&row.seg_id).map_err(|_| corrupt())?;
        let slot = SlotRef { seg, index: row.index };
        if !keyring.slot_lives(&slot) {
            return Ok(None);
        }
        let own = row.cohort_id == at.cohort.id.as_bytes();
        if row.erasing_generation != 0 {
            return Ok(Some(Found::Marked));
        }
        if own && seg == at.seg {
            return Ok(Some(Found::Here(id)));
        }
        if own && key.first() == Some(&b'c') {
            // A section that is not where its head is has a row of its own.
            return Ok(None);
        }
        let Some(record) = Loaded::read(store, keyring, id, &[])? else {
            return Ok(Some(Found::Marked));
        };
        let here = |at_slot: &SlotRef| at_slot.seg == at.seg && keyring.slot_lives(at_slot);
        let found = record.head.sections.iter().any(|section| here(&section.slot));
        Ok(found.then_some(Found::Here(id)))
    }

    /// Step 2: these records, in one commit with the progress; again, those that somebody changed.
    fn move_all(
        &self,
        pack: &Pack,
        at: &mut Running,
        records: &[RecordId],
    ) -> Result<(), VaultError> {
        for _ in 0..limits::SWEEP_RETRIES {
            let (mut ops, mut preconditions, mut slots) = (Vec::new(), Vec::new(), Vec::new());
            let mut event = event(&at.row, "OK");
            event.pack_hash = pack.hash();
            event.collection = Some(at.cohort.key.collection.clone());
            for id in records {
                let Some(one) = self.moved(pack, at, *id)? else { continue };
                ops.extend(one.ops);
                preconditions.push(one.unchanged);
                slots.extend(one.slots);
                event.records.push(*id);
            }
            let moved = u64::try_from(event.records.len()).unwrap_or(u64::MAX);
            if moved == 0 {
                return self.progress(at, Vec::new(), true);
            }
            let mut row = at.row.clone();
            row.moved = row.moved.saturating_add(moved);
            preconditions.push(Precondition::Unchanged(keys::COMPACT.to_vec(), at.bytes.clone()));
            let value = self.log.keyring().mac_row(keys::COMPACT, &row.encode_to_vec());
            ops.push(Op::Put(keys::COMPACT.to_vec(), value.clone()));
            let sealed = self.log.seal(&event)?;
            let done = {
                // No generation comes between a hold and the record it keeps.
                let _pause = self.log.keyring().pause();
                self.log.commit_blocking(Group { preconditions, ops }, &slots, Some(sealed))
            };
            match done {
                Ok(_receipt) => {
                    (at.row, at.bytes) = (row, value);
                    return Ok(());
                }
                // Somebody changed one of them, or a purge took a slot: all are looked at again.
                Err(AuditError::Rejected | AuditError::SlotGone) => {}
                Err(error) => return Err(error.into()),
            }
        }
        // They are found again by the next pass.
        at.row.found = true;
        self.progress(at, Vec::new(), true)
    }

    /// One record's rows outside the segment; `None` if it is gone, or being erased.
    fn moved(
        &self,
        pack: &Pack,
        at: &Running,
        id: RecordId,
    ) -> Result<Option<super::Resealed>, VaultError> {
        let (store, keyring) = (self.log.store().as_ref(), self.log.keyring());
        let Some(record) = Loaded::read_whole(store, keyring, id)? else { return Ok(None) };
        let left = leaving(&record, Leaving::Segment(&at.seg), keyring, self.log.civil_now());
        if left.is_empty() {
            return Ok(None);
        }
        match Moves::of(keyring, left)?.rows(&self.log, pack, record) {
            // Erased between the reading and the opening; what is left of it the next pass finds.
            Err(VaultError::NotAvailable) => Ok(None),
            moved => moved.map(Some),
        }
    }

    /// Keeps how far the pass came; `goes_on`, or begins a new one.
    fn progress(
        &self,
        at: &mut Running,
        mut ops: Vec<Op>,
        goes_on: bool,
    ) -> Result<(), VaultError> {
        if !goes_on {
            at.row.after.clear();
            at.row.found = false;
        }
        let value = self.log.keyring().mac_row(keys::COMPACT, &at.row.encode_to_vec());
        let unchanged = Precondition::Unchanged(keys::COMPACT.to_vec(), at.bytes.clone());
        ops.push(Op::Put(keys::COMPACT.to_vec(), value.clone()));
        self.log.write_rows(Group { preconditions: vec![unchanged], ops })?;
        at.bytes = value;
        Ok(())
    }

    /// The end of the row, with rows that go with it, and the event that tells it.
    fn end(
        &self,
        row: &Compaction,
        bytes: Vec<u8>,
        outcome: &str,
        gone: &[Vec<u8>],
    ) -> Result<(), VaultError> {
        let mut ops = vec![Op::Delete(keys::COMPACT.to_vec())];
        ops.extend(gone.iter().cloned().map(Op::Delete));
        let preconditions = vec![Precondition::Unchanged(keys::COMPACT.to_vec(), bytes)];
        let mut event = event(row, outcome);
        event.notes.push(format!("moved={}", row.moved));
        event.notes.push(format!("generation={}", self.log.keyring().generation()));
        let sealed = self.log.seal(&event)?;
        self.log.commit_blocking(Group { preconditions, ops }, &[], Some(sealed))?;
        Ok(())
    }

    /// Live records with something in the segment, by rows.
    fn count(&self, cohort: &CohortInfo, seg: &SegmentId) -> Result<u64, VaultError> {
        let mut at = Running {
            seg: *seg,
            cohort: cohort.clone(),
            row: Compaction::default(),
            bytes: Vec::new(),
        };
        let (mut live, mut looked) = (0, 0_usize);
        loop {
            let rows = self.rows(&at)?;
            let Some((last, _)) = rows.last() else { return Ok(live) };
            looked = looked.saturating_add(rows.len());
            if looked > limits::COMPACT_ROUND_ROWS {
                // At least so many: one round is bounded, and the choice a little less good.
                return Ok(live);
            }
            at.row.after.clone_from(last);
            for (key, _) in &rows {
                live += u64::from(self.look(&at, key)?.is_some());
            }
        }
    }
}

/// Whether the cohort is of audit events, which never move.
fn is_events(cohort: &CohortInfo) -> bool {
    cohort.key.collection.as_str() == "_audit"
}

fn event(row: &Compaction, outcome: &str) -> EventDraft {
    let mut event = EventDraft::new(RESEAL);
    event.outcome = outcome.to_owned();
    event.notes = vec![
        format!("segment={}", hex::encode(&row.seg_id)),
        format!("cohort={}", hex::encode(&row.cohort_id)),
    ];
    event
}
