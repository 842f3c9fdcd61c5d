//! Masks: what is left of a value for somebody who may only see part of it.
//!
//! A mask never shows a whole value, and never its length: what it hides is always [`HIDDEN`].

use chrono::Datelike;

use crate::policy::value::{FieldType, Value};

/// What stands for the hidden part, whatever its length.
pub const HIDDEN: &str = "***";

/// What a masked field shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mask {
    /// Nothing.
    Hidden,
    /// The last two characters: `***64`.
    LastTwo,
    /// The year of a date: `1985`.
    YearOnly,
    /// The first three characters: `974***`.
    FirstThree,
    /// The first letter: `Z.`.
    Initial,
}

impl Mask {
    /// The mask's word in `pack.toml`, in answers and in audit events.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Hidden => "hidden",
            Self::LastTwo => "last_two",
            Self::YearOnly => "year_only",
            Self::FirstThree => "first_three",
            Self::Initial => "initial",
        }
    }

    /// The mask with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Hidden, Self::LastTwo, Self::YearOnly, Self::FirstThree, Self::Initial]
            .into_iter()
            .find(|mask| mask.word() == word)
    }

    /// Whether the mask means something for this type: a year needs a date, characters need a text
    /// that is not a code (three letters of a code are the code).
    #[must_use]
    pub fn fits(self, kind: &FieldType) -> bool {
        match self {
            Self::Hidden => true,
            Self::YearOnly => matches!(kind, FieldType::Date),
            Self::Initial => matches!(kind, FieldType::Name),
            Self::LastTwo => matches!(kind, FieldType::Nir | FieldType::Phone),
            Self::FirstThree => matches!(kind, FieldType::Nir | FieldType::Postcode),
        }
    }
}

/// Masks one value for show. `None`: nothing of it may be shown.
#[must_use]
pub fn mask(mask: &Mask, kind: &FieldType, value: &Value) -> Option<Value> {
    if !mask.fits(kind) {
        return None;
    }
    let shown = match (mask, value) {
        (Mask::YearOnly, Value::Date(date)) => date.year().to_string(),
        (Mask::Initial, Value::Text(text)) => format!("{}.", text.chars().next()?),
        (Mask::LastTwo, Value::Text(text)) => {
            let start = text.char_indices().rev().nth(1)?.0;
            format!("{HIDDEN}{}", text.get(start..)?)
        }
        (Mask::FirstThree, Value::Text(text)) => {
            let end = text.char_indices().nth(3)?.0;
            format!("{}{HIDDEN}", text.get(..end)?)
        }
        _ => return None,
    };
    Some(Value::Text(shown))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(how: Mask, kind: &FieldType, text: &str) -> Option<String> {
        let value = kind.normalise(Value::Text(text.into())).ok().unwrap();
        match mask(&how, kind, &value) {
            Some(Value::Text(text)) => Some(text),
            Some(_) => panic!("a mask gives text"),
            None => None,
        }
    }

    #[test]
    fn a_mask_leaves_the_part_it_names() {
        let nir = "185039741112364";
        assert_eq!(masked(Mask::LastTwo, &FieldType::Nir, nir).as_deref(), Some("***64"));
        assert_eq!(
            masked(Mask::FirstThree, &FieldType::Postcode, "97400").as_deref(),
            Some("974***")
        );
        assert_eq!(masked(Mask::YearOnly, &FieldType::Date, "1985-03-09").as_deref(), Some("1985"));
        assert_eq!(masked(Mask::Initial, &FieldType::Name, "Zoé").as_deref(), Some("Z."));
    }

    #[test]
    fn hidden_leaves_nothing_and_a_mask_that_does_not_fit_neither() {
        assert_eq!(masked(Mask::Hidden, &FieldType::Name, "Zoé"), None);
        assert_eq!(masked(Mask::YearOnly, &FieldType::Name, "Zoé"), None);
        assert_eq!(masked(Mask::LastTwo, &FieldType::Name, "Bo"), None);
        let code = FieldType::Code { values: vec!["yes".into()] };
        assert_eq!(masked(Mask::FirstThree, &code, "yes"), None);
    }

    #[test]
    fn every_word_reads_back() {
        for mask in [Mask::Hidden, Mask::LastTwo, Mask::YearOnly, Mask::FirstThree, Mask::Initial] {
            assert_eq!(Mask::from_word(mask.word()), Some(mask));
        }
        assert_eq!(Mask::from_word("last-two"), None);
    }
}
