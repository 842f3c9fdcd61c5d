//! A trace of the recorder, read. It knows the lines of `tests/tools/record.c` and nothing of disks.

use std::path::{Path, PathBuf};

/// One line of the trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    Created { ino: u64, path: PathBuf },
    Folder { ino: u64, path: PathBuf },
    Written { ino: u64, offset: usize, bytes: std::ops::Range<usize> },
    Length { ino: u64, length: usize },
    Durable { ino: u64 },
    SyncBegins { number: u64, ino: u64 },
    SyncEnds { number: u64, ok: bool },
    Renamed { from: PathBuf, to: PathBuf },
    Unlinked { path: PathBuf },
    FolderRemoved { path: PathBuf },
    Killed,
}

/// A trace: the lines in order, each with the trace's length after it.
pub(crate) struct Trace {
    pub(crate) bytes: Vec<u8>,
    pub(crate) events: Vec<(Event, u64)>,
}

impl Trace {
    /// Reads a whole trace. Panics where it says that something was not recorded.
    pub(crate) fn read(path: &Path) -> Self {
        let bytes = std::fs::read(path).unwrap();
        let (mut events, mut at) = (Vec::new(), 0);
        while at < bytes.len() {
            let length = bytes[at..].iter().position(|b| *b == b'\n').expect("a whole line");
            let line = std::str::from_utf8(&bytes[at..at + length]).expect("text");
            at += length + 1;
            let event = parse(line, at).unwrap_or_else(|| panic!("not recorded: {line}"));
            if let Event::Written { bytes: written, .. } = &event {
                assert_eq!(bytes.get(written.end), Some(&b'\n'), "{line}");
                at = written.end + 1;
            }
            events.push((event, at as u64));
        }
        Self { bytes, events }
    }
}

fn parse(line: &str, after: usize) -> Option<Event> {
    let fields: Vec<&str> = line.split('\t').collect();
    let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
    let size = |at: usize| usize::try_from(number(at)?).ok();
    let path = |at: usize| fields.get(at).map(PathBuf::from);
    Some(match *fields.first()? {
        "C" => Event::Created { ino: number(1)?, path: path(2)? },
        "M" => Event::Folder { ino: number(1)?, path: path(2)? },
        "W" => {
            let bytes = after..after + size(3)?;
            Event::Written { ino: number(1)?, offset: size(2)?, bytes }
        }
        "T" => Event::Length { ino: number(1)?, length: size(2)? },
        "D" => Event::Durable { ino: number(1)? },
        "S" => Event::SyncBegins { number: number(1)?, ino: number(2)? },
        "E" => Event::SyncEnds { number: number(1)?, ok: fields.get(2) == Some(&"1") },
        "R" => Event::Renamed { from: path(1)?, to: path(2)? },
        "U" => Event::Unlinked { path: path(1)? },
        "X" => Event::FolderRemoved { path: path(1)? },
        "K" => Event::Killed,
        _ => return None,
    })
}
