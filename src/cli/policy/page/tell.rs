//! The words of a pack in the language of the page: labels, conditions, periods.

use super::{
    html::escape,
    texts::{Facts, Lang, Local, Texts},
};
use crate::{
    cli::failure::Failure,
    policy::{ATTRIBUTES_CLASS, Act, Pack, Period, PolicyRef, explore::Need},
};

/// Tells what a pack says.
pub(super) struct Teller<'a> {
    pub(super) pack: &'a Pack,
    pub(super) local: &'a Local,
    pub(super) texts: Texts,
    /// The pack's own language, where it is not the page's.
    other: Option<&'a str>,
}

impl<'a> Teller<'a> {
    pub(super) fn new(pack: &'a Pack, facts: &'a Facts, lang: Lang) -> Result<Self, Failure> {
        let other = facts.pack_language.as_deref().filter(|own| *own != lang.code());
        Ok(Self { pack, local: facts.of(lang), texts: Texts::of(lang)?, other })
    }

    /// Which rules these are.
    pub(super) fn stamp(&self) -> String {
        let hash = format!("<code>{}</code>", hex::encode(self.pack.hash()));
        escape(&self.texts.stamp)
            .replace("{pack}", &escape(self.pack.name()))
            .replace("{hash}", &hash)
    }

    /// A word of the pack in the page's language; else as the pack has it, marked as of that language.
    pub(super) fn word(
        &self,
        known: &std::collections::BTreeMap<String, String>,
        name: &str,
        own: &str,
    ) -> String {
        known.get(name).map_or_else(|| self.foreign(own), |text| escape(text))
    }

    /// A text of the pack.
    pub(super) fn foreign(&self, own: &str) -> String {
        match self.other {
            Some(lang) => format!("<span lang=\"{}\">{}</span>", escape(lang), escape(own)),
            None => escape(own),
        }
    }

    pub(super) fn collection(&self, name: &str) -> String {
        let own = self.pack.collections().iter().find(|spec| spec.name.as_str() == name);
        self.word(&self.local.collections, name, own.map_or(name, |spec| &spec.label))
    }

    pub(super) fn class(&self, name: &str) -> String {
        if name == ATTRIBUTES_CLASS {
            return escape(&self.texts.attributes);
        }
        let own = self.pack.classes().iter().find(|(known, _)| known.as_str() == name);
        self.word(&self.local.classes, name, own.map_or(name, |(_, label)| label))
    }

    pub(super) fn act(&self, act: Act) -> &str {
        self.texts.acts.get(act.word()).map_or(act.word(), String::as_str)
    }

    /// Conditions in words, all of them.
    pub(super) fn needs(&self, needs: &[&Need]) -> String {
        let needs: Vec<String> = needs.iter().map(|need| self.need(need)).collect();
        needs.join(&self.texts.list)
    }

    fn need(&self, need: &Need) -> String {
        let value = |value: &String| {
            if let Some(text) = self.profession(&need.fact, value) {
                return text;
            }
            if need.fact == "home" {
                return self.local.territories.get(value).unwrap_or(value).clone();
            }
            let own = format!("{}={value}", need.fact);
            let known = self.local.values.get(&own).or_else(|| self.texts.values.get(&own));
            known.or_else(|| self.texts.values.get(value)).unwrap_or(value).clone()
        };
        let values: Vec<String> = need.values.iter().map(value).collect();
        let template =
            self.local.facts.get(&need.fact).or_else(|| self.texts.facts.get(&need.fact));
        let text = template.unwrap_or(&self.texts.other).replace("{fact}", &need.fact);
        text.replace("{values}", &values.join(&self.texts.or))
    }

    /// Alternatives in words, each less what holds for all of the role; what they share is said once.
    pub(super) fn ways(&self, ways: &[Vec<&Need>], common: &[&Need]) -> String {
        let less = |way: &Vec<&Need>, out: &[&Need]| -> Vec<Need> {
            way.iter().filter(|need| !out.contains(need)).map(|need| Need::clone(need)).collect()
        };
        let ways: Vec<Vec<Need>> = ways.iter().map(|way| less(way, common)).collect();
        let in_all = |need: &&Need| ways.iter().all(|way| way.contains(need));
        let mut shared: Vec<&Need> = ways.iter().flatten().filter(in_all).collect();
        shared.sort();
        shared.dedup();
        let own: Vec<String> = ways
            .iter()
            .map(|way| {
                let own: Vec<&Need> = way.iter().filter(|need| !shared.contains(need)).collect();
                own.iter().map(|need| self.need(need)).collect::<Vec<_>>().join(", ")
            })
            .collect();
        let mut parts: Vec<String> = shared.iter().map(|need| self.need(need)).collect();
        if own.iter().all(|way| !way.is_empty()) {
            parts.push(self.texts.alternatives.replace("{ways}", &own.join(" / ")));
        }
        if parts.is_empty() { self.texts.always.clone() } else { parts.join(&self.texts.list) }
    }

    /// The reason of a policy.
    pub(super) fn reason(&self, policy: &PolicyRef) -> String {
        self.word(&self.local.reasons, &policy.id, &policy.reason)
    }

    /// Its law.
    pub(super) fn law(&self, policy: &PolicyRef) -> String {
        self.word(&self.local.laws, &policy.id, &policy.legal)
    }

    /// The label of a profession, where the fact is one.
    fn profession(&self, fact: &str, value: &str) -> Option<String> {
        let own = self.pack.professions().iter().find(|(name, _)| name == value);
        let label = own.filter(|_| fact == "profession").map(|(_, label)| label)?;
        Some(self.local.professions.get(value).unwrap_or(label).clone())
    }

    pub(super) fn period(&self, period: Period) -> String {
        let count = |n: u32, [one, many]: &[String; 2]| match n {
            0 => None,
            1 => Some(one.clone()),
            n => Some(many.replace("{n}", &n.to_string())),
        };
        let parts =
            [count(period.months, &self.texts.months), count(period.days, &self.texts.days)];
        parts.into_iter().flatten().collect::<Vec<_>>().join(&self.texts.and)
    }
}
