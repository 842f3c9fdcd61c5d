//! For which purposes a role's `permit`s could hold: read once, at load, from their conditions.
//!
//! It refuses early what no policy could allow, before anything is looked up. It must not allow: what it
//! cannot read counts as any purpose, and the policies decide.

use std::collections::BTreeSet;

use cedar_policy::Policy;
use serde_json::Value as Json;

use super::written::{at, is_purpose};
use crate::ids::PurposeName;

/// The purposes of some `permit`s.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Purposes {
    /// No permit, or none of them for any purpose.
    None,
    /// Those that the permits name.
    Of(BTreeSet<String>),
    /// Some permit does not say.
    Any,
}

impl Purposes {
    /// Those of these permits together.
    pub(super) fn of<'p>(permits: impl Iterator<Item = &'p Policy>) -> Self {
        let mut all = BTreeSet::new();
        for permit in permits {
            match permit.to_json().ok().and_then(|json| named(&json)) {
                Some(purposes) => all.extend(purposes),
                None => return Self::Any,
            }
        }
        if all.is_empty() { Self::None } else { Self::Of(all) }
    }

    /// Whether some permit could hold for something.
    pub(super) fn some(&self) -> bool {
        *self != Self::None
    }

    /// Whether some permit could hold for this purpose.
    pub(super) fn has(&self, purpose: &PurposeName) -> bool {
        match self {
            Self::None => false,
            Self::Of(purposes) => purposes.contains(purpose.as_str()),
            Self::Any => true,
        }
    }
}

/// The purposes of a policy whose `when`s limit them; `None` where none of them does.
fn named(policy: &Json) -> Option<BTreeSet<String>> {
    let clauses = at(policy, &["conditions"]).as_array()?.iter();
    let whens = clauses.filter(|clause| at(clause, &["kind"]) == "when");
    let limits = whens.filter_map(|clause| limited(at(clause, &["body"])));
    limits.reduce(|all, other| all.intersection(&other).cloned().collect())
}

/// The purposes to which an expression limits; `None` where it does not, or not in a way that is read here.
fn limited(body: &Json) -> Option<BTreeSet<String>> {
    if let Some(both) = body.get("&&") {
        return match (limited(both.get("left")?), limited(both.get("right")?)) {
            (Some(left), Some(right)) => Some(left.intersection(&right).cloned().collect()),
            (left, right) => left.or(right),
        };
    }
    if let Some(equal) = body.get("==") {
        let (left, right) = (equal.get("left")?, equal.get("right")?);
        let other =
            if is_purpose(left) { right } else { Some(left).filter(|_| is_purpose(right))? };
        return Some(BTreeSet::from([literal(other)?]));
    }
    let contains = body.get("contains").filter(|sides| is_purpose(at(sides, &["right"])))?;
    at(contains, &["left", "Set"]).as_array()?.iter().map(literal).collect()
}

fn literal(json: &Json) -> Option<String> {
    at(json, &["Value", "__entity", "id"]).as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(conditions: &[&str]) -> Purposes {
        let permit = |rest: &&str| {
            Policy::parse(None, format!("permit (principal, action, resource) {rest};")).unwrap()
        };
        let permits: Vec<Policy> = conditions.iter().map(permit).collect();
        Purposes::of(permits.iter())
    }

    fn some(purposes: &[&str]) -> Purposes {
        Purposes::Of(purposes.iter().map(|purpose| (*purpose).to_owned()).collect())
    }

    #[test]
    fn purposes_that_a_permit_names_are_read_and_a_permit_that_names_none_is_for_any() {
        let one = "when { context.purpose == Purpose::\"a\" }";
        let two =
            "when { [Purpose::\"b\", Purpose::\"c\"].contains(context.purpose) && context.held }";
        assert_eq!(of(&[one]), some(&["a"]));
        assert_eq!(of(&["when { Purpose::\"a\" == context.purpose }"]), some(&["a"]));
        assert_eq!(of(&[one, two]), some(&["a", "b", "c"]));
        assert_eq!(of(&[one, "when { context.held }"]), Purposes::Any);
        assert_eq!(of(&["unless { context.purpose == Purpose::\"a\" }"]), Purposes::Any);
        assert_eq!(
            of(&["when { context.purpose == Purpose::\"a\" || context.held }"]),
            Purposes::Any
        );
        assert_eq!(of(&["when { context.purpose == context.other }"]), Purposes::Any);
    }

    #[test]
    fn conditions_that_exclude_each_other_leave_no_purpose_and_neither_does_no_permit() {
        let both =
            "when { context.purpose == Purpose::\"a\" } when { context.purpose == Purpose::\"b\" }";
        assert_eq!(of(&[both]), Purposes::None);
        assert_eq!(of(&[]), Purposes::None);
        let a = PurposeName::parse("a").unwrap();
        assert!(!Purposes::None.has(&a) && Purposes::Any.has(&a));
        assert!(some(&["a"]).has(&a) && !some(&["b"]).has(&a));
    }
}
