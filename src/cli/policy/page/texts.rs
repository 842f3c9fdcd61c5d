//! The sentences of the page, one file per language, and what no rule can know: `page.toml` beside a pack.
//!
//! No sentence of the page stands in code, and no word of a pack stands in the sentences.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use crate::{cli::failure::Failure, limits::PACK_FILE_BYTES_MAX, policy::Pack};

/// The file of a deployment's own facts.
pub(super) const FACTS_FILE: &str = "page.toml";

/// A language of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(in crate::cli) enum Lang {
    /// French
    Fr,
    /// English
    En,
}

impl Lang {
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::Fr => "fr",
            Self::En => "en",
        }
    }

    fn source(self) -> &'static str {
        match self {
            Self::Fr => include_str!("fr.toml"),
            Self::En => include_str!("en.toml"),
        }
    }
}

/// All sentences of a language. `{...}` is filled in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Texts {
    pub(super) title: String,
    pub(super) intro: String,
    pub(super) stamp: String,
    pub(super) not_stated: String,
    pub(super) manager: String,
    pub(super) host: String,
    pub(super) access: String,
    pub(super) access_intro: String,
    pub(super) access_always: String,
    pub(super) access_by_home: String,
    pub(super) access_none: String,
    pub(super) duties: String,
    pub(super) records: String,
    pub(super) data: String,
    pub(super) acts_column: String,
    pub(super) purposes_column: String,
    pub(super) conditions: String,
    pub(super) always: String,
    pub(super) alternatives: String,
    pub(super) attributes: String,
    pub(super) purposes: String,
    pub(super) purposes_intro: String,
    pub(super) purpose: String,
    pub(super) meaning: String,
    pub(super) purpose_none: String,
    pub(super) moves: String,
    pub(super) moves_fixed: Vec<String>,
    pub(super) files: String,
    pub(super) hands_out: String,
    pub(super) matches: String,
    pub(super) refused: String,
    pub(super) refused_intro: String,
    pub(super) reason: String,
    pub(super) law: String,
    pub(super) shut: String,
    pub(super) shut_intro: String,
    pub(super) shut_role: String,
    pub(super) shut_purpose: String,
    pub(super) roles_none: String,
    pub(super) purposes_none: String,
    pub(super) retention: String,
    pub(super) retention_intro: String,
    pub(super) period: String,
    pub(super) from: String,
    pub(super) clocks: BTreeMap<String, String>,
    pub(super) class_period: String,
    pub(super) end_date: String,
    pub(super) holds: String,
    pub(super) zones: String,
    pub(super) months: [String; 2],
    pub(super) days: [String; 2],
    pub(super) and: String,
    pub(super) or: String,
    pub(super) list: String,
    pub(super) other: String,
    pub(super) acts: BTreeMap<String, String>,
    pub(super) facts: BTreeMap<String, String>,
    pub(super) values: BTreeMap<String, String>,
}

impl Texts {
    pub(super) fn of(lang: Lang) -> Result<Self, Failure> {
        toml::from_str(lang.source()).map_err(|e| Failure::of(&e))
    }
}

/// `page.toml`.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct Facts {
    /// The language of the pack's own labels and reasons.
    pub(super) pack_language: Option<String>,
    #[serde(default)]
    fr: Local,
    #[serde(default)]
    en: Local,
}

/// What a deployment says of itself in one language, and the pack's words in it.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct Local {
    pub(super) manager: Option<String>,
    pub(super) host: Option<String>,
    #[serde(default)]
    pub(super) moves: Vec<String>,
    #[serde(default)]
    pub(super) roles: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) purposes: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) collections: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) classes: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) professions: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) territories: BTreeMap<String, String>,
    /// How a condition on an attribute is said, by its name, or by `link NAME` of a link's.
    #[serde(default)]
    pub(super) facts: BTreeMap<String, String>,
    /// How its values are said, by `NAME=VALUE`.
    #[serde(default)]
    pub(super) values: BTreeMap<String, String>,
    /// The reasons of policies, by id.
    #[serde(default)]
    pub(super) reasons: BTreeMap<String, String>,
    /// The laws of policies, by id.
    #[serde(default)]
    pub(super) laws: BTreeMap<String, String>,
}

impl Facts {
    /// The file given, else the pack's own, else nothing.
    pub(super) fn read(given: Option<&Path>, folder: &Path, pack: &Pack) -> Result<Self, Failure> {
        let own = folder.join(FACTS_FILE);
        let path: PathBuf = match given {
            Some(path) => path.to_owned(),
            None if own.is_file() => own,
            None => return Ok(Self::default()),
        };
        let failed = |e: &std::io::Error| Failure::file("reading", &path, e);
        if fs::metadata(&path).map_err(|e| failed(&e))?.len() > PACK_FILE_BYTES_MAX {
            let shown = path.display();
            return Err(Failure::new(format!(
                "`{shown}` is larger than {PACK_FILE_BYTES_MAX} bytes"
            )));
        }
        let text = fs::read_to_string(&path).map_err(|e| failed(&e))?;
        let refused = |reason: String| {
            Failure::new(format!("`{}` is refused: {reason}", path.display()))
                .hint("`oubliette policy page --help` shows what it may say")
        };
        let facts: Self = toml::from_str(&text).map_err(|e| refused(e.to_string()))?;
        for local in [&facts.fr, &facts.en] {
            local.check(pack).map_err(refused)?;
        }
        Ok(facts)
    }

    pub(super) fn of(&self, lang: Lang) -> &Local {
        match lang {
            Lang::Fr => &self.fr,
            Lang::En => &self.en,
        }
    }
}

impl Local {
    /// A misspelt word would silently be no translation.
    fn check(&self, pack: &Pack) -> Result<(), String> {
        let roles = pack.roles().iter().map(|(name, _)| name.to_string()).collect();
        let purposes = pack.purposes().iter().map(|(name, _)| name.to_string()).collect();
        let collections = pack.collections().iter().map(|c| c.name.to_string()).collect();
        let classes = pack.classes().iter().map(|(name, _)| name.to_string()).collect();
        let policies: Vec<String> =
            pack.policies().into_iter().map(|(policy, _)| policy.id).collect();
        let territories = pack.territories().into_iter().map(|(name, _)| name.to_string());
        let attributes = pack.collections().iter().flat_map(|c| &c.attributes);
        let facts: Vec<String> =
            attributes.flat_map(|a| [a.name.to_string(), format!("link {}", a.name)]).collect();
        let valued = |value: &&String| {
            value.split_once('=').is_none_or(|(fact, _)| facts.iter().all(|known| known != fact))
        };
        if let Some(wrong) = self.values.keys().find(valued) {
            return Err(format!("the pack has no attribute for `{wrong}`"));
        }
        let professions = pack.professions().iter().map(|(name, _)| name.clone()).collect();
        let lists: [(&str, &BTreeMap<_, _>, Vec<String>); 9] = [
            ("profession", &self.professions, professions),
            ("role", &self.roles, roles),
            ("purpose", &self.purposes, purposes),
            ("collection", &self.collections, collections),
            ("class", &self.classes, classes),
            ("policy", &self.reasons, policies.clone()),
            ("policy", &self.laws, policies),
            ("territory", &self.territories, territories.collect()),
            ("attribute", &self.facts, facts),
        ];
        for (what, given, known) in lists {
            if let Some(wrong) = given.keys().find(|name| !known.contains(name)) {
                return Err(format!("the pack has no {what} `{wrong}`"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Act;

    #[test]
    fn both_languages_have_every_sentence_and_the_same_words() {
        let [fr, en] =
            [Lang::Fr, Lang::En].map(|lang| Texts::of(lang).map_err(|e| e.text()).unwrap());
        assert!(fr.facts.keys().eq(en.facts.keys()) && fr.values.keys().eq(en.values.keys()));
        assert_eq!(fr.moves_fixed.len(), en.moves_fixed.len());
        for texts in [&fr, &en] {
            for act in Act::ALL {
                assert!(texts.acts.contains_key(act.word()), "{}", act.word());
            }
            let known = texts.values.keys().filter_map(|value| value.split_once('='));
            for (fact, _) in known {
                assert!(texts.facts.contains_key(fact), "{fact}");
            }
        }
        assert_ne!(fr.title, en.title);
    }
}
