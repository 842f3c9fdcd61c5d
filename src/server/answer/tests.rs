//! Answers that are taken, and those that are not.

use std::task::Poll;

use super::*;
use crate::server::{
    methods::{Access, Shape, Time},
    places::{Bounds, Calls, Kind},
    testing::{Then, body, message, reason, status as of},
};

/// A bound that no test reaches.
const LONG: Duration = Duration::from_secs(3600);
/// One that is reached at once.
const SHORT: Duration = Duration::from_millis(1);

fn calls() -> Calls {
    Calls::new(Bounds { calls: 1, ..Bounds::default() })
}

fn place(calls: &Calls) -> Place {
    let kind = Kind { access: Access::Session, shape: Shape::Unary, time: Time::Bounded };
    calls.admit(kind).unwrap()
}

fn whole(bytes: usize) -> Response<Body> {
    Response::new(body(&[&message(bytes)], Then::Ends))
}

/// Takes everything of a body: how many bytes, and the trailers.
async fn take(response: Response<Body>) -> (usize, HeaderMap) {
    let (mut body, mut bytes, mut trailers) = (response.into_body(), 0, HeaderMap::new());
    while let Some(frame) = body::next(&mut body).await {
        match frame.unwrap().into_data() {
            Ok(data) => bytes += data.len(),
            Err(other) => trailers.extend(other.into_trailers().unwrap()),
        }
    }
    (bytes, trailers)
}

/// Waits until the place is free again; without the product's doing it never is.
async fn freed(calls: &Calls) {
    while calls.in_progress().calls > 0 {
        tokio::time::sleep(SHORT).await;
    }
}

#[tokio::test]
async fn an_answer_of_one_slice_gives_its_place_back_and_a_larger_one_when_it_is_taken() {
    let (calls, most) = (calls(), limits::ANSWER_SLICE_BYTES - 5);
    let small = one(whole(most), place(&calls), LONG).await;
    assert_eq!(calls.in_progress().calls, 0);
    assert_eq!(take(small).await.0, most + 5);
    let large = one(whole(most + 1), place(&calls), LONG).await;
    assert_eq!(calls.in_progress().calls, 1);
    assert_eq!(take(large).await.0, most + 6);
    assert_eq!(calls.in_progress().calls, 0);
}

#[tokio::test]
async fn an_answer_that_is_not_taken_is_given_up_and_says_so() {
    let calls = calls();
    let mut large = one(whole(1 << 20), place(&calls), SHORT).await;
    let first = body::next(large.body_mut()).await.unwrap().unwrap();
    assert_eq!(first.into_data().unwrap().len(), limits::ANSWER_SLICE_BYTES);
    freed(&calls).await;
    let (bytes, trailers) = take(large).await;
    assert_eq!(bytes, 0, "what was not taken is gone");
    let told = reason(&Status::from_header_map(&trailers).unwrap());
    assert_eq!(told, (Code::DeadlineExceeded, "STREAM_IDLE".to_owned(), None));
}

#[tokio::test]
async fn a_caller_who_waits_for_the_vault_is_not_idle() {
    let (waits, idles) = (calls(), calls());
    let answers = |then| Response::new(body(&[b"one"], then));
    let mut watching = many(answers(Then::Stops), place(&waits), SHORT);
    body::next(watching.body_mut()).await.unwrap().unwrap();
    let pending = std::future::poll_fn(|cx| {
        Poll::Ready(Pin::new(watching.body_mut()).poll_frame(cx).is_pending())
    });
    assert!(pending.await);
    // Another whose turn it is, begun later: when it is given up, the first had been looked at as often.
    let idle = many(answers(Then::Ends), place(&idles), SHORT);
    freed(&idles).await;
    assert_eq!(waits.in_progress().calls, 1);
    drop((watching, idle));
    freed(&waits).await;
}

#[tokio::test]
async fn a_caller_who_goes_away_frees_the_place_of_his_answer() {
    let calls = calls();
    let large = one(whole(1 << 20), place(&calls), LONG).await;
    assert_eq!(calls.in_progress().calls, 1);
    drop(large);
    assert_eq!(calls.in_progress().calls, 0);
}

/// An answer whose only content is this status, as the encoder ends one that is too large.
struct Ended(Option<Status>);

impl HttpBody for Ended {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let mut trailers = HeaderMap::new();
        let ended = self.0.take().map(|status| status.add_header(&mut trailers));
        Poll::Ready(ended.map(|_| Ok(Frame::trailers(trailers))))
    }
}

#[tokio::test]
async fn an_answer_too_large_to_send_is_a_limit_and_any_other_status_stays() {
    let calls = calls();
    let ended = |status| Response::new(Body::new(Ended(Some(status))));
    let large = one(ended(Status::out_of_range("too large")), place(&calls), LONG).await;
    let limit = limits::MESSAGE_BYTES_MAX.to_string();
    assert_eq!(reason(&of(&large)), (Code::InvalidArgument, "LIMIT".to_owned(), Some(limit)));
    let other = one(ended(Status::unknown("other")), place(&calls), LONG).await;
    assert_eq!(of(&other).code(), Code::Unknown);
}

#[tokio::test]
async fn a_message_that_the_transport_refused_gets_a_reason_and_a_refusal_of_the_vault_keeps_its_own()
 {
    let calls = calls();
    let answered =
        async |status: Status| reason(&of(&one(status.into_http(), place(&calls), LONG).await)).1;
    assert_eq!(answered(Status::internal("does not decode")).await, "MALFORMED");
    assert_eq!(answered(Status::out_of_range("too large")).await, "LIMIT");
    assert_eq!(answered(status::of(Reason::Internal)).await, "INTERNAL");
    assert_eq!(answered(status::of(Reason::Throttled)).await, "THROTTLED");
    let elsewhere = many(Status::unimplemented("x").into_http(), place(&calls), LONG);
    assert_eq!(of(&elsewhere).code(), Code::Unimplemented);
    assert_eq!(calls.in_progress().calls, 0);
}
