//! The keyring file: keyring.g = "OUBK" ‖ 0x01 ‖ u64 g ‖ vault_id16 ‖ AES-256-GCM(body).
//!
//! The seal key comes from the generation key, which lives only in the anchors. A generation key
//! seals one file in its life: a redo of a generation draws a new one.

use sha2::{Digest, Sha256};

use crate::{
    crypto::{kdf, once},
    ids::VaultId,
    secret::{Secret, SecretBytes},
};

const MAGIC: [u8; 5] = *b"OUBK\x01";
const SEAL_LABEL: &[u8] = b"oubliette/v1/keyring";
const DETAIL_MAGIC: [u8; 5] = *b"OUBG\x01";

/// The name of generation `g`'s file at a place.
pub(crate) fn file_name(generation: u64) -> String {
    format!("keyring.{generation}")
}

/// The generation a place's file name stands for.
pub(crate) fn parse_file_name(name: &str) -> Option<u64> {
    name.strip_prefix("keyring.")?.parse().ok()
}

/// SHA-256 of a keyring file's bytes: what anchors, bodies and leaves name it by.
pub(crate) fn hash(file: &[u8]) -> [u8; 32] {
    Sha256::digest(file).into()
}

/// Seals an encoded body. `None` beyond what GCM can seal.
pub(crate) fn seal(
    generation_key: &Secret<32>,
    generation: u64,
    vault: &VaultId,
    body: SecretBytes,
) -> Option<Vec<u8>> {
    let header = header(generation, vault);
    let key = derive_seal_key(generation_key, generation, vault);
    let sealed = once::seal(key, &header, body)?;
    Some([header, sealed].concat())
}

/// The encoded body, if the file is this vault's generation `g` and was sealed with this key.
pub(crate) fn open(
    generation_key: &Secret<32>,
    generation: u64,
    vault: &VaultId,
    file: &[u8],
) -> Option<SecretBytes> {
    let header = header(generation, vault);
    let sealed = file.strip_prefix(header.as_slice())?;
    once::open(&derive_seal_key(generation_key, generation, vault), &header, sealed).ok()
}

/// "OUBG" ‖ 0x01 ‖ u64 g ‖ SHA-256(keyring.g)32 ‖ SHA-256(keyring.(g-1))32: the generation leaf's
/// detail, nothing of it secret or personal.
pub(crate) fn detail(generation: u64, hash: &[u8; 32], previous: &[u8; 32]) -> Vec<u8> {
    [DETAIL_MAGIC.as_slice(), &generation.to_be_bytes(), hash, previous].concat()
}

fn header(generation: u64, vault: &VaultId) -> Vec<u8> {
    [MAGIC.as_slice(), &generation.to_be_bytes(), vault.as_bytes()].concat()
}

/// HKDF(generation key, salt vault_id, "oubliette/v1/keyring" ‖ u64 g, 32).
fn derive_seal_key(generation_key: &Secret<32>, generation: u64, vault: &VaultId) -> Secret<32> {
    kdf::hkdf(generation_key, vault.as_bytes(), &[SEAL_LABEL, &generation.to_be_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unhex(value: &serde_json::Value) -> Vec<u8> {
        hex::decode(value.as_str().unwrap()).unwrap()
    }

    #[test]
    fn a_keyring_file_equals_the_vector_and_opens() {
        let all = &crate::crypto::tests::vectors()["keyring"];
        let key = Secret::from_slice(&unhex(&all["generation_key"])).unwrap();
        let vault = VaultId::from_slice(&unhex(&all["vault_id"])).unwrap();
        let seal_key = derive_seal_key(&key, 3, &vault);
        assert_eq!(seal_key.expose().as_slice(), unhex(&all["seal_key"]));
        let body = || SecretBytes::new(all["body_utf8"].as_str().unwrap().into());
        let file = seal(&key, 3, &vault, body()).unwrap();
        assert_eq!(file, unhex(&all["file"]));
        assert_eq!(hash(&file).as_slice(), unhex(&all["sha256"]));
        assert_eq!(open(&key, 3, &vault, &file).unwrap().expose(), body().expose());
    }

    #[test]
    fn a_keyring_file_of_another_generation_vault_or_with_a_flipped_bit_does_not_open() {
        let (key, vault) = (Secret::from_bytes([7; 32]), VaultId::from_bytes([1; 16]));
        let file = seal(&key, 3, &vault, SecretBytes::new(b"body".to_vec())).unwrap();
        assert!(open(&key, 3, &vault, &file).is_some());
        assert!(open(&key, 4, &vault, &file).is_none());
        assert!(open(&key, 3, &VaultId::from_bytes([2; 16]), &file).is_none());
        for byte in 0..file.len() {
            let mut changed = file.clone();
            changed[byte] ^= 1;
            assert!(open(&key, 3, &vault, &changed).is_none(), "byte {byte}");
        }
    }

    #[test]
    fn a_generation_leafs_detail_equals_the_vector() {
        let all = &crate::crypto::tests::vectors()["generation_leaf_detail"];
        let hash32 = |name: &str| <[u8; 32]>::try_from(unhex(&all[name])).unwrap();
        let detail = detail(3, &hash32("keyring_sha256"), &hash32("previous_sha256"));
        assert_eq!(detail, unhex(&all["detail"]));
    }

    #[test]
    fn a_file_name_reads_back_and_another_name_is_no_keyring() {
        assert_eq!(parse_file_name(&file_name(12)), Some(12));
        assert_eq!(parse_file_name("keyring.x"), None);
        assert_eq!(parse_file_name("checkpoint"), None);
    }
}
