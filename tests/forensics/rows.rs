//! The rows of a data folder: of a copy, through the engine, and whatever a raw file still holds; and
//! those of a backup.
//!
//! Nothing here writes, but the engine does when it opens a folder.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use fjall::{Database, KeyspaceCreateOptions, Readable as _};

use crate::formats::{Fields, Id};

/// A record row, read.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RecordRow {
    pub(crate) cohort: Id,
    pub(crate) seg: Id,
    pub(crate) index: u32,
    pub(crate) version: u32,
    pub(crate) erasing: bool,
    pub(crate) index_rows: Vec<Vec<u8>>,
    pub(crate) head: Vec<u8>,
}

/// Rows, of one folder or of all that were ever copied.
#[derive(Default)]
pub(crate) struct Pool {
    /// Record rows by record.
    pub(crate) records: BTreeMap<Id, BTreeSet<RecordRow>>,
    /// Sections by record and class.
    pub(crate) sections: BTreeMap<(Id, String), BTreeSet<Vec<u8>>>,
    /// Keys of index rows.
    pub(crate) index: BTreeSet<Vec<u8>>,
    /// All other rows by key, each with the values it had.
    pub(crate) other: BTreeMap<Vec<u8>, BTreeSet<Vec<u8>>>,
}

impl RecordRow {
    /// From the bytes of its row; `None` for a message that is no record row.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let row = Fields(crate::formats::message(bytes)?);
        let id = |number| row.bytes(number).try_into().ok();
        Some(Self {
            cohort: id(1)?,
            seg: id(2)?,
            index: u32::try_from(row.number(3)).ok()?,
            version: u32::try_from(row.number(4)).ok()?,
            erasing: row.number(5) != 0,
            index_rows: row.all(6).map(<[u8]>::to_vec).collect(),
            head: row.bytes(7).to_vec(),
        })
    }
}

impl Pool {
    /// The rows that the engine lists in a data folder. Opening may change it: it must be a copy.
    pub(crate) fn of(data: &Path) -> Self {
        let db = Database::builder(data.join("fjall")).open().expect("the engine opens the copy");
        let rows = db.keyspace("rows", KeyspaceCreateOptions::default).unwrap();
        let mut pool = Self::default();
        for row in db.snapshot().range::<&[u8], _>(&rows, ..) {
            let (key, value) = row.into_inner().unwrap();
            pool.take(&key, &value);
        }
        pool
    }

    /// The same of a folder that stays as it is.
    pub(crate) fn of_copy(data: &Path) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        copy(data, scratch.path());
        Self::of(scratch.path())
    }

    /// The rows of a backup of this vault, and how many: in files in the order of their numbers, each row
    /// once, in the order of the keys.
    pub(crate) fn of_backup(folder: &Path, vault: &Id) -> (Self, u64) {
        let mut paths = files(folder);
        paths.retain(|path| path.extension().is_some_and(|ext| ext == "oubb"));
        paths.sort();
        assert!(!paths.is_empty() && folder.join("manifest.json").is_file(), "a whole backup");
        let (mut pool, mut count, mut last) = (Self::default(), 0, Vec::new());
        for (number, path) in (1_u32..).zip(paths) {
            let bytes = fs::read(path).unwrap();
            let head = [b"OUBB\x01".as_slice(), vault, &number.to_be_bytes()].concat();
            let mut rest = bytes.strip_prefix(head.as_slice()).expect("a file of this vault");
            while !rest.is_empty() {
                let (key, value) = (framed(&mut rest), framed(&mut rest));
                assert!(key > last.as_slice(), "the rows are in order");
                pool.take(key, value);
                last = key.to_vec();
                count += 1;
            }
        }
        (pool, count)
    }

    fn take(&mut self, key: &[u8], value: &[u8]) {
        match key[0] {
            b'r' => {
                let row = RecordRow::read(value).expect("a record row");
                self.records.entry(key[1..].try_into().unwrap()).or_default().insert(row);
            }
            b's' => {
                let class = String::from_utf8(key[33..].to_vec()).unwrap();
                let at = (key[17..33].try_into().unwrap(), class);
                self.sections.entry(at).or_default().insert(value.to_vec());
            }
            b'x' => drop(self.index.insert(key.to_vec())),
            _ => drop(self.other.entry(key.to_vec()).or_default().insert(value.to_vec())),
        }
    }

    /// Adds the rows of another.
    pub(crate) fn merge(&mut self, other: Self) {
        for (id, rows) in other.records {
            self.records.entry(id).or_default().extend(rows);
        }
        for (at, sections) in other.sections {
            self.sections.entry(at).or_default().extend(sections);
        }
        self.index.extend(other.index);
        for (key, values) in other.other {
            self.other.entry(key).or_default().extend(values);
        }
    }
}

/// A length of four bytes, and as many bytes.
fn framed<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let (length, after) = rest.split_first_chunk().expect("a length");
    let length = usize::try_from(u32::from_be_bytes(*length)).unwrap();
    let (part, after) = after.split_at_checked(length).expect("a whole row");
    *rest = after;
    part
}

/// Record rows in the raw bytes of a file, whether the engine lists them or not: found by the two ids
/// with which each begins, one of which must be a known segment's.
pub(crate) fn carve(bytes: &[u8], segments: &BTreeSet<Id>) -> Vec<(Id, RecordRow)> {
    const SHORTEST: usize = 1 + 1 + 16 + 1 + 1 + 16;
    let mut found = Vec::new();
    for at in 0..bytes.len().saturating_sub(SHORTEST) {
        if bytes[at] != 0x0a
            || bytes[at + 1] != 16
            || bytes[at + 18] != 0x12
            || bytes[at + 19] != 16
        {
            continue;
        }
        let seg: Id = bytes[at + 20..at + 36].try_into().unwrap();
        if !segments.contains(&seg) {
            continue;
        }
        let Some(end) = message_end(&bytes[at..]) else { continue };
        let Some(row) = RecordRow::read(&bytes[at..at + end]) else { continue };
        // The keys of its index rows end with the record's id.
        let Some(id) = row.index_rows.first().and_then(|key| key.last_chunk()) else { continue };
        found.push((*id, row));
    }
    found
}

/// Where a record row ends: with its head, the field of the highest number.
fn message_end(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let (tag, mut next) = (*bytes.get(at)?, at + 1);
        let mut number = 0_usize;
        for shift in (0..35).step_by(7) {
            let byte = *bytes.get(next)?;
            next += 1;
            number |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                break;
            }
        }
        match tag {
            0x18 | 0x20 | 0x28 => at = next,
            0x0a | 0x12 | 0x32 => at = next.checked_add(number)?,
            0x3a => return next.checked_add(number).filter(|end| *end <= bytes.len()),
            _ => return None,
        }
    }
}

/// Copies a folder with everything in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// All files under a folder.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}
