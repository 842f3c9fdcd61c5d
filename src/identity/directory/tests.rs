//! Tests of directory rows: intact and tampered, newest and replayed, current and ahead.

use super::*;
use crate::{
    identity::testing::{FakeGuard, agent_row},
    ids::TerritoryName,
};

fn stored(agent: &Agent, guard: &FakeGuard) -> (Vec<u8>, Vec<u8>) {
    let key = keys::agent(agent.id.as_str());
    let value = guard.mac_row(&key, &agent.encode());
    (key, value)
}

#[test]
fn an_intact_row_reads_back_whole() {
    let guard = FakeGuard::default();
    let mut agent = agent_row("inv-1", 1);
    agent.habilitations[0].undertaking_on = Some("2020-10-30".parse().unwrap());
    agent.created_by = Some(AgentId::parse("admin").unwrap());
    let (key, value) = stored(&agent, &guard);
    let entry = Entry::read(&key, &value, &guard).unwrap();
    assert_eq!(*entry.agent, agent);
    // The keyring does not know the agent yet: the next generation settles it.
    assert_eq!(entry.standing, Standing::Ahead);
    assert!(entry.is_usable());
}

#[test]
fn a_row_with_any_bit_flipped_is_refused_by_name() {
    let guard = FakeGuard::default();
    let (key, value) = stored(&agent_row("inv-1", 1), &guard);
    for i in 0..value.len() {
        let mut flipped = value.clone();
        flipped[i] ^= 1;
        let refused = Entry::read(&key, &flipped, &guard).unwrap_err();
        assert_eq!(refused, IdentityError::Tampered("inv-1".into()), "byte {i}");
    }
}

#[test]
fn a_row_moved_to_another_agents_key_is_refused() {
    let guard = FakeGuard::default();
    let (_, value) = stored(&agent_row("inv-1", 1), &guard);
    let refused = Entry::read(&keys::agent("boss"), &value, &guard).unwrap_err();
    assert_eq!(refused, IdentityError::Tampered("boss".into()));
    // Even a mac made for that key does not make it that agent's row.
    let forged = guard.mac_row(&keys::agent("boss"), &agent_row("inv-1", 1).encode());
    assert!(Entry::read(&keys::agent("boss"), &forged, &guard).is_err());
}

#[test]
fn the_newest_row_stands_and_a_replayed_older_one_opens_nothing() {
    let mut guard = FakeGuard::default();
    let (key, old) = stored(&agent_row("inv-1", 1), &guard);
    let (_, new) = stored(&agent_row("inv-1", 2), &guard);
    guard.floor("inv-1", 2, false);
    let now = Entry::read(&key, &new, &guard).unwrap();
    assert!(now.is_usable() && now.standing == Standing::Current);
    let replayed = Entry::read(&key, &old, &guard).unwrap();
    assert!(!replayed.is_usable() && replayed.standing == Standing::Stale);
    assert!(replayed.summary().stale);
}

#[test]
fn an_agent_revoked_in_the_keyring_stays_so_whatever_its_row_says() {
    let mut guard = FakeGuard::default();
    let (key, value) = stored(&agent_row("inv-1", 1), &guard);
    assert!(Entry::read(&key, &value, &guard).unwrap().is_usable());
    guard.floor("inv-1", 0, true);
    let entry = Entry::read(&key, &value, &guard).unwrap();
    assert!(!entry.is_usable() && entry.summary().revoked);
}

#[test]
fn a_row_whose_generation_was_not_written_is_ahead_of_the_keyring() {
    let mut guard = FakeGuard::default();
    let mut agent = agent_row("inv-1", 3);
    guard.floor("inv-1", 2, false);
    let (key, value) = stored(&agent, &guard);
    assert_eq!(Entry::read(&key, &value, &guard).unwrap().standing, Standing::Ahead);
    guard.floor("inv-1", 3, false);
    assert_eq!(Entry::read(&key, &value, &guard).unwrap().standing, Standing::Current);
    agent.revoked = true;
    let (key, value) = stored(&agent, &guard);
    assert_eq!(Entry::read(&key, &value, &guard).unwrap().standing, Standing::Ahead);
}

#[test]
fn the_habilitation_is_the_first_valid_on_the_day_of_its_own_territory() {
    let mut agent = agent_row("inv-1", 1);
    let mut abroad = agent.habilitations[0].clone();
    abroad.territory = Some(TerritoryName::parse("west").unwrap());
    abroad.valid_to = abroad.valid_from.pred_opt().unwrap();
    abroad.valid_from = abroad.valid_to;
    let home_day = agent.habilitations[0].valid_from;
    agent.habilitations.insert(0, abroad.clone());
    // At one instant it is already the first day at home and still the day before in the west.
    let today = |t: Option<&TerritoryName>| t.map_or(home_day, |_| abroad.valid_from);
    assert_eq!(agent.habilitation(today), Some(&abroad));
    let next = |_: Option<&TerritoryName>| home_day;
    assert_eq!(agent.habilitation(next).unwrap().territory, None);
    let late = |_: Option<&TerritoryName>| home_day + chrono::Days::new(10_000);
    assert_eq!(agent.habilitation(late), None);
}
