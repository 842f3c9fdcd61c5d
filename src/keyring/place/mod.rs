//! Places: folders outside the data folder that hold the keyring's file and its anchor.
//!
//! A place has `place` ("OUBP" ‖ 0x01 ‖ vault_id16 ‖ place_id16), `anchor`, `keyring.<g>` and
//! `checkpoint`. [`Medium`] is what lies below: a real folder, or a double in memory whose every
//! call can fail. Contract of a medium: a write that returned is on the device and was read back; a
//! file write is whole or absent after a crash; the lock is exclusive between processes and kept
//! until drop.

mod folder;
mod memory;

pub use memory::{Fault, MemoryImage, MemoryPlaces};

use std::{io, path::Path, sync::Arc};

use crate::{
    ids::{PlaceId, VaultId},
    keyring::{
        KeyringError, PlaceClass,
        anchor::{Anchor, FileAnchor, SLOT_BYTES},
        generation,
    },
};

const MAGIC: [u8; 5] = *b"OUBP\x01";
const PLACE_FILE: &str = "place";
const CHECKPOINT_FILE: &str = "checkpoint";
/// Ends the name of a file that is being written.
const TEMPORARY_SUFFIX: &str = ".new";

/// One of the two slots of a file anchor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AnchorSlot {
    First,
    Second,
}

/// Files and anchor slots of one place. See the module for the contract.
pub(crate) trait Medium: Send + Sync {
    /// How to name the place to its operator.
    fn describe(&self) -> String;
    /// Whether nothing of a place is there yet; a missing folder is vacant. Changes nothing.
    fn is_vacant(&self) -> io::Result<bool>;
    /// Makes an empty place and writes its `place` file. `AlreadyExists` when anything of a place
    /// is there.
    fn claim(&self, place: &[u8]) -> io::Result<()>;
    /// Takes the exclusive lock, kept until drop. `WouldBlock` when another process has it.
    fn lock(&self) -> io::Result<()>;
    /// Names of all files.
    fn list(&self) -> io::Result<Vec<String>>;
    /// A file's bytes; `None` when there is no such file.
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>>;
    /// Writes a file durably, replacing any older one, and reads it back.
    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()>;
    /// Removes a file durably; no error when there is none.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// An anchor slot as the device holds it; zeros when never written.
    fn read_slot(&self, at: AnchorSlot) -> io::Result<Box<[u8; SLOT_BYTES]>>;
    /// Overwrites an anchor slot in place, durably.
    fn write_slot(&self, at: AnchorSlot, bytes: &[u8; SLOT_BYTES]) -> io::Result<()>;
    /// What overwriting a slot in place proves on this medium.
    fn class(&self) -> PlaceClass;
}

/// A configured place, not yet opened.
pub struct Place {
    pub(crate) medium: Arc<dyn Medium>,
    pub(crate) anchor: Box<dyn Anchor>,
}

impl Place {
    /// A folder, which need not exist yet for `Keyring::create`.
    ///
    /// Errors: [`KeyringError::PlaceInsideData`] when it lies inside `data_dir` (or is it), symbolic
    /// links resolved; [`KeyringError::PlaceIo`].
    pub fn folder(path: &Path, data_dir: &Path) -> Result<Self, KeyringError> {
        let medium = folder::FolderMedium::new(path, data_dir)?;
        Ok(Self::over(Arc::new(medium)))
    }

    pub(crate) fn over(medium: Arc<dyn Medium>) -> Self {
        Self { anchor: Box::new(FileAnchor::new(Arc::clone(&medium))), medium }
    }

    pub(crate) fn describe(&self) -> String {
        self.medium.describe()
    }

    fn failed(&self, doing: &'static str) -> impl FnOnce(io::Error) -> KeyringError {
        let place = self.describe();
        move |source| KeyringError::io(place, doing, source)
    }

    /// Refuses a folder that holds anything of a place.
    pub(crate) fn check_vacant(&self) -> Result<(), KeyringError> {
        if self.medium.is_vacant().map_err(self.failed("looking at the folder"))? {
            return Ok(());
        }
        Err(KeyringError::PlaceExists { place: self.describe() })
    }

    /// Makes the place `id` of `vault`, empty and locked.
    pub(crate) fn claim(&self, vault: &VaultId, id: &PlaceId) -> Result<(), KeyringError> {
        let content = [MAGIC.as_slice(), vault.as_bytes(), id.as_bytes()].concat();
        self.medium.claim(&content).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => KeyringError::PlaceExists { place: self.describe() },
            _ => self.failed("making the place")(error),
        })
    }

    /// Whose place this is. Errors: IO as it is, so that a silent place can be told apart.
    pub(crate) fn identity(&self) -> io::Result<Result<(VaultId, PlaceId), KeyringError>> {
        let content = self.medium.read(PLACE_FILE)?;
        let content = content.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        if content.is_empty() {
            return Ok(Err(KeyringError::PlaceUnfinished { place: self.describe() }));
        }
        let ids = content.strip_prefix(MAGIC.as_slice()).and_then(|ids| {
            let (vault, place) = ids.split_first_chunk::<16>()?;
            Some((VaultId::from_bytes(*vault), PlaceId::from_slice(place).ok()?))
        });
        Ok(ids.ok_or_else(|| KeyringError::PlaceFormat { place: self.describe() }))
    }

    pub(crate) fn read_keyring(&self, generation: u64) -> Result<Option<Vec<u8>>, KeyringError> {
        self.medium
            .read(&generation::file_name(generation))
            .map_err(self.failed("reading the keyring"))
    }

    pub(crate) fn write_keyring(&self, generation: u64, file: &[u8]) -> Result<(), KeyringError> {
        self.medium
            .write(&generation::file_name(generation), file)
            .map_err(self.failed("writing the keyring"))
    }

    /// Removes every keyring file but generation `keep`'s: older ones, orphans of a generation that
    /// never reached an anchor, and what a crash left half-written.
    pub(crate) fn remove_other_keyrings(&self, keep: u64) -> Result<(), KeyringError> {
        let names = self.medium.list().map_err(self.failed("listing the place"))?;
        for name in names {
            let half_written = name.strip_suffix(TEMPORARY_SUFFIX);
            let goes = match half_written {
                Some(name) => generation::parse_file_name(name).is_some(),
                None => generation::parse_file_name(&name).is_some_and(|g| g != keep),
            };
            if goes {
                self.medium.remove(&name).map_err(self.failed("removing an old keyring"))?;
            }
        }
        Ok(())
    }

    pub(crate) fn read_checkpoint(&self) -> Result<Option<String>, KeyringError> {
        let bytes =
            self.medium.read(CHECKPOINT_FILE).map_err(self.failed("reading the checkpoint"))?;
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    pub(crate) fn write_checkpoint(&self, note: &str) -> Result<(), KeyringError> {
        self.medium
            .write(CHECKPOINT_FILE, note.as_bytes())
            .map_err(self.failed("writing the checkpoint"))
    }
}
