//! Cross checks of `[[collections]]`: names, classes, types, masks, periods.

use std::collections::BTreeSet;

use super::{
    document::{CollectionDocument, FieldToml},
    error::{At, Source},
    kinds, links,
    spec::{AttributeSpec, CollectionSpec, FieldSpec},
    words::{Lists, is_reserved, parsed, unlabelled},
};
use crate::{
    ids::{ClassName, CollectionName, FieldName},
    limits::FIELDS_PER_RECORD_MAX,
    policy::{mask::Mask, period::Period, value::FieldType},
};

/// The only retention clock so far.
const CLOCK: &str = "collected_on";
/// What the engine itself says of every record, and Cedar's own words: no attribute may be called so.
const TAKEN: [&str; 18] = [
    "territory",
    "assigned_agents",
    "assigned_units",
    "restricted",
    "held",
    "filed_by",
    "age_hours",
    "other_assigned_to_me",
    "other_in_my_unit",
    "true",
    "false",
    "if",
    "then",
    "else",
    "in",
    "is",
    "like",
    "has",
];

/// Resolves all collections; every class must be used by one of them.
pub(super) fn resolve(
    source: &mut Source<'_>,
    documents: Vec<CollectionDocument>,
    lists: &Lists,
) -> Vec<CollectionSpec> {
    let (mut specs, mut lines, mut names) = (Vec::new(), Vec::new(), BTreeSet::new());
    if documents.is_empty() {
        source.error(0, "`[[collections]]` is missing or empty");
    }
    for document in documents {
        let line = document.head.line;
        if !names.insert(document.head.value.name.clone()) {
            source.error(line, format!("collection `{}` twice", document.head.value.name));
        }
        if let Some(spec) = collection(source, document, lists) {
            specs.push(spec);
            lines.push(line);
        }
    }
    links::check(source, &specs, &lines);
    for (class, _) in &lists.classes {
        if !specs.iter().any(|spec| spec.classes.contains(&class.value)) {
            let reason = format!("class `{}` is used by no collection", class.value);
            source.error(class.line, reason);
        }
    }
    specs
}

fn collection(
    source: &mut Source<'_>,
    document: CollectionDocument,
    lists: &Lists,
) -> Option<CollectionSpec> {
    let At { line, value: head } = document.head;
    let name = identifier(source, &At { line, value: head.name }, CollectionName::parse);
    unlabelled(source, line, &head.label);
    let mut names = BTreeSet::new();
    let (mut attributes, mut fields) = (Vec::new(), Vec::new());
    let (mut territory_attribute, mut unit_attribute) = (None, None);
    for at in document.attributes {
        once(source, &mut names, &at);
        let Some(spec) = attribute(source, &at, lists) else { continue };
        let special = match at.value.kind.as_str() {
            "territory" => Some(&mut territory_attribute),
            "unit" => Some(&mut unit_attribute),
            _ => None,
        };
        if special.is_some_and(|slot| slot.replace(spec.name.clone()).is_some()) {
            source.error(at.line, format!("a second attribute of type `{}`", at.value.kind));
        }
        attributes.push(spec);
    }
    for at in document.fields {
        once(source, &mut names, &at);
        fields.extend(field(source, &at, lists));
    }
    if let Some(why) = kinds::numbers_smuggle(attributes.iter().map(|a| &a.kind)) {
        source.error(line, format!("collection `{}`: {why}", head.label));
    }
    if names.len() > FIELDS_PER_RECORD_MAX {
        source.error(line, format!("more than {FIELDS_PER_RECORD_MAX} fields and attributes"));
    }
    let mut classes: Vec<ClassName> = Vec::new();
    for field in &fields {
        if !classes.contains(&field.class) {
            classes.push(field.class.clone());
        }
    }
    if head.retention.from != CLOCK {
        source.error(line, format!("`from` must be `{CLOCK}`, the only clock there is"));
    }
    let period = period(source, line, &head.retention.period);
    let class_periods: Vec<_> = head.class_periods.into_iter().collect();
    let class_periods = shorter(source, line, class_periods, period, &classes);
    Some(CollectionSpec {
        name: name?,
        label: head.label,
        fields,
        attributes,
        classes,
        period: period?,
        clock: head.retention.from,
        class_periods,
        territory_attribute,
        unit_attribute,
    })
}

/// The classes' own periods: of classes the collection has, and never longer than the record's.
fn shorter(
    source: &mut Source<'_>,
    line: usize,
    entries: Vec<(String, String)>,
    record: Option<Period>,
    classes: &[ClassName],
) -> Vec<(ClassName, Period)> {
    let mut periods = Vec::new();
    for (class, text) in entries {
        let Some(own) = period(source, line, &text) else { continue };
        let known = classes.iter().find(|name| name.as_str() == class);
        if known.is_none() {
            source.error(line, format!("class_periods: no field here is of class `{class}`"));
        }
        if record.is_some_and(|record| own.may_outlive(record)) {
            source
                .error(line, format!("class `{class}`: {own} is longer than its record's period"));
        }
        periods.extend(known.map(|class| (class.clone(), own)));
    }
    periods
}

fn attribute(source: &mut Source<'_>, at: &At<FieldToml>, lists: &Lists) -> Option<AttributeSpec> {
    let toml = &at.value;
    let kind = match toml.kind.as_str() {
        "territory" => Some(FieldType::Code { values: lists.territories.clone() }),
        "unit" => Some(FieldType::Code { values: lists.units.clone() }),
        _ => kinds::of(source, at),
    };
    let listed = matches!(toml.kind.as_str(), "territory" | "unit");
    if let Some(why) = kind.as_ref().filter(|_| !listed).and_then(kinds::smuggles) {
        source.error(at.line, format!("attribute `{}`: {why}", toml.name));
        return None;
    }
    if toml.class.is_some() || toml.search.is_some() || toml.mask.is_some() {
        let reason = format!("attribute `{}` has no class, search or mask", toml.name);
        source.error(at.line, reason);
    }
    let name =
        identifier(source, &At { line: at.line, value: toml.name.clone() }, FieldName::parse);
    if TAKEN.contains(&toml.name.as_str()) && toml.kind != toml.name {
        source.error(at.line, format!("`{}` is a word of the engine", toml.name));
    }
    Some(AttributeSpec { name: name?, kind: kind?, required: toml.required })
}

fn field(source: &mut Source<'_>, at: &At<FieldToml>, lists: &Lists) -> Option<FieldSpec> {
    let toml = &at.value;
    let name =
        identifier(source, &At { line: at.line, value: toml.name.clone() }, FieldName::parse);
    let wanted = toml.class.as_deref().unwrap_or_default();
    let class = lists.classes.iter().find(|(class, _)| class.value.as_str() == wanted);
    if class.is_none() {
        source.error(at.line, format!("field `{}`: unknown class `{wanted}`", toml.name));
    }
    let kind = kinds::of(source, at);
    let notes = class.is_some_and(|(_, notes)| *notes);
    if let Some(kind) = &kind {
        kinds::check_field(source, at, kind, notes);
    }
    let word = toml.mask.as_deref().unwrap_or("hidden");
    let mask = Mask::from_word(word);
    match (mask, &kind) {
        (None, _) => source.error(at.line, format!("unknown mask `{word}`")),
        (Some(mask), Some(kind)) if !mask.fits(kind) => {
            let reason = format!("mask `{word}` does not fit type `{}`", kind.word());
            source.error(at.line, reason);
        }
        _ => {}
    }
    let searchable = toml.search.unwrap_or(false);
    let class = class?.0.value.clone();
    Some(FieldSpec {
        name: name?,
        class,
        kind: kind?,
        required: toml.required,
        searchable,
        mask: mask?,
    })
}

fn once(source: &mut Source<'_>, names: &mut BTreeSet<String>, at: &At<FieldToml>) {
    if !names.insert(at.value.name.clone()) {
        source.error(at.line, format!("`{}` twice in one collection", at.value.name));
    }
}

/// A name that is also an identifier in Cedar: letters, digits, `_`, first a letter.
fn identifier<T>(
    source: &mut Source<'_>,
    at: &At<String>,
    parse: impl Fn(&str) -> Result<T, crate::ids::IdError>,
) -> Option<T> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    let starts = at.value.starts_with(|c: char| c.is_ascii_lowercase());
    if !starts || !at.value.bytes().all(plain) || is_reserved(&at.value) {
        let reason = format!("`{}` must be of `a-z0-9_`, first a letter, not reserved", at.value);
        source.error(at.line, reason);
        return None;
    }
    parsed(source, at, parse)
}

fn period(source: &mut Source<'_>, line: usize, text: &str) -> Option<Period> {
    let period = Period::parse(text);
    period.map_err(|error| source.error(line, format!("`{text}`: {error}"))).ok()
}
