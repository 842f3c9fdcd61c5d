//! A server that is killed before each of its calls in an erasure, before some of those in a start that
//! purges and in a change that forgets, and again while it recovers.
//!
//! Each numbered step of the program ends in calls that the shim counts (files written, synced, renamed,
//! deleted, closed after writing), so that a kill before each call is a kill between any two steps. It
//! proves nothing about a power cut: what was written stays in the page cache.

use crate::{
    formats::Id,
    house::House,
    scene::{Scene, State},
};

/// Records that nobody erases.
const STAY: usize = 150;
/// More calls than an erasure makes; fewer than this many prove nothing.
const CALLS: std::ops::Range<usize> = 40..250;
/// Of the calls of a start that purges, every so many-th is tried.
const EVERY: usize = 3;

/// A start that is killed before one of its calls, if it makes so many; then one that is not.
fn start_twice(scene: &mut Scene, round: usize) {
    scene.house.kill_at(i64::try_from(1 + round * 7 % 80).unwrap());
    if scene.house.try_serve() {
        scene.house.stop_counting();
    } else {
        scene.house.stop_counting();
        if round.is_multiple_of(4) {
            scene.look();
        }
        scene.house.serve();
    }
}

#[test]
fn an_erasure_killed_before_any_of_its_calls_is_whole_or_undone_to_the_examiner_and_stays_so() {
    let mut scene = Scene::founded(false);
    scene.file(STAY, "2020-11-23");
    let go = scene.file(CALLS.end, "2020-11-23");
    let (mut acknowledged, mut asked) = (0, Vec::new());
    for (round, id) in go.iter().enumerate() {
        scene.house.kill_at(i64::try_from(round + 1).unwrap());
        let client = scene.ask_erasure(&[hex::encode(id)]);
        let (killed, done) = scene.house.killed_before(client);
        let answered = done.code == Some(0);
        acknowledged += usize::from(answered);
        scene.set(&[*id], if answered { State::Erased } else { State::Open });
        asked.push(*id);
        if !killed {
            assert!(answered, "{}", done.err);
            break;
        }
        scene.look();
        start_twice(&mut scene, round);
        if !answered {
            scene.set(&[*id], State::Settled);
        }
        scene.house.login("desk-974");
    }
    scene.house.terminate();
    scene.look();
    let in_state = |state| asked.iter().filter(|id| scene.truth[*id].state == state).count();
    let (erased, undone) = (in_state(State::Erased), in_state(State::Live));
    println!(
        "{} kills in erasures: {undone} undone or not begun, {} finished by a start, {acknowledged} \
         acknowledged",
        asked.len() - 1,
        erased - acknowledged,
    );
    assert!(CALLS.contains(&asked.len()) && erased + undone == asked.len());
    assert!(undone > 0 && erased > acknowledged, "the kills were not in the middle");
}

/// Files two records whose date comes with the next day.
fn due_tomorrow(scene: &mut Scene) -> Vec<Id> {
    let collected = loop {
        if let Some(collected) = scene.house.three_months_before_tomorrow() {
            break collected;
        }
        scene.house.kill();
        scene.house.next_day();
        scene.house.serve();
    };
    scene.house.login("feed-974");
    scene.file(2, &collected)
}

#[test]
fn a_purge_killed_before_its_calls_is_caught_up_by_the_next_start_to_the_examiner() {
    let mut scene = Scene::founded(false);
    scene.file(STAY, "2020-11-23");
    let (mut kills, mut early) = (0, 0);
    for round in 0.. {
        let due = due_tomorrow(&mut scene);
        scene.house.kill();
        scene.house.next_day();
        scene.house.kill_at(i64::try_from(1 + round * EVERY).unwrap());
        let whole = scene.house.try_serve();
        scene.house.stop_counting();
        scene.set(&due, State::Open);
        if whole {
            break;
        }
        kills += 1;
        let look = scene.look();
        early += usize::from(look.opened > STAY);
        start_twice(&mut scene, round);
        scene.set(&due, State::Purged);
    }
    let open = scene.those(State::Open);
    scene.set(&open, State::Purged);
    scene.house.terminate();
    let look = scene.look();
    assert_eq!(look.opened, STAY);
    println!("{kills} kills in starts that purge, {early} of them before the point of no return");
    assert!(early > 0 && early < kills, "the kills were not in the middle");
}

#[test]
fn a_change_that_forgets_killed_before_its_calls_is_whole_or_undone_after_the_next_start() {
    let mut scene = Scene::founded(false);
    let go = scene.file(40, "2020-11-23");
    assert_eq!(scene.backup("before").0.opened, go.len());
    let (mut kills, mut undone, mut finished) = (0, 0, 0);
    for (round, id) in go.iter().enumerate() {
        // Close together where it is committed, further apart where it waits for the generation.
        scene.house.kill_at(i64::try_from(1 + round * (round + 1) / 2).unwrap());
        let client = scene.ask_to_forget(id);
        let (killed, answer) = scene.house.killed_before(client);
        let answered = answer.code == Some(0);
        if killed {
            kills += 1;
            scene.house.serve();
        }
        scene.house.kill();
        let done = scene.settle_forgotten(id);
        assert!(done || !answered, "it was answered");
        undone += usize::from(!done);
        finished += usize::from(done && !answered);
        let look = scene.look();
        assert_eq!((look.opened, look.former.refused), (go.len(), round + 1 - undone));
        if !killed {
            assert!(answered, "{}", answer.err);
            break;
        }
        scene.house.serve();
        scene.house.login("med-974");
    }
    println!(
        "{kills} kills in changes that forget: {undone} undone, {finished} finished by a start"
    );
    assert!(kills < go.len() && undone > 1 && finished > 1, "the kills were not in the middle");
}

/// A kill that comes too early to be seen would pass for anything: the count is what it says.
#[test]
fn the_program_dies_before_the_call_it_was_told_and_not_when_it_was_told_none() {
    let house = House::founded();
    let calls = |house: &House| {
        let before = house.counted();
        house.serve();
        house.kill();
        house.counted() - before
    };
    house.kill();
    let whole = calls(&house);
    assert!(whole > 10, "{whole} calls of a start");
    for n in [1, 2, 7] {
        let before = house.counted();
        house.kill_at(n);
        assert!(!house.try_serve());
        house.stop_counting();
        assert_eq!(house.counted() - before, n);
    }
    house.serve();
}
