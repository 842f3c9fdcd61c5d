//! A record that was made, and its values.

use chrono::NaiveDate;

use super::{
    document::Literal,
    entry::Part,
    plan::{Plan, Row},
};
use crate::ids::RequestId;

/// A value that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Made {
    Text(String),
    Integer(i64),
    Boolean(bool),
    Date(NaiveDate),
    /// Of a table: never written.
    Row(Row),
}

impl Made {
    /// As it stands in a text; none for a row.
    pub(super) fn text(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Integer(number) => Some(number.to_string()),
            Self::Boolean(truth) => Some(truth.to_string()),
            Self::Date(date) => Some(date.to_string()),
            Self::Row(_) => None,
        }
    }

    /// Whether it is this literal; a date compares as text.
    pub(super) fn is(&self, literal: &Literal) -> bool {
        match (self, literal) {
            (Self::Integer(number), Literal::Integer(other)) => number == other,
            (Self::Boolean(truth), Literal::Boolean(other)) => truth == other,
            (Self::Text(_) | Self::Date(_), Literal::Text(other)) => {
                self.text().as_ref() == Some(other)
            }
            _ => false,
        }
    }
}

/// A record that was made.
pub(super) struct Record<'a> {
    pub(super) plan: &'a Plan,
    /// In its collection, from 1.
    pub(super) number: u64,
    pub(super) request: RequestId,
    pub(super) collected_on: NaiveDate,
    /// All values, those it began with in no part.
    pub(super) values: Vec<(Option<Part>, &'a str, Made)>,
}

impl Record<'_> {
    /// The attributes or the fields, in the description's order.
    pub(super) fn part(&self, part: Part) -> impl Iterator<Item = (&str, &Made)> {
        let of_part = move |(of, ..): &&(Option<Part>, &str, Made)| *of == Some(part);
        self.values.iter().filter(of_part).map(|(_, name, value)| (*name, value))
    }

    /// The value of this name.
    pub(super) fn value(&self, name: &str) -> Option<&Made> {
        self.values.iter().find(|(_, known, _)| *known == name).map(|(.., value)| value)
    }
}
