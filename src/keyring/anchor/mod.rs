//! The anchor: the small erasable spot of a place that holds the current generation's key.
//!
//! Scrubbing it is what makes an old keyring file unreadable. Contract of every anchor:
//! - a new generation is written beside the current one and read back before `advance` returns; a
//!   crash inside leaves the current one whole;
//! - `scrub` leaves exactly one entry and has read back that the other is gone;
//! - nothing but `init`, `advance`, `adopt` and `scrub` changes anything.

mod file;
mod slot;

#[cfg(test)]
mod tests;

pub(crate) use file::FileAnchor;
pub(crate) use slot::SLOT_BYTES;

use crate::{
    ids::VaultId,
    keyring::{
        KeyringError, PlaceClass,
        root::{RootKeys, RootParams},
    },
    random::Random,
    secret::Secret,
};

/// One generation as an anchor holds it.
pub(crate) struct Entry {
    /// The generation g.
    pub(crate) generation: u64,
    /// The vault.
    pub(crate) vault: VaultId,
    /// SHA-256 of keyring.g.
    pub(crate) keyring_hash: [u8; 32],
    /// How the root key is made.
    pub(crate) root: RootParams,
    /// The generation key.
    pub(crate) key: Secret<32>,
}

impl Entry {
    /// A second copy of the generation key, for another place of the same keyring.
    pub(crate) fn copy(&self) -> Self {
        // EXPOSE: from one secret into another.
        Self { key: Secret::from_bytes(*self.key.expose()), ..*self }
    }
}

/// What an anchor holds.
pub(crate) struct Held {
    /// Whole entries, highest generation first.
    pub(crate) entries: Vec<Entry>,
    /// Whether anything was ever written.
    pub(crate) written: bool,
}

/// See the module for the contract. Every method may block on a device.
pub(crate) trait Anchor: Send + Sync {
    /// Takes the exclusive lock of the place, kept until drop. Errors: `WouldBlock` when another
    /// process has it.
    fn lock(&self) -> std::io::Result<()>;

    /// The whole entries. Errors: [`KeyringError::WrongRoot`] when an entry is whole but does not
    /// open; nothing is changed.
    fn read(&self, roots: &RootKeys) -> Result<Held, KeyringError>;

    /// Writes generation 1 to an anchor that was never written.
    fn init(
        &self,
        entry: &Entry,
        roots: &RootKeys,
        random: &dyn Random,
    ) -> Result<(), KeyringError>;

    /// Writes generation g + 1 beside the current g. Once it returns, g + 1 is what a start finds.
    fn advance(
        &self,
        entry: &Entry,
        roots: &RootKeys,
        random: &dyn Random,
    ) -> Result<(), KeyringError>;

    /// Writes any higher generation to a follower that stayed behind, or lost its own.
    fn adopt(
        &self,
        entry: &Entry,
        roots: &RootKeys,
        random: &dyn Random,
    ) -> Result<(), KeyringError>;

    /// Destroys everything but generation `keep`, and reads back that it is gone.
    fn scrub(&self, keep: u64, roots: &RootKeys, random: &dyn Random) -> Result<(), KeyringError>;

    /// What this anchor can prove about erasure.
    fn class(&self) -> PlaceClass;
}
