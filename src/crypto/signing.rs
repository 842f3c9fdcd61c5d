//! Ed25519 (RFC 8032): the audit log's and the certificates' signatures.
//!
//! Verification is strict: small-order keys and non-canonical signatures are refused, so that every
//! verifier agrees on what is signed.

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};

use crate::secret::Secret;

/// A signer; the key is wiped on drop.
pub struct Signer(Box<SigningKey>);

impl Signer {
    /// The signer of this 32-byte seed.
    #[must_use]
    pub fn from_seed(seed: Secret<32>) -> Self {
        Self::of(&seed)
    }

    /// The signer of a seed that its owner keeps.
    pub(crate) fn of(seed: &Secret<32>) -> Self {
        Self(Box::new(SigningKey::from_bytes(seed.expose())))
    }

    /// The public key, 32 bytes.
    #[must_use]
    pub fn public(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    /// The 64-byte signature of a message; the same message always gives the same signature.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

/// Whether `signature` is this key's over this message.
#[must_use]
pub fn verify(public: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    VerifyingKey::from_bytes(public)
        .is_ok_and(|key| key.verify_strict(message, &Signature::from_bytes(signature)).is_ok())
}
