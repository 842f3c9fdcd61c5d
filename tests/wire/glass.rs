//! Broken glass and its reviews over the real socket, under the pack of another domain.

use std::path::Path;

use oubliette::{
    client::{
        Client, ClientError, Reason, Refusal,
        types::{BreakGlass, Intent, NewRecord, Revealed, ReviewVerdict},
    },
    ids::{RecordId, ReviewId},
};

use crate::support::{House, Served, refused, run, text};

const HOUR_MS: i64 = 60 * 60 * 1000;

fn town(seed: u64) -> House {
    let pack = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/municipal-desk");
    House::in_memory_under(pack, seed)
}

async fn filed(served: &Served<'_>) -> RecordId {
    let named = |name: &str, value: &str| (name.to_owned(), text(value));
    let new = NewRecord {
        collection: "requests".to_owned(),
        subject: None,
        collected_on: "2020-11-22".to_owned(),
        attributes: vec![
            named("territory", "town"),
            named("state", "received"),
            named("kind", "food"),
        ],
        fields: vec![
            named("last_name", "EXEMPLE-VILLE"),
            named("first_names", "Exemple"),
            named("phone", "0639980002"),
        ],
    };
    let front = served.as_agent("front-desk").await;
    front.create(&Intent::of("assistance"), new).await.unwrap().record
}

async fn breaks(duty: &Client, record: RecordId, purpose: &str) -> Result<Revealed, ClientError> {
    let stated = BreakGlass {
        code: "person_in_danger".to_owned(),
        text: "EXEMPLE-WHY no answer since Monday".to_owned(),
    };
    duty.break_glass(&Intent::of(purpose), record, &["contact"], &stated).await
}

fn whole(result: Result<Revealed, ClientError>) -> Refusal {
    match result {
        Err(ClientError::Refused(refusal)) => *refusal,
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("an answer where a refusal was due"),
    }
}

#[test]
fn a_review_past_its_time_makes_the_vault_unwell_until_it_is_closed() {
    run(async {
        let house = town(900);
        let served = house.serve().await;
        let record = filed(&served).await;
        let duty = served.as_agent("duty").await;
        let broken = breaks(&duty, record, "emergency").await.unwrap().broken.unwrap();
        let dpo = served.as_agent("dpo-2").await;
        let alarms = dpo.list_alarms().await.unwrap();
        assert_eq!(alarms.iter().map(|a| a.kind.as_str()).collect::<Vec<_>>(), ["break-glass"]);
        dpo.ack_alarm(alarms[0].alarm).await.unwrap();
        let state = dpo.status().await.unwrap();
        assert!(state.is_well(), "open, and in time");
        assert_eq!((state.open_reviews, state.overdue_reviews), (1, 0));

        // Two steps, with an event between: a longer silence would trip the clock.
        for _ in 0..2 {
            house.clock.advance_millis(24 * HOUR_MS);
            served.forget_sessions().await;
            served.as_agent("dpo-2").await;
        }
        let dpo = served.as_agent("dpo-2").await;
        let state = dpo.status().await.unwrap();
        assert_eq!((state.open_reviews, state.overdue_reviews), (1, 1));
        assert!(!state.clock_tripped && state.open_alarms == 0);
        assert!(!state.is_well(), "overdue, and nothing else is wrong");
        let review = dpo.list_reviews(true).await.unwrap().pop().unwrap();
        assert_eq!((review.review, review.overdue, review.age_hours), (broken.review, true, 48));
        dpo.close_review(broken.review, ReviewVerdict::Referred, "handed on").await.unwrap();
        assert!(dpo.status().await.unwrap().is_well());
        served.stop().await;
    });
}

#[test]
fn a_breaking_that_opens_nothing_answers_to_the_byte_as_if_there_were_no_record() {
    run(async {
        let house = town(901);
        let served = house.serve().await;
        let record = filed(&served).await;
        let duty = served.as_agent("duty").await;
        let forbidden = whole(breaks(&duty, record, "assistance").await);
        let absent = whole(breaks(&duty, RecordId::from_bytes([9; 16]), "assistance").await);
        assert_eq!(forbidden.reason, Some(Reason::NotAvailable));
        assert_eq!(format!("{forbidden:?}"), format!("{absent:?}"));
        assert!(!format!("{forbidden:?}").contains("EXEMPLE"));
        let nowhere = breaks(&served.as_agent("front-desk").await, record, "emergency").await;
        assert_eq!(refused(nowhere), Reason::Denied);
        assert!(breaks(&duty, record, "emergency").await.is_ok(), "for its purpose it opens");
        served.stop().await;
    });
}

#[test]
fn an_unknown_review_and_one_without_words_are_refused_with_their_reasons() {
    run(async {
        let house = town(902);
        let served = house.serve().await;
        let record = filed(&served).await;
        let duty = served.as_agent("duty").await;
        let review = breaks(&duty, record, "emergency").await.unwrap().broken.unwrap().review;
        let dpo = served.as_agent("dpo-2").await;
        let close = |client: Client, review, text: &'static str| async move {
            client.close_review(review, ReviewVerdict::Justified, text).await
        };
        let unknown = ReviewId::from_bytes([9; 16]);
        assert_eq!(refused(close(dpo.clone(), unknown, "fine").await), Reason::NoReview);
        assert_eq!(refused(close(dpo.clone(), review, " ").await), Reason::InvalidFields);
        assert_eq!(refused(close(duty.clone(), review, "fine").await), Reason::Denied);
        assert_eq!(refused(duty.list_reviews(true).await), Reason::Denied);
        close(dpo, review, "fine").await.unwrap();
        served.stop().await;
    });
}
