//! Takes one thing at a time out of a policy: all of it, a clause, an operand, an element of a list,
//! a constraint of its scope; or makes one comparison strict that was not, and the reverse.
//!
//! It works on Cedar's own JSON of the policy and prints that as Cedar again, so that nothing is cut
//! out of text. It must not judge what a change does.

use cedar_policy::Policy;
use serde_json::{Value as Json, json};

use crate::rules::Rule;

/// What was taken out.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Kind {
    Policy,
    Clause,
    Operand,
    Element,
    Scope,
    Comparison,
}

/// One change of one rule.
pub(crate) struct Change {
    pub(crate) rule: usize,
    pub(crate) kind: Kind,
    pub(crate) dropped: String,
    /// The action that was taken out of the scope's list, if that is the change.
    pub(crate) action: Option<String>,
    /// The policy that is left; nothing where all of it went.
    pub(crate) left: Option<Json>,
}

/// Every change of this rule, the rule being the one of that number.
pub(crate) fn changes(number: usize, rule: &Rule) -> Vec<Change> {
    let of = |kind, dropped: String, json: &Json| Change {
        rule: number,
        kind,
        dropped,
        action: None,
        left: Some(json.clone()),
    };
    let gone = Change { left: None, ..of(Kind::Policy, "the policy".into(), &rule.json) };
    let mut all = vec![gone];
    let conditions = rule.json["conditions"].as_array().unwrap();
    for (at, clause) in conditions.iter().enumerate() {
        let (kind, body) = (clause["kind"].as_str().unwrap(), &clause["body"]);
        let mut left = rule.json.clone();
        left["conditions"].as_array_mut().unwrap().remove(at);
        all.push(of(Kind::Clause, format!("{kind} {{ {} }}", expression(body)), &left));
        for (kind, dropped, body) in smaller(body) {
            let mut left = rule.json.clone();
            left["conditions"][at]["body"] = body;
            all.push(of(kind, dropped, &left));
        }
    }
    for scope in ["principal", "resource"] {
        if rule.json[scope]["op"] != "All" && rule.json[scope]["op"] != "==" {
            let mut left = rule.json.clone();
            left[scope] = json!({ "op": "All" });
            all.push(of(Kind::Scope, format!("the scope's {scope}"), &left));
        }
    }
    let actions = rule.json["action"]["entities"].as_array().filter(|all| all.len() > 1);
    for (at, action) in actions.into_iter().flatten().enumerate() {
        let mut left = rule.json.clone();
        left["action"]["entities"].as_array_mut().unwrap().remove(at);
        let name = action["id"].as_str().unwrap().to_owned();
        let change = of(Kind::Element, format!("Action::\"{name}\""), &left);
        all.push(Change { action: Some(name), ..change });
    }
    all
}

/// The expression with one thing less, in every way.
fn smaller(body: &Json) -> Vec<(Kind, String, Json)> {
    let mut all = Vec::new();
    for operator in ["&&", "||"] {
        if body.get(operator).is_none() {
            continue;
        }
        let operands = operands(operator, body);
        for (at, operand) in operands.iter().enumerate() {
            let mut rest = operands.clone();
            rest.remove(at);
            all.push((Kind::Operand, expression(operand), chain(operator, rest)));
            for (kind, dropped, less) in smaller(operand) {
                let mut rest = operands.clone();
                rest[at] = less;
                all.push((kind, dropped, chain(operator, rest)));
            }
        }
        return all;
    }
    for (one, other) in [(">=", ">"), (">", ">="), ("<", "<="), ("<=", "<")] {
        if let Some(sides) = body.get(one) {
            let dropped = format!("`{one}` for `{other}` in {}", expression(body));
            all.push((Kind::Comparison, dropped, json!({ other: sides })));
        }
    }
    for side in ["left", "right"] {
        for (operator, sides) in body.as_object().unwrap() {
            let Some(list) = sides[side]["Set"].as_array().filter(|list| list.len() > 1) else {
                continue;
            };
            for (at, element) in list.iter().enumerate() {
                let mut less = json!({ operator: sides });
                less[operator][side]["Set"].as_array_mut().unwrap().remove(at);
                all.push((Kind::Element, expression(element), less));
            }
        }
    }
    all
}

/// The operands of a chain of one operator, in order.
fn operands(operator: &str, body: &Json) -> Vec<Json> {
    match body.get(operator) {
        Some(sides) => {
            ["left", "right"].iter().flat_map(|side| operands(operator, &sides[*side])).collect()
        }
        None => vec![body.clone()],
    }
}

fn chain(operator: &str, operands: Vec<Json>) -> Json {
    let both = |left, right| json!({ operator: { "left": left, "right": right } });
    operands.into_iter().reduce(both).unwrap()
}

/// The policy as Cedar text.
pub(crate) fn cedar(json: &Json) -> String {
    Policy::from_json(None, json.clone()).unwrap().to_string()
}

/// The expression as Cedar text.
fn expression(body: &Json) -> String {
    let all = json!({ "op": "All" });
    let policy = json!({
        "effect": "permit", "principal": all, "action": all, "resource": all,
        "conditions": [{ "kind": "when", "body": body }],
    });
    let text = cedar(&policy);
    let (_, clause) = text.split_once("when {").unwrap();
    clause.trim_end_matches(';').trim_end().trim_end_matches('}').trim().to_owned()
}
