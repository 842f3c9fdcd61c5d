//! Takes the pack apart, one condition at a time: each change must turn a test red.
//!
//! `cargo test` tries a few changes spread over all; `OUBLIETTE_MUTANTS=all` (in `.ci/long`) tries every
//! one. A change that nothing notices is a condition that nothing holds: either the pack says it twice,
//! or nobody asks what it is there for. It fails the test unless `equivalent.rs` says why no request can
//! tell it.

mod change;
mod equivalent;
mod judge;

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use oubliette::clock::{Clock as _, SystemClock};
use parking_lot::Mutex;
use serde_json::json;

use self::{
    change::{Change, Kind},
    judge::{ADDED, Judge, Verdict},
};
use crate::{
    cross,
    rules::{self, Rule},
    table::Oracle,
};

/// Of so many changes one is tried by `cargo test`.
const ONE_OF: usize = 97;
/// How often progress is told.
const TELL_EVERY: usize = 100;

/// What became of one change.
struct Tried {
    number: usize,
    verdict: Verdict,
    asked: usize,
}

/// Tries these out on all cores, in their order.
fn try_out(oracle: &Oracle, rules: &[Rule], changes: &[Change]) -> Vec<Tried> {
    let (next, tried) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        let judge = Judge::new(&rules::folder(), oracle, rules);
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(change) = changes.get(number) else { return };
            let (verdict, asked) = judge.try_out(change);
            if verdict == Verdict::Nothing {
                println!("{}: {}: {asked} questions alike", rules[change.rule].id, change.dropped);
            }
            let mut tried = tried.lock();
            tried.push(Tried { number, verdict, asked });
            if tried.len() % TELL_EVERY == 0 {
                println!("{} of {} tried", tried.len(), changes.len());
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    let mut tried = tried.into_inner();
    tried.sort_by_key(|one| one.number);
    tried
}

/// One line for each kind of change and each way to be noticed.
fn tell(changes: &[Change], tried: &[Tried]) {
    let mut counts: BTreeMap<Kind, [usize; 5]> = BTreeMap::new();
    for one in tried {
        counts.entry(changes[one.number].kind).or_default()[one.verdict as usize] += 1;
    }
    let mut sum = [0; 5];
    println!(
        "what was dropped: changes, refused by the loader, caught by the oracle, caught by the scenarios alone, no other than before, noticed by nothing"
    );
    for (kind, count) in &counts {
        let [refused, oracle, scenarios, same, nothing] = count;
        let all: usize = count.iter().sum();
        println!("{kind:?}: {all}, {refused}, {oracle}, {scenarios}, {same}, {nothing}");
        sum.iter_mut().zip(count).for_each(|(sum, count)| *sum += count);
    }
    let [refused, oracle, scenarios, same, nothing] = sum;
    println!("all: {}, {refused}, {oracle}, {scenarios}, {same}, {nothing}", tried.len());
    println!("{} questions were asked", tried.iter().map(|one| one.asked).sum::<usize>());
}

#[test]
fn every_policy_and_every_condition_taken_out_of_the_pack_is_noticed() {
    let (oracle, rules) = (Oracle::read().with_class(ADDED), rules::shipped());
    let every: Vec<Change> =
        rules.iter().enumerate().flat_map(|(n, rule)| change::changes(n, rule)).collect();
    let all = std::env::var("OUBLIETTE_MUTANTS").is_ok_and(|text| text == "all");
    let (policies, total, step) = (rules.len(), every.len(), if all { 1 } else { ONE_OF });
    let changes: Vec<Change> = every.into_iter().step_by(step).collect();
    println!("{policies} policies, {total} changes, {} of them tried", changes.len());
    let began = SystemClock.now().as_millis();
    let tried = try_out(&oracle, &rules, &changes);
    println!("{} s", (SystemClock.now().as_millis() - began) / 1000);
    tell(&changes, &tried);
    let (mut unnoticed, mut met) = (Vec::new(), Vec::new());
    for one in tried.iter().filter(|one| one.verdict == Verdict::Nothing) {
        let change = &changes[one.number];
        let id = &rules[change.rule].id;
        match equivalent::reason(id, &change.dropped) {
            Some(why) => {
                println!("{id}: {}: no request can tell: {why}", change.dropped);
                met.push((id.as_str(), change.dropped.as_str()));
            }
            None => unnoticed.push(format!("{id}: {:?}: {}", change.kind, change.dropped)),
        }
    }
    println!("{} survived\n{}", unnoticed.len(), unnoticed.join("\n"));
    assert!(unnoticed.is_empty(), "nothing notices that these are gone:\n{}", unnoticed.join("\n"));
    let lost: Vec<_> = equivalent::all().filter(|row| all && !met.contains(row)).collect();
    assert!(lost.is_empty(), "said to be told by no request, and noticed: {lost:?}");
}

#[test]
fn what_is_taken_out_is_noticed_and_what_says_the_same_is_not() {
    let (oracle, rules) = (Oracle::read().with_class(ADDED), rules::shipped());
    let number = |id: &str| rules.iter().position(|rule| rule.id == id).unwrap();
    let taken = |id: &str, kind: Kind, dropped: &str| {
        let mut all = change::changes(number(id), &rules[number(id)]).into_iter();
        let fits = |change: &Change| change.kind == kind && change.dropped.contains(dropped);
        all.find(fits).unwrap_or_else(|| panic!("{id} has no {dropped}"))
    };
    let rewritten = |id: &str, turned: bool| {
        let mut json = rules[number(id)].json.clone();
        if turned {
            json["conditions"].as_array_mut().unwrap().reverse();
        }
        let dropped = "nothing".to_owned();
        Change { rule: number(id), kind: Kind::Clause, dropped, action: None, left: Some(json) }
    };
    let widened = |id: &str, by: &str| {
        let mut json = rules[number(id)].json.clone();
        let body = json["conditions"][1]["body"].take();
        let by = json!({ ".": { "left": { "Var": "context" }, "attr": by } });
        json["conditions"][1]["body"] = json!({ "||": { "left": body, "right": by } });
        Change { left: Some(json), ..rewritten(id, false) }
    };
    let tried = [
        (taken("processing-restricted", Kind::Policy, ""), Verdict::Oracle),
        (taken("excluded-insurer", Kind::Policy, ""), Verdict::Refused),
        (taken("medical-case-derive", Kind::Clause, "received"), Verdict::Oracle),
        (taken("operator-case-identity", Kind::Operand, "other_in_my_unit"), Verdict::Oracle),
        (taken("out-of-hours", Kind::Comparison, "context.local_minutes < 1050"), Verdict::Oracle),
        (taken("laboratory-result", Kind::Element, "reveal:nir"), Verdict::Oracle),
        (taken("pharmacist-masks", Kind::Scope, "principal"), Verdict::Oracle),
        // Wider than the rows where no row looks at a profession, or at a justification.
        (taken("medical-lab-handle", Kind::Scope, "resource"), Verdict::Oracle),
        (widened("clusters-contact-place", "justification"), Verdict::Oracle),
        (taken("purge-robot", Kind::Clause, "service"), Verdict::Scenarios),
        (rewritten("pharmacist-masks", false), Verdict::Nothing),
        (rewritten("medical-case-derive", true), Verdict::Nothing),
    ];
    let (changes, expected): (Vec<Change>, Vec<Verdict>) = tried.into_iter().unzip();
    let tried = try_out(&oracle, &rules, &changes);
    let found: Vec<Verdict> = tried.iter().map(|one| one.verdict).collect();
    assert_eq!(found, expected);
    // What is the same is asked about to the end, and not given up on.
    let same = tried.iter().filter(|one| one.verdict == Verdict::Nothing);
    assert!(same.map(|one| one.asked).min() > Some(1_000), "too little was asked");
}

#[test]
fn a_class_that_is_added_to_the_pack_is_open_to_nobody_until_a_policy_names_it() {
    let (oracle, rules) = (Oracle::read().with_class(ADDED), rules::shipped());
    let pack = Judge::new(&rules::folder(), &oracle, &rules).unchanged();
    let added = [ADDED].into();
    let found = cross::product(&pack, &oracle, |questions, found| {
        questions.only(&added).ask_starts(found);
    });
    assert!(found.differences.is_empty(), "{}", found.sentence());
    assert!(found.asked > 10_000, "only {} questions were asked", found.asked);
}
