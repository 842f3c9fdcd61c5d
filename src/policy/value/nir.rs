//! The NIR: the French national identification number, 13 characters and a two-digit key.
//!
//! Layout: sex, year, month, département (2), commune (3), order (3), key = 97 - (N mod 97). In
//! Corsica the département is `2A` or `2B`, which count as 19 and 18 in N. The overseas départements
//! use three digits and a two-digit commune, which changes nothing here. Provisional numbers have
//! sex 7 or 8 and months 20 to 42 or 50 to 99.

const WANTED: &str = "must be a NIR of 13 characters and its two-digit key";
const KEY: &str = "is a NIR whose key does not match";

/// 15 characters without separators, upper case. Errors: a fixed sentence.
pub(super) fn normalise(text: &str) -> Result<String, &'static str> {
    let nir: String = text
        .chars()
        .filter(|c| !matches!(c, ' ' | '\u{a0}' | '\u{202f}' | '.' | '-'))
        .map(|c| c.to_ascii_uppercase())
        .collect();
    let (body, key) = nir.split_at_checked(13).filter(|(_, key)| key.len() == 2).ok_or(WANTED)?;
    let right = nir_key(body).ok_or(WANTED)?;
    let body = in_digits(body).ok_or(WANTED)?;
    let field = |from: usize, to: usize| -> Option<u32> { body.get(from..to)?.parse().ok() };
    let sex_ok = matches!(field(0, 1), Some(1..=4 | 7 | 8));
    let month_ok = matches!(field(3, 5), Some(1..=12 | 20..=42 | 50..=99));
    let department_ok = matches!(field(5, 7), Some(1..=99));
    if !(sex_ok && month_ok && department_ok) {
        return Err(WANTED);
    }
    let key: u64 = two_digits(key).ok_or(WANTED)?;
    if key == right { Ok(nir) } else { Err(KEY) }
}

/// The key, 1 to 97, of the 13 characters before it; none where they are not of that form.
#[must_use]
pub fn nir_key(body: &str) -> Option<u64> {
    let number: u64 = in_digits(body)?.parse().ok()?;
    Some(97 - number % 97)
}

/// The 13 characters as digits, Corsica replaced: 2A by 19, 2B by 18.
fn in_digits(body: &str) -> Option<String> {
    let (before, rest) = body.split_at_checked(5)?;
    let (department, after) = rest.split_at_checked(2)?;
    let department = match department {
        "2A" => "19",
        "2B" => "18",
        other => other,
    };
    let digits = format!("{before}{department}{after}");
    (digits.len() == 13 && digits.bytes().all(|b| b.is_ascii_digit())).then_some(digits)
}

fn two_digits(text: &str) -> Option<u64> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}
