//! What the disk alone costs: write 4 KiB, `fdatasync`, over and over, on the file system of the data.

use std::{
    fs::File,
    io::{Seek as _, SeekFrom, Write as _},
    path::Path,
    time::Duration,
};

use crate::{Outcome, load::now};

/// Bytes written before each sync.
const BLOCK: [u8; 4096] = [0x5a; 4096];
/// Syncs of one turn.
const SYNCS: usize = 50;

/// Two probes: a block overwritten in place, and a file that grows with each block.
pub(crate) struct Disk {
    overwritten: File,
    growing: File,
    /// Latencies of the first kind.
    pub(crate) in_place: Vec<Duration>,
    /// Latencies of the second kind, which also commits the file's new length.
    pub(crate) appended: Vec<Duration>,
}

impl Disk {
    /// Makes both files in `folder`.
    pub(crate) fn new(folder: &Path) -> Outcome<Self> {
        let mut overwritten = File::create(folder.join("probe-in-place"))?;
        overwritten.write_all(&BLOCK)?;
        overwritten.sync_all()?;
        let growing = File::create(folder.join("probe-growing"))?;
        growing.sync_all()?;
        Ok(Self { overwritten, growing, in_place: Vec::new(), appended: Vec::new() })
    }

    /// Some syncs of each kind.
    pub(crate) fn turn(&mut self) -> Outcome<()> {
        for _ in 0..SYNCS {
            let begin = now();
            self.overwritten.seek(SeekFrom::Start(0))?;
            self.overwritten.write_all(&BLOCK)?;
            self.overwritten.sync_data()?;
            self.in_place.push(begin.elapsed());
            let begin = now();
            self.growing.write_all(&BLOCK)?;
            self.growing.sync_data()?;
            self.appended.push(begin.elapsed());
        }
        Ok(())
    }
}
