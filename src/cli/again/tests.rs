//! What is repeated, how often, after which wait, and what is never repeated.

use std::cell::RefCell;

use tonic::Status;
use tonic_types::{ErrorDetails, StatusExt as _};

use super::*;
use crate::{client::Reason, ids::RequestId};

/// Writes waits down.
#[derive(Default)]
struct Noted(RefCell<Vec<u64>>);

impl Sleeper for Noted {
    async fn sleep(&self, millis: u64) {
        self.0.borrow_mut().push(millis);
    }
}

fn refusal(reason: Reason, retry_ms: Option<u64>) -> ClientError {
    let mut details = ErrorDetails::new();
    details.set_error_info(reason.as_str(), "oubliette", std::collections::HashMap::new());
    details.set_retry_info(retry_ms.map(Duration::from_millis));
    Status::with_error_details(reason.code(), reason.message(), details).into()
}

/// Runs a call that answers with these errors and then with 7; the outcome, the waits, the calls.
fn run(errors: Vec<ClientError>) -> (Result<u32, Failure>, Vec<u64>, usize) {
    let why = Intent { request: Some(RequestId::from_bytes([0xab; 16])), ..Intent::of("p") };
    let (noted, mut errors, mut calls) = (Noted::default(), errors.into_iter(), 0);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let outcome = runtime.block_on(once(&why, &noted, async || {
        calls += 1;
        errors.next().map_or(Ok(7), Err)
    }));
    (outcome, noted.0.into_inner(), calls)
}

#[test]
fn a_lost_answer_is_asked_for_again_and_a_refusal_is_not() {
    let (outcome, waits, calls) = run(vec![Status::unavailable("cut").into()]);
    assert_eq!((outcome.unwrap(), waits, calls), (7, vec![limits::RETRY_FIRST_MS], 2));
    let (outcome, waits, calls) = run(vec![refusal(Reason::Denied, None)]);
    let failure = outcome.unwrap_err();
    assert_eq!((failure.code(), waits, calls), (3, vec![], 1));
    assert!(!failure.text().contains("request-id"), "{}", failure.text());
}

#[test]
fn every_reason_that_passes_is_repeated_and_waits_as_long_as_the_vault_asks() {
    for reason in [Reason::Overloaded, Reason::NoSegment, Reason::Stopping, Reason::Deadline] {
        let (outcome, waits, _) = run(vec![refusal(reason, Some(700)), refusal(reason, None)]);
        assert_eq!(outcome.unwrap(), 7, "{}", reason.as_str());
        assert_eq!(waits, [700, 2 * limits::RETRY_FIRST_MS], "{}", reason.as_str());
    }
    let (_, waits, _) = run(vec![refusal(Reason::Overloaded, Some(u64::MAX))]);
    assert_eq!(waits, [limits::RETRY_ADVISED_MAX_MS]);
}

#[test]
fn it_gives_up_after_a_bound_and_says_how_to_repeat_a_write_that_may_have_been_done() {
    let cut = || (0..10).map(|_| Status::unavailable("cut").into()).collect();
    let (outcome, waits, calls) = run(cut());
    let text = outcome.unwrap_err().text();
    assert_eq!(calls, usize::try_from(limits::WRITE_TRIES_MAX).unwrap());
    assert_eq!(waits.len(), calls - 1);
    assert!(text.contains(&format!("--request-id {}", "ab".repeat(16))), "{text}");
    let busy = (0..10).map(|_| refusal(Reason::Overloaded, None)).collect();
    let text = run(busy).0.unwrap_err().text();
    assert!(!text.contains("--request-id"), "{text}");
}

#[test]
fn a_session_that_ended_after_a_lost_answer_still_names_the_request_id() {
    let errors = vec![Status::unavailable("cut").into(), refusal(Reason::Unauthenticated, None)];
    let text = run(errors).0.unwrap_err().text();
    assert!(text.contains("oubliette login") && text.contains("--request-id"), "{text}");
}

#[test]
fn waits_double_up_to_a_bound() {
    let waits: Vec<u64> = (1..=8).map(|tries| delay_ms(tries, None)).collect();
    assert_eq!(waits[..3], [200, 400, 800]);
    assert_eq!(waits[7], limits::RETRY_MAX_MS);
    assert_eq!(delay_ms(u32::MAX, None), limits::RETRY_MAX_MS);
}
