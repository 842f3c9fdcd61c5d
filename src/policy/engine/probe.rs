//! For `explore`: which policies a question meets, whether one of them holds alone, and what the engine
//! answers. No request of a caller comes through here, and no permit leaves: an answer is only told.

use std::collections::BTreeMap;

use cedar_policy::{Effect, Policy, PolicySet};

use super::{
    Engine, Slot,
    request::{Moment, Principal, RequestContext, Resource},
};
use crate::{
    ids::{ClassName, CollectionName, RoleName},
    policy::{
        pack::Pack,
        permit::{PolicyRef, Verb, Verdict},
    },
};

/// What may be done with a class of a record, or with the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Act {
    /// See the whole values.
    Reveal,
    /// See what the masks leave.
    Mask,
    /// Be told whether a value is right.
    Match,
    /// Change values.
    Write,
    /// File a record with the class.
    Create,
    /// Hand the record out.
    Assign,
    /// Destroy the record's keys before its date.
    Erase,
    /// Keep the record beyond its date.
    Hold,
}

/// What a question is asked about.
pub(in crate::policy) struct Question<'a> {
    pub(in crate::policy) who: Principal<'a>,
    pub(in crate::policy) on: Resource<'a>,
    pub(in crate::policy) context: RequestContext<'a>,
    pub(in crate::policy) at: Moment,
}

// === impl Act ===

impl Act {
    /// Every one, those on a class first.
    pub const ALL: [Self; 8] = [
        Self::Reveal,
        Self::Mask,
        Self::Match,
        Self::Write,
        Self::Create,
        Self::Assign,
        Self::Erase,
        Self::Hold,
    ];

    /// One letter, for tables.
    #[must_use]
    pub fn letter(self) -> char {
        match self {
            Self::Reveal => 'r',
            Self::Mask => 'm',
            Self::Match => 'x',
            Self::Write => 'w',
            Self::Create => 'c',
            Self::Assign => 'a',
            Self::Erase => 'e',
            Self::Hold => 'h',
        }
    }

    /// Its word, as policies write it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Reveal => "reveal",
            Self::Mask => "mask",
            Self::Match => "match",
            Self::Write => "write",
            Self::Create => "create",
            Self::Assign => "assign",
            Self::Erase => "erase",
            Self::Hold => "hold",
        }
    }

    /// It is done with the record as a whole, and asked for its attributes.
    #[must_use]
    pub fn is_of_record(self) -> bool {
        matches!(self, Self::Assign | Self::Erase | Self::Hold)
    }

    fn verb(self) -> Verb {
        match self {
            Self::Reveal | Self::Mask => Verb::Reveal,
            Self::Match => Verb::Match,
            Self::Write => Verb::Write,
            Self::Create => Verb::Create,
            Self::Assign => Verb::Assign,
            Self::Erase => Verb::Erase,
            Self::Hold => Verb::Hold,
        }
    }
}

// === impl Engine ===

impl Engine {
    fn slot_of(&self, act: Act, collection: &CollectionName, class: &ClassName) -> Option<&Slot> {
        let slots = self.collections.get(collection)?;
        let own = slots.classes.get(class)?;
        Some(match act {
            Act::Reveal => &own.reveal,
            Act::Mask => &own.mask,
            Act::Match => &own.matching,
            Act::Write => &own.write,
            Act::Create => &slots.create,
            Act::Assign => &slots.assign,
            Act::Erase => &slots.erase,
            Act::Hold => &slots.hold,
        })
    }

    /// Every policy, as often as it stands in a slice.
    pub(in crate::policy) fn every_policy(&self) -> impl Iterator<Item = &Policy> {
        let slices = self.every_slot().flat_map(|slot| slot.by_role.values());
        slices.flat_map(|slice| slice.policies.policies())
    }

    fn every_slot(&self) -> impl Iterator<Item = &Slot> {
        let data = self.collections.values().flat_map(|slots| {
            let classes = slots.classes.values();
            let classes = classes.flat_map(|c| [&c.reveal, &c.mask, &c.matching, &c.write]);
            classes.chain([&slots.create, &slots.assign, &slots.erase, &slots.hold])
        });
        data.chain(self.vault.values())
    }
}

// === impl Pack ===

impl Pack {
    /// Every policy, with whether it is a `permit`, sorted by id.
    #[must_use]
    pub fn policies(&self) -> Vec<(PolicyRef, bool)> {
        let slices = self.engine.every_slot().flat_map(|slot| slot.by_role.values());
        let all = slices.flat_map(|slice| slice.policies.policies());
        let found: BTreeMap<PolicyRef, bool> = all
            .filter_map(|policy| {
                let named = self.engine.refs.get(policy.id())?;
                Some((named.clone(), policy.effect() == Effect::Permit))
            })
            .collect();
        found.into_iter().collect()
    }

    /// The class that stands for a record's attributes.
    pub(in crate::policy) fn attributes_class(&self) -> &ClassName {
        &self.engine.attributes_class
    }

    /// The policies that can matter for this question of this role.
    pub(in crate::policy) fn met(
        &self,
        act: Act,
        (collection, class): (&CollectionName, &ClassName),
        role: &RoleName,
    ) -> Vec<&Policy> {
        let slot = self.engine.slot_of(act, collection, class);
        let slice = slot.and_then(|slot| slot.by_role.get(role));
        slice.map(|slice| slice.policies.policies().collect()).unwrap_or_default()
    }

    /// Whether these policies alone would allow it.
    pub(in crate::policy) fn alone(
        &self,
        policies: &PolicySet,
        act: Act,
        class: &ClassName,
        question: &Question<'_>,
    ) -> bool {
        let engine = &self.engine;
        let outcome = engine.slot_of(act, question.on.collection, class).and_then(|slot| {
            let case = engine.case(&question.who, &question.on, &[slot])?;
            let facts = self.facts(&question.who, act.verb(), &question.context, question.at);
            let create = (act == Act::Create).then_some(class);
            let context = engine.symbols.context(&facts, create)?;
            Some(engine.ask_of(policies, slot, &case, context))
        });
        outcome.is_some_and(|outcome| outcome.allowed)
    }

    /// Whether it is allowed, and what decided.
    pub(in crate::policy) fn answer(
        &self,
        act: Act,
        class: &ClassName,
        question: &Question<'_>,
    ) -> (bool, Vec<PolicyRef>) {
        let Question { who, on, context, at } = question;
        let asked = [class.clone()];
        let decision = self.decide_as(who, act.verb(), on, &asked, context, *at);
        let wanted = if act == Act::Mask { Verdict::Mask } else { Verdict::Allow };
        let allowed = decision.classes.iter().all(|decided| decided.verdict == wanted);
        (allowed && !decision.classes.is_empty(), decision.policies())
    }
}
