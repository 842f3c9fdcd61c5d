//! The cross-product: every question in every circumstance, on all cores, none sampled.
//!
//! `questions.rs` says what the circumstances are.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use oubliette::policy::{Pack, Verb};
use parking_lot::Mutex;

use crate::{
    expect::{Answer, Given},
    facts::Facts,
    questions::Questions,
    rules,
    table::{F0, Oracle, Question},
};

/// Differences told in full.
const TOLD: usize = 25;

pub(crate) const VERBS: [(&str, Verb); 9] = [
    ("reveal", Verb::Reveal),
    ("match", Verb::Match),
    ("write", Verb::Write),
    ("create", Verb::Create),
    ("assign", Verb::Assign),
    ("erase", Verb::Erase),
    ("hold", Verb::Hold),
    ("derive", Verb::Derive),
    ("restrict", Verb::Restrict),
];

#[derive(Default)]
pub(crate) struct Found {
    pub(crate) asked: usize,
    /// How often each kind of difference was met, with its first occurrence.
    pub(crate) differences: BTreeMap<String, (usize, String)>,
}

/// Asks everything, in the circumstances that `ask` chooses.
pub(crate) fn product(
    pack: &Pack,
    oracle: &Oracle,
    ask: impl Fn(Questions<'_>, &mut Found) + Sync,
) -> Found {
    let rules = rules::shipped();
    let mut jobs = Vec::new();
    for role in oracle.roles() {
        for purpose in oracle.purposes() {
            for collection in oracle.words.collections.keys() {
                jobs.push((role, purpose, collection.as_str()));
            }
        }
    }
    let (next, found) = (AtomicUsize::new(0), Mutex::new(Found::default()));
    let work = || {
        let mut mine = Found::default();
        while let Some((role, purpose, collection)) = jobs.get(next.fetch_add(1, Ordering::Relaxed))
        {
            for (word, verb) in VERBS {
                // Where no row derives anything there is no such action, and no policy is asked.
                if word == "derive" && !oracle.derives(collection) {
                    continue;
                }
                let about = Question { role, purpose, collection, class: F0, verb: word };
                ask(Questions::of(pack, oracle, &rules, about, verb), &mut mine);
            }
        }
        found.lock().add(mine);
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    found.into_inner()
}

// === impl Found ===

impl Found {
    fn add(&mut self, other: Self) {
        self.asked += other.asked;
        for (kind, (count, told)) in other.differences {
            self.differences.entry(kind).or_insert((0, told)).0 += count;
        }
    }

    pub(crate) fn differ(
        &mut self,
        q: &Question<'_>,
        facts: &Facts,
        expected: &Answer,
        got: &Answer,
    ) {
        let Question { role, purpose, collection, class, verb } = q;
        let (expected, got) = (say(expected), say(got));
        let kind = format!("{role} {verb} {class} of {collection}: oracle {expected}, pack {got}");
        let told = format!(
            "for {purpose}, {role} asks to {verb} {class} of {collection} ({}): \
             the oracle says {expected}, the pack says {got}",
            facts.sentence()
        );
        self.differences.entry(kind).or_insert((0, told)).0 += 1;
    }

    pub(crate) fn sentence(&self) -> String {
        let count: usize = self.differences.values().map(|(count, _)| count).sum();
        let kinds = self.differences.len();
        let first = self.differences.values().take(TOLD);
        let first: Vec<String> =
            first.map(|(count, told)| format!("{count} times: {told}")).collect();
        format!(
            "{} questions asked, {count} answered otherwise, in {kinds} ways\n{}",
            self.asked,
            first.join("\n")
        )
    }
}

fn say(answer: &Answer) -> String {
    let ids: Vec<&str> = answer.refused_by.iter().map(String::as_str).collect();
    match answer.given {
        Given::Whole => "allowed".to_owned(),
        Given::Masked => "masked".to_owned(),
        Given::Nothing if ids.is_empty() => "denied by default".to_owned(),
        Given::Nothing => format!("refused by {}", ids.join(" and ")),
    }
}
