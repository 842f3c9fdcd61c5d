//! Says whether a changed pack is noticed: by the loader, by the oracle's questions or by the pack's
//! own scenarios.
//!
//! A change is asked about only where it can show: the roles, collections, verbs and classes of the
//! policy's scope, for every purpose, those that the policy names first; the first difference ends it.
//! The circumstances are the cross-product's own. Actions on the vault itself are not in the
//! cross-product: there the scenarios judge alone.

use std::{collections::BTreeSet, fs, path::Path, sync::Arc};

use oubliette::policy::{Pack, PackError, Verb};
use tempfile::TempDir;

use super::change::{Change, Kind, Rule};
use crate::{
    cross::{Found, Questions, VERBS},
    table::{F0, Oracle, Question},
};

/// Holds in any pack, for there is no such action: a pack needs one scenario, and this one says nothing.
const NOTHING: &str = r#"
[agents]
somebody = { role = "school" }

[[scenarios]]
name = "nothing"
agent = "somebody"
action = "audit:list"
expect = "deny"
"#;
const SCENARIOS: &str = "scenarios.toml";

/// What notices a change.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Verdict {
    /// The loader: such a pack is refused.
    Refused,
    Oracle,
    /// The pack's scenarios, and not the oracle.
    Scenarios,
    /// Nobody, and nobody could: the actions of the scope are for that one collection anyway.
    Nowhere,
    Nothing,
}

/// A folder with the pack, in which one policy at a time is another.
pub(crate) struct Judge<'a> {
    oracle: &'a Oracle,
    rules: &'a [Rule],
    folder: TempDir,
    scenarios: String,
}

/// Where a change can show.
struct Slice<'a> {
    roles: Vec<&'a str>,
    purposes: Vec<&'a str>,
    /// Collection, verb and classes.
    of: Vec<(&'a str, (&'static str, Verb), BTreeSet<&'a str>)>,
}

// === impl Judge ===

impl<'a> Judge<'a> {
    pub(crate) fn new(pack: &Path, oracle: &'a Oracle, rules: &'a [Rule]) -> Self {
        let folder = TempDir::new().unwrap();
        fs::copy(pack.join("pack.toml"), folder.path().join("pack.toml")).unwrap();
        let scenarios = fs::read_to_string(pack.join(SCENARIOS)).unwrap();
        let judge = Self { oracle, rules, folder, scenarios };
        let files: BTreeSet<&str> = rules.iter().map(|rule| rule.file.as_str()).collect();
        files.into_iter().for_each(|file| judge.write(file, None));
        judge
    }

    /// What notices it, and how many questions were asked until then.
    pub(crate) fn try_out(&self, change: &Change) -> (Verdict, usize) {
        let rule = &self.rules[change.rule];
        self.write(&rule.file, Some(change));
        let verdict = self.verdict(rule, change);
        self.write(&rule.file, None);
        verdict
    }

    fn verdict(&self, rule: &Rule, change: &Change) -> (Verdict, usize) {
        let mut found = Found::default();
        if rule.json["resource"]["entity"]["type"] != "Vault" {
            let Ok(pack) = self.load(NOTHING) else { return (Verdict::Refused, 0) };
            let slice = Slice::of(self.oracle, rule, change);
            if slice.of.is_empty() {
                assert_eq!(change.kind, Kind::Scope, "{}: {}", rule.id, change.dropped);
                return (Verdict::Nowhere, 0);
            }
            self.ask(&pack, &slice, &mut found);
            if !found.differences.is_empty() {
                return (Verdict::Oracle, found.asked);
            }
        }
        let verdict = match self.load(&self.scenarios) {
            Ok(_) => Verdict::Nothing,
            Err(errors) if errors.iter().all(|error| error.file == SCENARIOS) => Verdict::Scenarios,
            Err(_) => Verdict::Refused,
        };
        (verdict, found.asked)
    }

    fn load(&self, scenarios: &str) -> Result<Arc<Pack>, Vec<PackError>> {
        fs::write(self.folder.path().join(SCENARIOS), scenarios).unwrap();
        Pack::load(self.folder.path())
    }

    /// Writes a file of policies, with the change or as it is.
    fn write(&self, file: &str, change: Option<&Change>) {
        let text = |(number, rule): (usize, &'a Rule)| match change {
            Some(change) if change.rule == number => change.text.clone(),
            _ => rule.text.clone(),
        };
        let own = self.rules.iter().enumerate().filter(|(_, rule)| rule.file == file);
        let texts: Vec<String> = own.map(text).collect();
        fs::write(self.folder.path().join(file), texts.join("\n\n")).unwrap();
    }

    fn ask(&self, pack: &Pack, slice: &Slice<'_>, found: &mut Found) {
        for purpose in &slice.purposes {
            for (collection, (word, verb), classes) in &slice.of {
                for role in &slice.roles {
                    let about = Question { role, purpose, collection, class: F0, verb: word };
                    let questions = Questions::of(pack, self.oracle, about, *verb).only(classes);
                    questions.ask_until_different(found);
                    if !found.differences.is_empty() {
                        return;
                    }
                }
            }
        }
    }
}

// === impl Slice ===

impl<'a> Slice<'a> {
    fn of(oracle: &'a Oracle, rule: &'a Rule, change: &'a Change) -> Self {
        let open = |json: &'a serde_json::Value, what: &str| {
            let gone = change.kind == Kind::Scope && change.dropped.ends_with(what);
            let named = json["entity"]["id"].as_str().or(json["entity_type"].as_str());
            move |word: &&str| named.is_none_or(|named| (named == *word) != gone)
        };
        let roles = oracle.roles().into_iter().filter(open(&rule.json["principal"], "principal"));
        let (named, others): (Vec<&str>, Vec<&str>) = oracle
            .purposes()
            .into_iter()
            .partition(|purpose| rule.text.contains(&format!("Purpose::\"{purpose}\"")));
        let actions: BTreeSet<&str> = match &change.action {
            Some(action) => BTreeSet::from([action.as_str()]),
            None => actions(rule),
        };
        let mut of = Vec::new();
        let collections = oracle.words.collections.keys().map(String::as_str);
        for collection in collections.filter(open(&rule.json["resource"], "resource")) {
            for (word, verb) in VERBS {
                if word == "derive" && !oracle.derives(collection) {
                    continue;
                }
                let whole = [format!("{word}:{collection}"), word.to_owned(), "data".to_owned()];
                let classes: BTreeSet<&str> = match whole.iter().any(|a| actions.contains(&a[..])) {
                    true => oracle.classes(collection).into_iter().collect(),
                    false => oracle
                        .classes(collection)
                        .into_iter()
                        .filter(|class| touches(&actions, word, class))
                        .collect(),
                };
                if !classes.is_empty() {
                    of.push((collection, (word, verb), classes));
                }
            }
        }
        Self { roles: roles.collect(), purposes: [named, others].concat(), of }
    }
}

/// The actions and groups of actions that the rule's scope names.
fn actions(rule: &Rule) -> BTreeSet<&str> {
    let action = &rule.json["action"];
    let all = action["entities"].as_array().into_iter().flatten().chain(action.get("entity"));
    let named: BTreeSet<&str> = all.map(|action| action["id"].as_str().unwrap()).collect();
    if action["op"] == "All" { BTreeSet::from(["data"]) } else { named }
}

/// Whether one of the actions is this verb for this class; a mask is asked by a reveal.
fn touches(actions: &BTreeSet<&str>, verb: &str, class: &str) -> bool {
    let mask = verb == "reveal"
        && (actions.contains("mask") || actions.contains(&format!("mask:{class}")[..]));
    mask || actions.contains(&format!("{verb}:{class}")[..])
}
