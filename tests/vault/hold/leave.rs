//! Leave of a second person: who gives it, for what, how long and how often.

use oubliette::{
    clock::Clock as _,
    identity::{AgentKind, ApprovalError, Caller},
    ids::ApprovalId,
    limits,
    vault::{ApprovalInput, RevealInput, Vault, VaultError},
};

use super::{asked, bound, held_purpose, hold, leave, order};
use crate::house::{House, caller, care, class, clerk, events, filed, head, new_agent, run, watch};

fn why<T>(answer: Result<T, VaultError>) -> ApprovalError {
    match answer {
        Err(VaultError::Approval(error)) => error,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was allowed"),
    }
}

async fn ask(vault: &Vault) -> ApprovalId {
    vault.request_approval(&head(), asked(bound("hold-place", 1))).await.unwrap().0
}

/// Tries to hold a record with this leave.
async fn place(
    vault: &Vault,
    who: &Caller,
    approval: Option<ApprovalId>,
) -> Result<(), VaultError> {
    let record = filed(vault, "EXEMPLE-A", "2020-11-20").await.unwrap().record;
    let input = order(&[record], "2021-01-31", approval);
    vault.place_holds(who, &care(), input).await.map(drop)
}

#[test]
fn nobody_acts_without_leave_nor_before_it_is_given() {
    let house = House::founded(520);
    run(async {
        let vault = house.start().unwrap();
        assert!(matches!(why(place(&vault, &head(), None).await), ApprovalError::Needed));
        let id = ask(&vault).await;
        let early = place(&vault, &head(), Some(id)).await;
        assert!(matches!(why(early), ApprovalError::Pending));
        vault.approve(&watch(), id).await.unwrap();
        place(&vault, &head(), Some(id)).await.unwrap();
    });
}

#[test]
fn who_asked_gives_no_leave_and_neither_does_an_account_that_is_no_person() {
    let house = House::founded(521);
    run(async {
        let vault = house.start().unwrap();
        let id = ask(&vault).await;
        assert!(matches!(why(vault.approve(&head(), id).await), ApprovalError::SamePerson));
        let robot = Caller { kind: AgentKind::Service, ..watch() };
        assert!(matches!(why(vault.approve(&robot, id).await), ApprovalError::SamePerson));
        let unable = vault.approve(&clerk(), id).await;
        assert!(matches!(unable, Err(VaultError::Denied { .. })), "by the pack");
        vault.approve(&watch(), id).await.unwrap();
        let twice = vault.approve(&caller("head-2", "desk_head", None), id).await;
        assert!(matches!(why(twice), ApprovalError::Given));
    });
}

#[test]
fn leave_is_for_one_request_of_one_agent() {
    let house = House::founded(522);
    run(async {
        let vault = house.start().unwrap();
        let id = leave(&vault, bound("hold-place", 2)).await;
        let other = place(&vault, &head(), Some(id)).await;
        assert!(matches!(why(other), ApprovalError::Other), "another request");
        let id = leave(&vault, bound("reveal", 1)).await;
        let other = place(&vault, &head(), Some(id)).await;
        assert!(matches!(why(other), ApprovalError::Other), "another act");
        let id = leave(&vault, bound("hold-place", 1)).await;
        let somebody = caller("head-2", "desk_head", None);
        assert!(matches!(why(place(&vault, &somebody, Some(id)).await), ApprovalError::Other));
        let unknown = Some(ApprovalId::from_bytes([9; 16]));
        assert!(matches!(why(place(&vault, &head(), unknown).await), ApprovalError::Other));
        place(&vault, &head(), Some(id)).await.unwrap();
    });
}

#[test]
fn leave_is_used_once_also_by_two_at_the_same_time() {
    let house = House::founded(523);
    run(async {
        let vault = house.start().unwrap();
        let record = filed(&vault, "EXEMPLE-A", "2020-11-20").await.unwrap().record;
        hold(&vault, &[record]).await.unwrap();
        let of = bound("reveal", 2);
        let id = leave(&vault, of.clone()).await;
        let read = || {
            let (vault, approval) = (vault.clone(), Some((id, of.clone())));
            let input = RevealInput { record, classes: vec![class("identity")], approval };
            tokio::spawn(async move { vault.reveal(&head(), &held_purpose(), input).await })
        };
        let tries: Vec<_> = (0..8).map(|_| read()).collect();
        let mut shown = 0;
        for one in tries {
            match one.await.unwrap() {
                Ok(_) => shown += 1,
                refused => assert!(matches!(why(refused), ApprovalError::Used)),
            }
        }
        assert_eq!(shown, 1);
        let logged = events(&vault, "reveal").await;
        assert_eq!(logged.iter().filter(|event| event.outcome == "OK").count(), 1);
        assert_eq!(logged.len(), 8, "each refusal is in the log");
    });
}

#[test]
fn leave_is_over_24_hours_after_it_was_asked_for() {
    let house = House::founded(524);
    run(async {
        let vault = house.start().unwrap();
        let (early, late) = (ask(&vault).await, ask(&vault).await);
        house.clock.advance_millis(limits::APPROVAL_MS - 1);
        vault.approve(&watch(), early).await.unwrap();
        vault.approve(&caller("head-2", "desk_head", None), late).await.unwrap();
        let id = ask(&vault).await;
        house.clock.advance_millis(1);
        let over = place(&vault, &head(), Some(early)).await;
        assert!(matches!(why(over), ApprovalError::Expired));
        house.clock.advance_millis(-2);
        let set_back = place(&vault, &head(), Some(early)).await;
        assert!(matches!(why(set_back), ApprovalError::Expired), "a clock set back");
        house.clock.advance_millis(limits::APPROVAL_MS + 2);
        assert!(matches!(why(vault.approve(&watch(), id).await), ApprovalError::Expired));
    });
}

#[test]
fn leave_of_somebody_who_was_revoked_since_does_not_count() {
    let house = House::founded(525);
    run(async {
        let vault = house.start().unwrap();
        let keys = caller("keys-1", "keys", None);
        vault.create_agent(&keys, new_agent("watch-2", "watch", None)).await.unwrap();
        let second = caller("watch-2", "watch", None);
        let id = ask(&vault).await;
        vault.approve(&second, id).await.unwrap();
        vault.revoke_agent(&keys, second.agent.clone()).await.unwrap();
        let gone = place(&vault, &head(), Some(id)).await;
        assert!(matches!(why(gone), ApprovalError::ApproverGone));
    });
}

#[test]
fn who_decides_reads_what_is_asked_for_and_why() {
    let house = House::founded(526);
    run(async {
        let vault = house.start().unwrap();
        let id = ask(&vault).await;
        let listed = vault.list_approvals(&watch()).await.unwrap();
        let one = listed.iter().find(|one| one.id == id).unwrap();
        let asked = one.asked.as_ref().unwrap();
        assert_eq!(asked.justification.as_deref(), Some("requisition 1, fictional"));
        assert_eq!(asked.asked, ["identity"]);
        assert_eq!((one.requested_by.clone(), one.approved_by.clone()), (head().agent, None));
        assert!(matches!(vault.list_approvals(&clerk()).await, Err(VaultError::Denied { .. })));
    });
}

#[test]
fn the_reason_of_a_request_is_in_no_row_in_clear() {
    let house = House::founded(527);
    run(async {
        let vault = house.start().unwrap();
        ask(&vault).await;
        let text = b"requisition 1, fictional";
        house.disk.tamper(|rows| {
            let clear = |value: &Vec<u8>| value.windows(text.len()).any(|part| part == text);
            assert!(!rows.values().any(clear));
        });
    });
}

#[test]
fn an_approval_that_was_changed_on_disk_is_no_leave() {
    let house = House::founded(528);
    run(async {
        let vault = house.start().unwrap();
        let id = ask(&vault).await;
        house.disk.tamper(|rows| {
            let of = |key: &&Vec<u8>| key.starts_with(b"g/approval/");
            let key = rows.keys().find(of).unwrap().clone();
            rows.get_mut(&key).unwrap()[40] ^= 1;
        });
        let answer = vault.approve(&watch(), id).await;
        assert!(matches!(answer, Err(VaultError::Corrupt("approval"))));
    });
}

#[test]
fn what_is_over_for_seven_days_goes_and_not_before() {
    let house = House::founded(529);
    run(async {
        let vault = house.start().unwrap();
        let old = ask(&vault).await;
        house.pass_days(1);
        house.clock.advance_millis(limits::APPROVAL_KEPT_MS);
        vault.confirm_clock(&caller("keys-1", "keys", None), today(&house)).await.unwrap();
        let kept = ask(&vault).await;
        let listed = vault.list_approvals(&watch()).await.unwrap();
        assert!(listed.iter().any(|one| one.id == old), "at seven days");
        house.clock.advance_millis(1);
        ask(&vault).await;
        let listed = vault.list_approvals(&watch()).await.unwrap();
        assert!(!listed.iter().any(|one| one.id == old));
        assert!(listed.iter().any(|one| one.id == kept));
    });
}

fn today(house: &House) -> chrono::NaiveDate {
    house.clock.now().date_in(chrono_tz::Europe::Paris)
}

#[test]
fn as_many_approvals_are_kept_and_one_that_is_over_makes_room() {
    let house = House::founded(530);
    run(async {
        let vault = house.start().unwrap();
        let by = |number: usize| caller(&format!("head-{}", number / 100 + 10), "desk_head", None);
        let ask_as = async |number: usize| {
            vault.request_approval(&by(number), asked(bound("hold-place", 1))).await
        };
        for number in 0..limits::APPROVALS_MAX {
            ask_as(number).await.unwrap();
        }
        assert!(matches!(why(ask_as(limits::APPROVALS_MAX).await), ApprovalError::Full { .. }));
        house.clock.advance_millis(limits::APPROVAL_MS);
        let (id, _) = ask_as(limits::APPROVALS_MAX).await.unwrap();
        let listed = vault.list_approvals(&watch()).await.unwrap();
        assert_eq!(listed.len(), limits::APPROVALS_MAX);
        assert!(listed.iter().any(|one| one.id == id));
    });
}

#[test]
fn one_agent_has_as_many_open_approvals_and_one_more_is_refused() {
    let house = House::founded(532);
    run(async {
        let vault = house.start().unwrap();
        for _ in 0..limits::APPROVALS_PER_AGENT_MAX {
            ask(&vault).await;
        }
        let more = vault.request_approval(&head(), asked(bound("hold-place", 1))).await;
        let limit = limits::APPROVALS_PER_AGENT_MAX;
        assert!(matches!(why(more), ApprovalError::Full { limit: told } if told == limit));
        let other = caller("head-2", "desk_head", None);
        let asked_by_other = vault.request_approval(&other, asked(bound("hold-place", 1))).await;
        assert!(asked_by_other.is_ok(), "nobody keeps another from asking");
    });
}

#[test]
fn a_reason_is_needed_and_has_its_bound() {
    let house = House::founded(531);
    run(async {
        let vault = house.start().unwrap();
        let with = |reason: String| ApprovalInput { reason, ..asked(bound("hold-place", 1)) };
        for reason in [String::new(), " ".to_owned(), "a".repeat(501)] {
            let refused = vault.request_approval(&head(), with(reason)).await;
            assert!(matches!(refused, Err(VaultError::Invalid(v)) if v[0].path == "reason"));
        }
        vault.request_approval(&head(), with("a".repeat(500))).await.unwrap();
    });
}

#[test]
fn of_two_holds_placed_at_the_same_time_with_one_leave_one_is_in_force_and_the_other_says_why() {
    let house = House::founded(533);
    run(async {
        let vault = house.start().unwrap();
        let record = filed(&vault, "EXEMPLE-A", "2020-11-20").await.unwrap().record;
        let approval = Some(leave(&vault, bound("hold-place", 1)).await);
        let place = || {
            let vault = vault.clone();
            let input = order(&[record], "2021-01-31", approval);
            tokio::spawn(async move { vault.place_holds(&head(), &care(), input).await })
        };
        let tries: Vec<_> = (0..6).map(|_| place()).collect();
        let mut placed = 0;
        for one in tries {
            match one.await.unwrap() {
                Ok(_) => placed += 1,
                refused => assert!(matches!(why(refused), ApprovalError::Used)),
            }
        }
        assert_eq!((placed, vault.state().unwrap().holds.len()), (1, 1));
    });
}
