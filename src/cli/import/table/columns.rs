//! Which column holds what, and a row as a record. An empty cell is no value.

use crate::{
    cli::{
        import::line::{Parsed, bad, invalid},
        json,
    },
    client::types::{Collection, ItemRefusal, NewRecord, Value, ValueKind},
    ids::{RequestId, SubjectId},
};

/// Names that every collection has.
const FIXED: [&str; 4] = ["collected_on", "collection", "subject_id", "request_id"];
const ATTRIBUTES: &str = "attributes.";
const FIELDS: &str = "fields.";

/// What a column holds.
#[derive(Clone, PartialEq, Eq)]
enum Column {
    /// The place of its name in `FIXED`.
    Fixed(&'static str),
    Attribute(String, ValueKind),
    Field(String, ValueKind),
}

/// The columns in their order.
pub(super) struct Columns(Vec<Column>);

impl Columns {
    /// Reads the first line's cells. Errors: one sentence, without the place.
    pub(super) fn of(names: &[&[u8]], collection: &Collection) -> Result<Self, String> {
        let mut columns = Vec::new();
        for (number, name) in (1_usize..).zip(names) {
            let text = std::str::from_utf8(name).map_err(|_| "is not UTF-8 text".to_owned())?;
            let text = text.trim();
            let column =
                column(text, collection)?.ok_or_else(|| unknown(number, text, collection))?;
            if columns.contains(&column) {
                return Err(format!("column {number} is there twice"));
            }
            columns.push(column);
        }
        match columns.contains(&Column::Fixed("collected_on")) {
            true => Ok(Self(columns)),
            false => Err("the column `collected_on` is missing".to_owned()),
        }
    }

    /// One row as a record.
    pub(super) fn record(
        &self,
        cells: &[&[u8]],
        collection: &Collection,
    ) -> Result<Parsed, ItemRefusal> {
        let (has, wants) = (cells.len(), self.0.len());
        if has != wants {
            return Err(bad(format!("has {has} cells, and the first line names {wants} columns")));
        }
        let mut request = None;
        let mut record = NewRecord {
            collection: collection.name.clone(),
            subject: None,
            collected_on: String::new(),
            attributes: Vec::new(),
            fields: Vec::new(),
        };
        for (column, cell) in self.0.iter().zip(cells) {
            let utf8 = |_| invalid(path(column), "is not UTF-8 text");
            let text = std::str::from_utf8(cell).map_err(utf8)?;
            match column {
                _ if text.is_empty() => {}
                Column::Attribute(name, kind) => {
                    record.attributes.push((name.clone(), value(column, *kind, text)?));
                }
                Column::Field(name, kind) => {
                    record.fields.push((name.clone(), value(column, *kind, text)?));
                }
                Column::Fixed(name) => fixed(name, text.trim(), &mut record, &mut request)?,
            }
        }
        Ok(Parsed { request, record })
    }
}

fn column(name: &str, collection: &Collection) -> Result<Option<Column>, String> {
    if let Some(fixed) = FIXED.iter().find(|fixed| **fixed == name) {
        return Ok(Some(Column::Fixed(fixed)));
    }
    let attribute =
        |name: &str| collection.attribute_kind(name).map(|k| Column::Attribute(name.to_owned(), k));
    let field = |name: &str| collection.field_kind(name).map(|k| Column::Field(name.to_owned(), k));
    match (attribute(name), field(name)) {
        (Some(_), Some(_)) => Err(format!(
            "`{name}` is an attribute and a field: write `{ATTRIBUTES}{name}` or `{FIELDS}{name}`"
        )),
        (Some(one), None) | (None, Some(one)) => Ok(Some(one)),
        (None, None) => Ok(name
            .strip_prefix(ATTRIBUTES)
            .and_then(attribute)
            .or_else(|| name.strip_prefix(FIELDS).and_then(field))),
    }
}

fn unknown(number: usize, name: &str, collection: &Collection) -> String {
    let fixed = FIXED.iter().copied();
    let attributes = collection.attributes.iter().map(|a| a.name.as_str());
    let fields = collection.fields.iter().map(|f| f.name.as_str());
    let all: Vec<&str> = fixed.chain(attributes).chain(fields).collect();
    // What is not spelt like a name may be a person's: a file without its first line.
    let name = json::quoted(name).map(|name| format!("`{name}`, ")).unwrap_or_default();
    let of = &collection.name;
    format!("{name}column {number}, is none of `{of}`; its columns are {}", all.join(", "))
}

fn path(column: &Column) -> String {
    match column {
        Column::Fixed(name) => (*name).to_owned(),
        Column::Attribute(name, _) => format!("{ATTRIBUTES}{name}"),
        Column::Field(name, _) => format!("{FIELDS}{name}"),
    }
}

fn fixed(
    name: &str,
    text: &str,
    record: &mut NewRecord,
    request: &mut Option<RequestId>,
) -> Result<(), ItemRefusal> {
    let hex = |_| invalid(name, "must be 32 hexadecimal digits");
    match name {
        "collected_on" => record.collected_on = text.to_owned(),
        "subject_id" => record.subject = Some(SubjectId::parse(text).map_err(hex)?),
        "request_id" => *request = Some(RequestId::parse(text).map_err(hex)?),
        _ if text != record.collection => {
            return Err(invalid(name, "is not the collection of this import"));
        }
        _ => {}
    }
    Ok(())
}

fn value(column: &Column, kind: ValueKind, text: &str) -> Result<Value, ItemRefusal> {
    let word = text.trim();
    match kind {
        ValueKind::Date => Ok(Value::Date(word.to_owned())),
        ValueKind::Integer => {
            let wrong = |_| invalid(path(column), "must be a whole number");
            word.parse().map(Value::Integer).map_err(wrong)
        }
        ValueKind::Boolean if word.eq_ignore_ascii_case("true") => Ok(Value::Boolean(true)),
        ValueKind::Boolean if word.eq_ignore_ascii_case("false") => Ok(Value::Boolean(false)),
        ValueKind::Boolean => Err(invalid(path(column), "must be true or false")),
        _ => Ok(Value::Text(text.to_owned())),
    }
}
