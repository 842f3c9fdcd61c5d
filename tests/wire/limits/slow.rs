//! Callers who do not take their answers.

use oubliette::{limits, server::Bounds, wire::api::ListEventsRequest};
use prost::Message as _;

use super::{in_progress, served};
use crate::support::{
    DPO, Raw, Served,
    raw::{Call, framed, read},
    run,
};

/// A window much smaller than the answer.
const WINDOW: u32 = 1_000;

/// Asks for a page of events that is larger than several slices.
async fn large(served: &Served<'_>, raw: &Raw) -> Call {
    let dpo = served.as_agent(DPO).await;
    while served.log_size() <= limits::PAGE_MAX as u64 {
        dpo.checkpoint().await.unwrap();
    }
    let token = served.token(DPO).await;
    let request = ListEventsRequest { page_size: 500, ..ListEventsRequest::default() };
    let mut call = raw.start("Audit/ListEvents", Some(&token), &[]).await;
    call.send(framed(&request.encode_to_vec()), true);
    call
}

#[test]
fn an_answer_nobody_takes_is_given_up_and_its_place_with_it() {
    run(async {
        let served = served().await;
        let within = served.within(Bounds { calls: 1, idle_ms: 50, ..Bounds::default() }).await;
        let raw = Raw::with_window(within.address, WINDOW).await;
        let mut body = large(&served, &raw).await.body().await;
        let first = body.data().await.unwrap().unwrap();
        // The only place is taken until the answer is given up.
        in_progress(&within.calls, 0).await;
        body.flow_control().release_capacity(first.len()).unwrap();
        let answer = read(body).await;
        assert_eq!(answer.reason().0, "STREAM_IDLE");
        assert!(answer.message.len() <= 2 * limits::ANSWER_SLICE_BYTES);
    });
}

#[test]
fn an_answer_taken_slowly_but_steadily_arrives_whole() {
    run(async {
        let served = served().await;
        let within = served.within(Bounds { calls: 1, ..Bounds::default() }).await;
        let raw = Raw::with_window(within.address, WINDOW).await;
        let answer = read(large(&served, &raw).await.body().await).await;
        assert!(answer.is_ok(), "{:?}", answer.status);
        assert!(answer.message.len() > 2 * limits::ANSWER_SLICE_BYTES);
        in_progress(&within.calls, 0).await;
    });
}
