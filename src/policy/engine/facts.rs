//! Plain facts into Cedar entities and contexts, without parsing: every uid of a closed list is made
//! once, at load.
//!
//! What is not in the pack's lists (a unit, profession or territory of an older pack) is left out,
//! so that a policy that needs it denies.

use std::collections::{HashMap, HashSet};

use cedar_policy::{
    Context, Entity, EntityId, EntityTypeName, EntityUid, ParseErrors, RestrictedExpression as Expr,
};
use chrono::Datelike;

use super::request::{LinkFacts, Moment, Principal, Resource};
use crate::{
    ids::{
        AgentId, ClassName, CollectionName, FieldName, PurposeName, RoleName, TerritoryName,
        UnitName,
    },
    policy::{
        ATTRIBUTES_CLASS,
        pack::{spec::CollectionSpec, vocabulary::Vocabulary},
        value::Value,
    },
};

/// The uids of the pack's words.
pub(super) struct Symbols {
    agent: EntityTypeName,
    pub(super) vault: EntityUid,
    roles: HashMap<RoleName, EntityUid>,
    units: HashMap<UnitName, EntityUid>,
    territories: HashMap<TerritoryName, EntityUid>,
    unit_territories: HashMap<UnitName, TerritoryName>,
    professions: HashMap<String, EntityUid>,
    purposes: HashMap<PurposeName, EntityUid>,
    classes: HashMap<ClassName, EntityUid>,
    collections: HashMap<CollectionName, Shape>,
}

/// How a collection's records look to Cedar.
struct Shape {
    kind: EntityTypeName,
    territory: Option<FieldName>,
    unit: Option<FieldName>,
    /// Its records are links.
    links: bool,
}

/// The facts of one request's context.
pub(super) struct ContextFacts<'a> {
    pub(super) purpose: &'a PurposeName,
    pub(super) at: Moment,
    pub(super) justification: bool,
    pub(super) recent_subjects: u32,
    pub(super) approved: bool,
    pub(super) break_glass: bool,
    pub(super) link: Option<&'a LinkFacts<'a>>,
    /// Only for an assignment.
    pub(super) assignment: Option<Assignment>,
}

/// What an assignment would do, as seen from the caller.
pub(super) struct Assignment {
    pub(super) to_self: bool,
    pub(super) to_own_unit: bool,
    pub(super) to_unit_of_own_territory: bool,
}

type Facts = Vec<(String, Expr)>;

// === impl Symbols ===

impl Symbols {
    /// Errors: a name that Cedar cannot take as a type, which `pack::collection` refuses before.
    pub(super) fn new(vocabulary: &Vocabulary) -> Result<Self, Box<ParseErrors>> {
        let kind = |name: &str| name.parse::<EntityTypeName>().map_err(Box::new);
        fn all<'a, K: Clone + Eq + std::hash::Hash + ToString + 'a>(
            kind: &EntityTypeName,
            names: impl Iterator<Item = &'a K>,
        ) -> HashMap<K, EntityUid> {
            names.map(|name| (name.clone(), uid(kind, &name.to_string()))).collect()
        }
        let mut collections = HashMap::new();
        for spec in &vocabulary.collections {
            collections.insert(spec.name.clone(), Shape::new(spec, kind(spec.name.as_str())?));
        }
        let attributes = ClassName::parse(ATTRIBUTES_CLASS).ok();
        let classes = vocabulary.classes.iter().map(|(name, _)| name).chain(&attributes);
        Ok(Self {
            agent: kind("Agent")?,
            vault: uid(&kind("Vault")?, "vault"),
            roles: all(&kind("Role")?, vocabulary.roles.iter().map(|(name, _)| name)),
            units: all(&kind("Unit")?, vocabulary.units.iter().map(|unit| &unit.name)),
            territories: all(&kind("Territory")?, vocabulary.territories.iter().map(|t| &t.name)),
            unit_territories: vocabulary
                .units
                .iter()
                .map(|unit| (unit.name.clone(), unit.territory.clone()))
                .collect(),
            professions: all(
                &kind("Profession")?,
                vocabulary.professions.iter().map(|(name, _)| name),
            ),
            purposes: all(&kind("Purpose")?, vocabulary.purposes.iter().map(|(name, _)| name)),
            classes: all(&kind("Class")?, classes),
            collections,
        })
    }

    pub(super) fn kind_of(&self, collection: &CollectionName) -> Option<&EntityTypeName> {
        self.collections.get(collection).map(|shape| &shape.kind)
    }

    pub(super) fn vault_kind(&self) -> &EntityTypeName {
        self.vault.type_name()
    }

    /// What assigning to this agent or unit means for the caller.
    pub(super) fn assignment(
        &self,
        who: &Principal<'_>,
        agent: Option<&AgentId>,
        unit: Option<&UnitName>,
    ) -> Assignment {
        let territory = unit.and_then(|unit| self.unit_territories.get(unit));
        Assignment {
            to_self: agent == Some(who.agent),
            to_own_unit: unit.is_some() && unit == who.unit,
            to_unit_of_own_territory: territory.is_some() && territory == who.territory,
        }
    }

    /// The caller. `None` for a role the pack does not know: deny.
    pub(super) fn agent(&self, who: &Principal<'_>) -> Option<Entity> {
        let mut facts = HashMap::from([
            ("service".to_owned(), Expr::new_bool(who.service)),
            ("sworn".to_owned(), Expr::new_bool(who.sworn)),
            ("undertaking".to_owned(), Expr::new_bool(who.undertaking)),
            ("valid_today".to_owned(), Expr::new_bool(who.valid_today)),
        ]);
        let optional = [
            ("unit", who.unit.and_then(|unit| self.units.get(unit))),
            ("territory", who.territory.and_then(|territory| self.territories.get(territory))),
            ("profession", who.profession.and_then(|name| self.professions.get(name))),
        ];
        for (name, uid) in optional {
            facts.extend(uid.map(|uid| (name.to_owned(), Expr::new_entity_uid(uid.clone()))));
        }
        let role = HashSet::from([self.roles.get(who.role)?.clone()]);
        Entity::new(uid(&self.agent, who.agent.as_str()), facts, role).ok()
    }

    /// The record. `None` for a collection the pack does not know: deny.
    pub(super) fn record(&self, on: &Resource<'_>) -> Option<Entity> {
        let shape = self.collections.get(on.collection)?;
        let agents = on.assigned_agents.iter().map(|agent| uid(&self.agent, agent.as_str()));
        let units = on.assigned_units.iter().filter_map(|unit| self.units.get(unit).cloned());
        let mut facts = HashMap::from([
            ("assigned_agents".to_owned(), Expr::new_set(agents.map(Expr::new_entity_uid))),
            ("assigned_units".to_owned(), Expr::new_set(units.map(Expr::new_entity_uid))),
            ("restricted".to_owned(), Expr::new_bool(on.restricted)),
            ("held".to_owned(), Expr::new_bool(on.held)),
            ("age_hours".to_owned(), Expr::new_long(i64::from(on.age_hours))),
        ]);
        if let Some(agent) = on.filed_by {
            let uid = uid(&self.agent, agent.as_str());
            facts.insert("filed_by".to_owned(), Expr::new_entity_uid(uid));
        }
        facts.extend(self.attributes(shape, on.territory, on.attributes));
        Entity::new(uid(&shape.kind, &on.record.to_string()), facts, HashSet::new()).ok()
    }

    /// Territory and attributes of a record under their own names.
    fn attributes(
        &self,
        shape: &Shape,
        territory: Option<&TerritoryName>,
        attributes: &[(FieldName, Value)],
    ) -> Facts {
        let territory = territory.filter(|_| shape.territory.is_some());
        let territory = territory.and_then(|territory| self.territories.get(territory));
        let mut facts: Facts = territory
            .map(|uid| ("territory".to_owned(), Expr::new_entity_uid(uid.clone())))
            .into_iter()
            .collect();
        for (name, value) in attributes {
            if shape.territory.as_ref() != Some(name) {
                let fact = self.attribute(shape.unit.as_ref() == Some(name), value);
                facts.extend(fact.map(|fact| (name.to_string(), fact)));
            }
        }
        facts
    }

    /// The one link that a request names. `None` where its collection holds no links.
    fn link(&self, link: &LinkFacts<'_>) -> Option<Expr> {
        let shape = self.collections.get(link.collection).filter(|shape| shape.links)?;
        let mut facts = self.attributes(shape, link.territory, link.attributes);
        for (name, fact) in [
            ("other_assigned_to_me", link.other_assigned_to_me),
            ("other_in_my_unit", link.other_in_my_unit),
        ] {
            facts.push((name.to_owned(), Expr::new_bool(fact)));
        }
        Expr::new_record(facts).ok()
    }

    fn attribute(&self, is_unit: bool, value: &Value) -> Option<Expr> {
        Some(match value {
            Value::Text(text) if is_unit => {
                let unit = UnitName::parse(text).ok()?;
                Expr::new_entity_uid(self.units.get(&unit)?.clone())
            }
            Value::Text(text) => Expr::new_string(text.clone()),
            Value::Integer(n) => Expr::new_long(*n),
            Value::Date(date) => Expr::new_long(days(*date)),
            Value::Boolean(b) => Expr::new_bool(*b),
        })
    }

    /// The context of a data action; `class` only for a create. `None` for an unknown purpose or
    /// class: deny.
    pub(super) fn context(
        &self,
        facts: &ContextFacts<'_>,
        class: Option<&ClassName>,
    ) -> Option<Context> {
        let purpose = self.purposes.get(facts.purpose)?.clone();
        let mut pairs = time(&facts.at);
        pairs.extend([
            ("purpose".to_owned(), Expr::new_entity_uid(purpose)),
            ("recent_subjects".to_owned(), Expr::new_long(i64::from(facts.recent_subjects))),
            ("justification".to_owned(), Expr::new_bool(facts.justification)),
            ("approved".to_owned(), Expr::new_bool(facts.approved)),
            ("break_glass".to_owned(), Expr::new_bool(facts.break_glass)),
            // No call can state it yet, so policies see it as it is: no.
            ("notice_given".to_owned(), Expr::new_bool(false)),
        ]);
        let link = facts.link.and_then(|link| self.link(link));
        pairs.extend(link.map(|link| ("link".to_owned(), link)));
        if let Some(class) = class {
            let class = self.classes.get(class)?.clone();
            pairs.push(("class".to_owned(), Expr::new_entity_uid(class)));
        }
        if let Some(to) = &facts.assignment {
            pairs.extend([
                ("to_self".to_owned(), Expr::new_bool(to.to_self)),
                ("to_own_unit".to_owned(), Expr::new_bool(to.to_own_unit)),
                (
                    "to_unit_of_own_territory".to_owned(),
                    Expr::new_bool(to.to_unit_of_own_territory),
                ),
            ]);
        }
        Context::from_pairs(pairs).ok()
    }
}

// === impl Shape ===

impl Shape {
    fn new(spec: &CollectionSpec, kind: EntityTypeName) -> Self {
        Self {
            kind,
            territory: spec.territory_attribute.clone(),
            unit: spec.unit_attribute.clone(),
            links: spec.is_link(),
        }
    }
}

/// The context of an action on the vault itself.
pub(super) fn time_context(at: &Moment) -> Option<Context> {
    Context::from_pairs(time(at)).ok()
}

fn time(at: &Moment) -> Facts {
    vec![
        ("today".to_owned(), Expr::new_long(days(at.today))),
        ("local_minutes".to_owned(), Expr::new_long(i64::from(at.minutes))),
        ("local_weekday".to_owned(), Expr::new_long(i64::from(at.weekday))),
    ]
}

/// Whole days since 1970-01-01.
fn days(date: chrono::NaiveDate) -> i64 {
    const EPOCH_FROM_CE: i64 = 719_163;
    i64::from(date.num_days_from_ce()) - EPOCH_FROM_CE
}

fn uid(kind: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(id))
}
