//! A French national identification number, put together with its key. What a NIR is and how it is
//! checked is `policy::value`'s; the key is reckoned there too.

use chrono::{Datelike as _, NaiveDate};

use crate::policy::nir_key;

/// The 15 characters: sex, year, month, place of birth (département and commune, five characters), the
/// order in the month's register, and the key. None where `place` is not of that form.
pub(super) fn number(sex: u8, born: NaiveDate, place: &str, order: i64) -> Option<String> {
    let year = born.year().rem_euclid(100);
    let body = format!("{sex}{year:02}{:02}{place}{order:03}", born.month());
    let key = nir_key(&body)?;
    Some(format!("{body}{key:02}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(sex: u8, born: &str, place: &str, order: i64) -> Option<String> {
        number(sex, born.parse().unwrap(), place, order)
    }

    #[test]
    fn the_key_is_right_on_the_mainland_overseas_and_in_corsica() {
        let of = |sex, born, place, order| made(sex, born, place, order).unwrap();
        assert_eq!(of(2, "1955-08-03", "14168", 25), "255081416802538");
        assert_eq!(of(1, "1985-03-09", "97411", 123), "185039741112364");
        assert_eq!(of(2, "1990-07-01", "97101", 45), "290079710104593");
        assert_eq!(of(1, "1986-02-01", "2A215", 325), "186022A21532523");
        assert_eq!(of(1, "1986-02-01", "2B215", 325), "186022B21532550");
    }

    #[test]
    fn a_place_of_another_form_gives_none() {
        for place in ["", "9741", "974111", "2C215", "97é1"] {
            assert_eq!(made(1, "1985-03-09", place, 1), None, "{place}");
        }
    }
}
