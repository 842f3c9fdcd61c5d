//! Decisions: one Cedar evaluation per class, over the few policies that can matter.
//!
//! INVARIANT: deny by default, and an evaluation error is a deny, whatever else allows. Cedar skips
//! a policy that errs, also an erring `forbid`; `Engine::evaluate` is the one place that looks.
//!
//! A `forbid` that answers alike for every class under a verb is asked once per request, the rest once
//! per class. Nothing is parsed or validated here: `compile` did it at load. A request builds two entities
//! and a context from plain facts, once, however many classes it asks.

pub(in crate::policy) mod ask;
mod compile;
mod excluded;
mod facts;
mod gates;
pub(in crate::policy) mod probe;
mod purposes;
pub(in crate::policy) mod request;
mod separated;
#[cfg(test)]
mod tests;
mod written;

use std::collections::{HashMap, HashSet};

use cedar_policy::{
    Authorizer, Context, Entities, Entity, EntityUid, PolicyId, PolicySet, Request,
};

use super::permit::{ClassDecision, Decision, PolicyRef, Verb, Verdict};
use crate::ids::{AgentId, ClassName, CollectionName, PurposeName, RecordId, RoleName};

use facts::Symbols;
use gates::Gates;
use purposes::Purposes;
use request::Moment;
pub(in crate::policy) use request::Principal;
pub use request::{
    AGE_UNKNOWN, ActionDecision, LinkFacts, RequestContext, Resource, VAULT_ACTIONS,
};

/// One action on one resource type: its uid, its entity with its groups, and per role the policies
/// that can matter.
struct Slot {
    uid: EntityUid,
    entity: Entity,
    by_role: HashMap<RoleName, Slice>,
}

/// The policies that can matter for one role, and for which purposes its `permit`s could hold.
struct Slice {
    policies: PolicySet,
    permits: Purposes,
}

/// Per verb and role, the `forbid`s that are in the slice of every class and tell none from another.
/// They are in no slot.
type SharedForbids = HashMap<&'static str, HashMap<RoleName, PolicySet>>;

struct ClassSlots {
    reveal: Slot,
    mask: Slot,
    matching: Slot,
    write: Slot,
}

struct CollectionSlots {
    classes: HashMap<ClassName, ClassSlots>,
    shared: SharedForbids,
    create: Slot,
    assign: Slot,
    erase: Slot,
    hold: Slot,
    derive: Slot,
    restrict: Slot,
}

/// Compiled policies of one pack. Immutable.
pub(in crate::policy) struct Engine {
    authorizer: Authorizer,
    symbols: Symbols,
    refs: HashMap<PolicyId, PolicyRef>,
    collections: HashMap<CollectionName, CollectionSlots>,
    vault: HashMap<&'static str, Slot>,
    attributes_class: ClassName,
    /// Who filed the record that is not there.
    somebody: AgentId,
    excluded_roles: HashSet<RoleName>,
    gates: Gates,
    /// Roles to which some permit could give a class of fields.
    content_roles: HashSet<RoleName>,
    /// Roles that a policy which asks for the recent count concerns.
    counted: HashSet<RoleName>,
}

/// One request on one record, ready to be asked class by class.
struct Case<'a> {
    who: &'a Principal<'a>,
    principal: EntityUid,
    resource: EntityUid,
    entities: Entities,
}

/// The outcome of one evaluation.
#[derive(Default)]
struct Outcome {
    allowed: bool,
    erred: bool,
    policies: Vec<PolicyRef>,
}

/// What was asked once for all classes of a request, per verb.
#[derive(Default)]
struct Common(HashMap<&'static str, Outcome>);

// === impl Engine ===

impl Engine {
    /// Whether some permit could give content to this role.
    pub(in crate::policy) fn gives_content(&self, role: &RoleName) -> bool {
        self.content_roles.contains(role)
    }

    /// Decides each class. `None` where the collection or the purpose is unknown: deny.
    fn classes(
        &self,
        who: &Principal<'_>,
        verb: Verb,
        on: &Resource<'_>,
        asked: &[ClassName],
        context: &facts::ContextFacts<'_>,
    ) -> Option<(Vec<ClassDecision>, bool)> {
        let slots = self.collections.get(on.collection)?;
        let attributes = &slots.classes.get(&self.attributes_class)?.reveal;
        let mut used: Vec<&Slot> = vec![attributes];
        for class in asked {
            used.extend(slots.of(verb, class, who.role));
        }
        let case = self.case(who, on, &used)?;
        let shared = self.symbols.context(context, None, false)?;
        // INVARIANT: a policy sees broken glass for the classes of the pack's entry, and for no other.
        let covers = |class: &ClassName| context.glass.is_some_and(|rule| rule.covers(class));
        let mut decisions = Vec::with_capacity(asked.len());
        let mut common = Common::default();
        for class in asked {
            let own = match verb {
                Verb::Create => self.symbols.context(context, Some(class), false),
                _ if covers(class) => self.symbols.context(context, None, true),
                _ => Some(shared.clone()),
            };
            decisions.push(match own {
                Some(context) => self.class(slots, &case, verb, class, &context, &mut common),
                None => denied(class, Vec::new()),
            });
        }
        // Where a class is allowed there is nothing left to hide. Where none is, this is asked for a
        // forbidden record and for a decoy alike, so that both cost the same.
        let allowed = decisions.iter().any(|d| d.verdict != Verdict::Deny);
        let may_know = allowed || {
            let before = self.common(&mut common, slots, "reveal", attributes, &case, &shared);
            before.then(self.ask(attributes, &case, shared)).allowed
        };
        Some((decisions, may_know))
    }

    fn class(
        &self,
        slots: &CollectionSlots,
        case: &Case<'_>,
        verb: Verb,
        class: &ClassName,
        context: &Context,
        common: &mut Common,
    ) -> ClassDecision {
        // Looked at beside the policies, not before them: their refusal says more, and costs the same.
        let closed = self.gates.refusal(case.who, verb, class);
        let mut policies = Vec::new();
        let actions = [(verb.word(), Verdict::Allow), ("mask", Verdict::Mask)];
        for (slot, (group, verdict)) in slots.of(verb, class, case.who.role).zip(actions) {
            let before = self.common(common, slots, group, slot, case, context);
            let mut outcome = before.then(self.ask(slot, case, context.clone()));
            if outcome.allowed && closed.is_none() {
                return ClassDecision { class: class.clone(), verdict, policies: outcome.policies };
            }
            if !outcome.allowed {
                policies.append(&mut outcome.policies);
            }
            if outcome.erred {
                // An error is a deny, not a reason to try the milder action.
                break;
            }
        }
        if policies.is_empty() {
            policies.extend(closed.cloned());
        }
        policies.sort();
        policies.dedup();
        denied(class, policies)
    }

    /// What the `forbid`s say that answer alike for all classes, asked at the first of them.
    fn common<'a>(
        &self,
        common: &'a mut Common,
        slots: &CollectionSlots,
        group: &'static str,
        at: &Slot,
        case: &Case<'_>,
        context: &Context,
    ) -> &'a Outcome {
        common.0.entry(group).or_insert_with(|| {
            let policies = slots.shared.get(group).and_then(|roles| roles.get(case.who.role));
            policies.map_or_else(Outcome::default, |policies| {
                self.evaluate(policies, &at.uid, case, context.clone())
            })
        })
    }

    fn ask(&self, slot: &Slot, case: &Case<'_>, context: Context) -> Outcome {
        let slice = slot.by_role.get(case.who.role);
        slice.map_or_else(Outcome::default, |slice| {
            self.evaluate(&slice.policies, &slot.uid, case, context)
        })
    }

    /// One evaluation. The only caller of Cedar's authorizer.
    fn evaluate(
        &self,
        policies: &PolicySet,
        action: &EntityUid,
        case: &Case<'_>,
        context: Context,
    ) -> Outcome {
        if policies.is_empty() {
            return Outcome::default();
        }
        let request = Request::new(
            case.principal.clone(),
            action.clone(),
            case.resource.clone(),
            context,
            None,
        );
        let Ok(request) = request else { return Outcome::default() };
        let response = self.authorizer.is_authorized(&request, policies, &case.entities);
        let diagnostics = response.diagnostics();
        let erring: Vec<&PolicyId> = diagnostics
            .errors()
            .map(|cedar_policy::AuthorizationError::PolicyEvaluationError(e)| e.policy_id())
            .collect();
        // Upholding the INVARIANT of this file: any error denies, and is what decided.
        let erred = !erring.is_empty();
        let allowed = !erred && response.decision() == cedar_policy::Decision::Allow;
        let deciding = if erred { erring } else { diagnostics.reason().collect() };
        let mut policies: Vec<PolicyRef> =
            deciding.into_iter().filter_map(|id| self.refs.get(id).cloned()).collect();
        policies.sort();
        Outcome { allowed, erred, policies }
    }

    fn case<'a>(
        &self,
        who: &'a Principal<'a>,
        on: &Resource<'_>,
        slots: &[&Slot],
    ) -> Option<Case<'a>> {
        let (principal, resource) = (self.symbols.agent(who)?, self.symbols.record(on)?);
        let (principal_uid, resource_uid) = (principal.uid(), resource.uid());
        let actions = slots.iter().map(|slot| slot.entity.clone());
        let entities =
            Entities::from_entities([principal, resource].into_iter().chain(actions), None).ok()?;
        Some(Case { who, principal: principal_uid, resource: resource_uid, entities })
    }

    fn vault_action(&self, who: &Principal<'_>, action: &str, at: &Moment) -> ActionDecision {
        // Whatever the policies say: nobody is appointed to an excluded role, and who had it before the
        // pack excluded it has nothing left.
        let slot = self.vault.get(action).filter(|_| !self.excluded_roles.contains(who.role));
        let outcome = slot.and_then(|slot| {
            let principal = self.symbols.agent(who)?;
            let (uid, vault) = (principal.uid(), Entity::with_uid(self.symbols.vault.clone()));
            let entities = [principal, vault, slot.entity.clone()];
            let case = Case {
                who,
                principal: uid,
                resource: self.symbols.vault.clone(),
                entities: Entities::from_entities(entities, None).ok()?,
            };
            Some(self.ask(slot, &case, facts::time_context(at)?))
        });
        let outcome = outcome.unwrap_or_default();
        ActionDecision { allowed: outcome.allowed, policies: outcome.policies }
    }
}

// === impl Outcome ===

impl Outcome {
    /// This of the shared `forbid`s, and then what the rest says: as if both had been one set.
    fn then(&self, rest: Self) -> Self {
        let erred = self.erred || rest.erred;
        let mut policies = Vec::new();
        if self.erred == erred {
            policies.extend(self.policies.iter().cloned());
        }
        if policies.is_empty() && !erred {
            return rest;
        }
        if rest.erred || (!erred && !rest.allowed) {
            policies.extend(rest.policies);
        }
        policies.sort();
        Self { allowed: false, erred, policies }
    }
}

// === impl Slot ===

impl Slot {
    /// Whether some `permit` could allow this action to the role.
    fn may_permit(&self, role: &RoleName) -> bool {
        self.by_role.get(role).is_some_and(|slice| slice.permits.some())
    }

    /// Whether some `permit` could allow this action to the role for this purpose.
    fn may_permit_for(&self, role: &RoleName, purpose: &PurposeName) -> bool {
        self.by_role.get(role).is_some_and(|slice| slice.permits.has(purpose))
    }
}

// === impl CollectionSlots ===

impl CollectionSlots {
    /// The actions that answer for a class: for a reveal the whole value, then the mask if the role
    /// has a permit for it (without one its evaluation could only repeat the refusal).
    fn of(&self, verb: Verb, class: &ClassName, role: &RoleName) -> impl Iterator<Item = &Slot> {
        let slots = self.classes.get(class);
        let (first, second) = match verb {
            Verb::Reveal => (slots.map(|s| &s.reveal), slots.map(|s| &s.mask)),
            Verb::Match => (slots.map(|s| &s.matching), None),
            Verb::Write => (slots.map(|s| &s.write), None),
            // A class the collection does not have is denied there too.
            Verb::Create => (slots.map(|_| &self.create), None),
            Verb::Assign => (slots.map(|_| &self.assign), None),
            Verb::Erase => (slots.map(|_| &self.erase), None),
            Verb::Hold => (slots.map(|_| &self.hold), None),
            Verb::Derive => (slots.map(|_| &self.derive), None),
            Verb::Restrict => (slots.map(|_| &self.restrict), None),
        };
        first.into_iter().chain(second.filter(|slot| slot.may_permit(role)))
    }
}

fn denied(class: &ClassName, policies: Vec<PolicyRef>) -> ClassDecision {
    ClassDecision { class: class.clone(), verdict: Verdict::Deny, policies }
}

/// Upholding the INVARIANT on `Permit`: the one place that has one made.
fn decision(
    on: RecordId,
    verb: Verb,
    classes: Vec<ClassDecision>,
    (may_know, past_date): (bool, bool),
) -> Decision {
    Decision::about(on, verb, classes, (may_know, past_date))
}
