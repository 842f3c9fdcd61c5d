//! Copying folders, and looking for clear values in their files.

use std::{
    collections::{BTreeSet, HashMap},
    fs, io,
    path::Path,
};

/// Copies a folder with everything in it. Nothing else may be writing to it.
pub(super) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// How many bytes the files of a folder hold, and which of `needles` occur in them. Needles shorter
/// than [`HEAD_BYTES`] are looked for nowhere.
pub(super) fn search(folder: &Path, needles: &[String]) -> io::Result<(u64, BTreeSet<String>)> {
    let mut by_head: HashMap<&[u8], Vec<&String>> = HashMap::new();
    for needle in needles {
        if let Some(head) = needle.as_bytes().get(..HEAD_BYTES) {
            by_head.entry(head).or_default().push(needle);
        }
    }
    let mut found = BTreeSet::new();
    let bytes = search_in(folder, &by_head, &mut found)?;
    Ok((bytes, found))
}

/// Needles are told apart by so many bytes first, so that a file is read through once for all of them.
const HEAD_BYTES: usize = 8;

fn search_in(
    folder: &Path,
    by_head: &HashMap<&[u8], Vec<&String>>,
    found: &mut BTreeSet<String>,
) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            bytes += search_in(&path, by_head, found)?;
            continue;
        }
        let content = fs::read(&path)?;
        bytes += content.len() as u64;
        for (at, head) in content.windows(HEAD_BYTES).enumerate() {
            let Some(needles) = by_head.get(head) else { continue };
            let rest = content.get(at..).unwrap_or_default();
            let here = needles.iter().filter(|needle| rest.starts_with(needle.as_bytes()));
            found.extend(here.map(|needle| (*needle).clone()));
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_holds_the_same_bytes_and_a_value_in_clear_is_found_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        fs::create_dir_all(from.join("inner")).unwrap();
        fs::write(from.join("inner/file"), b"abc EXEMPLE-ALPHA def").unwrap();
        copy(&from, &to).unwrap();
        let needles = ["EXEMPLE-ALPHA", "EXEMPLE-BETA", "EXEMPLE-ALPHABET"].map(str::to_owned);
        let found = BTreeSet::from(["EXEMPLE-ALPHA".to_owned()]);
        assert_eq!(search(&to, &needles).unwrap(), (21, found));
    }
}
