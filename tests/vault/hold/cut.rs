//! Placing and releasing holds, cut at every call of store and places.

use oubliette::storage::memory::Counted;

use super::{bound, due_and_held, gone, hold, leave, order, read_held};
use crate::{
    erase::{Plan, plans},
    house::{House, care, filed, head, reveal, rows, run, text_of, watch},
};

fn inject(house: &House, plan: Plan) {
    match plan {
        Plan::Store(fault) => house.disk.inject(Counted::All, fault),
        Plan::Place(n, fault) => house.places.fail(house.places.calls() + n, fault, true),
    }
}

#[test]
fn a_hold_cut_anywhere_is_in_force_or_not_and_one_that_was_answered_is() {
    let base = House::founded(540);
    let calls = {
        let house = base.copy(541);
        run(async {
            let vault = house.start().unwrap();
            let record = filed(&vault, "EXEMPLE-A", "2020-08-24").await.unwrap().record;
            let approval = Some(leave(&vault, bound("hold-place", 1)).await);
            let places = house.places.calls();
            house.disk.heal();
            let input = order(&[record], "2021-01-31", approval);
            vault.place_holds(&head(), &care(), input).await.unwrap();
            (house.disk.calls(Counted::All), house.places.calls() - places)
        })
    };
    assert!(calls.0 > 4 && calls.1 > 5, "{calls:?}");
    let (mut placed, mut not) = (0, 0);
    for plan in plans(calls) {
        let house = base.copy(542);
        run(async {
            let vault = house.start().unwrap();
            let record = filed(&vault, "EXEMPLE-A", "2020-08-24").await.unwrap().record;
            let approval = Some(leave(&vault, bound("hold-place", 1)).await);
            inject(&house, plan);
            let input = order(&[record], "2021-01-31", approval);
            let answered = vault.place_holds(&head(), &care(), input).await.is_ok();
            vault.drain();
            drop(vault);

            let vault = house.start().unwrap_or_else(|e| panic!("{plan:?}: {e}"));
            assert!(reveal(&vault, record).await.is_ok(), "{plan:?}");
            let in_force = !vault.state().unwrap().holds.is_empty();
            assert!(in_force || !answered, "answered and not in force: {plan:?}");
            house.pass_days(1);
            vault.run_purge(&watch()).await.unwrap_or_else(|e| panic!("{plan:?}: {e}"));
            let read = read_held(&vault, record, &["identity"]).await;
            if in_force {
                placed += 1;
                let shown = read.unwrap_or_else(|e| panic!("{plan:?}: {e}"));
                assert_eq!(text_of(&shown, "family_name"), Some("EXEMPLE-A"), "{plan:?}");
            } else {
                not += 1;
                assert!(gone(&read), "{plan:?}");
            }
        });
    }
    assert!(placed > 5 && not > 5, "{placed} placed, {not} not");
}

#[test]
fn a_release_cut_anywhere_erases_or_keeps_and_one_that_was_answered_erased() {
    let base = House::founded(543);
    let calls = {
        let house = base.copy(544);
        run(async {
            let vault = house.start().unwrap();
            let (_, _, id) = due_and_held(&vault).await;
            house.pass_days(1);
            vault.run_purge(&watch()).await.unwrap();
            let places = house.places.calls();
            house.disk.heal();
            vault.release_holds(&head(), vec![id]).await.unwrap();
            (house.disk.calls(Counted::All), house.places.calls() - places)
        })
    };
    assert!(calls.0 > 10 && calls.1 > 5, "{calls:?}");
    let (mut erased, mut kept) = (0, 0);
    for plan in plans(calls) {
        let house = base.copy(545);
        run(async {
            let vault = house.start().unwrap();
            let (held, _, id) = due_and_held(&vault).await;
            let young = filed(&vault, "EXEMPLE-C", "2020-11-20").await.unwrap().record;
            let live = hold(&vault, &[young]).await.unwrap()[0];
            house.pass_days(1);
            vault.run_purge(&watch()).await.unwrap();
            inject(&house, plan);
            let answered = vault.release_holds(&head(), vec![id]).await.is_ok();
            vault.drain();
            drop(vault);

            let vault = house.start().unwrap_or_else(|e| panic!("{plan:?}: {e}"));
            let holds = vault.state().unwrap().holds;
            assert!(holds.iter().any(|hold| hold.id == live), "another hold went: {plan:?}");
            let in_force = holds.iter().any(|hold| hold.id == id);
            assert!(!in_force || !answered, "answered and in force: {plan:?}");
            let read = read_held(&vault, held, &["identity"]).await;
            let left = rows(&house, b'r').iter().any(|key| key.ends_with(held.as_bytes()));
            if in_force {
                kept += 1;
                assert!(read.is_ok() && left, "{plan:?}");
            } else {
                erased += 1;
                assert!(gone(&read) && !left, "{plan:?}");
                assert_eq!(rows(&house, b'n'), Vec::<Vec<u8>>::new(), "a count was left: {plan:?}");
            }
        });
    }
    assert!(erased > 5 && kept > 5, "{erased} erased, {kept} kept");
}
