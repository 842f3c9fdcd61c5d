//! Where a vault that does not run is: flags, or the configuration file of `serve`.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::super::{config::Config, failure::Failure, folders, secrets::RootArgs, serve::place_id};
use crate::{
    clock::SystemClock,
    ids::PlaceId,
    keyring::{Place, RootSource},
    random::OsRandom,
    secret::lock_memory,
    vault::startup::{PlacesAtRest, StartError},
};

/// Flags of every command on places that runs while no vault does.
#[derive(Debug, Clone, Default, clap::Args)]
pub(in crate::cli) struct AtRest {
    /// The configuration file of `serve`; flags override it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Data folder
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Key place; repeat for each, the primary first
    #[arg(long, value_name = "DIR")]
    keys: Vec<PathBuf>,
    /// The key place with this id need not answer; repeat for several
    #[arg(long, value_name = "ID", value_parser = place_id)]
    without_place: Vec<PlaceId>,
    #[command(flatten)]
    root: RootArgs,
}

impl AtRest {
    fn config(&self) -> Result<Config, Failure> {
        self.config.as_deref().map_or_else(|| Ok(Config::default()), Config::read)
    }

    /// The data folder.
    pub(in crate::cli) fn data(&self) -> Result<PathBuf, Failure> {
        let data = match &self.data {
            Some(data) => Some(data.clone()),
            None => self.config()?.data,
        };
        data.ok_or_else(|| missing("data folder", "data"))
    }

    /// Takes the data folder, so that no vault serves meanwhile.
    pub(super) fn open(self) -> Result<PlacesAtRest, Failure> {
        let data = self.data()?;
        folders::vault(&data)?;
        let (keys, without, root) = self.keys_and_root()?;
        let (clock, random) = (Arc::new(SystemClock), Arc::new(OsRandom));
        let mut opened = PlacesAtRest::in_folders(Path::new(&data), &keys, root, clock, random)?;
        opened.without_places = without;
        Ok(opened)
    }

    /// The places themselves, where there is no data folder to take: none is opened yet.
    pub(in crate::cli) fn places(self) -> Result<(Vec<Place>, Vec<PlaceId>, RootSource), Failure> {
        let data = self.data()?;
        let (keys, without, root) = self.keys_and_root()?;
        let places = keys.iter().map(|path| Place::folder(path, &data));
        let places = places.collect::<Result<_, _>>().map_err(StartError::from)?;
        Ok((places, without, root))
    }

    /// Where the places are, which of them need not answer, and the root secret.
    fn keys_and_root(self) -> Result<(Vec<PathBuf>, Vec<PlaceId>, RootSource), Failure> {
        // Best effort, as for `init`; core files are off.
        let _ = lock_memory();
        let config = self.config()?;
        let keys = if self.keys.is_empty() { config.keys } else { self.keys };
        if keys.is_empty() {
            return Err(missing("key place", "keys"));
        }
        let from_config = RootArgs {
            passphrase_file: config.passphrase_file,
            passphrase_fd: None,
            passphrase_credential: config.passphrase_credential,
            key_file: config.key_file,
        };
        let root = if self.root.is_given() { self.root } else { from_config }.root()?;
        Ok((keys, self.without_place, root))
    }
}

fn missing(what: &str, flag: &str) -> Failure {
    Failure::usage(format!("no {what} was given"))
        .hint(format!("give --{flag} DIR, or --config FILE with `{flag}` in it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_folder_is_named_and_the_file_of_serve_is_enough() {
        let text = |at_rest: AtRest| at_rest.open().err().map(|e| e.text()).unwrap();
        assert!(text(AtRest::default()).contains("--data DIR"));
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        std::fs::create_dir_all(data.join("fjall")).unwrap();
        assert!(text(AtRest { data: Some(data), ..AtRest::default() }).contains("--keys DIR"));
        let file = folder.path().join("oubliette.toml");
        std::fs::write(&file, "data = \"data\"\nkeys = [\"a\"]\nkey_file = \"none\"\n").unwrap();
        assert!(text(AtRest { config: Some(file), ..AtRest::default() }).contains("none"));
    }
}
