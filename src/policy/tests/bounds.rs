//! A pack as large as it may be is read, and a larger one is refused.

use std::{fs, path::Path};

use super::shipped_files;
use crate::{
    limits::{PACK_DEPTH_MAX, PACK_FILE_BYTES_MAX, PACK_FILES_MAX},
    policy::pack::files,
};

/// The shipped pack in a folder that the test may add to.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in shipped_files() {
        fs::write(folder.path().join(&file.path), &file.bytes).unwrap();
    }
    folder
}

fn why(folder: &Path) -> String {
    files::read(folder).err().unwrap().iter().map(ToString::to_string).collect()
}

#[test]
fn as_many_files_as_a_pack_may_have_are_read_and_one_more_is_refused() {
    let folder = folder();
    for number in shipped_files().len()..PACK_FILES_MAX {
        fs::write(folder.path().join(format!("more-{number}.cedar")), "").unwrap();
    }
    assert_eq!(files::read(folder.path()).ok().unwrap().len(), PACK_FILES_MAX);
    fs::write(folder.path().join("one-more.cedar"), "").unwrap();
    assert!(why(folder.path()).contains("at most 64 files"));
}

#[test]
fn a_file_of_the_largest_size_is_read_and_one_byte_more_is_refused() {
    let folder = folder();
    let large = |bytes: u64| {
        let content = vec![b' '; usize::try_from(bytes).unwrap()];
        fs::write(folder.path().join("large.cedar"), content).unwrap();
    };
    large(PACK_FILE_BYTES_MAX);
    assert!(files::read(folder.path()).is_ok());
    large(PACK_FILE_BYTES_MAX + 1);
    assert!(why(folder.path()).contains("larger than"));
}

#[test]
fn folders_are_read_as_deep_as_a_pack_may_be_and_no_deeper() {
    let folder = folder();
    let deepest = (0..PACK_DEPTH_MAX).fold(folder.path().to_owned(), |path, _| path.join("down"));
    fs::create_dir_all(&deepest).unwrap();
    fs::write(deepest.join("deep.cedar"), "").unwrap();
    assert_eq!(files::read(folder.path()).ok().unwrap().len(), shipped_files().len() + 1);
    fs::create_dir(deepest.join("down")).unwrap();
    assert!(why(folder.path()).contains("too deep"));
}
