//! Restoring a data folder from the rows of a backup, while no vault runs.
//!
//! It erases nothing and decides nothing: it looks whether the key places are those of the backup, holds
//! their locks, and fills an empty store with the rows. What the rows bring back that was forgotten since
//! has no key any more; the next start deletes and counts it, and begins a new origin of the log, because
//! a row says that this database was restored. Invariant: a store that was not filled to its end is no
//! vault: the row without which none starts is written last.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::{
    ids::{PlaceId, VaultId},
    keyring::{Keyring, KeyringError, Place, PlaceFault, RootSource, Survey},
    limits,
    storage::{Group, Op, Row, Snapshot, Store, StoreError, frames, keys},
};

use super::StartError;

/// The key places of a vault, locked for as long as this lives.
pub struct PlacesOfBackup {
    _locked: Vec<Place>,
}

impl PlacesOfBackup {
    /// Takes these places, of which those in `without` need not answer, if they are of the vault of the
    /// backup and not older than its rows, whose newest generation is `generation`. Changes nothing.
    /// Blocks.
    ///
    /// # Errors
    /// [`StartError::BackupOfOther`], [`StartError::PlacesRolledBack`], and whatever would stop a start.
    pub fn take(
        places: Vec<Place>,
        without: &[PlaceId],
        root: RootSource,
        (vault, generation): (VaultId, u64),
    ) -> Result<Self, StartError> {
        let survey = Keyring::survey(&places, root, generation)?;
        if let Some(other) = survey.places.iter().filter_map(|p| p.vault).find(|id| *id != vault) {
            return Err(StartError::BackupOfOther { backup: vault, places: other });
        }
        check(survey, without, generation)?;
        Ok(Self { _locked: places })
    }
}

/// What the next start would refuse for the places' sake. What it mends by itself is let pass.
fn check(survey: Survey, without: &[PlaceId], generation: u64) -> Result<(), StartError> {
    if let Some(database) = survey.rolled_back.filter(|_| survey.generation.is_some()) {
        let places = survey.generation.unwrap_or_default();
        return Err(StartError::PlacesRolledBack { database, places });
    }
    for place in survey.places {
        let (describe, id) = (place.describe, place.id);
        for fault in place.faults {
            return Err(match (fault, id) {
                (PlaceFault::Refused(error), _) => error.into(),
                (PlaceFault::Silent(error), _) => {
                    KeyringError::io(describe, "reading the place", error).into()
                }
                (PlaceFault::Unknown | PlaceFault::Removed, Some(id)) => {
                    KeyringError::PlaceUnknown { id }.into()
                }
                (PlaceFault::Order { .. }, _) => KeyringError::PlaceOrder.into(),
                (PlaceFault::Differs, Some(id)) => KeyringError::FollowerDiffers { id }.into(),
                _ => continue,
            });
        }
    }
    if let Some((id, _)) = survey.missing.iter().find(|(id, _)| !without.contains(id)) {
        return Err(KeyringError::PlaceSilent { id: *id }.into());
    }
    let lost = || KeyringError::KeyringLost { generation }.into();
    survey.generation.map(drop).ok_or_else(lost)
}

/// A store that is being filled.
pub struct Refill {
    store: Arc<dyn Store>,
    ops: Vec<Op>,
    bytes: usize,
    /// The row that is written last.
    generation: Option<Row>,
}

impl Refill {
    /// Fills this store, which must be empty.
    ///
    /// # Errors
    /// [`StartError::NotEmpty`]; reading it.
    pub fn of(store: Arc<dyn Store>) -> Result<Self, StartError> {
        if !store.scan(b"", None, 1)?.is_empty() {
            return Err(StartError::NotEmpty);
        }
        Ok(Self { store, ops: Vec::new(), bytes: 0, generation: None })
    }

    /// Takes the next row; now and then what has come is made durable. Blocks.
    ///
    /// # Errors
    /// Writing it.
    pub fn row(&mut self, (key, value): Row) -> Result<(), StartError> {
        if key == keys::GENERATION {
            self.generation = Some((key, value));
            return Ok(());
        }
        self.bytes = self.bytes.saturating_add(key.len()).saturating_add(value.len());
        self.ops.push(Op::Put(key, value));
        if self.bytes >= limits::RESTORE_BATCH_BYTES { self.flush() } else { Ok(()) }
    }

    /// Writes what is left, and last the row without which no vault starts, together with the one that
    /// says that this was restored from a log that had `log_size` leaves. Gives the number of rows of
    /// the backup that the store now holds, and the SHA-256 of their bytes, read back. Blocks.
    ///
    /// # Errors
    /// [`StartError::NoVault`] if no row came that names a generation; the store.
    pub fn finish(mut self, log_size: u64) -> Result<(u64, [u8; 32]), StartError> {
        self.flush()?;
        let (key, value) = self.generation.take().ok_or(StartError::NoVault)?;
        self.ops.push(Op::Put(key, value));
        self.ops.push(Op::Put(keys::RESTORED.to_vec(), log_size.to_be_bytes().to_vec()));
        self.flush()?;
        read_back(self.store.snapshot()?.as_ref())
    }

    fn flush(&mut self) -> Result<(), StartError> {
        self.bytes = 0;
        let ops = std::mem::take(&mut self.ops);
        if !ops.is_empty() {
            self.store.commit(&[Group { preconditions: Vec::new(), ops }])?;
        }
        Ok(())
    }
}

fn read_back(then: &dyn Snapshot) -> Result<(u64, [u8; 32]), StartError> {
    let (mut rows, mut hash, mut after) = (0_u64, Sha256::new(), None::<Vec<u8>>);
    loop {
        let page = then.page(after.as_deref(), limits::BACKUP_PIECE_BYTES)?;
        let Some((last, _)) = page.last() else { return Ok((rows, hash.finalize().into())) };
        after = Some(last.clone());
        for row in page.iter().filter(|(key, _)| key != keys::RESTORED) {
            let mut bytes = Vec::new();
            let framed = frames::append(&mut bytes, row);
            framed.map_err(|e| StoreError::Read(Box::new(e)))?;
            hash.update(&bytes);
            rows = rows.saturating_add(1);
        }
    }
}
