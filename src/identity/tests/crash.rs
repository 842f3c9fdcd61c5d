//! Every point at which a change of the directory can be cut, counted on a clean run: after a restart
//! the change is there or not, never half, and nothing that was answered is undone.

use super::{
    World,
    world::{CHOSEN, id},
};
use crate::{
    identity::IdentityError,
    keyring::Fault,
    storage::memory::{Counted, Fault as DiskFault},
};

#[test]
fn a_revocation_cut_at_any_call_to_the_places_is_whole_after_a_restart() {
    let clean = World::new();
    let before = clean.places.calls();
    clean.revoke("clerk-1").unwrap();
    let calls = clean.places.calls() - before;
    assert!(calls > 4, "{calls}");
    for call in 1..=calls {
        for fault in [Fault::Lost, Fault::Kept, Fault::Torn] {
            let mut world = World::new();
            world.places.fail(world.places.calls() + call, fault, true);
            let answer = world.revoke("clerk-1");
            world.restart().unwrap();
            // The row was durable before the places were touched, so opening finishes the change.
            let revocation = world.log.keyring().revocation(&id("clerk-1"));
            assert!(revocation.is_some_and(|r| r.revoked), "{call} {fault:?} {answer:?}");
            assert!(world.identity.find(&id("clerk-1")).unwrap().revoked);
        }
    }
}

#[test]
fn a_revocation_cut_at_any_commit_is_there_or_not_and_never_undone_once_answered() {
    let clean = World::new();
    clean.disk.heal();
    clean.revoke("clerk-1").unwrap();
    let commits = clean.disk.calls(Counted::Commits);
    assert!(commits >= 2, "{commits}");
    for number in 0..commits {
        for fault in [DiskFault::FailAndNotPersist(number), DiskFault::FailButPersist(number)] {
            let mut world = World::new();
            world.disk.inject(Counted::Commits, fault);
            let answer = world.revoke("clerk-1");
            assert_eq!(answer, Err(IdentityError::Unavailable), "{fault:?}");
            world.restart().unwrap();
            let row = world.identity.find(&id("clerk-1")).unwrap().revoked;
            let keyring = world.log.keyring().revocation(&id("clerk-1")).unwrap().revoked;
            assert_eq!(row, keyring, "{fault:?}");
            let lost = matches!(fault, DiskFault::FailAndNotPersist(0));
            assert_eq!(row, !lost, "{fault:?}");
        }
    }
}

#[test]
fn a_change_of_secret_whose_generation_was_lost_is_settled_by_the_next_opening() {
    let mut world = World::new();
    let old = world.row("clerk-1").unwrap();
    let session = world.login("clerk-1", CHOSEN).unwrap();
    world.places.fail(world.places.calls() + 1, Fault::Lost, true);
    let answer = world.change(session.token.expose(), CHOSEN, "another long secret");
    assert_eq!(answer, Err(IdentityError::Unavailable));
    world.restart().unwrap();
    assert!(world.login("clerk-1", "another long secret").is_ok());
    let floor = world.log.keyring().revocation(&id("clerk-1")).unwrap().min_revision;
    assert_eq!(floor, world.identity.find(&id("clerk-1")).unwrap().revision);
    world.put_row("clerk-1", old);
    world.restart().unwrap();
    assert_eq!(world.login("clerk-1", CHOSEN).err(), Some(IdentityError::BadCredentials));
}

#[test]
fn a_login_over_a_log_that_cannot_be_written_opens_no_session() {
    let world = World::new();
    assert!(world.login("clerk-1", CHOSEN).is_ok());
    world.disk.inject(Counted::Commits, DiskFault::DeadFrom(0));
    assert_eq!(world.login("clerk-1", CHOSEN).err(), Some(IdentityError::Unavailable));
    world.disk.heal();
    let latched = world.login("clerk-1", CHOSEN).err();
    assert_eq!(latched, Some(IdentityError::Unavailable), "until restart");
}
