//! Sections against the vectors, and each way of tampering beside the untouched section.

use super::*;
use crate::{ids::SegmentId, random::SeededRandom};

fn vectors() -> serde_json::Value {
    crate::crypto::tests::vectors()
}

fn unhex<const N: usize>(value: &serde_json::Value) -> [u8; N] {
    hex::decode(value.as_str().unwrap()).unwrap().try_into().unwrap()
}

struct Case {
    slot: SlotSecret,
    at: SlotRef,
    collection: CollectionName,
    class: ClassName,
    section: Vec<u8>,
}

impl Case {
    fn new() -> Self {
        let mut case = Self {
            slot: SlotSecret::from_secret(Secret::from_bytes([9; 32])),
            at: SlotRef { seg: SegmentId::from_bytes([2; 16]), index: 5 },
            collection: CollectionName::parse("contacts").unwrap(),
            class: ClassName::parse("identity").unwrap(),
            section: Vec::new(),
        };
        case.section = seal(&case.slot, &case.address(), b"hello", &SeededRandom::new(1)).unwrap();
        case
    }

    fn address(&self) -> SectionAddress<'_> {
        SectionAddress {
            vault: VaultId::from_bytes([1; 16]),
            slot: self.at,
            collection: &self.collection,
            record: RecordId::from_bytes([3; 16]),
            class: &self.class,
            version: 1,
        }
    }

    fn open_at(&self, address: &SectionAddress<'_>) -> Result<Vec<u8>, SectionError> {
        open(&self.slot, address, &self.section).map(|m| m.expose().to_vec())
    }

    fn open_bytes(&self, section: &[u8]) -> Result<Vec<u8>, SectionError> {
        open(&self.slot, &self.address(), section).map(|m| m.expose().to_vec())
    }
}

#[test]
fn sections_equal_the_vectors_and_open_to_their_plaintexts() {
    let all = &vectors()["sections"];
    let slot = SlotSecret::from_secret(Secret::from_bytes(unhex(&all["slot_secret"])));
    let collection = CollectionName::parse(all["collection"].as_str().unwrap()).unwrap();
    let cases = all["cases"].as_array().unwrap();
    assert!(!cases.is_empty());
    for case in cases {
        let class = ClassName::parse(case["class"].as_str().unwrap()).unwrap();
        let address = SectionAddress {
            vault: VaultId::from_bytes(unhex(&all["vault_id"])),
            slot: SlotRef {
                seg: SegmentId::from_bytes(unhex(&all["seg_id"])),
                index: u32::try_from(all["index"].as_u64().unwrap()).unwrap(),
            },
            collection: &collection,
            record: RecordId::from_bytes(unhex(&all["record_id"])),
            class: &class,
            version: u32::try_from(case["version"].as_u64().unwrap()).unwrap(),
        };
        let message = hex::decode(case["plaintext_hex"].as_str().unwrap()).unwrap();
        assert_eq!(hex::encode(address.aad()), case["aad"].as_str().unwrap());
        let section = seal_with_salt(&slot, &address, &message, unhex(&case["salt"])).unwrap();
        assert_eq!(hex::encode(&section), case["section"].as_str().unwrap());
        assert_eq!(open(&slot, &address, &section).unwrap().expose(), message);
    }
}

#[test]
fn a_section_opens_at_its_address_and_at_no_other() {
    let case = Case::new();
    let home = case.address();
    assert_eq!(case.open_at(&home).unwrap(), b"hello");
    let contact = ClassName::parse("coordinates").unwrap();
    let cases = CollectionName::parse("cases").unwrap();
    let index = SlotRef { index: 6, ..case.at };
    let seg = SlotRef { seg: SegmentId::from_bytes([4; 16]), ..case.at };
    for elsewhere in [
        SectionAddress { record: RecordId::from_bytes([4; 16]), ..home },
        SectionAddress { vault: VaultId::from_bytes([4; 16]), ..home },
        SectionAddress { version: 2, ..home },
        SectionAddress { class: &contact, ..home },
        SectionAddress { collection: &cases, ..home },
        SectionAddress { slot: index, ..home },
        SectionAddress { slot: seg, ..home },
    ] {
        assert_eq!(case.open_at(&elsewhere), Err(SectionError::Tampered));
    }
}

#[test]
fn a_section_opens_with_its_slot_secret_and_with_no_other() {
    let case = Case::new();
    let other = SlotSecret::from_secret(Secret::from_bytes([8; 32]));
    assert!(open(&case.slot, &case.address(), &case.section).is_ok());
    assert!(open(&other, &case.address(), &case.section).is_err());
}

#[test]
fn a_bit_flipped_anywhere_is_refused() {
    let case = Case::new();
    assert!(case.open_bytes(&case.section).is_ok());
    for byte in 0..case.section.len() {
        let mut changed = case.section.clone();
        changed[byte] ^= 0x40;
        let expected = if byte == 0 { SectionError::Format } else { SectionError::Tampered };
        assert_eq!(case.open_bytes(&changed), Err(expected), "byte {byte}");
    }
}

#[test]
fn a_truncated_or_longer_section_is_refused() {
    let case = Case::new();
    for length in 0..case.section.len() {
        assert!(case.open_bytes(&case.section[..length]).is_err(), "length {length}");
    }
    let longer = [case.section.as_slice(), &[0]].concat();
    assert_eq!(case.open_bytes(&longer), Err(SectionError::Tampered));
}

#[test]
fn lengths_show_only_in_steps_of_64_bytes() {
    let case = Case::new();
    let sealed = |length: usize| {
        seal(&case.slot, &case.address(), &vec![7; length], &SeededRandom::new(1)).unwrap().len()
    };
    assert_eq!(sealed(0), sealed(60));
    assert_eq!(sealed(61), sealed(60) + 64);
}

#[test]
fn a_message_at_the_bound_is_sealed_and_one_byte_more_is_not() {
    let case = Case::new();
    let sealed = |length: usize| {
        seal(&case.slot, &case.address(), &vec![7; length], &SeededRandom::new(1)).map(|_| ())
    };
    assert_eq!(sealed(SECTION_BYTES_MAX), Ok(()));
    assert_eq!(sealed(SECTION_BYTES_MAX + 1), Err(SectionError::TooLarge(SECTION_BYTES_MAX)));
}
