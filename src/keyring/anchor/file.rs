//! The file anchor: two 4096-byte slots, overwritten in place.
//!
//! Class L0, whatever the medium says of itself: on flash, copy-on-write, virtual or network disks
//! an overwritten block may survive. A new generation goes to the slot that does not hold the
//! current one; every write is read back from the device.

use std::sync::Arc;

use crate::{
    keyring::{
        KeyringError, PlaceClass,
        anchor::{
            Anchor, Closed, Entry, Held,
            slot::{self, SLOT_BYTES, SlotContent},
        },
        place::{AnchorSlot, Medium},
        root::RootKeys,
    },
    random::Random,
};

/// Two slots on a medium.
pub(crate) struct FileAnchor {
    medium: Arc<dyn Medium>,
}

impl FileAnchor {
    pub(crate) fn new(medium: Arc<dyn Medium>) -> Self {
        Self { medium }
    }

    fn failed(&self, doing: &'static str) -> impl FnOnce(std::io::Error) -> KeyringError {
        let place = self.medium.describe();
        move |source| KeyringError::io(place, doing, source)
    }

    fn read_slot(&self, at: AnchorSlot) -> Result<Box<[u8; SLOT_BYTES]>, KeyringError> {
        self.medium.read_slot(at).map_err(self.failed("reading the anchor"))
    }

    /// Writes and reads back: what the device returns is what counts.
    fn write_slot(&self, at: AnchorSlot, bytes: &[u8; SLOT_BYTES]) -> Result<(), KeyringError> {
        self.medium.write_slot(at, bytes).map_err(self.failed("writing the anchor"))?;
        if self.read_slot(at)?.as_slice() == bytes.as_slice() {
            return Ok(());
        }
        let differs = std::io::Error::other("the device returned other bytes than were written");
        Err(self.failed("reading the anchor back")(differs))
    }

    /// What one slot holds.
    fn slot(&self, at: AnchorSlot, roots: &RootKeys) -> Result<Slot, KeyringError> {
        let sealed = match SlotContent::parse(&*self.read_slot(at)?) {
            SlotContent::Empty => return Ok(Slot::Empty),
            SlotContent::Torn => return Ok(Slot::Torn),
            SlotContent::Whole(sealed) => sealed,
        };
        let closed = |error| {
            let (generation, vault) = (sealed.generation(), sealed.vault());
            Slot::Closed(Closed { generation, vault, error })
        };
        let candidates = match roots.candidates(sealed.root()) {
            Ok(candidates) => candidates,
            Err(error) => return Ok(closed(error)),
        };
        let opened = candidates.iter().find_map(|root| sealed.open(root).ok());
        Ok(opened.map_or_else(|| closed(KeyringError::WrongRoot), Slot::Open))
    }

    fn write(
        &self,
        at: AnchorSlot,
        entry: &Entry,
        random: &dyn Random,
    ) -> Result<(), KeyringError> {
        let mut slot_salt = [0; 32];
        random.fill(&mut slot_salt);
        let bytes = slot::seal(entry, &slot_salt)
            .ok_or(KeyringError::Body("the anchor's slot cannot be sealed"))?;
        self.write_slot(at, &bytes)
    }

    /// The slot that does not hold the highest generation, whether it opens or not.
    fn free_slot(&self, roots: &RootKeys) -> Result<AnchorSlot, KeyringError> {
        let generation = |at| self.slot(at, roots).map(|slot| slot.generation());
        let (first, second) = (generation(AnchorSlot::First)?, generation(AnchorSlot::Second)?);
        Ok(if first > second { AnchorSlot::Second } else { AnchorSlot::First })
    }

    /// Overwrites a slot with noise, then with zeros, each read back.
    fn destroy(&self, at: AnchorSlot, random: &dyn Random) -> Result<(), KeyringError> {
        if self.read_slot(at)?.iter().all(|b| *b == 0) {
            return Ok(());
        }
        // Random first: a device that swallows zeros (deduplication, thin blocks) still overwrites.
        let mut noise = Box::new([0; SLOT_BYTES]);
        random.fill(noise.as_mut_slice());
        self.write_slot(at, &noise)?;
        self.write_slot(at, &[0; SLOT_BYTES])
    }
}

/// What a slot holds, as far as the root key opens it.
enum Slot {
    Empty,
    Torn,
    Open(Entry),
    Closed(Closed),
}

impl Slot {
    fn generation(&self) -> Option<u64> {
        match self {
            Self::Empty | Self::Torn => None,
            Self::Open(entry) => Some(entry.generation),
            Self::Closed(closed) => Some(closed.generation),
        }
    }
}

impl Anchor for FileAnchor {
    fn lock(&self) -> std::io::Result<()> {
        self.medium.lock()
    }

    fn read(&self, roots: &RootKeys) -> Result<Held, KeyringError> {
        let mut held = Held { entries: Vec::new(), closed: Vec::new(), written: false };
        for at in [AnchorSlot::First, AnchorSlot::Second] {
            let slot = self.slot(at, roots)?;
            held.written |= !matches!(slot, Slot::Empty);
            match slot {
                Slot::Empty | Slot::Torn => {}
                Slot::Open(entry) => held.entries.push(entry),
                Slot::Closed(closed) => held.closed.push(closed),
            }
        }
        held.entries.sort_by_key(|entry| std::cmp::Reverse(entry.generation));
        Ok(held)
    }

    fn init(
        &self,
        entry: &Entry,
        roots: &RootKeys,
        random: &dyn Random,
    ) -> Result<(), KeyringError> {
        if self.read(roots)?.written {
            return Err(KeyringError::PlaceExists { place: self.medium.describe() });
        }
        self.write(AnchorSlot::First, entry, random)
    }

    fn advance(
        &self,
        entry: &Entry,
        roots: &RootKeys,
        random: &dyn Random,
    ) -> Result<(), KeyringError> {
        let held = self.read(roots)?.newest_opens()?;
        let current = held.entries.first().map(|e| e.generation);
        if current.map(|g| g + 1) != Some(entry.generation) {
            return Err(KeyringError::Body("the anchor is not at the generation before"));
        }
        self.write(self.free_slot(roots)?, entry, random)
    }

    fn adopt(
        &self,
        entry: &Entry,
        roots: &RootKeys,
        random: &dyn Random,
    ) -> Result<(), KeyringError> {
        let held = self.read(roots)?.closed_from(Some(entry.generation))?;
        if held.entries.first().is_some_and(|e| e.generation >= entry.generation) {
            return Err(KeyringError::Body("only an anchor that is behind adopts a generation"));
        }
        self.write(self.free_slot(roots)?, entry, random)
    }

    fn scrub(&self, keep: u64, roots: &RootKeys, random: &dyn Random) -> Result<(), KeyringError> {
        let first = self.slot(AnchorSlot::First, roots)?;
        let second = self.slot(AnchorSlot::Second, roots)?;
        let holds = |slot: &Slot| matches!(slot, Slot::Open(entry) if entry.generation == keep);
        let old = match (holds(&first), holds(&second)) {
            (true, false) => AnchorSlot::Second,
            (false, true) => AnchorSlot::First,
            _ => return Err(KeyringError::Body("the anchor does not hold the generation to keep")),
        };
        self.destroy(old, random)
    }

    fn wipe(&self, random: &dyn Random) -> Result<(), KeyringError> {
        self.destroy(AnchorSlot::First, random)?;
        self.destroy(AnchorSlot::Second, random)
    }

    fn class(&self) -> PlaceClass {
        self.medium.class()
    }
}
