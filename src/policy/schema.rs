//! The Cedar schema of a pack, generated from its vocabulary. Policies are validated against it.
//!
//! Every closed list becomes an enumerated entity type, so that a misspelt role, unit, territory,
//! purpose, class or profession in a policy is a validation error and not a rule that never holds.
//!
//! ```text
//! Agent in Role       service, sworn, undertaking, valid_today, unit?, territory?, profession?
//! <collection>        territory?, assigned_agents, assigned_units, restricted, held, filed_by?, age_hours,
//!                     <attributes>
//! Vault::"vault"      the resource of actions on the vault itself
//! Action "reveal:<class>" "mask:<class>" "match:<class>" "write:<class>" "create:<collection>"
//!        "assign:<collection>" "erase:<collection>" "hold:<collection>" "derive:<collection>"
//!        "restrict:<collection>", in the groups "reveal" "mask" "match" "write" "create" "assign" "erase"
//!        "hold" "derive" "restrict" and, all of them, "data"; the vault's own actions in the group "vault"
//! context (data)      purpose, today, local_minutes, local_weekday, justification, recent_subjects,
//!                     approved, break_glass, notice_given, and in a pack with links link?, a record of
//!                     other_assigned_to_me, other_in_my_unit and the link's own attributes; create adds
//!                     class; assign adds to_self,
//!                     to_own_unit, to_unit_of_own_territory
//! context (vault)     today, local_minutes, local_weekday
//! ```
//! Dates are whole days since 1970-01-01, local; weekdays 1 (Monday) to 7. What may be missing is
//! optional, and strict validation makes the policy ask with `has` first.

use serde_json::{Map, Value as Json, json};

use super::{
    ATTRIBUTES_CLASS,
    engine::request::VAULT_ACTIONS,
    pack::{
        spec::{AttributeSpec, CollectionSpec},
        vocabulary::Vocabulary,
    },
    value::FieldType,
};

/// The closed list's stand-in where a pack leaves a list empty: no name can be spelt like it.
const NONE: &str = "-";

/// What policies may name instead of single actions.
pub(super) const GROUPS: &[&str] = &[
    "reveal", "mask", "match", "write", "create", "assign", "erase", "hold", "derive", "restrict",
    "data", "vault",
];

/// The schema in Cedar's JSON form.
pub(super) fn generate(vocabulary: &Vocabulary) -> Json {
    let mut types = Map::new();
    let mut list = |name: &str, ids: Vec<String>| {
        let ids = if ids.is_empty() { vec![NONE.to_owned()] } else { ids };
        types.insert(name.into(), json!({ "enum": ids }));
    };
    list("Role", texts(vocabulary.roles.iter().map(|(name, _)| name)));
    list("Purpose", texts(vocabulary.purposes.iter().map(|(name, _)| name)));
    list("Profession", texts(vocabulary.professions.iter().map(|(name, _)| name)));
    list("Unit", texts(vocabulary.units.iter().map(|unit| &unit.name)));
    list("Territory", texts(vocabulary.territories.iter().map(|t| &t.name)));
    let mut classes = texts(vocabulary.classes.iter().map(|(name, _)| name));
    classes.push(ATTRIBUTES_CLASS.into());
    list("Class", classes.clone());
    list("Vault", vec!["vault".into()]);
    types.insert("Agent".into(), agent());
    for spec in &vocabulary.collections {
        types.insert(spec.name.to_string(), resource(spec));
    }
    let link = link(vocabulary);
    let data_context = || data_context(link.as_ref());
    let mut actions = Map::new();
    for group in GROUPS {
        actions.insert((*group).into(), json!({}));
    }
    for class in &classes {
        let having: Vec<_> =
            vocabulary.collections.iter().filter(|spec| has_class(spec, class)).collect();
        for verb in ["reveal", "mask", "match", "write"] {
            let action = data_action(verb, &having, data_context());
            actions.insert(format!("{verb}:{class}"), action);
        }
    }
    for spec in &vocabulary.collections {
        let mut create = data_context();
        create.insert("class".into(), entity("Class"));
        actions.insert(format!("create:{}", spec.name), data_action("create", &[spec], create));
        let mut assign = data_context();
        for fact in ["to_self", "to_own_unit", "to_unit_of_own_territory"] {
            assign.insert(fact.into(), boolean());
        }
        actions.insert(format!("assign:{}", spec.name), data_action("assign", &[spec], assign));
        // A policy that names a derivation the pack does not have is a mistake.
        let derive = spec.derive.as_ref().map(|_| "derive");
        for verb in ["erase", "hold", "restrict"].into_iter().chain(derive) {
            let action = data_action(verb, &[spec], data_context());
            actions.insert(format!("{verb}:{}", spec.name), action);
        }
    }
    for action in VAULT_ACTIONS {
        actions.insert((*action).into(), action_on("vault", json!(["Vault"]), time_context()));
    }
    json!({ "": { "entityTypes": types, "actions": actions } })
}

/// Whether the collection has fields of this class; all have attributes.
pub(super) fn has_class(spec: &CollectionSpec, class: &str) -> bool {
    class == ATTRIBUTES_CLASS || spec.classes.iter().any(|name| name.as_str() == class)
}

fn data_action(group: &str, on: &[&CollectionSpec], context: Map<String, Json>) -> Json {
    let resources = json!(texts(on.iter().map(|spec| &spec.name)));
    let mut action = action_on(group, resources, context);
    if let Some(groups) = action.get_mut("memberOf").and_then(Json::as_array_mut) {
        groups.push(json!({ "id": "data" }));
    }
    action
}

fn action_on(group: &str, resources: Json, context: Map<String, Json>) -> Json {
    json!({
        "memberOf": [{ "id": group }],
        "appliesTo": {
            "principalTypes": ["Agent"],
            "resourceTypes": resources,
            "context": { "type": "Record", "attributes": context },
        },
    })
}

fn agent() -> Json {
    json!({
        "memberOfTypes": ["Role"],
        "shape": { "type": "Record", "attributes": {
            "service": boolean(),
            "sworn": boolean(),
            "undertaking": boolean(),
            "valid_today": boolean(),
            "unit": optional(entity("Unit")),
            "territory": optional(entity("Territory")),
            "profession": optional(entity("Profession")),
        } },
    })
}

fn resource(spec: &CollectionSpec) -> Json {
    let mut shape = Map::new();
    shape.insert("assigned_agents".into(), json!({ "type": "Set", "element": entity("Agent") }));
    shape.insert("assigned_units".into(), json!({ "type": "Set", "element": entity("Unit") }));
    shape.insert("restricted".into(), boolean());
    shape.insert("held".into(), boolean());
    shape.insert("filed_by".into(), optional(entity("Agent")));
    shape.insert("age_hours".into(), long());
    shape.extend(attributes(spec));
    json!({ "shape": { "type": "Record", "attributes": shape } })
}

/// A collection's own attributes; its territory may be missing, whatever the pack says of it.
fn attributes(spec: &CollectionSpec) -> Map<String, Json> {
    let typed = |attribute: &AttributeSpec| {
        if spec.territory_attribute.as_ref() == Some(&attribute.name) {
            return ("territory".to_owned(), optional(entity("Territory")));
        }
        (attribute.name.to_string(), attribute_type(spec, attribute))
    };
    spec.attributes.iter().map(typed).collect()
}

/// What a link looks like from its ends. Where there are several collections of links, what not all of
/// them require may be missing; that one name has one type in all is checked with the collections.
fn link(vocabulary: &Vocabulary) -> Option<Json> {
    let links: Vec<_> = vocabulary.collections.iter().filter(|spec| spec.is_link()).collect();
    let mut shape = Map::new();
    for spec in &links {
        shape.extend(attributes(spec));
    }
    for (name, kind) in &mut shape {
        let required = |spec: &&CollectionSpec| {
            spec.attributes.iter().any(|a| a.name.as_str() == name && a.required)
        };
        if !links.iter().all(required) {
            *kind = optional(kind.take());
        }
    }
    for fact in ["other_assigned_to_me", "other_in_my_unit"] {
        shape.insert(fact.into(), boolean());
    }
    (!links.is_empty()).then(|| optional(json!({ "type": "Record", "attributes": shape })))
}

fn attribute_type(spec: &CollectionSpec, attribute: &AttributeSpec) -> Json {
    let base = match attribute.kind {
        _ if spec.unit_attribute.as_ref() == Some(&attribute.name) => entity("Unit"),
        FieldType::Boolean => boolean(),
        FieldType::Date | FieldType::Integer { .. } => long(),
        _ => json!({ "type": "String" }),
    };
    if attribute.required { base } else { optional(base) }
}

fn data_context(link: Option<&Json>) -> Map<String, Json> {
    let mut context = time_context();
    context.extend(link.map(|link| ("link".to_owned(), link.clone())));
    context.insert("purpose".into(), entity("Purpose"));
    context.insert("recent_subjects".into(), long());
    for fact in ["justification", "approved", "break_glass", "notice_given"] {
        context.insert(fact.into(), boolean());
    }
    context
}

fn time_context() -> Map<String, Json> {
    ["today", "local_minutes", "local_weekday"]
        .into_iter()
        .map(|name| (name.to_owned(), long()))
        .collect()
}

fn texts<T: ToString>(names: impl Iterator<Item = T>) -> Vec<String> {
    names.map(|name| name.to_string()).collect()
}

fn entity(name: &str) -> Json {
    json!({ "type": "Entity", "name": name })
}

fn boolean() -> Json {
    json!({ "type": "Boolean" })
}

fn long() -> Json {
    json!({ "type": "Long" })
}

fn optional(mut of: Json) -> Json {
    if let Some(object) = of.as_object_mut() {
        object.insert("required".into(), Json::Bool(false));
    }
    of
}
