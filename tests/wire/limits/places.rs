//! How many calls run at one time: over the whole server, on one connection, without a session.

use std::net::SocketAddr;

use oubliette::{
    client::{Client, ClientError, types::Revealed},
    ids::RecordId,
    limits,
    secret::SecretBytes,
    server::Bounds,
};
use tokio::task::JoinHandle;
use tonic::Code;
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
use tonic_types::StatusExt as _;

use super::{in_progress, p2, queued, served, told};
use crate::support::{DPO, Raw, raw::framed, run};

type Answer = Result<Revealed, ClientError>;

fn reveals(client: &Client, record: RecordId, number: usize) -> Vec<JoinHandle<Answer>> {
    let one = |_| {
        let client = client.clone();
        tokio::spawn(async move { client.reveal(&p2(), record, &["identity"]).await })
    };
    (0..number).map(one).collect()
}

/// A connection of its own under this session.
async fn connection(address: SocketAddr, token: &SecretBytes) -> Client {
    Client::connect(&address.to_string()).await.unwrap().with_token(token).unwrap()
}

#[test]
fn a_connection_and_the_server_take_as_many_calls_as_they_say_and_one_more_is_told_to_come_back() {
    run(async {
        let served = served().await;
        let record = RecordId::from_slice(&queued(&served).await).unwrap();
        let (at, token) = (served.address, served.token("inv-974").await);
        let (one, two) = (connection(at, &token).await, connection(at, &token).await);
        let three = connection(at, &token).await;
        let own = limits::CALLS_PER_CONNECTION_MAX as usize;
        let rest = limits::CALLS_MAX - own;
        assert!(rest <= own);

        let held = served.disk().hold_commits();
        // One more than the connection takes: the last is not sent until another is answered.
        let mut calls = reveals(&one, record, own + 1);
        in_progress(&served.calls, own).await;
        calls.extend(reveals(&two, record, rest - 1));
        in_progress(&served.calls, limits::CALLS_MAX - 1).await;
        calls.extend(reveals(&three, record, 1));
        in_progress(&served.calls, limits::CALLS_MAX).await;
        let refused = three.reveal(&p2(), record, &["identity"]).await;
        let Err(ClientError::Refused(refusal)) = &refused else { panic!("one too many") };
        assert_eq!(refusal.code, Code::ResourceExhausted);
        assert!(refusal.retry_after_ms.is_some());
        let bound = format!("at most {} calls at one time", limits::CALLS_MAX);
        assert_eq!(told(refused), ("OVERLOADED".to_owned(), bound));

        drop(held);
        for call in calls {
            assert!(call.await.unwrap().is_ok(), "those that had a place are answered");
        }
        in_progress(&served.calls, 0).await;
        assert!(three.reveal(&p2(), record, &["identity"]).await.is_ok());
    });
}

#[test]
fn calls_that_are_reset_keep_their_places_until_their_work_ends() {
    run(async {
        let served = served().await;
        let record = RecordId::from_slice(&queued(&served).await).unwrap();
        let within = served.within(Bounds { calls: 1, ..Bounds::default() }).await;
        let reader = connection(within.address, &served.token("inv-974").await).await;
        let held = served.disk().hold_commits();
        let call = reveals(&reader, record, 1).remove(0);
        while !held.has_one() {
            tokio::task::yield_now().await;
        }
        call.abort();
        assert!(call.await.is_err());
        assert_eq!(told(reader.reveal(&p2(), record, &["identity"]).await).0, "OVERLOADED");
        drop(held);
        in_progress(&within.calls, 0).await;
        assert!(reader.reveal(&p2(), record, &["identity"]).await.is_ok());
    });
}

#[test]
fn callers_without_a_session_have_places_of_their_own_and_no_more() {
    run(async {
        let served = served().await;
        let token = served.token(DPO).await;
        // The bounds as they are, except that time has none: those who wait here wait long.
        let forever = 24 * 60 * 60 * 1000;
        let bounds = Bounds { call_ms: forever, read_ms: forever, ..Bounds::default() };
        let within = served.within(bounds).await;
        let raw = Raw::connect(within.address).await;
        let mut waiting = Vec::new();
        for _ in 0..limits::OPEN_CALLS_MAX {
            waiting.push(raw.start("Agents/Logout", None, &[]).await);
        }
        while within.calls.in_progress().open_calls < limits::OPEN_CALLS_MAX {
            tokio::task::yield_now().await;
        }
        let (reason, metadata) = raw.call("Agents/Logout", None, &[]).await.reason();
        assert_eq!((reason.as_str(), metadata["limit"].as_str()), ("OVERLOADED", "64"));
        // Those with a session never wanted one of these places.
        assert!(raw.call("Records/Describe", Some(&token), &[]).await.is_ok());
        // One is free again.
        let mut last = waiting.pop().unwrap();
        last.send(framed(&[]), true);
        assert_eq!(last.answer().await.reason().0, "UNAUTHENTICATED");
        assert_eq!(raw.call("Agents/Logout", None, &[]).await.reason().0, "UNAUTHENTICATED");
    });
}

#[test]
fn as_many_watch_as_may_and_one_more_is_told_to_come_back() {
    run(async {
        let served = served().await;
        let mut health = HealthClient::new(served.open.channel());
        let mut watching = Vec::new();
        let request = || HealthCheckRequest { service: String::new() };
        for _ in 0..limits::OPEN_STREAMS_MAX {
            let mut watch = health.watch(request()).await.unwrap().into_inner();
            assert!(watch.message().await.unwrap().is_some());
            watching.push(watch);
        }
        let refused = health.watch(request()).await.unwrap_err();
        assert_eq!(refused.get_details_error_info().unwrap().reason, "OVERLOADED");
        assert!(health.check(request()).await.is_ok(), "a check is no watch");
        watching.pop();
        while health.watch(request()).await.is_err() {
            tokio::task::yield_now().await;
        }
    });
}
