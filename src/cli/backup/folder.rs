//! The files of a backup: `rows-000001.oubb` and on, each "OUBB" ‖ 0x01 ‖ vault_id16 ‖ u32 number, and
//! then rows as `storage::frames` spells them, all in key order over all files.
//!
//! A file ends with the row that reaches [`limits::BACKUP_FILE_BYTES`]; no row is in two files. Nothing is
//! written over. Invariant: a file is synced before the next is begun, and all of them before the manifest.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, BufWriter, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use super::manifest::{self, FileEntry};
use crate::{
    cli::failure::Failure,
    ids::VaultId,
    limits,
    storage::frames::{self, Frames},
};

const MAGIC: &[u8; 5] = b"OUBB\x01";

/// What file `number` begins with.
pub(super) fn header(vault: VaultId, number: u32) -> Vec<u8> {
    [&MAGIC[..], vault.as_bytes(), &number.to_be_bytes()].concat()
}

/// Makes the folder of a new backup, for its owner alone; one that holds anything is refused.
pub(super) fn prepare(folder: &Path) -> Result<(), Failure> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|e| Failure::file("making", folder, &e))?;
    let mut entries = fs::read_dir(folder).map_err(|e| Failure::file("reading", folder, &e))?;
    if entries.next().is_some() {
        let message = format!("`{}` is not empty", folder.display());
        return Err(Failure::usage(message).hint("name a new folder for each backup"));
    }
    // Its own name must survive too.
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    let synced = File::open(parent).and_then(|f| f.sync_all());
    synced.map_err(|e| Failure::file("syncing", parent, &e))
}

/// A file that is being written.
struct Open {
    path: PathBuf,
    out: BufWriter<File>,
    hash: Sha256,
    entry: FileEntry,
}

impl Open {
    fn begin(folder: &Path, vault: VaultId, number: u32) -> Result<Self, Failure> {
        let name = manifest::name(number);
        let path = folder.join(&name);
        let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let file = opened.map_err(|e| Failure::file("writing", &path, &e))?;
        let entry = FileEntry { name, rows: 0, bytes: 0, sha256: String::new() };
        let mut open = Self { path, out: BufWriter::new(file), hash: Sha256::new(), entry };
        open.write(&header(vault, number))?;
        Ok(open)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.hash.update(bytes);
        self.entry.bytes = self.entry.bytes.saturating_add(length(bytes));
        self.out.write_all(bytes).map_err(|e| Failure::file("writing", &self.path, &e))
    }

    fn finish(self) -> Result<FileEntry, Failure> {
        let written = self.out.into_inner().map_err(io::IntoInnerError::into_error);
        let synced = written.and_then(|file| file.sync_all());
        synced.map_err(|e| Failure::file("writing", &self.path, &e))?;
        Ok(FileEntry { sha256: hex::encode(self.hash.finalize()), ..self.entry })
    }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// Writes the files of a backup as its bytes arrive.
pub(super) struct Writer<'a> {
    folder: &'a Path,
    vault: VaultId,
    file_bytes: u64,
    frames: Frames,
    open: Option<Open>,
    done: Vec<FileEntry>,
    /// Rows, and their bytes.
    pub(super) rows: u64,
    pub(super) bytes: u64,
    hash: Sha256,
}

impl<'a> Writer<'a> {
    /// Into an empty folder; a file ends once it has `file_bytes`.
    pub(super) fn new(folder: &'a Path, vault: VaultId, file_bytes: u64) -> Self {
        Self {
            folder,
            vault,
            file_bytes,
            frames: Frames::new(),
            open: None,
            done: Vec::new(),
            rows: 0,
            bytes: 0,
            hash: Sha256::new(),
        }
    }

    /// Takes the next bytes.
    pub(super) fn push(&mut self, piece: &[u8]) -> Result<(), Failure> {
        self.frames.push(piece);
        while let Some(row) = self.frames.next().map_err(|e| Failure::of(&e))? {
            let mut bytes = Vec::new();
            frames::append(&mut bytes, &row).map_err(|e| Failure::of(&e))?;
            self.row(&bytes)?;
        }
        Ok(())
    }

    fn row(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let mut open = match self.open.take() {
            Some(open) => open,
            None => Open::begin(self.folder, self.vault, self.next_number()?)?,
        };
        open.write(bytes)?;
        open.entry.rows = open.entry.rows.saturating_add(1);
        self.hash.update(bytes);
        self.rows = self.rows.saturating_add(1);
        self.bytes = self.bytes.saturating_add(length(bytes));
        if open.entry.bytes >= self.file_bytes {
            self.done.push(open.finish()?);
        } else {
            self.open = Some(open);
        }
        Ok(())
    }

    fn next_number(&self) -> Result<u32, Failure> {
        if self.done.len() >= limits::BACKUP_FILES_MAX {
            return Err(Failure::new("the backup would have too many files"));
        }
        let number = u32::try_from(self.done.len()).unwrap_or(u32::MAX);
        Ok(number.saturating_add(1))
    }

    /// All files, synced, and the SHA-256 of all rows.
    pub(super) fn finish(mut self) -> Result<(Vec<FileEntry>, [u8; 32]), Failure> {
        self.frames.end().map_err(|e| Failure::of(&e))?;
        if let Some(open) = self.open.take() {
            self.done.push(open.finish()?);
        }
        Ok((self.done, self.hash.finalize().into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_ends_with_the_row_that_reaches_its_bound_and_the_last_with_the_last_row() {
        let folder = tempfile::tempdir().unwrap();
        let vault = VaultId::from_bytes([7; 16]);
        let mut bytes = Vec::new();
        for n in 0..10_u8 {
            frames::append(&mut bytes, &(vec![n], vec![n; 91])).unwrap();
        }
        let mut writer = Writer::new(folder.path(), vault, 300);
        bytes.chunks(33).for_each(|piece| writer.push(piece).unwrap());
        assert_eq!((writer.rows, writer.bytes), (10, 1000));
        let (files, hash) = writer.finish().unwrap();
        let of: Vec<_> = files.iter().map(|f| (f.name.as_str(), f.rows, f.bytes)).collect();
        let names: Vec<String> = (1..=4).map(manifest::name).collect();
        let [one, two, three, four] = [0, 1, 2, 3].map(|n| names[n].as_str());
        assert_eq!(of, [(one, 3, 325), (two, 3, 325), (three, 3, 325), (four, 1, 125)]);
        assert_eq!(hash, <[u8; 32]>::from(Sha256::digest(&bytes)));
        let first = fs::read(folder.path().join(one)).unwrap();
        assert_eq!(&first[..25], header(vault, 1));
        assert_eq!(hex::encode(Sha256::digest(&first)), files[0].sha256);
        // Nothing is written over.
        let mut again = Writer::new(folder.path(), vault, 300);
        assert!(again.push(&bytes).is_err());
    }

    #[test]
    fn rows_out_of_order_or_cut_are_not_taken_for_a_backup() {
        let folder = tempfile::tempdir().unwrap();
        let mut bytes = Vec::new();
        frames::append(&mut bytes, &(vec![2], vec![])).unwrap();
        let mut cut = Writer::new(folder.path(), VaultId::from_bytes([7; 16]), 300);
        cut.push(&bytes[..5]).unwrap();
        assert!(cut.finish().is_err());
        frames::append(&mut bytes, &(vec![1], vec![])).unwrap();
        let mut wrong = Writer::new(folder.path(), VaultId::from_bytes([7; 16]), 300);
        assert!(wrong.push(&bytes).is_err());
    }

    #[test]
    fn a_folder_with_anything_in_it_is_refused_and_a_new_one_made_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let new = folder.path().join("new");
        prepare(&new).unwrap();
        assert_eq!(fs::metadata(&new).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(prepare(folder.path()).unwrap_err().code(), 2);
    }
}
