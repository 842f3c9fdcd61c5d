//! `oubliette place verify`: what is at every place, and what is wrong with it.

use serde_json::json;

use super::{
    super::{failure::Failure, failure::with_causes, out},
    at_rest::AtRest,
};
use crate::keyring::{PlaceFinding, Survey};

/// Prints what was found; fails when anything is wrong.
pub(super) fn run(at_rest: AtRest, as_json: bool) -> Result<(), Failure> {
    let survey = at_rest.open()?.survey_places()?;
    let well = is_well(&survey);
    let place = |place: &PlaceFinding| {
        json!({
            "folder": place.describe, "place": place.id.map(|id| id.to_string()),
            "number": place.number, "class": format!("{:?}", place.class),
            "generation": place.generation,
            "faults": place.faults.iter().map(|f| with_causes(f)).collect::<Vec<_>>(),
        })
    };
    let missing = |(id, number): &(crate::ids::PlaceId, usize)| json!({"place": id.to_string(), "number": number});
    let machine = json!({
        "well": well, "generation": survey.generation, "rolled_back": survey.rolled_back,
        "places": survey.places.iter().map(place).collect::<Vec<_>>(),
        "missing": survey.missing.iter().map(missing).collect::<Vec<_>>(),
    });
    out::either(as_json, &machine, || print(&survey, well))?;
    if well { Ok(()) } else { Err(Failure::silent()) }
}

fn is_well(survey: &Survey) -> bool {
    survey.generation.is_some()
        && survey.rolled_back.is_none()
        && survey.missing.is_empty()
        && survey.places.iter().all(|place| place.faults.is_empty())
}

fn print(survey: &Survey, well: bool) {
    for place in &survey.places {
        let id = place.id.map_or_else(|| "?".to_owned(), |id| id.to_string());
        let number = match place.number {
            Some(1) => "primary".to_owned(),
            Some(number) => format!("number {number}"),
            None => "not listed".to_owned(),
        };
        let held = place.generation.map_or_else(|| "?".to_owned(), |g| g.to_string());
        out::line(&format!(
            "{}: place {id}, {number}, class {:?}, generation {held}",
            place.describe, place.class
        ));
        for fault in &place.faults {
            out::line(&format!("  WRONG: {}", with_causes(fault)));
        }
    }
    for (id, number) in &survey.missing {
        out::line(&format!("MISSING: place {id}, number {number} of the list, was not given"));
    }
    if let Some(known) = survey.rolled_back {
        out::line(&format!(
            "ROLLED BACK: the data folder knows generation {known}; put the newest places back"
        ));
    }
    if well {
        out::line("every place holds what the others hold");
    }
}
