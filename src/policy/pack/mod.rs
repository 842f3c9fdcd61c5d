//! The policy pack: its words and its compiled policies, immutable.
//!
//! The files below read and check `pack.toml`; `policy::load` puts a pack together and runs its
//! scenarios. A pack answers for its own words here, and must not decide: `engine::ask` does.

mod break_glass;
mod classes;
mod collection;
mod derive;
pub(super) mod document;
pub(super) mod error;
pub(super) mod files;
mod kinds;
mod links;
mod retention;
pub(super) mod separation;
pub(super) mod spec;
pub(super) mod vocabulary;
mod worded;
mod words;

use chrono::NaiveDate;
use chrono_tz::Tz;

pub use break_glass::BreakGlassRule;
pub use error::PackError;
pub use spec::{AttributeSpec, CollectionSpec, DeriveSpec, FieldSpec};

use self::{separation::Separation, vocabulary::Vocabulary};
use super::{
    engine::Engine,
    value::{Value, Violation},
};
use crate::ids::{
    ClassName, CollectionName, FieldName, PurposeName, RoleName, TerritoryName, UnitName,
};

/// A loaded, validated pack whose scenarios hold. Immutable.
pub struct Pack {
    pub(super) vocabulary: Vocabulary,
    pub(super) engine: Engine,
    hash: [u8; 32],
    retention_part: Vec<u8>,
}

impl Pack {
    /// A pack of these parts; `load` alone makes one, and hands it out once its scenarios hold.
    pub(super) fn of(vocabulary: Vocabulary, engine: Engine, hash: [u8; 32]) -> Self {
        let retention_part = retention::canonical(&vocabulary);
        Self { vocabulary, engine, hash, retention_part }
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

    /// The one purpose under which a held record past its date may be read, if the pack has one.
    #[must_use]
    pub fn hold_purpose(&self) -> Option<&PurposeName> {
        self.vocabulary.holds.as_ref().map(|holds| &holds.purpose)
    }

    /// Whether a hold of this authority may run past the end date.
    #[must_use]
    pub fn may_hold_past_end(&self, authority: &str) -> bool {
        let holds = self.vocabulary.holds.as_ref();
        holds.is_some_and(|holds| holds.past_end_date.iter().any(|known| known == authority))
    }

    /// The entry that lets this role break the glass on records of this collection.
    #[must_use]
    pub fn break_glass(
        &self,
        role: &RoleName,
        collection: &CollectionName,
    ) -> Option<&BreakGlassRule> {
        self.vocabulary.break_glass.iter().find(|rule| rule.is_for(role, collection))
    }

    /// Every entry that lets this role break the glass somewhere, in the pack's order.
    pub fn break_glass_of(&self, role: &RoleName) -> impl Iterator<Item = &BreakGlassRule> {
        self.vocabulary.break_glass.iter().filter(move |rule| &rule.role == role)
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

    /// Every zone that a record of this collection can live in, each once: those of the territories,
    /// and the pack's own unless every record has a territory.
    #[must_use]
    pub fn zones_of(&self, collection: &CollectionSpec) -> Vec<Tz> {
        let territory = collection.territory_attribute.as_ref();
        let always =
            territory.and_then(|name| collection.attribute(name)).is_some_and(|a| a.required);
        let mut zones = self.zones();
        let own = self.vocabulary.territories.iter().any(|t| t.zone == self.vocabulary.zone);
        if always && !own {
            zones.retain(|zone| *zone != self.vocabulary.zone);
        }
        if territory.is_none() {
            zones.truncate(1);
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

    /// The roles, each with its label.
    #[must_use]
    pub fn roles(&self) -> &[(RoleName, String)] {
        &self.vocabulary.roles
    }

    /// The professions, each with its label.
    #[must_use]
    pub fn professions(&self) -> &[(String, String)] {
        &self.vocabulary.professions
    }

    /// The territories, each with its zone.
    #[must_use]
    pub fn territories(&self) -> Vec<(&TerritoryName, Tz)> {
        self.vocabulary.territories.iter().map(|t| (&t.name, t.zone)).collect()
    }

    /// The classes, each with its label.
    #[must_use]
    pub fn classes(&self) -> &[(ClassName, String)] {
        &self.vocabulary.classes
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

    /// Whether nobody may be given this role: it is there to be named and refused.
    #[must_use]
    pub fn is_excluded_role(&self, role: &RoleName) -> bool {
        self.vocabulary.excluded_roles.iter().any(|at| &at.value == role)
    }

    /// Whether nothing is ever permitted for this purpose: it is there to be named and refused.
    #[must_use]
    pub fn is_excluded_purpose(&self, purpose: &PurposeName) -> bool {
        self.vocabulary.excluded_purposes.iter().any(|at| &at.value == purpose)
    }

    /// Whether one agent may not have these roles together: the pack keeps two of them apart, or one of
    /// them from the content that another can give.
    #[must_use]
    pub fn separates(&self, roles: &[&RoleName]) -> bool {
        self.vocabulary.separation.iter().any(|rule| match rule {
            Separation::Roles(apart) => {
                apart.iter().filter(|role| roles.contains(role)).count() > 1
            }
            Separation::Content(from) => {
                roles.contains(&&from.value)
                    && roles.iter().any(|role| self.engine.gives_content(role))
            }
        })
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
