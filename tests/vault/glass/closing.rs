//! Reviews: who closes one, once, with what; and what is overdue.

use oubliette::{
    identity::{AgentKind, ReviewError},
    vault::{ReviewVerdict, VaultError},
};

use super::{breaks, close, doctor, filed, later, reviews, ward};
use crate::house::{caller, events, head, run, watch};

const HOUR_MS: i64 = 60 * 60 * 1000;

fn is(answer: &Result<(), VaultError>, wanted: fn(&ReviewError) -> bool) -> bool {
    matches!(answer, Err(VaultError::Review(error)) if wanted(error))
}

#[test]
fn another_person_closes_a_review_once_and_nobody_his_own() {
    run(async {
        let vault = ward(620).start().unwrap();
        let record = filed(&vault).await;
        breaks(&vault, &doctor(1), record, &["identity"]).await.unwrap();
        let review = reviews(&vault).await.pop().unwrap();
        let own = close(&vault, &doctor(1), &review, "I was right").await;
        assert!(is(&own, |e| matches!(e, ReviewError::SamePerson)));
        let mut service = caller("watch-9", "watch", None);
        service.kind = AgentKind::Service;
        let by_service = close(&vault, &service, &review, "fine").await;
        assert!(is(&by_service, |e| matches!(e, ReviewError::SamePerson)));
        assert!(reviews(&vault).await[0].closed.is_none());

        close(&vault, &doctor(2), &review, "the ward confirms").await.unwrap();
        let closed = reviews(&vault).await.pop().unwrap();
        assert_eq!(closed.closed.unwrap().0.as_str(), "doctor-2");
        let verdict = closed.verdict.unwrap();
        assert_eq!(verdict.justification.as_deref(), Some("the ward confirms"));
        let noted = format!("verdict={}", ReviewVerdict::Justified.as_str());
        assert!(verdict.notes.contains(&noted), "{:?}", verdict.notes);
        let twice = close(&vault, &watch(), &review, "again").await;
        assert!(is(&twice, |e| matches!(e, ReviewError::Unknown)));
        assert!(vault.list_reviews(&watch(), true).await.unwrap().is_empty());
        let outcomes: Vec<_> =
            events(&vault, "review-close").await.into_iter().map(|e| e.outcome).collect();
        assert_eq!(outcomes, ["NO_REVIEW", "OK", "REVIEWER_REFUSED", "REVIEWER_REFUSED"]);
    });
}

#[test]
fn a_review_is_closed_with_words_and_by_those_the_pack_lets() {
    run(async {
        let vault = ward(621).start().unwrap();
        let record = filed(&vault).await;
        breaks(&vault, &doctor(1), record, &["identity"]).await.unwrap();
        let review = reviews(&vault).await.pop().unwrap();
        for text in ["", " ", &"x".repeat(501)] {
            let answer = close(&vault, &watch(), &review, text).await;
            assert!(matches!(answer, Err(VaultError::Invalid(_))), "{}", text.len());
        }
        let answer = close(&vault, &head(), &review, "fine").await;
        assert!(matches!(answer, Err(VaultError::Denied { .. })));
        assert!(matches!(vault.list_reviews(&head(), true).await, Err(VaultError::Denied { .. })));
        assert!(close(&vault, &watch(), &review, &"x".repeat(500)).await.is_ok());
    });
}

#[test]
fn a_review_past_its_time_is_overdue_in_the_list_and_in_the_state_until_it_is_closed() {
    run(async {
        let house = ward(622);
        let vault = house.start().unwrap();
        let record = filed(&vault).await;
        breaks(&vault, &doctor(1), record, &["identity"]).await.unwrap();
        let counts = || vault.state().unwrap().reviews;
        house.clock.advance_millis(24 * HOUR_MS - 1);
        assert_eq!((counts().open, counts().overdue), (1, 0));
        assert!(!reviews(&vault).await[0].overdue);
        house.clock.advance_millis(1);
        assert_eq!((counts().open, counts().overdue), (1, 1));
        let review = reviews(&vault).await.pop().unwrap();
        assert!(review.overdue);
        assert_eq!(review.age_ms, 24 * HOUR_MS);
        close(&vault, &watch(), &review, "late, and right").await.unwrap();
        assert_eq!((counts().open, counts().overdue), (0, 0));
        assert!(!reviews(&vault).await[0].overdue);
    });
}

#[test]
fn what_is_due_first_is_listed_first_and_what_is_closed_last() {
    run(async {
        let house = ward(623);
        let vault = house.start().unwrap();
        let mut opened = Vec::new();
        for number in 1..=3 {
            let record = filed(&vault).await;
            let shown = breaks(&vault, &doctor(number), record, &["identity"]).await.unwrap();
            opened.push(shown.broken.unwrap().review);
            house.clock.advance_millis(HOUR_MS);
        }
        let first = reviews(&vault).await.remove(0);
        close(&vault, &watch(), &first, "fine").await.unwrap();
        let listed: Vec<_> = reviews(&vault).await.into_iter().map(|r| r.id).collect();
        assert_eq!(listed, [opened[1], opened[2], opened[0]]);
    });
}

#[test]
fn a_closed_review_is_listed_for_its_time_and_an_open_one_for_ever() {
    run(async {
        let house = ward(624);
        let vault = house.start().unwrap();
        let (one, two) = (filed(&vault).await, filed(&vault).await);
        breaks(&vault, &doctor(1), one, &["identity"]).await.unwrap();
        let closed = reviews(&vault).await.pop().unwrap();
        close(&vault, &watch(), &closed, "fine").await.unwrap();
        breaks(&vault, &doctor(2), two, &["identity"]).await.unwrap();
        let open = vault.list_reviews(&watch(), true).await.unwrap().pop().unwrap();
        let again = |date: &'static str| {
            let vault = &vault;
            async move {
                let input = crate::house::island_file("EXEMPLE-B", date);
                let record =
                    vault.create(&head(), &crate::house::care(), input).await.unwrap().record;
                breaks(vault, &doctor(3), record, &["identity"]).await.unwrap();
                reviews(vault).await.into_iter().map(|r| r.id).collect::<Vec<_>>()
            }
        };
        later(&house, &vault, 400).await;
        let listed = again("2021-12-27").await;
        assert!(listed.contains(&closed.id) && listed.contains(&open.id), "at its bound");
        house.clock.advance_millis(1);
        let listed = again("2021-12-27").await;
        assert!(!listed.contains(&closed.id) && listed.contains(&open.id), "and after it");
    });
}
