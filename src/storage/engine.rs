//! Which engine a data folder is kept by: chosen when the vault is founded, found by the folder's name
//! ever after. It knows the engines' names and nothing else of them.

use std::{path::Path, str::FromStr, sync::Arc};

use super::{Store, StoreError, fjall::FjallStore, sled::SledStore};

/// An embedded engine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Engine {
    /// fjall 3: a log-structured merge tree.
    #[default]
    Fjall,
    /// sled 0.34: a B-tree over a log. Its memory is several times its cache while much is written.
    Sled,
}

/// The text names no engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such storage engine: `fjall` or `sled`")]
pub struct UnknownEngine;

impl Engine {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Fjall, Self::Sled];

    /// Its name, which is the name of its folder inside the data folder.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Fjall => "fjall",
            Self::Sled => "sled",
        }
    }

    /// The engine that keeps this data folder; `None` where there is no store yet.
    ///
    /// Errors: [`StoreError::TwoEngines`].
    pub fn of(folder: &Path) -> Result<Option<Self>, StoreError> {
        let mut found = Self::ALL.into_iter().filter(|engine| folder.join(engine.name()).exists());
        match (found.next(), found.next()) {
            (_, Some(_)) => Err(StoreError::TwoEngines),
            (found, None) => Ok(found),
        }
    }

    /// Opens the store in this folder: with the engine that keeps it, or, where there is none yet,
    /// with `new`.
    ///
    /// Errors: [`StoreError::TwoEngines`], [`StoreError::Locked`], [`StoreError::Open`].
    pub fn open(folder: &Path, new: Self) -> Result<Arc<dyn Store>, StoreError> {
        Ok(match Self::of(folder)?.unwrap_or(new) {
            Self::Fjall => Arc::new(FjallStore::open(folder)?),
            Self::Sled => Arc::new(SledStore::open(folder)?),
        })
    }
}

impl FromStr for Engine {
    type Err = UnknownEngine;

    fn from_str(text: &str) -> Result<Self, UnknownEngine> {
        Self::ALL.into_iter().find(|engine| engine.name() == text).ok_or(UnknownEngine)
    }
}
