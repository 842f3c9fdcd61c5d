//! What the engine answers: decisions per class, and the permit.
//!
//! INVARIANT: a [`Permit`] is made by the engine alone, lists only classes the engine allowed for
//! that one record, verb and request, and cannot be copied. Whoever opens for somebody consumes it.

use crate::ids::{ClassName, RecordId};

/// What a data call wants to do with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verb {
    /// Decrypt classes for an agent: `reveal:<class>`, else `mask:<class>`.
    Reveal,
    /// Say whether fields of classes have a value, without showing any: `match:<class>`.
    Match,
    /// Change the fields of classes: `write:<class>`.
    Write,
    /// File a new record with these classes: `create:<collection>`, asked once per class.
    Create,
    /// Give the record to an agent or a unit, or take it away: `assign:<collection>`.
    Assign,
    /// Destroy the record's keys before its date: `erase:<collection>`.
    Erase,
    /// Keep the record beyond its date: `hold:<collection>`.
    Hold,
    /// Make a record of another collection from it, as the pack lists: `derive:<collection>`.
    Derive,
    /// Mark the record as restricted, or lift that: `restrict:<collection>`.
    Restrict,
}

impl Verb {
    /// Its word, which is also the group of its actions.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Reveal => "reveal",
            Self::Match => "match",
            Self::Write => "write",
            Self::Create => "create",
            Self::Assign => "assign",
            Self::Erase => "erase",
            Self::Hold => "hold",
            Self::Derive => "derive",
            Self::Restrict => "restrict",
        }
    }
}

/// One policy that decided, as the audit event and the answer name it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PolicyRef {
    /// `@id`.
    pub id: String,
    /// `@reason`, one sentence.
    pub reason: String,
    /// `@legal`, the article or the honest statement that there is none.
    pub legal: String,
}

/// The answer for one class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The whole values.
    Allow,
    /// Only what each field's mask leaves.
    Mask,
    /// Nothing.
    Deny,
}

/// The answer for one class, with what decided it. A denial without policies is the default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassDecision {
    /// The class asked.
    pub class: ClassName,
    /// Allow, mask or deny.
    pub verdict: Verdict,
    /// The deciding policies, sorted by id; after an evaluation error, the policies that erred.
    pub policies: Vec<PolicyRef>,
}

/// The engine's leave to open (or write) these classes of this record, for one request.
///
/// It is consumed by its use: not `Clone`, not `Copy`.
/// ```compile_fail
/// fn twice(permit: oubliette::policy::Permit) -> [oubliette::policy::Permit; 2] {
///     [permit.clone(), permit]
/// }
/// ```
/// Nobody else can make one.
/// ```compile_fail
/// use oubliette::{ids::RecordId, policy::{Permit, Verb}};
/// let forged = Permit {
///     record: RecordId::from_bytes([0; 16]), verb: Verb::Reveal, classes: vec![], past_date: true,
/// };
/// ```
/// Reading it is free.
/// ```
/// fn classes(permit: &oubliette::policy::Permit) -> usize {
///     permit.classes().len()
/// }
/// ```
#[must_use = "a permit that is not used was a decision for nothing"]
pub struct Permit {
    record: RecordId,
    verb: Verb,
    classes: Vec<(ClassName, bool)>,
    past_date: bool,
}

/// One decision about one record and the classes asked.
#[expect(
    clippy::manual_non_exhaustive,
    reason = "the attribute stops other crates only; the private field stops other modules too"
)]
pub struct Decision {
    /// One answer per class, in the order asked.
    pub classes: Vec<ClassDecision>,
    /// The caller may know that this record exists. Otherwise absent and forbidden are one answer.
    pub may_know: bool,
    /// Present when at least one class is allowed or masked.
    pub permit: Option<Permit>,
    /// Keeps the literal out of reach: a decision is the engine's.
    _engine_only: (),
}

// === impl Permit ===

impl Permit {
    /// The record it is for.
    #[must_use]
    pub fn record(&self) -> RecordId {
        self.record
    }

    /// What it is for.
    #[must_use]
    pub fn verb(&self) -> &Verb {
        &self.verb
    }

    /// It is for a held record, under the purpose of holds: what the hold keeps past its date opens too.
    #[must_use]
    pub fn reads_past_date(&self) -> bool {
        self.past_date
    }

    /// The classes permitted, each with whether its fields must be masked.
    #[must_use]
    pub fn classes(&self) -> &[(ClassName, bool)] {
        &self.classes
    }
}

// === impl Decision ===

impl Decision {
    /// Upholding the INVARIANT on [`Permit`]: `pub(super)`, and `engine` is its only caller.
    pub(super) fn about(
        record: RecordId,
        verb: Verb,
        classes: Vec<ClassDecision>,
        (may_know, past_date): (bool, bool),
    ) -> Self {
        let permitted: Vec<_> = classes
            .iter()
            .filter(|decision| decision.verdict != Verdict::Deny)
            .map(|decision| (decision.class.clone(), decision.verdict == Verdict::Mask))
            .collect();
        let permit = (!permitted.is_empty()).then_some(Permit {
            record,
            verb,
            classes: permitted,
            past_date,
        });
        Self { classes, may_know, permit, _engine_only: () }
    }

    /// A refusal of everything: the answer about a record that does not exist.
    pub(super) fn nothing(classes: &[ClassName]) -> Self {
        let denied = |class: &ClassName| ClassDecision {
            class: class.clone(),
            verdict: Verdict::Deny,
            policies: Vec::new(),
        };
        let classes = classes.iter().map(denied).collect();
        Self { classes, may_know: false, permit: None, _engine_only: () }
    }

    /// Every class asked is allowed whole: what a write needs.
    #[must_use]
    pub fn all_allowed(&self) -> bool {
        !self.classes.is_empty() && self.classes.iter().all(|d| d.verdict == Verdict::Allow)
    }

    /// The deciding policies of all classes, sorted by id, each once.
    #[must_use]
    pub fn policies(&self) -> Vec<PolicyRef> {
        let mut all: Vec<_> = self.classes.iter().flat_map(|d| d.policies.clone()).collect();
        all.sort();
        all.dedup();
        all
    }
}
