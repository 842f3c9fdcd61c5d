//! A breaking and a closing, cut at every call of the store.

use oubliette::storage::memory::Counted;

use super::{alarms, breaks, close, doctor, filed, looks, reviews, ward};
use crate::{
    erase::{Plan, plans},
    house::{events, run, watch},
};

#[test]
fn a_breaking_cut_anywhere_leaves_event_alarm_and_review_or_none_and_one_answered_all() {
    let base = ward(640);
    let calls = {
        let house = base.copy(641);
        run(async {
            let vault = house.start().unwrap();
            let record = filed(&vault).await;
            house.disk.heal();
            breaks(&vault, &doctor(1), record, &["identity"]).await.unwrap();
            house.disk.calls(Counted::All)
        })
    };
    assert!(calls > 4, "{calls}");
    let (mut all, mut none) = (0, 0);
    for plan in plans((calls, 0)) {
        let house = base.copy(642);
        run(async {
            let vault = house.start().unwrap();
            let record = filed(&vault).await;
            let Plan::Store(fault) = plan else { panic!("{plan:?}") };
            house.disk.inject(Counted::All, fault);
            let answered = breaks(&vault, &doctor(1), record, &["identity"]).await.is_ok();
            vault.drain();
            drop(vault);

            let vault = house.start().unwrap_or_else(|e| panic!("{plan:?}: {e}"));
            let logged = events(&vault, "break-glass").await;
            let done = logged.iter().filter(|event| event.outcome == "OK").count();
            let (open, raised) = (reviews(&vault).await, alarms(&vault, "break-glass").await);
            assert_eq!((open.len(), raised.len()), (done, done), "{plan:?}");
            assert!(done == 1 || !answered, "answered and not there: {plan:?}");
            if done == 1 {
                all += 1;
                assert_eq!(raised[0].note, format!("review={}", open[0].id), "{plan:?}");
                assert!(open[0].broken.is_some(), "{plan:?}");
            } else {
                none += 1;
            }
            assert!(
                looks(&vault, &doctor(1), record).await.is_err(),
                "broken after a start: {plan:?}"
            );
        });
    }
    // There is one commit: the fault that keeps it is the one way to all three without an answer.
    assert!(all == 1 && none > 2, "{all} whole, {none} not");
}

#[test]
fn a_closing_cut_anywhere_is_done_with_its_event_or_not_and_one_answered_is() {
    let base = ward(643);
    let calls = {
        let house = base.copy(644);
        run(async {
            let vault = house.start().unwrap();
            let record = filed(&vault).await;
            breaks(&vault, &doctor(1), record, &["identity"]).await.unwrap();
            let review = reviews(&vault).await.pop().unwrap();
            house.disk.heal();
            close(&vault, &watch(), &review, "fine").await.unwrap();
            house.disk.calls(Counted::All)
        })
    };
    let (mut closed, mut not) = (0, 0);
    for plan in plans((calls, 0)) {
        let house = base.copy(645);
        run(async {
            let vault = house.start().unwrap();
            let record = filed(&vault).await;
            breaks(&vault, &doctor(1), record, &["identity"]).await.unwrap();
            let review = reviews(&vault).await.pop().unwrap();
            let Plan::Store(fault) = plan else { panic!("{plan:?}") };
            house.disk.inject(Counted::All, fault);
            let answered = close(&vault, &watch(), &review, "fine").await.is_ok();
            vault.drain();
            drop(vault);

            let vault = house.start().unwrap_or_else(|e| panic!("{plan:?}: {e}"));
            let review = reviews(&vault).await.pop().unwrap();
            let logged = events(&vault, "review-close").await;
            let done = logged.iter().any(|event| event.outcome == "OK");
            assert_eq!(review.closed.is_some(), done, "{plan:?}");
            assert_eq!(review.verdict.is_some(), done, "{plan:?}");
            assert!(done || !answered, "answered and open: {plan:?}");
            if done { closed += 1 } else { not += 1 }
        });
    }
    assert!(closed == 1 && not > 2, "{closed} closed, {not} not");
}
