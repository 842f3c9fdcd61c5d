//! Bodies: a request's one message, read whole before anything is started for it, and an answer in
//! slices.
//!
//! Nothing is decoded here. Invariants: no more than the bound is ever kept of a request; a message
//! whose sender went away before its end is never handed on.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use http_body::Frame;
use prost::{
    bytes::Bytes,
    encoding::{DecodeContext, decode_key, skip_field},
};
use tonic::{Status, body::Body, codegen::Body as HttpBody};

use super::status;
use crate::{client::reason::Reason, limits};

/// Bytes before each message: a flag and the length.
const PREFIX_BYTES: usize = 5;

/// Reads a request of one message to its end.
///
/// Errors: LIMIT above `limit` bytes, as soon as the length is read, and above
/// [`limits::MESSAGE_FIELDS_MAX`] fields; MALFORMED when what came is not one whole message.
pub(super) async fn message(mut body: Body, limit: usize) -> Result<Body, Status> {
    let mut read = Vec::new();
    while let Some(frame) = next(&mut body).await {
        // Trailers say nothing in a request. An error: the caller went away.
        let frame = frame.map_err(|_| status::of(Reason::Malformed))?;
        let Ok(data) = frame.into_data() else { continue };
        read.extend_from_slice(&data);
        if let Some(length) = length(&read) {
            if length > limit {
                return Err(status::bound(Reason::Limit, "bytes in a message", limit));
            }
            if read.len() > PREFIX_BYTES + length {
                return Err(status::of(Reason::Malformed));
            }
        }
    }
    if length(&read).is_none_or(|length| read.len() != PREFIX_BYTES + length) {
        return Err(status::of(Reason::Malformed));
    }
    let most = limits::MESSAGE_FIELDS_MAX;
    if has_more_fields(read.get(PREFIX_BYTES..).unwrap_or_default(), most) {
        return Err(status::bound(Reason::Limit, "fields in a message", most));
    }
    Ok(Body::new(Sliced { head: read.into(), rest: Body::empty() }))
}

/// The next frame of a body.
pub(super) async fn next(body: &mut Body) -> Option<Result<Frame<Bytes>, Status>> {
    std::future::poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await
}

/// The length that the prefix states, once it is there.
fn length(read: &[u8]) -> Option<usize> {
    let [_, length @ ..] = read.first_chunk::<PREFIX_BYTES>()?;
    usize::try_from(u32::from_be_bytes(*length)).ok()
}

/// Whether a message has more than so many fields. What is malformed is for the decoder to refuse.
fn has_more_fields(mut message: &[u8], most: usize) -> bool {
    let mut fields = 0;
    while fields <= most && !message.is_empty() {
        let skipped = decode_key(&mut message)
            .and_then(|(tag, kind)| skip_field(kind, tag, &mut message, DecodeContext::default()));
        if skipped.is_err() {
            return false;
        }
        fields += 1;
    }
    fields > most
}

/// A body whose data leave in slices of [`limits::ANSWER_SLICE_BYTES`], because the transport holds what
/// it was given until the caller takes it.
pub(super) struct Sliced {
    /// What leaves first.
    pub(super) head: Bytes,
    /// What follows.
    pub(super) rest: Body,
}

impl HttpBody for Sliced {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.head.is_empty() {
            match Pin::new(&mut self.rest).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => self.head = data,
                    Err(other) => return Poll::Ready(Some(Ok(other))),
                },
                other => return other,
            }
        }
        let length = self.head.len().min(limits::ANSWER_SLICE_BYTES);
        Poll::Ready(Some(Ok(Frame::data(self.head.split_to(length)))))
    }

    fn is_end_stream(&self) -> bool {
        self.head.is_empty() && self.rest.is_end_stream()
    }
}

#[cfg(test)]
mod tests;
