//! What the oracle expects of a question in given circumstances. Pure: tables and facts, no pack.

use std::collections::BTreeSet;

use super::{
    facts::{Condition, Fact, Facts},
    table::{Allow, Forbid, Oracle, Question},
};

/// What is given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Given {
    Whole,
    Masked,
    Nothing,
}

/// What must be answered: for a refusal the ids that decide it, all of them and no other.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Answer {
    pub(crate) given: Given,
    pub(crate) refused_by: BTreeSet<String>,
}

/// The rows that can matter for one class under one verb, for any circumstances.
pub(crate) struct Relevant<'a> {
    q: Question<'a>,
    forbids: Vec<&'a Forbid>,
    allows: Vec<&'a Allow>,
    masks: Vec<&'a Allow>,
}

// === impl Relevant ===

impl<'a> Relevant<'a> {
    pub(crate) fn of(oracle: &'a Oracle, q: Question<'a>) -> Self {
        let rows =
            |q: Question<'a>| oracle.allows.iter().filter(move |row| row.concerns(&q)).collect();
        let masks = match q.verb {
            "reveal" => rows(Question { verb: "mask", ..q }),
            _ => Vec::new(),
        };
        let forbids = oracle.forbids.iter().filter(|row| row.concerns(&q)).collect();
        Self { q, forbids, allows: rows(q), masks }
    }

    /// The allowing rows, those for a mask last.
    pub(crate) fn allowing(&self) -> impl Iterator<Item = &&'a Allow> {
        self.allows.iter().chain(&self.masks)
    }

    /// Every fact that some condition of these rows depends on.
    pub(crate) fn facts(&self) -> BTreeSet<Fact> {
        let forbidding = self.forbids.iter().flat_map(|row| row.when.iter().chain(&row.unless));
        let all = self.allowing().flat_map(|row| &row.when).chain(forbidding);
        all.flat_map(|condition| condition.facts()).copied().collect()
    }

    pub(crate) fn answer(&self, facts: &Facts) -> Answer {
        let Question { role, purpose, verb, .. } = self.q;
        let refused = |given, refused_by| Answer { given, refused_by };
        // The vault's own rule about the purpose of holds, before any policy.
        if purpose == "hold" {
            let (held, leave) = (facts.get(Fact::Held) == 1, facts.get(Fact::Approved) == 1);
            if !leave || !(verb == "hold" || verb == "reveal" && held) {
                return refused(Given::Nothing, BTreeSet::new());
            }
        }
        let holds = |condition: &Condition| condition.holds(facts, role, verb);
        let forbids = |row: &&&Forbid| row.when.iter().all(holds) && !row.unless.iter().any(holds);
        let ids: BTreeSet<String> =
            self.forbids.iter().filter(forbids).map(|row| row.id.clone()).collect();
        let any = |rows: &[&Allow]| rows.iter().any(|row| row.when.iter().all(holds));
        match () {
            () if !ids.is_empty() => refused(Given::Nothing, ids),
            () if any(&self.allows) => refused(Given::Whole, ids),
            () if any(&self.masks) => refused(Given::Masked, ids),
            () => refused(Given::Nothing, ids),
        }
    }
}
