//! The permanent leaf: JSON in exactly one form, so that its bytes can be hashed and read for ever.
//!
//! `{"v":1,"n":42,"t":"2020-11-23T08:00:00.123Z","k":"reveal","d":"<base64 of SHA-256>"}`.
//! Invariant: `parse(bytes)` succeeds only on bytes that `encode` would write: no spaces, no other
//! order, no second spelling of a number, a time or a digest. Nothing personal is in a leaf.

use base64::{Engine, engine::general_purpose::STANDARD};

use super::merkle::Hash;
use crate::clock::Timestamp;

/// Kind of the leaf that every generation of the keyring writes.
pub const KIND_GENERATION: &str = "generation";
/// Kind of the first leaf of an origin that follows another one.
pub const KIND_ORIGIN: &str = "origin";

/// What a leaf says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// Its number in its origin's tree, from 0.
    pub number: u64,
    /// When: RFC 3339, UTC, three decimals.
    pub time: String,
    /// What: 1 to 64 of `a-z 0-9 _ - . :`.
    pub kind: String,
    /// SHA-256 of the event's sealed detail (of the detail itself for `generation` and `origin`).
    pub digest: Hash,
}

/// Why bytes are not a leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a leaf in the one form that is written")]
pub struct LeafError;

/// The bytes of a leaf. `kind` must be a word ([`is_kind`]); it is written as it is.
#[must_use]
pub fn encode(number: u64, time: Timestamp, kind: &str, digest: &Hash) -> Vec<u8> {
    spell(number, &time.to_string(), kind, digest)
}

/// Reads a leaf strictly. Errors: [`LeafError`] for any byte that `encode` would not have written.
pub fn parse(bytes: &[u8]) -> Result<Leaf, LeafError> {
    let text = std::str::from_utf8(bytes).map_err(|_| LeafError)?;
    let rest = text.strip_prefix("{\"v\":1,\"n\":").ok_or(LeafError)?;
    let (number, rest) = rest.split_once(",\"t\":\"").ok_or(LeafError)?;
    let (time, rest) = rest.split_once("\",\"k\":\"").ok_or(LeafError)?;
    let (kind, rest) = rest.split_once("\",\"d\":\"").ok_or(LeafError)?;
    let digest = rest.strip_suffix("\"}").ok_or(LeafError)?;
    let digest = STANDARD.decode(digest).map_err(|_| LeafError)?;
    let leaf = Leaf {
        number: number.parse().map_err(|_| LeafError)?,
        time: time.to_owned(),
        kind: kind.to_owned(),
        digest: digest.try_into().map_err(|_| LeafError)?,
    };
    let spelled = spell(leaf.number, &leaf.time, &leaf.kind, &leaf.digest);
    if is_time(time) && is_kind(kind) && spelled == bytes { Ok(leaf) } else { Err(LeafError) }
}

/// Whether a word may be a leaf's kind: 1 to 64 of `a-z 0-9 _ - . :`.
#[must_use]
pub fn is_kind(kind: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-.:".contains(&b);
    (1..=64).contains(&kind.len()) && kind.bytes().all(allowed)
}

fn is_time(text: &str) -> bool {
    chrono::DateTime::parse_from_rfc3339(text)
        .is_ok_and(|t| Timestamp::from_millis(t.timestamp_millis()).to_string() == text)
}

fn spell(number: u64, time: &str, kind: &str, digest: &Hash) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(192);
    for part in ["{\"v\":1,\"n\":", &number.to_string(), ",\"t\":\"", time] {
        bytes.extend_from_slice(part.as_bytes());
    }
    for part in ["\",\"k\":\"", kind, "\",\"d\":\"", &STANDARD.encode(digest), "\"}"] {
        bytes.extend_from_slice(part.as_bytes());
    }
    bytes
}
