//! Sealing with a key that seals one message in its life: keyring files and anchor slots.
//!
//! The nonce is zero, which is safe only because the key is never used again: [`seal`] therefore
//! consumes it. No commitment: the key's origin is fixed by the file's own header, never a choice
//! among several keys.

use crate::{
    crypto::aead,
    secret::{Secret, SecretBytes},
};

const NONCE: [u8; 12] = [0; 12];

/// Not sealed with this key and associated data, or changed since.
#[derive(Debug)]
pub(crate) struct WrongKeyOrChanged;

/// AES-256-GCM(key, nonce 0, message, aad) = ciphertext ‖ tag16. `None` beyond GCM's 64 GiB.
pub(crate) fn seal(key: Secret<32>, aad: &[u8], message: SecretBytes) -> Option<Vec<u8>> {
    let mut buffer =
        zeroize::Zeroizing::new(Vec::with_capacity(message.expose().len() + aead::TAG_BYTES));
    buffer.extend_from_slice(message.expose());
    drop(message);
    aead::seal(&key, &NONCE, aad, &mut buffer).ok()?;
    drop(key);
    Some(std::mem::take(&mut *buffer))
}

/// The message, if key and associated data are those it was sealed with.
pub(crate) fn open(
    key: &Secret<32>,
    aad: &[u8],
    sealed: &[u8],
) -> Result<SecretBytes, WrongKeyOrChanged> {
    aead::open(key, &NONCE, aad, sealed).map_err(|_| WrongKeyOrChanged)
}
