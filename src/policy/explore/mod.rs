//! What somebody could do, and what would have to hold for it: asked of the engine, never read from the
//! text.
//!
//! For each `permit` that can matter, situations are tried until the engine allows by it; then each fact of
//! that situation is changed alone, and what the engine says shows what is needed. Only facts that a policy
//! of the question looks at are varied, with the values it compares them with: no other can change an
//! answer. Invariant: what is listed as allowed was allowed by the engine in at least one situation; what is
//! listed as refused was refused in every one that was tried.

mod mentions;
mod situation;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};

use cedar_policy::{Effect, Policy, PolicyId, PolicySet};

use self::{
    mentions::Mentions,
    situation::{Setting, Situation, Variable, variables},
};
use super::{
    engine::{
        VAULT_ACTIONS,
        probe::{Act, Question},
    },
    pack::{Pack, spec::CollectionSpec},
    permit::PolicyRef,
};
use crate::{
    ids::{ClassName, CollectionName, PurposeName, RoleName, TerritoryName},
    limits,
};

/// A question of more situations than are tried.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{role}` with `{collection}` for `{purpose}`: the policies tell more than {limit} situations apart"
)]
pub struct TooMany {
    role: RoleName,
    purpose: PurposeName,
    collection: CollectionName,
    limit: usize,
}

/// What one fact must be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Need {
    /// The fact: `assigned`, `territory`, `time`, the name of an attribute.
    pub fact: String,
    /// The values that will do.
    pub values: Vec<String>,
    /// What refuses the others; empty where nothing allows them.
    pub stopped_by: Vec<PolicyRef>,
}

/// One way in which something is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// The `permit`.
    pub policy: PolicyRef,
    /// What must hold, all of it.
    pub needs: Vec<Need>,
}

/// What may be done with one class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The class; `attributes` where the record as a whole is the matter.
    pub class: ClassName,
    /// The act.
    pub act: Act,
    /// In which ways it is allowed; none: never.
    pub ways: Vec<Way>,
    /// Where it is never allowed: what refuses it; empty where only no permit allows it.
    pub refused_by: Vec<PolicyRef>,
}

/// What a role, for a purpose, could do with a collection.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Who.
    pub role: &'a RoleName,
    /// What for.
    pub purpose: &'a PurposeName,
    /// With what.
    pub collection: &'a CollectionSpec,
}

// === impl Need ===

impl Need {
    /// `fact=value|value`.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}={}", self.fact, self.values.join("|"))
    }
}

// === impl Pack ===

impl Pack {
    /// Every class and act of the subject, in the pack's order.
    ///
    /// # Errors
    /// [`TooMany`].
    pub fn explore(&self, of: Subject<'_>) -> Result<Vec<Finding>, TooMany> {
        self.explorer().explore(of)
    }

    /// For many questions: what its policies look at is read once.
    #[must_use]
    pub fn explorer(&self) -> Explorer<'_> {
        let mut seen: HashMap<PolicyId, Mentions> = HashMap::new();
        for policy in self.engine.every_policy() {
            if !seen.contains_key(policy.id()) {
                seen.insert(policy.id().clone(), Mentions::of([policy]));
            }
        }
        Explorer { pack: self, seen, limit: limits::EXPLORED_SITUATIONS_MAX }
    }

    /// The vault's own actions that this role may do, each as a person, as a service account, or as both.
    #[must_use]
    pub fn duties(&self, role: &RoleName) -> Vec<(&'static str, Vec<&'static str>)> {
        let home = self.vocabulary.territories.first().map(|t| &t.name);
        let accounts = [("person", false), ("service", true)];
        let may = |action: &&'static str| {
            let mut found = Vec::new();
            for (label, service) in accounts {
                let allowed = situation::on_the_vault(self, home, service)
                    .is_some_and(|situation| situation.may(self, role, action));
                found.extend(allowed.then_some(label));
            }
            (*action, found)
        };
        let all = VAULT_ACTIONS.iter().map(may);
        all.filter(|(_, accounts)| !accounts.is_empty()).collect()
    }
}

/// Asks one pack.
pub struct Explorer<'a> {
    pack: &'a Pack,
    /// What each policy looks at.
    seen: HashMap<PolicyId, Mentions>,
    /// Most situations tried for one permit.
    limit: usize,
}

impl Explorer<'_> {
    /// Every class and act of the subject, in the pack's order.
    ///
    /// # Errors
    /// [`TooMany`].
    pub fn explore(&self, of: Subject<'_>) -> Result<Vec<Finding>, TooMany> {
        let attributes = self.pack.attributes_class();
        let mut findings = Vec::new();
        for class in [attributes].into_iter().chain(&of.collection.classes) {
            for act in Act::ALL {
                if act.is_of_record() && class != attributes {
                    continue;
                }
                let search = Search { pack: self.pack, asks: self, of, act, class };
                findings.push(search.finding()?);
            }
        }
        Ok(findings)
    }

    /// What these policies look at.
    fn seen<'p>(&self, policies: impl Iterator<Item = &'p Policy>) -> Mentions {
        let known = policies.filter_map(|policy| self.seen.get(policy.id()));
        known.fold(Mentions::default(), Mentions::and)
    }
}

/// One question.
struct Search<'a> {
    pack: &'a Pack,
    asks: &'a Explorer<'a>,
    of: Subject<'a>,
    act: Act,
    class: &'a ClassName,
}

impl Search<'_> {
    fn finding(&self) -> Result<Finding, TooMany> {
        let policies =
            self.pack.met(self.act, (&self.of.collection.name, self.class), self.of.role);
        let (permits, forbids): (Vec<&Policy>, Vec<&Policy>) =
            policies.into_iter().partition(|policy| policy.effect() == Effect::Permit);
        let (mut ways, mut refused) = (Vec::new(), BTreeSet::new());
        for permit in permits {
            for (home, found) in self.by_home(permit, &forbids)? {
                let home = home.map(|home| Need {
                    fact: "home".to_owned(),
                    values: vec![home.to_string()],
                    stopped_by: Vec::new(),
                });
                match found {
                    Outcome::Way(mut way) => {
                        way.needs.extend(home);
                        way.needs.sort();
                        ways.push(way);
                    }
                    Outcome::Refused(by) => refused.extend(by),
                }
            }
        }
        ways.sort_by(|a, b| (&a.policy, &a.needs).cmp(&(&b.policy, &b.needs)));
        if !ways.is_empty() {
            refused.clear();
        } else if refused.is_empty() {
            // No permit at all: what refuses an ordinary agent all the same is said.
            let home = self.pack.vocabulary.territories.first().map(|t| &t.name);
            let base = Situation::ordinary(self.pack, self.of.collection, home);
            let answer = |base: &Situation| {
                of_these(self.pack.answer(self.act, self.class, &self.question(base)).1, &forbids)
            };
            refused.extend(base.as_ref().map(answer).unwrap_or_default());
        }
        let refused_by = refused.into_iter().collect();
        Ok(Finding { class: self.class.clone(), act: self.act, ways, refused_by })
    }

    /// Once for all territories, unless policies name one and answer otherwise for another.
    fn by_home(
        &self,
        permit: &Policy,
        forbids: &[&Policy],
    ) -> Result<Vec<(Option<TerritoryName>, Outcome)>, TooMany> {
        let seen = self.asks.seen([permit].into_iter().chain(forbids.iter().copied()));
        let all = &self.pack.vocabulary.territories;
        let many = seen.named("Territory") || seen.named("Unit");
        let homes = all.iter().map(|t| &t.name).take(if many { all.len() } else { 1 });
        let mut found = Vec::new();
        for home in homes {
            found.push((Some(home.clone()), self.by(permit, forbids, Some(home))?));
        }
        if found.is_empty() {
            found.push((None, self.by(permit, forbids, None)?));
        }
        let first = found.first().map(|(_, outcome)| outcome.clone());
        if found.iter().all(|(_, outcome)| Some(outcome) == first.as_ref()) {
            return Ok(first.map(|outcome| (None, outcome)).into_iter().collect());
        }
        Ok(found)
    }

    /// The first situation in which this permit allows it, and what of it is needed.
    fn by(
        &self,
        permit: &Policy,
        forbids: &[&Policy],
        home: Option<&TerritoryName>,
    ) -> Result<Outcome, TooMany> {
        let (pack, spec) = (self.pack, self.of.collection);
        let Ok(alone) = PolicySet::from_policies([permit.clone()]) else {
            return Ok(Outcome::Refused(Vec::new()));
        };
        let Some(base) = Situation::ordinary(pack, spec, home) else {
            return Ok(Outcome::Refused(Vec::new()));
        };
        let own: BTreeSet<String> = variables(pack, spec, &self.asks.seen([permit].into_iter()))
            .into_iter()
            .map(|v| v.name)
            .collect();
        let all = self.asks.seen([permit].into_iter().chain(forbids.iter().copied()));
        let mut all = variables(pack, spec, &all);
        if pack.hold_purpose() == Some(self.of.purpose) {
            // The vault itself looks at these, whatever the policies say.
            for fact in [situation::held(), situation::approval()] {
                if all.iter().all(|known| known.name != fact.name) {
                    all.push(fact);
                }
            }
        }
        let (mine, theirs): (Vec<Variable>, Vec<Variable>) =
            all.into_iter().partition(|variable| own.contains(&variable.name));
        let (mut tried, mut refused) = (0_usize, Vec::new());
        for choice in choices(&mine) {
            self.count(&mut tried)?;
            let mut satisfied = base.clone();
            choice.iter().for_each(|setting| satisfied.set(setting));
            if !pack.alone(&alone, self.act, self.class, &self.question(&satisfied)) {
                continue;
            }
            for choice in choices(&theirs) {
                self.count(&mut tried)?;
                let mut situation = satisfied.clone();
                choice.iter().for_each(|setting| situation.set(setting));
                let (allowed, by) = self.answer(&situation, permit);
                if allowed {
                    let needs =
                        self.needs(&situation, (permit, forbids), mine.iter().chain(&theirs));
                    let policy = by.into_iter().find(|p| p.id == permit.id().to_string());
                    return Ok(policy.map_or(Outcome::Refused(Vec::new()), |policy| {
                        Outcome::Way(Way { policy, needs })
                    }));
                }
                // What refuses where the least is amiss.
                let by = of_these(by, forbids);
                if !by.is_empty() && (refused.is_empty() || by.len() < refused.len()) {
                    refused = by;
                }
            }
        }
        Ok(Outcome::Refused(refused))
    }

    /// Each fact changed alone: what is allowed no more is needed.
    fn needs<'v>(
        &self,
        situation: &Situation,
        (permit, forbids): (&Policy, &[&Policy]),
        all: impl Iterator<Item = &'v Variable>,
    ) -> Vec<Need> {
        let mut needs = Vec::new();
        for variable in all {
            let (mut stopped_by, mut answers) = (BTreeSet::new(), Vec::new());
            for (label, setting) in &variable.values {
                let mut other = situation.clone();
                other.set(setting);
                let (allowed, by) = self.answer(&other, permit);
                if !allowed {
                    stopped_by.extend(of_these(by, forbids));
                }
                answers.push((label.clone(), allowed));
            }
            if answers.iter().all(|(_, allowed)| *allowed) {
                continue;
            }
            let values = if variable.number { ranges(answers) } else { allowed(answers) };
            let stopped_by = stopped_by.into_iter().collect();
            needs.push(Need { fact: variable.name.clone(), values, stopped_by });
        }
        needs.sort();
        needs
    }

    fn question<'q>(&'q self, situation: &'q Situation) -> Question<'q> {
        situation.question(self.of.role, self.of.purpose, &self.of.collection.name)
    }

    /// Allowed, and this permit is among those that allowed it.
    fn answer(&self, situation: &Situation, permit: &Policy) -> (bool, Vec<PolicyRef>) {
        let (allowed, by) = self.pack.answer(self.act, self.class, &self.question(situation));
        let mine = by.iter().any(|policy| policy.id == permit.id().to_string());
        (allowed && mine, by)
    }

    fn count(&self, tried: &mut usize) -> Result<(), TooMany> {
        *tried = tried.saturating_add(1);
        if *tried <= self.asks.limit {
            return Ok(());
        }
        Err(TooMany {
            role: self.of.role.clone(),
            purpose: self.of.purpose.clone(),
            collection: self.of.collection.name.clone(),
            limit: self.asks.limit,
        })
    }
}

/// Those that are among these: where a mask is left, what allows that is no refusal.
fn of_these(by: Vec<PolicyRef>, forbids: &[&Policy]) -> Vec<PolicyRef> {
    let known = |policy: &PolicyRef| forbids.iter().any(|f| f.id().to_string() == policy.id);
    by.into_iter().filter(known).collect()
}

/// What came of one permit.
#[derive(Clone, PartialEq, Eq)]
enum Outcome {
    Way(Way),
    /// What refused it where the permit held; empty where it never did.
    Refused(Vec<PolicyRef>),
}

/// Every combination, the ordinary values first; one that is empty for no variable.
fn choices(variables: &[Variable]) -> impl Iterator<Item = Vec<&Setting>> {
    let sizes: Vec<usize> = variables.iter().map(|variable| variable.values.len()).collect();
    let total = sizes.iter().fold(1_usize, |all, size| all.saturating_mul(*size));
    (0..total).map(move |mut number| {
        let pick = variables.iter().zip(&sizes).filter_map(|(variable, size)| {
            let at = number.checked_rem(*size)?;
            number = number.checked_div(*size)?;
            variable.values.get(at).map(|(_, setting)| setting)
        });
        pick.collect()
    })
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
