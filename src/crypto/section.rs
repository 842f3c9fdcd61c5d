//! Sections: the fields of one class of one record, sealed to the place they belong.
//!
//! Section = 0x01 ‖ salt16 ‖ commitment32 ‖ ciphertext ‖ tag16. Key, nonce and commitment come from
//! the slot secret, a fresh salt and the whole address, so a section opens nowhere else, and each
//! key seals one ciphertext. The commitment is compared, in constant time, before GCM: GCM alone
//! would open one ciphertext under several keys. Lengths are padded to 64 bytes.
//!
//! [`open`] gives plaintext to whoever calls it: its callers are listed in `tests/tidy.rs`.

use std::sync::Arc;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::{
    crypto::{
        aead, kdf,
        lease::{Gate, LeasedSecret},
    },
    ids::{ClassName, CollectionName, RecordId, SlotRef, VaultId},
    limits::SECTION_BYTES_MAX,
    random::Random,
    secret::{Secret, SecretBytes},
};

#[cfg(test)]
mod corruption;
#[cfg(test)]
mod tests;

const FORMAT: u8 = 1;
const AAD_LABEL: &[u8] = b"oubliette/v1/aad";
const KEY_LABEL: &[u8] = b"oubliette/v1/section";
const BLOCK_BYTES: usize = 64;

/// Everything a section is bound to (the aad of DESIGN section 4). Expiry and holds are not in it.
#[derive(Debug, Clone, Copy)]
pub struct SectionAddress<'a> {
    /// The vault.
    pub vault: VaultId,
    /// The slot whose secret seals it.
    pub slot: SlotRef,
    /// The record's collection.
    pub collection: &'a CollectionName,
    /// The record.
    pub record: RecordId,
    /// The field class, or the reserved `_head` and `event`.
    pub class: &'a ClassName,
    /// The section's version, one more at every write.
    pub version: u32,
}

/// The secret of one slot. While one lives, an erasure of its slot waits to be acknowledged.
pub struct SlotSecret(Arc<LeasedSecret>);

/// Why a section was not sealed or opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SectionError {
    /// Truncated, or written by another format version.
    #[error("the section is not of a known format")]
    Format,
    /// Another slot, record, class or version, or a changed byte: which one is not told.
    #[error("the section does not belong here or was changed")]
    Tampered,
    /// More bytes than `limits::SECTION_BYTES_MAX`.
    #[error("the section is larger than {0} bytes")]
    TooLarge(usize),
}

impl SlotSecret {
    /// A slot secret of its own, leased from no keyring: tests and tools.
    #[must_use]
    pub fn from_secret(secret: Secret<32>) -> Self {
        Self(Arc::new(LeasedSecret::new(secret, &Arc::new(Gate::default()))))
    }

    /// A slot secret that the keyring's cache shares.
    pub(crate) fn shared(secret: Arc<LeasedSecret>) -> Self {
        Self(secret)
    }
}

impl SectionAddress<'_> {
    /// "oubliette/v1/aad" ‖ vault_id16 ‖ seg_id16 ‖ u32 index ‖ u16 len ‖ collection ‖ record_id16 ‖
    /// u16 len ‖ class ‖ u32 version.
    pub(crate) fn aad(&self) -> Vec<u8> {
        let collection = self.collection.as_str().as_bytes();
        let class = self.class.as_str().as_bytes();
        [
            AAD_LABEL,
            self.vault.as_bytes(),
            self.slot.seg.as_bytes(),
            &self.slot.index.to_be_bytes(),
            &kdf::u16_len(collection),
            collection,
            self.record.as_bytes(),
            &kdf::u16_len(class),
            class,
            &self.version.to_be_bytes(),
        ]
        .concat()
    }
}

/// Seals a message at its address, under a fresh salt. The caller raises the version at every write.
///
/// Errors: [`SectionError::TooLarge`].
pub fn seal(
    slot: &SlotSecret,
    address: &SectionAddress<'_>,
    message: &[u8],
    random: &dyn Random,
) -> Result<Vec<u8>, SectionError> {
    let mut salt = [0; 16];
    random.fill(&mut salt);
    seal_with_salt(slot, address, message, salt)
}

/// Opens a section at the address where it is expected.
///
/// Errors: [`SectionError::Format`] for an unknown format byte or a truncated section,
/// [`SectionError::Tampered`] for everything else that does not fit.
pub fn open(
    slot: &SlotSecret,
    address: &SectionAddress<'_>,
    section: &[u8],
) -> Result<SecretBytes, SectionError> {
    let (format, rest) = section.split_first().ok_or(SectionError::Format)?;
    if *format != FORMAT {
        return Err(SectionError::Format);
    }
    let (salt, rest) = rest.split_first_chunk::<16>().ok_or(SectionError::Format)?;
    let (commitment, sealed) = rest.split_first_chunk::<32>().ok_or(SectionError::Format)?;
    if sealed.len() < BLOCK_BYTES + aead::TAG_BYTES {
        return Err(SectionError::Format);
    }
    let aad = address.aad();
    let keys = SectionKeys::derive(slot, salt, &aad);
    if !bool::from(keys.commitment.as_slice().ct_eq(commitment)) {
        return Err(SectionError::Tampered);
    }
    let padded =
        aead::open(&keys.key, &keys.nonce, &aad, sealed).map_err(|_| SectionError::Tampered)?;
    unpad(&padded)
}

/// key32 ‖ nonce12 ‖ commitment32, for exactly one ciphertext.
struct SectionKeys {
    key: Secret<32>,
    nonce: [u8; 12],
    commitment: [u8; 32],
}

impl SectionKeys {
    /// HKDF-SHA-256(slot secret, salt16, "oubliette/v1/section" ‖ SHA-256(aad), 76).
    fn derive(slot: &SlotSecret, salt: &[u8; 16], aad: &[u8]) -> Self {
        let bound = Sha256::digest(aad);
        let okm: Secret<76> = kdf::hkdf(slot.0.secret(), salt, &[KEY_LABEL, &bound]);
        let mut bytes = okm.expose().iter().copied();
        let mut take = |out: &mut [u8]| out.iter_mut().zip(&mut bytes).for_each(|(o, b)| *o = b);
        let key = Secret::filled(|out| take(out));
        let (mut nonce, mut commitment) = ([0; 12], [0; 32]);
        take(&mut nonce);
        take(&mut commitment);
        Self { key, nonce, commitment }
    }
}

fn seal_with_salt(
    slot: &SlotSecret,
    address: &SectionAddress<'_>,
    message: &[u8],
    salt: [u8; 16],
) -> Result<Vec<u8>, SectionError> {
    if message.len() > SECTION_BYTES_MAX {
        return Err(SectionError::TooLarge(SECTION_BYTES_MAX));
    }
    let aad = address.aad();
    let keys = SectionKeys::derive(slot, &salt, &aad);
    let mut buffer = pad(message)?;
    aead::seal(&keys.key, &keys.nonce, &aad, &mut buffer).map_err(|_| SectionError::Tampered)?;
    Ok([&[FORMAT], salt.as_slice(), &keys.commitment, &buffer].concat())
}

/// u32 length ‖ message ‖ zeros to a multiple of 64, with room for the tag.
fn pad(message: &[u8]) -> Result<Zeroizing<Vec<u8>>, SectionError> {
    let length =
        u32::try_from(message.len()).map_err(|_| SectionError::TooLarge(SECTION_BYTES_MAX))?;
    let padded = (message.len() + 4).next_multiple_of(BLOCK_BYTES);
    let mut buffer = Zeroizing::new(Vec::with_capacity(padded + aead::TAG_BYTES));
    buffer.extend_from_slice(&length.to_be_bytes());
    buffer.extend_from_slice(message);
    buffer.resize(padded, 0);
    Ok(buffer)
}

fn unpad(padded: &SecretBytes) -> Result<SecretBytes, SectionError> {
    let bytes = padded.expose();
    let (length, rest) = bytes.split_first_chunk::<4>().ok_or(SectionError::Tampered)?;
    let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
    let (message, zeros) = rest.split_at_checked(length).ok_or(SectionError::Tampered)?;
    let canonical = bytes.len() == (length + 4).next_multiple_of(BLOCK_BYTES);
    if !canonical || zeros.iter().any(|b| *b != 0) {
        return Err(SectionError::Tampered);
    }
    Ok(SecretBytes::new(message.to_vec()))
}
