//! The data folder: made for its owner alone, and held by one process at a time.
//!
//! It knows nothing of an engine. Invariant: the lock on the file `lock` is held as long as the
//! [`Held`] lives, and the kernel frees it when the process ends, however it ends.

use std::{
    fs::{self, File, OpenOptions},
    os::unix::fs::DirBuilderExt as _,
    path::Path,
};

use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};

use super::StoreError;

/// The data folder, while it is ours. A store keeps it as its last field, so that the engine is
/// closed before another process may enter.
pub(super) struct Held {
    _lock: File,
}

impl Held {
    /// Makes the folder if it does not exist, and takes it.
    ///
    /// Errors: [`StoreError::Locked`] while another process (or another store of this one) holds it,
    /// [`StoreError::Open`] for everything else.
    pub(super) fn take(folder: &Path) -> Result<Self, StoreError> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(StoreError::opening)?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(folder.join("lock"))
            .map_err(StoreError::opening)?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self { _lock: lock }),
            Err(Errno::WOULDBLOCK) => Err(StoreError::Locked),
            Err(error) => Err(StoreError::opening(error)),
        }
    }
}

/// Makes the names inside these folders survive a power cut.
pub(super) fn sync_names(folders: &[&Path]) -> Result<(), StoreError> {
    for path in folders {
        File::open(path).and_then(|f| f.sync_all()).map_err(StoreError::opening)?;
    }
    Ok(())
}
