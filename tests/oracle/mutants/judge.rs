//! Says whether a changed pack is noticed: by the loader, by the oracle's questions or by the pack's
//! own scenarios.
//!
//! A change is asked about only where it can show: the roles, collections, verbs and classes of the
//! policy's scope, for every purpose, those that the policy names first; the first difference ends it.
//! The pack that is asked has the policies of those roles and every `forbid`: no other can matter there.
//! The circumstances are the cross-product's own. Actions on the vault itself are not in the
//! cross-product: there the scenarios judge alone.

use std::{collections::BTreeSet, fs, path::Path, sync::Arc};

use oubliette::policy::{Pack, PackError, Verb};
use tempfile::TempDir;

use super::change::{Change, Kind, cedar};
use crate::{
    cross::{Found, VERBS},
    questions::Questions,
    rules::{self, Rule},
    table::{F0, Oracle, Question},
};

/// A class that is added to every collection, and that no policy names: it is open to nobody.
pub(crate) const ADDED: &str = "added";

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

/// The text of the pack, with a class more in every collection.
fn pack_with_class(pack: &Path) -> String {
    let text = fs::read_to_string(pack.join("pack.toml")).unwrap();
    let class = format!("[classes]\n{ADDED} = \"Added\"");
    let field =
        format!("fields = [\n{{ name = \"{ADDED}\", class = \"{ADDED}\", type = \"boolean\" }},");
    text.replacen("[classes]", &class, 1).replace("\nfields = [", &format!("\n{field}"))
}

// === impl Judge ===

impl<'a> Judge<'a> {
    /// `oracle` is one that knows the class added.
    pub(crate) fn new(pack: &Path, oracle: &'a Oracle, rules: &'a [Rule]) -> Self {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("pack.toml"), pack_with_class(pack)).unwrap();
        let scenarios = fs::read_to_string(pack.join(SCENARIOS)).unwrap();
        Self { oracle, rules, folder, scenarios }
    }

    /// The pack as it is, but for the class added.
    pub(crate) fn unchanged(&self) -> Arc<Pack> {
        self.load(NOTHING, None, |_| true).unwrap_or_else(|errors| panic!("{errors:#?}"))
    }

    /// What notices it, and how many questions were asked until then.
    pub(crate) fn try_out(&self, change: &Change) -> (Verdict, usize) {
        let rule = &self.rules[change.rule];
        let mut found = Found::default();
        if !rule.is_of_the_vault() {
            let slice = Slice::of(self.oracle, rule, change);
            let matters = |rule: &Rule| slice.matters(rule);
            let Ok(pack) = self.load(NOTHING, Some(change), matters) else {
                return (Verdict::Refused, 0);
            };
            if slice.of.is_empty() {
                assert_eq!(change.kind, Kind::Scope, "{}: {}", rule.id, change.dropped);
                return (Verdict::Nowhere, 0);
            }
            let changed = [rule.changed_to(change.left.as_ref().unwrap_or(&rule.json))];
            self.ask(&pack, &changed, &slice, &mut found);
            if !found.differences.is_empty() {
                return (Verdict::Oracle, found.asked);
            }
        }
        let verdict = match self.load(&self.scenarios, Some(change), |_| true) {
            Ok(_) => Verdict::Nothing,
            Err(errors) if errors.iter().all(|error| error.file == SCENARIOS) => Verdict::Scenarios,
            Err(_) => Verdict::Refused,
        };
        (verdict, found.asked)
    }

    /// Loads those of the policies, one of them changed.
    fn load(
        &self,
        scenarios: &str,
        change: Option<&Change>,
        those: impl Fn(&Rule) -> bool,
    ) -> Result<Arc<Pack>, Vec<PackError>> {
        let text = |(number, rule): (usize, &'a Rule)| match change {
            Some(change) if change.rule == number => {
                change.left.as_ref().map_or(String::new(), cedar)
            }
            _ => rule.text.clone(),
        };
        let own = |number| change.is_some_and(|change| change.rule == number);
        let all = self.rules.iter().enumerate();
        let kept = all.filter(|(number, rule)| own(*number) || those(rule));
        let texts: Vec<String> = kept.map(text).collect();
        fs::write(self.folder.path().join("policies.cedar"), texts.join("\n\n")).unwrap();
        fs::write(self.folder.path().join(SCENARIOS), scenarios).unwrap();
        Pack::load(self.folder.path())
    }

    fn ask(&self, pack: &Pack, rules: &[Rule], slice: &Slice<'_>, found: &mut Found) {
        for purpose in &slice.purposes {
            for near in [true, false] {
                for (collection, (word, verb), classes) in &slice.of {
                    for role in &slice.roles {
                        let about = Question { role, purpose, collection, class: F0, verb: word };
                        let questions = Questions::of(pack, self.oracle, rules, about, *verb);
                        questions.only(classes).ask_until_different(near, found);
                        if !found.differences.is_empty() {
                            return;
                        }
                    }
                }
            }
        }
    }
}

// === impl Slice ===

impl<'a> Slice<'a> {
    fn of(oracle: &'a Oracle, rule: &'a Rule, change: &'a Change) -> Self {
        let gone = |what: &str| change.kind == Kind::Scope && change.dropped.ends_with(what);
        let (no_role, no_collection) = (gone("principal"), gone("resource"));
        let role = |role: &&str| rule.role().is_none_or(|own| (own == *role) != no_role);
        let collection =
            |name: &&str| rule.collection().is_none_or(|own| (own == *name) != no_collection);
        let (named, others): (Vec<&str>, Vec<&str>) = oracle
            .purposes()
            .into_iter()
            .partition(|purpose| rule.text.contains(&format!("Purpose::\"{purpose}\"")));
        let actions = match &change.action {
            Some(action) => BTreeSet::from([action.as_str()]),
            None => rule.actions(),
        };
        let mut of = Vec::new();
        for name in oracle.words.collections.keys().map(String::as_str).filter(collection) {
            for (word, verb) in VERBS {
                let classes = rules::classes(&actions, oracle, name, word);
                if !classes.is_empty() && (word != "derive" || oracle.derives(name)) {
                    of.push((name, (word, verb), classes));
                }
            }
        }
        let roles = oracle.roles().into_iter().filter(role).collect();
        Self { roles, purposes: [named, others].concat(), of }
    }

    /// Whether the policy can matter to its questions, or is needed for the pack to load: a pack needs the
    /// refusals of what it excludes, and something that broken glass opens.
    fn matters(&self, rule: &Rule) -> bool {
        rule.role().is_none_or(|role| self.roles.contains(&role))
            || rule.json["effect"] == "forbid"
            || rule.text.contains("break_glass")
    }
}
