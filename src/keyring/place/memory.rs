//! Places in memory whose every call can be made to fail: for tests, here and in `tests/`.
//!
//! All places of one [`MemoryPlaces`] share one call counter. A test counts the calls of a clean
//! run, then runs again once for each call with that call failing, so that a new step is covered
//! without being listed. What was "on the device" survives [`MemoryPlaces::restart`].

use std::{
    collections::BTreeMap,
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use parking_lot::Mutex;

use super::{AnchorSlot, Medium, PLACE_FILE, Place};
use crate::keyring::{PlaceClass, anchor::SLOT_BYTES};

/// What a failing call does to the medium.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It fails and nothing is persisted.
    Lost,
    /// It fails although everything is persisted.
    Kept,
    /// An anchor slot is written by half; files, which are replaced whole, are not persisted.
    Torn,
}

/// What one place holds; a copy is what a backup of the device would be.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct MemoryImage {
    files: BTreeMap<String, Vec<u8>>,
    slots: [Option<Box<[u8; SLOT_BYTES]>>; 2],
}

impl MemoryImage {
    /// Flips a bit of a file, or of the slots for the name `anchor`; false when there is none.
    #[must_use]
    pub fn flip(&mut self, name: &str) -> bool {
        if name == "anchor" {
            let slots = self.slots.iter_mut().flatten();
            return slots.filter_map(|s| s.get_mut(20)).map(|b| *b ^= 1).count() > 0;
        }
        let byte = self.files.get_mut(name).and_then(|bytes| bytes.last_mut());
        byte.map(|byte| *byte ^= 1).is_some()
    }

    /// Changes the bytes of a file; false when there is none.
    #[must_use]
    pub fn edit(&mut self, name: &str, change: impl FnOnce(&mut Vec<u8>)) -> bool {
        self.files.get_mut(name).map(change).is_some()
    }

    /// Changes the bytes of every anchor slot in use; how many there are.
    pub fn edit_slots(&mut self, mut change: impl FnMut(&mut [u8; SLOT_BYTES])) -> usize {
        let used = self.slots.iter_mut().flatten().filter(|slot| slot.iter().any(|b| *b != 0));
        used.map(|slot| change(slot)).count()
    }

    /// Removes a file; false when there is none.
    #[must_use]
    pub fn remove(&mut self, name: &str) -> bool {
        self.files.remove(name).is_some()
    }

    /// Names of the files, the anchor aside.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.files.keys().cloned().collect()
    }

    /// This image's files with the anchor of another.
    #[must_use]
    pub fn with_anchor_of(mut self, other: &Self) -> Self {
        self.slots.clone_from(&other.slots);
        self
    }

    /// This image with every anchor slot that is in use here or in `other`, which wins.
    #[must_use]
    pub fn with_both_anchors(mut self, other: &Self) -> Self {
        for (slot, theirs) in self.slots.iter_mut().zip(&other.slots) {
            if theirs.as_ref().is_some_and(|slot| slot.iter().any(|b| *b != 0)) {
                slot.clone_from(theirs);
            }
        }
        self
    }

    /// Copies a file of another image, if it has it.
    pub fn take_file(&mut self, other: &Self, name: &str) {
        if let Some(bytes) = other.files.get(name) {
            self.files.insert(name.to_owned(), bytes.clone());
        }
    }

    /// This image under another place id.
    #[must_use]
    pub fn with_place_id(mut self, id: [u8; 16]) -> Self {
        if let Some(place) = self.files.get_mut(PLACE_FILE) {
            let kept = place.len().saturating_sub(id.len());
            place.truncate(kept);
            place.extend_from_slice(&id);
        }
        self
    }

    /// How many anchor slots hold anything but zeros.
    #[must_use]
    pub fn slots_in_use(&self) -> usize {
        self.slots.iter().flatten().filter(|slot| slot.iter().any(|b| *b != 0)).count()
    }
}

#[derive(Default)]
struct Device {
    image: MemoryImage,
    locked: bool,
    silent: bool,
}

#[derive(Default)]
struct Bench {
    calls: u64,
    plan: Option<(u64, Fault, bool)>,
    crashed: bool,
}

/// A set of places in memory. Cloning shares the devices.
#[derive(Clone)]
pub struct MemoryPlaces {
    bench: Arc<Mutex<Bench>>,
    devices: Vec<Arc<Mutex<Device>>>,
}

impl MemoryPlaces {
    /// So many empty devices.
    #[must_use]
    pub fn new(count: usize) -> Self {
        Self { bench: Arc::default(), devices: (0..count).map(|_| Arc::default()).collect() }
    }

    /// The places on these devices, in order, to give to `Keyring::create` or `Keyring::open`.
    #[must_use]
    pub fn places(&self) -> Vec<Place> {
        let medium = |(number, device): (usize, &Arc<Mutex<Device>>)| MemoryMedium {
            number,
            device: Arc::clone(device),
            bench: Arc::clone(&self.bench),
            holds_lock: AtomicBool::new(false),
        };
        self.devices.iter().enumerate().map(|d| Place::over(Arc::new(medium(d)))).collect()
    }

    /// Calls made so far, over all places.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.bench.lock().calls
    }

    /// Makes call number `call` (the first is 1) fail; with `crash` every later one fails too.
    pub fn fail(&self, call: u64, fault: Fault, crash: bool) {
        self.bench.lock().plan = Some((call, fault, crash));
    }

    /// The machine starts again: locks are free, nothing fails, what was persisted is there.
    pub fn restart(&self) {
        *self.bench.lock() = Bench::default();
        for device in &self.devices {
            device.lock().locked = false;
        }
    }

    /// Makes a place answer nothing, or answer again.
    pub fn set_silent(&self, place: usize, silent: bool) {
        if let Some(device) = self.devices.get(place) {
            device.lock().silent = silent;
        }
    }

    /// A copy of what a place holds.
    #[must_use]
    pub fn image(&self, place: usize) -> MemoryImage {
        self.devices.get(place).map(|d| d.lock().image.clone()).unwrap_or_default()
    }

    /// Puts a copy in place of what is there, as restoring a backup would.
    pub fn restore(&self, place: usize, image: MemoryImage) {
        if let Some(device) = self.devices.get(place) {
            device.lock().image = image;
        }
    }
}

struct MemoryMedium {
    number: usize,
    device: Arc<Mutex<Device>>,
    bench: Arc<Mutex<Bench>>,
    holds_lock: AtomicBool,
}

impl MemoryMedium {
    /// Counts a call and decides its fault.
    fn fault(&self) -> Option<Fault> {
        let mut bench = self.bench.lock();
        if bench.crashed || self.device.lock().silent {
            return Some(Fault::Lost);
        }
        bench.calls += 1;
        let (call, fault, crash) = bench.plan?;
        if call != bench.calls {
            return None;
        }
        bench.crashed = crash;
        Some(fault)
    }

    fn read_call<T>(&self, read: impl FnOnce(&Device) -> T) -> io::Result<T> {
        match self.fault() {
            None => Ok(read(&self.device.lock())),
            Some(_) => Err(failure()),
        }
    }

    fn write_call(&self, write: impl FnOnce(&mut Device)) -> io::Result<()> {
        let fault = self.fault();
        if matches!(fault, None | Some(Fault::Kept)) {
            write(&mut self.device.lock());
        }
        fault.map_or(Ok(()), |_| Err(failure()))
    }
}

fn failure() -> io::Error {
    io::Error::other("the test's device failed")
}

impl Drop for MemoryMedium {
    fn drop(&mut self) {
        if self.holds_lock.load(Ordering::Relaxed) {
            self.device.lock().locked = false;
        }
    }
}

impl Medium for MemoryMedium {
    fn describe(&self) -> String {
        format!("memory {}", self.number)
    }

    fn is_vacant(&self) -> io::Result<bool> {
        self.read_call(|device| device.image.files.is_empty())
    }

    fn claim(&self, place: &[u8]) -> io::Result<()> {
        if !self.is_vacant()? {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.write_call(|device| {
            device.image.files.insert(PLACE_FILE.to_owned(), place.to_vec());
        })?;
        self.lock()
    }

    fn lock(&self) -> io::Result<()> {
        if self.fault().is_some() {
            return Err(failure());
        }
        let mut device = self.device.lock();
        if device.locked && !self.holds_lock.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        if !device.image.files.contains_key(PLACE_FILE) {
            return Err(io::ErrorKind::NotFound.into());
        }
        device.locked = true;
        self.holds_lock.store(true, Ordering::Relaxed);
        Ok(())
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.read_call(|device| device.image.files.keys().cloned().collect())
    }

    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        self.read_call(|device| device.image.files.get(name).cloned())
    }

    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.write_call(|device| {
            device.image.files.insert(name.to_owned(), bytes.to_vec());
        })
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.write_call(|device| {
            device.image.files.remove(name);
        })
    }

    fn read_slot(&self, at: AnchorSlot) -> io::Result<Box<[u8; SLOT_BYTES]>> {
        self.read_call(|device| {
            let [first, second] = &device.image.slots;
            let slot = if at == AnchorSlot::First { first } else { second };
            slot.clone().unwrap_or_else(|| Box::new([0; SLOT_BYTES]))
        })
    }

    fn write_slot(&self, at: AnchorSlot, bytes: &[u8; SLOT_BYTES]) -> io::Result<()> {
        let fault = self.fault();
        let written = match fault {
            None | Some(Fault::Kept) => SLOT_BYTES,
            // Half of a slot's content, not half of its zeros.
            Some(Fault::Torn) => 100,
            Some(Fault::Lost) => 0,
        };
        let mut device = self.device.lock();
        let [first, second] = &mut device.image.slots;
        let slot = if at == AnchorSlot::First { first } else { second };
        let slot = slot.get_or_insert_with(|| Box::new([0; SLOT_BYTES]));
        for (old, new) in slot.iter_mut().zip(bytes).take(written) {
            *old = *new;
        }
        fault.map_or(Ok(()), |_| Err(failure()))
    }

    fn class(&self) -> PlaceClass {
        PlaceClass::L0
    }
}
