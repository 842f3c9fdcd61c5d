//! Which facts are worth varying for a set of policies, and with which values.
//!
//! It names no word of any pack: values come from the pack's lists and from what policies compare with.
//! A fact that policies learn to look at is added to [`variables`].

use chrono::Duration;

use super::{
    mentions::Mentions,
    situation::{MORNING, Setting, TODAY, links_to, small},
};
use crate::{
    ids::{ClassName, FieldName, PurposeName},
    policy::{
        pack::{
            Pack,
            spec::{AttributeSpec, CollectionSpec},
        },
        value::{FieldType, Value},
    },
};

/// The last minute of a day.
const LAST_MINUTE: i64 = 24 * 60 - 1;

/// A fact and the values it is tried with, the ordinary one first.
pub(super) struct Variable {
    pub(super) name: String,
    /// Values of a number stand in order, whatever is tried first.
    pub(super) number: bool,
    pub(super) values: Vec<(String, Setting)>,
}

/// The facts that these policies look at, with the values worth trying.
pub(super) fn variables(pack: &Pack, spec: &CollectionSpec, seen: &Mentions) -> Vec<Variable> {
    let mut all = of_the_agent(pack, seen);
    all.extend(of_the_record(seen));
    all.extend(of_the_request(seen));
    all.extend(attributes(pack, spec, ("resource", seen), ("", Setting::Attribute)));
    if let Some(links) = links_to(pack, spec).filter(|_| seen.has("context", "link")) {
        all.push(variable("link", yes_no(["named", "none"], Setting::Link, true)));
        all.extend(attributes(pack, links, ("link", seen), ("link ", Setting::LinkAttribute)));
        if ["other_assigned_to_me", "other_in_my_unit"].iter().any(|end| seen.has("link", end)) {
            let values = vec![
                ("agent", Setting::OtherEndAgent),
                ("unit", Setting::OtherEndUnit),
                ("nobody", Setting::OtherEndNobody),
            ];
            all.push(variable("other end", values));
        }
    }
    all
}

/// The facts that the vault itself may look at, whatever the policies say.
pub(super) fn of_the_vault(pack: &Pack) -> Vec<Variable> {
    vec![held(), approval(), sworn(), profession(pack)]
}

/// The names of those that it does look at: under the purpose of holds, and for a class that asks something
/// of a habilitation.
pub(super) fn vault_names(
    pack: &Pack,
    purpose: &PurposeName,
    class: &ClassName,
) -> Vec<&'static str> {
    let mut names = Vec::new();
    if pack.hold_purpose() == Some(purpose) {
        names.extend(["held", "approval"]);
    }
    let rule = pack.vocabulary.class_rules.iter().find(|rule| rule.name == *class);
    names.extend(rule.filter(|rule| rule.sworn).map(|_| "sworn"));
    names.extend(rule.filter(|rule| !rule.professions.is_empty()).map(|_| "profession"));
    names
}

/// An attribute at a value, as a change of a situation.
type Set = fn(FieldName, Option<Value>) -> Setting;

/// Attributes that policies look at: of the record in question, or of the link named.
fn attributes(
    pack: &Pack,
    spec: &CollectionSpec,
    (of, seen): (&str, &Mentions),
    (prefix, set): (&str, Set),
) -> Vec<Variable> {
    let seen_of = |name: &&AttributeSpec| {
        spec.territory_attribute.as_ref() != Some(&name.name) && seen.has(of, name.name.as_str())
    };
    let variable = |attribute: &AttributeSpec| {
        let name = &attribute.name;
        let unit = spec.unit_attribute.as_ref() == Some(name);
        let numbers = seen.numbers(of, name.as_str());
        let mut values =
            if unit { units(pack) } else { worth_trying(numbers, &attribute.kind, seen) };
        if !attribute.required {
            values.push(("none".to_owned(), None));
        }
        Variable {
            name: format!("{prefix}{name}"),
            number: matches!(attribute.kind, FieldType::Integer { .. }),
            values: values
                .into_iter()
                .map(|(label, value)| (label, set(name.clone(), value)))
                .collect(),
        }
    };
    spec.attributes.iter().filter(seen_of).map(variable).collect()
}

fn of_the_agent(pack: &Pack, seen: &Mentions) -> Vec<Variable> {
    let mut all = Vec::new();
    let mut add = |fact: &str, name: &str, values: Vec<(&str, Setting)>| {
        if seen.has("principal", fact) {
            all.push(variable(name, values));
        }
    };
    add("valid_today", "habilitation", yes_no(["valid", "over"], Setting::Valid, true));
    add("undertaking", "undertaking", yes_no(["signed", "unsigned"], Setting::Undertaking, true));
    add("service", "account", yes_no(["person", "service"], Setting::Service, false));
    all.extend(seen.has("principal", "sworn").then(sworn));
    all.extend(seen.has("principal", "profession").then(|| profession(pack)));
    all
}

fn sworn() -> Variable {
    variable("sworn", yes_no(["yes", "no"], Setting::Sworn, true))
}

fn profession(pack: &Pack) -> Variable {
    let names = pack.vocabulary.professions.iter().map(|(name, _)| name.as_str());
    let professions = names.map(|name| (name, Setting::Profession(Some(name.to_owned()))));
    let none = ("none", Setting::Profession(None));
    variable("profession", professions.chain([none]).collect())
}

fn of_the_record(seen: &Mentions) -> Vec<Variable> {
    let mut all = Vec::new();
    let record = |fact: &str| seen.has("resource", fact);
    if record("territory") || seen.has("principal", "territory") {
        all.push(variable("territory", yes_no(["own", "other"], Setting::OwnTerritory, true)));
    }
    if record("assigned_agents") || record("assigned_units") {
        let values = vec![
            ("agent", Setting::AssignedToAgent),
            ("unit", Setting::AssignedToUnit),
            ("another", Setting::AssignedElsewhere),
            ("nobody", Setting::AssignedToNobody),
        ];
        all.push(variable("assigned", values));
    }
    if record("restricted") {
        all.push(variable("restricted", yes_no(["no", "yes"], Setting::Restricted, false)));
    }
    if record("held") {
        all.push(held());
    }
    if record("filed_by") {
        let by = vec![("self", Setting::FiledBySelf), ("another", Setting::FiledByAnother)];
        all.push(variable("filed by", by));
    }
    if record("age_hours") {
        let values = around(seen.numbers("resource", "age_hours"), 0, 0..=i64::from(u32::MAX));
        all.push(number("age", values, |n| (format!("{n} h"), Setting::Age(small(n)))));
    }
    all
}

/// A hold keeps the record, or none.
fn held() -> Variable {
    variable("held", yes_no(["no", "yes"], Setting::Held, false))
}

/// A second person has given leave, or not.
fn approval() -> Variable {
    variable("approval", yes_no(["given", "none"], Setting::Approved, true))
}

fn of_the_request(seen: &Mentions) -> Vec<Variable> {
    let mut all = Vec::new();
    let request = |fact: &str| seen.has("context", fact);
    if request("justification") {
        let values = yes_no(["given", "none"], Setting::Justification, true);
        all.push(variable("justification", values));
    }
    if request("approved") {
        all.push(approval());
    }
    if ["to_self", "to_own_unit", "to_unit_of_own_territory"].into_iter().any(request) {
        let values = vec![
            ("self", Setting::ToSelf),
            ("own-unit", Setting::ToOwnUnit),
            ("unit-of-territory", Setting::ToUnitNearby),
            ("another", Setting::ToAnother),
        ];
        all.push(variable("to", values));
    }
    if request("break_glass") {
        let values = yes_no(["whole", "broken"], Setting::BreakGlass, false);
        all.push(variable("glass", values));
    }
    if request("recent_subjects") {
        let numbers = seen.numbers("context", "recent_subjects");
        let values = around(numbers, 0, 0..=i64::from(u32::MAX));
        all.push(number("recent", values, |n| (n.to_string(), Setting::Recent(small(n)))));
    }
    if request("local_minutes") {
        let mut values = around(seen.numbers("context", "local_minutes"), MORNING, 0..=LAST_MINUTE);
        values.extend(
            [0, LAST_MINUTE].iter().filter(|n| !values.contains(n)).copied().collect::<Vec<_>>(),
        );
        let label = |n: i64| format!("{:02}:{:02}", n / 60, n % 60);
        all.push(number("time", values, |n| (label(n), Setting::Minutes(small(n)))));
    }
    if request("local_weekday") {
        all.push(number("weekday", (1..=7).collect(), |n| {
            (n.to_string(), Setting::Weekday(small(n)))
        }));
    }
    all
}

/// Values of an attribute that a policy may tell apart.
fn worth_trying(
    numbers: Vec<i64>,
    kind: &FieldType,
    seen: &Mentions,
) -> Vec<(String, Option<Value>)> {
    match kind {
        FieldType::Boolean => {
            [true, false].map(|yes| (yes.to_string(), Some(Value::Boolean(yes)))).into()
        }
        FieldType::Code { values } => {
            let (mut named, others): (Vec<_>, Vec<_>) =
                values.iter().partition(|value| seen.texts.contains(*value));
            // Those that no policy names are told apart by none: one stands for all.
            named.extend(others.first());
            named.into_iter().map(|text| (text.clone(), Some(Value::Text(text.clone())))).collect()
        }
        FieldType::Integer { min, max } => around(numbers, *min, *min..=*max)
            .into_iter()
            .map(|n| (n.to_string(), Some(Value::Integer(n))))
            .collect(),
        FieldType::Date => {
            let day = |label: &str, after: i64| {
                let date = TODAY.and_then(|today| today.checked_add_signed(Duration::days(after)));
                (label.to_owned(), date.map(Value::Date))
            };
            vec![day("today", 0), day("past", -1), day("future", 1)]
        }
        _ => Vec::new(),
    }
}

fn units(pack: &Pack) -> Vec<(String, Option<Value>)> {
    let names = pack.vocabulary.units.iter().map(|unit| unit.name.to_string());
    names.map(|name| (name.clone(), Some(Value::Text(name)))).collect()
}

/// The ordinary value first, then every number and its two neighbours, within bounds, in order.
fn around(numbers: Vec<i64>, ordinary: i64, within: std::ops::RangeInclusive<i64>) -> Vec<i64> {
    let near = numbers.into_iter().flat_map(|n| [n.saturating_sub(1), n, n.saturating_add(1)]);
    let mut near: Vec<i64> = near.filter(|n| within.contains(n) && *n != ordinary).collect();
    near.sort_unstable();
    near.dedup();
    near.insert(0, ordinary);
    near
}

fn number(name: &str, values: Vec<i64>, of: impl Fn(i64) -> (String, Setting)) -> Variable {
    let values = values.into_iter().map(of).collect();
    Variable { name: name.to_owned(), number: true, values }
}

fn variable(name: &str, values: Vec<(&str, Setting)>) -> Variable {
    let values = values.into_iter().map(|(label, value)| (label.to_owned(), value)).collect();
    Variable { name: name.to_owned(), number: false, values }
}

/// Two values of a truth, the ordinary one, `first`, first.
fn yes_no(labels: [&str; 2], of: impl Fn(bool) -> Setting, first: bool) -> Vec<(&str, Setting)> {
    let [ordinary, other] = labels;
    vec![(ordinary, of(first)), (other, of(!first))]
}
