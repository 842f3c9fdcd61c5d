//! The pack's words, resolved and cross-checked: what `pack.toml` means.
//!
//! Everything wrong is reported. A vocabulary exists only when nothing is.

use chrono::NaiveDate;
use chrono_tz::Tz;

use super::{
    classes::{self, Class},
    collection,
    document::{self, Document, HoldsToml, TerritoryToml, UnitToml, WordToml},
    error::{At, Source},
    separation::{self, Separation},
    spec::CollectionSpec,
    worded::Worded,
    words::{Lists, parsed, unlabelled},
};
use crate::{
    ids::{ClassName, IdError, PurposeName, RoleName, TerritoryName, UnitName},
    limits::LABEL_BYTES_MAX,
};

/// A territory of the pack.
pub(in crate::policy) struct Territory {
    pub(in crate::policy) name: TerritoryName,
    pub(in crate::policy) zone: Tz,
}

/// A unit (cell) of the pack.
pub(in crate::policy) struct Unit {
    pub(in crate::policy) name: UnitName,
    pub(in crate::policy) territory: TerritoryName,
}

/// What the pack says of holds.
pub(in crate::policy) struct Holds {
    /// The one purpose under which a held record past its date may be read.
    pub(in crate::policy) purpose: PurposeName,
    /// Authorities whose holds may run past the end date.
    pub(in crate::policy) past_end_date: Vec<String>,
}

/// The resolved words of a pack.
pub(in crate::policy) struct Vocabulary {
    pub(in crate::policy) name: String,
    pub(in crate::policy) zone: Tz,
    pub(in crate::policy) end_date: NaiveDate,
    pub(in crate::policy) purposes: Vec<(PurposeName, String)>,
    pub(in crate::policy) roles: Vec<(RoleName, String)>,
    /// Purposes that a request may state and that nothing may ever be permitted for.
    pub(in crate::policy) excluded_purposes: Vec<At<PurposeName>>,
    /// Roles that nobody may be given, on the list so that policies can say why.
    pub(in crate::policy) excluded_roles: Vec<At<RoleName>>,
    pub(in crate::policy) professions: Vec<(String, String)>,
    pub(in crate::policy) classes: Vec<(ClassName, String)>,
    /// The same with what each asks of a habilitation.
    pub(in crate::policy) class_rules: Vec<Class>,
    pub(in crate::policy) territories: Vec<Territory>,
    pub(in crate::policy) units: Vec<Unit>,
    pub(in crate::policy) holds: Option<Holds>,
    pub(in crate::policy) separation: Vec<Separation>,
    pub(in crate::policy) collections: Vec<CollectionSpec>,
}

/// Reads and resolves `pack.toml`. `None` when an error was recorded in `source`.
pub(in crate::policy) fn read(source: &mut Source<'_>) -> Option<Vocabulary> {
    let document = document::read(source);
    resolve(source, document)
}

/// Resolves a document. `None` when an error was recorded in `source`, now or before.
fn resolve(source: &mut Source<'_>, document: Document) -> Option<Vocabulary> {
    let profile = text(source, "profile", document.profile);
    let name = text(source, "name", document.name);
    let zone = needed(source, "zone", document.zone).and_then(|at| zone(source, &at));
    let end_date = needed(source, "end_date", document.end_date).and_then(|at| date(source, &at));
    let (purposes, excluded_purposes) = words(source, document.purposes, PurposeName::parse);
    let (roles, excluded_roles) = words(source, document.roles, RoleName::parse);
    let professions = names(source, document.professions, profession);
    let classes = classes::resolve(source, document.classes, &professions);
    let open = [
        ("purposes", purposes.len(), excluded_purposes.len()),
        ("roles", roles.len(), excluded_roles.len()),
    ];
    for (what, all, excluded) in open {
        if all == 0 {
            source.error(0, format!("`[{what}]` is missing or empty"));
        } else if all == excluded {
            source.error(0, format!("every entry of `[{what}]` is excluded"));
        }
    }
    let territories = territories(source, document.territories, zone);
    let units = units(source, document.units, &territories);
    let holds = document.holds.and_then(|at| holds(source, at, &purposes, &excluded_purposes));
    let separation = separation::resolve(source, document.separation, &roles);
    let lists = Lists {
        classes: classes
            .iter()
            .map(|class| (At { line: class.line, value: class.name.clone() }, class.notes))
            .collect(),
        territories: territories.iter().map(|t| t.name.to_string()).collect(),
        units: units.iter().map(|u| u.name.to_string()).collect(),
    };
    let collections = collection::resolve(source, document.collections, &lists);
    if !source.errors.is_empty() {
        return None;
    }
    Some(Vocabulary {
        name: format!("{}/{}", name?, profile?),
        zone: zone?,
        end_date: end_date?,
        purposes,
        roles,
        excluded_purposes,
        excluded_roles,
        professions,
        classes: classes.iter().map(|class| (class.name.clone(), class.label.clone())).collect(),
        class_rules: classes,
        territories,
        units,
        holds,
        separation,
        collections,
    })
}

fn holds(
    source: &mut Source<'_>,
    at: At<HoldsToml>,
    purposes: &[(PurposeName, String)],
    excluded: &[At<PurposeName>],
) -> Option<Holds> {
    let At { line, value: HoldsToml { purpose, past_end_date } } = at;
    let known = purposes.iter().find(|(name, _)| name.as_str() == purpose);
    if known.is_none() {
        source.error(line, format!("unknown purpose `{purpose}`"));
    }
    if excluded.iter().any(|at| at.value.as_str() == purpose) {
        source.error(line, format!("purpose `{purpose}` is excluded, so nothing is read for it"));
    }
    let long = |text: &&String| text.trim().is_empty() || text.len() > LABEL_BYTES_MAX;
    if past_end_date.iter().any(|text| long(&text)) {
        source.error(line, format!("an authority is 1 to {LABEL_BYTES_MAX} bytes"));
    }
    Some(Holds { purpose: known?.0.clone(), past_end_date })
}

/// A list whose entries can be excluded: all of them, and those that are.
fn words<T: Clone>(
    source: &mut Source<'_>,
    entries: Vec<(At<String>, Worded<WordToml>)>,
    parse: impl Fn(&str) -> Result<T, IdError>,
) -> (Vec<(T, String)>, Vec<At<T>>) {
    let (mut all, mut excluded) = (Vec::new(), Vec::new());
    for (at, Worded(entry)) in entries {
        let Some(name) = parsed(source, &at, &parse) else { continue };
        unlabelled(source, at.line, &entry.label);
        if entry.excluded {
            excluded.push(At { line: at.line, value: name.clone() });
        }
        all.push((name, entry.label));
    }
    (all, excluded)
}

fn names<T>(
    source: &mut Source<'_>,
    entries: Vec<(At<String>, String)>,
    parse: impl Fn(&str) -> Result<T, IdError>,
) -> Vec<(T, String)> {
    let mut names = Vec::new();
    for (at, label) in entries {
        if let Some(name) = parsed(source, &at, &parse) {
            names.push((name, label));
        }
    }
    names
}

fn profession(text: &str) -> Result<String, IdError> {
    // Professions share the form of roles; they have no type of their own outside the policy.
    RoleName::parse(text).map(|name| name.to_string())
}

fn territories(
    source: &mut Source<'_>,
    entries: Vec<(At<String>, TerritoryToml)>,
    pack_zone: Option<Tz>,
) -> Vec<Territory> {
    let mut territories = Vec::new();
    for (at, entry) in entries {
        let own = entry.zone.map(|text| At { line: at.line, value: text });
        let zone = own.map_or(pack_zone, |text| zone(source, &text));
        let name = parsed(source, &at, TerritoryName::parse);
        territories.extend(name.zip(zone).map(|(name, zone)| Territory { name, zone }));
        unlabelled(source, at.line, &entry.label);
    }
    territories
}

fn units(
    source: &mut Source<'_>,
    entries: Vec<(At<String>, UnitToml)>,
    territories: &[Territory],
) -> Vec<Unit> {
    let mut units = Vec::new();
    for (at, entry) in entries {
        let territory = territories.iter().find(|t| t.name.as_str() == entry.territory);
        if territory.is_none() {
            source.error(at.line, format!("unknown territory `{}`", entry.territory));
        }
        let name = parsed(source, &at, UnitName::parse);
        let territory = territory.map(|t| t.name.clone());
        units.extend(name.zip(territory).map(|(name, territory)| Unit { name, territory }));
        unlabelled(source, at.line, &entry.label);
    }
    units
}

fn zone(source: &mut Source<'_>, at: &At<String>) -> Option<Tz> {
    let zone = at.value.parse();
    if zone.is_err() {
        source.error(at.line, format!("`{}` is no IANA time zone", at.value));
    }
    zone.ok()
}

fn date(source: &mut Source<'_>, at: &At<String>) -> Option<NaiveDate> {
    let date = NaiveDate::parse_from_str(&at.value, "%Y-%m-%d").ok();
    // Written back, so that `2021-4-1` is refused: the retention part has one form only.
    let date = date.filter(|date| date.to_string() == at.value);
    if date.is_none() {
        source.error(at.line, "end_date must be a date in quotes, YYYY-MM-DD");
    }
    date
}

fn text(source: &mut Source<'_>, key: &str, at: Option<At<String>>) -> Option<String> {
    let at = needed(source, key, at)?;
    parsed(source, &at, RoleName::parse).map(|name| name.to_string())
}

fn needed<T>(source: &mut Source<'_>, key: &str, at: Option<At<T>>) -> Option<At<T>> {
    // A key that was there but unreadable has its error already.
    if at.is_none() && source.errors.is_empty() {
        source.error(0, format!("`{key}` is missing"));
    }
    at
}
