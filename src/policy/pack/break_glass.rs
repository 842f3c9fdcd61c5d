//! `[[break_glass]]`: where the pack lets a role open what the case in hand does not give it.
//!
//! An entry opens nothing by itself: it lets a request state that it breaks the glass, and the policies
//! decide with `context.break_glass`. Invariants: at most one entry for a role in a collection; every
//! class is one of each of its collections.

use serde::Deserialize;

use super::{
    error::{At, Source},
    spec::CollectionSpec,
};
use crate::{
    ids::{ClassName, CollectionName, RoleName},
    limits::{BREAK_GLASS_CODES_MAX, BREAK_GLASS_MINUTES_MAX, REVIEW_HOURS_MAX},
    policy::schema::has_class,
};

/// One `[[break_glass]]` as it stands in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BreakGlassToml {
    role: String,
    collections: Vec<String>,
    classes: Vec<String>,
    codes: Vec<String>,
    minutes: u32,
    review_hours: u32,
}

/// One entry, resolved: who may break the glass on which records, why, for how long, and until when that
/// must be reviewed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakGlassRule {
    /// The role that may.
    pub role: RoleName,
    /// On records of these collections.
    pub collections: Vec<CollectionName>,
    /// For these classes; `attributes` may be one.
    pub classes: Vec<ClassName>,
    /// The closed list of reasons.
    pub codes: Vec<String>,
    /// How long the glass stays broken.
    pub minutes: u32,
    /// Within how many hours the review is due.
    pub review_hours: u32,
    /// Where the entry stands in `pack.toml`.
    pub(in crate::policy) line: usize,
}

// === impl BreakGlassRule ===

impl BreakGlassRule {
    /// Whether it is for this role on records of this collection.
    #[must_use]
    pub fn is_for(&self, role: &RoleName, collection: &CollectionName) -> bool {
        &self.role == role && self.collections.contains(collection)
    }

    /// Whether it is for this class.
    #[must_use]
    pub fn covers(&self, class: &ClassName) -> bool {
        self.classes.contains(class)
    }

    /// Whether this is one of its reasons.
    #[must_use]
    pub fn has_code(&self, code: &str) -> bool {
        self.codes.iter().any(|known| known == code)
    }
}

/// Resolves the entries; what is wrong with one is recorded at its line.
pub(super) fn resolve(
    source: &mut Source<'_>,
    entries: Vec<At<BreakGlassToml>>,
    roles: &[(RoleName, String)],
    collections: &[CollectionSpec],
) -> Vec<BreakGlassRule> {
    let mut rules: Vec<BreakGlassRule> = Vec::new();
    for At { line, value: entry } in entries {
        let before = source.errors.len();
        let mut refuse = |reason: String| source.error(line, reason);
        let role = roles.iter().find(|(name, _)| name.as_str() == entry.role);
        if role.is_none() {
            refuse(format!("unknown role `{}`", entry.role));
        }
        bounded(&mut refuse, &entry);
        let specs = specs(&mut refuse, &entry, collections);
        let classes = classes(&mut refuse, &entry, &specs);
        let Some((role, _)) = role else { continue };
        for spec in &specs {
            if let Some(first) = rules.iter().find(|rule| rule.is_for(role, &spec.name)) {
                refuse(format!(
                    "line {} lets `{role}` break the glass in `{}` already; write one entry",
                    first.line, spec.name
                ));
            }
        }
        if source.errors.len() == before {
            rules.push(BreakGlassRule {
                role: role.clone(),
                collections: specs.iter().map(|spec| spec.name.clone()).collect(),
                classes,
                codes: entry.codes,
                minutes: entry.minutes,
                review_hours: entry.review_hours,
                line,
            });
        }
    }
    rules
}

/// Times and codes within their bounds.
fn bounded(refuse: &mut impl FnMut(String), entry: &BreakGlassToml) {
    if !(1..=BREAK_GLASS_MINUTES_MAX).contains(&entry.minutes) {
        refuse(format!("minutes is 1 to {BREAK_GLASS_MINUTES_MAX}: the glass closes by itself"));
    }
    if !(1..=REVIEW_HOURS_MAX).contains(&entry.review_hours) {
        refuse(format!("review_hours is 1 to {REVIEW_HOURS_MAX}"));
    }
    if !(1..=BREAK_GLASS_CODES_MAX).contains(&entry.codes.len()) {
        refuse(format!("codes lists 1 to {BREAK_GLASS_CODES_MAX} reasons"));
    }
    for (position, code) in entry.codes.iter().enumerate() {
        // The form of names, so that a code is safe in events and answers.
        if let Err(error) = RoleName::parse(code) {
            refuse(format!("code `{code}`: {error}"));
        } else if entry.codes.iter().take(position).any(|other| other == code) {
            refuse(format!("code `{code}` is given twice"));
        }
    }
}

fn specs<'a>(
    refuse: &mut impl FnMut(String),
    entry: &BreakGlassToml,
    collections: &'a [CollectionSpec],
) -> Vec<&'a CollectionSpec> {
    let mut specs: Vec<&CollectionSpec> = Vec::new();
    if entry.collections.is_empty() {
        refuse("collections names at least one collection".to_owned());
    }
    for name in &entry.collections {
        match collections.iter().find(|spec| spec.name.as_str() == name) {
            None => refuse(format!("unknown collection `{name}`")),
            Some(spec) if specs.iter().any(|other| other.name == spec.name) => {
                refuse(format!("collection `{name}` is given twice"));
            }
            Some(spec) => specs.push(spec),
        }
    }
    specs
}

fn classes(
    refuse: &mut impl FnMut(String),
    entry: &BreakGlassToml,
    specs: &[&CollectionSpec],
) -> Vec<ClassName> {
    let mut classes: Vec<ClassName> = Vec::new();
    if entry.classes.is_empty() {
        refuse("classes names at least one class".to_owned());
    }
    for name in &entry.classes {
        let lacking = specs.iter().find(|spec| !has_class(spec, name));
        match ClassName::parse(name) {
            Err(error) => refuse(format!("class `{name}`: {error}")),
            Ok(class) if classes.contains(&class) => {
                refuse(format!("class `{name}` is given twice"));
            }
            Ok(class) => match lacking {
                Some(spec) => refuse(format!("collection `{}` has no class `{name}`", spec.name)),
                None => classes.push(class),
            },
        }
    }
    classes
}
