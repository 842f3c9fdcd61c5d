//! Places of calls in progress: how many at one time, in all, without a session, and as streams.
//!
//! It neither reads a call nor runs it. Invariant: a place is free again only when it is dropped.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::Status;

use super::{
    methods::{Access, Shape, Time},
    status,
};
use crate::{client::reason::Reason, limits};

/// The bounds of a server's calls. By default those of [`limits`].
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Calls of agents in progress.
    pub calls: usize,
    /// Calls in progress that nobody has authenticated.
    pub open_calls: usize,
    /// Health watches and reflection streams.
    pub open_streams: usize,
    /// Longest call, in milliseconds.
    pub call_ms: u64,
    /// Longest wait for the end of a request's message, in milliseconds.
    pub read_ms: u64,
    /// Longest wait for a caller to take more of its answer, in milliseconds.
    pub idle_ms: u64,
    /// Longest time in which nothing moves on a stream of records, in milliseconds.
    pub stream_idle_ms: u64,
    /// Longest time for a backup, in milliseconds.
    pub backup_ms: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            calls: limits::CALLS_MAX,
            open_calls: limits::OPEN_CALLS_MAX,
            open_streams: limits::OPEN_STREAMS_MAX,
            call_ms: limits::CALL_MS_MAX,
            read_ms: limits::REQUEST_READ_MS,
            idle_ms: limits::ANSWER_IDLE_MS,
            stream_idle_ms: limits::STREAM_IDLE_MS,
            backup_ms: limits::BACKUP_MS_MAX,
        }
    }
}

/// Numbers of calls in progress, each below its bound in [`Bounds`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InProgress {
    /// Of agents.
    pub calls: usize,
    /// Which nobody has authenticated.
    pub open_calls: usize,
    /// Health watches and reflection streams.
    pub open_streams: usize,
}

/// The calls in progress. A clone shares them: one for all listeners of a vault.
#[derive(Debug, Clone)]
pub struct Calls(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    bounds: Bounds,
    agents: Arc<Semaphore>,
    open: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    backups: Arc<Semaphore>,
}

/// The place of one call in progress. Dropping it frees it.
#[derive(Debug)]
pub(super) struct Place(#[expect(dead_code, reason = "held for its drop")] OwnedSemaphorePermit);

/// What is known of a call before its message is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    pub(super) access: Access,
    pub(super) shape: Shape,
    pub(super) time: Time,
}

impl Default for Calls {
    fn default() -> Self {
        Self::new(Bounds::default())
    }
}

impl Calls {
    /// None in progress, under these bounds.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        let places = |n| Arc::new(Semaphore::new(n));
        Self(Arc::new(Inner {
            bounds,
            agents: places(bounds.calls),
            open: places(bounds.open_calls),
            streams: places(bounds.open_streams),
            backups: places(limits::BACKUPS_MAX),
        }))
    }

    /// How many are in progress now, those included whose caller went away.
    #[must_use]
    pub fn in_progress(&self) -> InProgress {
        let Inner { bounds, agents, open, streams, .. } = &*self.0;
        let taken = |all: usize, of: &Semaphore| all.saturating_sub(of.available_permits());
        InProgress {
            calls: taken(bounds.calls, agents),
            open_calls: taken(bounds.open_calls, open),
            open_streams: taken(bounds.open_streams, streams),
        }
    }

    /// Ready once none of an agent's calls, and no login, is in progress.
    pub(super) async fn ended(&self) {
        for (places, all) in
            [(&self.0.agents, self.0.bounds.calls), (&self.0.open, self.0.bounds.open_calls)]
        {
            // Never closed, so never an error; the places are free again at once.
            let _ = places.acquire_many(u32::try_from(all).unwrap_or(u32::MAX)).await;
        }
    }

    /// What bounds them.
    pub(super) fn bounds(&self) -> Bounds {
        self.0.bounds
    }

    /// A place for a backup besides that of its call, at once or not at all. Errors: OVERLOADED.
    pub(super) fn admit_backup(&self) -> Result<Place, Status> {
        let place = Arc::clone(&self.0.backups).try_acquire_owned();
        let bound =
            |_| status::bound(Reason::Overloaded, "backups at one time", limits::BACKUPS_MAX);
        place.map(Place).map_err(bound)
    }

    /// A place for a call, at once or not at all. Errors: OVERLOADED.
    pub(super) fn admit(&self, kind: Kind) -> Result<Place, Status> {
        let Inner { bounds, agents, open, streams, .. } = &*self.0;
        let (places, limit, what) = match (kind.access, kind.shape) {
            (Access::Session, _) => (agents, bounds.calls, "calls at one time"),
            (_, Shape::Unary) => (open, bounds.open_calls, "calls without a session at one time"),
            _ => (streams, bounds.open_streams, "streams without a session at one time"),
        };
        let place = Arc::clone(places).try_acquire_owned();
        place.map(Place).map_err(|_| status::bound(Reason::Overloaded, what, limit))
    }
}
