//! Running a call that has its place: for how long, and what becomes of one whose caller went away.
//!
//! Nothing is decided about a call's content here. Invariants: a call has a place before its message
//! is read and keeps it until its work has ended, whatever its caller does meanwhile; nothing is
//! started for a message that did not arrive whole; what was started runs to its end in a task of its
//! own, so that its event reaches the log.

use std::{convert::Infallible, time::Duration};

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
    places::{Bounds, Calls, Kind, Place},
    status,
};
use crate::{client::reason::Reason, limits};

/// How far ahead of a caller's deadline the vault answers: the transport's own answer has no reason.
const AHEAD: Duration = Duration::from_millis(1);

impl Calls {
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
        let bounds = self.bounds();
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
