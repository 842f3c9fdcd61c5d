//! The pack's policies as the tests look at them: where each can matter and which facts it looks at.
//!
//! What is expected never comes from here. It says only what must be asked: a fact that a policy looks
//! at is varied in every question that the policy can matter to, and a fact that no circumstance of
//! the oracle varies fails the test.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    str::FromStr as _,
};

use cedar_policy::{Policy, PolicySet};
use serde_json::Value as Json;

use crate::{
    facts::Fact,
    questions,
    table::{F0, Oracle, Question},
};

/// A policy of a pack.
#[derive(Clone)]
pub(crate) struct Rule {
    pub(crate) id: String,
    pub(crate) text: String,
    pub(crate) json: Json,
    /// The facts that its conditions look at.
    facts: BTreeSet<Fact>,
}

/// The folder of the shipped pack.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/contact-tracing")
}

/// Every policy of the shipped pack, in the order of the files.
pub(crate) fn shipped() -> Vec<Rule> {
    let entries = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|end| end == "cedar")).collect();
    files.sort();
    let of = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        of_file(name, &fs::read_to_string(path).unwrap())
    };
    files.iter().flat_map(of).collect()
}

/// Every policy of one file.
fn of_file(file: &str, text: &str) -> Vec<Rule> {
    let set = PolicySet::from_str(text).unwrap_or_else(|error| panic!("{file}: {error}"));
    let mut policies: Vec<&Policy> = set.policies().collect();
    let place = |policy: &&Policy| -> usize {
        policy.id().to_string().trim_start_matches("policy").parse().unwrap()
    };
    policies.sort_by_key(place);
    let rule = |policy: &Policy| {
        let (id, json) = (policy.annotation("id").unwrap().to_owned(), policy.to_json().unwrap());
        let facts = facts_of(&json, &id);
        Rule { id, text: policy.to_string(), json, facts }
    };
    policies.into_iter().map(rule).collect()
}

/// The facts that some policy looks at that can matter to the question, whatever its class.
pub(crate) fn facts(rules: &[Rule], oracle: &Oracle, about: &Question<'_>) -> BTreeSet<Fact> {
    let matters = |rule: &&Rule| {
        rule.role().is_none_or(|role| role == about.role)
            && rule.collection().is_none_or(|name| name == about.collection)
            && !rule.classes(oracle, about.collection, about.verb).is_empty()
    };
    rules.iter().filter(matters).flat_map(|rule| &rule.facts).copied().collect()
}

// === impl Rule ===

impl Rule {
    /// The one role of its scope; `None` for all.
    pub(crate) fn role(&self) -> Option<&str> {
        self.json["principal"]["entity"]["id"].as_str()
    }

    /// The one collection of its scope; `None` for all.
    pub(crate) fn collection(&self) -> Option<&str> {
        self.json["resource"]["entity_type"].as_str()
    }

    /// Whether it is about the vault itself and not about records.
    pub(crate) fn is_of_the_vault(&self) -> bool {
        self.json["resource"]["entity"]["type"] == "Vault"
    }

    /// The actions and groups of actions that its scope names.
    pub(crate) fn actions(&self) -> BTreeSet<&str> {
        let action = &self.json["action"];
        let all = action["entities"].as_array().into_iter().flatten().chain(action.get("entity"));
        let named: BTreeSet<&str> = all.map(|action| action["id"].as_str().unwrap()).collect();
        if action["op"] == "All" { BTreeSet::from(["data"]) } else { named }
    }

    /// The classes of a collection for which its actions have this verb.
    pub(crate) fn classes<'o>(
        &self,
        oracle: &'o Oracle,
        collection: &str,
        verb: &str,
    ) -> BTreeSet<&'o str> {
        classes(&self.actions(), oracle, collection, verb)
    }

    /// What it becomes when this is left of it, or has taken its place: what either looks at.
    pub(crate) fn changed_to(&self, left: &Json) -> Self {
        let mut rule = Self { json: left.clone(), ..self.clone() };
        rule.facts.extend(facts_of(left, &self.id));
        rule
    }
}

/// The facts that a policy's conditions look at.
fn facts_of(json: &Json, id: &str) -> BTreeSet<Fact> {
    let mut names = BTreeSet::new();
    looked_at(&json["conditions"], &mut names);
    let all = names.iter().flat_map(|name| varied(name, id)).copied();
    // What a refusal looks at of the caller, the place and the time is crossed in any case.
    all.filter(|fact| json["effect"] == "permit" || !questions::is_apart(*fact)).collect()
}

/// The classes of a collection for which these actions have this verb; a mask is asked by a reveal.
pub(crate) fn classes<'o>(
    actions: &BTreeSet<&str>,
    oracle: &'o Oracle,
    collection: &str,
    verb: &str,
) -> BTreeSet<&'o str> {
    let has = |action: &str| actions.contains(action);
    let whole = has("data") || has(verb) || has(&format!("{verb}:{collection}"));
    let one = |class: &&str| {
        whole
            || has(&format!("{verb}:{class}"))
            || (verb == "reveal" && (has("mask") || has(&format!("mask:{class}"))))
    };
    let of_one = matches!(verb, "assign" | "erase" | "hold" | "derive" | "restrict");
    let all = if of_one { vec![F0] } else { oracle.classes(collection) };
    all.into_iter().filter(one).collect()
}

/// Every attribute that is read or asked for somewhere in it.
fn looked_at<'j>(json: &'j Json, names: &mut BTreeSet<&'j str>) {
    match json {
        Json::Object(object) => {
            for access in [".", "has"] {
                names.extend(object.get(access).and_then(|of| of["attr"].as_str()));
            }
            object.values().for_each(|inner| looked_at(inner, names));
        }
        Json::Array(list) => list.iter().for_each(|inner| looked_at(inner, names)),
        _ => {}
    }
}

/// The facts by which an attribute differs from one circumstance to another.
fn varied(name: &str, policy: &str) -> &'static [Fact] {
    use Fact as F;
    match name {
        // Part of the question, or the day that `home_visit_on` is compared with.
        "purpose" | "class" | "today" => &[],
        "territory" => &[F::Territory, F::CallerTerritory],
        "unit" => &[F::Unit],
        "profession" => &[F::Profession],
        "service" => &[F::Service],
        "undertaking" => &[F::Undertaking],
        "valid_today" => &[F::Valid],
        "assigned_agents" | "assigned_units" => &[F::Assigned],
        "filed_by" => &[F::FiledBy],
        "age_hours" => &[F::Age],
        "restricted" => &[F::Restricted],
        "held" => &[F::Held],
        "school" => &[F::School],
        "referred" => &[F::Referred],
        "home_visit_on" => &[F::HomeVisit],
        "state" => &[F::State],
        "kind" => &[F::SupportKind],
        "social_consent" => &[F::SocialConsent],
        "link" | "consent" => &[F::Link],
        "other_assigned_to_me" | "other_in_my_unit" => &[F::Link, F::OtherEnd],
        "to_self" | "to_own_unit" | "to_unit_of_own_territory" => &[F::Assignee],
        "local_minutes" => &[F::Hours],
        "recent_subjects" => &[F::Cap],
        "justification" => &[F::Justification],
        "approved" => &[F::Approved],
        "break_glass" => &[F::BreakGlass],
        _ => panic!("{policy} looks at `{name}`, which no circumstance of the oracle varies"),
    }
}
