//! References to values, and texts with places for them.
//!
//! A reference is `name`, `name.column` of a row, or either with `parent.` before it. In a text,
//! `{reference}` stands for a value and `#` for a digit that is drawn. Nothing here knows any value.

/// A value made earlier: of this record or of its parent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reference {
    /// A value of the parent, not of the record itself.
    pub(super) of_parent: bool,
    pub(super) name: String,
    /// One column of a row.
    pub(super) column: Option<String>,
}

/// The word that leads to the parent's values.
pub(super) const PARENT: &str = "parent";

impl Reference {
    /// Reads `name`, `name.column`, `parent.name`, `parent.name.column`. Errors: a sentence.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut words: Vec<&str> = text.split('.').collect();
        let of_parent = words.first() == Some(&PARENT);
        if of_parent {
            words.remove(0);
        }
        let (name, column) = match words.as_slice() {
            [name] => (name, None),
            [name, column] => (name, Some(column)),
            _ => return Err(format!("`{text}` is no reference")),
        };
        if !(is_word(name) && column.is_none_or(|column| is_word(column))) {
            return Err(format!("`{text}` is no reference: a name, with `parent.` or `.column`"));
        }
        Ok(Self {
            of_parent,
            name: (*name).to_owned(),
            column: column.map(|column| (*column).to_owned()),
        })
    }

    /// As it is written.
    pub(super) fn written(&self) -> String {
        let parent = if self.of_parent { "parent." } else { "" };
        let column = self.column.as_deref().map(|column| format!(".{column}"));
        format!("{parent}{}{}", self.name, column.unwrap_or_default())
    }
}

/// Whether a name is one of `a-z0-9_`, first a letter.
pub(super) fn is_word(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    text.starts_with(|c: char| c.is_ascii_lowercase()) && text.bytes().all(plain)
}

/// A part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// As it stands.
    Literal(String),
    /// A digit that is drawn.
    Digit,
    /// A value.
    Value(Reference),
}

/// Reads a text with its places. Errors: a sentence.
pub(super) fn pieces(text: &str) -> Result<Vec<Piece>, String> {
    let (mut pieces, mut literal, mut chars) = (Vec::new(), String::new(), text.chars());
    while let Some(c) = chars.next() {
        let piece = match c {
            '{' => {
                let (inner, rest) = chars.as_str().split_once('}').ok_or("`{` without `}`")?;
                chars = rest.chars();
                Piece::Value(Reference::parse(inner)?)
            }
            '}' => return Err("`}` without `{`".into()),
            '#' => Piece::Digit,
            other => {
                literal.push(other);
                continue;
            }
        };
        if !literal.is_empty() {
            pieces.push(Piece::Literal(std::mem::take(&mut literal)));
        }
        pieces.push(piece);
    }
    if !literal.is_empty() {
        pieces.push(Piece::Literal(literal));
    }
    Ok(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_reads_back_as_it_is_written_and_another_form_is_refused() {
        for text in ["a", "a.b", "parent.a", "parent.a.b"] {
            assert_eq!(Reference::parse(text).unwrap().written(), text);
        }
        assert!(Reference::parse("parent.a").unwrap().of_parent);
        for text in ["", ".", "a.", "A", "a b", "a.b.c", "parent", "parent.", "parent.a.b.c"] {
            assert!(Reference::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_text_falls_into_literals_digits_and_values() {
        let value = Piece::Value(Reference::parse("parent.x").unwrap());
        assert_eq!(
            pieces("a #{parent.x}é").unwrap(),
            [Piece::Literal("a ".into()), Piece::Digit, value, Piece::Literal("é".into())]
        );
        assert_eq!(pieces("").unwrap(), []);
    }

    #[test]
    fn a_place_that_is_not_closed_or_names_nothing_is_refused() {
        for text in ["{", "{x", "}", "x}", "{}", "{X}", "{{x}}"] {
            assert!(pieces(text).is_err(), "{text}");
        }
    }
}
