//! Makes the values of one record from its plan, its key and its parent. The order of entries and what
//! a missing value does are said in `plan`.

use std::{collections::BTreeMap, sync::Arc};

use chrono::{Days, NaiveDate};

use super::{
    document::Literal,
    draw::{Draw, Key},
    entry::{BASE, Entry, How, NUMBER, Nir, SIBLING},
    error::SampleError,
    nir,
    plan::{Description, Plan},
    record::{Made, Record},
    text::{Piece, Reference},
};

/// Which record is to be made.
#[derive(Clone, Copy)]
pub(super) struct Which<'a> {
    pub(super) plan: &'a Plan,
    pub(super) key: Key,
    pub(super) parent: Option<&'a Record<'a>>,
    /// In its collection, from 1.
    pub(super) number: u64,
    /// Under its parent, from 1.
    pub(super) sibling: u64,
}

/// Makes a record. Errors: [`SampleError::Entry`].
pub(super) fn record<'a>(
    description: &'a Description,
    which: Which<'a>,
) -> Result<Record<'a>, SampleError> {
    let plan = which.plan;
    let number = |n: u64| Made::Integer(i64::try_from(n).unwrap_or(i64::MAX));
    let record = Record {
        plan,
        number: which.number,
        request: which.key.request(),
        collected_on: description.base,
        values: vec![
            (None, NUMBER, number(which.number)),
            (None, SIBLING, number(which.sibling)),
            (None, BASE, Made::Date(description.base)),
        ],
    };
    let wrong = |line: usize, entry: &str, reason: String| SampleError::Entry {
        line,
        collection: plan.collection.clone(),
        number: which.number,
        entry: entry.to_owned(),
        reason,
    };
    let mut making = Making { description, record, parent: which.parent };
    for entry in &plan.entries {
        if making.record.value(&entry.name).is_some() {
            continue;
        }
        let value = making.entry(entry, which.key);
        let value = value.map_err(|reason| wrong(entry.line, &entry.name, reason))?;
        making.record.values.extend(value.map(|value| (Some(entry.part), &*entry.name, value)));
    }
    let collected_on = making.date(&plan.collected_on);
    let collected_on = collected_on.and_then(|date| date.ok_or_else(|| "has no value".into()));
    making.record.collected_on = collected_on.map_err(|e| wrong(plan.line, "collected_on", e))?;
    Ok(making.record)
}

/// A record that is being made.
struct Making<'a> {
    description: &'a Description,
    record: Record<'a>,
    parent: Option<&'a Record<'a>>,
}

/// A value, none where one that it needs is missing, or a sentence.
type Outcome<T = Made> = Result<Option<T>, String>;

impl Making<'_> {
    fn entry(&self, entry: &Entry, key: Key) -> Outcome {
        let mut draw = key.draw(&entry.label);
        if entry.percent.is_some_and(|percent| !draw.happens(percent)) {
            return Ok(None);
        }
        for (reference, literal) in &entry.when {
            if !self.get(reference)?.is_some_and(|value| value.is(literal)) {
                return Ok(None);
            }
        }
        self.how(&entry.how, &mut draw)
    }

    fn how(&self, how: &How, draw: &mut Draw<'_>) -> Outcome {
        Ok(match how {
            How::Is(literal) => Some(match literal {
                Literal::Text(text) => Made::Text(text.clone()),
                Literal::Integer(number) => Made::Integer(*number),
                Literal::Boolean(truth) => Made::Boolean(*truth),
            }),
            How::Choice(name) => {
                let of = self.named(name, "list", &self.description.lists)?;
                of.and_then(|list| draw.one_of(list)).cloned().map(Made::Text)
            }
            How::Row(name) => {
                let of = self.named(name, "table", &self.description.tables)?;
                of.and_then(|table| draw.one_of(table)).map(|row| Made::Row(Arc::clone(row)))
            }
            How::Weighted(weights) => weighted(weights, draw).map(Made::Text),
            How::Chance(percent) => Some(Made::Boolean(draw.happens(*percent))),
            How::Integer([min, max]) => Some(Made::Integer(draw.between(*min, *max))),
            How::Text(pieces) => self.text(pieces, Some(draw))?.map(Made::Text),
            How::Date { from, days: [min, max] } => match self.date(from)? {
                Some(from) => Some(Made::Date(later(from, draw.between(*min, *max))?)),
                None => None,
            },
            How::Mirror(reference) => self.get(reference)?,
            How::Nir(nir) => self.nir(nir, draw)?.map(Made::Text),
        })
    }

    /// What is referred to.
    fn get(&self, reference: &Reference) -> Outcome {
        let of = if reference.of_parent { self.parent } else { Some(&self.record) };
        let Some(value) = of.and_then(|record| record.value(&reference.name)) else {
            return Ok(None);
        };
        match (value, &reference.column) {
            (value, None) => Ok(Some(value.clone())),
            (Made::Row(row), Some(column)) => match row.get(column) {
                Some(text) => Ok(Some(Made::Text(text.clone()))),
                None => Err(format!("`{}`: the row has no such column", reference.written())),
            },
            (_, Some(_)) => Err(format!("`{}`: this is no row", reference.written())),
        }
    }

    fn date(&self, reference: &Reference) -> Outcome<NaiveDate> {
        match self.get(reference)? {
            Some(Made::Date(date)) => Ok(Some(date)),
            Some(_) => Err(format!("`{}` is no date", reference.written())),
            None => Ok(None),
        }
    }

    fn text(&self, pieces: &[Piece], mut draw: Option<&mut Draw<'_>>) -> Outcome<String> {
        let mut text = String::new();
        for piece in pieces {
            match piece {
                Piece::Literal(literal) => text.push_str(literal),
                Piece::Digit => {
                    let digit = draw.as_mut().map(|draw| draw.below(10).to_string());
                    text.push_str(&digit.unwrap_or_default());
                }
                Piece::Value(reference) => match self.get(reference)? {
                    Some(value) => text.push_str(&value.text().ok_or_else(|| {
                        format!("`{}` is a row: name a column", reference.written())
                    })?),
                    None => return Ok(None),
                },
            }
        }
        Ok(Some(text))
    }

    fn named<'b, T>(
        &self,
        name: &[Piece],
        what: &str,
        among: &'b BTreeMap<String, T>,
    ) -> Outcome<&'b T> {
        let Some(name) = self.text(name, None)? else { return Ok(None) };
        among.get(&name).map(Some).ok_or_else(|| format!("there is no {what} `{name}`"))
    }

    fn nir(&self, nir: &Nir, draw: &mut Draw<'_>) -> Outcome<String> {
        let sex = self.get(&nir.sex)?.and_then(|sex| sex.text());
        let place = self.get(&nir.place)?.and_then(|place| place.text());
        let (Some(sex), Some(born), Some(place)) = (sex, self.date(&nir.born)?, place) else {
            return Ok(None);
        };
        let digit = nir.digits.get(&sex);
        let digit = digit.ok_or_else(|| format!("`digits` has none for `{sex}`"))?;
        let [first, last] = nir.order.map(i64::from);
        let number = nir::number(*digit, born, &place, draw.between(first, last));
        number.map(Some).ok_or_else(|| {
            format!("`{}` is no département and commune of five characters", nir.place.written())
        })
    }
}

fn weighted(weights: &[(String, u32)], draw: &mut Draw<'_>) -> Option<String> {
    let mut at = draw.below(weights.iter().map(|(_, weight)| u64::from(*weight)).sum());
    for (word, weight) in weights {
        match at.checked_sub(u64::from(*weight)) {
            Some(rest) => at = rest,
            None => return Some(word.clone()),
        }
    }
    None
}

/// The date so many days later, or earlier.
fn later(date: NaiveDate, days: i64) -> Result<NaiveDate, String> {
    let distance = Days::new(days.unsigned_abs());
    let moved =
        if days < 0 { date.checked_sub_days(distance) } else { date.checked_add_days(distance) };
    moved.ok_or_else(|| format!("{days} days are too many"))
}
