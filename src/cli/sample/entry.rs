//! One entry of a collection: what its value becomes and how it is made. Types alone; `plan` says what
//! each way of making a value means.

use std::collections::BTreeMap;

use super::{
    document::Literal,
    text::{Piece, Reference},
};

/// Values that every record begins with.
pub(super) const NUMBER: &str = "n";
pub(super) const SIBLING: &str = "i";
pub(super) const BASE: &str = "base";

/// What becomes of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Variable,
    Attribute,
    Field,
}

/// How one value is made.
pub(super) struct Entry {
    pub(super) line: usize,
    pub(super) part: Part,
    pub(super) name: String,
    /// What it is drawn by: the name, and a number where the name comes again.
    pub(super) label: String,
    pub(super) percent: Option<u8>,
    pub(super) when: Vec<(Reference, Literal)>,
    pub(super) how: How,
}

/// A way to make a value.
pub(super) enum How {
    Is(Literal),
    Choice(Vec<Piece>),
    Weighted(Vec<(String, u32)>),
    Chance(u8),
    Integer([i64; 2]),
    Text(Vec<Piece>),
    Date { from: Reference, days: [i64; 2] },
    Row(Vec<Piece>),
    Mirror(Reference),
    Nir(Nir),
}

/// What a NIR is made of.
pub(super) struct Nir {
    pub(super) sex: Reference,
    /// The first digit for each value of `sex`.
    pub(super) digits: BTreeMap<String, u8>,
    pub(super) born: Reference,
    /// Département and commune, five characters.
    pub(super) place: Reference,
    /// First and last order number.
    pub(super) order: [u16; 2],
}
