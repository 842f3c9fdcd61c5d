//! How long a call may take: its caller's deadline, the vault's own bound, the time of its message.

use oubliette::{
    server::Bounds,
    wire::api::{DescribeRequest, PreviewPurgeRequest},
};
use prost::Message as _;
use tonic::Code;

use super::served;
use crate::support::{
    DPO, Raw,
    raw::{Answer, framed},
    run,
};

fn is_deadline(answer: &Answer, limit: &str) {
    assert_eq!(answer.status.code(), Code::DeadlineExceeded);
    let (reason, metadata) = answer.reason();
    assert_eq!((reason.as_str(), metadata["limit"].as_str()), ("DEADLINE", limit));
}

#[test]
fn a_call_without_a_deadline_ends_at_the_vault_s_own_and_a_long_one_does_not() {
    run(async {
        let served = served().await;
        let (token, robot) = (served.token(DPO).await, served.token("robot").await);
        let within = served.within(Bounds { call_ms: 50, ..Bounds::default() }).await;
        let raw = Raw::connect(within.address).await;
        let held = served.disk().hold_commits();
        let mut long = raw.start("Retention/PreviewPurge", Some(&robot), &[]).await;
        long.send(framed(&PreviewPurgeRequest {}.encode_to_vec()), true);
        is_deadline(&raw.call("Audit/GetCheckpoint", Some(&token), &[]).await, "50");
        drop(held);
        assert!(long.answer().await.is_ok(), "it began before, and was answered after");
    });
}

#[test]
fn a_message_that_does_not_arrive_in_time_starts_nothing() {
    run(async {
        let served = served().await;
        let token = served.token(DPO).await;
        let within = served.within(Bounds { read_ms: 50, ..Bounds::default() }).await;
        let raw = Raw::connect(within.address).await;
        let before = served.log_size();
        let mut slow = raw.start("Audit/GetCheckpoint", Some(&token), &[]).await;
        slow.send(vec![0, 0], false);
        is_deadline(&slow.answer().await, "50");
        assert_eq!((served.log_size(), within.calls.in_progress().calls), (before, 0));
        let message = DescribeRequest {}.encode_to_vec();
        let whole = Raw::connect(served.address).await;
        assert!(whole.call("Records/Describe", Some(&token), &message).await.is_ok());
    });
}
