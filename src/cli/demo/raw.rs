//! The old data as raw files, by somebody who has them, the root key and a copy of the present places.
//!
//! No start, no recovery, no log: the store is read row by row, and for every sealed row every key that
//! the keyring can still derive is tried: the row's own slot, and the index keys of its cohort. This is
//! the strongest reader the design knows short of a copy of an old generation key.

use super::{
    DemoError, World, copies, folders,
    served::{Home, Served},
};
use crate::{
    ids::RecordId,
    keyring::{Keyring, Place, RootSource},
    random::OsRandom,
    retention::{self, Surveyed},
    storage::Engine,
};

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
    let with_key = reading.iter().filter(|r| r.has_key).count();
    world.tell.detail(&format!(
        "{bytes} bytes, {} records: {with_key} have a key left, {} have none",
        reading.len(),
        reading.len() - with_key
    ));
    let found = |id: &RecordId| reading.iter().find(|r| r.record == *id);
    let sealed = gone.iter().all(|id| found(id).is_some_and(|r| !r.has_key));
    world.tell.check(sealed && !gone.is_empty(), "no key of a purged record can be derived");
    let open = live.iter().all(|id| found(id).is_some_and(|r| r.has_key));
    world.tell.check(open && !live.is_empty(), "the same reading finds the keys of live records");
    let confirmed = reading.iter().any(|r| !r.has_key && r.confirmable);
    world.tell.check(!confirmed, "no searchable value of theirs can be confirmed");
    world.tell.check(clear.is_empty(), "nothing of the sample is in the files in clear");
    Served::start(&world.means, &world.home).await
}

/// Tries every key that can still be derived on every record row. Blocks.
fn read(home: &Home, root: RootSource) -> Result<Vec<Surveyed>, DemoError> {
    let store = Engine::open(&home.data, Engine::default())?;
    let places = home.places.iter().map(|path| Place::folder(path, &home.data));
    let places = places.collect::<Result<Vec<_>, _>>()?;
    let keyring = Keyring::open(places, &[], root, &OsRandom)?;
    Ok(retention::survey(&*store, &keyring)?)
}
