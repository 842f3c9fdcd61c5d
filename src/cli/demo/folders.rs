//! Copying folders, and looking for clear values in their files.

use std::{fs, io, path::Path};

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

/// How many bytes the files of a folder hold, and which of `needles` occur in them.
pub(super) fn search(folder: &Path, needles: &[String]) -> io::Result<(u64, Vec<String>)> {
    let (mut bytes, mut found) = (0, Vec::new());
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            let (more, inside) = search(&path, needles)?;
            bytes += more;
            found.extend(inside);
            continue;
        }
        let content = fs::read(&path)?;
        bytes += content.len() as u64;
        let holds = |needle: &&String| {
            content.windows(needle.len()).any(|window| window == needle.as_bytes())
        };
        found.extend(needles.iter().filter(|n| !n.is_empty()).filter(holds).cloned());
    }
    Ok((bytes, found))
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
        let needles = ["EXEMPLE-ALPHA".to_owned(), "EXEMPLE-BETA".to_owned()];
        assert_eq!(search(&to, &needles).unwrap(), (21, vec!["EXEMPLE-ALPHA".to_owned()]));
    }
}
