//! Logins and sessions: right and wrong, known and unknown, in time and too late.

use super::{
    World,
    world::{CHOSEN, PACK, agent_until_today, bytes, id, run},
};
use crate::{identity::IdentityError, limits};

const HOUR_MS: i64 = 3_600_000;

#[test]
fn a_right_secret_opens_a_session_and_its_event_is_durable_first() {
    let world = World::new();
    let leaves = world.leaves();
    let session = world.login("clerk-1", CHOSEN).unwrap();
    assert_eq!(world.leaves(), leaves + 1);
    let event = world.last_event();
    assert_eq!((event.action.as_str(), event.decision.as_str()), ("login", "allow"));
    assert_eq!(event.agent, Some(id("clerk-1")));
    assert_eq!(event.role.unwrap().as_str(), "clerk");
    assert_eq!(event.pack_hash, PACK);
    assert!(!session.must_change_secret);
    let caller = world.identity.caller(session.token.expose()).unwrap();
    assert_eq!(caller.agent, id("clerk-1"));
}

#[test]
fn a_wrong_secret_opens_none_and_its_event_names_the_agent() {
    let world = World::new();
    assert_eq!(world.login("admin", "not the secret").err(), Some(IdentityError::BadCredentials));
    let event = world.last_event();
    assert_eq!(event.action, "login-failed");
    assert_eq!((event.decision.as_str(), event.outcome.as_str()), ("deny", "BAD_CREDENTIALS"));
    assert_eq!(event.agent, Some(id("admin")));
}

#[test]
fn an_unknown_agent_is_answered_alike_and_its_event_names_nobody() {
    let world = World::new();
    assert_eq!(world.login("martin", "not the secret").err(), Some(IdentityError::BadCredentials));
    let event = world.last_event();
    assert_eq!(event.action, "login-failed");
    assert_eq!(event.outcome, "BAD_CREDENTIALS");
    assert_eq!(event.agent, None);
}

#[test]
fn too_many_failures_delay_the_agent_before_hashing_and_write_no_more_events() {
    let world = World::new();
    for _ in 0..=limits::LOGIN_FREE_FAILURES {
        assert_eq!(world.login("admin", "wrong").err(), Some(IdentityError::BadCredentials));
    }
    let leaves = world.leaves();
    let right = world.first[0].clone();
    let refused = world.login("admin", &right).err();
    assert_eq!(refused, Some(IdentityError::Throttled { retry_ms: 1_000 }));
    assert_eq!(world.leaves(), leaves);
    assert!(world.login("dpo", &world.first[1]).is_ok(), "another agent is not delayed");
    world.clock.advance_millis(1_000);
    assert!(world.login("admin", &right).is_ok());
}

#[test]
fn a_one_time_session_may_change_its_secret_and_nothing_else() {
    let world = World::new();
    let once = &world.first[0];
    let session = world.login("admin", once).unwrap();
    let token = session.token.expose();
    assert!(session.must_change_secret);
    assert_eq!(world.identity.caller(token).err(), Some(IdentityError::MustChangeSecret));
    world.change(token, once, CHOSEN).unwrap();
    assert_eq!(world.identity.caller(token).err(), Some(IdentityError::NoSession));
    assert_eq!(world.login("admin", once).err(), Some(IdentityError::BadCredentials));
    let session = world.login("admin", CHOSEN).unwrap();
    assert!(!session.must_change_secret);
    assert!(world.identity.caller(session.token.expose()).is_ok());
}

#[test]
fn a_clock_set_back_revives_no_habilitation_that_had_ended() {
    let world = World::new();
    world.settled_agent(agent_until_today("guest", None));
    assert!(world.login("guest", CHOSEN).is_ok());
    world.clock.advance_millis(24 * HOUR_MS);
    assert_eq!(world.login("guest", CHOSEN).err(), Some(IdentityError::NoHabilitation));
    world.clock.advance_millis(-24 * HOUR_MS);
    assert_eq!(world.login("guest", CHOSEN).err(), Some(IdentityError::NoHabilitation));
    assert!(world.login("clerk-1", CHOSEN).is_ok());
}

#[test]
fn a_session_lives_while_its_habilitation_does_and_ends_with_it() {
    let world = World::new();
    world.settled_agent(agent_until_today("temp", None));
    let session = world.login("temp", CHOSEN).unwrap();
    let token = session.token.expose();
    // 08:00 UTC; the habilitation's last day ends at midnight, within the session's life once used.
    world.clock.advance_millis(4 * HOUR_MS);
    assert_eq!(world.identity.caller(token).err(), Some(IdentityError::NoSession), "idle");
    world.clock.advance_millis(11 * HOUR_MS + 50 * 60_000);
    let late = world.login("temp", CHOSEN).unwrap();
    assert!(world.identity.caller(late.token.expose()).is_ok());
    world.clock.advance_millis(15 * 60_000);
    let ended = world.identity.caller(late.token.expose()).err();
    assert_eq!(ended, Some(IdentityError::NoHabilitation));
    assert_eq!(world.identity.caller(late.token.expose()).err(), Some(IdentityError::NoSession));
    assert_eq!(world.login("temp", CHOSEN).err(), Some(IdentityError::NoHabilitation));
    let event = world.last_event();
    assert_eq!(
        (event.action.as_str(), event.outcome.as_str()),
        ("login-failed", "NO_HABILITATION")
    );
}

#[test]
fn the_last_day_ends_at_midnight_of_the_habilitations_own_territory() {
    let world = World::new();
    world.settled_agent(agent_until_today("here", None));
    world.settled_agent(agent_until_today("there", Some("east")));
    // 21:00 UTC is one in the morning of the 24th in the east.
    world.clock.advance_millis(13 * HOUR_MS);
    assert!(world.login("here", CHOSEN).is_ok());
    assert_eq!(world.login("there", CHOSEN).err(), Some(IdentityError::NoHabilitation));
}

#[test]
fn logging_out_ends_this_session_and_no_other() {
    let world = World::new();
    let (one, two) =
        (world.login("clerk-1", CHOSEN).unwrap(), world.login("clerk-1", CHOSEN).unwrap());
    run(world.identity.logout(one.token.expose(), PACK)).unwrap();
    assert_eq!(world.last_event().action, "logout");
    assert_eq!(world.identity.caller(one.token.expose()).err(), Some(IdentityError::NoSession));
    assert!(world.identity.caller(two.token.expose()).is_ok());
    let again = run(world.identity.logout(one.token.expose(), PACK));
    assert_eq!(again, Err(IdentityError::NoSession));
}

#[test]
fn a_restart_ends_every_session() {
    let mut world = World::new();
    let session = world.login("clerk-1", CHOSEN).unwrap();
    world.restart().unwrap();
    let token = session.token.expose();
    assert_eq!(world.identity.caller(token).err(), Some(IdentityError::NoSession));
    assert!(world.login("clerk-1", CHOSEN).is_ok());
}

#[test]
fn a_new_secret_must_be_strong_and_new_and_the_old_one_right() {
    let world = World::new();
    let session = world.login("clerk-1", CHOSEN).unwrap();
    let token = session.token.expose();
    for weak in ["short", "aaaaaaaaaaaaaaaaaaaa", CHOSEN] {
        assert_eq!(world.change(token, CHOSEN, weak), Err(IdentityError::WeakSecret), "{weak}");
    }
    let guessed = world.change(token, "not the secret", "another long secret");
    assert_eq!(guessed, Err(IdentityError::BadCredentials));
    let event = world.last_event();
    assert_eq!((event.action.as_str(), event.decision.as_str()), ("change-secret", "deny"));
    assert!(world.identity.caller(token).is_ok(), "a refused change ends nothing");
    let unknown = run(world.identity.change_secret(&[0; 32], bytes("a"), bytes("b"), PACK));
    assert_eq!(unknown, Err(IdentityError::NoSession));
}
