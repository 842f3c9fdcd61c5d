//! Journals as a power cut may leave them: any part of the last batch's pages is missing.

use std::{fs, path::Path};

use crate::storage::{Engine, Group, Op, Store, fjall::FjallStore};

const PAGE: usize = 4096;

fn commit(store: &FjallStore, key: &[u8], bytes: usize) {
    let put = |key: Vec<u8>| Op::Put(key, vec![9; bytes]);
    let ops = vec![put([key, b"-1"].concat()), put([key, b"-2"].concat())];
    store.commit(&[Group { preconditions: Vec::new(), ops }]).unwrap();
}

fn journal(folder: &Path) -> std::path::PathBuf {
    folder.join(Engine::Fjall.name()).join("0.jnl")
}

/// The written part of a journal, and its length with what fjall allocated in advance.
fn written(folder: &Path) -> (Vec<u8>, u64) {
    let mut bytes = fs::read(journal(folder)).unwrap();
    let length = bytes.len() as u64;
    bytes.truncate(bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1);
    (bytes, length)
}

/// Writes `bytes` as the whole journal, with zeros up to `length`.
fn replace(folder: &Path, bytes: &[u8], length: u64) {
    fs::write(journal(folder), bytes).unwrap();
    let file = fs::OpenOptions::new().write(true).open(journal(folder)).unwrap();
    file.set_len(length).unwrap();
}

/// A closed store with an acknowledged batch, and one after it: the journal's bytes, where the second
/// begins, and the length of the file.
fn two_batches(folder: &Path) -> (Vec<u8>, usize, u64) {
    let store = FjallStore::open(folder).unwrap();
    commit(&store, b"first", 5000);
    let (before, _) = written(folder);
    commit(&store, b"second", 3 * PAGE);
    drop(store);
    let (bytes, length) = written(folder);
    (bytes, before.len(), length)
}

#[test]
fn a_batch_of_which_any_pages_are_missing_is_gone_whole_and_the_one_before_it_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let (bytes, second, length) = two_batches(folder.path());
    let pages = second / PAGE..=(bytes.len() - 1) / PAGE;
    let subsets = 1u32 << pages.clone().count();
    assert!((32..=1024).contains(&subsets), "{subsets} subsets of pages");
    for lost in 1..subsets {
        let mut torn = bytes.clone();
        for (n, page) in pages.clone().enumerate() {
            if lost & (1 << n) != 0 {
                let from = (page * PAGE).max(second);
                let end = ((page + 1) * PAGE).min(bytes.len());
                torn[from..end].fill(0);
            }
        }
        replace(folder.path(), &torn, length);
        let store = FjallStore::open(folder.path()).unwrap();
        assert_eq!(store.scan(b"first", None, 9).unwrap().len(), 2, "pages {lost:b} lost");
        assert_eq!(store.scan(b"second", None, 9).unwrap(), [], "pages {lost:b} lost");
        commit(&store, b"third", 5000);
        drop(store);
        let store = FjallStore::open(folder.path()).unwrap();
        assert_eq!(store.scan(b"", None, 9).unwrap().len(), 4, "pages {lost:b} lost");
    }
}

#[test]
fn a_value_damaged_before_the_last_batch_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let (mut bytes, second, length) = two_batches(folder.path());
    bytes[second / 4] ^= 1;
    replace(folder.path(), &bytes, length);
    assert!(FjallStore::open(folder.path()).is_err());
    assert_eq!(written(folder.path()), (bytes, length));
}

#[test]
fn a_journal_that_ended_well_is_read_whole() {
    let folder = tempfile::tempdir().unwrap();
    let (bytes, _, length) = two_batches(folder.path());
    replace(folder.path(), &bytes, length);
    let store = FjallStore::open(folder.path()).unwrap();
    assert_eq!(store.scan(b"second", None, 9).unwrap().len(), 2);
}
