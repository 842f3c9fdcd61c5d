//! Bodies that end, break or never go on, as a caller on the network can make them.

use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll},
};

use http_body::Frame;
use prost::bytes::Bytes;
use tonic::{
    Code, Status,
    body::Body,
    codegen::{Body as HttpBody, http},
};
use tonic_types::StatusExt as _;

/// How a body goes on after its pieces.
#[derive(Clone, Copy)]
pub(crate) enum Then {
    Ends,
    Breaks,
    Stops,
}

struct Pieces(VecDeque<Bytes>, Then);

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        match (self.0.pop_front(), self.1) {
            (Some(piece), _) => Poll::Ready(Some(Ok(Frame::data(piece)))),
            (None, Then::Ends) => Poll::Ready(None),
            (None, Then::Breaks) => Poll::Ready(Some(Err(Status::cancelled("reset")))),
            (None, Then::Stops) => Poll::Pending,
        }
    }
}

/// A body of these pieces.
pub(crate) fn body(pieces: &[&[u8]], then: Then) -> Body {
    let pieces = pieces.iter().map(|piece| Bytes::copy_from_slice(piece)).collect();
    Body::new(Pieces(pieces, then))
}

/// One message of so many bytes, with its prefix.
pub(crate) fn message(bytes: usize) -> Vec<u8> {
    let mut message = vec![0];
    message.extend_from_slice(&u32::try_from(bytes).unwrap().to_be_bytes());
    // No field begins so: nothing counts them.
    message.resize(5 + bytes, 0xff);
    message
}

/// The status that an answer without a message is.
pub(crate) fn status<B>(response: &http::Response<B>) -> Status {
    Status::from_header_map(response.headers()).unwrap()
}

/// Its code, reason and the bound it names.
pub(crate) fn reason(status: &Status) -> (Code, String, Option<String>) {
    let info = status.get_details_error_info().unwrap();
    (status.code(), info.reason, info.metadata.get("limit").cloned())
}
