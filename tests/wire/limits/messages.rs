//! Bounds of a message, whatever its method, and bytes that are none.

use oubliette::{limits, wire::api};
use prost::Message as _;
use tonic::Code;

use super::served;
use crate::support::{
    DPO, Raw, Served,
    raw::{framed, padded},
    run,
};

async fn raw(served: &Served<'_>) -> Raw {
    Raw::connect(served.address).await
}

#[test]
fn a_message_of_the_largest_size_is_answered_and_one_byte_more_is_a_limit() {
    run(async {
        let served = served().await;
        let (raw, token) = (raw(&served).await, served.token(DPO).await);
        let most = limits::MESSAGE_BYTES_MAX;
        let describe = async |bytes| {
            let message = padded(&api::DescribeRequest {}, bytes);
            raw.call("Records/Describe", Some(&token), &message).await
        };
        assert!(describe(most).await.is_ok());
        let refused = describe(most + 1).await;
        assert_eq!(refused.status.code(), Code::InvalidArgument);
        let (reason, metadata) = refused.reason();
        assert_eq!((reason.as_str(), metadata["limit"].as_str()), ("LIMIT", "4194304"));
        assert_eq!(metadata["what"], "bytes in a message");
    });
}

#[test]
fn without_a_session_a_message_is_smaller_and_one_byte_more_is_a_limit() {
    run(async {
        let served = served().await;
        let raw = raw(&served).await;
        let most = limits::OPEN_MESSAGE_BYTES_MAX;
        let logout = async |bytes| {
            let message = padded(&api::LogoutRequest {}, bytes);
            raw.call("Agents/Logout", None, &message).await
        };
        assert_eq!(logout(most).await.reason().0, "UNAUTHENTICATED", "it was read");
        let (reason, metadata) = logout(most + 1).await.reason();
        assert_eq!((reason.as_str(), metadata["limit"].as_str()), ("LIMIT", "65536"));
    });
}

#[test]
fn bytes_that_are_no_message_of_the_method_are_malformed_and_leave_no_event() {
    run(async {
        let served = served().await;
        let (raw, token) = (raw(&served).await, served.token("inv-974").await);
        let before = served.log_size();
        let garbage = raw.call("Records/Reveal", Some(&token), &[0xff; 64]).await;
        assert_eq!(garbage.status.code(), Code::InvalidArgument);
        assert_eq!(garbage.reason().0, "MALFORMED");
        let whole = api::RevealRequest::default().encode_to_vec();
        let twice = [framed(&whole), framed(&whole)].concat();
        for body in [Vec::new(), vec![0, 0, 0, 0], twice, vec![1, 0, 0, 0, 0]] {
            let mut call = raw.start("Records/Reveal", Some(&token), &[]).await;
            call.send(body, true);
            assert_eq!(call.answer().await.reason().0, "MALFORMED");
        }
        assert_eq!(served.log_size(), before);
        // Its twin: a message, if an empty one, reaches the method.
        let empty = raw.call("Records/Reveal", Some(&token), &whole).await;
        assert_eq!(empty.reason().0, "INVALID_FIELDS");
    });
}
