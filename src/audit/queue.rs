//! The queue before the committer: bounded for callers, one consumer, closed once and for good.
//!
//! Invariant: every call that was taken in is handed to the committer or given back by [`Queue::fail`];
//! none waits for ever. Blocking callers block their thread only, whatever runtime it belongs to.

use std::{collections::VecDeque, sync::mpsc};

use parking_lot::{Condvar, Mutex};
use tokio::sync::{Semaphore, oneshot};

use super::{entry::Entry, error::AuditError, receipt::Receipt};
use crate::{
    ids::{AlarmId, SegmentId},
    keyring::CohortInfo,
    limits,
    storage::{Group, Op},
};

/// The committer's answer: the receipt of the call's event, if it had one.
pub(super) type Answer = Result<Option<Receipt>, AuditError>;

/// One call: all its rows, and its event.
#[derive(Default)]
pub(super) struct Call {
    /// The call's own rows and preconditions.
    pub(super) group: Group,
    /// Segments that these rows use and that have no row 'd' yet, as far as the caller knew.
    pub(super) segments: Vec<(SegmentId, CohortInfo)>,
    /// The leaf to write, if any.
    pub(super) entry: Option<Entry>,
    /// The event's time becomes the clock guard's reference.
    pub(super) confirms_clock: bool,
}

/// A call in the queue.
pub(super) struct Waiting {
    pub(super) call: Call,
    /// Who waits for it.
    pub(super) reply: Reply,
}

/// Who waits for a call.
pub(super) enum Reply {
    /// A task.
    Task(oneshot::Sender<Answer>),
    /// A thread.
    Thread(mpsc::SyncSender<Answer>),
    /// Nobody: an alarm row, which stays in memory until it is stored.
    Alarm(AlarmId),
}

/// Why the queue takes no more calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Closed {
    /// The vault stops: what is queued is still written.
    Stopping,
    /// A commit failed: nothing is written any more.
    Unwritable,
}

/// Calls that wait for the committer.
pub(super) struct Queue {
    state: Mutex<State>,
    arrived: Condvar,
    freed: Condvar,
    space: Semaphore,
}

struct State {
    calls: VecDeque<Waiting>,
    closed: Option<Closed>,
}

impl Queue {
    pub(super) fn new() -> Self {
        Self {
            state: Mutex::new(State { calls: VecDeque::new(), closed: None }),
            arrived: Condvar::new(),
            freed: Condvar::new(),
            space: Semaphore::new(limits::COMMIT_QUEUE_CALLS_MAX),
        }
    }

    /// Queues a call, waiting for space. Errors: the queue is closed.
    pub(super) async fn push(&self, call: Waiting) -> Result<(), AuditError> {
        // The semaphore is never closed; `close` is noticed below.
        if let Ok(permit) = self.space.acquire().await {
            permit.forget();
        }
        self.push_now(call).inspect_err(|_| self.space.add_permits(1))
    }

    /// The same from a thread that may block.
    pub(super) fn push_blocking(&self, call: Waiting) -> Result<(), AuditError> {
        let mut state = self.state.lock();
        while state.closed.is_none() {
            match self.space.try_acquire() {
                Ok(permit) => {
                    permit.forget();
                    state.calls.push_back(call);
                    drop(state);
                    self.arrived.notify_one();
                    return Ok(());
                }
                Err(_) => self.freed.wait(&mut state),
            }
        }
        Err(refusal(state.closed))
    }

    /// Queues a call beyond the bound, without waiting: alarms, which are few.
    pub(super) fn push_now(&self, call: Waiting) -> Result<(), AuditError> {
        let mut state = self.state.lock();
        if state.closed.is_some() {
            return Err(refusal(state.closed));
        }
        state.calls.push_back(call);
        drop(state);
        self.arrived.notify_one();
        Ok(())
    }

    /// Takes what has queued up, waiting for the first; `None` once closed and empty.
    pub(super) fn take(&self) -> Option<Vec<Waiting>> {
        let mut state = self.state.lock();
        while state.calls.is_empty() {
            if state.closed.is_some() {
                return None;
            }
            self.arrived.wait(&mut state);
        }
        let mut bytes = 0;
        let mut taken = Vec::new();
        while taken.len() < limits::COMMIT_BATCH_CALLS_MAX && bytes < limits::COMMIT_BATCH_BYTES_MAX
        {
            let Some(next) = state.calls.pop_front() else { break };
            bytes += next.call.bytes();
            taken.push(next);
        }
        let space = taken.iter().filter(|next| !matches!(next.reply, Reply::Alarm(_))).count();
        self.space.add_permits(space);
        drop(state);
        self.freed.notify_all();
        Some(taken)
    }

    /// Calls that wait now.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.state.lock().calls.len()
    }

    /// Takes no more calls; those queued are still handed out, and writers are told why.
    pub(super) fn close(&self, why: Closed) {
        let mut state = self.state.lock();
        state.closed.get_or_insert(why);
        drop(state);
        self.arrived.notify_all();
        self.freed.notify_all();
        // Tasks that wait for space must wake to be refused.
        self.space.add_permits(limits::COMMIT_QUEUE_CALLS_MAX);
    }

    /// Closes as unwritable and gives back what is still queued.
    pub(super) fn fail(&self) -> VecDeque<Waiting> {
        self.state.lock().closed = Some(Closed::Unwritable);
        self.close(Closed::Unwritable);
        std::mem::take(&mut self.state.lock().calls)
    }
}

impl Call {
    fn bytes(&self) -> usize {
        let size = |op: &Op| match op {
            Op::Put(key, value) => key.len() + value.len(),
            Op::Delete(key) => key.len(),
        };
        self.group.ops.iter().map(size).sum::<usize>() + self.entry.as_ref().map_or(0, Entry::bytes)
    }
}

fn refusal(closed: Option<Closed>) -> AuditError {
    match closed {
        Some(Closed::Stopping) => AuditError::Stopping,
        _ => AuditError::Unwritable,
    }
}
