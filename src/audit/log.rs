//! The facade: what the other floors call. It wires; every decision is in the file named beside it.
//!
//! Sealing happens on the caller's thread, writing on the committer's. Invariant: a [`Receipt`] is
//! handed out only for an event that is on the device.

use std::{sync::Arc, thread};

use parking_lot::Mutex;

use super::{
    alarm::{self, ALARM_CLOCK, ALARM_ROLLBACK, NOTE_CLOCK},
    alarm_book::Alarm,
    checkpoint,
    committer::Committer,
    entry::Entry,
    error::{AuditError, OpenError},
    event::{self, EventDraft, SealedEvent},
    export::Export,
    guard::ClockVerdict,
    open::{self, Found, Loss, Parts},
    publish,
    query::{self, EventFilter, EventPage},
    queue::{Call, Closed},
    receipt::Receipt,
    rule::AuditRule,
    shared::Shared,
    submit,
    tree::Tree,
};
use crate::{
    clock::{Clock, Timestamp},
    ids::{AgentId, AlarmId, SlotRef},
    keyring::{CohortInfo, Keyring, LogState, Unpublished},
    random::Random,
    storage::{Group, Store},
};

/// The audit log of this node: the only writer of the store.
pub struct AuditLog {
    shared: Arc<Shared>,
    thread: Mutex<Option<thread::JoinHandle<()>>>,
}

/// What opening the log found.
pub enum Opened {
    /// A log that covers everything that was signed.
    Whole(AuditLog),
    /// A log that was cut or exchanged: see [`RolledBack`].
    RolledBack(RolledBack),
}

/// A log that is shorter than, or different from, what was signed. Start-up raises the keyring's
/// origin number by a generation (if [`Loss::needs_raise`]), and then calls
/// [`RolledBack::start_origin`].
pub struct RolledBack {
    parts: Parts,
    loss: Loss,
}

impl AuditLog {
    /// Opens the log of the keyring's present origin and starts its committer.
    ///
    /// Errors: [`OpenError`] for everything that neither a crash nor a restored database explains.
    pub fn open(
        store: Arc<dyn Store>,
        keyring: Arc<Keyring>,
        rule: AuditRule,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Opened, OpenError> {
        let parts = Parts { store, keyring, rule, clock, random };
        match open::examine(&parts)? {
            Found::Whole(tree) => Ok(Opened::Whole(Self::start(parts, tree)?)),
            Found::Cut(loss) => Ok(Opened::RolledBack(RolledBack { parts, loss })),
        }
    }

    fn start(parts: Parts, tree: Tree) -> Result<Self, OpenError> {
        let shared = Arc::new(open::assemble(parts, &tree)?);
        let committer = Committer::new(Arc::clone(&shared), tree);
        let thread = thread::Builder::new()
            .name("audit-committer".to_owned())
            .spawn(move || committer.run())
            .map_err(|_| AuditError::Unwritable)?;
        let tripped = shared.guard.lock().tripped();
        let log = Self { shared, thread: Mutex::new(Some(thread)) };
        if tripped {
            alarm::raise(&log.shared, ALARM_CLOCK, NOTE_CLOCK);
        }
        Ok(log)
    }

    /// Seals an event's detail under a slot of its month's `_audit` cohort and fixes its time.
    ///
    /// Errors: [`AuditError::NoSegment`], [`AuditError::Keyring`]; [`AuditError::Corrupt`] for an
    /// action that is no word or an event larger than `limits::SECTION_BYTES_MAX`.
    pub fn seal(&self, event: &EventDraft) -> Result<SealedEvent, AuditError> {
        let Shared { keyring, rule, clock, random, .. } = &*self.shared;
        event::seal(keyring.as_ref(), rule, clock.now(), random.as_ref(), event)
    }

    /// Makes an event durable by itself.
    ///
    /// Errors: [`AuditError::Unwritable`], [`AuditError::Stopping`]; [`AuditError::SlotGone`] if the
    /// event was sealed before a purge that took its slot: seal it again.
    pub async fn record(&self, event: SealedEvent) -> Result<Receipt, AuditError> {
        self.commit(Group::default(), &[], event).await
    }

    /// Makes rows and their event durable in one atomic commit. `slots` names every slot the rows use.
    ///
    /// Errors: [`AuditError::Rejected`] if a precondition was lost and [`AuditError::SlotGone`] if a
    /// slot was erased meanwhile (then nothing was written); [`AuditError::Unwritable`], [`AuditError::Stopping`], [`AuditError::Read`].
    pub async fn commit(
        &self,
        group: Group,
        slots: &[(SlotRef, CohortInfo)],
        event: SealedEvent,
    ) -> Result<Receipt, AuditError> {
        let call = self.call(group, slots, Some(event));
        submit::submit(&self.shared, call).await?.ok_or(AuditError::Unwritable)
    }

    /// The same, with an alarm raised in that very commit: neither is ever there without the other.
    /// `note` is what tells this alarm from others of its kind: a closed word or an opaque id.
    ///
    /// Errors: as [`AuditLog::commit`]; after [`AuditError::Unwritable`] the alarm is shown all the same.
    pub async fn commit_with_alarm(
        &self,
        mut group: Group,
        event: SealedEvent,
        (kind, note): (&str, &str),
    ) -> Result<Receipt, AuditError> {
        let (id, row) = alarm::prepare(&self.shared, kind, note);
        group.ops.push(row);
        let done = self.commit(group, &[], event).await;
        alarm::settle(&self.shared, id, &done);
        done
    }

    /// The same from a thread that may block, with or without an event.
    pub fn commit_blocking(
        &self,
        group: Group,
        slots: &[(SlotRef, CohortInfo)],
        event: Option<SealedEvent>,
    ) -> Result<Option<Receipt>, AuditError> {
        submit::submit_blocking(&self.shared, self.call(group, slots, event))
    }

    /// Rows without an event of their own (sweep batches). Blocks.
    pub fn write_rows(&self, group: Group) -> Result<(), AuditError> {
        self.commit_blocking(group, &[], None).map(drop)
    }

    /// Writes the generation leaf durably, then lets the generation hand out slots, then writes a
    /// checkpoint to the places. Blocks.
    ///
    /// Errors: [`AuditError::Unwritable`] and [`AuditError::Stopping`], and then no slot of the
    /// generation is ever handed out by this process.
    pub fn publish(&self, unpublished: Unpublished) -> Result<(), AuditError> {
        publish::publish(&self.shared, unpublished)
    }

    /// Writes the leaf of the current generation if a crash kept it from being written ("anchor
    /// moved, generation leaf missing"). Called before serving. True if it was missing. Blocks.
    pub fn publish_missing(&self) -> Result<bool, AuditError> {
        publish::missing(&self.shared)
    }

    /// The log state the next generation must carry.
    #[must_use]
    pub fn state(&self) -> LogState {
        let tail = *self.shared.tail.lock();
        let clock_floor = self.shared.guard.lock().reference();
        LogState { k: tail.k, size: tail.size, root: tail.root, clock_floor }
    }

    /// False once a commit has failed; then every call is refused until the process starts again.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        self.shared.is_writable()
    }

    /// The store, for reading.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.shared.store
    }

    /// The keyring.
    #[must_use]
    pub fn keyring(&self) -> &Arc<Keyring> {
        &self.shared.keyring
    }

    /// The clock that leaves are stamped with.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.shared.clock
    }

    /// The source of ids and salts.
    #[must_use]
    pub fn random(&self) -> &Arc<dyn Random> {
        &self.shared.random
    }

    /// A freshly signed checkpoint over durable leaves.
    #[must_use]
    pub fn checkpoint(&self) -> String {
        let tail = *self.shared.tail.lock();
        self.shared.sign(tail)
    }

    /// Writes the checkpoint to the places if the last is 60 s old and leaves came since; `force`:
    /// in any case. Blocks. Errors: [`AuditError::Keyring`].
    pub fn write_checkpoint(&self, force: bool) -> Result<(), AuditError> {
        checkpoint::write(&self.shared, force)
    }

    /// The log's verifier key, for `audit verify --key`.
    #[must_use]
    pub fn verifier_key(&self) -> String {
        self.shared.verifier.to_string()
    }

    /// The files of the public log at this size (`None`: the durable end), one after the other.
    ///
    /// Errors: [`AuditError::Corrupt`] for a size beyond the durable end; [`AuditError::Read`].
    pub fn export(&self, size: Option<u64>) -> Result<Export, AuditError> {
        Export::new(&self.shared, size)
    }

    /// How the clock stands; looks at it now, and latches a trip. Never `Sound` while tripped.
    #[must_use]
    pub fn clock_verdict(&self) -> ClockVerdict {
        let now = self.shared.clock.now();
        let (tripped_now, verdict) = {
            let mut guard = self.shared.guard.lock();
            (guard.look(now), guard.verdict(now))
        };
        if tripped_now {
            alarm::raise(&self.shared, ALARM_CLOCK, NOTE_CLOCK);
        }
        verdict
    }

    /// The present instant, if the guard finds that very instant sound: what a purge plans with.
    #[must_use]
    pub fn sound_now(&self) -> Option<Timestamp> {
        let now = self.shared.clock.now();
        let (tripped_now, verdict) = {
            let mut guard = self.shared.guard.lock();
            (guard.look(now), guard.verdict(now))
        };
        if tripped_now {
            alarm::raise(&self.shared, ALARM_CLOCK, "while-running");
        }
        (verdict == ClockVerdict::Sound).then_some(now)
    }

    /// The instant that expiry and habilitations are judged by: the clock's, but never before the
    /// guard's reference. A clock that is set back must not make readable again what had expired,
    /// nor anybody's habilitation valid again. Leaves carry the clock's own time.
    #[must_use]
    pub fn civil_now(&self) -> Timestamp {
        self.shared.civil_now()
    }

    /// Whether a trip waits to be confirmed; looks at the clock now.
    #[must_use]
    pub fn clock_tripped(&self) -> bool {
        self.clock_verdict() != ClockVerdict::Sound
    }

    /// Accepts the present clock as right; the event of the person who vouches for it is written in
    /// the same commit, and its time becomes the reference.
    pub async fn confirm_clock(&self, event: SealedEvent) -> Result<Receipt, AuditError> {
        let mut call = self.call(Group::default(), &[], Some(event));
        call.confirms_clock = true;
        submit::submit(&self.shared, call).await?.ok_or(AuditError::Unwritable)
    }

    /// Events that match, newest first; `after` is the cursor of the page before. See `query`.
    pub fn list(
        &self,
        filter: &EventFilter,
        after: Option<(u32, u64)>,
        limit: usize,
    ) -> Result<EventPage, AuditError> {
        query::list(&self.shared, filter, after, limit)
    }

    /// Raises an alarm and returns at once. Raising what is open already raises nothing. Both words
    /// are closed vocabulary, never personal.
    pub fn raise_alarm(&self, kind: &str, note: &str) {
        alarm::raise(&self.shared, kind, note);
    }

    /// All alarms, open and acknowledged, those not stored yet included.
    pub fn alarms(&self) -> Result<Vec<Alarm>, AuditError> {
        alarm::list(&self.shared)
    }

    /// Ids and kinds of the open alarms, from memory.
    #[must_use]
    pub fn open_alarms(&self) -> Vec<(AlarmId, String)> {
        self.shared.alarms.lock().open_ones()
    }

    /// Closes an alarm, with the event of the person who does, in one commit. False (and nothing is
    /// written) if no open alarm that is stored has this id.
    pub async fn acknowledge(
        &self,
        id: AlarmId,
        by: &AgentId,
        event: SealedEvent,
    ) -> Result<bool, AuditError> {
        let Some(group) = alarm::acknowledgement(&self.shared, id, by, event.time())? else {
            return Ok(false);
        };
        match self.commit(group, &[], event).await {
            Ok(_receipt) => {
                alarm::closed(&self.shared, id);
                Ok(true)
            }
            Err(AuditError::Rejected) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Stops taking calls, waits for those queued, writes the last checkpoint. Blocks; may be called
    /// more than once.
    pub fn drain(&self) {
        self.stop();
        if self.is_writable() {
            // A place that does not take it keeps an older one: a weaker floor, not a false one.
            let _ = self.write_checkpoint(true);
        }
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    fn stop(&self) {
        self.shared.queue.close(Closed::Stopping);
        let thread = self.thread.lock().take();
        if let Some(thread) = thread {
            // A committer that panicked has latched the log and failed its callers.
            let _ = thread.join();
        }
    }

    fn call(
        &self,
        group: Group,
        slots: &[(SlotRef, CohortInfo)],
        event: Option<SealedEvent>,
    ) -> Call {
        let entry = event.map(|event| Entry::Event(Box::new(event)));
        Call { group, slots: slots.to_vec(), entry, confirms_clock: false }
    }
}

impl Drop for AuditLog {
    fn drop(&mut self) {
        self.stop();
    }
}

impl RolledBack {
    /// What was lost, and what must be done.
    #[must_use]
    pub fn loss(&self) -> &Loss {
        &self.loss
    }

    /// The log state that the generation which raises the origin number must carry.
    #[must_use]
    pub fn state(&self) -> LogState {
        let clock_floor = self.parts.keyring.log_state().clock_floor;
        LogState { k: self.loss.next_k, size: 0, root: super::merkle::empty_root(), clock_floor }
    }

    /// Writes the first leaf of the next origin, with the lost range and the old checkpoint, and
    /// raises an alarm. The keyring's origin number must have been raised before. Blocks.
    ///
    /// A crash before the leaf is durable leaves a raised, empty origin, which opening finds again.
    pub fn start_origin(self) -> Result<AuditLog, OpenError> {
        let Self { parts, loss } = self;
        if parts.keyring.log_state().k != loss.next_k {
            return Err(AuditError::Corrupt("the origin has not been raised").into());
        }
        let log = AuditLog::start(parts, Tree::empty(loss.next_k))?;
        publish::origin(&log.shared, &loss.detail)?;
        alarm::raise(&log.shared, ALARM_ROLLBACK, "log-was-cut");
        Ok(log)
    }
}
