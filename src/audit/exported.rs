//! A file of an exported log, and why an exported folder does not verify.
//!
//! It must not know what is in a file. Nothing personal is in a path or a leaf number.

use std::{fs, io, path::Path};

use super::note::NoteError;

/// Why a folder does not verify. Names files and leaf numbers, which hold nothing personal.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The key or a checkpoint is refused.
    #[error("{what}: {why}")]
    Note {
        /// Which of them.
        what: &'static str,
        /// Why.
        why: NoteError,
    },
    /// The checkpoint is of another log than the key.
    #[error("the checkpoint is of another log than the key")]
    OtherLog,
    /// A file that the checkpoint's size requires is missing: the log was cut.
    #[error("`{0}` is missing: the log is shorter than its checkpoint")]
    Missing(String),
    /// A file could not be read.
    #[error("`{0}` could not be read")]
    Read(String, #[source] io::Error),
    /// A file that no tree of this size has.
    #[error("`{0}` does not belong to a log of this size")]
    Extra(String),
    /// An entry bundle does not hold as many leaves as its name says.
    #[error("`{path}` should hold {expected} leaves")]
    Bundle {
        /// The file.
        path: String,
        /// Leaves it should hold.
        expected: u64,
    },
    /// A leaf is not in the one form that is written.
    #[error("leaf {0} is not a leaf")]
    Leaf(u64),
    /// A leaf says another number than its position: dropped, moved or inserted.
    #[error("leaf {expected} says that it is leaf {found}")]
    Order {
        /// Its position.
        expected: u64,
        /// What it says.
        found: u64,
    },
    /// A tile does not hold the hashes of the leaves.
    #[error("`{0}` does not hold the hashes of the leaves")]
    Tile(String),
    /// The details beside a bundle are not those of its generation leaves.
    #[error("`{path}` does not hold the detail of leaf {leaf}")]
    Generations {
        /// The file.
        path: String,
        /// The leaf.
        leaf: u64,
    },
    /// The generations of the log are no chain.
    #[error("the generation leaves are no chain at generation {generation}: {why}")]
    Chain {
        /// The one that does not follow.
        generation: u64,
        /// Why.
        why: &'static str,
    },
    /// The leaves do not have the root that was signed.
    #[error("the leaves do not add up to the signed root")]
    Root,
    /// The log is shorter than an older checkpoint.
    #[error("the log has {size} leaves, but an older checkpoint signed {older}")]
    Truncated {
        /// Leaves in the folder.
        size: u64,
        /// Leaves that the older checkpoint signed.
        older: u64,
    },
    /// The log is not a continuation of an older checkpoint.
    #[error("the log is not a continuation of the older checkpoint of {0} leaves")]
    Forked(u64),
    /// The link from an origin to the one before is broken.
    #[error("the link to the older origin is broken: {0}")]
    Origin(&'static str),
}

/// A file of the folder. Errors: [`VerifyError::Missing`] names it where it is not there.
pub(super) fn read(folder: &Path, path: &str) -> Result<Vec<u8>, VerifyError> {
    fs::read(folder.join(path)).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => VerifyError::Missing(path.to_owned()),
        _ => VerifyError::Read(path.to_owned(), error),
    })
}
