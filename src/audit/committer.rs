//! Group commit: one thread, the only writer of the store.
//!
//! It takes what has queued up, checks preconditions against the store and against the earlier calls
//! of the batch, numbers the leaves of those that hold, makes everything durable in ONE commit, and
//! wakes all. There is no fixed delay: the next batch forms while this one syncs.
//! Invariants: a rejected call takes no number; no receipt exists before its leaf is durable; after
//! one failed commit nothing is ever written again by this process, because nobody knows what is on
//! the device.

use std::sync::Arc;

use prost::Message;

use super::{
    alarm,
    entry::Entry,
    error::AuditError,
    guard::ClockGuard,
    leaf,
    queue::{Answer, Call, Reply, Waiting},
    receipt::Receipt,
    shared::{Shared, Tail},
    tree::Tree,
};
use crate::{
    ids::SegmentId,
    keyring::CohortInfo,
    storage::{Group, Op, Outcome, keys, preconditions::Overlay},
    wire::store::{GenerationRow, SegmentRow},
};

/// The committer's own state. Nobody else appends to the tree.
pub(super) struct Committer {
    shared: Arc<Shared>,
    tree: Tree,
    /// What row `m/clock` holds, as far as this process wrote it.
    stored_guard: Option<ClockGuard>,
}

/// A call whose preconditions hold.
struct Admitted {
    entry: Option<Entry>,
    confirms_clock: bool,
    reply: Reply,
    /// Operations of its group that do not depend on its number.
    own: usize,
    /// Its leaf's number, once given.
    number: u64,
}

/// One attempt at a batch.
#[derive(Default)]
struct Batch {
    calls: Vec<Admitted>,
    /// One group per call, in the same order.
    groups: Vec<Group>,
    /// Segments that this batch uses first, and their rows.
    segments: Vec<(SegmentId, Op)>,
    /// Calls that were refused, and why. They are told after the others are durable: whoever lost to an
    /// earlier call of the batch and looks again must find what that one wrote.
    refused: Vec<(Reply, AuditError)>,
}

/// Fails what is queued unless the thread ends in good order, so that nobody waits for a thread
/// that is gone.
struct Watch {
    shared: Arc<Shared>,
    in_good_order: bool,
}

impl Drop for Watch {
    fn drop(&mut self) {
        if !self.in_good_order {
            self.shared.latch();
            for waiting in self.shared.queue.fail() {
                waiting.reply.send(Err(AuditError::Unwritable));
            }
        }
    }
}

impl Committer {
    pub(super) fn new(shared: Arc<Shared>, tree: Tree) -> Self {
        Self { shared, tree, stored_guard: None }
    }

    /// Runs until the queue is closed and empty, or until a commit fails.
    pub(super) fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        let mut watch = Watch { shared: Arc::clone(&shared), in_good_order: false };
        while let Some(calls) = shared.queue.take() {
            if !self.write(calls) {
                return;
            }
        }
        watch.in_good_order = true;
    }

    /// Writes one batch; false once the log is unwritable.
    fn write(&mut self, calls: Vec<Waiting>) -> bool {
        let mut batch = self.admit(calls);
        let refused = std::mem::take(&mut batch.refused);
        let written = self.write_admitted(batch);
        for (reply, error) in refused {
            reply.send(Err(if written { error } else { AuditError::Unwritable }));
        }
        written
    }

    fn write_admitted(&mut self, mut batch: Batch) -> bool {
        while !batch.calls.is_empty() {
            let (guard, confirmed) = self.number(&mut batch);
            match self.shared.store.commit(&batch.groups) {
                Ok(Outcome::Durable) => {
                    self.durable(batch, guard, confirmed);
                    return true;
                }
                // Another writer took a row: the whole batch is built again with new numbers.
                Ok(Outcome::Rejected(position)) if self.rewind(&mut batch, position) => {}
                _ => {
                    self.unwritable(batch);
                    return false;
                }
            }
        }
        true
    }

    /// 1. Checks slots and preconditions and sets apart those that lost one. Nothing has a number yet.
    fn admit(&self, calls: Vec<Waiting>) -> Batch {
        let store = &self.shared.store;
        let mut overlay = Overlay::over(calls.iter().map(|waiting| &waiting.call.group));
        let verdicts: Vec<_> = calls
            .iter()
            .map(|Waiting { call, .. }| {
                if !self.slots_live(call) {
                    return Err(AuditError::SlotGone);
                }
                let holds = overlay.admit(&call.group, |key| store.get(key))?;
                if holds { Ok(()) } else { Err(AuditError::Rejected) }
            })
            .collect();
        let mut batch = Batch::default();
        for (Waiting { call, reply }, verdict) in calls.into_iter().zip(verdicts) {
            match verdict {
                Ok(()) => self.take_in(&mut batch, call, reply),
                Err(error) => batch.refused.push((reply, error)),
            }
        }
        batch
    }

    /// Whether every slot that a call uses, its event's own included, can still be opened.
    ///
    /// A purge drops segments in the keyring first, and the leaf of its generation passes through this
    /// thread before its sweep: what is admitted while its slots live is on the device, with its rows
    /// 'd', before the sweep looks. What was sealed before the drop and comes after it would be swept
    /// by nobody, so it is refused here. A segment that is about to be dropped for what was moved out of
    /// it takes no writes either, so that nothing acknowledged goes with it.
    fn slots_live(&self, call: &Call) -> bool {
        call.slots().all(|slot| self.shared.keyring.is_writable(slot))
    }

    /// Adds what a call writes whatever its number: its detail, and the rows of new segments.
    fn take_in(&self, batch: &mut Batch, call: Call, reply: Reply) {
        let Call { mut group, slots, mut entry, confirms_clock } = call;
        for (slot, cohort) in &slots {
            self.use_segment(batch, slot.seg, cohort);
        }
        if let Some(Entry::Event(event)) = &mut entry {
            self.use_segment(batch, event.slot.seg, &event.cohort);
            let key = keys::event_section(&event.cohort.id, &event.id);
            group.ops.push(Op::Put(key, std::mem::take(&mut event.section)));
        }
        let own = group.ops.len();
        batch.groups.push(group);
        batch.calls.push(Admitted { entry, confirms_clock, reply, own, number: 0 });
    }

    fn use_segment(&self, batch: &mut Batch, seg: SegmentId, cohort: &CohortInfo) {
        let new = batch.segments.iter().all(|(known, _)| *known != seg);
        if new && !self.shared.segments.read().contains(&seg) {
            let row = SegmentRow {
                collection: cohort.key.collection.as_str().to_owned(),
                expires_on: cohort.key.expires_on.to_string(),
                zone: cohort.key.zone.name().to_owned(),
                cohort_id: cohort.id.as_bytes().to_vec(),
            };
            let key = keys::segment(&seg);
            let value = self.shared.keyring.mac_row(&key, &row.encode_to_vec());
            batch.segments.push((seg, Op::Put(key, value)));
        }
    }

    /// 2. Numbers the leaves and adds all rows that depend on them. A crash here leaves nothing.
    fn number(&mut self, batch: &mut Batch) -> (ClockGuard, bool) {
        let mut guard = *self.shared.guard.lock();
        let mut tripped = guard.look(self.shared.clock.now());
        let mut confirmed = false;
        let mut tail = Vec::new();
        for (call, group) in batch.calls.iter_mut().zip(&mut batch.groups) {
            let Some(entry) = &call.entry else { continue };
            call.number = self.tree.size();
            append(&mut self.tree, entry, &mut group.ops, &mut tail);
            if call.confirms_clock {
                guard.confirm(entry.time());
                confirmed = true;
            } else {
                tripped |= guard.wrote(entry.time());
            }
        }
        tail.extend(batch.segments.iter().map(|(_, op)| op.clone()));
        if self.tree.size() > self.shared.tail.lock().size {
            tail.push(Op::Put(keys::LOG_TAIL.to_vec(), self.tail().row()));
        }
        if self.stored_guard != Some(guard) {
            let clock = self.shared.keyring.mac_row(keys::CLOCK, &guard.row());
            tail.push(Op::Put(keys::CLOCK.to_vec(), clock));
        }
        batch.groups.push(Group { preconditions: Vec::new(), ops: tail });
        if tripped && guard.tripped() {
            self.shared.guard.lock().look(self.shared.clock.now());
            alarm::raise(&self.shared, alarm::ALARM_CLOCK, alarm::NOTE_CLOCK);
        }
        (guard, confirmed)
    }

    /// 3. The commit is on the device: whatever happens now, every leaf of it is in the tree.
    fn durable(&mut self, batch: Batch, guard: ClockGuard, confirmed: bool) {
        let tail = self.tail();
        self.shared.guard.lock().committed(guard, confirmed);
        self.stored_guard = Some(guard);
        self.know_segments(&batch);
        *self.shared.tail.lock() = tail;
        for call in batch.calls {
            let receipt = match &call.entry {
                Some(Entry::Event(event)) => Some(Receipt::issue(event.id, tail.k, call.number)),
                _ => None,
            };
            if let Reply::Alarm(id) = &call.reply {
                self.shared.alarms.lock().stored(*id);
            }
            call.reply.send(Ok(receipt));
        }
    }

    /// Which rows 'd' are durable now. A sweep deletes them like any other row; the next use of such a
    /// segment, should there be one, must write its row again.
    fn know_segments(&self, batch: &Batch) {
        let swept = |op: &Op| match op {
            Op::Delete(key) => {
                let id = key.strip_prefix(keys::segments().as_slice())?;
                SegmentId::from_slice(id).ok()
            }
            Op::Put(..) => None,
        };
        let mut known = self.shared.segments.write();
        for seg in batch.groups.iter().flat_map(|group| &group.ops).filter_map(swept) {
            known.remove(&seg);
        }
        known.extend(batch.segments.iter().map(|(seg, _)| *seg));
    }

    /// Undoes the numbering after another writer won; false if the tree cannot be read back.
    fn rewind(&mut self, batch: &mut Batch, position: usize) -> bool {
        batch.groups.pop();
        if position >= batch.calls.len() {
            return false;
        }
        batch.calls.remove(position).reply.send(Err(AuditError::Rejected));
        batch.groups.remove(position);
        for (call, group) in batch.calls.iter().zip(&mut batch.groups) {
            group.ops.truncate(call.own);
        }
        let Tail { k, size, .. } = *self.shared.tail.lock();
        match Tree::open(self.shared.store.as_ref(), k, size) {
            Ok(tree) => {
                self.tree = tree;
                true
            }
            Err(_) => false,
        }
    }

    /// The commit failed: its effect is unknown, so nothing more is written until the next start.
    fn unwritable(&self, batch: Batch) {
        self.shared.latch();
        let queued = self.shared.queue.fail();
        alarm::raise(&self.shared, alarm::ALARM_UNWRITABLE, "commit-failed");
        let waiting = batch.calls.into_iter().map(|call| call.reply);
        for reply in waiting.chain(queued.into_iter().map(|waiting| waiting.reply)) {
            reply.send(Err(AuditError::Unwritable));
        }
    }

    fn tail(&self) -> Tail {
        Tail { k: self.tree.k(), size: self.tree.size(), root: self.tree.root() }
    }
}

impl Reply {
    /// Answers; a caller that went away loses nothing but the answer.
    fn send(self, answer: Answer) {
        match self {
            Self::Task(sender) => drop(sender.send(answer)),
            Self::Thread(sender) => drop(sender.send(answer)),
            Self::Alarm(_) => {}
        }
    }
}

/// Appends an entry's leaf: its rows go to its own group, those shared by the batch to `tail`.
fn append(tree: &mut Tree, entry: &Entry, ops: &mut Vec<Op>, tail: &mut Vec<Op>) {
    let (k, n) = (tree.k(), tree.size());
    let leaf = match entry {
        Entry::Event(event) => {
            let slot = [
                event.cohort.id.as_bytes().as_slice(),
                event.id.as_bytes(),
                event.slot.seg.as_bytes(),
                &event.slot.index.to_be_bytes(),
            ];
            ops.push(Op::Put(keys::event_slot(k, n), slot.concat()));
            ops.extend(event.tokens.iter().map(|(key_id, token)| {
                Op::Put(keys::event_index(&event.cohort.id, *key_id, token, k, n), Vec::new())
            }));
            leaf::encode(n, event.time, event.kind, &event.digest)
        }
        Entry::Clear { kind, time, detail, digest, generation } => {
            ops.push(Op::Put(keys::event_slot(k, n), detail.clone()));
            if let Some(generation) = *generation {
                let row = GenerationRow { generation, k, n, detail: detail.clone() };
                tail.push(Op::Put(keys::GENERATION.to_vec(), row.encode_to_vec()));
            }
            leaf::encode(n, *time, kind, digest)
        }
    };
    tree.append(&leaf, tail);
    ops.push(Op::Put(keys::leaf(k, n), leaf));
}
