//! A real folder as a place.
//!
//! Files are written beside their name, synced, renamed, the folder synced, and read back past the
//! page cache. Anchor slots are overwritten in place with O_DIRECT | O_DSYNC; where the file system
//! refuses, with fdatasync and dropped cache pages. The lock is `flock` on the file `place`, which
//! is never replaced. Symbolic links are resolved once, at construction.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use parking_lot::Mutex;
use rustix::fs::{Advice, FlockOperation, Mode, OFlags, fadvise, fdatasync, flock};

use super::{AnchorSlot, CHECKPOINT_FILE, Medium, PLACE_FILE, TEMPORARY_SUFFIX};
use crate::keyring::{KeyringError, PlaceClass, anchor::SLOT_BYTES, generation};

const ANCHOR_FILE: &str = "anchor";
/// Largest file read from a place: a keyring of `limits::KEYRING_BODY_BYTES_MAX` and its header.
const FILE_BYTES_MAX: u64 = 64 + crate::limits::KEYRING_BODY_BYTES_MAX as u64;

pub(super) struct FolderMedium {
    path: PathBuf,
    lock: Mutex<Option<File>>,
}

/// A buffer that O_DIRECT accepts.
#[repr(C, align(4096))]
struct Aligned([u8; SLOT_BYTES]);

impl FolderMedium {
    pub(super) fn new(path: &Path, data_dir: &Path) -> Result<Self, KeyringError> {
        let named = |path: &Path| path.display().to_string();
        let resolved =
            resolve(path).map_err(|e| KeyringError::io(named(path), "resolving the folder", e))?;
        let data = resolve(data_dir)
            .map_err(|e| KeyringError::io(named(data_dir), "resolving the data folder", e))?;
        if resolved.starts_with(&data) {
            return Err(KeyringError::PlaceInsideData { place: named(path) });
        }
        Ok(Self { path: resolved, lock: Mutex::new(None) })
    }

    fn sync_folder(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }

    fn read_back(&self, name: &str, expected: &[u8]) -> io::Result<()> {
        let mut file = File::open(self.path.join(name))?;
        // Best effort: what cannot be dropped from the cache is compared from there.
        let _ = fadvise(&file, 0, None, Advice::DontNeed);
        let mut found = Vec::with_capacity(expected.len());
        Read::take(&mut file, FILE_BYTES_MAX).read_to_end(&mut found)?;
        if found == expected {
            return Ok(());
        }
        Err(io::Error::other("the device returned other bytes than were written"))
    }

    fn open_anchor(&self, direct: bool) -> io::Result<File> {
        let mut flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::DSYNC;
        flags.set(OFlags::DIRECT, direct);
        let fd = rustix::fs::open(self.path.join(ANCHOR_FILE), flags, Mode::empty())?;
        Ok(File::from(fd))
    }

    /// Runs `action` with direct IO, and without where the file system refuses that.
    fn with_anchor<T>(&self, action: impl Fn(&File) -> io::Result<T>) -> io::Result<T> {
        match self.open_anchor(true).and_then(|file| action(&file)) {
            Err(error) if error.raw_os_error() == Some(EINVAL) => {
                let file = self.open_anchor(false)?;
                fadvise(&file, 0, None, Advice::DontNeed)?;
                let done = action(&file)?;
                fdatasync(&file)?;
                fadvise(&file, 0, None, Advice::DontNeed)?;
                Ok(done)
            }
            other => other,
        }
    }

    /// Makes the anchor file, both slots empty, where there is none.
    fn make_anchor(&self) -> io::Result<()> {
        let made = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(self.path.join(ANCHOR_FILE));
        let mut file = match made {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
            other => other?,
        };
        file.write_all(&[0; 2 * SLOT_BYTES])?;
        file.sync_all()?;
        self.sync_folder()
    }
}

/// "Invalid argument": how a file system refuses O_DIRECT.
const EINVAL: i32 = rustix::io::Errno::INVAL.raw_os_error();

impl Medium for FolderMedium {
    fn describe(&self) -> String {
        self.path.display().to_string()
    }

    fn is_vacant(&self) -> io::Result<bool> {
        let ours = |name: &String| {
            [PLACE_FILE, ANCHOR_FILE, CHECKPOINT_FILE].contains(&name.as_str())
                || generation::parse_file_name(name).is_some()
        };
        match self.list() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
            names => Ok(!names?.iter().any(ours)),
        }
    }

    fn claim(&self, place: &[u8]) -> io::Result<()> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.path)?;
        if !self.is_vacant()? {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(self.path.join(PLACE_FILE))?;
        self.lock()?;
        file.write_all(place)?;
        file.sync_all()?;
        self.sync_folder()?;
        if let Some(parent) = self.path.parent() {
            File::open(parent)?.sync_all()?;
        }
        self.make_anchor()
    }

    fn lock(&self) -> io::Result<()> {
        let file = OpenOptions::new().read(true).write(true).open(self.path.join(PLACE_FILE))?;
        flock(&file, FlockOperation::NonBlockingLockExclusive)?;
        *self.lock.lock() = Some(file);
        Ok(())
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            names.extend(entry?.file_name().into_string());
        }
        names.sort();
        Ok(names)
    }

    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        let file = match File::open(self.path.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        if file.metadata()?.len() > FILE_BYTES_MAX {
            return Err(io::Error::other("the file is larger than any this version writes"));
        }
        let mut bytes = Vec::new();
        file.take(FILE_BYTES_MAX).read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let temporary = self.path.join(format!("{name}{TEMPORARY_SUFFIX}"));
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, self.path.join(name))?;
        self.sync_folder()?;
        self.read_back(name, bytes)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.path.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
            Ok(()) => self.sync_folder(),
        }
    }

    fn read_slot(&self, at: AnchorSlot) -> io::Result<Box<[u8; SLOT_BYTES]>> {
        if !self.path.join(ANCHOR_FILE).exists() {
            return Ok(Box::new([0; SLOT_BYTES]));
        }
        self.with_anchor(|file| {
            let mut buffer = Box::new(Aligned([0; SLOT_BYTES]));
            if rustix::io::pread(file, &mut buffer.0, offset(at))? < SLOT_BYTES {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            Ok(Box::new(buffer.0))
        })
    }

    fn write_slot(&self, at: AnchorSlot, bytes: &[u8; SLOT_BYTES]) -> io::Result<()> {
        self.make_anchor()?;
        let buffer = Box::new(Aligned(*bytes));
        self.with_anchor(|file| {
            if rustix::io::pwrite(file, &buffer.0, offset(at))? < SLOT_BYTES {
                return Err(io::ErrorKind::WriteZero.into());
            }
            Ok(())
        })
    }

    fn class(&self) -> PlaceClass {
        // A file system never proves that the old block is gone.
        PlaceClass::L0
    }
}

fn offset(at: AnchorSlot) -> u64 {
    match at {
        AnchorSlot::First => 0,
        AnchorSlot::Second => SLOT_BYTES as u64,
    }
}

/// The real path, symbolic links resolved, of a folder that may not exist yet.
fn resolve(path: &Path) -> io::Result<PathBuf> {
    let absolute = std::path::absolute(path)?;
    let mut missing: Vec<OsString> = Vec::new();
    let mut present = absolute.as_path();
    loop {
        match present.canonicalize() {
            Ok(real) => {
                return Ok(missing.iter().rev().fold(real, |path, name| path.join(name)));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let (Some(parent), Some(name)) = (present.parent(), present.file_name()) else {
                    return Err(error);
                };
                missing.push(name.to_owned());
                present = parent;
            }
            Err(error) => return Err(error),
        }
    }
}
