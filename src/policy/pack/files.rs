//! Reads a pack's folder, each file once: the bytes that are hashed are the bytes that are used.

use std::{fs, path::Path};

use super::error::PackError;
use crate::{
    limits::{PACK_DEPTH_MAX, PACK_FILE_BYTES_MAX, PACK_FILES_MAX},
    policy::hash::PackFile,
};

/// The vocabulary, retention and masks.
pub(in crate::policy) const PACK_FILE: &str = "pack.toml";
/// The pack's own tests.
pub(in crate::policy) const SCENARIOS_FILE: &str = "scenarios.toml";

/// `pack.toml`, `scenarios.toml` and every `*.cedar` at any depth, with `/` in paths.
pub(in crate::policy) fn read(dir: &Path) -> Result<Vec<PackFile>, Vec<PackError>> {
    let (mut files, mut errors) = (Vec::new(), Vec::new());
    walk(dir, "", PACK_DEPTH_MAX, &mut files, &mut errors);
    let readable = errors.is_empty();
    for needed in [PACK_FILE, SCENARIOS_FILE] {
        if readable && !files.iter().any(|f: &PackFile| f.path == needed) {
            errors.push(whole(needed, "the pack needs this file"));
        }
    }
    if files.len() > PACK_FILES_MAX {
        errors.push(whole("", format!("a pack has at most {PACK_FILES_MAX} files of rules")));
    }
    if errors.is_empty() { Ok(files) } else { Err(errors) }
}

fn walk(
    dir: &Path,
    prefix: &str,
    depth: usize,
    files: &mut Vec<PackFile>,
    errors: &mut Vec<PackError>,
) {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(e) => return errors.push(whole(prefix, format!("the folder cannot be read: {e}"))),
    };
    for entry in entries {
        let Ok(entry) = entry else {
            errors.push(whole(prefix, "the folder cannot be read to its end"));
            continue;
        };
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        let path = format!("{prefix}{name}");
        let (full, is_dir) = (entry.path(), entry.path().is_dir());
        let rules = path == PACK_FILE || path == SCENARIOS_FILE || name.ends_with(".cedar");
        match (is_dir, rules) {
            (true, _) if depth > 0 => walk(&full, &format!("{path}/"), depth - 1, files, errors),
            (false, true) => match read_file(&full, &path) {
                Ok(file) => files.push(file),
                Err(error) => errors.push(error),
            },
            // A policy down there would silently not count.
            (true, _) => errors.push(whole(&path, "the folder lies too deep in the pack")),
            (false, false) => {}
        }
    }
}

fn read_file(full: &Path, path: &str) -> Result<PackFile, PackError> {
    let failed = |e: std::io::Error| whole(path, format!("the file cannot be read: {e}"));
    if fs::metadata(full).map_err(failed)?.len() > PACK_FILE_BYTES_MAX {
        return Err(whole(path, format!("the file is larger than {PACK_FILE_BYTES_MAX} bytes")));
    }
    Ok(PackFile { path: path.into(), bytes: fs::read(full).map_err(failed)? })
}

fn whole(file: &str, reason: impl Into<String>) -> PackError {
    PackError { file: file.into(), line: 0, reason: reason.into() }
}
