//! The stream of numbers that a sample is made of. Fixed for ever: the same seed must give the same
//! bytes with every later version, so nothing below may change; another stream is another label.
//!
//! It is no source of secrets: everything follows from a small seed. Integers are big-endian, `‖`
//! joins bytes, and a text is `u16 length ‖ UTF-8`.
//!
//! ```text
//! key of a run     SHA-256("oubliette/sample/v1/seed" ‖ u64 seed)
//! key of a record  SHA-256("oubliette/sample/v1/record" ‖ key of parent or run ‖ text collection ‖ u64 number)
//! block of a draw  SHA-256("oubliette/sample/v1/draw" ‖ key of record ‖ text label ‖ u32 block), four u64 words
//! request id       first 16 bytes of SHA-256("oubliette/sample/v1/request" ‖ key of record)
//! ```
//!
//! A number is counted from 1: among all roots, or among the records of its collection under one
//! parent. What is drawn for one label of one record therefore depends on nothing else: a longer run
//! begins with the same records, and a new field in the description changes no other.

use sha2::{Digest, Sha256};

use crate::ids::RequestId;

/// What one record, or the run itself, is drawn from.
#[derive(Clone, Copy)]
pub(super) struct Key([u8; 32]);

impl Key {
    /// The key of a run.
    pub(super) fn of_run(seed: u64) -> Self {
        let hash = Sha256::new().chain_update("oubliette/sample/v1/seed");
        Self(hash.chain_update(seed.to_be_bytes()).finalize().into())
    }

    /// The key of the `number`-th record of a collection under this parent or run.
    pub(super) fn of_record(self, collection: &str, number: u64) -> Self {
        let hash = Sha256::new().chain_update("oubliette/sample/v1/record").chain_update(self.0);
        Self(with_text(hash, collection).chain_update(number.to_be_bytes()).finalize().into())
    }

    /// The stream of one label, from its beginning.
    pub(super) fn draw(self, label: &str) -> Draw<'_> {
        Draw { key: self, label, block: 0, words: Vec::new() }
    }

    /// The record's request id: filing the same record again takes effect once.
    pub(super) fn request(self) -> RequestId {
        let hash = Sha256::new().chain_update("oubliette/sample/v1/request").chain_update(self.0);
        let digest: [u8; 32] = hash.finalize().into();
        let mut id = [0; 16];
        id.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        RequestId::from_bytes(id)
    }
}

fn with_text(hash: Sha256, text: &str) -> Sha256 {
    // Texts come from a file of bounded size whose names are far shorter than 64 KiB.
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    hash.chain_update(length.to_be_bytes()).chain_update(text)
}

/// The words of one label of one record.
pub(super) struct Draw<'a> {
    key: Key,
    label: &'a str,
    block: u32,
    /// Words of the last block not taken yet, the next one last.
    words: Vec<u64>,
}

impl Draw<'_> {
    fn word(&mut self) -> u64 {
        if self.words.is_empty() {
            let hash =
                Sha256::new().chain_update("oubliette/sample/v1/draw").chain_update(self.key.0);
            let hash = with_text(hash, self.label).chain_update(self.block.to_be_bytes());
            let digest: [u8; 32] = hash.finalize().into();
            self.block = self.block.wrapping_add(1);
            let words = digest.as_chunks::<8>().0;
            self.words.extend(words.iter().rev().map(|word| u64::from_be_bytes(*word)));
        }
        self.words.pop().unwrap_or_default()
    }

    /// A number below `bound`, each as likely as another; 0 where `bound` is 0. Words at and above the
    /// largest multiple of `bound` that fits 2^64 are passed over.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        let Some(over) = u64::MAX.checked_rem(bound).map(|rest| (rest + 1) % bound) else {
            return 0;
        };
        loop {
            let word = self.word();
            if word <= u64::MAX - over {
                return word % bound;
            }
        }
    }

    /// A number from `min` to `max`, both included; `min` where they are the wrong way round.
    pub(super) fn between(&mut self, min: i64, max: i64) -> i64 {
        if min >= max {
            return min;
        }
        min.saturating_add_unsigned(self.below(max.abs_diff(min).saturating_add(1)))
    }

    /// True in `percent` of a hundred.
    pub(super) fn happens(&mut self, percent: u8) -> bool {
        self.below(100) < u64::from(percent)
    }

    /// One of a slice.
    pub(super) fn one_of<'b, T>(&mut self, of: &'b [T]) -> Option<&'b T> {
        let index = self.below(u64::try_from(of.len()).unwrap_or(u64::MAX));
        usize::try_from(index).ok().and_then(|index| of.get(index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_the_one_that_is_written_down_for_ever() {
        let key = Key::of_run(1).of_record("c", 2);
        let mut draw = key.draw("label");
        let words: Vec<u64> = (0..5).map(|_| draw.word()).collect();
        // Made by Python's hashlib from the formulas above.
        assert_eq!(
            words,
            [
                0x2097fca04c0bcbb4,
                0x677882cbc2a2148c,
                0x5f6dbc035629b985,
                0xe8587fddfe76a2a3,
                0x855e073c2a4b448d,
            ]
        );
        assert_eq!(key.request().to_string(), "a64d96eef49e2a949b75794b58d435da");
    }

    #[test]
    fn what_is_drawn_depends_on_seed_collection_number_parent_and_label() {
        let word = |key: Key, label: &str| key.draw(label).word();
        let run = Key::of_run(1);
        let one = word(run.of_record("c", 1), "l");
        assert_eq!(one, word(run.of_record("c", 1), "l"));
        assert_ne!(one, word(Key::of_run(2).of_record("c", 1), "l"));
        assert_ne!(one, word(run.of_record("d", 1), "l"));
        assert_ne!(one, word(run.of_record("c", 2), "l"));
        assert_ne!(one, word(run.of_record("c", 1), "m"));
        assert_ne!(one, word(run.of_record("c", 1).of_record("c", 1), "l"));
    }

    #[test]
    fn bounds_are_kept_and_reached() {
        let mut draw = Key::of_run(7).draw("l");
        let drawn: std::collections::BTreeSet<i64> =
            (0..200).map(|_| draw.between(-2, 2)).collect();
        assert_eq!(drawn.into_iter().collect::<Vec<_>>(), [-2, -1, 0, 1, 2]);
        assert_eq!(draw.between(5, 5), 5);
        assert_eq!(draw.below(0), 0);
        assert_eq!(draw.below(1), 0);
        assert!((0..200).all(|_| draw.happens(100)) && !(0..200).any(|_| draw.happens(0)));
        assert_eq!(draw.one_of::<u8>(&[]), None);
    }
}
