//! What somebody could do, and what would have to hold for it: asked of the engine, never read from the
//! text.
//!
//! For each `permit` that can matter, the combinations of the facts it looks at are tried on it alone; those
//! that satisfy it are told as a few regions (`cover.rs`), and in each the whole engine is asked until it
//! allows (`search.rs`). Then each fact of that situation is changed alone, which shows what forbids need.
//! Only facts that a policy looks at are varied, with the values it compares them with: no other can change
//! an answer. Invariant: what is listed as allowed was allowed by the engine in at least one situation, and
//! what fulfils all needs of a way is allowed; what is listed as refused was refused in every one tried.
//! Where a `forbid` alone leaves alternatives, the one nearest the ordinary is told.

mod cover;
mod facts;
mod mentions;
mod search;
mod situation;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};

use cedar_policy::{Effect, Policy, PolicyId};

use self::{
    facts::{Variable, of_the_vault, variables},
    mentions::Mentions,
    search::Search,
};
use super::{
    engine::{VAULT_ACTIONS, probe::Act},
    pack::{Pack, spec::CollectionSpec},
    permit::PolicyRef,
};
use crate::{
    ids::{ClassName, CollectionName, PurposeName, RoleName},
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

impl<'a> Explorer<'a> {
    /// Every class and act of the subject, in the pack's order.
    ///
    /// # Errors
    /// [`TooMany`].
    pub fn explore(&self, of: Subject<'_>) -> Result<Vec<Finding>, TooMany> {
        self.scope(of.role, of.collection).explore(of.purpose)
    }

    /// For many purposes: which policies matter, and what can be varied, is found once.
    #[must_use]
    pub fn scope<'s>(&'s self, role: &'s RoleName, collection: &'s CollectionSpec) -> Scope<'s>
    where
        'a: 's,
    {
        let attributes = self.pack.attributes_class();
        let mut asked = Vec::new();
        for class in [attributes].into_iter().chain(&collection.classes) {
            for act in Act::ALL {
                if act.is_of_record() && class != attributes {
                    continue;
                }
                let met = self.pack.met(act, (&collection.name, class), role).into_iter();
                let (permits, forbids) = met.partition(|policy| policy.effect() == Effect::Permit);
                asked.push(Asked { act, class, permits, forbids });
            }
        }
        let mut known = HashSet::new();
        let met: Vec<&Policy> = asked
            .iter()
            .flat_map(|asked| asked.permits.iter().chain(&asked.forbids).copied())
            .filter(|policy| known.insert(policy.id().clone()))
            .collect();
        let all = met.iter().filter_map(|policy| self.seen.get(policy.id()));
        let all = all.fold(Mentions::default(), Mentions::and);
        let mut facts = variables(self.pack, collection, &all);
        for fact in of_the_vault(self.pack) {
            if facts.iter().all(|known| known.name != fact.name) {
                facts.push(fact);
            }
        }
        let own = |policy: &&Policy| {
            let seen = self.seen.get(policy.id())?;
            let own = variables(self.pack, collection, seen);
            let at = |fact: &Variable| facts.iter().position(|known| known.name == fact.name);
            Some((policy.id().clone(), own.iter().filter_map(at).collect()))
        };
        let own = met.iter().filter_map(own).collect();
        Scope { explorer: self, role, collection, asked, facts, own }
    }
}

/// One class and one act, with the policies that can matter.
struct Asked<'s> {
    act: Act,
    class: &'s ClassName,
    permits: Vec<&'s Policy>,
    forbids: Vec<&'s Policy>,
}

/// One role before one collection.
pub struct Scope<'s> {
    explorer: &'s Explorer<'s>,
    role: &'s RoleName,
    collection: &'s CollectionSpec,
    asked: Vec<Asked<'s>>,
    /// Everything that is worth varying.
    facts: Vec<Variable>,
    /// For each policy, at which places of `facts` is what it looks at.
    own: HashMap<PolicyId, Vec<usize>>,
}

impl Scope<'_> {
    /// Every class and act, in the pack's order.
    ///
    /// # Errors
    /// [`TooMany`].
    pub fn explore(&self, purpose: &PurposeName) -> Result<Vec<Finding>, TooMany> {
        let search = Search::new(self, purpose);
        self.asked.iter().map(|asked| search.finding(asked)).collect()
    }

    /// Those alone that are allowed in some way; what refuses the others is not asked.
    ///
    /// # Errors
    /// [`TooMany`].
    pub fn allowed(&self, purpose: &PurposeName) -> Result<Vec<Finding>, TooMany> {
        let search = Search::new(self, purpose);
        let open = self.asked.iter().filter(|asked| !asked.permits.is_empty());
        let mut found = open.map(|asked| search.finding(asked)).collect::<Result<Vec<_>, _>>()?;
        found.retain(|finding| !finding.ways.is_empty());
        Ok(found)
    }
}
