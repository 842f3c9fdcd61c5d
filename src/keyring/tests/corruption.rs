//! Every way to change one byte of a keyring file or an anchor, every cut and lengthening of the file: at
//! the only place a start refuses by name and changes nothing; beside a whole place it is repaired from
//! there, or refused by the name of the place. Never does another keyring open.

use super::*;
use crate::keyring::anchor::SLOT_BYTES;

/// Every single bit, and all of them.
const MASKS: [u8; 9] = [1, 2, 4, 8, 16, 32, 64, 128, 255];
/// Everything before a slot's CRC (DESIGN section 4).
const CHECKED: usize = 5 + 8 + 16 + 32 + 1 + 12 + 16 + 32 + 48;
const FILE: &str = "keyring.3";

/// A vault at generation 3 with an erased slot and a held one, at so many places; nothing runs.
struct Shelf {
    places: MemoryPlaces,
    images: Vec<MemoryImage>,
    erased: SlotRef,
    kept: SlotRef,
    hash: [u8; 32],
}

impl Shelf {
    fn of(count: usize) -> Self {
        let places = MemoryPlaces::new(count);
        let (keyring, slots) = with_slots(&places, 2);
        generation(&keyring, |draft| draft.puncture(&slots[..1])).unwrap();
        let hash = keyring.hash();
        assert_eq!(keyring.generation(), 3);
        drop(keyring);
        let images = (0..count).map(|place| places.image(place)).collect();
        Self { places, images, erased: slots[0], kept: slots[1], hash }
    }

    /// A start where this place's image is changed and all others are whole.
    fn start(&self, place: usize, change: impl FnOnce(&mut MemoryImage)) -> Started {
        self.places.restart();
        for (number, image) in self.images.iter().enumerate() {
            self.places.restore(number, image.clone());
        }
        let mut image = self.images[place].clone();
        change(&mut image);
        assert!(image != self.images[place], "nothing was changed");
        self.places.restore(place, image);
        let before = self.present();
        let result = open(&self.places);
        Started { result, untouched: self.present() == before }
    }

    fn present(&self) -> Vec<MemoryImage> {
        (0..self.images.len()).map(|place| self.places.image(place)).collect()
    }

    /// The start found the true keyring, and every place is whole again.
    fn repaired(&self, started: &Started, what: &str) {
        let keyring = started.result.as_ref().unwrap_or_else(|e| panic!("{what}: {e}"));
        assert_eq!((keyring.generation(), keyring.hash()), (3, self.hash), "{what}");
        assert!(keyring.slot_lives(&self.kept) && !keyring.slot_lives(&self.erased), "{what}");
        for image in self.present() {
            assert_eq!(image.names(), [FILE, "place"], "{what}");
            assert_eq!(image.slots_in_use(), 1, "{what}");
        }
        let whole = self.images[0].clone();
        let (mut first, mut last) = (Vec::new(), Vec::new());
        for (number, mut image) in self.present().into_iter().enumerate() {
            let into = if number == 0 { &mut first } else { &mut last };
            assert!(image.edit(FILE, |bytes| into.clone_from(bytes)));
        }
        assert!(whole.clone().edit(FILE, |bytes| assert_eq!(*bytes, first, "{what}")));
        assert!(whole.clone().edit(FILE, |bytes| assert!(last.is_empty() || *bytes == last)));
    }
}

struct Started {
    result: Result<Arc<Keyring>, KeyringError>,
    untouched: bool,
}

impl Started {
    /// Why it was refused. A refusal changes nothing.
    fn refusal(self, what: &str) -> KeyringError {
        assert!(self.untouched, "{what}: a refused start changed a place");
        self.result.map(|_| ()).expect_err(what)
    }
}

fn length(image: &MemoryImage) -> usize {
    let mut length = 0;
    assert!(image.clone().edit(FILE, |bytes| length = bytes.len()));
    length
}

fn byte(at: usize, mask: u8) -> impl FnOnce(&mut MemoryImage) {
    move |image| assert!(image.edit(FILE, |bytes| bytes[at] ^= mask))
}

fn resize(length: usize, fill: u8) -> impl FnOnce(&mut MemoryImage) {
    move |image| assert!(image.edit(FILE, |bytes| bytes.resize(length, fill)))
}

/// The file is lost, and the message says which generation's.
fn lost(started: Started, what: &str) {
    let error = started.refusal(what);
    assert!(matches!(error, KeyringError::KeyringLost { generation: 3 }), "{what}: {error}");
    assert!(error.to_string().contains("generation 3"));
}

#[test]
fn the_only_keyring_file_with_any_byte_changed_cut_or_lengthened_is_refused_by_its_generation() {
    let shelf = Shelf::of(1);
    let length = length(&shelf.images[0]);
    for at in 0..length {
        for mask in MASKS {
            lost(shelf.start(0, byte(at, mask)), &format!("byte {at}, mask {mask}"));
        }
        lost(shelf.start(0, resize(at, 0)), &format!("{at} bytes"));
    }
    for more in 1..=64 {
        lost(shelf.start(0, resize(length + more, 0)), &format!("{more} more"));
        lost(shelf.start(0, resize(length + more, 255)), &format!("{more} more"));
    }
    lost(shelf.start(0, |image| assert!(image.remove(FILE))), "no file");
}

#[test]
fn a_damaged_keyring_file_at_either_place_is_copied_back_from_the_other() {
    let shelf = Shelf::of(2);
    let length = length(&shelf.images[0]);
    for place in 0..2 {
        for at in 0..length {
            let what = format!("place {place}, byte {at}");
            shelf.repaired(&shelf.start(place, byte(at, 1 << (at % 8))), &what);
        }
        for other in [0, 1, length - 1, length + 1, 2 * length] {
            let what = format!("place {place}, {other} bytes");
            shelf.repaired(&shelf.start(place, resize(other, 0)), &what);
        }
        let gone = shelf.start(place, |image| assert!(image.remove(FILE)));
        shelf.repaired(&gone, "no file");
    }
}

fn slot_byte(at: usize, mask: u8) -> impl FnOnce(&mut MemoryImage) {
    move |image| assert_eq!(image.edit_slots(|slot| slot[at] ^= mask), 1)
}

/// The same with a CRC that fits: somebody's work, not the disk's.
fn slot_byte_with_crc(at: usize, mask: u8) -> impl FnOnce(&mut MemoryImage) {
    move |image| {
        let edited = image.edit_slots(|slot| {
            slot[at] ^= mask;
            let crc = crc32c::crc32c(&slot[..CHECKED]).to_be_bytes();
            slot[CHECKED..CHECKED + 4].copy_from_slice(&crc);
        });
        assert_eq!(edited, 1);
    }
}

#[test]
fn the_only_anchor_with_any_byte_changed_is_refused_as_torn_by_its_place() {
    let shelf = Shelf::of(1);
    for at in 0..SLOT_BYTES {
        let what = format!("byte {at}");
        let error = shelf.start(0, slot_byte(at, 1 << (at % 8))).refusal(&what);
        assert!(
            matches!(&error, KeyringError::AnchorTorn { place } if !place.is_empty()),
            "{what}: {error}"
        );
    }
}

#[test]
fn the_only_anchor_changed_under_a_crc_that_fits_is_never_opened() {
    let shelf = Shelf::of(1);
    for at in 0..CHECKED {
        for mask in MASKS {
            let what = format!("byte {at}, mask {mask}");
            let error = shelf.start(0, slot_byte_with_crc(at, mask)).refusal(&what);
            let named = match at {
                // The format: not a slot of this version.
                0..5 => matches!(error, KeyringError::AnchorTorn { .. }),
                // The kind of root key: another secret than the one given.
                61 => matches!(error, KeyringError::RootKind(_)),
                _ => matches!(error, KeyringError::WrongRoot),
            };
            assert!(named, "{what}: {error}");
        }
    }
}

#[test]
fn a_followers_torn_anchor_takes_the_primarys_generation_again() {
    let shelf = Shelf::of(2);
    for at in 0..SLOT_BYTES {
        let started = shelf.start(1, slot_byte(at, 1 << (at % 8)));
        shelf.repaired(&started, &format!("byte {at}"));
    }
}

#[test]
fn a_followers_anchor_changed_under_a_crc_that_fits_is_refused_by_name_or_taken_for_an_older_one() {
    let shelf = Shelf::of(2);
    let mut repaired = 0;
    for at in 0..CHECKED {
        for mask in MASKS {
            let what = format!("byte {at}, mask {mask}");
            let started = shelf.start(1, slot_byte_with_crc(at, mask));
            if started.result.is_ok() {
                // No slot of this format, or one that claims a generation below 3 which this root key
                // does not open: what a rotation leaves behind. It is overwritten.
                assert!((0..13).contains(&at), "{what}");
                shelf.repaired(&started, &what);
                repaired += 1;
                continue;
            }
            let error = started.refusal(&what);
            let named = match at {
                5..13 => matches!(error, KeyringError::FollowerAhead { .. }),
                13..29 => matches!(error, KeyringError::OtherVault { .. }),
                _ => matches!(error, KeyringError::FollowerDiffers { .. }),
            };
            assert!(named, "{what}: {error}");
        }
    }
    // The 45 of the format's bytes, and of the generation's last byte the bits 1, 2 and both.
    assert_eq!(repaired, 45 + 2);
}

#[test]
fn a_place_file_with_any_byte_changed_cut_or_lengthened_is_refused_for_what_it_says() {
    let shelf = Shelf::of(1);
    let refused = |change: &dyn Fn(&mut Vec<u8>), what: &str| {
        let started = shelf.start(0, |image| assert!(image.edit("place", change)));
        started.refusal(what)
    };
    for at in 0..37 {
        for mask in MASKS {
            let what = format!("byte {at}, mask {mask}");
            let error = refused(&|bytes| bytes[at] ^= mask, &what);
            let named = match at {
                0..5 => matches!(error, KeyringError::PlaceFormat { .. }),
                5..21 => matches!(error, KeyringError::OtherVault { .. }),
                _ => matches!(error, KeyringError::PlaceUnknown { .. }),
            };
            assert!(named, "{what}: {error}");
        }
        let what = format!("{at} bytes");
        let error = refused(&|bytes| bytes.truncate(at), &what);
        let named = match at {
            0 => matches!(error, KeyringError::PlaceUnfinished { .. }),
            _ => matches!(error, KeyringError::PlaceFormat { .. }),
        };
        assert!(named, "{what}: {error}");
    }
    let longer = refused(&|bytes| bytes.push(0), "one more");
    assert!(matches!(longer, KeyringError::PlaceFormat { .. }), "{longer}");
}
