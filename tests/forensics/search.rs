//! Looking through raw bytes: for the marks of plaintexts, in each form they could have been written in,
//! and for keys.

use std::collections::HashMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::formats::Key;

/// With this every marked value begins or goes on; nothing else in a vault holds it.
pub(crate) const MARK: &str = "MARQUE";

/// Byte strings that are looked for together, in one pass.
pub(crate) struct Needles<T> {
    by_head: HashMap<[u8; 4], Vec<(Vec<u8>, T)>>,
    /// Whether any needle begins with these two bytes.
    begins: Vec<bool>,
}

impl<T: Clone> Needles<T> {
    /// These, each of 4 bytes or more.
    pub(crate) fn new(all: impl IntoIterator<Item = (Vec<u8>, T)>) -> Self {
        let mut needles = Self { by_head: HashMap::new(), begins: vec![false; 1 << 16] };
        for (needle, what) in all {
            let head: [u8; 4] = *needle.first_chunk().expect("a needle of 4 bytes");
            needles.begins[usize::from(u16::from_be_bytes([head[0], head[1]]))] = true;
            needles.by_head.entry(head).or_default().push((needle, what));
        }
        needles
    }

    /// Where any of them stands, with what it is.
    pub(crate) fn find(&self, bytes: &[u8]) -> Vec<(usize, T)> {
        let mut found = Vec::new();
        for (at, head) in bytes.windows(4).enumerate() {
            if !self.begins[usize::from(head[0]) << 8 | usize::from(head[1])] {
                continue;
            }
            let Some(here) = self.by_head.get(head) else { continue };
            let here = here.iter().filter(|(needle, _)| bytes[at..].starts_with(needle));
            found.extend(here.map(|(_, what)| (at, what.clone())));
        }
        found
    }
}

/// The mark in UTF-8, UTF-16 either way, hexadecimal, and base64 at each of its three alignments (the
/// letters that do not depend on the neighbours); in capitals and small letters.
pub(crate) fn marks() -> Needles<&'static str> {
    let mut all = Vec::new();
    for mark in [MARK.to_owned(), MARK.to_lowercase()] {
        let utf16 =
            |bytes: fn(u16) -> [u8; 2]| mark.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
        all.extend([
            (mark.as_bytes().to_vec(), "UTF-8"),
            (utf16(u16::to_le_bytes), "UTF-16LE"),
            (utf16(u16::to_be_bytes), "UTF-16BE"),
            (hex::encode(&mark).into_bytes(), "hexadecimal"),
            (hex::encode_upper(&mark).into_bytes(), "hexadecimal"),
        ]);
        for skip in 0..3 {
            let padded = [&[0; 3][..skip], mark.as_bytes()].concat();
            let encoded = STANDARD.encode(padded).trim_end_matches('=').as_bytes().to_vec();
            all.push((encoded[[0, 2, 3][skip]..encoded.len() - 1].to_vec(), "base64"));
        }
    }
    Needles::new(all)
}

/// Needles for keys as they are.
pub(crate) fn keys<T: Clone>(all: impl IntoIterator<Item = (Key, T)>) -> Needles<T> {
    Needles::new(all.into_iter().map(|(key, what)| (key.to_vec(), what)))
}

#[test]
fn a_mark_is_found_in_each_form_and_a_text_without_it_is_not() {
    let marks = marks();
    let found = |bytes: &[u8]| marks.find(bytes).into_iter().map(|(_, form)| form).next();
    let text = "12 rue MARQUE 7";
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    for (bytes, form) in [
        (text.as_bytes().to_vec(), "UTF-8"),
        (text.to_lowercase().into_bytes(), "UTF-8"),
        (utf16, "UTF-16BE"),
        (hex::encode(text).into_bytes(), "hexadecimal"),
        (STANDARD.encode(text).into_bytes(), "base64"),
        (STANDARD.encode(&text[1..]).into_bytes(), "base64"),
        (STANDARD.encode(&text[2..]).into_bytes(), "base64"),
    ] {
        assert_eq!(found(&bytes), Some(form));
    }
    assert_eq!(found(b"12 rue de la MARQ, UE"), None);
}
