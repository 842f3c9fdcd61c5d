//! The same line of the same import has the same id in every run; another file has other ids.

use std::{collections::BTreeSet, os::unix::fs::PermissionsExt as _};

use super::*;
use crate::random::SeededRandom;

struct Folder(tempfile::TempDir);

impl Folder {
    fn with(text: &str) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        fs::write(folder.file(), text).unwrap();
        folder
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("cases.ndjson")
    }

    fn state(&self) -> PathBuf {
        self.0.path().join("cases.ndjson.oubliette-import")
    }

    /// The ids of a run as the command makes them.
    fn ids(&self, seed: u64, corrected: bool) -> Ids {
        let metadata = fs::metadata(self.file()).unwrap();
        Ids::beside(&self.file(), &metadata, corrected, Box::new(SeededRandom::new(seed)))
    }
}

#[test]
fn the_same_line_has_the_same_id_in_every_run_and_no_two_lines_share_one() {
    let folder = Folder::with("a\n");
    let run = |seed| {
        let mut ids = folder.ids(seed, false);
        (1..=500).map(|line| ids.of("files", line).unwrap()).collect::<Vec<_>>()
    };
    let first = run(1);
    assert_eq!(first.iter().collect::<BTreeSet<_>>().len(), 500);
    // The second run would draw another id, and does not.
    assert_eq!(run(2), first);
    let other = Folder::with("a\n").ids(3, false).of("files", 1).unwrap();
    assert_ne!(other, first[0]);
}

#[test]
fn ids_depend_on_the_collection_and_are_those_of_the_import_id() {
    let mut one = Ids::Known(ImportId::from_bytes([7; 16]));
    let mut same = Ids::Known(ImportId::from_bytes([7; 16]));
    let mut other = Ids::Known(ImportId::from_bytes([8; 16]));
    assert_eq!(one.of("files", 1).unwrap(), same.of("files", 1).unwrap());
    assert_ne!(one.of("files", 1).unwrap(), one.of("notes", 1).unwrap());
    assert_ne!(one.of("files", 1).unwrap(), other.of("files", 1).unwrap());
}

#[test]
fn nothing_is_written_until_a_line_needs_it_and_then_for_its_owner_alone() {
    let folder = Folder::with("a\n");
    let mut ids = folder.ids(1, false);
    assert!(!folder.state().exists());
    ids.of("files", 1).unwrap();
    let mode = fs::metadata(folder.state()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let text = fs::read_to_string(folder.state()).unwrap();
    let keys = serde_json::from_str::<serde_json::Value>(&text).unwrap();
    let keys: BTreeSet<&str> = keys.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys.into_iter().collect::<Vec<_>>(), ["bytes", "import_id", "modified_ms"]);
}

#[test]
fn a_file_that_changed_is_refused_unless_its_lines_are_said_to_be_the_same() {
    let folder = Folder::with("a\n");
    let first = folder.ids(1, false).of("files", 1).unwrap();
    fs::write(folder.file(), "corrected\n").unwrap();
    let refused = folder.ids(2, false).of("files", 1).unwrap_err().text();
    assert!(refused.contains("--corrected"), "{refused}");
    assert_eq!(folder.ids(2, true).of("files", 1).unwrap(), first);
    // From then on this is the file.
    assert_eq!(folder.ids(3, false).of("files", 1).unwrap(), first);
}

#[test]
fn a_state_that_does_not_read_is_refused_and_never_replaced() {
    let folder = Folder::with("a\n");
    let big = "x".repeat(8 * 1024);
    for text in ["", "{}", "{\"import_id\":\"zz\",\"bytes\":2,\"modified_ms\":1}", big.as_str()] {
        fs::write(folder.state(), text).unwrap();
        for corrected in [false, true] {
            let refused = folder.ids(1, corrected).of("files", 1).unwrap_err().text();
            assert!(refused.contains("does not read"), "{refused}");
        }
        assert_eq!(fs::read_to_string(folder.state()).unwrap(), text);
    }
}

#[test]
fn of_two_runs_that_begin_together_both_use_the_first_ones_id() {
    let folder = Folder::with("a\n");
    let Ids::Beside(slow) = folder.ids(1, false) else { panic!("a file") };
    assert!(slow.read().unwrap().is_none());
    let first = folder.ids(2, false).of("files", 1).unwrap();
    let late = slow.make().unwrap();
    assert_eq!(derive_request_id(late, "files", 1), first);
}

#[test]
fn the_derivation_is_fixed() {
    let id = derive_request_id(ImportId::from_bytes([0x11; 16]), "files", 3);
    assert_eq!(id.to_string(), FIXED);
}

/// `printf 'oubliette/import/v1\0files\0\0\0\0\0\0\0\0\3' | openssl dgst -sha256 -mac HMAC
/// -macopt hexkey:11111111111111111111111111111111`, its first 16 bytes.
const FIXED: &str = "8441888bb7f48f2c7de41807bc2b5cb8";
