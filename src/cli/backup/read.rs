//! Reading a backup: every file once, its length and hash compared, its rows handed on in key order.
//!
//! It reads the folder and nothing else. Everything that is wrong is collected with the file it is in;
//! while a file's hash is wrong, nothing more is said of the rows, for that says it all.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, Read as _},
    path::Path,
};

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{
    folder,
    manifest::{self, FileEntry, Manifest},
};
use crate::{
    cli::failure::Failure,
    ids::VaultId,
    limits,
    storage::{Row, frames::Frames},
};

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(in crate::cli) struct Fault {
    /// The file.
    pub(in crate::cli) file: String,
    /// What.
    pub(in crate::cli) what: String,
}

impl Fault {
    pub(super) fn of(file: &str, what: impl Into<String>) -> Self {
        Self { file: file.to_owned(), what: what.into() }
    }
}

/// The manifest of a folder, with its hash as a file.
pub(super) fn manifest(folder: &Path) -> Result<Result<(Manifest, String), Fault>, Failure> {
    let fault = |what: String| Ok(Err(Fault::of(manifest::NAME, what)));
    if !folder.is_dir() {
        return Err(Failure::new(format!("`{}` is not a folder", folder.display()))
            .hint("name the folder that `oubliette backup` wrote"));
    }
    match Manifest::read(folder) {
        Err(error) => fault(format!("it cannot be read: {error}")),
        Ok(None) => fault("it is missing: this backup was cut before its end, or is none".into()),
        Ok(Some(bytes)) => match Manifest::parse(&bytes) {
            Ok(read) => Ok(Ok(read)),
            Err(error) => fault(error.to_string()),
        },
    }
}

/// Files of the folder that the manifest does not list.
pub(super) fn strangers(folder: &Path, manifest: &Manifest) -> Result<Vec<Fault>, Failure> {
    let failed = |e: io::Error| Failure::file("reading", folder, &e);
    let listed: BTreeSet<&str> = manifest.files.iter().map(|file| file.name.as_str()).collect();
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name().to_string_lossy().into_owned();
        if name != manifest::NAME && !listed.contains(name.as_str()) {
            found.push(Fault::of(&name, "it does not belong to this backup"));
        }
    }
    found.sort_by(|a, b| a.file.cmp(&b.file));
    Ok(found)
}

/// What was read.
pub(super) struct Rows {
    pub(super) faults: Vec<Fault>,
    pub(super) rows: u64,
    pub(super) sha256: [u8; 32],
}

/// Reads all files; `row` takes each row, with the name of its file, for as long as nothing is wrong.
pub(super) fn rows(
    folder: &Path,
    manifest: &Manifest,
    mut row: impl FnMut(&str, Row) -> Result<(), Failure>,
) -> Result<Rows, Failure> {
    let vault = manifest.vault().ok_or_else(|| Failure::new("the manifest names no vault"))?;
    let mut reading = Reading { frames: Frames::new(), rows: 0, hash: Sha256::new() };
    let (mut damaged, mut malformed) = (Vec::new(), Vec::new());
    for (number, entry) in (1..).zip(&manifest.files) {
        let sound = damaged.is_empty() && malformed.is_empty();
        let read = reading.file(folder, (vault, number, entry), |one| match sound {
            true => row(&entry.name, one),
            false => Ok(()),
        })?;
        damaged.extend(read.damaged.map(|what| Fault::of(&entry.name, what)));
        malformed.extend(read.malformed.map(|what| Fault::of(&entry.name, what)));
    }
    let faults = if damaged.is_empty() { malformed } else { damaged };
    Ok(Rows { faults, rows: reading.rows, sha256: reading.hash.finalize().into() })
}

/// What was wrong with one file.
#[derive(Default)]
struct Read {
    damaged: Option<String>,
    malformed: Option<String>,
}

struct Reading {
    frames: Frames,
    rows: u64,
    /// Of all rows.
    hash: Sha256,
}

impl Reading {
    fn file(
        &mut self,
        folder: &Path,
        (vault, number, entry): (VaultId, u32, &FileEntry),
        mut row: impl FnMut(Row) -> Result<(), Failure>,
    ) -> Result<Read, Failure> {
        let damaged = |what: String| Ok(Read { damaged: Some(what), ..Read::default() });
        let mut file = match File::open(folder.join(&entry.name)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return damaged("it is missing".to_owned());
            }
            Err(error) => return damaged(format!("it cannot be read: {error}")),
        };
        let header = folder::header(vault, number);
        let (mut found, mut buffer) = (Read::default(), vec![0; limits::BACKUP_PIECE_BYTES]);
        let (mut length, mut rows, mut hash) = (0_u64, 0_u64, Sha256::new());
        let mut head = Vec::new();
        loop {
            let count = match file.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) => return damaged(format!("it cannot be read: {error}")),
            };
            let piece = buffer.get(..count).unwrap_or_default();
            hash.update(piece);
            length = length.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
            let missing = header.len().saturating_sub(head.len()).min(count);
            let (start, body) = piece.split_at_checked(missing).unwrap_or((piece, &[]));
            head.extend_from_slice(start);
            self.hash.update(body);
            if found.malformed.is_none() {
                self.frames.push(body);
                found.malformed = self.take(&mut rows, &mut row)?;
            }
        }
        self.rows = self.rows.saturating_add(rows);
        found.damaged = match (length, hex::encode(hash.finalize())) {
            (length, _) if length != entry.bytes => {
                Some(format!("it has {length} bytes, and the manifest says {}", entry.bytes))
            }
            (_, hash) if hash != entry.sha256 => {
                Some("its SHA-256 is not the one in the manifest: it was changed".to_owned())
            }
            _ => None,
        };
        let malformed = |what: &str| Some(what.to_owned());
        found.malformed = match found.malformed {
            Some(what) => Some(what),
            None if head != header => malformed("it is not file so-numbered of this vault"),
            None if self.frames.end().is_err() => malformed("it ends inside a row"),
            None if rows != entry.rows => {
                malformed("it does not hold as many rows as the manifest says")
            }
            None => None,
        };
        if found.malformed.is_some() || found.damaged.is_some() {
            // The next file is looked at by itself.
            self.frames = Frames::new();
        }
        Ok(found)
    }

    /// Takes the whole rows that are there; what is wrong with them.
    fn take(
        &mut self,
        rows: &mut u64,
        row: &mut impl FnMut(Row) -> Result<(), Failure>,
    ) -> Result<Option<String>, Failure> {
        loop {
            match self.frames.next() {
                Ok(Some(one)) => row(one)?,
                Ok(None) => return Ok(None),
                Err(error) => return Ok(Some(error.to_string())),
            }
            *rows = rows.saturating_add(1);
        }
    }
}
