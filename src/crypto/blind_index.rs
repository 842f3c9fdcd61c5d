//! Blind index: keyed tokens of normalised values, so that a search finds equal values and a stolen
//! database finds nothing once the cohort's index key is gone.
//!
//! A token confirms a guess for whoever holds the index key: it is dropped with its cohort.

use crate::{crypto::kdf, ids::CollectionName, random::Random, secret::Secret};

const TOKEN_LABEL: &[u8] = b"oubliette/v1/index";
const REQUEST_LABEL: &[u8] = b"oubliette/v1/request";

/// First 16 bytes of the keyed hash of a normalised value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub [u8; 16]);

/// An index key of a cohort, with its id.
pub struct IndexKey {
    id: u32,
    key: Secret<32>,
}

impl IndexKey {
    /// Draws the key with this id.
    #[must_use]
    pub fn make(id: u32, random: &dyn Random) -> Self {
        Self { id, key: Secret::make(random) }
    }

    /// The key with this id and these bytes.
    #[must_use]
    pub fn new(id: u32, key: Secret<32>) -> Self {
        Self { id, key }
    }

    /// The id: part of every row key made with this key.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The key itself, for the keyring's body alone.
    pub(crate) fn key(&self) -> &Secret<32> {
        &self.key
    }

    /// HMAC-SHA-256(index key, "oubliette/v1/index" ‖ u16 len ‖ collection ‖ u16 len ‖ field ‖
    /// normalised value), first 16 bytes.
    #[must_use]
    pub fn token(&self, collection: &CollectionName, field: &str, value: &[u8]) -> Token {
        let (collection, field) = (collection.as_str().as_bytes(), field.as_bytes());
        let tag = kdf::hmac_tag(
            &self.key,
            &[
                TOKEN_LABEL,
                &kdf::u16_len(collection),
                collection,
                &kdf::u16_len(field),
                field,
                value,
            ],
        );
        let mut token = [0; 16];
        for (out, byte) in token.iter_mut().zip(tag) {
            *out = byte;
        }
        Token(token)
    }

    /// HMAC-SHA-256(index key, "oubliette/v1/request" ‖ request bytes): the stored fingerprint of
    /// an idempotent request.
    #[must_use]
    pub fn fingerprint(&self, request: &[u8]) -> [u8; 32] {
        kdf::hmac_tag(&self.key, &[REQUEST_LABEL, request])
    }
}
