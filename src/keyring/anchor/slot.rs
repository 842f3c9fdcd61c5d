//! One 4096-byte slot of a file anchor, as bytes.
//!
//! "OUBA" ‖ 0x01 ‖ u64 g ‖ vault_id16 ‖ SHA-256(keyring.g)32 ‖ u8 root kind ‖ u32 m KiB ‖ u32 t ‖
//! u32 p ‖ Argon2 salt16 ‖ slot salt32 ‖ GCM ciphertext32 ‖ tag16 ‖ CRC-32C of all before ‖ zeros.
//! A bad CRC is a torn write; a good CRC with a bad tag is a wrong root key. Nothing here does IO.

use crate::{
    crypto::{
        kdf::{self, Argon2Params},
        once,
    },
    ids::VaultId,
    keyring::{
        anchor::Entry,
        root::{Root, RootParams},
    },
    secret::{Secret, SecretBytes},
};

/// Bytes of one slot.
pub(crate) const SLOT_BYTES: usize = 4096;

const MAGIC: [u8; 5] = *b"OUBA\x01";
const KEY_LABEL: &[u8] = b"oubliette/v1/anchor";
const SEALED_BYTES: usize = 48;
/// Everything before the ciphertext.
const HEADER_BYTES: usize = 5 + 8 + 16 + 32 + 1 + 12 + 16 + 32;

/// What a slot's bytes are.
pub(crate) enum SlotContent {
    /// All zeros: never written, or scrubbed.
    Empty,
    /// Half-written, half-scrubbed or damaged.
    Torn,
    /// Whole: its root key opens it, or the root key is wrong.
    Whole(Box<SealedSlot>),
}

/// A whole slot, not yet opened.
pub(crate) struct SealedSlot {
    generation: u64,
    vault: VaultId,
    keyring_hash: [u8; 32],
    root: RootParams,
    slot_salt: [u8; 32],
    header: [u8; HEADER_BYTES],
    sealed: [u8; SEALED_BYTES],
}

/// The good CRC with the bad tag.
pub(crate) struct WrongRoot;

impl SlotContent {
    /// Reads a slot.
    pub(crate) fn parse(bytes: &[u8; SLOT_BYTES]) -> Self {
        if bytes.iter().all(|b| *b == 0) {
            return Self::Empty;
        }
        SealedSlot::parse(bytes).map_or(Self::Torn, |slot| Self::Whole(Box::new(slot)))
    }
}

impl SealedSlot {
    fn parse(bytes: &[u8; SLOT_BYTES]) -> Option<Self> {
        let (checked, rest) = bytes.split_at_checked(HEADER_BYTES + SEALED_BYTES)?;
        let (crc, zeros) = rest.split_first_chunk::<4>()?;
        let whole = u32::from_be_bytes(*crc) == crc32c::crc32c(checked);
        if !whole || zeros.iter().any(|b| *b != 0) {
            return None;
        }
        let (header, sealed) = checked.split_first_chunk::<HEADER_BYTES>()?;
        let rest = header.strip_prefix(MAGIC.as_slice())?;
        let (generation, rest) = rest.split_first_chunk()?;
        let (vault, rest) = rest.split_first_chunk()?;
        let (keyring_hash, rest) = rest.split_first_chunk()?;
        let (kind, rest) = rest.split_first()?;
        let (m_kib, rest) = rest.split_first_chunk()?;
        let (t, rest) = rest.split_first_chunk()?;
        let (p, rest) = rest.split_first_chunk()?;
        let (salt, slot_salt) = rest.split_first_chunk()?;
        let [m_kib, t, p] = [m_kib, t, p].map(|n| u32::from_be_bytes(*n));
        Some(Self {
            generation: u64::from_be_bytes(*generation),
            vault: VaultId::from_bytes(*vault),
            keyring_hash: *keyring_hash,
            root: RootParams { kind: *kind, cost: Argon2Params { m_kib, t, p }, salt: *salt },
            slot_salt: slot_salt.try_into().ok()?,
            header: *header,
            sealed: sealed.try_into().ok()?,
        })
    }

    /// How this slot's root key is made.
    pub(crate) fn root(&self) -> &RootParams {
        &self.root
    }

    /// The generation it claims: authentic only once it opens.
    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// The vault it claims: authentic only once it opens.
    pub(crate) fn vault(&self) -> VaultId {
        self.vault
    }

    /// Opens the slot with its root key.
    pub(crate) fn open(&self, root: &Root) -> Result<Entry, WrongRoot> {
        let key = derive_slot_key(&root.key, &self.slot_salt, self.generation);
        let opened = once::open(&key, &self.header, &self.sealed).map_err(|_| WrongRoot)?;
        // EXPOSE: copied into a secret of fixed length.
        let key = Secret::from_slice(opened.expose()).ok_or(WrongRoot)?;
        Ok(Entry {
            generation: self.generation,
            vault: self.vault,
            keyring_hash: self.keyring_hash,
            root: root.share(),
            key,
        })
    }
}

/// The bytes of a slot that holds `entry` under its root key, and under a slot salt that is fresh at
/// every write. `None` never happens for an entry's fixed lengths.
pub(crate) fn seal(entry: &Entry, slot_salt: &[u8; 32]) -> Option<Box<[u8; SLOT_BYTES]>> {
    let root = &entry.root.params;
    let header = [
        MAGIC.as_slice(),
        &entry.generation.to_be_bytes(),
        entry.vault.as_bytes(),
        &entry.keyring_hash,
        &[root.kind],
        &root.cost.m_kib.to_be_bytes(),
        &root.cost.t.to_be_bytes(),
        &root.cost.p.to_be_bytes(),
        &root.salt,
        slot_salt,
    ]
    .concat();
    let key = derive_slot_key(&entry.root.key, slot_salt, entry.generation);
    // EXPOSE: sealed at once; the copy is wiped by its wrapper.
    let generation_key = SecretBytes::new(entry.key.expose().to_vec());
    let sealed = once::seal(key, &header, generation_key)?;
    let mut bytes = [header, sealed].concat();
    bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_be_bytes());
    bytes.resize(SLOT_BYTES, 0);
    bytes.into_boxed_slice().try_into().ok()
}

/// slot key = HKDF(root key, slot salt, "oubliette/v1/anchor" ‖ u64 g, 32).
fn derive_slot_key(root_key: &Secret<32>, slot_salt: &[u8; 32], generation: u64) -> Secret<32> {
    kdf::hkdf(root_key, slot_salt, &[KEY_LABEL, &generation.to_be_bytes()])
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use sha2::{Digest, Sha256};

    fn unhex<const N: usize>(value: &serde_json::Value) -> [u8; N] {
        hex::decode(value.as_str().unwrap()).unwrap().try_into().unwrap()
    }

    fn root(key: [u8; 32]) -> Root {
        let params = RootParams {
            kind: 1,
            cost: Argon2Params { m_kib: 65_536, t: 3, p: 4 },
            salt: [0x11; 16],
        };
        Root { params, key: Arc::new(Secret::from_bytes(key)) }
    }

    fn vector_entry(root_key: [u8; 32]) -> Entry {
        let all = crate::crypto::tests::vectors();
        Entry {
            generation: 3,
            vault: VaultId::from_bytes(unhex(&all["keyring"]["vault_id"])),
            keyring_hash: unhex(&all["keyring"]["sha256"]),
            root: root(root_key),
            key: Secret::from_bytes(unhex(&all["keyring"]["generation_key"])),
        }
    }

    #[test]
    fn anchor_slots_equal_the_vectors() {
        let all = crate::crypto::tests::vectors();
        for name in ["anchor", "anchor_from_passphrase"] {
            let expected = &all[name];
            let root_key = unhex(&expected["root_key"]);
            let salt = [0xcc; 32];
            let key = derive_slot_key(&Secret::from_bytes(root_key), &salt, 3);
            assert_eq!(hex::encode(key.expose()), expected["slot_key"].as_str().unwrap());
            let slot = seal(&vector_entry(root_key), &salt).unwrap();
            let text = hex::encode(slot.as_slice());
            let (written, zeros) =
                text.split_at(expected["slot_without_zero_padding"].as_str().unwrap().len());
            assert_eq!(written, expected["slot_without_zero_padding"].as_str().unwrap());
            assert!(zeros.bytes().all(|b| b == b'0'));
            if let Some(sum) = expected["slot_4096_sha256"].as_str() {
                assert_eq!(hex::encode(Sha256::digest(slot.as_slice())), sum);
            }
        }
    }

    #[test]
    fn a_whole_slot_opens_with_its_root_key_and_refuses_another() {
        let slot = seal(&vector_entry([9; 32]), &[1; 32]).unwrap();
        let SlotContent::Whole(sealed) = SlotContent::parse(&slot) else { panic!("not whole") };
        let entry = sealed.open(&root([9; 32])).ok().unwrap();
        assert_eq!(entry.generation, 3);
        assert!(entry.key.ct_eq(&vector_entry([9; 32]).key));
        assert!(sealed.open(&root([8; 32])).is_err());
    }

    #[test]
    fn a_flipped_bit_makes_a_slot_torn_and_zeros_are_empty() {
        let slot = seal(&vector_entry([9; 32]), &[1; 32]).unwrap();
        for byte in (0..HEADER_BYTES + SEALED_BYTES + 4).chain([SLOT_BYTES - 1]) {
            let mut changed = slot.clone();
            changed[byte] ^= 1;
            assert!(matches!(SlotContent::parse(&changed), SlotContent::Torn), "byte {byte}");
        }
        assert!(matches!(SlotContent::parse(&[0; SLOT_BYTES]), SlotContent::Empty));
    }

    #[test]
    fn a_changed_header_with_a_repaired_crc_does_not_open() {
        let slot = seal(&vector_entry([9; 32]), &[1; 32]).unwrap();
        let mut changed = slot.clone();
        changed[12] ^= 1; // the generation's last byte
        let crc = crc32c::crc32c(&changed[..HEADER_BYTES + SEALED_BYTES]).to_be_bytes();
        changed[HEADER_BYTES + SEALED_BYTES..][..4].copy_from_slice(&crc);
        let SlotContent::Whole(sealed) = SlotContent::parse(&changed) else { panic!("not whole") };
        assert!(sealed.open(&root([9; 32])).is_err());
    }
}
