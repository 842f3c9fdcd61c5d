//! The pack that the program carries along, so that the demo runs from anywhere.
//!
//! The only file of the source tree that names a pack's folder, and it knows nothing of its content.

use std::{fs, io, path::Path};

macro_rules! files {
    ($($path:literal),+ $(,)?) => {
        &[$(($path, include_str!(concat!("../../../policies/contact-tracing/", $path)))),+]
    };
}

/// Relative path and content of each file.
const FILES: &[(&str, &str)] = files![
    "pack.toml",
    "scenarios.toml",
    "demo.toml",
    "common.cedar",
    "governance.cedar",
    "intake.cedar",
    "investigator.cedar",
    "medical_service.cedar",
    "operator.cedar",
    "sample/cases.ndjson",
    "sample/contacts.ndjson",
    "sample/lab_results.ndjson",
];

/// Writes the shipped pack into a folder.
pub(super) fn unpack(folder: &Path) -> io::Result<()> {
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
    fn the_program_carries_every_file_of_the_pack_that_counts_for_its_hash() {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/contact-tracing");
        let folder = tempfile::tempdir().unwrap();
        unpack(folder.path()).unwrap();
        let here = crate::policy::Pack::load(folder.path()).unwrap_or_else(|e| panic!("{e:?}"));
        let there = crate::policy::Pack::load(&source).unwrap_or_else(|e| panic!("{e:?}"));
        assert_eq!(here.hash(), there.hash());
    }
}
