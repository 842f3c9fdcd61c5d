//! Excluded words: roles and purposes that a pack lists in order to refuse them.
//!
//! Checked once, at load, on what the policies say and not on samples of it: no `permit` names an
//! excluded word, and each has a `forbid` that holds for every record and every data action as soon as
//! the word is there, whatever else is true. So the refusal has an id, a reason and a law, and no
//! permit written later can open it. Only plain forms are believed; what else might amount to the
//! same is refused with the form that is wanted.

use cedar_policy::{Effect, EntityUid};
use serde_json::Value as Json;

use super::written::{Written, at, is_purpose};
use crate::{
    ids::RoleName,
    policy::pack::{error::PackError, files::PACK_FILE, vocabulary::Vocabulary},
};

/// An excluded word, as policies spell it.
struct Word<'a> {
    kind: &'static str,
    name: &'a str,
    line: usize,
}

/// Refuses permits that name an excluded word, and excluded words that no `forbid` covers.
pub(super) fn check(vocabulary: &Vocabulary, written: &[Written], errors: &mut Vec<PackError>) {
    let roles = vocabulary.excluded_roles.iter();
    let roles = roles.map(|at| Word { kind: "Role", name: at.value.as_str(), line: at.line });
    let purposes = vocabulary.excluded_purposes.iter();
    let purposes =
        purposes.map(|at| Word { kind: "Purpose", name: at.value.as_str(), line: at.line });
    for word in roles.chain(purposes) {
        let (mut covered, spelt) = (false, format!("{}::\"{}\"", word.kind, word.name));
        for Written { policy, file, line } in written {
            match policy.effect() {
                Effect::Permit => {
                    if policy.entity_literals().iter().any(|uid| word.is(uid)) {
                        let reason = format!(
                            "a permit names {spelt}, which is excluded: nothing may be allowed to it"
                        );
                        errors.push(PackError { file: file.clone(), line: *line, reason });
                    }
                }
                Effect::Forbid => {
                    let json = policy.to_json();
                    covered |= json.is_ok_and(|json| word.is_covered_by(&json));
                }
            }
        }
        if !covered {
            let reason = format!(
                "{spelt} is excluded and no forbid covers it; write one that holds for all data: {}",
                word.wanted()
            );
            errors.push(PackError { file: PACK_FILE.into(), line: word.line, reason });
        }
    }
}

/// Whether some `forbid` closes every data action to this role, whatever else is true.
pub(super) fn closes_all_data(role: &RoleName, written: &[Written]) -> bool {
    let word = Word { kind: "Role", name: role.as_str(), line: 0 };
    let forbids = written.iter().filter(|w| w.policy.effect() == Effect::Forbid);
    forbids
        .filter(|w| w.policy.entity_literals().iter().any(|uid| word.is(uid)))
        .any(|w| w.policy.to_json().is_ok_and(|json| word.is_covered_by(&json)))
}

// === impl Word ===

impl Word<'_> {
    fn is(&self, uid: &EntityUid) -> bool {
        uid.type_name().basename() == self.kind && uid.id().unescaped() == self.name
    }

    /// The form a pack's author can copy.
    fn wanted(&self) -> String {
        let name = self.name;
        match self.kind {
            "Role" => {
                format!(
                    "forbid (principal in Role::\"{name}\", action in Action::\"data\", resource);"
                )
            }
            _ => format!(
                "forbid (principal, action in Action::\"data\", resource) when \
                 {{ context.purpose == Purpose::\"{name}\" }};"
            ),
        }
    }

    /// Whether a `forbid` holds for every data action on every record once the word is there.
    fn is_covered_by(&self, forbid: &Json) -> bool {
        let action = at(forbid, &["action"]);
        let data =
            |entity: &Json| at(entity, &["type"]) == "Action" && at(entity, &["id"]) == "data";
        let all_data = at(action, &["op"]) == "All"
            || (at(action, &["op"]) == "in"
                && (data(at(action, &["entity"]))
                    || at(action, &["entities"])
                        .as_array()
                        .is_some_and(|all| all.iter().any(data))));
        if !all_data || at(forbid, &["resource", "op"]) != "All" {
            return false;
        }
        let conditions = at(forbid, &["conditions"]).as_array().map_or(&[][..], Vec::as_slice);
        let principal = at(forbid, &["principal"]);
        let by_scope = self.kind == "Role"
            && at(principal, &["op"]) == "in"
            && self.is_json(at(principal, &["entity"]));
        let by_condition = match conditions {
            [one] => at(one, &["kind"]) == "when" && self.is_implied(at(one, &["body"])),
            _ => false,
        };
        (by_scope && conditions.is_empty()) || (at(principal, &["op"]) == "All" && by_condition)
    }

    /// Whether the expression is true whenever the word is there: it says just that, or that or more.
    fn is_implied(&self, body: &Json) -> bool {
        let pair = |operator: &str| {
            let both = body.get(operator)?;
            Some((at(both, &["left"]), at(both, &["right"])))
        };
        if let Some((left, right)) = pair("||") {
            // The right side counts only where the left one cannot err: both are looked through.
            return self.is_implied(left) || (self.cannot_err(left) && self.is_implied(right));
        }
        if let Some((left, right)) = pair("==") {
            let says = |a: &Json, b: &Json| {
                self.is_subject(a) && self.is_json(at(b, &["Value", "__entity"]))
            };
            return self.kind == "Purpose" && (says(left, right) || says(right, left));
        }
        if let Some((left, right)) = pair("in") {
            return self.is_subject(left) && self.is_among(right);
        }
        match pair("contains") {
            Some((left, right)) => {
                self.kind == "Purpose" && self.is_subject(right) && self.is_among(left)
            }
            None => false,
        }
    }

    /// Comparisons of what every request has: they are true or false.
    fn cannot_err(&self, body: &Json) -> bool {
        let plain = |side: &Json| {
            side.get("Value").is_some()
                || side.get("Set").is_some()
                || at(side, &["Var"]) == "principal"
                || is_purpose(side)
        };
        let sides =
            |name: &str| body.get(name).map(|both| (at(both, &["left"]), at(both, &["right"])));
        if let Some((left, right)) = sides("||") {
            return self.cannot_err(left) && self.cannot_err(right);
        }
        let compared = ["==", "in", "contains"].into_iter().find_map(sides);
        compared.is_some_and(|(left, right)| plain(left) && plain(right))
    }

    /// The request's own side: its purpose, or who asks.
    fn is_subject(&self, side: &Json) -> bool {
        match self.kind {
            "Role" => at(side, &["Var"]) == "principal",
            _ => is_purpose(side),
        }
    }

    /// The word itself, or a list with it.
    fn is_among(&self, side: &Json) -> bool {
        let listed = |list: &Json| {
            list.as_array().is_some_and(|all| {
                all.iter().any(|one| {
                    self.is_json(at(one, &["Value", "__entity"]))
                        || self.is_json(at(one, &["__entity"]))
                })
            })
        };
        self.is_json(at(side, &["Value", "__entity"]))
            || listed(at(side, &["Set"]))
            || listed(at(side, &["Value"]))
    }

    fn is_json(&self, entity: &Json) -> bool {
        at(entity, &["type"]) == self.kind && at(entity, &["id"]) == self.name
    }
}
