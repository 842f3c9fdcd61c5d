//! The pack that the program carries along, so that the demo and the sample need nothing else.
//!
//! Which one it is, is decided when the program is built (`build.rs`): the source names no pack and
//! knows nothing of its content.

use std::{fs, io, path::Path};

/// Relative path and content of each file.
pub(in crate::cli) const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/shipped.rs"));

/// Writes the shipped pack into a folder.
pub(in crate::cli) fn unpack(folder: &Path) -> io::Result<()> {
    for (path, content) in FILES {
        let file = folder.join(path);
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(file, content)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_carries_a_whole_pack_that_loads_away_from_its_source() {
        let folder = tempfile::tempdir().unwrap();
        unpack(folder.path()).unwrap();
        let pack = crate::policy::Pack::load(folder.path()).unwrap_or_else(|e| panic!("{e:?}"));
        assert!(!pack.collections().is_empty());
        assert!(folder.path().join("demo.toml").is_file());
    }
}
