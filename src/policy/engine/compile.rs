//! Policies from text to slices, once, at load.
//!
//! Each policy is parsed on its own, so that every broken one is reported with its line. Then all
//! are validated together, in strict mode, warnings included: a policy that can never hold is a
//! mistake. A slice keeps, per action, collection and role, the policies that validation found able
//! to apply there; a test compares decisions by slices with decisions by the whole set.

use std::collections::{BTreeMap, HashMap};

use cedar_policy::{
    Authorizer, Effect, Entity, EntityId, EntityTypeName, EntityUid, Policy, PolicyId, PolicySet,
    PrincipalConstraint, Schema, ValidationMode, Validator,
};

use super::{
    ClassSlots, CollectionSlots, Engine, Slice, Slot, excluded,
    facts::Symbols,
    gates::Gates,
    purposes::Purposes,
    request::VAULT_ACTIONS,
    separated,
    written::{Written, at},
};
use serde_json::Value as Json;

use crate::{
    ids::{AgentId, ClassName, RoleName},
    policy::{
        ATTRIBUTES_CLASS,
        pack::{
            error::{PackError, Source},
            spec::CollectionSpec,
            vocabulary::Vocabulary,
        },
        permit::PolicyRef,
        schema,
    },
};

/// The fact whose count is kept only where a policy asks for it.
const RECENT: &str = "recent_subjects";

/// Verbs that are asked class by class.
const CLASS_VERBS: [&str; 4] = ["reveal", "mask", "match", "write"];

/// What every policy must say of itself, and all it may say.
const ANNOTATIONS: [&str; 3] = ["id", "reason", "legal"];

/// Stands for whoever filed a record, where there is none.
const SOMEBODY: &str = "somebody";

impl Engine {
    /// Compiles all files. `None` when an error was found, or when there is no vocabulary to
    /// validate against (the policies' own errors are reported all the same).
    pub(in crate::policy) fn compile(
        vocabulary: Option<&Vocabulary>,
        files: &[(&str, &str)],
        errors: &mut Vec<PackError>,
    ) -> Option<Self> {
        let before = errors.len();
        let mut written: Vec<Written> = Vec::new();
        for (file, text) in files {
            let mut source = Source::new(file, text);
            read(&mut source, &mut written);
            errors.append(&mut source.errors);
        }
        if written.is_empty() && errors.len() == before {
            let reason = "the pack has no policy, so nothing would ever be allowed".into();
            errors.push(PackError { file: "*.cedar".into(), line: 0, reason });
        }
        let vocabulary = vocabulary?;
        let schema = schema_of(vocabulary, errors)?;
        validate(&schema, &written, errors);
        excluded::check(vocabulary, &written, errors);
        if errors.len() > before {
            return None;
        }
        let symbols = Symbols::new(vocabulary).ok()?;
        let attributes_class = ClassName::parse(ATTRIBUTES_CLASS).ok()?;
        let slicer = Slicer::new(vocabulary, &schema, &written);
        let mut collections = HashMap::new();
        for spec in &vocabulary.collections {
            let slots = slicer.collection(spec, symbols.kind_of(&spec.name)?, &attributes_class)?;
            collections.insert(spec.name.clone(), slots);
        }
        let mut vault = HashMap::new();
        for action in VAULT_ACTIONS {
            let slot = slicer.slot(action, &["vault"], symbols.vault_kind(), &[])?;
            vault.insert(*action, slot);
        }
        let asks = |w: &&Written| w.policy.to_string().contains(RECENT);
        let asking: Vec<&Written> = written.iter().filter(asks).collect();
        let roles = vocabulary.roles.iter().map(|(name, _)| name);
        let counted = roles.filter(|role| asking.iter().any(|w| concerns(&w.policy, role)));
        let counted = counted.cloned().collect();
        let refs = written.iter().map(|w| (w.policy.id().clone(), reference(&w.policy))).collect();
        let authorizer = Authorizer::new();
        let content_roles = separated::content_roles(vocabulary, &collections, &written);
        separated::check(vocabulary, &content_roles, errors);
        if errors.len() > before {
            return None;
        }
        let excluded_roles = vocabulary.excluded_roles.iter().map(|at| at.value.clone()).collect();
        let somebody = AgentId::parse(SOMEBODY).ok()?;
        Some(Self {
            authorizer,
            symbols,
            refs,
            collections,
            vault,
            attributes_class,
            somebody,
            excluded_roles,
            gates: Gates::of(vocabulary),
            content_roles,
            counted,
        })
    }
}

/// Parses a file's policies one by one and checks their annotations.
fn read(source: &mut Source<'_>, written: &mut Vec<Written>) {
    for (offset, text) in statements(source.text) {
        let line = source.line_of(offset);
        let policy = match Policy::parse(None, text) {
            Ok(policy) => policy,
            Err(errors) => {
                for error in errors.iter() {
                    source.error(line, format!("the policy that begins here: {error}"));
                }
                continue;
            }
        };
        for name in ANNOTATIONS {
            if policy.annotation(name).is_none_or(|text| text.trim().is_empty()) {
                source.error(line, format!("the policy that begins here lacks @{name}(\"...\")"));
            }
        }
        for (name, _) in policy.annotations() {
            if !ANNOTATIONS.contains(&name) {
                source.error(
                    line,
                    format!("unknown annotation @{name}; known are id, reason, legal"),
                );
            }
        }
        let id = policy.annotation("id").unwrap_or_default();
        // The form of names, so that ids are safe in events, answers and file names.
        if RoleName::parse(id).is_err() || id.starts_with('_') {
            let reason = format!("@id `{id}` must be 1 to 64 of `a-z0-9_-.`, not `_` first");
            source.error(line, reason);
            continue;
        }
        let id = PolicyId::new(id);
        if let Some(first) = written.iter().find(|other| *other.policy.id() == id) {
            let reason = format!("@id `{id}` is taken by {}:{}", first.file, first.line);
            source.error(line, reason);
            continue;
        }
        written.push(Written { policy: policy.new_id(id), file: source.file.into(), line });
    }
}

/// The statements of a Cedar file: start offset and text up to and including `;`. Comments between
/// statements belong to none; strings and comments hide a `;`.
pub(super) fn statements(text: &str) -> Vec<(usize, &str)> {
    let mut statements = Vec::new();
    let (mut start, mut in_string, mut in_comment, mut escaped) = (None, false, false, false);
    for (offset, c) in text.char_indices() {
        if in_comment {
            in_comment = c != '\n';
        } else if in_string {
            in_string = escaped || c != '"';
            escaped = c == '\\' && !escaped;
        } else if c == '/' && text.get(offset..).is_some_and(|rest| rest.starts_with("//")) {
            in_comment = true;
        } else if !c.is_whitespace() {
            start = start.or(Some(offset));
            in_string = c == '"';
            if c == ';' {
                let from = start.take().unwrap_or(offset);
                statements.extend(text.get(from..=offset).map(|statement| (from, statement)));
            }
        }
    }
    if let Some(from) = start {
        statements.extend(text.get(from..).map(|rest| (from, rest)));
    }
    statements
}

fn schema_of(vocabulary: &Vocabulary, errors: &mut Vec<PackError>) -> Option<Schema> {
    let schema = Schema::from_json_value(schema::generate(vocabulary));
    let reason = |error| format!("the words of the pack make no Cedar schema: {error}");
    schema
        .map_err(|error| {
            errors.push(PackError { file: "pack.toml".into(), line: 0, reason: reason(error) });
        })
        .ok()
}

fn validate(schema: &Schema, written: &[Written], errors: &mut Vec<PackError>) {
    let Ok(set) = PolicySet::from_policies(written.iter().map(|w| w.policy.clone())) else {
        // Ids are unique by now, and a policy set refuses nothing else.
        return;
    };
    let result = Validator::new(schema.clone()).validate(&set, ValidationMode::Strict);
    let found = result.validation_errors().map(|e| (e.policy_id(), e.to_string()));
    let warned = result.validation_warnings().map(|w| (w.policy_id(), w.to_string()));
    let mut refused: BTreeMap<(usize, String), PackError> = BTreeMap::new();
    for (id, reason) in found.chain(warned) {
        let at = written.iter().enumerate().find(|(_, w)| w.policy.id() == id);
        if let Some((index, at)) = at {
            // Cedar reports one mistake once per action it matters for: once is enough.
            let reason = reason.replace('\n', " ");
            let error = PackError { file: at.file.clone(), line: at.line, reason: reason.clone() };
            refused.entry((index, reason)).or_insert(error);
        }
    }
    errors.extend(refused.into_values());
}

fn reference(policy: &Policy) -> PolicyRef {
    let text = |name| policy.annotation(name).unwrap_or_default().to_owned();
    PolicyRef { id: text("id"), reason: text("reason"), legal: text("legal") }
}

/// Picks the policies that can matter.
struct Slicer<'a> {
    roles: Vec<&'a RoleName>,
    /// Per action and resource type, the policies that validation found able to apply.
    able: HashMap<(EntityUid, EntityTypeName), Vec<&'a Policy>>,
    action: Option<EntityTypeName>,
}

impl<'a> Slicer<'a> {
    fn new(vocabulary: &'a Vocabulary, schema: &Schema, written: &'a [Written]) -> Self {
        let mut able: HashMap<_, Vec<&Policy>> = HashMap::new();
        for Written { policy, .. } in written {
            for env in policy.get_valid_request_envs(schema) {
                let key = (env.action().clone(), env.resource().clone());
                able.entry(key).or_default().push(policy);
            }
        }
        let roles = vocabulary.roles.iter().map(|(name, _)| name).collect();
        Self { roles, able, action: "Action".parse().ok() }
    }

    fn collection(
        &self,
        spec: &CollectionSpec,
        kind: &EntityTypeName,
        attributes: &ClassName,
    ) -> Option<CollectionSlots> {
        let name = spec.name.as_str();
        let of_classes: Vec<&str> =
            spec.classes.iter().chain([attributes]).map(ClassName::as_str).collect();
        let shared: HashMap<&'static str, Vec<&Policy>> = CLASS_VERBS
            .into_iter()
            .map(|verb| (verb, self.shared(verb, &of_classes, kind)))
            .chain([("create", self.shared("create", &[name], kind))])
            .collect();
        let data = |verb: &str, of: &str| {
            let apart = shared.get(verb).map_or(&[][..], Vec::as_slice);
            self.slot(&format!("{verb}:{of}"), &[verb, "data"], kind, apart)
        };
        let mut classes = HashMap::new();
        for class in spec.classes.iter().chain([attributes]) {
            let slots = ClassSlots {
                reveal: data("reveal", class.as_str())?,
                mask: data("mask", class.as_str())?,
                matching: data("match", class.as_str())?,
                write: data("write", class.as_str())?,
            };
            classes.insert(class.clone(), slots);
        }
        let by_role = |policies: &Vec<&'a Policy>| {
            let of = |role: &&RoleName| Some(((*role).clone(), set(policies, role, &[])?));
            self.roles.iter().map(of).collect::<Option<HashMap<_, _>>>()
        };
        let sets = shared.iter().map(|(verb, policies)| Some((*verb, by_role(policies)?)));
        Some(CollectionSlots {
            classes,
            shared: sets.collect::<Option<_>>()?,
            create: data("create", name)?,
            assign: data("assign", name)?,
            erase: data("erase", name)?,
            hold: data("hold", name)?,
            derive: data("derive", name)?,
            restrict: data("restrict", name)?,
        })
    }

    /// The `forbid`s that are able to apply to this verb on each of these and answer alike on all.
    fn shared(&self, verb: &str, of: &[&str], kind: &EntityTypeName) -> Vec<&'a Policy> {
        let able = |of: &&str| self.able(&format!("{verb}:{of}"), kind);
        let (Some(first), rest) = (of.first(), of.get(1..).unwrap_or_default()) else {
            return Vec::new();
        };
        let rest: Vec<&[&Policy]> = rest.iter().map(able).collect();
        let everywhere =
            |policy: &&&Policy| rest.iter().all(|able| able.iter().any(|p| p.id() == policy.id()));
        let alike = |policy: &&&Policy| policy.effect() == Effect::Forbid && same_for_all(policy);
        able(first).iter().filter(everywhere).filter(alike).copied().collect()
    }

    fn able(&self, action: &str, kind: &EntityTypeName) -> &[&'a Policy] {
        let key = self.uid(action).map(|uid| (uid, kind.clone()));
        key.and_then(|key| self.able.get(&key)).map_or(&[][..], Vec::as_slice)
    }

    fn uid(&self, id: &str) -> Option<EntityUid> {
        let kind = self.action.clone()?;
        Some(EntityUid::from_type_name_and_id(kind, EntityId::new(id)))
    }

    /// `apart`: policies that are asked elsewhere.
    fn slot(
        &self,
        action: &str,
        groups: &[&str],
        kind: &EntityTypeName,
        apart: &[&Policy],
    ) -> Option<Slot> {
        let (own, able) = (self.uid(action)?, self.able(action, kind));
        let mut by_role = HashMap::new();
        for role in &self.roles {
            let mine = able.iter().filter(|policy| concerns(policy, role));
            let permits = mine.filter(|policy| policy.effect() == Effect::Permit);
            let permits = Purposes::of(permits.copied());
            by_role.insert((*role).clone(), Slice { policies: set(able, role, apart)?, permits });
        }
        let groups = groups.iter().filter_map(|group| self.uid(group)).collect();
        Some(Slot { entity: Entity::new_no_attrs(own.clone(), groups), uid: own, by_role })
    }
}

/// Those of the policies that concern the role, less those asked elsewhere.
fn set(policies: &[&Policy], role: &RoleName, apart: &[&Policy]) -> Option<PolicySet> {
    let here = |policy: &&&Policy| {
        concerns(policy, role) && apart.iter().all(|other| other.id() != policy.id())
    };
    PolicySet::from_policies(policies.iter().filter(here).map(|policy| (*policy).clone())).ok()
}

/// Whether no condition can tell one class from another: the action is named only as a member of its
/// verb's group, and neither the class of a create nor broken glass, which opens some classes, at all.
fn same_for_all(policy: &Policy) -> bool {
    fn tells(json: &Json) -> bool {
        match json {
            Json::Object(object) => {
                let group = at(json, &["in", "right", "Value", "__entity", "id"]).as_str();
                let member = at(json, &["in", "left", "Var"]) == "action"
                    && group.is_some_and(|id| schema::GROUPS.contains(&id));
                let told = at(json, &[".", "attr"]);
                !member
                    && (at(json, &["Var"]) == "action"
                        || told == "class"
                        || told == "break_glass"
                        || object.values().any(tells))
            }
            Json::Array(all) => all.iter().any(tells),
            _ => false,
        }
    }
    policy.to_json().is_ok_and(|json| !tells(at(&json, &["conditions"])))
}

/// False only where the policy's scope names another role.
fn concerns(policy: &Policy, role: &RoleName) -> bool {
    match policy.principal_constraint() {
        PrincipalConstraint::In(group) | PrincipalConstraint::IsIn(_, group) => {
            group.type_name().basename() != "Role" || group.id().unescaped() == role.as_str()
        }
        _ => true,
    }
}
