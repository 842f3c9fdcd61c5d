//! Calls in progress: how many at one time, for how long, and what becomes of one whose caller went
//! away.
//!
//! Nothing is decided about a call's content here. Invariants: a call has a place before its message
//! is read and keeps it until its work has ended, whatever its caller does meanwhile; nothing is
//! started for a message that did not arrive whole; what was started runs to its end in a task of its
//! own, so that its event reaches the log.

use std::{convert::Infallible, sync::Arc, time::Duration};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::{
    Status,
    body::Body,
    codegen::{
        BoxFuture, Service,
        http::{HeaderMap, Request, Response},
    },
};

use super::{
    answer, body,
    methods::{Access, Shape, Time},
    status,
};
use crate::{client::reason::Reason, limits};

/// How far ahead of a caller's deadline the vault answers: the transport's own answer has no reason.
const AHEAD: Duration = Duration::from_millis(1);

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
        }))
    }

    /// How many are in progress now, those included whose caller went away.
    #[must_use]
    pub fn in_progress(&self) -> InProgress {
        let Inner { bounds, agents, open, streams } = &*self.0;
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

    /// A place for a call, at once or not at all. Errors: OVERLOADED.
    pub(super) fn admit(&self, kind: Kind) -> Result<Place, Status> {
        let Inner { bounds, agents, open, streams } = &*self.0;
        let (places, limit, what) = match (kind.access, kind.shape) {
            (Access::Session, _) => (agents, bounds.calls, "calls at one time"),
            (_, Shape::Unary) => (open, bounds.open_calls, "calls without a session at one time"),
            _ => (streams, bounds.open_streams, "streams without a session at one time"),
        };
        let place = Arc::clone(places).try_acquire_owned();
        place.map(Place).map_err(|_| status::bound(Reason::Overloaded, what, limit))
    }

    /// Runs a call that has its place.
    pub(super) fn run<S>(
        &self,
        kind: Kind,
        place: Place,
        request: Request<Body>,
        service: S,
    ) -> BoxFuture<Response<Body>, Infallible>
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Send + 'static,
        S::Future: Send,
    {
        let bounds = self.0.bounds;
        let deadline = Deadline::of(kind, &bounds, request.headers());
        let call = async move {
            match kind.shape {
                Shape::Stream => stream(place, request, service, bounds).await,
                Shape::Unary | Shape::Answers => one(kind, place, request, service, bounds)
                    .await
                    .unwrap_or_else(Status::into_http),
            }
        };
        Box::pin(async move { Ok(deadline.keep(call).await) })
    }
}

/// A call of one message: reads it whole, then runs the method in a task of its own.
async fn one<S>(
    kind: Kind,
    place: Place,
    request: Request<Body>,
    mut service: S,
    bounds: Bounds,
) -> Result<Response<Body>, Status>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Send + 'static,
    S::Future: Send,
{
    let limit = match kind.access {
        Access::Session => limits::MESSAGE_BYTES_MAX,
        Access::Open | Access::Token => limits::OPEN_MESSAGE_BYTES_MAX,
    };
    let (parts, body) = request.into_parts();
    let read = tokio::time::timeout(millis(bounds.read_ms), body::message(body, limit));
    let message = read.await.map_err(|_| slow("milliseconds for a message", bounds.read_ms))??;
    let request = Request::from_parts(parts, message);
    let idle = millis(bounds.idle_ms);
    let task = tokio::spawn(async move {
        let Ok(response) = service.call(request).await;
        match kind.shape {
            Shape::Unary => answer::one(response, place, idle).await,
            Shape::Answers | Shape::Stream => answer::many(response, place, idle),
        }
    });
    task.await.map_err(|ended| {
        status::of(if ended.is_panic() { Reason::Internal } else { Reason::Stopping })
    })
}

/// A call that is sent to while it answers: it has its own bounds for both.
async fn stream<S>(
    place: Place,
    request: Request<Body>,
    mut service: S,
    bounds: Bounds,
) -> Response<Body>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    let Ok(response) = service.call(request).await;
    answer::many(response, place, millis(bounds.idle_ms))
}

/// When a call is answered at the latest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deadline {
    /// Its caller's.
    Caller(Duration),
    /// The vault's own bound, in milliseconds.
    Vault(u64),
    /// Never.
    None,
}

impl Deadline {
    fn of(kind: Kind, bounds: &Bounds, headers: &HeaderMap) -> Self {
        let own = (kind.time == Time::Bounded).then_some(bounds.call_ms);
        match (timeout(headers), own) {
            (Some(asked), Some(own)) if asked > millis(own) => Self::Vault(own),
            (Some(asked), _) => Self::Caller(asked.saturating_sub(AHEAD)),
            (None, Some(own)) => Self::Vault(own),
            (None, None) => Self::None,
        }
    }

    /// The call's answer, or DEADLINE. What the call started goes on.
    async fn keep(self, call: impl Future<Output = Response<Body>>) -> Response<Body> {
        match self {
            Self::None => call.await,
            Self::Caller(Duration::ZERO) => status::of(Reason::Deadline).into_http(),
            Self::Caller(time) => {
                let answer = tokio::time::timeout(time, call).await;
                answer.unwrap_or_else(|_| status::of(Reason::Deadline).into_http())
            }
            Self::Vault(time) => {
                let answer = tokio::time::timeout(millis(time), call).await;
                answer.unwrap_or_else(|_| slow("milliseconds for a call", time).into_http())
            }
        }
    }
}

/// The time that a caller gives its call: `grpc-timeout`, up to 8 digits and a unit. `None` where there
/// is none, or it is malformed.
fn timeout(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
    let unit = text.chars().last()?;
    let digits = text.strip_suffix(unit)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    match unit {
        'H' => Some(Duration::from_secs(number * 3600)),
        'M' => Some(Duration::from_secs(number * 60)),
        'S' => Some(Duration::from_secs(number)),
        'm' => Some(Duration::from_millis(number)),
        'u' => Some(Duration::from_micros(number)),
        'n' => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

fn slow(what: &str, limit: u64) -> Status {
    status::bound(Reason::Deadline, what, usize::try_from(limit).unwrap_or(usize::MAX))
}

const fn millis(number: u64) -> Duration {
    Duration::from_millis(number)
}

#[cfg(test)]
mod tests;
