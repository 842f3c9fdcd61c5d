//! `[[derive]]`: records that are made from others by a closed list of copied fields.
//!
//! A derivation says for one collection what a record of another is made of: fields copied, constants,
//! attributes kept, and how the source is marked in the same commit. Who copies sees nothing by it, and
//! nothing that is not listed is copied. Invariants: source and target of a copy have the same type; the
//! target is complete; it is kept no longer than its source.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{
    error::{At, Source},
    spec::{CollectionSpec, DeriveSpec},
};
use crate::{
    ids::FieldName,
    policy::value::{FieldType, Value},
};

/// One `[[derive]]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DeriveToml {
    from: String,
    to: String,
    /// Field of the new record = field of the source.
    #[serde(default)]
    fields: BTreeMap<String, String>,
    /// Constants in fields of the new record.
    #[serde(default)]
    set: BTreeMap<String, toml::Value>,
    /// Attributes that the new record has as the source has them.
    #[serde(default)]
    keep: Vec<String>,
    /// Constants in attributes of the new record.
    #[serde(default)]
    attributes: BTreeMap<String, toml::Value>,
    /// Attributes that the source has from then on.
    #[serde(default)]
    mark: BTreeMap<String, toml::Value>,
}

/// Resolves all of them and puts each into its source's collection.
pub(super) fn resolve(
    source: &mut Source<'_>,
    entries: Vec<At<DeriveToml>>,
    specs: &mut [CollectionSpec],
) {
    for At { line, value } in entries {
        let position = |name: &str| specs.iter().position(|spec| spec.name.as_str() == name);
        let (from, to) = (position(&value.from), position(&value.to));
        for (name, found) in [(&value.from, from), (&value.to, to)] {
            if found.is_none() {
                source.error(line, format!("[[derive]]: unknown collection `{name}`"));
            }
        }
        let (Some(from), Some(to)) = (from, to) else { continue };
        if from == to {
            source.error(line, "[[derive]]: a record is derived into another collection");
            continue;
        }
        let (Some(origin), Some(target)) = (specs.get(from), specs.get(to)) else { continue };
        let derive = Derivation { line, origin, target }.checked(source, value);
        if let Some(spec) = specs.get_mut(from)
            && spec.derive.replace(derive).is_some()
        {
            source.error(line, format!("[[derive]]: a second one from `{}`", spec.name));
        }
    }
}

/// One derivation and where it stands in the file.
struct Derivation<'a> {
    line: usize,
    origin: &'a CollectionSpec,
    target: &'a CollectionSpec,
}

impl Derivation<'_> {
    fn checked(&self, source: &mut Source<'_>, toml: DeriveToml) -> DeriveSpec {
        let mut fields = Vec::new();
        for (to, from) in toml.fields {
            let target = find(&self.target.fields, &to, |f| (&f.name, &f.kind));
            let origin = find(&self.origin.fields, &from, |f| (&f.name, &f.kind));
            self.known(source, "fields", &to, target.is_some(), self.target);
            self.known(source, "fields", &from, origin.is_some(), self.origin);
            if let (Some((to, wanted)), Some((from, has))) = (target, origin) {
                if wanted != has {
                    self.error(source, format!("`{to}` and `{from}` are not of the same type"));
                }
                fields.push((to, from));
            }
        }
        let set = self.constants(source, "set", toml.set, self.target, true);
        let mut keep = Vec::new();
        for name in toml.keep {
            let target = find(&self.target.attributes, &name, |a| (&a.name, &a.kind));
            let origin = find(&self.origin.attributes, &name, |a| (&a.name, &a.kind));
            self.known(source, "keep", &name, target.is_some(), self.target);
            self.known(source, "keep", &name, origin.is_some(), self.origin);
            if let (Some((name, wanted)), Some((_, has))) = (target, origin) {
                if wanted != has {
                    self.error(source, format!("keep: `{name}` is of another type there"));
                }
                keep.push(name);
            }
        }
        let attributes = self.constants(source, "attributes", toml.attributes, self.target, false);
        let mark = self.constants(source, "mark", toml.mark, self.origin, false);
        let derive =
            DeriveSpec { to: self.target.name.clone(), fields, set, keep, attributes, mark };
        self.complete(source, &derive);
        derive
    }

    /// Values of fields (or attributes) of a collection, in their normal form.
    fn constants(
        &self,
        source: &mut Source<'_>,
        part: &str,
        given: BTreeMap<String, toml::Value>,
        of: &CollectionSpec,
        fields: bool,
    ) -> Vec<(FieldName, Value)> {
        let mut constants = Vec::new();
        for (name, value) in given {
            let found = if fields {
                find(&of.fields, &name, |f| (&f.name, &f.kind))
            } else {
                find(&of.attributes, &name, |a| (&a.name, &a.kind))
            };
            self.known(source, part, &name, found.is_some(), of);
            let Some((name, kind)) = found else { continue };
            let value = match value {
                toml::Value::String(text) => Value::Text(text),
                toml::Value::Integer(n) => Value::Integer(n),
                toml::Value::Boolean(b) => Value::Boolean(b),
                _ => {
                    self.error(source, format!("{part}: `{name}`: write dates as text"));
                    continue;
                }
            };
            match kind.normalise(value) {
                Ok(value) => constants.push((name, value)),
                Err(reason) => self.error(source, format!("{part}: `{name}` {reason}")),
            }
        }
        constants
    }

    /// The target has everything it needs, nothing twice, and goes no later than its source.
    fn complete(&self, source: &mut Source<'_>, derive: &DeriveSpec) {
        let copied = derive.fields.iter().map(|(to, _)| to);
        let mut given: Vec<&FieldName> = copied.chain(derive.set.iter().map(|(n, _)| n)).collect();
        given.extend(derive.keep.iter().chain(derive.attributes.iter().map(|(n, _)| n)));
        given.sort();
        if let Some(pair) = given.windows(2).find(|pair| pair.first() == pair.last()) {
            let name = pair.first().map(ToString::to_string).unwrap_or_default();
            self.error(source, format!("`{name}` is given twice"));
        }
        let required = self.target.fields.iter().map(|f| (&f.name, f.required));
        let required = required.chain(self.target.attributes.iter().map(|a| (&a.name, a.required)));
        for (name, _) in required.filter(|(name, needed)| *needed && !given.contains(name)) {
            self.error(source, format!("`{}` needs `{name}`, which is not given", derive.to));
        }
        for class in &self.target.classes {
            if self.target.period_of(class).may_outlive(self.origin.period) {
                self.error(source, format!("`{}` would be kept longer than its source", derive.to));
                break;
            }
        }
    }

    fn known(
        &self,
        source: &mut Source<'_>,
        part: &str,
        name: &str,
        known: bool,
        of: &CollectionSpec,
    ) {
        if !known {
            self.error(source, format!("{part}: `{}` has no `{name}`", of.name));
        }
    }

    fn error(&self, source: &mut Source<'_>, reason: String) {
        source.error(self.line, format!("[[derive]]: {reason}"));
    }
}

fn find<'s, T>(
    specs: &'s [T],
    name: &str,
    parts: impl Fn(&'s T) -> (&'s FieldName, &'s FieldType),
) -> Option<(FieldName, &'s FieldType)> {
    let mut all = specs.iter().map(parts);
    all.find(|(known, _)| known.as_str() == name).map(|(name, kind)| (name.clone(), kind))
}
