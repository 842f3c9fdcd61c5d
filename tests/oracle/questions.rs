//! The circumstances of one role, purpose, collection and verb, and asking in them.
//!
//! For each role, purpose, collection and verb, all classes are asked together in
//! 1. every combination of territory, assignment, hours, restriction, hold and link, with every
//!    combination of the further facts that a row about this question depends on, or that a policy of
//!    the pack looks at there;
//! 2. every combination of what the caller is (habilitation, undertaking, cap, person or program),
//!    starting from each circumstance in which a row allows something;
//! 3. every combination of the caller's territory, the record's, and the hour to the minute, from
//!    the same starts;
//! 4. every combination of who has the record, who filed it and whether the caller has a unit, from
//!    the same starts;
//! 5. each value of each of these facts alone, the rarer ones too, from the same starts.

use std::collections::{BTreeSet, HashSet};

use oubliette::{
    ids::{ClassName, CollectionName, PurposeName, RoleName},
    policy::{Pack, Verb},
};

use crate::{
    ask::Asking,
    cross::Found,
    expect::Relevant,
    facts::{Fact, Facts},
    rules::{self, Rule},
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
/// Whose the record is.
const WHOSE: [Fact; 3] = [Fact::Assigned, Fact::FiledBy, Fact::Unit];
/// Further facts of which the combinations leave out the last value: it is asked from the starts.
const RARER: [Fact; 7] = [
    Fact::CallerTerritory,
    Fact::FiledBy,
    Fact::School,
    Fact::Referred,
    Fact::HomeVisit,
    Fact::SocialConsent,
    Fact::Profession,
];
/// Facts about the caller, the place and the time: crossed among themselves, and with the others only
/// where a permit looks at them.
pub(crate) fn is_apart(fact: Fact) -> bool {
    CALLER.contains(&fact) || PLACE_AND_TIME.contains(&fact) || fact == Fact::Unit
}

/// What is asked of one role, purpose, collection and verb: all classes, all circumstances.
pub(crate) struct Questions<'a> {
    about: Question<'a>,
    classes: Vec<&'a str>,
    rows: Vec<Relevant<'a>>,
    asking: Asking<'a>,
    starts: Vec<Facts>,
    crossed: Crossed,
}

/// The facts that are crossed: always, each with how many of its values, and further ones.
struct Crossed {
    always: Vec<(Fact, usize)>,
    further: Vec<Fact>,
}

impl<'a> Questions<'a> {
    pub(crate) fn of(
        pack: &'a Pack,
        oracle: &'a Oracle,
        rules: &[Rule],
        about: Question<'a>,
        verb: Verb,
    ) -> Self {
        let classes = match verb {
            Verb::Assign | Verb::Erase | Verb::Hold | Verb::Derive | Verb::Restrict => vec![F0],
            _ => oracle.classes(about.collection),
        };
        let rows: Vec<Relevant<'_>> =
            classes.iter().map(|class| Relevant::of(oracle, Question { class, ..about })).collect();
        let starts = starts(oracle, &about, &rows);
        let looked_at = rules::facts(rules, oracle, &about);
        let crossed = Crossed::of(&about, &rows, &looked_at);
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
        Self { about, classes, rows, asking, starts, crossed }
    }

    /// The same circumstances for these classes alone.
    pub(crate) fn only(mut self, classes: &BTreeSet<&str>) -> Self {
        let keep: Vec<bool> = self.classes.iter().map(|class| classes.contains(class)).collect();
        let mut kept = keep.iter();
        self.rows.retain(|_| *kept.next().unwrap());
        self.asking.classes.retain(|class| classes.contains(class.as_str()));
        self.classes.retain(|class| classes.contains(class));
        if self.classes.is_empty() {
            // The engine takes no class at all for a question about the whole record.
            self.starts.clear();
        }
        self
    }

    /// The starts, each with each value of each fact alone.
    fn near(&self) -> Vec<Facts> {
        let Crossed { always, further } = &self.crossed;
        let facts = CALLER.iter().chain(&PLACE_AND_TIME).chain(&WHOSE).chain(further);
        let facts: BTreeSet<Fact> =
            facts.copied().chain(always.iter().map(|(fact, _)| *fact)).collect();
        facts.iter().flat_map(|fact| self.at_starts(&[*fact])).collect()
    }

    /// All combinations.
    fn others(&self) -> Vec<Facts> {
        let Some(plain) = self.starts.first() else { return Vec::new() };
        let Crossed { always, further } = &self.crossed;
        let common = |fact: &Fact| (*fact, fact.values() - usize::from(RARER.contains(fact)));
        let pairs = always.iter().copied().chain(further.iter().map(common));
        let mut all = crossed(vec![*plain], pairs);
        for facts in [&CALLER[..], &PLACE_AND_TIME, &WHOSE] {
            all.extend(self.at_starts(facts));
        }
        all
    }

    fn at_starts(&self, facts: &[Fact]) -> Vec<Facts> {
        crossed(self.starts.clone(), facts.iter().map(|fact| (*fact, fact.values())))
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

    /// Asks them where a row allows something, and where nothing is in the way.
    pub(crate) fn ask_starts(&self, found: &mut Found) {
        for facts in &self.starts {
            self.ask(facts, found);
        }
    }

    /// Asks all of them, each once: many are near to a start and among the combinations too.
    pub(crate) fn ask_all(&self, found: &mut Found) {
        let mut known = HashSet::new();
        for facts in self.near().iter().chain(&self.others()) {
            if known.insert(*facts) {
                self.ask(facts, found);
            }
        }
    }

    /// Asks until something is answered otherwise: those near to what a row allows, or the others, in an
    /// order that jumps about, since what one policy changes is spread unevenly.
    pub(crate) fn ask_until_different(&self, near: bool, found: &mut Found) {
        let all = if near { self.near() } else { self.others() };
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

/// Where nothing is in the way, and for each row that allows something the nearest place where it does.
fn starts(oracle: &Oracle, about: &Question<'_>, rows: &[Relevant<'_>]) -> Vec<Facts> {
    let plain = Facts::plain()
        .with(Fact::Service, usize::from(oracle.is_service(about.role)))
        .with(Fact::CallerTerritory, usize::from(about.role == "cgss_desk"));
    let allowed = rows.iter().flat_map(Relevant::allowing);
    let mut starts: Vec<Facts> = vec![plain];
    starts.extend(allowed.map(|row| fulfilled(plain, row, about)));
    starts.dedup();
    starts
}

impl Crossed {
    fn of(about: &Question<'_>, rows: &[Relevant<'_>], looked_at: &BTreeSet<Fact>) -> Self {
        let mut named: BTreeSet<Fact> = rows.iter().flat_map(Relevant::facts).collect();
        named.extend(looked_at);
        if about.purpose == "hold" {
            named.insert(Fact::Approved);
        }
        // A link is named with a record that is there, and only to read, confirm or change it.
        let linked = matches!(about.verb, "reveal" | "match" | "write");
        let whole = named.contains(&Fact::Link).then_some(Fact::Link.values());
        let always = ALWAYS
            .into_iter()
            .filter(|(fact, _)| linked || *fact != Fact::Link)
            .map(|(fact, values)| (fact, whole.filter(|_| fact == Fact::Link).unwrap_or(values)));
        // Of what stands apart, what a permit looks at; but almost all look at the unit.
        let elsewhere =
            |fact: &Fact| is_apart(*fact) && (!looked_at.contains(fact) || *fact == Fact::Unit);
        let crossed = |fact: &Fact| ALWAYS.iter().any(|(always, _)| always == fact);
        let further = named.into_iter().filter(|fact| !crossed(fact) && !elsewhere(fact));
        Self { always: always.collect(), further: further.collect() }
    }
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
