//! Every way to change one byte of a section, every cut and every lengthening: none opens, and each is
//! refused as what it is. The untouched section beside them opens.

use super::*;
use crate::{ids::SegmentId, random::SeededRandom};

/// Every single bit, and all of them.
const MASKS: [u8; 9] = [1, 2, 4, 8, 16, 32, 64, 128, 255];
/// Format byte, salt, commitment, one block, tag: the shortest section there is.
const LEAST: usize = 1 + 16 + 32 + BLOCK_BYTES + aead::TAG_BYTES;

struct Sealed {
    slot: SlotSecret,
    collection: CollectionName,
    class: ClassName,
    message: Vec<u8>,
    section: Vec<u8>,
}

impl Sealed {
    fn of(length: usize) -> Self {
        let mut sealed = Self {
            slot: SlotSecret::from_secret(Secret::from_bytes([9; 32])),
            collection: CollectionName::parse("contacts").unwrap(),
            class: ClassName::parse("identity").unwrap(),
            message: vec![b'x'; length],
            section: Vec::new(),
        };
        let random = SeededRandom::new(length as u64);
        sealed.section = seal(&sealed.slot, &sealed.address(), &sealed.message, &random).unwrap();
        sealed
    }

    fn address(&self) -> SectionAddress<'_> {
        SectionAddress {
            vault: VaultId::from_bytes([1; 16]),
            slot: SlotRef { seg: SegmentId::from_bytes([2; 16]), index: 5 },
            collection: &self.collection,
            record: RecordId::from_bytes([3; 16]),
            class: &self.class,
            version: 1,
        }
    }

    fn open(&self, section: &[u8]) -> Result<Vec<u8>, SectionError> {
        open(&self.slot, &self.address(), section).map(|m| m.expose().to_vec())
    }
}

/// Empty, one byte below and at and above a block's end, and several blocks.
fn lengths() -> impl Iterator<Item = Sealed> {
    [0, 1, 59, 60, 61, 200].into_iter().map(Sealed::of)
}

#[test]
fn a_section_with_any_byte_changed_in_any_way_is_refused_as_changed_or_of_unknown_format() {
    for sealed in lengths() {
        assert_eq!(sealed.open(&sealed.section), Ok(sealed.message.clone()));
        for at in 0..sealed.section.len() {
            // The first byte is the format; all others are bound by commitment and tag.
            let expected = if at == 0 { SectionError::Format } else { SectionError::Tampered };
            for mask in MASKS {
                let mut changed = sealed.section.clone();
                changed[at] ^= mask;
                assert_eq!(sealed.open(&changed), Err(expected.clone()), "byte {at}, mask {mask}");
            }
        }
    }
}

#[test]
fn a_section_cut_anywhere_or_lengthened_by_any_bytes_is_refused() {
    for sealed in lengths() {
        for length in 0..sealed.section.len() {
            let expected =
                if length < LEAST { SectionError::Format } else { SectionError::Tampered };
            assert_eq!(sealed.open(&sealed.section[..length]), Err(expected), "{length} bytes");
        }
        for more in 1..=2 * BLOCK_BYTES {
            for byte in [0, 255] {
                let mut longer = sealed.section.clone();
                longer.resize(longer.len() + more, byte);
                assert_eq!(sealed.open(&longer), Err(SectionError::Tampered), "{more} more");
            }
        }
    }
}

#[test]
fn parts_of_two_sections_of_one_slot_do_not_make_a_third() {
    let (one, other) = (Sealed::of(60), Sealed::of(59));
    assert_eq!(one.section.len(), other.section.len());
    assert!(other.open(&one.section).is_ok(), "both are at home at this address");
    // Joined behind the format byte it is the other one whole.
    for at in 2..one.section.len() {
        let mixed = [&one.section[..at], &other.section[at..]].concat();
        assert_eq!(one.open(&mixed), Err(SectionError::Tampered), "joined at {at}");
    }
}
