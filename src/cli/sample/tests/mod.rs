//! Samples: what a description may say, what comes of it, and the shipped day.

mod day;
mod description;
mod making;

use super::{line, plan::Description, walk};
use crate::cli::sample::error::SampleError;

/// A description of this text.
fn described(text: &str) -> Description {
    Description::parse(text).unwrap_or_else(|error| panic!("{error}"))
}

/// The lines of a run.
fn lines(description: &Description, cases: u64, seed: u64) -> Result<Vec<String>, SampleError> {
    let mut bytes = Vec::new();
    walk::all(description, cases, seed, &mut |record| {
        line::write(record, &mut bytes).map_err(SampleError::Write)
    })?;
    Ok(String::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect())
}

/// A root with two children on average, and whatever else `more` says of the root's fields.
fn family(more: &str) -> String {
    format!(
        r#"
base_date = "2020-11-23"
lists = {{ colours = ["red", "green", "blue"] }}
tables.towns = [{{ code = "97401", name = "a" }}, {{ code = "2A004", name = "b" }}]

[[collections]]
name = "roots"
collected_on = "base"
variables = [{{ name = "town", row = "towns" }}]
fields = [
  {{ name = "colour", choice = "colours" }},
  {{ name = "town_name", mirror = "town.name" }},
  {{ name = "born", date = {{ from = "base", days = [-9000, -8000] }} }},
  {{ name = "nir", nir = {{ sex = "colour", digits = {{ red = 1, green = 2, blue = 2 }}, born = "born", place = "town.code", order = [1, 999] }} }},
  {{ name = "phone", text = "0692{{n}}####" }},
{more}]

[[collections]]
name = "children"
per = "roots"
count = [1, 3]
collected_on = "parent.base"
attributes = [{{ name = "state", weighted = {{ open = 3, closed = 1 }} }}]
fields = [
  {{ name = "colour", mirror = "parent.colour" }},
  {{ name = "place", text = "{{n}} {{i}} {{parent.n}} {{parent.town.name}}" }},
  {{ name = "tall", chance = 50 }},
  {{ name = "score", integer = [-5, 5] }},
]
"#
    )
}
