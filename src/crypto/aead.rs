//! Raw AES-256-GCM (NIST SP 800-38D), private to `crypto/`.
//!
//! GCM is neither nonce-misuse resistant nor key-committing: callers derive a key for exactly one
//! ciphertext, and where an attacker could offer several keys they check a commitment first
//! (`section`).

use aes_gcm::{AeadInOut, Aes256Gcm, KeyInit};

use crate::{
    crypto::stack,
    secret::{Secret, SecretBytes},
};

/// Bytes of the GCM tag, at the end of every ciphertext.
pub(super) const TAG_BYTES: usize = 16;

/// The ciphertext was not made with this key, nonce and associated data, or is too long or short.
#[derive(Debug)]
pub(super) struct AeadFailure;

/// Encrypts `buffer` in place and appends the tag. On error the buffer is of no use to anyone.
pub(super) fn seal(
    key: &Secret<32>,
    nonce: &[u8; 12],
    aad: &[u8],
    buffer: &mut Vec<u8>,
) -> Result<(), AeadFailure> {
    // Growing the buffer later would leave a copy of the plaintext in freed memory.
    buffer.reserve_exact(TAG_BYTES);
    stack::wiped(|| {
        Aes256Gcm::new(key.expose().into())
            .encrypt_in_place(nonce.into(), aad, buffer)
            .map_err(|_| AeadFailure)
    })
}

/// The plaintext of `ciphertext ‖ tag`.
pub(super) fn open(
    key: &Secret<32>,
    nonce: &[u8; 12],
    aad: &[u8],
    sealed: &[u8],
) -> Result<SecretBytes, AeadFailure> {
    let mut buffer = zeroize::Zeroizing::new(sealed.to_vec());
    stack::wiped(|| {
        Aes256Gcm::new(key.expose().into())
            .decrypt_in_place(nonce.into(), aad, &mut *buffer)
            .map_err(|_| AeadFailure)
    })?;
    Ok(SecretBytes::new(std::mem::take(&mut *buffer)))
}
