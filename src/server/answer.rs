//! The way out: what the transport says without a reason gets one, and an answer that its caller does
//! not take is not kept.
//!
//! Nothing is decided about a call here. Invariants: beyond one slice, whatever is still to be sent
//! counts as the call it belongs to; it is given up, with its place, once its caller takes none of it
//! for [`limits::ANSWER_IDLE_MS`].

use std::{
    pin::Pin,
    sync::{Arc, Weak},
    task::{Context, Poll},
    time::Duration,
};

use http_body::Frame;
use parking_lot::Mutex;
use prost::bytes::Bytes;
use tokio::task::AbortHandle;
use tonic::{
    Code, Status,
    body::Body,
    codegen::{
        Body as HttpBody,
        http::{HeaderMap, Response},
    },
};

use super::{
    body::{self, Sliced},
    places::Place,
    status,
};
use crate::{client::reason::Reason, limits};

/// What the size of an answer is called.
const WHAT: &str = "bytes in an answer";

/// The answer of a method that gives one message. Its place is kept while more than one slice of it
/// waits to be taken.
pub(super) async fn one(response: Response<Body>, place: Place, idle: Duration) -> Response<Body> {
    let response = with_reason(response);
    if response.extensions().get::<Status>().is_some() {
        return response;
    }
    let (parts, mut rest) = response.into_parts();
    let head = match body::next(&mut rest).await {
        Some(Ok(frame)) => match frame.into_data() {
            Ok(data) => data,
            // No message, for it was too large: only the status is left.
            Err(other) => return unsent(&other.into_trailers().unwrap_or_default()).into_http(),
        },
        Some(Err(status)) => return status.into_http(),
        None => Bytes::new(),
    };
    let waits = head.len() > limits::ANSWER_SLICE_BYTES;
    let body = Sliced { head, rest };
    let body = if waits { Body::new(Taken::new(body, place, idle)) } else { Body::new(body) };
    Response::from_parts(parts, body)
}

/// The answer of a method that gives many messages. Its place is kept to its end.
pub(super) fn many(response: Response<Body>, place: Place, idle: Duration) -> Response<Body> {
    let response = with_reason(response);
    if response.extensions().get::<Status>().is_some() {
        return response;
    }
    response.map(|rest| Body::new(Taken::new(Sliced { head: Bytes::new(), rest }, place, idle)))
}

/// The same answer, with a reason where the transport refused the request's message without one.
fn with_reason(response: Response<Body>) -> Response<Body> {
    let refused = response.extensions().get::<Status>();
    let typed = refused.and_then(|status| {
        status::of_message(status, "bytes in a message", limits::MESSAGE_BYTES_MAX)
    });
    typed.map_or(response, Status::into_http)
}

/// The status of an answer that was not sent.
fn unsent(trailers: &HeaderMap) -> Status {
    let status = Status::from_header_map(trailers).unwrap_or_else(|| status::of(Reason::Internal));
    match status.code() {
        Code::OutOfRange => status::bound(Reason::Limit, WHAT, limits::MESSAGE_BYTES_MAX),
        _ => status,
    }
}

/// An answer that is given up when its caller takes none of it for too long.
struct Taken {
    state: Arc<Mutex<State>>,
    watch: AbortHandle,
}

struct State {
    /// What is still to be sent, and the place it takes; `None` once it ended or was given up.
    held: Option<(Sliced, Place)>,
    /// How often the transport came for more.
    asked: u64,
    /// The transport waits for the method, not for the caller.
    ours: bool,
    /// It was given up, and the caller has not been told yet.
    given_up: bool,
}

impl Taken {
    fn new(body: Sliced, place: Place, idle: Duration) -> Self {
        let state = State { held: Some((body, place)), asked: 0, ours: false, given_up: false };
        let state = Arc::new(Mutex::new(state));
        let watch = tokio::spawn(watch(Arc::downgrade(&state), idle)).abort_handle();
        Self { state, watch }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

impl HttpBody for Taken {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let mut state = self.state.lock();
        state.asked = state.asked.wrapping_add(1);
        if std::mem::take(&mut state.given_up) {
            let mut trailers = HeaderMap::new();
            let told = status::of(Reason::StreamIdle).add_header(&mut trailers);
            return Poll::Ready(Some(told.map(|()| Frame::trailers(trailers))));
        }
        let Some((body, _)) = &mut state.held else { return Poll::Ready(None) };
        let polled = Pin::new(body).poll_frame(cx);
        state.ours = polled.is_pending();
        if matches!(polled, Poll::Ready(None)) {
            state.held = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        let state = self.state.lock();
        !state.given_up && state.held.as_ref().is_none_or(|(body, _)| body.is_end_stream())
    }
}

/// Looks every `idle` whether anything was taken since, and gives up what was not.
async fn watch(state: Weak<Mutex<State>>, idle: Duration) {
    let mut before = None;
    loop {
        tokio::time::sleep(idle).await;
        let Some(state) = state.upgrade() else { return };
        let mut state = state.lock();
        if !state.ours && before == Some(state.asked) {
            state.held = None;
            state.given_up = true;
            return;
        }
        before = Some(state.asked);
    }
}

#[cfg(test)]
mod tests;
