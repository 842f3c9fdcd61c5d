//! The old data as raw files, by somebody who has them, the root key and a copy of the present places.
//!
//! No start, no recovery, no log: the store is read row by row, and for every sealed row every key that
//! the keyring can still derive is tried: the row's own slot, and the index keys of its cohort. This is
//! the strongest reader the design knows short of a copy of an old generation key.

use prost::Message as _;

use super::{
    DemoError, World, copies, folders,
    served::{Home, Served},
};
use crate::{
    ids::{CohortId, RecordId, SegmentId, SlotRef},
    keyring::{Keyring, Place, RootSource},
    random::OsRandom,
    storage::{Store, keys, sled::SledStore},
    wire::store::RecordRow,
};

/// Rows read at a time.
const PAGE: usize = 500;

/// What raw reading found.
#[derive(Debug, Default, PartialEq, Eq)]
struct Reading {
    /// Records for whose head a key can still be derived.
    openable: Vec<RecordId>,
    /// Records without any key left.
    sealed_for_good: Vec<RecordId>,
    /// Cohorts whose searchable values could still be confirmed, although their records are gone.
    confirmable: usize,
}

/// Stops the vault, reads, and starts it again.
pub(super) async fn open(
    world: &mut World<'_>,
    served: Served,
    gone: &[String],
    live: &[String],
) -> Result<Served, DemoError> {
    served.stop().await?;
    let home = copies::copy_of_old(world, "raw")?;
    let root = RootSource::key_file(&world.means.root)?;
    let reading = {
        let home = home.clone();
        tokio::task::spawn_blocking(move || read(&home, root)).await??
    };
    let (bytes, clear) = folders::search(&home.data, &world.clear_values)?;
    copies::remove(&home)?;
    let ids = |names: &[String]| -> Result<Vec<RecordId>, DemoError> {
        names.iter().map(|name| world.record(name)).collect()
    };
    let (gone, live) = (ids(gone)?, ids(live)?);
    let total = reading.openable.len() + reading.sealed_for_good.len();
    world.tell.detail(&format!(
        "{bytes} bytes, {total} records: {} have a key left, {} have none",
        reading.openable.len(),
        reading.sealed_for_good.len()
    ));
    let sealed = gone.iter().all(|id| reading.sealed_for_good.contains(id));
    world.tell.check(sealed && !gone.is_empty(), "no key of a purged record can be derived");
    let open = live.iter().all(|id| reading.openable.contains(id));
    world.tell.check(open && !live.is_empty(), "the same reading finds the keys of live records");
    world.tell.check(reading.confirmable == 0, "no searchable value of theirs can be confirmed");
    world.tell.check(clear.is_empty(), "nothing of the sample is in the files in clear");
    Served::start(&world.means, &world.home).await
}

/// Reads every record row and tries its keys. Blocks.
fn read(home: &Home, root: RootSource) -> Result<Reading, DemoError> {
    let store = SledStore::open(&home.data)?;
    let places = home.places.iter().map(|path| Place::folder(path, &home.data));
    let places = places.collect::<Result<Vec<_>, _>>()?;
    let keyring = Keyring::open(places, &[], root, &OsRandom)?;
    let mut reading = Reading::default();
    let mut after: Option<Vec<u8>> = None;
    loop {
        let page = store.scan(b"r", after.as_deref(), PAGE)?;
        let Some((last, _)) = page.last() else { return Ok(reading) };
        after = Some(last.clone());
        for (key, value) in &page {
            try_keys(&store, &keyring, key, value, &mut reading)?;
        }
    }
}

fn try_keys(
    store: &SledStore,
    keyring: &Keyring,
    key: &[u8],
    value: &[u8],
    reading: &mut Reading,
) -> Result<(), DemoError> {
    let id = RecordId::from_slice(key.get(1..).unwrap_or_default())?;
    let row = RecordRow::decode(value).map_err(|_| DemoError::Sample)?;
    let cohort = CohortId::from_slice(&row.cohort_id)?;
    let at = SlotRef { seg: SegmentId::from_slice(&row.seg_id)?, index: row.index };
    if keyring.derive_slot(&at).is_ok() {
        reading.openable.push(id);
        return Ok(());
    }
    reading.sealed_for_good.push(id);
    let tokens = store.scan(&keys::indexes(&cohort), None, 1)?;
    if !tokens.is_empty() && keyring.cohort(&cohort).is_some() {
        reading.confirmable += 1;
    }
    Ok(())
}
