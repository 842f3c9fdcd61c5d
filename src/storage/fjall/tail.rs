//! Opening after a power cut in the middle of a write. It knows where fjall keeps its journal and that
//! an unfinished batch at its end is discarded; it knows nothing of the journal's format.
//!
//! A cut may leave the end of a batch on the disk and not its middle. fjall discards a batch whose end is
//! missing, but takes a complete one with a wrong checksum for damage and refuses to open. Such a batch
//! was never acknowledged: its sync had not returned. So its last byte is taken away, which makes it one
//! without an end, and fjall discards it whole.
//! Invariant: a journal with a bad checksum before its last batch is left as it was found, and stays
//! refused. (Damage to the frame of an entry, not to a value, fjall takes for the journal's end: a disk
//! that rots is noticed by the log's checkpoints kept elsewhere, not here.)

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

use fjall::{Database, Error, JournalRecoveryError};

/// Bytes looked at at once, from the end of a journal backwards.
const STEP: u64 = 64 * 1024;

/// Opens with `open`, and once more without the batch that a power cut left incomplete.
pub(super) fn open_without_torn_batch(
    inside: &Path,
    open: impl Fn() -> fjall::Result<Database>,
) -> fjall::Result<Database> {
    let refused = match open() {
        Err(refused @ Error::JournalRecovery(JournalRecoveryError::ChecksumMismatch)) => refused,
        other => return other,
    };
    let Some(end) = LastByte::of(inside)? else { return Err(refused) };
    end.write(0)?;
    match open() {
        // The bad batch is an earlier one: that is damage, and what is there stays as evidence.
        Err(_) => {
            end.write(end.value)?;
            Err(refused)
        }
        Ok(db) => Ok(db),
    }
}

/// The last byte of the newest journal that is not zero: fjall makes the file longer than it needs.
struct LastByte {
    journal: File,
    at: u64,
    value: u8,
}

impl LastByte {
    fn of(inside: &Path) -> io::Result<Option<Self>> {
        let Some(path) = newest_journal(inside)? else { return Ok(None) };
        let journal = OpenOptions::new().read(true).write(true).open(path)?;
        let mut end = journal.metadata()?.len();
        let mut bytes = Vec::new();
        while end > 0 {
            let from = end.saturating_sub(STEP);
            bytes.resize(usize::try_from(end - from).unwrap_or_default(), 0);
            journal.read_exact_at(&mut bytes, from)?;
            let last = (0u64..).zip(&bytes).filter(|(_, byte)| **byte != 0).last();
            if let Some((offset, &value)) = last {
                return Ok(Some(Self { journal, at: from + offset, value }));
            }
            end = from;
        }
        Ok(None)
    }

    fn write(&self, value: u8) -> io::Result<()> {
        self.journal.write_all_at(&[value], self.at)?;
        self.journal.sync_data()
    }
}

/// `N.jnl` with the greatest N: the one that was being written. Older ones were synced when they ended.
fn newest_journal(inside: &Path) -> io::Result<Option<PathBuf>> {
    let mut newest = None;
    for entry in std::fs::read_dir(inside)? {
        let path = entry?.path();
        let number = path.file_stem().and_then(|stem| stem.to_str()?.parse::<u64>().ok());
        let journal = path.extension().is_some_and(|end| end == "jnl");
        if let (true, Some(number)) = (journal, number)
            && newest.as_ref().is_none_or(|(greatest, _)| *greatest < number)
        {
            newest = Some((number, path));
        }
    }
    Ok(newest.map(|(_, path)| path))
}

#[cfg(test)]
mod tests;
