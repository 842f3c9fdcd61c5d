//! The policy pack: loaded whole or refused whole, then immutable.
//!
//! Loading reads each file once, resolves the vocabulary, validates the policies against the schema
//! generated from it, and runs the pack's scenarios. Whatever is wrong is reported with file, line
//! and reason, as much of it as can be found.

mod collection;
mod document;
mod error;
mod files;
mod retention;
mod spec;
mod vocabulary;
mod words;

use std::{path::Path, sync::Arc};

use chrono::NaiveDate;
use chrono_tz::Tz;

pub use error::PackError;
pub use spec::{AttributeSpec, CollectionSpec, FieldSpec};

pub(super) use document::{many, named};
pub(super) use error::{At, Source};
pub(super) use vocabulary::Vocabulary;

use super::{
    engine::Engine,
    hash::{PackFile, pack_hash},
    scenarios,
    value::{Value, Violation},
};
use crate::ids::{CollectionName, FieldName, PurposeName, RoleName, TerritoryName, UnitName};

/// A loaded, validated pack whose scenarios hold. Immutable.
pub struct Pack {
    pub(super) vocabulary: Vocabulary,
    pub(super) engine: Engine,
    hash: [u8; 32],
    retention_part: Vec<u8>,
}

// === impl Pack: loading ===

impl Pack {
    /// Loads `pack.toml`, `*.cedar`, `scenarios.toml`; validates; runs the scenarios.
    /// Errors: everything found, in the order of the files.
    pub fn load(dir: &Path) -> Result<Arc<Self>, Vec<PackError>> {
        Self::from_files(&files::read(dir)?)
    }

    pub(super) fn from_files(files: &[PackFile]) -> Result<Arc<Self>, Vec<PackError>> {
        let mut errors = Vec::new();
        let mut texts: Vec<(&str, &str)> = Vec::new();
        for file in files {
            match std::str::from_utf8(&file.bytes) {
                Ok(text) => texts.push((&file.path, text)),
                Err(_) => errors.push(PackError {
                    file: file.path.clone(),
                    line: 0,
                    reason: "the file is not UTF-8".into(),
                }),
            }
        }
        texts.sort_unstable();
        let text_of = |path| texts.iter().find(|(p, _)| *p == path).map_or("", |(_, text)| text);
        let mut source = Source::new(files::PACK_FILE, text_of(files::PACK_FILE));
        let document = document::read(&mut source);
        let vocabulary = vocabulary::resolve(&mut source, document);
        errors.append(&mut source.errors);
        let policies: Vec<_> =
            texts.iter().filter(|(path, _)| path.ends_with(".cedar")).copied().collect();
        let engine = Engine::compile(vocabulary.as_ref(), &policies, &mut errors);
        let (Some(vocabulary), Some(engine), true) = (vocabulary, engine, errors.is_empty()) else {
            // The scenarios cannot run, but their own slips can be shown at once.
            let text = text_of(files::SCENARIOS_FILE);
            let mut source = Source::new(files::SCENARIOS_FILE, text);
            let _ = scenarios::read(&mut source);
            errors.append(&mut source.errors);
            return Err(errors);
        };
        let retention_part = retention::canonical(&vocabulary);
        let pack = Self { vocabulary, engine, hash: pack_hash(files), retention_part };
        let failed = scenarios::run(&pack, files::SCENARIOS_FILE, text_of(files::SCENARIOS_FILE));
        if failed.is_empty() { Ok(Arc::new(pack)) } else { Err(failed) }
    }
}

// === impl Pack: what it says ===

impl Pack {
    /// SHA-256 of the pack's rules (DESIGN section 5).
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        self.hash
    }

    /// `<name>/<profile>`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.vocabulary.name
    }

    /// Canonical prost bytes of `store.v1.RetentionPart`: equal bytes are the same retention.
    #[must_use]
    pub fn retention_part(&self) -> Vec<u8> {
        self.retention_part.clone()
    }

    /// The date from which nothing may be kept.
    #[must_use]
    pub fn end_date(&self) -> NaiveDate {
        self.vocabulary.end_date
    }

    /// The pack's zone.
    #[must_use]
    pub fn zone(&self) -> Tz {
        self.vocabulary.zone
    }

    /// The zone of a territory; the pack's for none and for an unknown one.
    #[must_use]
    pub fn zone_of(&self, territory: Option<&TerritoryName>) -> Tz {
        let known =
            territory.and_then(|t| self.vocabulary.territories.iter().find(|k| &k.name == t));
        known.map_or(self.vocabulary.zone, |territory| territory.zone)
    }

    /// Every zone in use, the pack's first, each once.
    #[must_use]
    pub fn zones(&self) -> Vec<Tz> {
        let mut zones = vec![self.vocabulary.zone];
        for territory in &self.vocabulary.territories {
            if !zones.contains(&territory.zone) {
                zones.push(territory.zone);
            }
        }
        zones
    }

    /// All collections, in the pack's order.
    #[must_use]
    pub fn collections(&self) -> &[CollectionSpec] {
        &self.vocabulary.collections
    }

    /// One collection.
    #[must_use]
    pub fn collection(&self, name: &CollectionName) -> Option<&CollectionSpec> {
        self.vocabulary.collections.iter().find(|c| &c.name == name)
    }

    /// The closed list of purposes, each with its label.
    #[must_use]
    pub fn purposes(&self) -> Vec<(PurposeName, String)> {
        self.vocabulary.purposes.clone()
    }

    /// Whether the purpose is in the closed list.
    #[must_use]
    pub fn has_purpose(&self, purpose: &PurposeName) -> bool {
        self.vocabulary.purposes.iter().any(|(name, _)| name == purpose)
    }

    /// Whether the pack knows this role.
    #[must_use]
    pub fn has_role(&self, role: &RoleName) -> bool {
        self.vocabulary.roles.iter().any(|(name, _)| name == role)
    }

    /// Whether the pack knows this unit.
    #[must_use]
    pub fn has_unit(&self, unit: &UnitName) -> bool {
        self.unit_territory(unit).is_some()
    }

    /// The territory a unit works for.
    #[must_use]
    pub fn unit_territory(&self, unit: &UnitName) -> Option<&TerritoryName> {
        self.vocabulary.units.iter().find(|u| &u.name == unit).map(|u| &u.territory)
    }

    /// Whether the pack knows this territory.
    #[must_use]
    pub fn has_territory(&self, territory: &TerritoryName) -> bool {
        self.vocabulary.territories.iter().any(|known| &known.name == territory)
    }

    /// Whether the pack knows this profession. An unknown one counts as none in every decision.
    #[must_use]
    pub fn has_profession(&self, profession: &str) -> bool {
        self.vocabulary.professions.iter().any(|(name, _)| name == profession)
    }

    /// The name of the attribute that holds a record's territory, if the collection has one.
    #[must_use]
    pub fn territory_attribute(&self, collection: &CollectionName) -> Option<&FieldName> {
        self.collection(collection)?.territory_attribute.as_ref()
    }

    /// Validates and normalises a record's attributes; see [`CollectionSpec::check_attributes`].
    pub fn check_attributes(
        &self,
        collection: &CollectionSpec,
        given: Vec<(FieldName, Value)>,
        complete: bool,
    ) -> Result<Vec<(FieldName, Value)>, Vec<Violation>> {
        collection.check_attributes(given, complete)
    }

    /// Validates and normalises a record's fields; see [`CollectionSpec::check_fields`].
    pub fn check_fields(
        &self,
        collection: &CollectionSpec,
        given: Vec<(FieldName, Value)>,
        complete: bool,
    ) -> Result<Vec<(FieldName, Value)>, Vec<Violation>> {
        collection.check_fields(given, complete)
    }
}
