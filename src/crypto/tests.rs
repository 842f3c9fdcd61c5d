//! Known answers of `tests/vectors/format-v1.json` for everything in `crypto/` but sections.

use serde_json::Value;

use super::*;
use crate::{
    ids::{CohortId, CollectionName, RecordId, SegmentId},
    secret::{Secret, SecretBytes},
};

/// The vectors; a missing file fails the test.
pub(crate) fn vectors() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/format-v1.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn unhex(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

fn secret(value: &Value) -> Secret<32> {
    Secret::from_slice(&unhex(value)).unwrap()
}

#[test]
fn leaves_and_slot_secrets_equal_the_vectors() {
    let tree = &vectors()["tree"];
    let seed = secret(&tree["seed"]);
    let seg = SegmentId::from_slice(&unhex(&tree["seg_id"])).unwrap();
    for (index, leaf) in tree["leaves"].as_object().unwrap() {
        let index = index.parse().unwrap();
        let derived = ggm::derive_below(&seed, 0, 24, index).unwrap();
        assert_eq!(derived.expose().as_slice(), unhex(leaf), "leaf {index}");
        if let Some(slot) = tree["slot_secrets"].get(index.to_string()) {
            let derived = ggm::derive_slot(&derived, &seg, index);
            assert_eq!(derived.expose().as_slice(), unhex(slot), "slot {index}");
        }
    }
    assert_eq!(tree["slot_secrets"].as_object().unwrap().len(), 3);
}

#[test]
fn a_token_and_its_row_key_equal_the_vectors() {
    let all = &vectors()["blind_index"];
    let id = u32::try_from(all["key_id"].as_u64().unwrap()).unwrap();
    let key = blind_index::IndexKey::new(id, secret(&all["index_key"]));
    let collection = CollectionName::parse(all["collection"].as_str().unwrap()).unwrap();
    let (field, value) =
        (all["field"].as_str().unwrap(), all["normalised_value"].as_str().unwrap());
    let token = key.token(&collection, field, value.as_bytes());
    assert_eq!(token.0.as_slice(), unhex(&all["token"]));
    let cohort = CohortId::from_slice(&unhex(&all["cohort_id"])).unwrap();
    let row = crate::storage::keys::index(&cohort, id, &token.0, &RecordId::from_bytes([0xab; 16]));
    assert_eq!(row, unhex(&all["row_key"]));
}

#[test]
fn a_token_changes_with_field_collection_value_and_key() {
    let name = |text| CollectionName::parse(text).unwrap();
    let key = blind_index::IndexKey::new(1, Secret::from_bytes([5; 32]));
    let token = key.token(&name("contacts"), "phone", b"1");
    assert_eq!(token, key.token(&name("contacts"), "phone", b"1"));
    let other = blind_index::IndexKey::new(1, Secret::from_bytes([6; 32]));
    for different in [
        key.token(&name("cases"), "phone", b"1"),
        key.token(&name("contacts"), "phon", b"e1"),
        key.token(&name("contacts"), "phone", b"2"),
        other.token(&name("contacts"), "phone", b"1"),
    ] {
        assert_ne!(token, different);
    }
}

#[test]
fn a_directory_rows_mac_equals_the_vector() {
    let all = &vectors()["directory_row"];
    let key = secret(&all["directory_key"]);
    let row_key = all["row_key_utf8"].as_str().unwrap().as_bytes();
    let row = all["row_bytes_utf8"].as_str().unwrap().as_bytes();
    let mac = row_mac::derive_mac(&key, row_key, row);
    assert_eq!(mac.as_slice(), unhex(&all["mac"]));
}

#[test]
fn a_directory_row_is_read_under_its_key_and_refused_when_changed_or_moved() {
    let key = Secret::from_bytes([6; 32]);
    let value = [row_mac::derive_mac(&key, b"g/a", b"row").as_slice(), b"row"].concat();
    assert_eq!(row_mac::check(&key, b"g/a", &value), Some(b"row".as_slice()));
    assert_eq!(row_mac::check(&key, b"g/b", &value), None);
    assert_eq!(row_mac::check(&key, b"g/a", &value[..31]), None);
    for byte in 0..value.len() {
        let mut changed = value.clone();
        changed[byte] ^= 1;
        assert_eq!(row_mac::check(&key, b"g/a", &changed), None, "byte {byte}");
    }
}

#[test]
fn the_root_key_of_the_vectors_passphrase_comes_out_of_argon2id() {
    let all = &vectors()["anchor_from_passphrase"];
    let pass = SecretBytes::new(all["passphrase"].as_str().unwrap().into());
    let cost = kdf::Argon2Params { m_kib: 65_536, t: 3, p: 4 };
    let key = kdf::argon2id(&pass, &[0x11; 16], cost).unwrap();
    assert_eq!(key.expose().as_slice(), unhex(&all["root_key"]));
}

#[test]
fn argon2id_refuses_parameters_outside_its_standard() {
    let pass = SecretBytes::new(b"passphrase".to_vec());
    let cost = |m_kib, t, p| kdf::Argon2Params { m_kib, t, p };
    assert!(kdf::argon2id(&pass, &[1; 16], cost(8, 1, 1)).is_some());
    for refused in [cost(0, 1, 1), cost(8, 0, 1), cost(8, 1, 0)] {
        assert!(kdf::argon2id(&pass, &[1; 16], refused).is_none());
    }
}

#[test]
fn a_box_sealed_once_opens_with_its_key_and_header_only() {
    let key = || Secret::from_bytes([1; 32]);
    let sealed = once::seal(key(), b"header", SecretBytes::new(b"body".to_vec())).unwrap();
    assert_eq!(once::open(&key(), b"header", &sealed).unwrap().expose(), b"body");
    assert!(once::open(&key(), b"Header", &sealed).is_err());
    assert!(once::open(&Secret::from_bytes([2; 32]), b"header", &sealed).is_err());
    assert!(once::open(&key(), b"header", &sealed[1..]).is_err());
}

#[test]
fn a_signature_verifies_and_a_changed_message_key_or_signature_does_not() {
    // RFC 8032 section 7.1, test 1 (empty message).
    let seed = hex::decode("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
    let signer = signing::Signer::from_seed(Secret::from_slice(&seed.unwrap()).unwrap());
    let public = signer.public();
    assert_eq!(
        hex::encode(public),
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    );
    let signature = signer.sign(b"");
    assert!(hex::encode(signature).starts_with("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974"));
    assert!(signing::verify(&public, b"", &signature));
    assert!(!signing::verify(&public, b"x", &signature));
    let mut changed = signature;
    changed[10] ^= 1;
    assert!(!signing::verify(&public, b"", &changed));
    let other = signing::Signer::from_seed(Secret::from_bytes([3; 32])).public();
    assert!(!signing::verify(&other, b"", &signature));
}
