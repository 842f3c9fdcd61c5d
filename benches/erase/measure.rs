//! Clocks, the disk's own sync, and bytes written, as the bench counts them.

use std::{
    fs::File,
    io::{Seek as _, SeekFrom, Write as _},
    path::Path,
    time::{Duration, Instant},
};

use crate::Outcome;

/// Bytes written before each sync.
const BLOCK: [u8; 4096] = [0x5a; 4096];
/// Syncs of one turn.
const SYNCS: usize = 60;

/// A block overwritten in place and synced, over and over.
pub(crate) struct Disk(File);

impl Disk {
    /// Makes its file in `folder`.
    pub(crate) fn new(folder: &Path) -> Outcome<Self> {
        let mut file = File::create(folder.join("probe"))?;
        file.write_all(&BLOCK)?;
        file.sync_all()?;
        Ok(Self(file))
    }

    /// Latencies of one turn.
    pub(crate) fn turn(&mut self) -> Outcome<Vec<Duration>> {
        let mut taken = Vec::with_capacity(SYNCS);
        for _ in 0..SYNCS {
            let (done, time) = timed(|| {
                self.0.seek(SeekFrom::Start(0))?;
                self.0.write_all(&BLOCK)?;
                self.0.sync_data()
            });
            done?;
            taken.push(time);
        }
        Ok(taken)
    }
}

/// A bench measures real time.
#[expect(clippy::disallowed_methods, reason = "a bench measures real time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// What `act` gives, and how long it took.
pub(crate) fn timed<T>(act: impl FnOnce() -> T) -> (T, Duration) {
    let begin = now();
    let done = act();
    (done, begin.elapsed())
}

/// The latency below which so many of a hundred stay, in milliseconds; 0 when there is none.
pub(crate) fn at(taken: &[Duration], percent: usize) -> f64 {
    let mut sorted = taken.to_vec();
    sorted.sort_unstable();
    let position = sorted.len().saturating_sub(1).saturating_mul(percent) / 100;
    sorted.get(position).map_or(0.0, |d| d.as_secs_f64() * 1000.0)
}

/// Bytes that this process has handed to write calls.
pub(crate) fn written() -> u64 {
    let text = std::fs::read_to_string("/proc/self/io").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("wchar: "));
    line.and_then(|bytes| bytes.trim().parse().ok()).unwrap_or_default()
}

/// Of the last minute, this bench included; a number taken on a busy machine should say so.
pub(crate) fn load_average() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().unwrap_or("unknown").to_owned()
}
