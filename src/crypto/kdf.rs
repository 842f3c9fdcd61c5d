//! Key derivation: HKDF-SHA-256 (RFC 5869), HMAC-SHA-256 (RFC 2104), Argon2id (RFC 9106).
//!
//! Labels belong to the callers. Nothing here bounds Argon2 parameters: whoever reads them from a
//! file or a row must do so before calling (`limits`).

use argon2::{Algorithm, Argon2, Block, Params, Version};
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

use crate::{
    crypto::stack,
    secret::{Secret, SecretBytes},
};

/// Cost of one Argon2id hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Argon2Params {
    /// Memory in KiB.
    pub m_kib: u32,
    /// Passes.
    pub t: u32,
    /// Lanes.
    pub p: u32,
}

/// Argon2id v1.3 (RFC 9106), 32 bytes out, no secret, no associated data.
///
/// `None` for parameters or inputs outside RFC 9106's ranges. Takes as long as the parameters say:
/// call it off the async threads.
#[must_use]
pub fn argon2id(pass: &SecretBytes, salt: &[u8; 16], cost: Argon2Params) -> Option<Secret<32>> {
    let params = Params::new(cost.m_kib, cost.t, cost.p, Some(32)).ok()?;
    // The blocks tell the key to whoever finds them: own memory, wiped on drop.
    let mut blocks = Zeroizing::new(vec![Block::default(); params.block_count()]);
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut done = false;
    let key = Secret::filled(|out| {
        let blocks = blocks.as_mut_slice();
        done = argon2.hash_password_into_with_memory(pass.expose(), salt, out, blocks).is_ok();
    });
    done.then_some(key)
}

/// HKDF-SHA-256 (RFC 5869) of a secret, `info` being the concatenation of its parts.
#[expect(
    clippy::unreachable,
    reason = "expanding fails only above 255 blocks, which the constant assertion excludes"
)]
pub(crate) fn hkdf<const N: usize>(secret: &Secret<32>, salt: &[u8], info: &[&[u8]]) -> Secret<N> {
    const { assert!(N <= 255 * 32) };
    stack::wiped(|| {
        let extracted = Hkdf::<Sha256>::new(Some(salt), secret.expose());
        Secret::filled(|out| {
            if extracted.expand_multi_info(info, out).is_err() {
                unreachable!("HKDF gives up to 255 blocks");
            }
        })
    })
}

/// HMAC-SHA-256 (RFC 2104) under a 32-byte key over the concatenation of `parts`, as a new secret.
pub(crate) fn hmac_secret(key: &Secret<32>, parts: &[&[u8]]) -> Secret<32> {
    let mut mac = hmac(key, parts).finalize().into_bytes();
    let secret = Secret::filled(|out| out.copy_from_slice(&mac));
    mac.as_mut_slice().zeroize();
    secret
}

/// HMAC-SHA-256 as a public tag: it may be stored and compared with what an attacker offers, in
/// constant time.
pub(crate) fn hmac_tag(key: &Secret<32>, parts: &[&[u8]]) -> [u8; 32] {
    hmac(key, parts).finalize().into_bytes().into()
}

fn hmac(key: &Secret<32>, parts: &[&[u8]]) -> Hmac<Sha256> {
    // HMAC pads a short key with zeros to one block; doing it here makes the constructor infallible.
    let mut block = Zeroizing::new([0; 64]);
    for (out, byte) in block.iter_mut().zip(key.expose()) {
        *out = *byte;
    }
    let mut mac = Hmac::<Sha256>::new((&*block).into());
    for part in parts {
        mac.update(part);
    }
    mac
}

/// A length as the formats write it. Names are at most 64 bytes, so saturation is never reached.
pub(crate) fn u16_len(bytes: &[u8]) -> [u8; 2] {
    u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_be_bytes()
}
