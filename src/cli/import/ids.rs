//! Request ids of lines that bring none: derived from the import's id, the collection and the line's
//! number, so that the same line of the same import has the same id in every run.
//!
//! Never from what is on the line: such an id would stay in the vault's rows, and whoever guesses a
//! person's data could confirm the guess by it. The import's id is random. For a file it is kept beside
//! it, in `FILE.oubliette-import` (mode 0600), with the file's length and time of change, and it is on
//! disk before a record that depends on it is sent. It stays there after the end: a file that is
//! imported again by mistake files nothing twice.

use std::{
    fs::{self, File, Metadata},
    io::{self, Write as _},
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::Failure;
use crate::{
    ids::{ImportId, RequestId},
    random::Random,
};

const LABEL: &[u8] = b"oubliette/import/v1";
/// What the file's name is continued by.
const ENDING: &str = ".oubliette-import";
/// Largest file of state that is read, in bytes.
const BYTES_MAX: u64 = 4 * 1024;

/// Where request ids come from.
pub(super) enum Ids {
    /// The import's id is known.
    Known(ImportId),
    /// It is, or will be, beside the file.
    Beside(Beside),
}

/// A file and what is beside it.
pub(super) struct Beside {
    state: PathBuf,
    /// The file as it is now.
    now: Shape,
    /// Somebody says that the lines are still those of the first run.
    corrected: bool,
    random: Box<dyn Random>,
}

/// What is noticed of a file that changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Shape {
    bytes: u64,
    modified_ms: u128,
}

/// The file of state.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    import_id: String,
    bytes: u64,
    modified_ms: u128,
}

impl Ids {
    /// For a regular file. Nothing is read or written before the first line that needs it.
    pub(super) fn beside(
        file: &Path,
        metadata: &Metadata,
        corrected: bool,
        random: Box<dyn Random>,
    ) -> Self {
        let mut state = file.as_os_str().to_owned();
        state.push(ENDING);
        let changed = metadata.modified().ok().and_then(|t| t.duration_since(UNIX_EPOCH).ok());
        let now =
            Shape { bytes: metadata.len(), modified_ms: changed.unwrap_or_default().as_millis() };
        Self::Beside(Beside { state: state.into(), now, corrected, random })
    }

    /// The request id of a line.
    pub(super) fn of(&mut self, collection: &str, line: u64) -> Result<RequestId, Failure> {
        let import = match self {
            Self::Known(import) => *import,
            Self::Beside(beside) => {
                let import = beside.open()?;
                *self = Self::Known(import);
                import
            }
        };
        Ok(derive_request_id(import, collection, line))
    }
}

impl Beside {
    fn open(&self) -> Result<ImportId, Failure> {
        match self.read()? {
            None => self.make(),
            Some((import, then)) if then == self.now => Ok(import),
            Some((import, _)) if self.corrected => {
                self.write(import, true)?;
                Ok(import)
            }
            Some(_) => Err(self.changed()),
        }
    }

    fn read(&self) -> Result<Option<(ImportId, Shape)>, Failure> {
        let fault = |e: &io::Error| Failure::file("reading", &self.state, e);
        let file = match File::open(&self.state) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(|e| fault(&e))?,
        };
        if file.metadata().map_err(|e| fault(&e))?.len() > BYTES_MAX {
            return Err(self.malformed());
        }
        let state: State = serde_json::from_reader(file).map_err(|_| self.malformed())?;
        let import = ImportId::parse(&state.import_id).map_err(|_| self.malformed())?;
        Ok(Some((import, Shape { bytes: state.bytes, modified_ms: state.modified_ms })))
    }

    fn make(&self) -> Result<ImportId, Failure> {
        let import = ImportId::make(&*self.random);
        if self.write(import, false)? {
            return Ok(import);
        }
        // Another run of the same import was faster: its id is the one.
        self.read()?.map(|(import, _)| import).ok_or_else(|| self.malformed())
    }

    /// Writes the file of state whole and durably; false if there is one that must not be replaced.
    fn write(&self, import: ImportId, replace: bool) -> Result<bool, Failure> {
        let fault = |e: &io::Error| {
            Failure::file("writing", &self.state, e)
                .hint("make its folder writable, or keep the import's id yourself: --import-id HEX")
        };
        let folder = self.state.parent().filter(|f| !f.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        let state = State {
            import_id: import.to_string(),
            bytes: self.now.bytes,
            modified_ms: self.now.modified_ms,
        };
        let text = serde_json::to_string(&state).map_err(|e| fault(&e.into()))?;
        // A temporary file is its owner's alone (0600).
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(|e| fault(&e))?;
        writeln!(file, "{text}").and_then(|()| file.as_file().sync_all()).map_err(|e| fault(&e))?;
        let kept = match replace {
            true => file.persist(&self.state),
            false => file.persist_noclobber(&self.state),
        };
        match kept {
            Err(e) if e.error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
            kept => kept.map_err(|e| fault(&e.error))?,
        };
        fs::File::open(folder).and_then(|f| f.sync_all()).map_err(|e| fault(&e))?;
        Ok(true)
    }

    fn malformed(&self) -> Failure {
        Failure::new(format!("`{}` does not read", self.state.display()))
            .hint("restore it, or keep the import's id yourself: --import-id HEX")
    }

    fn changed(&self) -> Failure {
        let state = self.state.display();
        Failure::new("the file is not the one whose import was begun: its length or time changed")
            .hint(format!(
                "if lines were only corrected or added at the end, say so: --corrected; if it is \
                 another file, delete `{state}`"
            ))
    }
}

/// HMAC-SHA-256 under the import's id; its first 16 bytes. It keeps nothing secret: it makes numbers
/// that differ and that say nothing about the line.
fn derive_request_id(import: ImportId, collection: &str, line: u64) -> RequestId {
    // HMAC pads a short key with zeros to the block of its hash.
    let mut block = [0; 64];
    block.iter_mut().zip(import.as_bytes()).for_each(|(to, from)| *to = *from);
    let mut mac = Hmac::<Sha256>::new(&block.into());
    for part in [LABEL, &[0], collection.as_bytes(), &[0], &line.to_be_bytes()] {
        mac.update(part);
    }
    let mut id = [0; 16];
    id.iter_mut().zip(mac.finalize().into_bytes()).for_each(|(to, from)| *to = from);
    RequestId::from_bytes(id)
}

#[cfg(test)]
mod tests;
