//! All that a pack allows, cell by cell: role, collection, class, act, purpose, and what must hold. `matrix`
//! prints it, `diff` compares it, `page` tells it. It comes from the engine's answers alone.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    cli::failure::Failure,
    policy::{
        Act, Pack,
        explore::{Need, Subject},
    },
};

/// Where one thing is allowed or not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) role: String,
    pub(super) collection: String,
    pub(super) class: String,
    pub(super) act: Act,
    pub(super) purpose: String,
}

/// What must hold there, all of it, in one way.
pub(super) type Way = Vec<Need>;

/// What a pack allows; a place that is not here is allowed nothing.
pub(super) type Cells = BTreeMap<Place, Vec<Way>>;

/// Everything the pack allows on records.
pub(super) fn of(pack: &Pack) -> Result<Cells, Failure> {
    let (explorer, mut cells) = (pack.explorer(), Cells::new());
    for (role, _) in pack.roles() {
        for collection in pack.collections() {
            for (purpose, _) in pack.purposes() {
                let of = Subject { role, purpose: &purpose, collection };
                for finding in explorer.explore(of).map_err(|e| Failure::of(&e))? {
                    let ways: Vec<Way> = finding.ways.into_iter().map(|way| way.needs).collect();
                    if ways.is_empty() {
                        continue;
                    }
                    let place = Place {
                        role: role.to_string(),
                        collection: collection.name.to_string(),
                        class: finding.class.to_string(),
                        act: finding.act,
                        purpose: purpose.to_string(),
                    };
                    cells.insert(place, ways);
                }
            }
        }
    }
    Ok(cells)
}

/// The ways as texts, each once.
pub(super) fn texts(ways: &[Way]) -> BTreeSet<String> {
    ways.iter().map(text).collect()
}

fn text(way: &Way) -> String {
    let needs: Vec<String> = way.iter().map(Need::text).collect();
    if needs.is_empty() { "always".to_owned() } else { needs.join("; ") }
}
