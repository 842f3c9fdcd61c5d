//! The words of a pack in the language of the page: labels, conditions, periods.

use super::{
    html::escape,
    texts::{Facts, Lang, Local, Texts},
};
use crate::{
    cli::failure::Failure,
    policy::{ATTRIBUTES_CLASS, Act, Pack, Period, explore::Need},
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
        let need = |need: &&Need| {
            let value = |value: &String| {
                if let Some(text) = self.profession(&need.fact, value) {
                    return text;
                }
                let own = format!("{}={value}", need.fact);
                let known = self.texts.values.get(&own).or_else(|| self.texts.values.get(value));
                known.unwrap_or(value).clone()
            };
            let values: Vec<String> = need.values.iter().map(value).collect();
            let template = self.texts.facts.get(&need.fact).unwrap_or(&self.texts.other);
            let text = template.replace("{fact}", &need.fact);
            text.replace("{values}", &values.join(&self.texts.or))
        };
        needs.iter().map(need).collect::<Vec<_>>().join(&self.texts.list)
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
