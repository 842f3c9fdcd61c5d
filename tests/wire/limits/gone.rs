//! Callers who go away: what was started leaves its event, and what was not leaves none.

use oubliette::{storage::memory::Held, wire::api};
use prost::Message as _;
use tonic::Code;

use super::{in_progress, p2, queued, reveal, served};
use crate::support::{House, Raw, Served, contact, raw::framed, run};

/// The body of a create.
fn create(collected_on: &str) -> Vec<u8> {
    let value = |name: &str, value: &str| api::NamedValue {
        name: name.to_owned(),
        value: Some(api::Value { kind: Some(api::value::Kind::Text(value.to_owned())) }),
    };
    let request = api::CreateRequest {
        intent: Some(api::Intent { purpose: "p2".to_owned(), ..api::Intent::default() }),
        collection: "contacts".to_owned(),
        subject_id: Vec::new(),
        collected_on: collected_on.to_owned(),
        attributes: vec![value("territory", "reunion"), value("state", "to_call")],
        fields: vec![value("last_name", "EXEMPLE-PARTI"), value("first_names", "Exemple")],
    };
    framed(&request.encode_to_vec())
}

/// Kind and outcome of this agent's newest event, if it is of a leaf from number `from` on.
async fn newest(served: &Served<'_>, agent: &str, from: u64) -> Option<(String, String)> {
    served.newest_event(agent, from).await.map(|event| (event.action, event.outcome))
}

fn ok(kind: &str) -> Option<(String, String)> {
    Some((kind.to_owned(), "OK".to_owned()))
}

/// Sends a call whose caller goes away once it waits at the held disk.
async fn abandoned(served: &Served<'_>, raw: &Raw, held: &Held, call: (&str, &str, Vec<u8>)) {
    let (method, agent, body) = call;
    let mut call = raw.start(method, Some(&served.token(agent).await), &[]).await;
    call.send(body, true);
    while !held.has_one() {
        tokio::task::yield_now().await;
    }
    call.cancel();
    // Answered after the reset, on the same connection: the server has read it.
    assert!(!raw.call("Agents/Logout", None, &[]).await.is_ok());
    assert_eq!(served.calls.in_progress().calls, 1, "going away ends no call");
}

#[test]
fn a_call_whose_caller_went_away_leaves_its_event() {
    run(async {
        let served = served().await;
        let record = queued(&served).await;
        for agent in ["inv-974", "feed-974", "dpo-2"] {
            served.token(agent).await;
        }
        let raw = Raw::connect(served.address).await;
        // The expiry date of what is filed is a new one: a create waits for its segment first, and
        // for its event after that.
        for (agent, kind, method, body) in [
            ("inv-974", "reveal", "Records/Reveal", reveal(&record)),
            ("feed-974", "create", "Records/Create", create("2020-10-01")),
        ] {
            let (held, before) = (served.disk().hold_commits(), served.log_size());
            abandoned(&served, &raw, &held, (method, agent, body)).await;
            drop(held);
            in_progress(&served.calls, 0).await;
            assert_eq!(newest(&served, agent, before).await, ok(kind));
        }
    });
}

#[test]
fn a_call_whose_deadline_passed_leaves_its_event() {
    run(async {
        let served = served().await;
        let feed = served.token("feed-974").await;
        served.token("dpo-2").await;
        let (raw, before) = (Raw::connect(served.address).await, served.log_size());
        let held = served.disk().hold_commits();
        let timeout = [("grpc-timeout", "2S")];
        let mut call = raw.start("Records/Create", Some(&feed), &timeout).await;
        call.send(create("2020-10-02"), true);
        let answer = call.answer().await;
        assert_eq!(answer.status.code(), Code::DeadlineExceeded);
        assert_eq!(answer.reason().0, "DEADLINE");
        assert_eq!(served.log_size(), before);
        drop(held);
        in_progress(&served.calls, 0).await;
        assert_eq!(newest(&served, "feed-974", before).await, ok("create"));
    });
}

#[test]
fn a_call_cancelled_before_its_message_is_complete_leaves_no_event() {
    run(async {
        let served = served().await;
        let record = queued(&served).await;
        let token = served.token("inv-974").await;
        served.token("dpo-2").await;
        let (raw, before) = (Raw::connect(served.address).await, served.log_size());
        let message = reveal(&record);
        // Half of it; all of it but not its end; and a whole one as their twin.
        for piece in [&message[..message.len() / 2], &message[..]] {
            let mut call = raw.start("Records/Reveal", Some(&token), &[]).await;
            call.send(piece.to_vec(), false);
            in_progress(&served.calls, 1).await;
            call.cancel();
            in_progress(&served.calls, 0).await;
        }
        assert_eq!(served.log_size(), before);
        assert!(raw.call("Records/Reveal", Some(&token), &message[5..]).await.is_ok());
        assert_eq!(newest(&served, "inv-974", before).await, ok("reveal"));
    });
}

#[test]
fn a_call_whose_caller_went_away_is_completed_before_the_vault_stops() {
    run(async {
        let house = House::in_memory(601);
        let served = house.serve().await;
        let before = served.log_size();
        for agent in ["feed-974", "dpo-2"] {
            served.token(agent).await;
        }
        let raw = Raw::connect(served.address).await;
        let held = house.disk().hold_commits();
        let filed = ("Records/Create", "feed-974", create("2020-10-01"));
        abandoned(&served, &raw, &held, filed).await;
        drop(raw);
        // Time for a stop that would not wait to be over; one that waits ends whenever this does.
        let opened = async {
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
            drop(held);
        };
        tokio::join!(served.stop(), opened);
        let served = house.serve().await;
        assert_eq!(newest(&served, "feed-974", before).await, ok("create"));
        served.stop().await;
    });
}

#[test]
fn a_client_that_drops_its_call_is_a_caller_who_went_away() {
    run(async {
        let served = served().await;
        let feed = served.as_agent("feed-974").await;
        served.token("dpo-2").await;
        let before = served.log_size();
        let held = served.disk().hold_commits();
        let call = tokio::spawn(async move {
            feed.create(&p2(), contact("reunion", "EXEMPLE-PARTI", "2020-10-03")).await
        });
        while !held.has_one() {
            tokio::task::yield_now().await;
        }
        call.abort();
        assert!(call.await.is_err());
        drop(held);
        in_progress(&served.calls, 0).await;
        assert_eq!(newest(&served, "feed-974", before).await, ok("create"));
    });
}
