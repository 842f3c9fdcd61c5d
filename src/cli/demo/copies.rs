//! Steps that copy folders: the old data with temporary copies of the places, and later with fresh
//! ones of the present places.
//!
//! The live places are never opened by two vaults: the live vault is stopped first, and what is opened
//! is always a copy.

use std::{fs, path::PathBuf};

use super::{
    DemoError, World, folders, records,
    script::Reveal,
    served::{Home, Served},
};

/// Stops the vault, copies its data folder, shows that the copy works with copies of the places,
/// deletes those, and starts the vault again.
pub(super) async fn keep(
    world: &mut World<'_>,
    served: Served,
    look: &Reveal,
) -> Result<Served, DemoError> {
    served.stop().await?;
    let old = world.folder.path().join("old-data");
    folders::copy(&world.home.data, &old)?;
    world.old_data = Some(old);
    let (bytes, found) = folders::search(&world.home.data, &world.clear_values)?;
    let values = world.clear_values.len();
    let what =
        format!("{bytes} bytes copied; of {values} sample values {} are in clear", found.len());
    world.tell.check(found.is_empty(), &what);
    let home = copy_of_old(world, "then")?;
    let mut copy = Served::start(&world.means, &home).await?;
    records::reveal(world, &mut copy, look).await?;
    copy.stop().await?;
    remove(&home)?;
    world.tell.detail("The copies of the places are deleted. Whoever kept one could still read.");
    Served::start(&world.means, &world.home).await
}

/// Opens the old data with fresh copies of the present places, by the normal start.
pub(super) async fn open_old(
    world: &mut World<'_>,
    served: Served,
    look: &[Reveal],
) -> Result<Served, DemoError> {
    served.stop().await?;
    let home = copy_of_old(world, "now")?;
    let mut copy = Served::start(&world.means, &home).await?;
    for reveal in look {
        records::reveal(world, &mut copy, reveal).await?;
    }
    copy.stop().await?;
    remove(&home)?;
    Served::start(&world.means, &world.home).await
}

/// The old data and the present places, copied side by side under a name.
pub(super) fn copy_of_old(world: &World<'_>, name: &str) -> Result<Home, DemoError> {
    let old = world.old_data.as_ref().ok_or(DemoError::Order("keep-old-copy"))?;
    let folder = world.folder.path().join(format!("copy-{name}"));
    let data = folder.join("data");
    folders::copy(old, &data)?;
    let mut places: Vec<PathBuf> = Vec::with_capacity(world.home.places.len());
    for (place, number) in world.home.places.iter().zip(1_usize..) {
        let copy = folder.join(format!("place-{number}"));
        folders::copy(place, &copy)?;
        places.push(copy);
    }
    Ok(Home { data, places, policy: world.home.policy.clone() })
}

/// Deletes a copy with everything in it.
pub(super) fn remove(home: &Home) -> Result<(), DemoError> {
    fs::remove_dir_all(&home.data)?;
    home.places.iter().try_for_each(fs::remove_dir_all)?;
    Ok(())
}
