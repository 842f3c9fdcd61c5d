//! Telephone numbers: E.164, with the French national formats resolved to their country codes.
//!
//! A national number `0` + nine digits belongs to +262, +590, +594, +596 (overseas) or +33, told by
//! its first four digits (ARCEP's numbering plan). Written international under +33, an overseas number gets its own country code.

const WANTED: &str = "must be a telephone number, national or international";

/// First four national digits of each overseas country code.
const OVERSEAS: [(&str, &[&str]); 4] = [
    ("262", &["0262", "0263", "0269", "0639", "0692", "0693"]),
    ("590", &["0590", "0690", "0691"]),
    ("594", &["0594", "0694"]),
    ("596", &["0596", "0696", "0697"]),
];

/// `+` and 8 to 15 digits. Errors: a fixed sentence.
pub(super) fn normalise(text: &str) -> Result<String, &'static str> {
    // "+33 (0)6": the zero in brackets is not dialled.
    let compact: String = text
        .replace("(0)", "")
        .chars()
        .filter(|c| !matches!(c, ' ' | '\u{a0}' | '\u{202f}' | '.' | '-' | '/' | '(' | ')'))
        .collect();
    let international =
        compact.strip_prefix('+').or_else(|| compact.strip_prefix("00")).map(str::to_owned);
    let digits = international.as_deref().unwrap_or(&compact);
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(WANTED);
    }
    match international {
        None => from_national(digits),
        Some(number) => from_international(&number),
    }
}

fn from_national(digits: &str) -> Result<String, &'static str> {
    let significant = digits.strip_prefix('0').ok_or(WANTED)?;
    if significant.len() != 9 || significant.starts_with('0') {
        return Err(WANTED);
    }
    let code = OVERSEAS
        .iter()
        .find(|(_, heads)| heads.iter().any(|head| digits.starts_with(head)))
        .map_or("33", |(code, _)| code);
    Ok(format!("+{code}{significant}"))
}

fn from_international(digits: &str) -> Result<String, &'static str> {
    let french = ["33", "262", "590", "594", "596"];
    let known = french.iter().find_map(|code| Some((*code, digits.strip_prefix(code)?)));
    if let Some((code, rest)) = known {
        let number = from_national(&format!("0{rest}"))?;
        // Only +33 may turn out to be another country code's number.
        let same = number.get(1..).is_some_and(|n| n.starts_with(code));
        return if same || code == "33" { Ok(number) } else { Err(WANTED) };
    }
    let plausible = (8..=15).contains(&digits.len()) && !digits.starts_with('0');
    if plausible { Ok(format!("+{digits}")) } else { Err(WANTED) }
}
