//! The entries of one collection, each checked against those before it.

use std::collections::BTreeMap;

use super::{
    document::{EntryToml, NirToml},
    entry::{BASE, Entry, How, NUMBER, Nir, Part, SIBLING},
    text::{PARENT, Piece, Reference, is_word, pieces},
};

/// Names of values that every record begins with, or that lead elsewhere.
const TAKEN: [&str; 4] = [NUMBER, SIBLING, BASE, PARENT];
const WAYS: &str =
    "choose one of is, choice, weighted, chance, integer, text, date, row, mirror, nir";

/// The entries read so far: what the next one may refer to.
pub(super) struct Entries<'a> {
    entries: Vec<Entry>,
    parent: Option<&'a [Entry]>,
}

impl<'a> Entries<'a> {
    /// None yet, of a collection whose parent has these.
    pub(super) fn new(parent: Option<&'a [Entry]>) -> Self {
        Self { entries: Vec::new(), parent }
    }

    /// All of them.
    pub(super) fn into_list(self) -> Vec<Entry> {
        self.entries
    }

    /// Checks one more and takes it. Errors: a sentence.
    pub(super) fn read(&mut self, part: Part, toml: &EntryToml, line: usize) -> Result<(), String> {
        let name = toml.name.clone();
        if !is_word(&name) || TAKEN.contains(&name.as_str()) {
            return Err(
                "a name is of `a-z0-9_`, first a letter, and none of n, i, base, parent".into()
            );
        }
        let same = self.entries.iter().filter(|entry| entry.name == name);
        if same.clone().any(|entry| entry.part != part) {
            return Err("a variable, an attribute and a field need different names".into());
        }
        let label = match same.count() {
            0 => name.clone(),
            before => format!("{name}#{before}"),
        };
        let how = self.how(toml)?;
        if part != Part::Variable && matches!(how, How::Row(_)) {
            return Err("a row is for a variable; a value is one of its columns".into());
        }
        if toml.percent.is_some_and(|percent| percent > 100) {
            return Err("`percent` is at most 100".into());
        }
        let when = toml.when.iter().map(|(of, is)| Ok((self.reference(of)?, is.clone())));
        let when = when.collect::<Result<_, String>>()?;
        self.entries.push(Entry { line, part, name, label, percent: toml.percent, when, how });
        Ok(())
    }

    fn how(&self, toml: &EntryToml) -> Result<How, String> {
        let ways = [
            toml.is.clone().map(|literal| Ok(How::Is(literal))),
            toml.choice.as_deref().map(|name| self.list_name(name).map(How::Choice)),
            toml.weighted.as_ref().map(weighted),
            toml.chance.map(|chance| match chance {
                0..=100 => Ok(How::Chance(chance)),
                _ => Err("`chance` is at most 100".into()),
            }),
            toml.integer.map(|ends| ordered(ends, "integer").map(How::Integer)),
            toml.text.as_deref().map(|text| self.pieces(text).map(How::Text)),
            toml.date.as_ref().map(|date| {
                let from = self.reference(&date.from)?;
                Ok(How::Date { from, days: ordered(date.days, "days")? })
            }),
            toml.row.as_deref().map(|name| self.list_name(name).map(How::Row)),
            toml.mirror.as_deref().map(|of| self.reference(of).map(How::Mirror)),
            toml.nir.as_ref().map(|nir| self.nir(nir)),
        ];
        let mut ways = ways.into_iter().flatten();
        match (ways.next(), ways.next()) {
            (Some(way), None) => way,
            _ => Err(WAYS.into()),
        }
    }

    fn nir(&self, toml: &NirToml) -> Result<How, String> {
        if toml.digits.is_empty() || toml.digits.values().any(|digit| !(1..=9).contains(digit)) {
            return Err("`digits` gives a digit from 1 to 9 for each value of `sex`".into());
        }
        let order = ordered(toml.order, "order")?;
        if order.iter().any(|order| !(1..=999).contains(order)) {
            return Err("`order` lies between 1 and 999".into());
        }
        Ok(How::Nir(Nir {
            sex: self.reference(&toml.sex)?,
            digits: toml.digits.clone(),
            born: self.reference(&toml.born)?,
            place: self.reference(&toml.place)?,
            order,
        }))
    }

    /// The name of a list or a table: it may hold values, and no digit that is drawn.
    fn list_name(&self, text: &str) -> Result<Vec<Piece>, String> {
        let pieces = self.pieces(text)?;
        if pieces.contains(&Piece::Digit) || pieces.is_empty() {
            return Err(format!("`{text}` is no name of a list or table"));
        }
        Ok(pieces)
    }

    fn pieces(&self, text: &str) -> Result<Vec<Piece>, String> {
        let pieces = pieces(text)?;
        for piece in &pieces {
            if let Piece::Value(reference) = piece {
                self.there(reference)?;
            }
        }
        Ok(pieces)
    }

    /// A reference to a value made before. Errors: a sentence.
    pub(super) fn reference(&self, text: &str) -> Result<Reference, String> {
        let reference = Reference::parse(text)?;
        self.there(&reference)?;
        Ok(reference)
    }

    /// The value referred to is made before.
    fn there(&self, reference: &Reference) -> Result<(), String> {
        let entries = match (reference.of_parent, self.parent) {
            (false, _) => self.entries.as_slice(),
            (true, Some(parent)) => parent,
            (true, None) => return Err("the first collection has no parent".into()),
        };
        let made = entries.iter().any(|entry| entry.name == reference.name);
        if made || TAKEN.contains(&reference.name.as_str()) {
            return Ok(());
        }
        Err(format!("nothing before is called `{}`", reference.written()))
    }
}

fn weighted(weights: &BTreeMap<String, u32>) -> Result<How, String> {
    if weights.values().all(|weight| *weight == 0) {
        return Err("`weighted` needs a weight above 0".into());
    }
    Ok(How::Weighted(weights.iter().map(|(word, weight)| (word.clone(), *weight)).collect()))
}

fn ordered<T: PartialOrd>(ends: [T; 2], what: &str) -> Result<[T; 2], String> {
    let [first, last] = &ends;
    if first <= last { Ok(ends) } else { Err(format!("`{what}` is [smallest, largest]")) }
}
