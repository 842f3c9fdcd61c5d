//! The oracle's three tables, read and checked: every word a row uses is one that `words.toml` lists.
//!
//! It must not know the pack: what it says comes from the tables alone.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use serde::{Deserialize, de::DeserializeOwned};

use super::facts::Condition;

/// The class that stands for a record's attributes, F0 of the matrix.
pub(crate) const F0: &str = "attributes";
/// What a row may allow or refuse.
const VERBS: [&str; 10] =
    ["reveal", "mask", "match", "write", "create", "assign", "erase", "hold", "derive", "restrict"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Words {
    pub(crate) roles: BTreeMap<String, String>,
    pub(crate) excluded_roles: BTreeMap<String, String>,
    pub(crate) purposes: BTreeMap<String, String>,
    pub(crate) excluded_purposes: BTreeMap<String, String>,
    pub(crate) classes: BTreeMap<String, String>,
    pub(crate) collections: BTreeMap<String, Vec<String>>,
    groups: BTreeMap<String, Vec<String>>,
    pub(crate) services: BTreeMap<String, Vec<String>>,
    stands_for: BTreeMap<String, StandsFor>,
    conditions: BTreeMap<String, String>,
}

/// A role that has the rows of others, under conditions.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StandsFor {
    rows_of: Vec<String>,
    when: Vec<Condition>,
}

/// An allowed cell.
#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub(crate) struct Allow {
    pub(crate) cell: String,
    pub(crate) roles: Vec<String>,
    pub(crate) collections: Vec<String>,
    pub(crate) classes: Vec<String>,
    pub(crate) verbs: Vec<String>,
    pub(crate) purposes: Vec<String>,
    #[serde(default)]
    pub(crate) when: Vec<Condition>,
    #[serde(default, rename = "note")]
    _note: String,
}

/// A refusal by name.
#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub(crate) struct Forbid {
    pub(crate) id: String,
    #[serde(rename = "source")]
    _source: String,
    roles: Option<Vec<String>>,
    #[serde(default)]
    except_roles: Vec<String>,
    verbs: Option<Vec<String>>,
    #[serde(default)]
    except_verbs: Vec<String>,
    collections: Option<Vec<String>>,
    classes: Option<Vec<String>>,
    #[serde(default)]
    except_classes: Vec<String>,
    purposes: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) when: Vec<Condition>,
    #[serde(default)]
    pub(crate) unless: Vec<Condition>,
    #[serde(default, rename = "note")]
    _note: String,
}

/// What is asked, without the circumstances.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Question<'a> {
    pub(crate) role: &'a str,
    pub(crate) purpose: &'a str,
    pub(crate) collection: &'a str,
    pub(crate) class: &'a str,
    pub(crate) verb: &'a str,
}

pub(crate) struct Oracle {
    pub(crate) words: Words,
    pub(crate) allows: Vec<Allow>,
    pub(crate) forbids: Vec<Forbid>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Matrix {
    allow: Vec<Allow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Refusals {
    forbid: Vec<Forbid>,
}

// === impl Oracle ===

impl Oracle {
    /// The tables of this folder.
    pub(crate) fn read() -> Self {
        let words: Words = file("words.toml");
        let mut allows = file::<Matrix>("matrix.toml").allow;
        for (role, stands) in &words.stands_for {
            let theirs: Vec<Allow> = allows
                .iter()
                .filter(|row| row.roles.iter().any(|role| stands.rows_of.contains(role)))
                .cloned()
                .collect();
            allows.extend(theirs.into_iter().map(|mut row| {
                row.roles = vec![role.clone()];
                row.when.extend(&stands.when);
                row
            }));
        }
        let mut forbids = file::<Refusals>("refusals.toml").forbid;
        for row in &mut forbids {
            let Some(roles) = &mut row.roles else { continue };
            let own = |role: &String| match role.strip_prefix('@') {
                Some(group) => words.groups[group].clone(),
                None => vec![role.clone()],
            };
            *roles = roles.iter().flat_map(own).collect();
        }
        let oracle = Self { words, allows, forbids };
        oracle.check();
        oracle
    }

    /// The same tables, and in every collection a class that no row allows anything of.
    pub(crate) fn with_class(mut self, class: &str) -> Self {
        self.words.classes.insert(class.to_owned(), "added".to_owned());
        self.words.collections.values_mut().for_each(|classes| classes.push(class.to_owned()));
        self
    }

    /// Every role of the tables, the excluded ones last.
    pub(crate) fn roles(&self) -> Vec<&str> {
        self.words
            .roles
            .keys()
            .chain(self.words.excluded_roles.keys())
            .map(String::as_str)
            .collect()
    }

    /// Every purpose of the tables, the excluded ones last.
    pub(crate) fn purposes(&self) -> Vec<&str> {
        let words = &self.words;
        words.purposes.keys().chain(words.excluded_purposes.keys()).map(String::as_str).collect()
    }

    /// The classes of a collection, F0 first.
    pub(crate) fn classes(&self, collection: &str) -> Vec<&str> {
        let own = self.words.collections[collection].iter().map(String::as_str);
        std::iter::once(F0).chain(own).collect()
    }

    /// Whether something is made of records of this collection.
    pub(crate) fn derives(&self, collection: &str) -> bool {
        let derives = |row: &&Allow| row.verbs.iter().any(|verb| verb == "derive");
        self.allows
            .iter()
            .filter(derives)
            .any(|row| row.collections.iter().any(|name| name == collection))
    }

    pub(crate) fn is_service(&self, role: &str) -> bool {
        self.words.services["roles"].iter().any(|service| service == role)
    }

    /// No row may use a word that is not listed, and no listed condition may be left unused.
    fn check(&self) {
        let words = &self.words;
        let known = |of: &[String], all: &[&str], where_: &str| {
            for word in of {
                assert!(
                    all.contains(&word.as_str()),
                    "{where_}: `{word}` is no word of words.toml"
                );
            }
        };
        let (roles, purposes) = (self.roles(), self.purposes());
        let collections: Vec<&str> = words.collections.keys().map(String::as_str).collect();
        let classes: Vec<&str> =
            words.classes.keys().map(String::as_str).chain(std::iter::once(F0)).collect();
        let listed = |words: &Option<Vec<String>>| words.clone().unwrap_or_default();
        for row in &self.allows {
            known(&row.roles, &roles, &row.cell);
            known(&row.collections, &collections, &row.cell);
            known(&row.classes, &classes, &row.cell);
            known(&row.verbs, &VERBS, &row.cell);
            known(&row.purposes, &purposes, &row.cell);
        }
        for row in &self.forbids {
            known(&listed(&row.roles), &roles, &row.id);
            known(&row.except_roles, &roles, &row.id);
            known(&listed(&row.collections), &collections, &row.id);
            known(&listed(&row.classes), &classes, &row.id);
            known(&row.except_classes, &classes, &row.id);
            known(&listed(&row.verbs), &VERBS, &row.id);
            known(&row.except_verbs, &VERBS, &row.id);
            known(&listed(&row.purposes), &purposes, &row.id);
            let verbs = listed(&row.verbs);
            let both = |verbs: &[String]| {
                verbs.iter().any(|v| v == "reveal") == verbs.iter().any(|v| v == "mask")
            };
            assert!(both(&verbs) && both(&row.except_verbs), "{}: reveal without mask", row.id);
        }
        let used: BTreeSet<Condition> = self
            .allows
            .iter()
            .flat_map(|row| &row.when)
            .chain(self.forbids.iter().flat_map(|row| row.when.iter().chain(&row.unless)))
            .copied()
            .collect();
        let used: BTreeSet<String> = used.into_iter().map(Condition::word).collect();
        let listed: BTreeSet<String> = words.conditions.keys().cloned().collect();
        assert_eq!(used, listed, "the conditions that rows use and those that words.toml explains");
    }
}

// === impl Allow, Forbid ===

impl Allow {
    pub(crate) fn concerns(&self, q: &Question<'_>) -> bool {
        let has = |all: &[String], one: &str| all.iter().any(|word| word == one);
        has(&self.roles, q.role)
            && has(&self.collections, q.collection)
            && has(&self.classes, q.class)
            && has(&self.verbs, q.verb)
            && has(&self.purposes, q.purpose)
    }
}

impl Forbid {
    pub(crate) fn concerns(&self, q: &Question<'_>) -> bool {
        let has = |all: &[String], one: &str| all.iter().any(|word| word == one);
        let may =
            |all: &Option<Vec<String>>, one: &str| all.as_ref().is_none_or(|all| has(all, one));
        may(&self.roles, q.role)
            && !has(&self.except_roles, q.role)
            && may(&self.verbs, q.verb)
            && !has(&self.except_verbs, q.verb)
            && may(&self.collections, q.collection)
            && may(&self.classes, q.class)
            && !has(&self.except_classes, q.class)
            && may(&self.purposes, q.purpose)
    }
}

fn file<T: DeserializeOwned>(name: &str) -> T {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle").join(name);
    toml::from_str(&fs::read_to_string(path).unwrap()).unwrap_or_else(|e| panic!("{name}: {e}"))
}
