//! As much work for a record that is absent as for one that is none of the caller's business, and the other
//! way round.
//!
//! The answers are the same; their time should be, too. For an absent id a record beside it in the order of
//! ids is read in its stead, always the same one, so that what is in memory the second time is so for both;
//! for a record that is there the search for that one is made up for. Invariant: nothing that is read here
//! decides, is shown, or leaves this file but as time.

use prost::Message as _;

use crate::{
    ids::RecordId,
    storage::{Row, Store, StoreError, keys},
    wire::store::RecordRow,
};

use super::VaultError;

/// Does for an absent id what reading a record takes: finds one, looks at its row as often, and has `open`
/// open it. A vault without any record has nothing to hide.
pub(crate) fn as_if_there(
    store: &dyn Store,
    absent: &RecordId,
    open: impl FnOnce(RecordId, Vec<u8>),
) -> Result<(), VaultError> {
    let Some((key, row)) = beside(store, absent)? else { return Ok(()) };
    let Some(id) = key.get(1..).and_then(|id| RecordId::from_slice(id).ok()) else { return Ok(()) };
    open(id, row);
    for _ in 0..3 {
        let _same = store.get(&key)?;
    }
    // As a refusal looks for marks.
    if let Some(row) = store.get(&key)? {
        let _row = RecordRow::decode(row.as_slice());
    }
    Ok(())
}

/// Does for a record that is there what an absent id takes besides: the search for another, and the looks
/// that find nothing. For an absent id it does nothing.
pub(crate) fn as_if_absent(store: &dyn Store, id: &RecordId) -> Result<(), VaultError> {
    if store.get(&keys::record(id))?.is_none() {
        return Ok(());
    }
    let _other = beside(store, id)?;
    let absent = RecordId::from_bytes(id.as_bytes().map(|byte| !byte));
    for _ in 0..3 {
        let _none = store.get(&keys::record(&absent))?;
    }
    Ok(())
}

/// The next record row after an id, or the first of all.
fn beside(store: &dyn Store, id: &RecordId) -> Result<Option<Row>, StoreError> {
    let (all, after) = (keys::records(), keys::record(id));
    if let Some(next) = store.scan(&all, Some(&after), 1)?.pop() {
        return Ok(Some(next));
    }
    Ok(store.scan(&all, None, 1)?.pop())
}
