//! The pack's retention part in its canonical bytes: what the keyring pins, and what may not change
//! unannounced (DESIGN section 5).
//!
//! Canonical: collections, classes and territories sorted by name, every class listed, periods in
//! their canonical text (a class without its own period has an empty one), prost's field order.

use prost::Message;

use super::vocabulary::Vocabulary;
use crate::wire::store::{ClassRetention, CollectionRetention, RetentionPart, TerritoryZone};

pub(super) fn canonical(vocabulary: &Vocabulary) -> Vec<u8> {
    let mut collections: Vec<_> = vocabulary
        .collections
        .iter()
        .map(|spec| {
            let own = |class| spec.class_periods.iter().find(|(name, _)| name == class);
            let mut classes: Vec<_> = spec
                .classes
                .iter()
                .map(|class| ClassRetention {
                    class: class.to_string(),
                    period: own(class).map(|(_, period)| period.to_string()).unwrap_or_default(),
                })
                .collect();
            classes.sort_by(|a, b| a.class.cmp(&b.class));
            CollectionRetention {
                collection: spec.name.to_string(),
                period: spec.period.to_string(),
                from: spec.clock.clone(),
                classes,
            }
        })
        .collect();
    collections.sort_by(|a, b| a.collection.cmp(&b.collection));
    let mut territories: Vec<_> = vocabulary
        .territories
        .iter()
        .map(|t| TerritoryZone { territory: t.name.to_string(), zone: t.zone.name().into() })
        .collect();
    territories.sort_by(|a, b| a.territory.cmp(&b.territory));
    RetentionPart {
        end_date: vocabulary.end_date.to_string(),
        zone: vocabulary.zone.name().into(),
        collections,
        territories,
    }
    .encode_to_vec()
}
