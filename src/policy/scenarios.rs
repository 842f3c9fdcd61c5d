//! `scenarios.toml`: the pack's own tests. A pack whose scenarios fail is refused.
//!
//! ```text
//! [agents.anna]                      a habilitation by name
//! role = "reader"   unit = "north"   territory = "island"   undertaking = true ...
//!
//! [[scenarios]]
//! name = "a reader sees the title of her unit's book"
//! agent = "anna"    action = "reveal:title"   collection = "books"   purpose = "loan"
//! record = { territory = "island", assigned_units = ["north"] }
//! expect = "allow"                   or "mask", "deny"
//! policy = "reader-titles"           optional: is among those that decided
//! not_policy = "closed-shelf"        optional: is not
//! ```
//! An action is `reveal:<class>` (which also answers for the mask), `write:<class>`,
//! `create:<collection>` with `class`, `assign:<collection>` with `to_agent` or `to_unit`, `erase:<collection>`, or one of
//! the vault's own actions, which take no collection.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::de::DeTable;

use super::{
    ATTRIBUTES_CLASS,
    engine::{
        ask::plausible,
        request::{LinkFacts, Principal, RequestContext, Resource, VAULT_ACTIONS},
    },
    pack::{
        CollectionSpec, Pack,
        document::{many, named},
        error::{At, PackError, Source},
    },
    permit::{PolicyRef, Verb, Verdict},
    value::Value,
};
use crate::{
    clock::Timestamp,
    ids::{
        AgentId, ClassName, CollectionName, FieldName, IdError, PurposeName, RecordId, RoleName,
        TerritoryName, UnitName,
    },
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AgentToml {
    role: String,
    unit: Option<String>,
    territory: Option<String>,
    profession: Option<String>,
    #[serde(default)]
    service: bool,
    #[serde(default)]
    sworn: bool,
    #[serde(default)]
    undertaking: bool,
    #[serde(default = "yes")]
    valid_today: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Scenario {
    name: String,
    agent: String,
    action: String,
    collection: Option<String>,
    class: Option<String>,
    purpose: Option<String>,
    #[serde(default)]
    record: RecordToml,
    to_agent: Option<String>,
    to_unit: Option<String>,
    /// Local, `YYYY-MM-DDTHH:MM`.
    at: Option<String>,
    #[serde(default)]
    justification: bool,
    #[serde(default)]
    approved: bool,
    #[serde(default)]
    recent_subjects: u32,
    #[serde(default)]
    break_glass: bool,
    /// The one link that the request names, verified.
    link: Option<LinkToml>,
    expect: Expect,
    pub(super) policy: Option<String>,
    pub(super) not_policy: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct RecordToml {
    territory: Option<String>,
    #[serde(default)]
    assigned_agents: Vec<String>,
    #[serde(default)]
    assigned_units: Vec<String>,
    #[serde(default)]
    restricted: bool,
    #[serde(default)]
    held: bool,
    filed_by: Option<String>,
    #[serde(default)]
    age_hours: u32,
    #[serde(default)]
    attributes: BTreeMap<String, toml::Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LinkToml {
    /// Of which collection; needed where the pack has several of links.
    collection: Option<String>,
    territory: Option<String>,
    #[serde(default)]
    attributes: BTreeMap<String, toml::Value>,
    #[serde(default)]
    other_assigned_to_me: bool,
    #[serde(default)]
    other_in_my_unit: bool,
}

/// A link that a scenario speaks of, in the pack's own words.
struct Linked {
    collection: CollectionName,
    territory: Option<TerritoryName>,
    attributes: Vec<(FieldName, Value)>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "lowercase")]
enum Expect {
    Allow,
    Mask,
    Deny,
}

/// `scenarios.toml`, read.
pub(super) struct Scenarios {
    agents: BTreeMap<String, AgentToml>,
    pub(super) all: Vec<At<Scenario>>,
}

/// The moment a scenario without `at` plays at, local: an ordinary Monday morning.
const DEFAULT_AT: &str = "2020-11-23T09:00";

/// Runs every scenario; gives what is wrong with the file and what does not hold.
pub(super) fn run(pack: &Pack, file: &str, text: &str) -> Vec<PackError> {
    let mut source = Source::new(file, text);
    let scenarios = read(&mut source);
    if scenarios.all.is_empty() && source.errors.is_empty() {
        source.error(
            0,
            "the pack has no scenario, so nothing shows that its policies do what they say",
        );
    }
    for At { line, value: scenario } in &scenarios.all {
        if let Err(reason) = scenario.holds(pack, &scenarios.agents) {
            source.error(*line, format!("scenario `{}`: {reason}", scenario.name));
        }
    }
    source.errors
}

/// Reads the file; errors go to `source`.
pub(super) fn read(source: &mut Source<'_>) -> Scenarios {
    let mut scenarios = Scenarios { agents: BTreeMap::new(), all: Vec::new() };
    let (table, errors) = DeTable::parse_recoverable(source.text);
    for error in &errors {
        source.toml_error(error, 0..0);
    }
    if !errors.is_empty() {
        return scenarios;
    }
    for (key, value) in table.into_inner() {
        match key.get_ref().as_ref() {
            "agents" => {
                let agents = named(source, value).into_iter();
                scenarios.agents = agents.map(|(at, agent)| (at.value, agent)).collect();
            }
            "scenarios" => scenarios.all = many(source, value),
            other => {
                let line = source.line_of(key.span().start);
                source.error(line, format!("unknown key `{other}`, expected agents or scenarios"));
            }
        }
    }
    scenarios
}

// === impl Scenario ===

impl Scenario {
    fn holds(&self, pack: &Pack, agents: &BTreeMap<String, AgentToml>) -> Result<(), String> {
        let agent = agents.get(&self.agent).ok_or(format!("unknown agent `{}`", self.agent))?;
        let name = name(&self.agent, AgentId::parse)?;
        let words = agent.words(pack)?;
        let who = Principal {
            agent: &name,
            role: &words.0,
            unit: words.1.as_ref(),
            territory: words.2.as_ref(),
            profession: agent.profession.as_deref(),
            service: agent.service,
            sworn: agent.sworn,
            undertaking: agent.undertaking,
            valid_today: agent.valid_today,
        };
        let (verdict, policies) = self.outcome(pack, &who)?;
        let ids: Vec<&str> = policies.iter().map(|policy| policy.id.as_str()).collect();
        let decided =
            if ids.is_empty() { "by default".into() } else { format!("by {}", ids.join(", ")) };
        if verdict != self.expect {
            return Err(format!("expected {:?}, got {verdict:?} {decided}", self.expect));
        }
        match (&self.policy, &self.not_policy) {
            (Some(id), _) if !ids.contains(&id.as_str()) => {
                Err(format!("expected `{id}` to decide, it was decided {decided}"))
            }
            (_, Some(id)) if ids.contains(&id.as_str()) => {
                Err(format!("expected `{id}` not to decide, it was decided {decided}"))
            }
            _ => Ok(()),
        }
    }

    fn outcome(
        &self,
        pack: &Pack,
        who: &Principal<'_>,
    ) -> Result<(Expect, Vec<PolicyRef>), String> {
        let at = pack.moment(who.territory, self.instant(pack, who)?);
        let Some(collection) = &self.collection else {
            if !VAULT_ACTIONS.contains(&self.action.as_str()) {
                return Err(format!("`{}` needs a collection, or is no action", self.action));
            }
            let decision = pack.action_as(who, &self.action, &at);
            let verdict = if decision.allowed { Expect::Allow } else { Expect::Deny };
            return Ok((verdict, decision.policies));
        };
        let collection = name(collection, CollectionName::parse)?;
        let spec =
            pack.collection(&collection).ok_or(format!("unknown collection `{collection}`"))?;
        let (verb, class) = self.verb(&collection)?;
        if class.as_str() != ATTRIBUTES_CLASS && !spec.classes.contains(&class) {
            return Err(format!("`{collection}` has no class `{class}`"));
        }
        let record = &self.record;
        let territory = optional(&record.territory, TerritoryName::parse)?;
        let assigned_agents = names(&record.assigned_agents, AgentId::parse)?;
        let assigned_units = names(&record.assigned_units, UnitName::parse)?;
        let attributes = attributes(spec, &record.attributes)?;
        let filed_by = optional(&record.filed_by, AgentId::parse)?;
        let on = Resource {
            record: RecordId::from_bytes([1; 16]),
            collection: &collection,
            territory: territory.as_ref(),
            attributes: &attributes,
            assigned_agents: &assigned_agents,
            assigned_units: &assigned_units,
            restricted: record.restricted,
            held: record.held,
            filed_by: filed_by.as_ref(),
            age_hours: record.age_hours,
        };
        let purpose = self.purpose.as_deref().ok_or("a data action needs a purpose")?;
        let purpose = name(purpose, PurposeName::parse)?;
        if !pack.has_purpose(&purpose) {
            return Err(format!("unknown purpose `{purpose}`"));
        }
        let to_agent = optional(&self.to_agent, AgentId::parse)?;
        let to_unit = optional(&self.to_unit, UnitName::parse)?;
        let linked = self.link.as_ref().map(|link| link.words(pack)).transpose()?;
        let link = self.link.as_ref().zip(linked.as_ref()).map(|(link, words)| LinkFacts {
            collection: &words.collection,
            territory: words.territory.as_ref(),
            attributes: &words.attributes,
            other_assigned_to_me: link.other_assigned_to_me,
            other_in_my_unit: link.other_in_my_unit,
        });
        let context = RequestContext {
            purpose: &purpose,
            now: Timestamp::from_millis(0),
            justification: self.justification,
            recent_subjects: self.recent_subjects,
            break_glass: self.break_glass,
            link: link.as_ref(),
            approved: self.approved,
            assignee_agent: to_agent.as_ref(),
            assignee_unit: to_unit.as_ref(),
        };
        let decision = pack.decide_as(who, verb, &on, &[class], &context, at);
        let verdict = match decision.classes.first().map(|decision| decision.verdict) {
            Some(Verdict::Allow) => Expect::Allow,
            Some(Verdict::Mask) => Expect::Mask,
            Some(Verdict::Deny) | None => Expect::Deny,
        };
        Ok((verdict, decision.policies()))
    }

    fn verb(&self, collection: &CollectionName) -> Result<(Verb, ClassName), String> {
        let (verb, of) = self.action.split_once(':').ok_or("an action is `verb:what`")?;
        let class = |text: &str| name(text, ClassName::parse);
        let own = || class(self.class.as_deref().unwrap_or(ATTRIBUTES_CLASS));
        match verb {
            "reveal" => Ok((Verb::Reveal, class(of)?)),
            "match" => Ok((Verb::Match, class(of)?)),
            "write" => Ok((Verb::Write, class(of)?)),
            "create" if of == collection.as_str() => Ok((Verb::Create, own()?)),
            "assign" if of == collection.as_str() => Ok((Verb::Assign, own()?)),
            "erase" if of == collection.as_str() => Ok((Verb::Erase, own()?)),
            "hold" if of == collection.as_str() => Ok((Verb::Hold, own()?)),
            "mask" => Err("ask `reveal:<class>` and expect `mask`".into()),
            _ => Err(format!("`{}` is no action on `{collection}`", self.action)),
        }
    }

    fn instant(&self, pack: &Pack, who: &Principal<'_>) -> Result<Timestamp, String> {
        let text = self.at.as_deref().unwrap_or(DEFAULT_AT);
        let local = chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M")
            .map_err(|_| format!("at `{text}` is not YYYY-MM-DDTHH:MM"))?;
        let start = Timestamp::start_of(local.date(), pack.zone_of(who.territory));
        let since = local.time().signed_duration_since(chrono::NaiveTime::MIN).num_milliseconds();
        Ok(start.ok_or("at is beyond the calendar")?.plus_millis(since))
    }
}

// === impl LinkToml ===

impl LinkToml {
    /// Its collection, territory and attributes, all of the pack.
    fn words(&self, pack: &Pack) -> Result<Linked, String> {
        let named = self.collection.as_deref().map(|text| name(text, CollectionName::parse));
        let named = named.transpose()?;
        let mut links = pack.collections().iter().filter(|spec| spec.is_link());
        let spec = match &named {
            Some(wanted) => links.find(|spec| &spec.name == wanted),
            None => links.next().filter(|_| links.next().is_none()),
        };
        let spec = spec.ok_or("link: name the one collection of links that it is of")?;
        Ok(Linked {
            collection: spec.name.clone(),
            territory: optional(&self.territory, TerritoryName::parse)?,
            attributes: attributes(spec, &self.attributes)?,
        })
    }
}

/// Attributes as a scenario writes them. Required ones that it does not care about get some fitting value.
fn attributes(
    spec: &CollectionSpec,
    written: &BTreeMap<String, toml::Value>,
) -> Result<Vec<(FieldName, Value)>, String> {
    let mut given = Vec::new();
    for (key, value) in written {
        let value = match value {
            toml::Value::String(text) => Value::Text(text.clone()),
            toml::Value::Integer(n) => Value::Integer(*n),
            toml::Value::Boolean(b) => Value::Boolean(*b),
            _ => return Err(format!("attribute `{key}`: write dates as text")),
        };
        given.push((name(key, FieldName::parse)?, value));
    }
    let first = |violations: Vec<super::value::Violation>| {
        violations.first().map(|v| format!("{}: {}", v.path, v.reason)).unwrap_or_default()
    };
    let mut attributes = spec.check_attributes(given, false).map_err(first)?;
    for (name, value) in plausible(spec) {
        let known = attributes.iter().any(|(other, _)| other == &name);
        let required = spec.attribute(&name).is_some_and(|attribute| attribute.required);
        if required && !known {
            attributes.push((name, value));
        }
    }
    Ok(attributes)
}

// === impl AgentToml ===

impl AgentToml {
    /// Role, unit and territory, all of the pack.
    fn words(
        &self,
        pack: &Pack,
    ) -> Result<(RoleName, Option<UnitName>, Option<TerritoryName>), String> {
        let role = name(&self.role, RoleName::parse)?;
        let unit = optional(&self.unit, UnitName::parse)?;
        let territory = optional(&self.territory, TerritoryName::parse)?;
        let known = [
            (pack.has_role(&role), "role"),
            (unit.as_ref().is_none_or(|unit| pack.has_unit(unit)), "unit"),
            (territory.as_ref().is_none_or(|t| pack.has_territory(t)), "territory"),
            (self.profession.as_ref().is_none_or(|p| pack.has_profession(p)), "profession"),
        ];
        match known.iter().find(|(known, _)| !known) {
            Some((_, what)) => Err(format!("its agent has an unknown {what}")),
            None => Ok((role, unit, territory)),
        }
    }
}

fn yes() -> bool {
    true
}

fn name<T>(text: &str, parse: impl Fn(&str) -> Result<T, IdError>) -> Result<T, String> {
    parse(text).map_err(|error| format!("`{text}`: {error}"))
}

fn optional<T>(
    text: &Option<String>,
    parse: impl Fn(&str) -> Result<T, IdError>,
) -> Result<Option<T>, String> {
    text.as_deref().map(|text| name(text, parse)).transpose()
}

fn names<T>(
    texts: &[String],
    parse: impl Fn(&str) -> Result<T, IdError>,
) -> Result<Vec<T>, String> {
    texts.iter().map(|text| name(text, &parse)).collect()
}
