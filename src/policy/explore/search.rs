//! One purpose of one role before one collection: which permits open what, in which regions of their facts.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeSet, HashMap},
    rc::Rc,
};

use cedar_policy::{Effect, Policy, PolicyId, PolicySet};

use super::{
    Asked, Finding, Need, Scope, TooMany, Way,
    cover::{Region, Space, combination},
    facts::{Variable, vault_names},
    situation::Situation,
};
use crate::{
    ids::{ClassName, PurposeName, TerritoryName},
    policy::{
        engine::probe::{Act, Question},
        pack::Pack,
        permit::PolicyRef,
    },
};

/// What a policy says of every combination of its facts; the class, where it looks at it.
type Key = (PolicyId, Option<TerritoryName>, Act, Option<ClassName>);

/// Facts, by their place among all, each with the place of its value.
type Chosen = Vec<(usize, usize)>;

/// One purpose.
pub(super) struct Search<'s> {
    scope: &'s Scope<'s>,
    pack: &'s Pack,
    purpose: &'s PurposeName,
    spaces: RefCell<HashMap<Key, Rc<Space>>>,
    /// Situations tried for the permit in hand.
    tried: Cell<usize>,
}

/// A question, and an ordinary agent of one territory who asks it.
struct Here<'h> {
    asked: &'h Asked<'h>,
    home: Option<&'h TerritoryName>,
    base: Situation,
}

/// What came of one permit.
#[derive(Clone, PartialEq, Eq, Default)]
struct Outcome {
    ways: Vec<Way>,
    /// Without a way: what refused it where the permit held; empty where it never did.
    refused: Vec<PolicyRef>,
}

// === impl Search ===

impl<'s> Search<'s> {
    pub(super) fn new(scope: &'s Scope<'s>, purpose: &'s PurposeName) -> Self {
        let (spaces, tried) = (RefCell::default(), Cell::default());
        Self { scope, pack: scope.explorer.pack, purpose, spaces, tried }
    }

    pub(super) fn finding(&self, asked: &Asked<'_>) -> Result<Finding, TooMany> {
        let (mut ways, mut refused) = (Vec::new(), BTreeSet::new());
        for permit in &asked.permits {
            for (home, found) in self.by_home(asked, permit)? {
                let home = home.map(|home| Need {
                    fact: "home".to_owned(),
                    values: vec![home.to_string()],
                    stopped_by: Vec::new(),
                });
                for mut way in found.ways {
                    way.needs.extend(home.clone());
                    way.needs.sort();
                    ways.push(way);
                }
                refused.extend(found.refused);
            }
        }
        ways.sort_by(|a, b| (&a.policy, &a.needs).cmp(&(&b.policy, &b.needs)));
        ways.dedup();
        if !ways.is_empty() {
            refused.clear();
        } else if refused.is_empty() {
            // No permit at all: what refuses an ordinary agent all the same is said.
            let home = self.pack.vocabulary.territories.first().map(|t| &t.name);
            if let Some(base) = Situation::ordinary(self.pack, self.scope.collection, home) {
                let answer = |question: &Question<'_>| {
                    of_these(self.pack.answer(asked.act, asked.class, question).1, &asked.forbids)
                };
                refused.extend(self.ask(&base, answer));
            }
        }
        let refused_by = refused.into_iter().collect();
        Ok(Finding { class: asked.class.clone(), act: asked.act, ways, refused_by })
    }

    /// Once for all territories, unless policies name one and answer otherwise for another.
    fn by_home(
        &self,
        asked: &Asked<'_>,
        permit: &Policy,
    ) -> Result<Vec<(Option<TerritoryName>, Outcome)>, TooMany> {
        let seen = [permit].into_iter().chain(asked.forbids.iter().copied());
        let mut seen = seen.filter_map(|policy| self.scope.explorer.seen.get(policy.id()));
        let all = &self.pack.vocabulary.territories;
        let many = seen.any(|seen| seen.named("Territory") || seen.named("Unit"));
        let homes = all.iter().map(|t| &t.name).take(if many { all.len() } else { 1 });
        let mut found = Vec::new();
        for home in homes {
            found.push((Some(home.clone()), self.by(asked, permit, Some(home))?));
        }
        if found.is_empty() {
            found.push((None, self.by(asked, permit, None)?));
        }
        let first = found.first().map(|(_, outcome)| outcome.clone());
        if found.iter().all(|(_, outcome)| Some(outcome) == first.as_ref()) {
            return Ok(first.map(|outcome| (None, outcome)).into_iter().collect());
        }
        Ok(found)
    }

    /// The regions of this permit, each with what it needs.
    fn by(
        &self,
        asked: &Asked<'_>,
        permit: &Policy,
        home: Option<&TerritoryName>,
    ) -> Result<Outcome, TooMany> {
        self.tried.set(0);
        let ordinary = Situation::ordinary(self.pack, self.scope.collection, home);
        let Some(base) = ordinary else { return Ok(Outcome::default()) };
        let here = Here { asked, home, base };
        let (mine, alone) = (self.own(permit), self.space(&here, permit)?);
        if alone.is_empty() {
            return Ok(Outcome::default());
        }
        // A forbid that looks at nothing else belongs to the region; the others leave one of their own.
        let within = |forbid: &&&Policy| {
            let own = self.own(forbid);
            !own.is_empty() && own.iter().all(|fact| mine.contains(fact))
        };
        let (within, beyond): (Vec<&&Policy>, Vec<&&Policy>) =
            asked.forbids.iter().partition(within);
        let mut space = (*alone).clone();
        for forbid in within {
            let silent = self.space(&here, forbid)?;
            let places = self.own(forbid).iter().map(|fact| mine.iter().position(|m| m == fact));
            let places: Vec<usize> = places.flatten().collect();
            space.keep(|at| silent.has(&picked(at, &places)));
        }
        let regions = if space.is_empty() { alone.cover() } else { space.cover() };
        let mut outcome = Outcome::default();
        for region in regions {
            match self.first(&here, permit, (mine, &space, &region))? {
                Ok(chosen) => {
                    outcome.ways.extend(self.way(
                        &here,
                        permit,
                        (mine, &region),
                        &beyond,
                        chosen,
                    )?);
                }
                Err(by) if outcome.refused.is_empty() => outcome.refused = by,
                Err(_) => {}
            }
        }
        if !outcome.ways.is_empty() {
            outcome.refused.clear();
        }
        Ok(outcome)
    }

    /// The first situation of a region that is allowed, as a value for each fact that matters; or what
    /// refuses where the least is amiss.
    fn first(
        &self,
        here: &Here<'_>,
        permit: &Policy,
        (mine, space, region): (&[usize], &Space, &Region),
    ) -> Result<Result<Chosen, Vec<PolicyRef>>, TooMany> {
        let names = vault_names(self.pack, self.purpose, here.asked.class);
        let named = |name: &str| self.scope.facts.iter().position(|fact| fact.name == name);
        let theirs = here.asked.forbids.iter().flat_map(|forbid| self.own(forbid).iter().copied());
        let theirs = theirs.chain(names.into_iter().filter_map(named));
        let theirs: BTreeSet<usize> = theirs.filter(|fact| !mine.contains(fact)).collect();
        let theirs: Vec<usize> = theirs.into_iter().collect();
        let (sizes, mut refused) = (self.sizes(&theirs), Vec::new());
        let total = sizes.iter().fold(1_usize, |all, size| all.saturating_mul(*size));
        for own in space.combinations(region) {
            for number in 0..total {
                self.count()?;
                let at = own.iter().copied().chain(combination(&sizes, number));
                let facts = mine.iter().chain(&theirs).copied();
                let chosen: Chosen = facts.zip(at).collect();
                let (allowed, by) = self.answer(here, &self.situation(here, &chosen), permit);
                if allowed {
                    return Ok(Ok(chosen));
                }
                let by = of_these(by, &here.asked.forbids);
                if !by.is_empty() && (refused.is_empty() || by.len() < refused.len()) {
                    refused = by;
                }
            }
        }
        Ok(Err(refused))
    }

    /// What a region needs: its own values, those that forbids leave around the situation chosen, and of
    /// them what the engine allows when each fact is changed alone.
    fn way(
        &self,
        here: &Here<'_>,
        permit: &Policy,
        (mine, region): (&[usize], &Region),
        beyond: &[&&Policy],
        chosen: Chosen,
    ) -> Result<Option<Way>, TooMany> {
        let situation = self.situation(here, &chosen);
        // Values that are left of each fact; no mention: all.
        let mut left: HashMap<usize, Vec<bool>> =
            mine.iter().copied().zip(region.iter().cloned()).collect();
        for forbid in beyond {
            let own = self.own(forbid);
            let value = |fact: &usize| chosen.iter().find(|(of, _)| of == fact).map(|(_, at)| *at);
            let from: Vec<usize> = own.iter().filter_map(value).collect();
            let may = |at: usize, value: usize| {
                own.get(at).is_some_and(|fact| is_left(&left, *fact, value))
            };
            let region = self.space(here, forbid)?.widened(&from, may);
            left.extend(own.iter().copied().zip(region));
        }
        let mut needs = Vec::new();
        for (fact, _) in &chosen {
            let Some(variable) = self.scope.facts.get(*fact) else { continue };
            let stays = |at: usize| is_left(&left, *fact, at);
            needs.extend(self.need(here, permit, &situation, variable, stays)?);
        }
        needs.sort();
        let (_, by) = self.answer(here, &situation, permit);
        let policy = by.into_iter().find(|p| p.id == permit.id().to_string());
        Ok(policy.map(|policy| Way { policy, needs }))
    }

    /// One fact changed alone; none where any value will do.
    fn need(
        &self,
        here: &Here<'_>,
        permit: &Policy,
        situation: &Situation,
        variable: &Variable,
        stays: impl Fn(usize) -> bool,
    ) -> Result<Option<Need>, TooMany> {
        let (mut stopped_by, mut answers) = (BTreeSet::new(), Vec::new());
        for (at, (label, setting)) in variable.values.iter().enumerate() {
            self.count()?;
            let mut other = situation.clone();
            other.set(setting);
            let (allowed, by) = self.answer(here, &other, permit);
            if !allowed {
                stopped_by.extend(of_these(by, &here.asked.forbids));
            }
            answers.push((label.clone(), allowed && stays(at)));
        }
        if answers.iter().all(|(_, allowed)| *allowed) {
            return Ok(None);
        }
        let values = if variable.number { ranges(answers) } else { allowed(answers) };
        let stopped_by = stopped_by.into_iter().collect();
        Ok(Some(Need { fact: variable.name.clone(), values, stopped_by }))
    }

    /// What a policy says of every combination of what it looks at: a permit where it allows, a forbid
    /// where it is silent.
    fn space(&self, here: &Here<'_>, policy: &Policy) -> Result<Rc<Space>, TooMany> {
        let Asked { act, class, .. } = *here.asked;
        let seen = self.scope.explorer.seen.get(policy.id());
        // Only what it is asked with differs from class to class.
        let by_class = seen.is_none_or(|seen| {
            seen.has("action", "")
                || seen.has("context", "class")
                || seen.has("context", "break_glass")
        });
        let key = (policy.id().clone(), here.home.cloned(), act, by_class.then(|| class.clone()));
        if let Some(known) = self.spaces.borrow().get(&key) {
            return Ok(Rc::clone(known));
        }
        let (own, effect) = (self.own(policy), policy.effect());
        let alone = PolicySet::from_policies([policy.clone()]);
        let space = Space::of(self.sizes(own), |at| {
            self.count()?;
            let chosen: Chosen = own.iter().copied().zip(at.iter().copied()).collect();
            let situation = self.situation(here, &chosen);
            let speaks = |alone: &PolicySet| {
                self.ask(&situation, |question| {
                    self.pack.speaks((alone, effect), act, class, question)
                })
            };
            // A set of one policy is always made.
            Ok(alone.as_ref().is_ok_and(|alone| speaks(alone) == (effect == Effect::Permit)))
        })?;
        let space = Rc::new(space);
        self.spaces.borrow_mut().insert(key, Rc::clone(&space));
        Ok(space)
    }

    /// Where among all facts those are that a policy looks at.
    fn own(&self, policy: &Policy) -> &'s [usize] {
        self.scope.own.get(policy.id()).map(Vec::as_slice).unwrap_or_default()
    }

    fn sizes(&self, facts: &[usize]) -> Vec<usize> {
        let size = |fact: &usize| self.scope.facts.get(*fact).map_or(1, |fact| fact.values.len());
        facts.iter().map(size).collect()
    }

    /// The ordinary one, with these facts at these values.
    fn situation(&self, here: &Here<'_>, chosen: &[(usize, usize)]) -> Situation {
        let mut situation = here.base.clone();
        for (fact, value) in chosen {
            let fact = self.scope.facts.get(*fact);
            let setting = fact.and_then(|fact| fact.values.get(*value));
            setting.into_iter().for_each(|(_, setting)| situation.set(setting));
        }
        situation
    }

    fn ask<T>(&self, situation: &Situation, ask: impl FnOnce(&Question<'_>) -> T) -> T {
        situation.ask((self.scope.role, self.purpose, &self.scope.collection.name), ask)
    }

    /// Allowed, and this permit is among those that allowed it.
    fn answer(
        &self,
        here: &Here<'_>,
        situation: &Situation,
        permit: &Policy,
    ) -> (bool, Vec<PolicyRef>) {
        let Asked { act, class, .. } = *here.asked;
        let (allowed, by) = self.ask(situation, |question| self.pack.answer(act, class, question));
        let mine = by.iter().any(|policy| policy.id == permit.id().to_string());
        (allowed && mine, by)
    }

    fn count(&self) -> Result<(), TooMany> {
        let (tried, limit) = (self.tried.get().saturating_add(1), self.scope.explorer.limit);
        self.tried.set(tried);
        if tried <= limit {
            return Ok(());
        }
        Err(TooMany {
            role: self.scope.role.clone(),
            purpose: self.purpose.clone(),
            collection: self.scope.collection.name.clone(),
            limit,
        })
    }
}

/// Those that are among these: where a mask is left, what allows that is no refusal.
fn of_these(by: Vec<PolicyRef>, forbids: &[&Policy]) -> Vec<PolicyRef> {
    let known = |policy: &PolicyRef| forbids.iter().any(|f| f.id().to_string() == policy.id);
    by.into_iter().filter(known).collect()
}

fn is_left(left: &HashMap<usize, Vec<bool>>, fact: usize, value: usize) -> bool {
    left.get(&fact).is_none_or(|values| values.get(value) == Some(&true))
}

fn picked(at: &[usize], places: &[usize]) -> Vec<usize> {
    places.iter().filter_map(|place| at.get(*place).copied()).collect()
}

fn allowed(answers: Vec<(String, bool)>) -> Vec<String> {
    answers.into_iter().filter(|(_, allowed)| *allowed).map(|(label, _)| label).collect()
}

/// Runs of allowed numbers as `first-last`, in their order; the labels of times sort as they are.
fn ranges(mut answers: Vec<(String, bool)>) -> Vec<String> {
    answers.sort_by_key(|(label, _)| (label.len(), label.clone()));
    let highest = answers.last().map(|(label, _)| label.clone());
    let mut found: Vec<(String, String)> = Vec::new();
    let mut open = false;
    for (label, allowed) in answers {
        match (allowed, open, found.last_mut()) {
            (true, true, Some(run)) => run.1 = label,
            (true, ..) => found.push((label.clone(), label)),
            (false, ..) => {}
        }
        open = allowed;
    }
    let text =
        |(first, last): (String, String)| match (first == last, Some(&last) == highest.as_ref()) {
            // Nothing above was tried: it goes on.
            (_, true) if !last.contains(':') => format!("{first}+"),
            (true, _) => first,
            (false, _) => format!("{first}-{last}"),
        };
    found.into_iter().map(text).collect()
}
