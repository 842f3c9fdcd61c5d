//! Every bound that a caller can reach, at the bound and just above it, as the caller meets it.
//!
//! `tests/tidy/limits.rs` says which test holds which constant. The tests take turns on one vault.

mod agents;
mod backup;
mod deadlines;
mod gone;
mod log;
mod messages;
mod places;
mod records;
mod slow;
mod wide;

use oubliette::{
    client::{ClientError, types::Intent},
    server::Calls,
    wire::api,
};
use prost::Message as _;
use tokio::sync::{Mutex, MutexGuard, OnceCell};

use crate::support::{House, Served, case, raw::framed};

/// The vault, for one test at a time: some stop its disk, others count its leaves.
async fn served() -> MutexGuard<'static, Served<'static>> {
    static SHARED: OnceCell<Mutex<Served<'static>>> = OnceCell::const_new();
    let shared = SHARED.get_or_init(|| async {
        let policy = tempfile::tempdir().unwrap();
        wide::write(policy.path());
        let house = House::in_memory_under(policy.path().to_owned(), 600);
        let house: &'static House = Box::leak(Box::new(house));
        Mutex::new(house.serve().await)
    });
    shared.await.lock().await
}

/// A case in the queue of the unit of `inv-974`.
async fn queued(served: &Served<'_>) -> Vec<u8> {
    let new = case("reunion", "EXEMPLE-BORNE", "2020-11-22");
    served.queue("reunion", new, "investigation-974").await.record.as_bytes().to_vec()
}

/// The body of a reveal of a record.
fn reveal(record: &[u8]) -> Vec<u8> {
    let request = api::RevealRequest {
        intent: Some(api::Intent { purpose: "p2".to_owned(), ..api::Intent::default() }),
        record_id: record.to_vec(),
        classes: vec!["identity".to_owned()],
        approval_id: Vec::new(),
        link_id: Vec::new(),
    };
    framed(&request.encode_to_vec())
}

/// Waits until so many calls of agents are in progress.
async fn in_progress(calls: &Calls, number: usize) {
    while calls.in_progress().calls != number {
        tokio::task::yield_now().await;
    }
}

fn p2() -> Intent {
    Intent::of("p2")
}

/// Reason and text of a refusal; panics for an answer.
fn told<T>(result: Result<T, ClientError>) -> (String, String) {
    match result {
        Ok(_) => panic!("an answer where a refusal was due"),
        Err(ClientError::Refused(refusal)) => {
            let reason = refusal.reason.unwrap_or_else(|| panic!("no reason: {refusal}"));
            (reason.as_str().to_owned(), refusal.message)
        }
        Err(error) => panic!("no refusal: {error}"),
    }
}

/// That the bound `limit` on `what` was named.
fn is_limit<T>(result: Result<T, ClientError>, limit: usize, what: &str) {
    assert_eq!(told(result), ("LIMIT".to_owned(), format!("at most {limit} {what}")));
}
