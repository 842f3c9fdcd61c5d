//! Files in an exported folder that belong to no log of its size.
//!
//! Looks below `tile/`, `generations/` and `closed/` and at `origin`, which are the log's own names;
//! whatever else lies in the folder is nobody's claim. It judges names alone and reads no file.

use std::{collections::BTreeSet, fs, io, path::Path};

/// The names at the top of a log's folder, apart from its checkpoint.
const OWN: [&str; 4] = ["tile", "generations", "closed", "origin"];

/// The first path below `folder` that is not `expected` (paths with `/`, files only), if there is one.
///
/// Errors: the path of a folder that could not be read, and why.
pub(super) fn find(
    folder: &Path,
    expected: &BTreeSet<String>,
) -> Result<Option<String>, (String, io::Error)> {
    let mut folders = vec![String::new()];
    while let Some(inside) = folders.pop() {
        let failed = |error| (inside.clone(), error);
        for entry in fs::read_dir(folder.join(&inside)).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if inside.is_empty() && !OWN.contains(&name.as_str()) {
                continue;
            }
            let path = if inside.is_empty() { name } else { format!("{inside}/{name}") };
            let is_folder = entry.file_type().map_err(failed)?.is_dir();
            if is_folder && leads_to_any(&path, expected) {
                folders.push(path);
            } else if is_folder || !expected.contains(&path) {
                return Ok(Some(path));
            }
        }
    }
    Ok(None)
}

/// Whether an expected file lies below this folder.
fn leads_to_any(path: &str, expected: &BTreeSet<String>) -> bool {
    let below = format!("{path}/");
    expected.range(below.clone()..).next().is_some_and(|file| file.starts_with(&below))
}
