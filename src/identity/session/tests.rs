//! Tests of sessions: what opens one, what ends one, what leaves others alone.

use super::*;
use crate::random::SeededRandom;

const T0: Timestamp = Timestamp::from_millis(1_606_118_400_000);

fn agent(name: &str) -> AgentId {
    AgentId::parse(name).unwrap()
}

fn open(s: &Sessions, name: &str, now: Timestamp, random: &SeededRandom) -> SecretBytes {
    s.open(agent(name), 1, false, now, random).unwrap().0
}

#[test]
fn a_token_opens_its_session_and_a_changed_one_opens_none() {
    let (s, random) = (Sessions::default(), SeededRandom::new(1));
    let token = open(&s, "a", T0, &random);
    assert_eq!(s.touch(token.expose(), T0).unwrap().agent, agent("a"));
    let mut other = token.expose().to_vec();
    other[0] ^= 1;
    assert_eq!(s.touch(&other, T0), None);
    assert_eq!(s.touch(b"", T0), None);
    assert_eq!(s.touch(&token.expose()[..31], T0), None);
}

#[test]
fn the_table_holds_hashes_and_never_a_token() {
    let (s, random) = (Sessions::default(), SeededRandom::new(2));
    let token = open(&s, "a", T0, &random);
    let kept: Vec<_> = s.table.lock().keys().copied().collect();
    assert_eq!(kept.len(), 1);
    assert_ne!(kept[0].as_slice(), token.expose());
    assert_eq!(kept[0].as_slice(), Sha256::digest(token.expose()).as_slice());
}

#[test]
fn a_session_in_use_stays_open_and_an_idle_one_ends() {
    let (s, random) = (Sessions::default(), SeededRandom::new(3));
    let token = open(&s, "a", T0, &random);
    let nearly = T0.plus_millis(limits::SESSION_IDLE_MS - 1);
    assert!(s.touch(token.expose(), nearly).is_some());
    let again = nearly.plus_millis(limits::SESSION_IDLE_MS - 1);
    assert!(s.touch(token.expose(), again).is_some());
    assert_eq!(s.touch(token.expose(), again.plus_millis(limits::SESSION_IDLE_MS)), None);
    assert_eq!(s.count(), 0);
}

#[test]
fn a_session_in_use_ends_with_its_life() {
    let (s, random) = (Sessions::default(), SeededRandom::new(4));
    let token = open(&s, "a", T0, &random);
    let mut now = T0;
    while now < T0.plus_millis(limits::SESSION_LIFE_MS - limits::SESSION_IDLE_MS / 2) {
        now = now.plus_millis(limits::SESSION_IDLE_MS / 2);
        assert!(s.touch(token.expose(), now).is_some(), "{now}");
    }
    assert_eq!(s.touch(token.expose(), T0.plus_millis(limits::SESSION_LIFE_MS)), None);
}

#[test]
fn a_session_opened_under_a_clock_since_set_back_ends_and_a_small_step_back_ends_none() {
    let (s, random) = (Sessions::default(), SeededRandom::new(5));
    let token = open(&s, "a", T0, &random);
    assert!(s.touch(token.expose(), T0.plus_millis(-limits::CLOCK_BACK_MS)).is_some());
    assert_eq!(s.touch(token.expose(), T0.plus_millis(-limits::CLOCK_BACK_MS - 1)), None);
}

#[test]
fn ending_an_agents_sessions_leaves_those_of_others() {
    let (s, random) = (Sessions::default(), SeededRandom::new(6));
    let (one, two) = (open(&s, "a", T0, &random), open(&s, "a", T0, &random));
    let other = open(&s, "b", T0, &random);
    s.end(one.expose());
    assert_eq!(s.touch(one.expose(), T0), None);
    assert!(s.touch(two.expose(), T0).is_some());
    s.end_agent(&agent("a"));
    assert_eq!(s.touch(two.expose(), T0), None);
    assert!(s.touch(other.expose(), T0).is_some());
}

#[test]
fn above_its_share_an_agent_loses_its_own_idlest_session_only() {
    let (s, random) = (Sessions::default(), SeededRandom::new(7));
    let other = open(&s, "b", T0, &random);
    let first = open(&s, "a", T0, &random);
    for i in 1..=limits::SESSIONS_PER_AGENT_MAX {
        open(&s, "a", T0.plus_millis(i64::try_from(i).unwrap()), &random);
    }
    assert_eq!(s.count(), limits::SESSIONS_PER_AGENT_MAX + 1);
    assert_eq!(s.touch(first.expose(), T0), None);
    assert!(s.touch(other.expose(), T0).is_some());
}

#[test]
fn a_full_table_refuses_until_old_sessions_are_over() {
    let (s, random) = (Sessions::default(), SeededRandom::new(8));
    for i in 0..limits::SESSIONS_MAX {
        open(&s, &format!("a{}", i / limits::SESSIONS_PER_AGENT_MAX), T0, &random);
    }
    assert!(s.open(agent("late"), 1, false, T0, &random).is_none());
    let later = T0.plus_millis(limits::SESSION_IDLE_MS);
    assert!(s.open(agent("late"), 1, false, later, &random).is_some());
    assert_eq!(s.count(), 1);
}
