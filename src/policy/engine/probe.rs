//! For `explore`: which policies a question meets, whether one of them holds alone, and what the engine
//! answers. No request of a caller comes through here, and no permit leaves: an answer is only told.

use std::collections::{BTreeMap, HashMap};

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
    /// Make a record of another collection from it.
    Derive,
    /// Mark the record as restricted, or lift that.
    Restrict,
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
    pub const ALL: [Self; 10] = [
        Self::Reveal,
        Self::Mask,
        Self::Match,
        Self::Write,
        Self::Create,
        Self::Assign,
        Self::Erase,
        Self::Hold,
        Self::Derive,
        Self::Restrict,
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
            Self::Derive => 'd',
            Self::Restrict => 'f',
        }
    }

    /// Its word, as policies write it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Mask => "mask",
            other => other.verb().word(),
        }
    }

    /// It is done with the record as a whole, and asked for its attributes.
    #[must_use]
    pub fn is_of_record(self) -> bool {
        matches!(self, Self::Assign | Self::Erase | Self::Hold | Self::Derive | Self::Restrict)
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
            Self::Derive => Verb::Derive,
            Self::Restrict => Verb::Restrict,
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
            Act::Derive => &slots.derive,
            Act::Restrict => &slots.restrict,
        })
    }

    /// Every policy of every slice, those asked once for all classes among them; most come more than once.
    pub(in crate::policy) fn every_policy(&self) -> impl Iterator<Item = &Policy> {
        let slices = self.every_slot().flat_map(|slot| slot.by_role.values());
        let shared = self.collections.values().flat_map(|slots| slots.shared.values());
        let once = shared.flat_map(HashMap::values).flat_map(PolicySet::policies);
        slices.flat_map(|slice| slice.policies.policies()).chain(once)
    }

    fn every_slot(&self) -> impl Iterator<Item = &Slot> {
        let data = self.collections.values().flat_map(|slots| {
            let classes = slots.classes.values();
            let classes = classes.flat_map(|c| [&c.reveal, &c.mask, &c.matching, &c.write]);
            let of_record = [&slots.assign, &slots.erase, &slots.hold, &slots.derive];
            classes.chain(of_record).chain([&slots.create, &slots.restrict])
        });
        data.chain(self.vault.values())
    }
}

// === impl Pack ===

impl Pack {
    /// Every policy, with whether it is a `permit`, sorted by id.
    #[must_use]
    pub fn policies(&self) -> Vec<(PolicyRef, bool)> {
        let all = self.engine.every_policy();
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
        let own =
            self.engine.slot_of(act, collection, class).and_then(|slot| slot.by_role.get(role));
        let once =
            self.engine.collections.get(collection).and_then(|slots| {
                slots.shared.get(act.word()).and_then(|by_role| by_role.get(role))
            });
        let own = own.into_iter().flat_map(|slice| slice.policies.policies());
        own.chain(once.into_iter().flat_map(PolicySet::policies)).collect()
    }

    /// Whether this policy, alone, has its say: a `permit` allows, a `forbid` refuses. One that errs does
    /// not allow and does refuse.
    pub(in crate::policy) fn speaks(
        &self,
        (policy, effect): (&PolicySet, Effect),
        act: Act,
        class: &ClassName,
        question: &Question<'_>,
    ) -> bool {
        let engine = &self.engine;
        let outcome = engine.slot_of(act, question.on.collection, class).and_then(|slot| {
            let case = engine.case(&question.who, &question.on, &[slot])?;
            let facts =
                self.facts(&question.who, act.verb(), &question.on, &question.context, question.at);
            let create = (act == Act::Create).then_some(class);
            let broken = facts.glass.is_some_and(|rule| rule.covers(class));
            let context = engine.symbols.context(&facts, create, broken)?;
            Some(engine.evaluate(policy, &slot.uid, &case, context))
        });
        match effect {
            Effect::Permit => outcome.is_some_and(|outcome| outcome.allowed),
            Effect::Forbid => outcome.is_none_or(|outcome| !outcome.policies.is_empty()),
        }
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
