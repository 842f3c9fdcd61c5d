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
            Anchor, Entry, Held,
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

    /// The entry of one slot; the flag tells whether it holds anything at all.
    fn entry(
        &self,
        at: AnchorSlot,
        roots: &RootKeys,
    ) -> Result<(Option<Entry>, bool), KeyringError> {
        match SlotContent::parse(&*self.read_slot(at)?) {
            SlotContent::Empty => Ok((None, false)),
            SlotContent::Torn => Ok((None, true)),
            SlotContent::Whole(sealed) => {
                let key = roots.key(sealed.root())?;
                let entry = sealed.open(&key).map_err(|_| KeyringError::WrongRoot)?;
                Ok((Some(entry), true))
            }
        }
    }

    fn write(
        &self,
        at: AnchorSlot,
        entry: &Entry,
        roots: &RootKeys,
        random: &dyn Random,
    ) -> Result<(), KeyringError> {
        let mut slot_salt = [0; 32];
        random.fill(&mut slot_salt);
        let bytes = slot::seal(entry, &*roots.key(&entry.root)?, &slot_salt)
            .ok_or(KeyringError::Body("the anchor's slot cannot be sealed"))?;
        self.write_slot(at, &bytes)
    }

    /// The slot that does not hold the highest generation.
    fn free_slot(&self, roots: &RootKeys) -> Result<AnchorSlot, KeyringError> {
        let generation = |at| self.entry(at, roots).map(|(entry, _)| entry.map(|e| e.generation));
        let (first, second) = (generation(AnchorSlot::First)?, generation(AnchorSlot::Second)?);
        Ok(if first > second { AnchorSlot::Second } else { AnchorSlot::First })
    }
}

impl Anchor for FileAnchor {
    fn lock(&self) -> std::io::Result<()> {
        self.medium.lock()
    }

    fn read(&self, roots: &RootKeys) -> Result<Held, KeyringError> {
        let (first, first_written) = self.entry(AnchorSlot::First, roots)?;
        let (second, second_written) = self.entry(AnchorSlot::Second, roots)?;
        let mut entries: Vec<Entry> = first.into_iter().chain(second).collect();
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.generation));
        Ok(Held { entries, written: first_written || second_written })
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
        self.write(AnchorSlot::First, entry, roots, random)
    }

    fn advance(
        &self,
        entry: &Entry,
        roots: &RootKeys,
        random: &dyn Random,
    ) -> Result<(), KeyringError> {
        let current = self.read(roots)?.entries.first().map(|e| e.generation);
        if current.map(|g| g + 1) != Some(entry.generation) {
            return Err(KeyringError::Body("the anchor is not at the generation before"));
        }
        self.write(self.free_slot(roots)?, entry, roots, random)
    }

    fn adopt(
        &self,
        entry: &Entry,
        roots: &RootKeys,
        random: &dyn Random,
    ) -> Result<(), KeyringError> {
        if self.read(roots)?.entries.first().is_some_and(|e| e.generation >= entry.generation) {
            return Err(KeyringError::Body("only an anchor that is behind adopts a generation"));
        }
        self.write(self.free_slot(roots)?, entry, roots, random)
    }

    fn scrub(&self, keep: u64, roots: &RootKeys, random: &dyn Random) -> Result<(), KeyringError> {
        let (first, _) = self.entry(AnchorSlot::First, roots)?;
        let (second, _) = self.entry(AnchorSlot::Second, roots)?;
        let holds = |entry: &Option<Entry>| entry.as_ref().is_some_and(|e| e.generation == keep);
        let old = match (holds(&first), holds(&second)) {
            (true, false) => AnchorSlot::Second,
            (false, true) => AnchorSlot::First,
            _ => return Err(KeyringError::Body("the anchor does not hold the generation to keep")),
        };
        if self.read_slot(old)?.iter().all(|b| *b == 0) {
            return Ok(());
        }
        // Random first: a device that swallows zeros (deduplication, thin blocks) still overwrites.
        let mut noise = Box::new([0; SLOT_BYTES]);
        random.fill(noise.as_mut_slice());
        self.write_slot(old, &noise)?;
        self.write_slot(old, &[0; SLOT_BYTES])
    }

    fn class(&self) -> PlaceClass {
        self.medium.class()
    }
}
