//! Asks the pack's engine a question in given circumstances: turns facts into a caller, a record and
//! a request, and nothing else. What is not told apart here cannot be told apart by the test.

use std::collections::BTreeMap;

use oubliette::{
    clock::Timestamp,
    identity::{AgentKind, Caller, Habilitation},
    ids::{
        AgentId, ClassName, CollectionName, FieldName, PurposeName, RecordId, RoleName,
        TerritoryName, UnitName,
    },
    policy::{
        CollectionSpec, FieldType, LinkFacts, Pack, RequestContext, Resource, Value, Verb, Verdict,
    },
};

use crate::{
    expect::{Answer, Given},
    facts::{Fact, Facts},
};

/// Midnight of Monday 2020-11-23 in La Réunion, in Guadeloupe and, for nobody's territory, in Paris.
const MIDNIGHT: [i64; 3] = [1_606_075_200_000, 1_606_104_000_000, 1_606_086_000_000];
/// Hours of service in minutes since midnight: from, to.
const SERVICE_HOURS: [(i64, i64); 3] = [(480, 1050), (450, 1020), (480, 1050)];

/// The units of the agents, by role; others are given the physicians', which is none of theirs.
const UNITS: [(&str, [&str; 2]); 7] = [
    ("pilotage", ["pilotage-974", "desk-971"]),
    ("clusters", ["clusters-974", "desk-971"]),
    ("investigator", ["investigation-974", "investigation-971"]),
    ("operator", ["operators-974", "operators-971"]),
    ("screening", ["screening-974", "desk-971"]),
    ("education", ["education-974", "desk-971"]),
    ("cgss_desk", ["screening-974", "desk-971"]),
];

/// A question about all classes at once, and the collection's shape in the pack.
pub(crate) struct Asking<'a> {
    pub(crate) pack: &'a Pack,
    pub(crate) role: RoleName,
    pub(crate) purpose: PurposeName,
    pub(crate) collection: CollectionName,
    pub(crate) spec: &'a CollectionSpec,
    pub(crate) verb: Verb,
    pub(crate) classes: Vec<ClassName>,
}

impl Asking<'_> {
    /// What the engine answers for each class asked, in their order.
    pub(crate) fn answers(&self, facts: &Facts) -> Vec<Answer> {
        let at = facts.get(Fact::CallerTerritory);
        let (agent, colleague) = (agent("the-agent"), agent("a-colleague"));
        let unit = self.unit(at);
        let who = self.caller(facts, &agent, &unit);
        let here = ["reunion", "guadeloupe", "reunion"][at];
        let there = ["guadeloupe", "reunion", "guadeloupe"][at];
        let territory = match facts.get(Fact::Territory) {
            0 => Some(here),
            1 => Some(there),
            _ => None,
        };
        let territory = territory.map(|name| TerritoryName::parse(name).unwrap());
        let attributes = self.attributes(facts, territory.as_ref());
        let (mut agents, mut units) = (Vec::new(), Vec::new());
        match facts.get(Fact::Assigned) {
            1 => agents.push(agent.clone()),
            2 => units.push(unit.clone()),
            3 => agents.push(colleague.clone()),
            4 => units.push(another(&unit, at)),
            _ => {}
        }
        let on = Resource {
            record: RecordId::from_bytes([7; 16]),
            collection: &self.collection,
            territory: territory.as_ref(),
            attributes: &attributes,
            assigned_agents: &agents,
            assigned_units: &units,
            restricted: facts.get(Fact::Restricted) == 1,
            held: facts.get(Fact::Held) == 1,
            filed_by: [Some(&colleague), Some(&agent), None][facts.get(Fact::FiledBy)],
            age_hours: if facts.get(Fact::Age) == 0 { 23 } else { 24 },
        };
        let links = CollectionName::parse("links").unwrap();
        let link_attributes = self.link(facts, here);
        let link = link_attributes.as_ref().map(|attributes| LinkFacts {
            collection: &links,
            territory: None,
            attributes,
            other_assigned_to_me: facts.get(Fact::OtherEnd) == 1,
            other_in_my_unit: facts.get(Fact::OtherEnd) == 2,
        });
        let to = facts.get(Fact::Assignee);
        let to_agent = if to == 0 { &colleague } else { &agent };
        let to_agent = (self.verb == Verb::Assign && to < 2).then_some(to_agent);
        let to_unit = to_unit(to, at, &unit).filter(|_| self.verb == Verb::Assign);
        let context = RequestContext {
            purpose: &self.purpose,
            now: now(facts, at),
            justification: facts.get(Fact::Justification) == 1,
            recent_subjects: if facts.get(Fact::Cap) == 1 { 40 } else { 39 },
            break_glass: facts.get(Fact::BreakGlass) == 1,
            link: link.as_ref(),
            approved: facts.get(Fact::Approved) == 1,
            assignee_agent: to_agent,
            assignee_unit: to_unit.as_ref(),
        };
        let decision = self.pack.decide(&who, self.verb, &on, &self.classes, &context);
        let answer = |class: &oubliette::policy::ClassDecision| {
            let given = match class.verdict {
                Verdict::Allow => Given::Whole,
                Verdict::Mask => Given::Masked,
                Verdict::Deny => Given::Nothing,
            };
            let refusing = class.policies.iter().filter(|_| given == Given::Nothing);
            Answer { given, refused_by: refusing.map(|policy| policy.id.clone()).collect() }
        };
        decision.classes.iter().map(answer).collect()
    }

    /// The attributes of the link that the request names, if it names one.
    fn link(&self, facts: &Facts, here: &str) -> Option<Vec<(FieldName, Value)>> {
        let consent = ["none", "given", "withdrawn"].get(facts.get(Fact::Link).checked_sub(1)?)?;
        let pairs = [("territory", here), ("state", "open"), ("consent", consent)];
        let value = |(name, value): (&str, &str)| {
            (FieldName::parse(name).unwrap(), Value::Text(value.to_owned()))
        };
        Some(pairs.map(value).into())
    }

    fn unit(&self, at: usize) -> UnitName {
        let own = UNITS.iter().find(|(role, _)| *role == self.role.as_str());
        let units = own.map_or(["medical-974", "medical-971"], |(_, units)| *units);
        UnitName::parse(units[usize::from(at == 1)]).unwrap()
    }

    fn caller(&self, facts: &Facts, agent: &AgentId, unit: &UnitName) -> Caller {
        let day = |text: &str| text.parse().unwrap();
        let (from, to) = match facts.get(Fact::Valid) {
            0 => ("2020-11-23", "2020-11-23"),
            1 => ("2020-11-01", "2020-11-22"),
            _ => ("2020-11-24", "2021-03-31"),
        };
        let signed = match facts.get(Fact::Undertaking) {
            0 => Some("2020-11-23"),
            1 => None,
            _ => Some("2020-11-24"),
        };
        let profession = match facts.get(Fact::Profession) {
            0 => None,
            1 => Some("paramedical"),
            2 => Some("physician"),
            _ => Some("administrative"),
        };
        let territory = ["reunion", "guadeloupe"].get(facts.get(Fact::CallerTerritory));
        Caller {
            agent: agent.clone(),
            kind: match facts.get(Fact::Service) {
                0 => AgentKind::Person,
                _ => AgentKind::Service,
            },
            habilitation: Habilitation {
                role: self.role.clone(),
                unit: (facts.get(Fact::Unit) == 0).then(|| unit.clone()),
                territory: territory.map(|name| TerritoryName::parse(name).unwrap()),
                valid_from: day(from),
                valid_to: day(to),
                authority: "the head of the body".to_owned(),
                profession: profession.map(str::to_owned),
                sworn: false,
                undertaking_on: signed.map(day),
                undertaking_ref: None,
            },
            service: None,
        }
    }

    /// Every attribute of the collection that a condition can be about, and those it must have.
    fn attributes(
        &self,
        facts: &Facts,
        territory: Option<&TerritoryName>,
    ) -> Vec<(FieldName, Value)> {
        let text = |text: &str| Some(Value::Text(text.to_owned()));
        let yes = |fact| (facts.get(fact) < 2).then(|| Value::Boolean(facts.get(fact) == 1));
        let mut values: BTreeMap<&str, Option<Value>> = BTreeMap::from([
            ("territory", territory.and_then(|territory| text(territory.as_str()))),
            ("school", yes(Fact::School)),
            ("referred", yes(Fact::Referred)),
            ("social_consent", yes(Fact::SocialConsent)),
            ("kind", text(["sick_note", "social"][facts.get(Fact::SupportKind)])),
            (
                "home_visit_on",
                match facts.get(Fact::HomeVisit) {
                    0 => None,
                    at => {
                        let day = ["2020-11-22", "2020-11-23", "2020-11-24"][at - 1];
                        Some(Value::Date(day.parse().unwrap()))
                    }
                },
            ),
        ]);
        if self.collection.as_str() == "lab_results" {
            values.insert("state", text(["received", "handled"][facts.get(Fact::State)]));
        }
        if self.collection.as_str() != "support" {
            values.remove("kind");
        }
        let attribute = |spec: &oubliette::policy::AttributeSpec| {
            let value = match values.get(spec.name.as_str()) {
                Some(value) => value.clone(),
                None if spec.required => first(&spec.kind),
                None => None,
            };
            Some((spec.name.clone(), value?))
        };
        self.spec.attributes.iter().filter_map(attribute).collect()
    }
}

/// Some value of the type, for what must be there and no row is about.
fn first(kind: &FieldType) -> Option<Value> {
    match kind {
        FieldType::Code { values } => values.first().map(|code| Value::Text(code.clone())),
        FieldType::Boolean => Some(Value::Boolean(false)),
        FieldType::Integer { min, .. } => Some(Value::Integer(*min)),
        FieldType::Date => Some(Value::Date("2020-11-23".parse().unwrap())),
        _ => panic!("a required attribute of a type that the oracle does not know"),
    }
}

/// The unit that a record is assigned to, if it is to one: the agent's own, another here, or one elsewhere.
fn to_unit(to: usize, at: usize, own: &UnitName) -> Option<UnitName> {
    let named = |units: [&str; 3]| UnitName::parse(units[at]).ok();
    match to {
        0 | 1 => None,
        2 => Some(own.clone()),
        3 => named(["medical-974", "medical-971", "medical-974"]),
        _ => named(["operators-971", "operators-974", "operators-971"]),
    }
}

/// A unit of the same territory that is not this one.
fn another(unit: &UnitName, at: usize) -> UnitName {
    let units = match at {
        1 => ["investigation-971", "operators-971"],
        _ => ["screening-974", "education-974"],
    };
    let mut units = units.map(|name| UnitName::parse(name).unwrap()).into_iter();
    units.find(|other| other != unit).unwrap()
}

fn now(facts: &Facts, at: usize) -> Timestamp {
    let (from, to) = SERVICE_HOURS[at];
    let minutes = match facts.get(Fact::Hours) {
        0 => 720,
        1 => 1_200,
        2 => from,
        3 => to - 1,
        4 => from - 1,
        _ => to,
    };
    Timestamp::from_millis(MIDNIGHT[at] + minutes * 60_000)
}

fn agent(name: &str) -> AgentId {
    AgentId::parse(name).unwrap()
}
