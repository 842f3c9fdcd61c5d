//! What a sample is made by: `sample.toml`, checked.
//!
//! Each collection has **entries**, made one after another: variables, which are not written, then
//! attributes, then fields. An entry gives its value unless one of its name has a value already,
//! `percent` was not drawn, `when` does not hold, or a value that it refers to is missing. So a second
//! entry of the same name is an "else". Every record begins with `n` (its number in its collection),
//! `i` (its number under its parent) and `base` (the base date).
//!
//! | an entry says | and gets |
//! |---|---|
//! | `is = "x"` | this text, whole number or boolean |
//! | `choice = "list"` | one text of a list |
//! | `weighted = { a = 9, b = 1 }` | one of the words, by weight; they count in alphabetical order |
//! | `chance = 30` | true in 30 of 100, else false |
//! | `integer = [1, 9]` | a whole number, both ends included |
//! | `text = "a {name} ##"` | a text with values and digits in it |
//! | `date = { from = "base", days = [-3, 0] }` | a date so many days after another |
//! | `row = "table"` | a row of a table; its columns are `name.column` |
//! | `mirror = "parent.x"` | the same value |
//! | `nir = { sex, digits, born, place, order }` | a NIR with its key |
//!
//! Names of lists and tables may hold `{name}`. References look back only, into the record and its
//! parent. Here and in `entries` all is checked that can be checked before the first record.

use std::{collections::BTreeMap, sync::Arc};

use chrono::NaiveDate;

use super::{
    document::{CollectionToml, Document, line_of, read},
    entries::Entries,
    entry::{Entry, How, Part},
    error::SampleError,
    text::{Piece, Reference},
};
use crate::limits::SAMPLE_CHILDREN_MAX;

/// A row of a table.
pub(super) type Row = Arc<BTreeMap<String, String>>;

/// A checked description.
pub(super) struct Description {
    pub(super) base: NaiveDate,
    pub(super) lists: BTreeMap<String, Vec<String>>,
    pub(super) tables: BTreeMap<String, Vec<Row>>,
    /// The root first; each other one after its parent.
    pub(super) plans: Vec<Plan>,
}

/// How the records of one collection are made.
pub(super) struct Plan {
    pub(super) line: usize,
    pub(super) collection: String,
    /// Index of the parent's plan; none for the root.
    pub(super) parent: Option<usize>,
    /// Fewest and most under one parent.
    pub(super) count: [u32; 2],
    pub(super) collected_on: Reference,
    pub(super) entries: Vec<Entry>,
}

impl Description {
    /// Reads and checks a description. Errors: [`SampleError::Description`], the first one found.
    pub(super) fn parse(text: &str) -> Result<Self, SampleError> {
        let document = read(text)?;
        let at = |offset: usize| line_of(text, offset);
        let line = at(document.base_date.span().start);
        let base = document.base_date.get_ref().parse();
        let base = base.map_err(|_| wrong(line, "`base_date` must be a date \"YYYY-MM-DD\""))?;
        let mut plans: Vec<Plan> = Vec::new();
        let (lists, tables) = lists_and_tables(&document, &at)?;
        for collection in document.collections {
            let line = at(collection.span().start);
            plans.push(plan(collection.into_inner(), line, &plans, &at)?);
        }
        if plans.is_empty() {
            return Err(wrong(1, "`collections` is empty"));
        }
        let description = Self { base, lists, tables, plans };
        description.named_lists()?;
        Ok(description)
    }

    /// Lists and tables whose names stand there whole must be there.
    fn named_lists(&self) -> Result<(), SampleError> {
        for entry in self.plans.iter().flat_map(|plan| &plan.entries) {
            let (what, name, there) = match &entry.how {
                How::Choice(name) => ("list", name, self.lists.keys().collect::<Vec<_>>()),
                How::Row(name) => ("table", name, self.tables.keys().collect()),
                _ => continue,
            };
            let [Piece::Literal(name)] = name.as_slice() else { continue };
            if !there.contains(&name) {
                return Err(wrong(entry.line, format!("there is no {what} `{name}`")));
            }
        }
        Ok(())
    }
}

/// An error at a line.
fn wrong(line: usize, reason: impl Into<String>) -> SampleError {
    SampleError::Description { line, reason: reason.into() }
}

type Lists = (BTreeMap<String, Vec<String>>, BTreeMap<String, Vec<Row>>);

fn lists_and_tables(
    document: &Document,
    at: &impl Fn(usize) -> usize,
) -> Result<Lists, SampleError> {
    let (mut lists, mut tables) = (BTreeMap::new(), BTreeMap::new());
    for (name, list) in &document.lists {
        if list.get_ref().is_empty() {
            return Err(wrong(at(list.span().start), format!("list `{name}` is empty")));
        }
        lists.insert(name.clone(), list.get_ref().clone());
    }
    for (name, table) in &document.tables {
        let line = at(table.span().start);
        let rows: Vec<Row> = table.get_ref().iter().cloned().map(Arc::new).collect();
        let Some(first) = rows.first() else {
            return Err(wrong(line, format!("table `{name}` is empty")));
        };
        if rows.iter().any(|row| !row.keys().eq(first.keys())) {
            return Err(wrong(line, format!("the rows of table `{name}` have different columns")));
        }
        tables.insert(name.clone(), rows);
    }
    Ok((lists, tables))
}

fn plan(
    toml: CollectionToml,
    line: usize,
    before: &[Plan],
    at: &impl Fn(usize) -> usize,
) -> Result<Plan, SampleError> {
    let name = toml.name;
    if before.iter().any(|plan| plan.collection == name) {
        return Err(wrong(line, format!("collection `{name}` twice")));
    }
    let parent = match &toml.per {
        Some(per) => {
            Some(before.iter().position(|plan| plan.collection == *per).ok_or_else(|| {
                wrong(line, format!("`{name}`: `per` must name a collection described before"))
            })?)
        }
        None if before.is_empty() => None,
        None => return Err(wrong(line, format!("`{name}`: all but the first need `per`"))),
    };
    let [min, max] = toml.count.unwrap_or([1, 1]);
    if min > max || max > SAMPLE_CHILDREN_MAX {
        let most = SAMPLE_CHILDREN_MAX;
        return Err(wrong(line, format!("`{name}`: `count` is [fewest, most], at most {most}")));
    }
    let mut entries =
        Entries::new(parent.and_then(|parent| before.get(parent)).map(|plan| &*plan.entries));
    let parts = [
        (Part::Variable, toml.variables),
        (Part::Attribute, toml.attributes),
        (Part::Field, toml.fields),
    ];
    for (part, list) in parts {
        for entry in list {
            let line = at(entry.span().start);
            let wrong = |reason| wrong(line, format!("`{}`: {reason}", entry.get_ref().name));
            entries.read(part, entry.get_ref(), line).map_err(wrong)?;
        }
    }
    let collected_on = entries.reference(&toml.collected_on);
    let collected_on = collected_on.map_err(|e| wrong(line, format!("`collected_on`: {e}")))?;
    let entries = entries.into_list();
    Ok(Plan { line, collection: name, parent, count: [min, max], collected_on, entries })
}
