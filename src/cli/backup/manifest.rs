//! The manifest of a backup, `manifest.json`: what the backup is of, and every file with its hash.
//!
//! It is written last, so a folder without it was cut and is no backup. It has one spelling: bytes that
//! this program would not have written are refused, and `sha256`, its last field, is the SHA-256 of the
//! document with that field empty. That finds accidents; who can write the folder can write a manifest
//! too, so its hash belongs elsewhere (`oubliette backup` prints it). It holds names of the vault, numbers
//! and hashes: nothing about any person.

use std::{
    fs::{self, File, OpenOptions},
    io::{Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{cli::failure::Failure, ids::VaultId, limits};

/// Its name.
pub(super) const NAME: &str = "manifest.json";
/// What it is called while it is being written.
pub(super) const UNFINISHED: &str = "manifest.json.new";
/// The only format there is.
const FORMAT: &str = "oubliette-backup-1";
/// What the rows are, for who finds the folder.
const HOLDS: &str = "ciphertext, keyed tokens, random ids and the agents' directory in clear; no key, and nothing of \
     a record in clear";

/// The name of file `number`, from 1.
pub(super) fn name(number: u32) -> String {
    format!("rows-{number:06}.oubb")
}

/// What a backup is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::cli) struct Manifest {
    format: String,
    holds: String,
    pub(in crate::cli) vault_id: String,
    pub(in crate::cli) vault_name: String,
    pub(in crate::cli) node: String,
    /// The engine the vault ran on; a restore may choose another.
    pub(in crate::cli) engine: String,
    /// UTC: when the rows were as they are here.
    pub(in crate::cli) started: String,
    pub(in crate::cli) ended: String,
    /// The newest generation whose leaf is in the rows.
    pub(in crate::cli) generation: u64,
    pub(in crate::cli) log: LogEnd,
    pub(in crate::cli) rows: u64,
    /// Of all rows, lengths included; the files have their headers besides.
    pub(in crate::cli) bytes: u64,
    /// SHA-256 of these bytes.
    pub(in crate::cli) rows_sha256: String,
    pub(in crate::cli) files: Vec<FileEntry>,
    sha256: String,
}

/// The audit log in the rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::cli) struct LogEnd {
    /// Number of the origin.
    pub(in crate::cli) origin: u32,
    /// Leaves.
    pub(in crate::cli) size: u64,
    /// Root over them, hexadecimal.
    pub(in crate::cli) root: String,
    /// A signed note over exactly these.
    pub(in crate::cli) checkpoint: String,
    /// Leaves that there were when the backup ended.
    pub(in crate::cli) size_at_end: u64,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::cli) struct FileEntry {
    pub(in crate::cli) name: String,
    pub(in crate::cli) rows: u64,
    /// Its length.
    pub(in crate::cli) bytes: u64,
    pub(in crate::cli) sha256: String,
}

/// Why a manifest is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ManifestError {
    #[error("it is not a manifest in the one form that is written")]
    Form,
    #[error("it does not have the SHA-256 that it says itself: it was changed")]
    Changed,
    #[error("its format is one that this program does not know")]
    Format,
    #[error("its vault id, its numbers or its list of files are not possible")]
    Content,
}

impl Manifest {
    /// Everything but its own hash.
    pub(super) fn new(
        (vault, vault_name, node, engine): (VaultId, String, String, String),
        (started, ended): (String, String),
        (generation, log): (u64, LogEnd),
        (rows, bytes, rows_sha256): (u64, u64, String),
        files: Vec<FileEntry>,
    ) -> Self {
        Self {
            format: FORMAT.to_owned(),
            holds: HOLDS.to_owned(),
            vault_id: vault.to_string(),
            vault_name,
            node,
            engine,
            started,
            ended,
            generation,
            log,
            rows,
            bytes,
            rows_sha256,
            files,
            sha256: String::new(),
        }
    }

    /// The vault it is of.
    pub(in crate::cli) fn vault(&self) -> Option<VaultId> {
        VaultId::parse(&self.vault_id).ok()
    }

    /// The text of the file, hash included.
    fn text(&self) -> Result<String, Failure> {
        let empty = Self { sha256: String::new(), ..self.clone() };
        let sha256 = hex::encode(Sha256::digest(spell(&empty)?));
        spell(&Self { sha256, ..empty })
    }

    /// Writes it, last of all: whole under its name, or not at all. Its SHA-256, as a file.
    pub(super) fn write(&self, folder: &Path) -> Result<String, Failure> {
        let text = self.text()?;
        let (new, path) = (folder.join(UNFINISHED), folder.join(NAME));
        let failed = |e: std::io::Error| Failure::file("writing", &path, &e);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let mut file = options.open(&new).map_err(failed)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
        // The names of the files before the name that says that they are whole.
        let names = || File::open(folder).and_then(|f| f.sync_all()).map_err(failed);
        names()?;
        fs::rename(&new, &path).map_err(failed)?;
        names()?;
        Ok(hex::encode(Sha256::digest(text)))
    }

    /// Reads one strictly. With it its SHA-256, as a file.
    pub(super) fn parse(bytes: &[u8]) -> Result<(Self, String), ManifestError> {
        let manifest: Self = serde_json::from_slice(bytes).map_err(|_| ManifestError::Form)?;
        if manifest.format != FORMAT {
            return Err(ManifestError::Format);
        }
        let spelled = spell(&manifest).map_err(|_| ManifestError::Form)?;
        if spelled.as_bytes() != bytes {
            return Err(ManifestError::Form);
        }
        let own = manifest.text().map_err(|_| ManifestError::Form)?;
        if own.as_bytes() != bytes {
            return Err(ManifestError::Changed);
        }
        let numbered = (1..).zip(&manifest.files).all(|(n, f)| f.name == name(n));
        let rows = manifest.files.iter().try_fold(0_u64, |sum, f| sum.checked_add(f.rows));
        if manifest.vault().is_none() || !numbered || rows != Some(manifest.rows) {
            return Err(ManifestError::Content);
        }
        Ok((manifest, hex::encode(Sha256::digest(bytes))))
    }

    /// Reads the file of a folder; `None` where there is none.
    pub(super) fn read(folder: &Path) -> std::io::Result<Option<Vec<u8>>> {
        let file = match File::open(folder.join(NAME)) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut bytes = Vec::new();
        file.take(limits::BACKUP_MANIFEST_BYTES_MAX).read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }
}

fn spell(manifest: &Manifest) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(manifest).map_err(|e| Failure::of(&e))?;
    Ok(text + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        let file = FileEntry { name: super::name(1), rows: 3, bytes: 99, sha256: "ab".repeat(32) };
        let log = LogEnd {
            origin: 0,
            size: 7,
            root: "cd".repeat(32),
            checkpoint: "vault/node\n".to_owned(),
            size_at_end: 8,
        };
        Manifest::new(
            (VaultId::from_bytes([7; 16]), "vault".into(), "node".into(), "fjall".into()),
            ("2020-11-23T08:00:00.000Z".into(), "2020-11-23T08:00:01.000Z".into()),
            (4, log),
            (3, 74, "ef".repeat(32)),
            vec![file],
        )
    }

    #[test]
    fn a_manifest_is_read_as_it_was_written_and_any_other_byte_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let hash = manifest().write(folder.path()).unwrap();
        let bytes = Manifest::read(folder.path()).unwrap().unwrap();
        let (read, as_file) = Manifest::parse(&bytes).unwrap();
        assert_eq!((&as_file, read.rows), (&hash, 3));
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert!(Manifest::parse(&changed).is_err(), "byte {at}");
        }
        assert!(Manifest::parse(&bytes[..bytes.len() - 1]).is_err());
        // Once written it stays.
        assert!(Manifest::read(&folder.path().join("none")).unwrap().is_none());
    }

    #[test]
    fn a_changed_number_with_a_true_hash_of_a_list_that_cannot_be_is_refused() {
        let parsed = |manifest: Manifest| Manifest::parse(manifest.text().unwrap().as_bytes());
        assert!(parsed(manifest()).is_ok());
        assert_eq!(parsed(Manifest { rows: 4, ..manifest() }), Err(ManifestError::Content));
        let format = "oubliette-backup-2".to_owned();
        assert_eq!(parsed(Manifest { format, ..manifest() }), Err(ManifestError::Format));
        let mut renamed = manifest();
        renamed.files[0].name = "../x".to_owned();
        assert_eq!(parsed(renamed), Err(ManifestError::Content));
    }
}
