//! All that a pack allows, cell by cell: role, collection, class, act, purpose, and what must hold. `matrix`
//! prints it, `diff` compares it, `page` tells it. It comes from the engine's answers alone.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    cli::failure::Failure,
    policy::{Act, Pack, explore::Need},
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
            let scope = explorer.scope(role, collection);
            for (purpose, _) in pack.purposes() {
                for finding in scope.allowed(&purpose).map_err(|e| Failure::of(&e))? {
                    let mut ways: Vec<Way> =
                        finding.ways.into_iter().map(|way| facts(way.needs)).collect();
                    ways.sort();
                    ways.dedup();
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

/// What must hold, whatever refuses where it does not.
fn facts(needs: Vec<Need>) -> Way {
    needs.into_iter().map(|need| Need { stopped_by: Vec::new(), ..need }).collect()
}

/// The one fact in which the territories of a role differ: for each territory, its values.
pub(super) struct ByHome {
    pub(super) fact: String,
    pub(super) values: BTreeMap<String, Vec<String>>,
}

/// What a role may do. Where all of it is said once per territory, and one fact alone differs, that fact is
/// told apart and the rest is said once.
pub(super) fn of_role(cells: &Cells, role: &str) -> (Option<ByHome>, Cells) {
    let own = cells.iter().filter(|(place, _)| place.role == role);
    let own: Cells = own.map(|(place, ways)| (place.clone(), ways.clone())).collect();
    let facts: BTreeSet<&String> =
        own.values().flatten().flatten().map(|need| &need.fact).collect();
    for fact in facts.into_iter().filter(|fact| *fact != HOME) {
        if let Some((by_home, rest)) = folded(&own, fact) {
            return (Some(by_home), rest);
        }
    }
    (None, own)
}

const HOME: &str = "home";

fn folded(own: &Cells, fact: &str) -> Option<(ByHome, Cells)> {
    let mut by_home: BTreeMap<String, (Vec<String>, Cells)> = BTreeMap::new();
    for (place, ways) in own {
        for way in ways {
            let values = |name: &str| way.iter().find(|n| n.fact == name).map(|n| &n.values);
            let ([home], varies) = (values(HOME)?.as_slice(), values(fact)?) else { return None };
            let fresh = || (varies.clone(), Cells::new());
            let (known, cells) = by_home.entry(home.clone()).or_insert_with(fresh);
            if known != varies {
                return None;
            }
            let rest = way.iter().filter(|need| need.fact != HOME && need.fact != fact);
            cells.entry(place.clone()).or_default().push(rest.cloned().collect());
        }
    }
    let rest = by_home.values().next().map(|(_, cells)| cells.clone())?;
    if by_home.len() < 2 || by_home.values().any(|(_, cells)| *cells != rest) {
        return None;
    }
    let values = by_home.into_iter().map(|(home, (values, _))| (home, values)).collect();
    Some((ByHome { fact: fact.to_owned(), values }, rest))
}

/// The ways as texts, each once.
pub(super) fn texts(ways: &[Way]) -> BTreeSet<String> {
    ways.iter().map(text).collect()
}

fn text(way: &Way) -> String {
    let needs: Vec<String> = way.iter().map(Need::text).collect();
    if needs.is_empty() { "always".to_owned() } else { needs.join("; ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn need(fact: &str, value: &str) -> Need {
        Need { fact: fact.to_owned(), values: vec![value.to_owned()], stopped_by: Vec::new() }
    }

    fn cells(ways: &[(&str, &[(&str, &str)])]) -> Cells {
        let mut cells = Cells::new();
        for (class, needs) in ways {
            let (role, collection, purpose) = ("clerk".into(), "files".into(), "care".into());
            let place =
                Place { role, collection, class: (*class).into(), act: Act::Reveal, purpose };
            let way = needs.iter().map(|(fact, value)| need(fact, value)).collect();
            cells.entry(place).or_default().push(way);
        }
        cells
    }

    #[test]
    fn one_fact_that_alone_differs_by_territory_is_told_once_and_two_are_not() {
        let hours = [
            ("name", &[("home", "here"), ("kind", "a"), ("time", "early")][..]),
            ("name", &[("home", "there"), ("kind", "a"), ("time", "late")]),
            ("phone", &[("home", "here"), ("time", "early")]),
            ("phone", &[("home", "there"), ("time", "late")]),
        ];
        let (by_home, rest) = of_role(&cells(&hours), "clerk");
        let by_home = by_home.unwrap();
        assert_eq!(by_home.fact, "time");
        let told: Vec<_> = by_home.values.iter().map(|(h, v)| format!("{h} {}", v[0])).collect();
        assert_eq!(told, ["here early", "there late"]);
        assert_eq!(rest, cells(&[("name", &[("kind", "a")]), ("phone", &[])]));

        // A line of one territory alone; one with other hours; one of no territory.
        for odd in [
            &[("home", "here"), ("kind", "b"), ("time", "early")][..],
            &[("home", "there"), ("kind", "a"), ("time", "later")],
            &[("kind", "a"), ("time", "late")],
        ] {
            let more = cells(&[&hours[..], &[("name", odd)]].concat());
            let (by_home, rest) = of_role(&more, "clerk");
            assert!(by_home.is_none() && rest == more, "{odd:?}");
        }
        assert!(of_role(&cells(&hours), "watch").1.is_empty());
    }
}
