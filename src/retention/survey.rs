//! A look at record rows against a keyring, without a vault: which records have a key left?
//!
//! For a reader of raw files (a restored copy, a proof): it opens nothing, changes nothing and hands out
//! no key. The answer is the keyring's alone; what a row says of itself is not believed.

use crate::{
    ids::{CohortId, RecordId},
    keyring::Keyring,
    storage::{Store, keys},
};

use super::{
    error::RetentionError,
    sweep::{Pages, head_row},
};

/// One record row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Surveyed {
    /// The record.
    pub record: RecordId,
    /// The cohort of its head.
    pub cohort: CohortId,
    /// Whether the keyring can still derive the key of its head.
    pub has_key: bool,
    /// Whether a value of it could still be confirmed: it has index rows and their cohort an index key.
    pub confirmable: bool,
}

/// Tries the keys of every record row of a store. Blocks.
///
/// # Errors
/// Reading; a row that does not parse.
pub fn survey(store: &dyn Store, keyring: &Keyring) -> Result<Vec<Surveyed>, RetentionError> {
    let mut found = Vec::new();
    let mut pages = Pages::over(vec![b'r']);
    while let Some(page) = pages.next(store)? {
        for (key, value) in page {
            let id = key.get(1..).and_then(|id| RecordId::from_slice(id).ok());
            let record = id.ok_or(RetentionError::Tampered("r"))?;
            let row = head_row(value)?;
            let info = keyring.cohort(&row.cohort);
            let searchable = info.is_some_and(|info| {
                let collection = &info.key.collection;
                !keyring.search_tokens(&row.cohort, collection, "", b"").is_empty()
            });
            let indexed = !store.scan(&keys::indexes(&row.cohort), None, 1)?.is_empty();
            found.push(Surveyed {
                record,
                cohort: row.cohort,
                has_key: keyring.derive_slot(&row.slot).is_ok(),
                confirmable: searchable && indexed,
            });
        }
    }
    Ok(found)
}
