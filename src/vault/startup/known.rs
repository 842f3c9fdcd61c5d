//! What the database knows of generations, before its log is open: places that are older were rolled back.
//! It decides nothing and writes nothing.

use prost::Message as _;

use crate::{
    audit::clear::GenerationDetail,
    keyring::KeyringError,
    storage::{Store, keys},
    wire::store::GenerationRow,
};

use super::StartError;

/// What the database says of its newest generation leaf; `None` for a database of no vault.
pub(super) fn generation_row(store: &dyn Store) -> Result<Option<GenerationRow>, StartError> {
    let tampered = || StartError::Tampered("generation row");
    let Some(row) = store.get(keys::GENERATION)? else { return Ok(None) };
    let row = GenerationRow::decode(row.as_slice()).map_err(|_| tampered())?;
    // The log compares the detail with its leaf later, once it is open.
    let detail = GenerationDetail::parse(&row.detail).ok_or_else(tampered)?;
    if detail.generation == row.generation { Ok(Some(row)) } else { Err(tampered()) }
}

pub(super) fn rolled_back(error: KeyringError) -> StartError {
    match error {
        KeyringError::RolledBack { known: database, places } => {
            StartError::PlacesRolledBack { database, places }
        }
        error => error.into(),
    }
}
