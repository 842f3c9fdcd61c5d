//! Which facts a policy looks at, and what it compares them with: read from its parsed form.
//!
//! It decides nothing. A fact that no policy of a question mentions cannot change the answer, so it need
//! not be varied; that is all this is for.

use std::collections::{BTreeMap, BTreeSet};

use cedar_policy::Policy;
use serde_json::Value as Json;

/// A fact: `principal`, `resource`, `context` or `link`, and its name; `action` has none.
pub(super) type Fact = (String, String);

/// What policies look at.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Mentions {
    /// Each fact with the whole numbers it is compared with.
    pub(super) facts: BTreeMap<Fact, BTreeSet<i64>>,
    /// Entities named, by type.
    pub(super) entities: BTreeSet<(String, String)>,
    /// Texts named.
    pub(super) texts: BTreeSet<String>,
}

impl Mentions {
    /// What these policies look at.
    pub(super) fn of<'a>(policies: impl IntoIterator<Item = &'a Policy>) -> Self {
        let mut mentions = Self::default();
        for policy in policies {
            // A policy that was compiled has a parsed form.
            let Ok(json) = policy.to_json() else { continue };
            if let Some(conditions) = json.get("conditions") {
                mentions.walk(conditions);
            }
        }
        mentions
    }

    /// Takes what another has seen along.
    pub(super) fn and(mut self, other: &Self) -> Self {
        for (fact, numbers) in &other.facts {
            self.facts.entry(fact.clone()).or_default().extend(numbers);
        }
        self.entities.extend(other.entities.iter().cloned());
        self.texts.extend(other.texts.iter().cloned());
        self
    }

    /// Whether a fact is looked at.
    pub(super) fn has(&self, of: &str, name: &str) -> bool {
        self.facts.contains_key(&(of.to_owned(), name.to_owned()))
    }

    /// The numbers a fact is compared with.
    pub(super) fn numbers(&self, of: &str, name: &str) -> Vec<i64> {
        let found = self.facts.get(&(of.to_owned(), name.to_owned()));
        found.map(|numbers| numbers.iter().copied().collect()).unwrap_or_default()
    }

    /// The names of this type that are written out.
    pub(super) fn named(&self, kind: &str) -> bool {
        self.entities.iter().any(|(of, _)| of == kind)
    }

    fn walk(&mut self, json: &Json) {
        match json {
            Json::Array(all) => all.iter().for_each(|one| self.walk(one)),
            Json::Object(object) => {
                for (key, value) in object {
                    if let Some(fact) = fact(key, value) {
                        self.facts.entry(fact).or_default();
                    }
                    if key == "Value" {
                        self.literal(value);
                    }
                    if key == "Var" && value.as_str() == Some("action") {
                        self.facts.entry(("action".to_owned(), String::new())).or_default();
                    }
                    if !matches!(key.as_str(), "&&" | "||" | "." | "has") {
                        self.comparison(value);
                    }
                    self.walk(value);
                }
            }
            _ => {}
        }
    }

    fn literal(&mut self, value: &Json) {
        if let Some(text) = value.as_str() {
            self.texts.insert(text.to_owned());
        }
        let entity = value.get("__entity");
        let part = |name| entity.and_then(|e| e.get(name)).and_then(Json::as_str);
        if let (Some(kind), Some(id)) = (part("type"), part("id")) {
            self.entities.insert((kind.to_owned(), id.to_owned()));
        }
    }

    /// Both sides of one comparison belong together.
    fn comparison(&mut self, value: &Json) {
        let (Some(left), Some(right)) = (value.get("left"), value.get("right")) else { return };
        let (mut facts, mut numbers) = (Vec::new(), BTreeSet::new());
        for side in [left, right] {
            parts(side, &mut facts, &mut numbers);
        }
        for fact in &facts {
            self.facts.entry(fact.clone()).or_default().extend(&numbers);
        }
    }
}

/// `{"left": {"Var": of}, "attr": name}` under `.` or `has`; of a link, `of` is `context.link`.
fn fact(key: &str, value: &Json) -> Option<Fact> {
    if key != "." && key != "has" {
        return None;
    }
    let (left, name) = (value.get("left")?, value.get("attr")?.as_str()?.to_owned());
    if let Some(of) = left.get("Var") {
        return Some((of.as_str()?.to_owned(), name));
    }
    let link = fact(".", left.get(".")?)? == ("context".to_owned(), "link".to_owned());
    link.then(|| ("link".to_owned(), name))
}

/// The facts and whole numbers anywhere in an expression.
fn parts(json: &Json, facts: &mut Vec<Fact>, numbers: &mut BTreeSet<i64>) {
    match json {
        Json::Array(all) => all.iter().for_each(|one| parts(one, facts, numbers)),
        Json::Object(object) => {
            for (key, value) in object {
                facts.extend(fact(key, value));
                if key == "Value" {
                    numbers.extend(value.as_i64());
                }
                parts(value, facts, numbers);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Mentions {
        Mentions::of([&Policy::parse(None, text).unwrap()])
    }

    #[test]
    fn facts_are_found_with_what_they_are_compared_with_and_others_are_not() {
        let mentions = of("permit (principal, action, resource) when { \
            principal has unit && resource.assigned_units.contains(principal.unit) && \
            context.local_minutes >= 480 && context.local_minutes < 1050 && \
            [\"new\", \"late\"].contains(resource.state) } \
            unless { resource has seen_on && resource.seen_on >= context.today };");
        assert_eq!(mentions.numbers("context", "local_minutes"), [480, 1050]);
        assert!(mentions.has("principal", "unit") && mentions.has("resource", "state"));
        assert!(!mentions.has("principal", "sworn") && !mentions.has("resource", "unit"));
        assert!(mentions.numbers("resource", "seen_on").is_empty());
        assert_eq!(mentions.texts.iter().collect::<Vec<_>>(), ["late", "new"]);
    }

    #[test]
    fn facts_of_a_link_are_its_own_and_an_action_looked_at_is_noticed() {
        let mentions = of("permit (principal, action, resource) when { context has link && \
            context.link.consent == \"given\" && context.link.since >= 5 }
            unless { action == Action::\"look\" };");
        assert!(mentions.has("context", "link") && mentions.has("link", "consent"));
        assert_eq!(mentions.numbers("link", "since"), [5]);
        assert!(mentions.has("action", "") && !mentions.has("context", "consent"));
        assert!(!of("permit (principal, action, resource);").has("action", ""));
    }

    #[test]
    fn named_entities_are_found_by_type() {
        let mentions = of("forbid (principal, action, resource) when { \
            principal.territory == Territory::\"island\" };");
        assert!(mentions.named("Territory") && !mentions.named("Unit"));
    }
}
