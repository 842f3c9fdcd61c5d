//! Calls at their bounds and just above, and calls whose caller went away.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use tokio::sync::Semaphore;
use tonic::Code;

use super::*;
use crate::server::testing::{Then, body, message, reason, status as of};

const UNARY: Kind = Kind { access: Access::Session, shape: Shape::Unary, time: Time::Bounded };
const LONG: Kind = Kind { time: Time::Long, ..UNARY };
const OPEN: Kind = Kind { access: Access::Open, ..UNARY };
const WATCH: Kind = Kind { shape: Shape::Answers, ..OPEN };

/// A method that waits until its gate opens, and says how far it came.
#[derive(Clone)]
struct Method {
    gate: Arc<Semaphore>,
    started: Arc<AtomicUsize>,
    ended: Arc<AtomicUsize>,
}

impl Method {
    fn new(gates: usize) -> Self {
        let gate = Arc::new(Semaphore::new(gates));
        Self { gate, started: Arc::default(), ended: Arc::default() }
    }

    fn counts(&self) -> (usize, usize) {
        (self.started.load(Ordering::SeqCst), self.ended.load(Ordering::SeqCst))
    }

    /// Waits until so many were started and ended.
    async fn reaches(&self, counts: (usize, usize)) {
        while self.counts() != counts {
            tokio::time::sleep(millis(1)).await;
        }
    }
}

impl Service<Request<Body>> for Method {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Response<Body>, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Body>) -> Self::Future {
        let method = self.clone();
        Box::pin(async move {
            method.started.fetch_add(1, Ordering::SeqCst);
            method.gate.acquire().await.unwrap().forget();
            method.ended.fetch_add(1, Ordering::SeqCst);
            Ok(Response::new(body(&[&message(3)], Then::Ends)))
        })
    }
}

fn calls(bounds: Bounds) -> Calls {
    Calls::new(Bounds { calls: 1, ..bounds })
}

fn whole() -> Request<Body> {
    Request::new(body(&[&message(3)], Then::Ends))
}

fn with_timeout(value: &str) -> Request<Body> {
    let mut request = whole();
    request.headers_mut().insert("grpc-timeout", value.parse().unwrap());
    request
}

async fn run(calls: &Calls, kind: Kind, request: Request<Body>, to: &Method) -> Response<Body> {
    let Ok(answer) = calls.run(kind, calls.admit(kind).unwrap(), request, to.clone()).await;
    answer
}

#[test]
fn as_many_calls_as_a_bound_says_have_a_place_and_one_more_is_told_to_come_back() {
    let calls =
        Calls::new(Bounds { calls: 3, open_calls: 2, open_streams: 1, ..Bounds::default() });
    for (kind, bound) in [(UNARY, 3), (OPEN, 2), (WATCH, 1)] {
        let mut places: Vec<_> = (0..bound).map(|_| calls.admit(kind).unwrap()).collect();
        let refused = calls.admit(kind).unwrap_err();
        assert_eq!(
            reason(&refused),
            (Code::ResourceExhausted, "OVERLOADED".to_owned(), Some(bound.to_string()))
        );
        assert!(tonic_types::StatusExt::get_details_retry_info(&refused).is_some());
        places.pop();
        assert!(calls.admit(kind).is_ok(), "a place is free again");
    }
    assert!(calls.admit(LONG).is_ok(), "the three do not take one another's places");
}

#[tokio::test]
async fn a_call_whose_caller_goes_away_ends_and_keeps_its_place_until_then() {
    let (calls, method) = (calls(Bounds::default()), Method::new(0));
    let place = calls.admit(UNARY).unwrap();
    let call = tokio::spawn(calls.run(UNARY, place, whole(), method.clone()));
    method.reaches((1, 0)).await;
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    assert!(calls.admit(UNARY).is_err(), "going away frees no place");
    method.gate.add_permits(1);
    method.reaches((1, 1)).await;
    calls.ended().await;
    assert!(calls.admit(UNARY).is_ok());
}

#[tokio::test]
async fn a_call_whose_caller_goes_away_before_its_message_ended_is_never_started() {
    let (calls, method) = (calls(Bounds::default()), Method::new(1));
    let unfinished = || Request::new(body(&[&message(3)], Then::Stops));
    let call = calls.run(UNARY, calls.admit(UNARY).unwrap(), unfinished(), method.clone());
    let call = tokio::spawn(call);
    tokio::task::yield_now().await;
    call.abort();
    assert!(call.await.is_err());
    assert_eq!(calls.in_progress().calls, 0);
    let broken = Request::new(body(&[&message(3)], Then::Breaks));
    let answer = run(&calls, UNARY, broken, &method).await;
    assert_eq!(reason(&of(&answer)).1, "MALFORMED");
    assert_eq!(method.counts(), (0, 0));
    assert!(run(&calls, UNARY, whole(), &method).await.headers().get("grpc-status").is_none());
    assert_eq!(method.counts(), (1, 1), "its twin, which arrived whole");
}

#[tokio::test]
async fn a_caller_s_deadline_is_answered_and_the_call_still_ends() {
    let (calls, method) = (calls(Bounds::default()), Method::new(0));
    let answer = run(&calls, UNARY, with_timeout("20m"), &method).await;
    let deadline = (Code::DeadlineExceeded, "DEADLINE".to_owned(), None);
    assert_eq!(reason(&of(&answer)), deadline);
    assert_eq!(calls.in_progress().calls, 1);
    method.gate.add_permits(1);
    method.reaches((1, 1)).await;
    calls.ended().await;
    // A deadline that has passed already starts nothing, and a far one changes nothing.
    let answer = run(&calls, UNARY, with_timeout("1u"), &method).await;
    assert_eq!(reason(&of(&answer)), deadline);
    assert_eq!(method.counts(), (1, 1));
    method.gate.add_permits(1);
    let answer = run(&calls, UNARY, with_timeout("99999999H"), &method).await;
    assert!(answer.headers().get("grpc-status").is_none());
}

#[tokio::test]
async fn without_a_deadline_the_vault_s_own_bound_holds_except_for_long_methods() {
    let (calls, method) = (calls(Bounds { call_ms: 1, ..Bounds::default() }), Method::new(0));
    let answer = run(&calls, UNARY, whole(), &method).await;
    let bound = Some("1".to_owned());
    assert_eq!(reason(&of(&answer)), (Code::DeadlineExceeded, "DEADLINE".to_owned(), bound));
    method.gate.add_permits(1);
    calls.ended().await;
    // The same for a caller who would wait for longer than the bound.
    let answer = run(&calls, UNARY, with_timeout("1H"), &method).await;
    assert_eq!(reason(&of(&answer)).2.as_deref(), Some("1"));
    method.gate.add_permits(1);
    calls.ended().await;
    let place = calls.admit(LONG).unwrap();
    let long = tokio::spawn(calls.run(LONG, place, whole(), method.clone()));
    method.reaches((3, 2)).await;
    // Another under the bound, begun later, is over; the long one still waits for its method.
    let short = Calls::new(calls.bounds());
    run(&short, UNARY, whole(), &method).await;
    assert!(!long.is_finished());
    method.gate.add_permits(2);
    let Ok(answer) = long.await.unwrap();
    assert!(answer.headers().get("grpc-status").is_none());
}

#[tokio::test]
async fn a_message_has_to_arrive_within_its_time() {
    let (calls, method) = (calls(Bounds { read_ms: 1, ..Bounds::default() }), Method::new(1));
    let slow = Request::new(body(&[&message(3)[..7]], Then::Stops));
    let answer = run(&calls, UNARY, slow, &method).await;
    let bound = Some("1".to_owned());
    assert_eq!(reason(&of(&answer)), (Code::DeadlineExceeded, "DEADLINE".to_owned(), bound));
    assert_eq!((method.counts(), calls.in_progress().calls), ((0, 0), 0));
    let answer = run(&calls, UNARY, whole(), &method).await;
    assert!(answer.headers().get("grpc-status").is_none());
}

#[tokio::test]
async fn a_caller_without_a_session_sends_less() {
    let (calls, method) = (Calls::default(), Method::new(3));
    let request = |bytes| Request::new(body(&[&message(bytes)], Then::Ends));
    for (kind, most) in [(OPEN, limits::OPEN_MESSAGE_BYTES_MAX), (UNARY, limits::MESSAGE_BYTES_MAX)]
    {
        let answer = run(&calls, kind, request(most), &method).await;
        assert!(answer.headers().get("grpc-status").is_none());
        let answer = run(&calls, kind, request(most + 1), &method).await;
        let limit = Some(most.to_string());
        assert_eq!(reason(&of(&answer)), (Code::InvalidArgument, "LIMIT".to_owned(), limit));
    }
    assert_eq!(method.counts(), (2, 2));
}

/// A method with a fault.
struct Faulty;

impl Service<Request<Body>> for Faulty {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Response<Body>, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Body>) -> Self::Future {
        Box::pin(async { panic!("a fault of the method") })
    }
}

#[tokio::test]
async fn a_method_that_fails_badly_answers_internal_and_frees_its_place() {
    let calls = calls(Bounds::default());
    let Ok(answer) = calls.run(UNARY, calls.admit(UNARY).unwrap(), whole(), Faulty).await;
    assert_eq!(reason(&of(&answer)).1, "INTERNAL");
    assert_eq!(calls.in_progress().calls, 0);
}

#[test]
fn a_timeout_is_read_in_each_unit_and_a_malformed_one_is_none() {
    let read = |text: &str| {
        let mut headers = HeaderMap::new();
        headers.insert("grpc-timeout", text.parse().unwrap());
        timeout(&headers)
    };
    for (text, time) in [
        ("2H", Duration::from_secs(7200)),
        ("2M", Duration::from_secs(120)),
        ("2S", Duration::from_secs(2)),
        ("2m", millis(2)),
        ("2u", Duration::from_micros(2)),
        ("2n", Duration::from_nanos(2)),
        ("99999999S", Duration::from_secs(99_999_999)),
    ] {
        assert_eq!(read(text), Some(time), "{text}");
    }
    for text in ["", "S", "2", "-2S", "2.5S", "2s", "123456789S", "2 S"] {
        assert_eq!(read(text), None, "{text}");
    }
    assert_eq!(timeout(&HeaderMap::new()), None);
}

#[test]
fn the_bounds_of_a_server_are_those_of_the_product() {
    let bounds = Bounds::default();
    let places = (bounds.calls, bounds.open_calls, bounds.open_streams);
    assert_eq!(places, (limits::CALLS_MAX, limits::OPEN_CALLS_MAX, limits::OPEN_STREAMS_MAX));
    let times = (bounds.call_ms, bounds.read_ms, bounds.idle_ms);
    assert_eq!(times, (limits::CALL_MS_MAX, limits::REQUEST_READ_MS, limits::ANSWER_IDLE_MS));
    assert_eq!(bounds.stream_idle_ms, limits::STREAM_IDLE_MS);
    assert_eq!(bounds.backup_ms, limits::BACKUP_MS_MAX);
}
