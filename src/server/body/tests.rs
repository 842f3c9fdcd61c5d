//! Messages that arrive whole, and those that do not.

use super::*;
use crate::server::testing::{Then, body, message as bytes, reason};

const LIMIT: usize = 100;

/// The bytes of a body that ends.
async fn content(mut body: Body) -> Vec<u8> {
    let mut content = Vec::new();
    while let Some(frame) = next(&mut body).await {
        content.extend_from_slice(&frame.unwrap().into_data().unwrap());
    }
    content
}

async fn refused(body: Body) -> String {
    let (_, reason, limit) = reason(&message(body, LIMIT).await.err().unwrap());
    assert_eq!(limit, (reason == "LIMIT").then(|| LIMIT.to_string()));
    reason
}

#[tokio::test]
async fn a_message_of_the_largest_size_is_read_whole_however_it_is_cut() {
    let sent = bytes(LIMIT);
    let single: Vec<&[u8]> = sent.chunks(1).collect();
    for pieces in [vec![&sent[..]], vec![&sent[..3], &sent[3..]], single] {
        let read = message(body(&pieces, Then::Ends), LIMIT).await.unwrap();
        assert_eq!(content(read).await, sent);
    }
    let nothing = bytes(0);
    let read = message(body(&[&nothing], Then::Ends), LIMIT).await.unwrap();
    assert_eq!(content(read).await, nothing, "an empty message is a message");
}

#[tokio::test]
async fn a_message_one_byte_larger_is_a_limit_before_more_of_it_is_awaited() {
    let prefix = &bytes(LIMIT + 1)[..5];
    assert_eq!(refused(body(&[prefix], Then::Stops)).await, "LIMIT");
}

#[tokio::test]
async fn what_is_not_one_whole_message_is_malformed() {
    let (sent, two) = (bytes(10), bytes(10).repeat(2));
    for (pieces, then) in [
        (vec![], Then::Ends),
        (vec![&sent[..4]], Then::Ends),
        (vec![&sent[..14]], Then::Ends),
        (vec![&two[..]], Then::Ends),
        (vec![&sent[..], &[0][..]], Then::Stops),
    ] {
        assert_eq!(refused(body(&pieces, then)).await, "MALFORMED");
    }
}

#[tokio::test]
async fn a_message_whose_sender_went_away_is_not_handed_on_even_if_it_had_arrived() {
    let sent = bytes(10);
    for piece in [&sent[..7], &sent[..]] {
        assert_eq!(refused(body(&[piece], Then::Breaks)).await, "MALFORMED");
    }
}

#[tokio::test]
async fn as_many_fields_are_taken_and_one_more_is_a_limit() {
    let fields = |number: usize| {
        let mut sent = bytes(2 * number);
        // Field 1, of no bytes: two bytes on the wire.
        sent.iter_mut().skip(5).enumerate().for_each(|(at, byte)| *byte = [0x0a, 0][at % 2]);
        sent
    };
    let most = limits::MESSAGE_FIELDS_MAX;
    let limit = 4 * most;
    assert!(message(body(&[&fields(most)], Then::Ends), limit).await.is_ok());
    let refused = message(body(&[&fields(most + 1)], Then::Ends), limit).await.err().unwrap();
    assert_eq!(reason(&refused).2, Some(most.to_string()));
}

#[tokio::test]
async fn an_answer_leaves_in_slices_of_the_largest_size_and_loses_nothing() {
    let most = limits::ANSWER_SLICE_BYTES;
    let sent = bytes(2 * most);
    let mut sliced = Body::new(Sliced { head: sent.clone().into(), rest: Body::empty() });
    let mut sizes = Vec::new();
    while let Some(frame) = next(&mut sliced).await {
        sizes.push(frame.unwrap().into_data().unwrap().len());
    }
    assert_eq!(sizes, [most, most, 5]);
    let rest = body(&[&sent, &sent[..1]], Then::Ends);
    let sliced = Body::new(Sliced { head: Bytes::from_static(b"x"), rest });
    assert_eq!(content(sliced).await.len(), 1 + sent.len() + 1);
}
