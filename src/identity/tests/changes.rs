//! Changes of the directory, and what somebody who writes or restores the database gains: nothing.

use std::sync::Arc;

use super::{
    World,
    world::{CHOSEN, PACK, agent, id, run, text},
};
use crate::{
    audit::{ALARM_ROLLBACK, EventDraft, EventFilter},
    clock::Clock,
    identity::{IdentityError, appoint_first, row::Agent},
    limits,
    storage::keys,
};

#[test]
fn the_first_two_agents_are_appointed_once_in_one_event() {
    let world = World::new();
    let names: Vec<_> = world.identity.list().into_iter().map(|a| a.agent.to_string()).collect();
    assert_eq!(names, ["admin", "clerk-1", "dpo"]);
    let first = world.identity.find(&id("admin")).unwrap();
    assert!(first.one_time_secret && first.revision == 1);
    let again = appoint_first(&world.log, [agent("x"), agent("y")], PACK);
    assert_eq!(again.err(), Some(IdentityError::Exists));
}

#[test]
fn one_person_cannot_be_both_of_the_first_two() {
    let world = World::new();
    world.disk.tamper(|rows| rows.retain(|key, _| !key.starts_with(&keys::agents())));
    let both = appoint_first(&world.log, [agent("admin"), agent("admin")], PACK);
    assert_eq!(both.err(), Some(IdentityError::SamePerson));
    let leaves = world.leaves();
    assert!(appoint_first(&world.log, [agent("admin"), agent("dpo")], PACK).is_ok());
    assert_eq!(world.leaves(), leaves + 1);
    assert_eq!(world.last_event().action, "appoint-first");
}

#[test]
fn a_created_agent_is_filed_with_its_event_and_a_second_of_its_name_is_refused() {
    let world = World::new();
    let leaves = world.leaves();
    let event = EventDraft::new("agent-create");
    let once = run(world.identity.create(agent("clerk-2"), Some(&id("admin")), event)).unwrap();
    assert_eq!(world.leaves(), leaves + 2, "the event, and the generation that knows the agent");
    assert_eq!(world.last_event().action, "agent-create");
    assert!(world.login("clerk-2", &text(&once.0)).is_ok());
    let event = EventDraft::new("agent-create");
    let twice = run(world.identity.create(agent("clerk-2"), Some(&id("admin")), event));
    assert_eq!(twice.err(), Some(IdentityError::Exists));
    let mut nobody = agent("clerk-3");
    nobody.habilitation.authority.clear();
    let refused = run(world.identity.create(nobody, None, EventDraft::new("agent-create")));
    assert!(matches!(refused.err(), Some(IdentityError::Invalid(_))));
    assert!(world.identity.find(&id("clerk-3")).is_none());
}

#[test]
fn the_last_place_of_the_directory_is_given_and_a_full_one_refuses() {
    let world = World::new();
    let entry = world.identity.entry(&id("clerk-1")).unwrap();
    let mut directory = world.identity.0.directory.write();
    for number in directory.len()..limits::AGENTS_MAX - 1 {
        let id = id(&format!("many-{number}"));
        let mut named = entry.clone();
        named.agent = Arc::new(Agent { id, ..Agent::clone(&entry.agent) });
        directory.put(named);
    }
    drop(directory);
    let create =
        |name| run(world.identity.create(agent(name), None, EventDraft::new("agent-create")));
    assert!(create("last").is_ok());
    assert_eq!(create("late").err(), Some(IdentityError::Full));
}

#[test]
fn a_revoked_agents_sessions_end_and_the_keyring_says_so_before_the_answer() {
    let world = World::new();
    let session = world.login("clerk-1", CHOSEN).unwrap();
    assert!(world.identity.caller(session.token.expose()).is_ok());
    let generation = world.log.keyring().generation();
    world.revoke("clerk-1").unwrap();
    assert_eq!(world.log.keyring().generation(), generation + 1);
    assert!(world.log.keyring().revocation(&id("clerk-1")).unwrap().revoked);
    let token = session.token.expose();
    assert_eq!(world.identity.caller(token).err(), Some(IdentityError::NoSession));
    assert_eq!(world.login("clerk-1", CHOSEN).err(), Some(IdentityError::BadCredentials));
    assert!(world.identity.find(&id("clerk-1")).unwrap().revoked);
    assert_eq!(world.revoke("nobody"), Err(IdentityError::Unknown));
}

#[test]
fn a_revoked_name_is_never_given_again() {
    let mut world = World::new();
    world.revoke("clerk-1").unwrap();
    let again = |world: &World| {
        run(world.identity.create(agent("clerk-1"), None, EventDraft::new("agent-create"))).err()
    };
    assert_eq!(again(&world), Some(IdentityError::Exists));
    // Nor when its row is taken out of the database.
    world.disk.tamper(|rows| drop(rows.remove(&keys::agent("clerk-1"))));
    world.restart().unwrap();
    assert!(world.identity.find(&id("clerk-1")).is_none());
    assert_eq!(again(&world), Some(IdentityError::Exists));
}

#[test]
fn revoking_twice_writes_a_second_event_and_no_generation() {
    let world = World::new();
    world.revoke("clerk-1").unwrap();
    let (leaves, generation) = (world.leaves(), world.log.keyring().generation());
    world.revoke("clerk-1").unwrap();
    assert_eq!(world.leaves(), leaves + 1);
    assert_eq!(world.log.keyring().generation(), generation);
}

#[test]
fn an_intact_directory_opens_and_a_tampered_row_is_refused_by_name() {
    let mut world = World::new();
    world.restart().unwrap();
    let mut row = world.row("dpo").unwrap();
    *row.last_mut().unwrap() ^= 1;
    world.put_row("dpo", row);
    assert_eq!(world.restart().err(), Some(IdentityError::Tampered("dpo".into())));
}

#[test]
fn a_row_made_for_another_agent_appoints_nobody() {
    let mut world = World::new();
    let row = world.row("dpo").unwrap();
    world.put_row("boss", row);
    assert_eq!(world.restart().err(), Some(IdentityError::Tampered("boss".into())));
}

#[test]
fn a_replayed_row_brings_no_old_secret_back() {
    let mut world = World::new();
    let old = world.row("clerk-1").unwrap();
    let session = world.login("clerk-1", CHOSEN).unwrap();
    world.change(session.token.expose(), CHOSEN, "another long secret").unwrap();
    world.restart().unwrap();
    assert!(world.login("clerk-1", "another long secret").is_ok());
    world.put_row("clerk-1", old);
    world.restart().unwrap();
    assert_eq!(world.login("clerk-1", CHOSEN).err(), Some(IdentityError::BadCredentials));
    assert!(world.identity.find(&id("clerk-1")).unwrap().stale);
    assert!(world.log.alarms().unwrap().iter().any(|a| a.kind == ALARM_ROLLBACK));
}

#[test]
fn a_replayed_row_reinstates_nobody() {
    let mut world = World::new();
    let before = world.row("clerk-1").unwrap();
    world.revoke("clerk-1").unwrap();
    world.put_row("clerk-1", before);
    world.restart().unwrap();
    assert_eq!(world.login("clerk-1", CHOSEN).err(), Some(IdentityError::BadCredentials));
    assert!(world.identity.find(&id("clerk-1")).unwrap().revoked);
}

#[test]
fn an_agent_lost_by_a_restored_database_can_be_filed_again_above_the_old_rows() {
    let mut world = World::new();
    let lost = world.row("clerk-1").unwrap();
    world.disk.tamper(|rows| drop(rows.remove(&keys::agent("clerk-1"))));
    world.restart().unwrap();
    world.settled_agent(agent("clerk-1"));
    assert!(world.login("clerk-1", CHOSEN).is_ok());
    world.put_row("clerk-1", lost);
    world.restart().unwrap();
    assert_eq!(world.login("clerk-1", CHOSEN).err(), Some(IdentityError::BadCredentials));
}

#[test]
fn an_agents_event_is_sealed_when_it_is_written_and_not_when_the_call_was_made() {
    let world = World::new();
    let created = world.identity.create(agent("clerk-2"), None, EventDraft::new("agent-create"));
    // The call has been made, and its hashing has not begun; meanwhile time passes.
    world.clock.advance_millis(60_000);
    run(created).unwrap();
    let page = world.log.list(&EventFilter::default(), None, 20).unwrap();
    let event = page.events.iter().find(|e| e.kind == "agent-create").unwrap();
    assert_eq!(event.time, world.clock.now().to_string());
}
