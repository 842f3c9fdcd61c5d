//! One imagined situation: who asks, about which record, when; and the facts of it that can be varied.
//!
//! It names no word of any pack: values come from the pack's lists and from what policies compare with.
//! A fact that policies learn to look at is added to [`variables`].

use chrono::{Duration, NaiveDate};

use super::mentions::Mentions;
use crate::{
    clock::Timestamp,
    ids::{
        AgentId, CollectionName, FieldName, PurposeName, RecordId, RoleName, TerritoryName,
        UnitName,
    },
    policy::{
        engine::{
            ask::plausible,
            probe::Question,
            request::{Moment, Principal, RequestContext, Resource},
        },
        pack::{Pack, spec::CollectionSpec},
        value::{FieldType, Value},
    },
};

/// An ordinary Monday, well before anything ends; what is asked is never of one date.
const TODAY: Option<NaiveDate> = NaiveDate::from_ymd_opt(2020, 11, 23);
/// Nine in the morning.
const MORNING: i64 = 9 * 60;
/// The last minute of a day.
const LAST_MINUTE: i64 = 24 * 60 - 1;

/// One value of one fact.
#[derive(Clone)]
pub(super) enum Setting {
    Service(bool),
    Valid(bool),
    Undertaking(bool),
    Sworn(bool),
    Profession(Option<String>),
    OwnTerritory(bool),
    AssignedToAgent,
    AssignedToUnit,
    AssignedElsewhere,
    AssignedToNobody,
    Restricted(bool),
    Held(bool),
    FiledBySelf,
    FiledByAnother,
    Age(u32),
    BreakGlass(bool),
    Justification(bool),
    Approved(bool),
    Recent(u32),
    Minutes(u32),
    Weekday(u32),
    ToSelf,
    ToOwnUnit,
    ToUnitNearby,
    ToAnother,
    Attribute(FieldName, Option<Value>),
}

/// A fact and the values it is tried with, the ordinary one first.
pub(super) struct Variable {
    pub(super) name: String,
    /// Values of a number stand in order, whatever is tried first.
    pub(super) number: bool,
    pub(super) values: Vec<(String, Setting)>,
}

/// Who asks, about what, when.
#[derive(Clone)]
pub(super) struct Situation {
    agent: AgentId,
    colleague: AgentId,
    home: Option<TerritoryName>,
    away: Option<TerritoryName>,
    unit: Option<UnitName>,
    nearby: Option<UnitName>,
    other_unit: Option<UnitName>,
    service: bool,
    valid: bool,
    undertaking: bool,
    sworn: bool,
    profession: Option<String>,
    own_territory: bool,
    agents: Vec<AgentId>,
    units: Vec<UnitName>,
    restricted: bool,
    held: bool,
    filed_by: Option<AgentId>,
    age_hours: u32,
    break_glass: bool,
    justification: bool,
    approved: bool,
    recent: u32,
    at: Moment,
    to_agent: Option<AgentId>,
    to_unit: Option<UnitName>,
    attributes: Vec<(FieldName, Value)>,
}

// === impl Situation ===

impl Situation {
    /// A person of this territory with a valid habilitation, before a record in nobody's hands.
    pub(super) fn ordinary(
        pack: &Pack,
        spec: &CollectionSpec,
        home: Option<&TerritoryName>,
    ) -> Option<Self> {
        let units = &pack.vocabulary.units;
        let mut at_home = units.iter().filter(|unit| Some(&unit.territory) == home);
        let unit = at_home.next().map(|unit| unit.name.clone());
        let nearby = at_home.next().map(|unit| unit.name.clone());
        let other = units.iter().map(|u| &u.name).find(|name| Some(*name) != unit.as_ref());
        let away = pack.vocabulary.territories.iter().map(|t| &t.name);
        let required = |name: &FieldName| spec.attribute(name).is_some_and(|a| a.required);
        let attributes = plausible(spec).into_iter().filter(|(name, _)| required(name)).collect();
        Some(Self {
            agent: AgentId::parse("agent").ok()?,
            colleague: AgentId::parse("colleague").ok()?,
            home: home.cloned(),
            away: away.into_iter().find(|name| Some(*name) != home).cloned(),
            nearby: nearby.or_else(|| unit.clone()),
            other_unit: other.cloned(),
            unit,
            service: false,
            valid: true,
            undertaking: true,
            sworn: false,
            profession: None,
            own_territory: true,
            agents: Vec::new(),
            units: Vec::new(),
            restricted: false,
            held: false,
            filed_by: None,
            age_hours: 0,
            break_glass: false,
            justification: false,
            approved: false,
            recent: 0,
            at: Moment { today: TODAY?, minutes: small(MORNING), weekday: 1 },
            to_agent: None,
            to_unit: None,
            attributes,
        })
    }

    /// The same with one fact otherwise.
    pub(super) fn set(&mut self, setting: &Setting) {
        match setting {
            Setting::Service(yes) => self.service = *yes,
            Setting::Valid(yes) => self.valid = *yes,
            Setting::Undertaking(yes) => self.undertaking = *yes,
            Setting::Sworn(yes) => self.sworn = *yes,
            Setting::Profession(name) => self.profession.clone_from(name),
            Setting::OwnTerritory(yes) => self.own_territory = *yes,
            Setting::AssignedToAgent => self.assign(Some(self.agent.clone()), None),
            Setting::AssignedToUnit => self.assign(None, self.unit.clone()),
            Setting::AssignedElsewhere => {
                self.assign(Some(self.colleague.clone()), self.other_unit.clone());
            }
            Setting::AssignedToNobody => self.assign(None, None),
            Setting::Restricted(yes) => self.restricted = *yes,
            Setting::Held(yes) => self.held = *yes,
            Setting::FiledBySelf => self.filed_by = Some(self.agent.clone()),
            Setting::FiledByAnother => self.filed_by = Some(self.colleague.clone()),
            Setting::Age(hours) => self.age_hours = *hours,
            Setting::BreakGlass(yes) => self.break_glass = *yes,
            Setting::Justification(yes) => self.justification = *yes,
            Setting::Approved(yes) => self.approved = *yes,
            Setting::Recent(n) => self.recent = *n,
            Setting::Minutes(n) => self.at.minutes = *n,
            Setting::Weekday(n) => self.at.weekday = *n,
            Setting::ToSelf => self.hand(Some(self.agent.clone()), None),
            Setting::ToOwnUnit => self.hand(None, self.unit.clone()),
            Setting::ToUnitNearby => self.hand(None, self.nearby.clone()),
            Setting::ToAnother => self.hand(Some(self.colleague.clone()), None),
            Setting::Attribute(name, value) => {
                self.attributes.retain(|(known, _)| known != name);
                self.attributes.extend(value.iter().map(|value| (name.clone(), value.clone())));
            }
        }
    }

    fn assign(&mut self, agent: Option<AgentId>, unit: Option<UnitName>) {
        self.agents = agent.into_iter().collect();
        self.units = unit.into_iter().collect();
    }

    fn hand(&mut self, agent: Option<AgentId>, unit: Option<UnitName>) {
        (self.to_agent, self.to_unit) = (agent, unit);
    }

    /// Whether the agent may do this on the vault itself.
    pub(super) fn may(&self, pack: &Pack, role: &RoleName, action: &str) -> bool {
        pack.action_as(&self.principal(role), action, &self.at).allowed
    }

    fn principal<'a>(&'a self, role: &'a RoleName) -> Principal<'a> {
        Principal {
            agent: &self.agent,
            role,
            unit: self.unit.as_ref(),
            territory: self.home.as_ref(),
            profession: self.profession.as_deref(),
            service: self.service,
            sworn: self.sworn,
            undertaking: self.undertaking,
            valid_today: self.valid,
        }
    }

    /// As a question of the engine.
    pub(super) fn question<'a>(
        &'a self,
        role: &'a RoleName,
        purpose: &'a PurposeName,
        collection: &'a CollectionName,
    ) -> Question<'a> {
        let territory = if self.own_territory { &self.home } else { &self.away };
        Question {
            who: self.principal(role),
            on: Resource {
                record: RecordId::from_bytes([1; 16]),
                collection,
                territory: territory.as_ref(),
                attributes: &self.attributes,
                assigned_agents: &self.agents,
                assigned_units: &self.units,
                restricted: self.restricted,
                held: self.held,
                filed_by: self.filed_by.as_ref(),
                age_hours: self.age_hours,
            },
            context: RequestContext {
                purpose,
                now: Timestamp::from_millis(0),
                justification: self.justification,
                recent_subjects: self.recent,
                break_glass: self.break_glass,
                link: None,
                approved: self.approved,
                assignee_agent: self.to_agent.as_ref(),
                assignee_unit: self.to_unit.as_ref(),
            },
            at: self.at,
        }
    }
}

/// An ordinary agent before the vault itself; without collections a pack is none.
pub(super) fn on_the_vault(
    pack: &Pack,
    home: Option<&TerritoryName>,
    service: bool,
) -> Option<Situation> {
    let mut situation = Situation::ordinary(pack, pack.collections().first()?, home)?;
    situation.set(&Setting::Service(service));
    Some(situation)
}

/// The facts that these policies look at, with the values worth trying.
pub(super) fn variables(pack: &Pack, spec: &CollectionSpec, seen: &Mentions) -> Vec<Variable> {
    let mut all = of_the_agent(pack, seen);
    all.extend(of_the_record(seen));
    all.extend(of_the_request(seen));
    for attribute in &spec.attributes {
        let name = &attribute.name;
        if spec.territory_attribute.as_ref() == Some(name) || !seen.has("resource", name.as_str()) {
            continue;
        }
        let unit = spec.unit_attribute.as_ref() == Some(name);
        let mut values = if unit { units(pack) } else { worth_trying(name, &attribute.kind, seen) };
        if !attribute.required {
            values.push(("none".to_owned(), None));
        }
        let setting = |(label, value)| (label, Setting::Attribute(name.clone(), value));
        all.push(Variable {
            name: name.to_string(),
            number: matches!(attribute.kind, FieldType::Integer { .. }),
            values: values.into_iter().map(setting).collect(),
        });
    }
    all
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
    add("sworn", "sworn", yes_no(["yes", "no"], Setting::Sworn, true));
    let names = pack.vocabulary.professions.iter().map(|(name, _)| name.as_str());
    let professions = names.map(|name| (name, Setting::Profession(Some(name.to_owned()))));
    let none = ("none", Setting::Profession(None));
    add("profession", "profession", professions.chain([none]).collect());
    all
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
pub(super) fn held() -> Variable {
    variable("held", yes_no(["no", "yes"], Setting::Held, false))
}

/// A second person has given leave, or not.
pub(super) fn approval() -> Variable {
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
    name: &FieldName,
    kind: &FieldType,
    seen: &Mentions,
) -> Vec<(String, Option<Value>)> {
    let numbers = seen.numbers("resource", name.as_str());
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

fn small(n: i64) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
