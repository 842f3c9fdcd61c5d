//! A look at record rows against a keyring, without a vault: which records have a key left?
//!
//! For a reader of raw files (a restored copy, a proof): it opens nothing, changes nothing and hands out
//! no key. The answer is the keyring's alone; what a row says of itself is not believed.

use crate::{
    ids::{CohortId, RecordId},
    keyring::Keyring,
    storage::Store,
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
    /// Whether a value of it could still be confirmed: the index key that made one of its index rows is
    /// still there.
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
            let confirmable = row.index_rows.iter().any(|key| has_index_key(keyring, key));
            found.push(Surveyed {
                record,
                cohort: row.cohort,
                has_key: keyring.derive_slot(&row.slot).is_ok(),
                confirmable,
            });
        }
    }
    Ok(found)
}

/// Whether the keyring still has the key under which an index row was made: 'x' ‖ cohort_id16 ‖ u32 key
/// id and so on.
fn has_index_key(keyring: &Keyring, row: &[u8]) -> bool {
    let parts = row.get(1..).and_then(|rest| rest.split_at_checked(16));
    let Some((cohort, rest)) = parts else { return false };
    let id = rest.first_chunk::<4>().map(|id| u32::from_be_bytes(*id));
    match (CohortId::from_slice(cohort), id) {
        (Ok(cohort), Some(id)) => keyring.index_key_ids(&cohort).contains(&id),
        _ => false,
    }
}
