//! One imagined situation: who asks, about which record, by which link, when; and one fact of it changed.
//!
//! It names no word of any pack. Which facts are varied, and with what, is for `facts.rs` to say.

use chrono::NaiveDate;

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
            request::{LinkFacts, Moment, Principal, RequestContext, Resource},
        },
        pack::{Pack, spec::CollectionSpec},
        value::Value,
    },
};

/// An ordinary Monday, well before anything ends; what is asked is never of one date.
pub(super) const TODAY: Option<NaiveDate> = NaiveDate::from_ymd_opt(2020, 11, 23);
/// Nine in the morning.
pub(super) const MORNING: i64 = 9 * 60;

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
    Link(bool),
    LinkAttribute(FieldName, Option<Value>),
    OtherEndAgent,
    OtherEndUnit,
    OtherEndNobody,
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
    /// The collection of links that end at such a record, if there is one.
    links: Option<CollectionName>,
    link: bool,
    link_attributes: Vec<(FieldName, Value)>,
    /// To the agent himself, to his unit.
    other_end: (bool, bool),
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
        let links = links_to(pack, spec);
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
            attributes: required(spec),
            link: false,
            link_attributes: links.map(required).unwrap_or_default(),
            links: links.map(|links| links.name.clone()),
            other_end: (false, false),
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
            Setting::Attribute(name, value) => replace(&mut self.attributes, name, value.as_ref()),
            Setting::Link(yes) => self.link = *yes,
            Setting::LinkAttribute(name, value) => {
                replace(&mut self.link_attributes, name, value.as_ref());
            }
            Setting::OtherEndAgent => self.other_end = (true, false),
            Setting::OtherEndUnit => self.other_end = (false, true),
            Setting::OtherEndNobody => self.other_end = (false, false),
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

    /// The link that the request names.
    fn linked(&self) -> Option<LinkFacts<'_>> {
        let collection = self.links.as_ref().filter(|_| self.link)?;
        let (other_assigned_to_me, other_in_my_unit) = self.other_end;
        Some(LinkFacts {
            collection,
            territory: self.home.as_ref(),
            attributes: &self.link_attributes,
            other_assigned_to_me,
            other_in_my_unit,
        })
    }

    /// Asks it as a question of the engine.
    pub(super) fn ask<T>(
        &self,
        (role, purpose, collection): (&RoleName, &PurposeName, &CollectionName),
        ask: impl FnOnce(&Question<'_>) -> T,
    ) -> T {
        let link = self.linked();
        let territory = if self.own_territory { &self.home } else { &self.away };
        ask(&Question {
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
                link: link.as_ref(),
                approved: self.approved,
                assignee_agent: self.to_agent.as_ref(),
                assignee_unit: self.to_unit.as_ref(),
            },
            at: self.at,
        })
    }
}

/// The collection of links that end at a record of this one.
pub(super) fn links_to<'p>(pack: &'p Pack, spec: &CollectionSpec) -> Option<&'p CollectionSpec> {
    pack.collections().iter().find(|links| links.ends().any(|(_, to)| *to == spec.name))
}

/// What a record cannot be without.
fn required(spec: &CollectionSpec) -> Vec<(FieldName, Value)> {
    let required = |name: &FieldName| spec.attribute(name).is_some_and(|a| a.required);
    plausible(spec).into_iter().filter(|(name, _)| required(name)).collect()
}

fn replace(attributes: &mut Vec<(FieldName, Value)>, name: &FieldName, value: Option<&Value>) {
    attributes.retain(|(known, _)| known != name);
    attributes.extend(value.map(|value| (name.clone(), value.clone())));
}

pub(super) fn small(n: i64) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
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
