//! The anchor: the small erasable spot of a place that holds the current generation's key.
//!
//! Scrubbing it is what makes an old keyring file unreadable. Contract of every anchor:
//! - a new generation is written beside the current one and read back before `advance` returns; a
//!   crash inside leaves the current one whole;
//! - `scrub` leaves exactly one entry and has read back that the other is gone;
//! - nothing but `init`, `advance`, `adopt`, `scrub` and `wipe` changes anything.

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
        root::{Root, RootKeys},
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
    /// The root key it is, or shall be, wrapped under.
    pub(crate) root: Root,
    /// The generation key.
    pub(crate) key: Secret<32>,
}

impl Entry {
    /// A second copy of the generation key, for another place of the same keyring.
    pub(crate) fn copy(&self) -> Self {
        // EXPOSE: from one secret into another.
        let key = Secret::from_bytes(*self.key.expose());
        Self { root: self.root.share(), key, ..*self }
    }
}

/// A whole slot that the root key does not open. What it claims is not authentic.
pub(crate) struct Closed {
    /// The generation it claims.
    pub(crate) generation: u64,
    /// The vault it claims.
    pub(crate) vault: VaultId,
    /// Why it does not open.
    pub(crate) error: KeyringError,
}

/// What an anchor holds.
pub(crate) struct Held {
    /// Whole entries that opened, highest generation first.
    pub(crate) entries: Vec<Entry>,
    /// Whole slots that did not.
    pub(crate) closed: Vec<Closed>,
    /// Whether anything was ever written.
    pub(crate) written: bool,
}

impl Held {
    /// The highest generation it claims to hold, opened or not.
    pub(crate) fn highest(&self) -> Option<u64> {
        let opened = self.entries.iter().map(|entry| entry.generation);
        opened.chain(self.closed.iter().map(|closed| closed.generation)).max()
    }

    /// Refuses an anchor whose newest slot the root key does not open. An older one may be closed: a
    /// root rotation that was cut before its scrub leaves one, under the root key before.
    pub(crate) fn newest_opens(self) -> Result<Self, KeyringError> {
        let newest = self.entries.first().map(|entry| entry.generation);
        self.closed_from(newest)
    }

    /// Refuses an anchor that has a closed slot at or above this generation, or any without one.
    pub(crate) fn closed_from(mut self, generation: Option<u64>) -> Result<Self, KeyringError> {
        let beyond = |closed: &Closed| generation.is_none_or(|g| closed.generation >= g);
        match self.closed.iter().position(beyond) {
            Some(at) => Err(self.closed.swap_remove(at).error),
            None => Ok(self),
        }
    }
}

/// See the module for the contract. Every method may block on a device.
pub(crate) trait Anchor: Send + Sync {
    /// Takes the exclusive lock of the place, kept until drop. Errors: `WouldBlock` when another
    /// process has it.
    fn lock(&self) -> std::io::Result<()>;

    /// What is there, opened as far as the root key does; nothing is changed.
    fn read(&self, roots: &RootKeys) -> Result<Held, KeyringError>;

    /// Writes generation 1 to an anchor that was never written.
    fn init(
        &self,
        entry: &Entry,
        roots: &RootKeys,
        random: &dyn Random,
    ) -> Result<(), KeyringError>;

    /// Writes generation g + 1 beside the current g. Once it returns, g + 1 is what a start finds.
    /// Errors: [`KeyringError::WrongRoot`] when the newest slot is whole but does not open.
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

    /// Destroys everything, for a place that is removed, and reads back that it is gone.
    fn wipe(&self, random: &dyn Random) -> Result<(), KeyringError>;

    /// What this anchor can prove about erasure.
    fn class(&self) -> PlaceClass;
}
