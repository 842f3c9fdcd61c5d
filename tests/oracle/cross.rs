//! The cross-product: every question in every circumstance, on all cores, none sampled.
//!
//! For each role, purpose, collection and verb, all classes are asked together in
//! 1. every combination of territory, assignment, hours, restriction, hold and link, with every
//!    combination of the further facts that a row about this question depends on;
//! 2. every combination of what the caller is (habilitation, undertaking, cap, person or program),
//!    starting from each circumstance in which a row allows something;
//! 3. every combination of the caller's territory, the record's, and the hour to the minute, from
//!    the same starts.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use oubliette::{
    ids::{ClassName, CollectionName, PurposeName, RoleName},
    policy::{Pack, Verb},
};

use crate::{
    ask::Asking,
    expect::{Answer, Given, Relevant},
    facts::{Fact, Facts},
    table::{Allow, F0, Oracle, Question},
};

/// What is crossed whatever the rows say, each with how many of its values.
const ALWAYS: [(Fact, usize); 6] = [
    (Fact::Territory, 2),
    (Fact::Assigned, 3),
    (Fact::Hours, 2),
    (Fact::Restricted, 2),
    (Fact::Held, 2),
    (Fact::Link, 3),
];
/// What the caller is.
const CALLER: [Fact; 4] = [Fact::Valid, Fact::Undertaking, Fact::Cap, Fact::Service];
/// Where and when, in full.
const PLACE_AND_TIME: [Fact; 3] = [Fact::CallerTerritory, Fact::Territory, Fact::Hours];
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

/// Asks everything.
pub(crate) fn product(pack: &Pack, oracle: &Oracle) -> Found {
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
                Questions::of(pack, oracle, about, verb).ask_all(&mut mine);
            }
        }
        found.lock().unwrap().add(mine);
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    found.into_inner().unwrap()
}

/// What is asked of one role, purpose, collection and verb: all classes, all circumstances.
pub(crate) struct Questions<'a> {
    about: Question<'a>,
    classes: Vec<&'a str>,
    rows: Vec<Relevant<'a>>,
    asking: Asking<'a>,
    circumstances: Vec<Facts>,
}

impl<'a> Questions<'a> {
    pub(crate) fn of(pack: &'a Pack, oracle: &'a Oracle, about: Question<'a>, verb: Verb) -> Self {
        let classes = match verb {
            Verb::Assign | Verb::Erase | Verb::Hold | Verb::Derive | Verb::Restrict => vec![F0],
            _ => oracle.classes(about.collection),
        };
        let rows: Vec<Relevant<'_>> =
            classes.iter().map(|class| Relevant::of(oracle, Question { class, ..about })).collect();
        let circumstances = circumstances(oracle, &about, &rows);
        let name = CollectionName::parse(about.collection).unwrap();
        let Some(spec) = pack.collection(&name) else {
            panic!("the pack has no collection {name}");
        };
        let asking = Asking {
            pack,
            role: RoleName::parse(about.role).unwrap(),
            purpose: PurposeName::parse(about.purpose).unwrap(),
            collection: name,
            spec,
            verb,
            classes: classes.iter().map(|class| ClassName::parse(class).unwrap()).collect(),
        };
        Self { about, classes, rows, asking, circumstances }
    }

    /// The same circumstances for these classes alone.
    pub(crate) fn only(mut self, classes: &BTreeSet<&str>) -> Self {
        let keep: Vec<bool> = self.classes.iter().map(|class| classes.contains(class)).collect();
        let mut kept = keep.iter();
        self.rows.retain(|_| *kept.next().unwrap());
        self.asking.classes.retain(|class| classes.contains(class.as_str()));
        self.classes.retain(|class| classes.contains(class));
        self
    }

    fn ask(&self, facts: &Facts, found: &mut Found) {
        let answers = self.asking.answers(facts);
        assert_eq!(answers.len(), self.classes.len());
        for ((class, rows), answer) in self.classes.iter().zip(&self.rows).zip(answers) {
            found.asked += 1;
            let expected = rows.answer(facts);
            if answer != expected {
                found.differ(&Question { class, ..self.about }, facts, &expected, &answer);
            }
        }
    }

    /// Asks all of them.
    fn ask_all(&self, found: &mut Found) {
        for facts in &self.circumstances {
            self.ask(facts, found);
        }
    }

    /// Asks until something is answered otherwise, in an order that jumps about, since what one policy
    /// changes is spread unevenly.
    pub(crate) fn ask_until_different(&self, found: &mut Found) {
        let all = &self.circumstances;
        let coprime = |step: &usize| common_divisor(*step, all.len()) == 1;
        let step = (all.len() * 5 / 8 + 1..).find(coprime).unwrap();
        for at in 0..all.len() {
            self.ask(&all[at * step % all.len()], found);
            if !found.differences.is_empty() {
                return;
            }
        }
    }
}

fn common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { common_divisor(b, a % b) }
}

fn circumstances(oracle: &Oracle, about: &Question<'_>, rows: &[Relevant<'_>]) -> Vec<Facts> {
    let plain = Facts::plain()
        .with(Fact::Service, usize::from(oracle.is_service(about.role)))
        .with(Fact::CallerTerritory, usize::from(about.role == "cgss_desk"));
    let mut named: BTreeSet<Fact> = rows.iter().flat_map(Relevant::facts).collect();
    if about.purpose == "hold" {
        named.insert(Fact::Approved);
    }
    let always = ALWAYS.map(|(fact, _)| fact);
    // A link is named with a record that is there, and only to read, confirm or change it.
    let linked = matches!(about.verb, "reveal" | "match" | "write");
    let whole = named.contains(&Fact::Link).then_some(Fact::Link.values());
    let crossed_always = ALWAYS
        .into_iter()
        .filter(|(fact, _)| linked || *fact != Fact::Link)
        .map(|(fact, values)| (fact, whole.filter(|_| fact == Fact::Link).unwrap_or(values)));
    let elsewhere = |fact: &Fact| CALLER.contains(fact) || PLACE_AND_TIME.contains(fact);
    let further = named.into_iter().filter(|fact| !always.contains(fact) && !elsewhere(fact));
    let further = further.map(|fact| (fact, fact.values()));
    let first = crossed(vec![plain], crossed_always.chain(further));
    let allowed = rows.iter().flat_map(Relevant::allowing);
    let mut starts: Vec<Facts> = vec![plain];
    starts.extend(allowed.map(|row| fulfilled(plain, row, about)));
    starts.dedup();
    let all = |facts: &[Fact]| facts.iter().map(|f| (*f, f.values())).collect::<Vec<_>>();
    let second = crossed(starts.clone(), all(&CALLER).into_iter());
    let third = crossed(starts, all(&PLACE_AND_TIME).into_iter());
    first.into_iter().chain(second).chain(third).collect()
}

/// The circumstances nearest to these in which the row's conditions hold.
fn fulfilled(plain: Facts, row: &Allow, about: &Question<'_>) -> Facts {
    row.when.iter().fold(plain, |facts, condition| {
        let holding = |facts: &Facts| condition.holds(facts, about.role, about.verb);
        let named = condition.facts().iter();
        let changed = named.flat_map(|fact| (0..fact.values()).map(|v| facts.with(*fact, v)));
        std::iter::once(facts).chain(changed).find(holding).unwrap_or(facts)
    })
}

/// Each of the starts with every combination of the facts' values.
fn crossed(starts: Vec<Facts>, facts: impl Iterator<Item = (Fact, usize)>) -> Vec<Facts> {
    facts.fold(starts, |all, (fact, values)| {
        all.into_iter().flat_map(|facts| (0..values).map(move |v| facts.with(fact, v))).collect()
    })
}

// === impl Found ===

impl Found {
    fn add(&mut self, other: Self) {
        self.asked += other.asked;
        for (kind, (count, told)) in other.differences {
            self.differences.entry(kind).or_insert((0, told)).0 += count;
        }
    }

    fn differ(&mut self, q: &Question<'_>, facts: &Facts, expected: &Answer, got: &Answer) {
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
