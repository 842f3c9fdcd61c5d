//! Bounds of a listing.

use oubliette::{
    limits,
    wire::api::{ListEventsRequest, ListEventsResponse},
};
use prost::Message as _;

use super::served;
use crate::support::{DPO, Raw, run};

#[test]
fn a_page_of_the_largest_size_is_given_and_a_larger_one_is_a_limit() {
    run(async {
        let served = served().await;
        let (raw, token) = (Raw::connect(served.address).await, served.token(DPO).await);
        let dpo = served.as_agent(DPO).await;
        while served.log_size() <= limits::PAGE_MAX as u64 {
            dpo.checkpoint().await.unwrap();
        }
        let page = async |page_size: usize| {
            let page_size = u32::try_from(page_size).unwrap();
            let request = ListEventsRequest { page_size, ..ListEventsRequest::default() };
            raw.call("Audit/ListEvents", Some(&token), &request.encode_to_vec()).await
        };
        for (asked, given) in [(0, limits::PAGE_DEFAULT), (limits::PAGE_MAX, limits::PAGE_MAX)] {
            let answer = page(asked).await;
            assert!(answer.is_ok(), "{:?}", answer.status);
            let listed = ListEventsResponse::decode(&answer.message[5..]).unwrap();
            assert_eq!(listed.events.len(), given);
        }
        let (reason, metadata) = page(limits::PAGE_MAX + 1).await.reason();
        assert_eq!((reason.as_str(), metadata["limit"].as_str()), ("LIMIT", "500"));
    });
}
