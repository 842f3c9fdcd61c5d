//! Looks at the folders that a command was given before anything is opened, so that a wrong path is
//! named with what to do about it.
//!
//! It only looks, with one exception: [`Fresh`] makes a data folder and takes it away again when
//! founding failed. Nothing here opens a place or a store.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::failure::Failure;
use crate::{
    storage::Engine,
    vault::startup::{StartError, prepare_data_folder},
};

/// The file every pack has.
const PACK_FILE: &str = "pack.toml";
/// The file a pack needs to be played by `demo`.
const DEMO_FILE: &str = "demo.toml";
/// What a pack needs so that `sample` makes records of it.
const SAMPLE_FILE: &str = "sample.toml";

/// Refuses a path that is no pack at all. What is in the pack is checked by loading it.
pub(super) fn pack(path: &Path) -> Result<(), Failure> {
    let shown = path.display();
    if !path.exists() {
        return Err(Failure::new(format!("no policy pack at `{shown}`: there is no such folder"))
            .hint("name the folder that holds the pack's pack.toml"));
    }
    if !path.is_dir() {
        let parent = path.parent().filter(|p| p.join(PACK_FILE).is_file());
        let hint = match parent {
            Some(parent) => format!("did you mean its folder, `{}`?", here(parent).display()),
            None => "name the folder that holds the pack's pack.toml".to_owned(),
        };
        return Err(
            Failure::new(format!("`{shown}` is a file; a policy pack is a folder")).hint(hint)
        );
    }
    if path.join(PACK_FILE).is_file() {
        return Ok(());
    }
    let hint = match child_with(path, PACK_FILE) {
        Some(child) => format!("did you mean `{}`?", child.display()),
        None => "name the folder that holds the pack's pack.toml".to_owned(),
    };
    Err(Failure::new(format!("no policy pack at `{shown}`: it holds no {PACK_FILE}")).hint(hint))
}

/// The same for a pack that the demo shall play.
pub(super) fn demo_pack(path: &Path) -> Result<(), Failure> {
    pack(path)?;
    if path.join(DEMO_FILE).is_file() {
        return Ok(());
    }
    Err(Failure::new(format!("the pack `{}` has no {DEMO_FILE}", path.display())).hint(
        "leave --policy out to play the shipped pack; its demo.toml shows how one is written",
    ))
}

/// The same for a pack of which a sample shall be made.
pub(super) fn sample_pack(path: &Path) -> Result<(), Failure> {
    pack(path)?;
    if path.join(SAMPLE_FILE).is_file() {
        return Ok(());
    }
    Err(Failure::new(format!("the pack `{}` has no {SAMPLE_FILE}", path.display())).hint(
        "leave --pack out for a sample of the shipped pack; its sample.toml shows how one is written",
    ))
}

/// Refuses a data folder that cannot hold a vault, before any place is touched.
pub(super) fn vault(path: &Path) -> Result<(), Failure> {
    let shown = path.display();
    let why = match fs::read_dir(path) {
        Ok(mut entries) => match entries.next() {
            Some(_) => return Ok(()),
            None => "the folder is empty",
        },
        Err(_) if !path.exists() => "there is no such folder",
        Err(_) if !path.is_dir() => "it is a file",
        Err(error) => return Err(Failure::file("reading", path, &error)),
    };
    let hint = match like(path) {
        Some(other) => {
            format!("did you mean `{}`? `oubliette init` makes a new one", other.display())
        }
        None => "`oubliette init` makes one; or correct --data".to_owned(),
    };
    Err(Failure::new(format!("no vault in `{shown}`: {why}")).hint(hint))
}

/// A vault's folder close by: inside this one, or beside it.
fn like(path: &Path) -> Option<PathBuf> {
    let parent = path.parent().map(here);
    let found = vault_in(path).or_else(|| vault_in(parent?))?;
    Some(found.strip_prefix(".").map_or_else(|_| found.clone(), Path::to_owned))
}

/// The first folder inside `path` that a store is kept in.
fn vault_in(path: &Path) -> Option<PathBuf> {
    Engine::ALL.into_iter().filter_map(|engine| child_with(path, engine.name())).min()
}

/// The parent of a bare name is where we are.
fn here(path: &Path) -> &Path {
    if path.as_os_str().is_empty() { Path::new(".") } else { path }
}

/// The first folder, by name, inside `path` that holds an entry of this name.
fn child_with(path: &Path, name: &str) -> Option<PathBuf> {
    let entries = fs::read_dir(path).ok()?;
    let children = entries.filter_map(Result::ok).map(|entry| entry.path());
    children.filter(|child| child.join(name).exists()).min()
}

/// A data folder in which a vault is being founded. Dropped before [`Fresh::keep`], it takes away what
/// founding left there, and the folder itself if it made it.
pub(super) struct Fresh<'a> {
    path: &'a Path,
    made: bool,
    kept: bool,
}

impl<'a> Fresh<'a> {
    /// Makes the folder if it is missing; refuses one that holds anything.
    pub(super) fn prepare(path: &'a Path) -> Result<Self, StartError> {
        let made = !path.exists();
        prepare_data_folder(path)?;
        Ok(Self { path, made, kept: false })
    }

    /// The vault is founded, or what is there is another's: it stays.
    pub(super) fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Fresh<'_> {
    fn drop(&mut self) {
        if self.kept {
            return;
        }
        // Best effort: the failure that led here is what is told. The folder was empty before, so
        // nothing of anybody else is in it.
        if self.made {
            let _ = fs::remove_dir_all(self.path);
            return;
        }
        for entry in fs::read_dir(self.path).into_iter().flatten().filter_map(Result::ok) {
            let path = entry.path();
            let _ = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(outcome: Result<(), Failure>) -> String {
        outcome.err().map(|failure| failure.text()).unwrap_or_default()
    }

    #[test]
    fn a_pack_that_is_not_there_or_is_a_file_is_named_and_a_folder_with_one_passes() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("policy");
        assert!(
            text(pack(&dir)).contains(&format!("`{}`: there is no such folder", dir.display()))
        );
        fs::create_dir(&dir).unwrap();
        assert!(text(pack(&dir)).contains("holds no pack.toml"));
        fs::write(dir.join(PACK_FILE), "").unwrap();
        assert!(pack(&dir).is_ok());
        let file = text(pack(&dir.join(PACK_FILE)));
        assert!(file.contains("is a file") && file.contains(&format!("`{}`?", dir.display())));
        assert!(text(pack(folder.path())).contains(&format!("did you mean `{}`", dir.display())));
    }

    #[test]
    fn a_pack_without_a_story_is_refused_by_the_demo_and_one_with_it_is_not() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(PACK_FILE), "").unwrap();
        assert!(text(demo_pack(folder.path())).contains("demo.toml"));
        fs::write(folder.path().join(DEMO_FILE), "").unwrap();
        assert!(demo_pack(folder.path()).is_ok());
    }

    #[test]
    fn a_pack_without_a_description_is_refused_by_the_sample_and_one_with_it_is_not() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(PACK_FILE), "").unwrap();
        assert!(text(sample_pack(folder.path())).contains("sample.toml"));
        fs::write(folder.path().join(SAMPLE_FILE), "").unwrap();
        assert!(sample_pack(folder.path()).is_ok());
    }

    #[test]
    fn a_data_folder_without_a_vault_is_refused_and_the_one_beside_it_named() {
        let folder = tempfile::tempdir().unwrap();
        let (wrong, right) = (folder.path().join("dta"), folder.path().join("data"));
        assert!(text(vault(&wrong)).contains("no such folder"));
        assert!(text(vault(&wrong)).contains("init"));
        assert!(!wrong.exists(), "looking makes nothing");
        fs::create_dir_all(right.join(Engine::Sled.name())).unwrap();
        assert!(text(vault(&wrong)).contains(&format!("did you mean `{}`?", right.display())));
        fs::create_dir(&wrong).unwrap();
        assert!(text(vault(&wrong)).contains("empty"));
        assert!(vault(&right).is_ok());
    }

    #[test]
    fn a_failed_founding_leaves_the_disk_as_it_was_and_a_good_one_stays() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let fresh = Fresh::prepare(&data).unwrap();
        fs::create_dir(data.join(Engine::Fjall.name())).unwrap();
        drop(fresh);
        assert!(!data.exists());
        fs::create_dir(&data).unwrap();
        let fresh = Fresh::prepare(&data).unwrap();
        fs::create_dir(data.join(Engine::Fjall.name())).unwrap();
        fs::write(data.join("lock"), "").unwrap();
        drop(fresh);
        assert_eq!(fs::read_dir(&data).unwrap().count(), 0, "the folder was there before");
        let fresh = Fresh::prepare(&data).unwrap();
        fs::write(data.join("lock"), "").unwrap();
        fresh.keep();
        assert!(data.join("lock").exists());
        assert!(matches!(Fresh::prepare(&data), Err(StartError::NotEmpty)));
        assert!(data.join("lock").exists());
    }
}
