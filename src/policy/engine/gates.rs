//! What no policy can give: content without the undertaking of secrecy, or without what its class asks.
//!
//! Decided by the habilitation and the class alone, so that it costs the same for every record and for
//! none. A refusal has an id that no policy of a pack can have: it begins with `_`.

use std::collections::HashMap;

use super::request::Principal;
use crate::{
    ids::ClassName,
    policy::{
        pack::vocabulary::Vocabulary,
        permit::{PolicyRef, Verb},
    },
};

/// What a class asks of a habilitation.
struct Needs {
    sworn: bool,
    /// One of these; empty: none asked.
    professions: Vec<String>,
}

/// What stands before the policies.
pub(super) struct Gates {
    /// Every class of fields. Attributes are no content.
    classes: HashMap<ClassName, Needs>,
    undertaking: PolicyRef,
    sworn: PolicyRef,
    profession: PolicyRef,
}

// === impl Gates ===

impl Gates {
    pub(super) fn of(vocabulary: &Vocabulary) -> Self {
        let needs = vocabulary.class_rules.iter().map(|class| {
            let professions = class.professions.clone();
            (class.name.clone(), Needs { sworn: class.sworn, professions })
        });
        let rule = |id: &str, reason: &str| PolicyRef {
            id: id.to_owned(),
            reason: reason.to_owned(),
            legal: "Rule of the vault itself, whatever the pack's policies say".to_owned(),
        };
        Self {
            classes: needs.collect(),
            undertaking: rule(
                "_no-undertaking",
                "No content for a person who has not signed the undertaking of secrecy.",
            ),
            sworn: rule("_not-sworn", "The pack keeps this class for those who are sworn."),
            profession: rule(
                "_not-of-profession",
                "The pack keeps this class for certain professions.",
            ),
        }
    }

    /// What closes this class to this caller, if anything does.
    ///
    /// A service account signs nothing, swears nothing and has no profession: it may file what its
    /// class keeps from it, and neither see, confirm nor change it.
    pub(super) fn refusal(
        &self,
        who: &Principal<'_>,
        verb: Verb,
        class: &ClassName,
    ) -> Option<&PolicyRef> {
        let needs = self.classes.get(class)?;
        if !(who.service || who.undertaking) {
            return Some(&self.undertaking);
        }
        if who.service && verb == Verb::Create {
            return None;
        }
        if needs.sworn && !who.sworn {
            return Some(&self.sworn);
        }
        let fits = |wanted: &String| who.profession == Some(wanted.as_str());
        let closed = !needs.professions.is_empty() && !needs.professions.iter().any(fits);
        closed.then_some(&self.profession)
    }
}
