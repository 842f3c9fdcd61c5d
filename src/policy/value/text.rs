//! Texts: names, e-mail addresses, postcodes, bounded lines.

use unicode_normalization::UnicodeNormalization;

use crate::limits::{EMAIL_BYTES_MAX, NAME_CHARS_MAX};

/// NFC, spaces joined to one, `'` for every apostrophe; letters and `-'. ` only.
pub(super) fn name(text: &str) -> Result<String, &'static str> {
    let name = joined(&text.replace('\u{2019}', "'"));
    let allowed = |c: char| c.is_alphabetic() || is_mark(c) || matches!(c, ' ' | '-' | '\'' | '.');
    let shaped = name.chars().all(allowed) && name.chars().any(char::is_alphabetic);
    if shaped && name.chars().count() <= NAME_CHARS_MAX {
        Ok(name)
    } else {
        Err("must be a name of at most 100 letters, spaces, hyphens, apostrophes and full stops")
    }
}

/// ASCII, lower case, `local@domain` with a dot in the domain.
pub(super) fn email(text: &str) -> Result<String, &'static str> {
    const WANTED: &str = "must be an e-mail address";
    let address = text.trim().to_ascii_lowercase();
    let (local, domain) = address.split_once('@').ok_or(WANTED)?;
    let local_ok = (1..=64).contains(&local.len())
        && local.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~.-".contains(&b))
        && !(local.starts_with('.') || local.ends_with('.') || local.contains(".."));
    let label_ok = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !(label.starts_with('-') || label.ends_with('-'))
    };
    let domain_ok = domain.contains('.') && domain.split('.').all(label_ok);
    if local_ok && domain_ok && address.len() <= EMAIL_BYTES_MAX {
        Ok(address)
    } else {
        Err(WANTED)
    }
}

/// Five digits; La Poste's Corsican codes are digits too.
pub(super) fn postcode(text: &str) -> Result<String, &'static str> {
    let code = text.replace([' ', '\u{a0}'], "");
    if code.len() == 5 && code.bytes().all(|b| b.is_ascii_digit()) && !code.starts_with("00") {
        Ok(code)
    } else {
        Err("must be a postcode of five digits")
    }
}

/// NFC, spaces joined to one, no control character, 1 to `max_bytes` bytes.
pub(super) fn line(text: &str, max_bytes: usize) -> Result<String, &'static str> {
    let line = joined(text);
    if line.is_empty() || line.len() > max_bytes {
        return Err("must be text within its bound, and not empty");
    }
    if line.chars().any(char::is_control) { Err("must be one line") } else { Ok(line) }
}

/// NFC, lines trimmed and ended by `\n`, at most one empty line in a row, no other control character, 1 to
/// `max_bytes` bytes.
pub(super) fn note(text: &str, max_bytes: usize) -> Result<String, &'static str> {
    let mut note = String::new();
    let mut gap = "";
    for line in text.replace("\r\n", "\n").split('\n').map(joined) {
        if line.is_empty() {
            gap = if note.is_empty() { "" } else { "\n\n" };
            continue;
        }
        note.push_str(gap);
        note.push_str(&line);
        gap = "\n";
    }
    if note.is_empty() || note.len() > max_bytes {
        return Err("must be text within its bound, and not empty");
    }
    let odd = |c: char| c.is_control() && c != '\n';
    if note.chars().any(odd) { Err("must be lines of text") } else { Ok(note) }
}

/// NFC with runs of spaces (not tabs or line ends: those are refused) joined and trimmed.
fn joined(text: &str) -> String {
    let words: Vec<&str> =
        text.split([' ', '\u{a0}', '\u{202f}']).filter(|w| !w.is_empty()).collect();
    words.join(" ").nfc().collect()
}

fn is_mark(c: char) -> bool {
    unicode_normalization::char::is_combining_mark(c)
}
