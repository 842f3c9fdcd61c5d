//! The public log: exported, verified offline, and every kind of tampering noticed by its name.

use std::{fs, path::Path, sync::Arc};

use super::house::{House, draft, logged};
use crate::audit::{
    AuditLog, Opened,
    tiles::{bundle, unbundle},
    verify::{Verified, VerifyError, verify_folder},
};

fn export(log: &AuditLog, size: Option<u64>) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in log.export(size).unwrap() {
        let file = file.unwrap();
        let path = folder.path().join(&file.path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, file.bytes).unwrap();
    }
    folder
}

/// A log of 600 leaves.
fn long_log() -> (House, AuditLog) {
    let (house, log) = House::new();
    while log.state().size < 600 {
        logged(&log, &draft("a", 1));
    }
    (house, log)
}

fn flip(folder: &Path, file: &str, at: usize) {
    let mut bytes = fs::read(folder.join(file)).unwrap();
    bytes[at] ^= 1;
    fs::write(folder.join(file), bytes).unwrap();
}

fn edit_leaves(folder: &Path, file: &str, edit: impl FnOnce(&mut Vec<Vec<u8>>)) {
    let bytes = fs::read(folder.join(file)).unwrap();
    let mut leaves = unbundle(&bytes).unwrap().into_iter().map(<[u8]>::to_vec).collect();
    edit(&mut leaves);
    let bytes = bundle(leaves.iter().map(Vec::as_slice)).unwrap();
    fs::write(folder.join(file), bytes).unwrap();
}

#[test]
fn an_exported_log_verifies_at_its_size_and_at_an_earlier_one() {
    let (_house, log) = long_log();
    let key = log.verifier_key();
    let folder = export(&log, None);
    let Verified { checkpoint, times, closed, generations } =
        verify_folder(folder.path(), &key, None).unwrap();
    assert_eq!((checkpoint.size, checkpoint.root), (600, log.state().root));
    assert!(times.is_some() && closed.is_empty());
    assert_eq!(generations, (2, 2));
    let early = export(&log, Some(257));
    assert_eq!(verify_folder(early.path(), &key, None).unwrap().checkpoint.size, 257);
    let older = fs::read_to_string(early.path().join("checkpoint")).unwrap();
    assert!(verify_folder(folder.path(), &key, Some(&older)).is_ok());
    assert!(log.export(Some(601)).is_err());
    let files: Vec<String> = log.export(None).unwrap().map(|file| file.unwrap().path).collect();
    assert_eq!(files.len(), 9);
    assert_eq!(files.iter().filter(|f| *f == "generations/000").count(), 1);
    assert_eq!(files.last().unwrap(), "checkpoint");
}

type Case = (&'static str, fn(&Path), fn(&VerifyError) -> bool);

/// Exports the log once per case, tampers, and expects the error of that kind.
fn all_noticed(cases: &[Case]) {
    let (_house, log) = long_log();
    let key = log.verifier_key();
    for (what, tamper, expected) in cases {
        let folder = export(&log, None);
        tamper(folder.path());
        let error = verify_folder(folder.path(), &key, None).unwrap_err();
        assert!(expected(&error), "{what}: {error}");
    }
}

#[test]
fn a_leaf_flipped_changed_dropped_moved_inserted_or_copied_is_noticed() {
    const MIDDLE: &str = "tile/entries/001";
    all_noticed(&[
        (
            "flipped",
            |f| edit_leaves(f, MIDDLE, |l| *l[7].last_mut().unwrap() ^= 1),
            |e| matches!(e, VerifyError::Leaf(263)),
        ),
        (
            "changed",
            |f| {
                edit_leaves(f, MIDDLE, |l| {
                    let text = String::from_utf8(l[7].clone()).unwrap();
                    l[7] = text.replace("reveal", "export").into_bytes();
                });
            },
            |e| matches!(e, VerifyError::Tile(_)),
        ),
        (
            "dropped",
            |f| edit_leaves(f, MIDDLE, |l| drop(l.remove(7))),
            |e| matches!(e, VerifyError::Bundle { expected: 256, .. }),
        ),
        (
            "moved",
            |f| edit_leaves(f, MIDDLE, |l| l.swap(7, 8)),
            |e| matches!(e, VerifyError::Order { expected: 263, found: 264 }),
        ),
        (
            "inserted",
            |f| edit_leaves(f, "tile/entries/002.p/88", |l| l.push(l[0].clone())),
            |e| matches!(e, VerifyError::Bundle { expected: 88, .. }),
        ),
        (
            "copied",
            |f| edit_leaves(f, MIDDLE, |l| l[8] = l[7].clone()),
            |e| matches!(e, VerifyError::Order { expected: 264, found: 263 }),
        ),
    ]);
}

#[test]
fn a_file_flipped_missing_or_added_is_noticed() {
    all_noticed(&[
        ("full tile", |f| flip(f, "tile/0/001", 40), |e| matches!(e, VerifyError::Tile(_))),
        ("partial tile", |f| flip(f, "tile/0/002.p/88", 40), |e| matches!(e, VerifyError::Tile(_))),
        ("upper tile", |f| flip(f, "tile/1/000.p/2", 40), |e| matches!(e, VerifyError::Tile(_))),
        (
            "cut off",
            |f| fs::remove_file(f.join("tile/entries/002.p/88")).unwrap(),
            |e| matches!(e, VerifyError::Missing(path) if path == "tile/entries/002.p/88"),
        ),
        (
            "extra bundle",
            |f| drop(fs::copy(f.join("tile/entries/000"), f.join("tile/entries/003"))),
            |e| matches!(e, VerifyError::Extra(path) if path == "tile/entries/003"),
        ),
        (
            "narrower tile left from an earlier export",
            |f| drop(fs::copy(f.join("tile/0/002.p/88"), f.join("tile/0/002.p/87"))),
            |e| matches!(e, VerifyError::Extra(path) if path == "tile/0/002.p/87"),
        ),
        (
            "closed origin that no link names",
            |f| {
                fs::create_dir_all(f.join("closed/0/tile")).unwrap();
                fs::write(f.join("closed/0/tile/x"), b"x").unwrap();
            },
            |e| matches!(e, VerifyError::Extra(path) if path == "closed"),
        ),
        (
            "link of a first origin",
            |f| fs::write(f.join("origin"), b"x").unwrap(),
            |e| matches!(e, VerifyError::Extra(path) if path == "origin"),
        ),
        (
            "generation's detail",
            |f| flip(f, "generations/000", 80),
            |e| matches!(e, VerifyError::Generations { leaf: 1, .. }),
        ),
        (
            "details of a bundle without generations",
            |f| drop(fs::copy(f.join("generations/000"), f.join("generations/001"))),
            |e| matches!(e, VerifyError::Extra(path) if path == "generations/001"),
        ),
        (
            "generations taken away one by one",
            |f| fs::remove_file(f.join("generations/000")).unwrap(),
            |e| matches!(e, VerifyError::Missing(path) if path == "generations/000"),
        ),
        (
            "checkpoint",
            |f| flip(f, "checkpoint", 20),
            |e| matches!(e, VerifyError::Note { .. } | VerifyError::OtherLog),
        ),
    ]);
}

#[test]
fn an_export_of_before_generations_were_told_verifies_and_says_that_it_tells_none() {
    let (_house, log) = long_log();
    let folder = export(&log, None);
    fs::remove_dir_all(folder.path().join("generations")).unwrap();
    let verified = verify_folder(folder.path(), &log.verifier_key(), None).unwrap();
    assert_eq!(verified.generations, (2, 0));
}

#[test]
fn a_log_cut_back_and_signed_again_is_noticed_against_an_older_checkpoint() {
    let (_house, log) = long_log();
    let key = log.verifier_key();
    let older = log.checkpoint();
    let cut = export(&log, Some(500));
    assert!(verify_folder(cut.path(), &key, None).is_ok());
    let error = verify_folder(cut.path(), &key, Some(&older)).unwrap_err();
    assert!(matches!(error, VerifyError::Truncated { size: 500, older: 600 }));
}

#[test]
fn a_fork_and_a_foreign_key_are_noticed() {
    let (house, log) = House::new();
    let fork = house.disk.copy();
    logged(&log, &draft("a", 1));
    logged(&log, &draft("a", 1));
    let older = log.checkpoint();
    let key = log.verifier_key();
    // The same keys sign another history, over the state before those two events.
    let Ok(Opened::Whole(other)) = house.open_on(Arc::new(fork.open()), house.keyring()) else {
        panic!("the copy opens, for its checkpoint is the one of the last generation");
    };
    house.open_segments(&other);
    for _ in 0..3 {
        logged(&other, &draft("b", 2));
    }
    let folder = export(&other, None);
    assert!(verify_folder(folder.path(), &key, None).is_ok());
    let error = verify_folder(folder.path(), &key, Some(&older)).unwrap_err();
    assert!(matches!(error, VerifyError::Forked(4)), "{error}");

    let foreign = House::new().1;
    let text = key.split('+').next().unwrap();
    assert!(text == "vault.example/n1");
    let stranger = crate::audit::note::VerifierKey::new(text, [3; 32]).unwrap().to_string();
    let error = verify_folder(folder.path(), &stranger, None).unwrap_err();
    assert!(matches!(error, VerifyError::Note { .. }), "{error}");
    let other_log = foreign.verifier_key().replace("n1", "n2");
    assert!(verify_folder(folder.path(), &other_log, None).is_err());
}

#[test]
fn a_closed_older_origin_is_verified_with_the_log_that_follows_it() {
    let (mut house, log) = House::new();
    let key = log.verifier_key();
    let early = log.checkpoint();
    let backup = house.disk.copy();
    for _ in 0..3 {
        logged(&log, &draft("a", 1));
    }
    log.drain();
    let late = log.checkpoint();
    drop(log);
    house.disk = backup;
    let keyring = house.keyring();
    let Ok(Opened::RolledBack(found)) = house.open(Arc::clone(&keyring)) else { panic!() };
    let mut raise = keyring.draft();
    raise.raise_origin(found.loss().next_k);
    let raised = raise.write(found.state(), &*house.random).unwrap();
    let log = found.start_origin().unwrap();
    log.publish(raised).unwrap();

    let folder = export(&log, None);
    let verified = verify_folder(folder.path(), &key, Some(&early)).unwrap();
    assert_eq!(verified.closed.len(), 1);
    assert_eq!((verified.closed[0].kept, verified.closed[0].lost_to), (2, 5));
    assert_eq!(
        verified.generations,
        (3, 3),
        "two of the closed origin, and the one that raised it"
    );
    fs::create_dir_all(folder.path().join("closed/7")).unwrap();
    let error = verify_folder(folder.path(), &key, None).unwrap_err();
    assert!(matches!(error, VerifyError::Extra(path) if path == "closed/7"));
    fs::remove_dir(folder.path().join("closed/7")).unwrap();
    let error = verify_folder(folder.path(), &key, Some(&late)).unwrap_err();
    assert!(matches!(error, VerifyError::Truncated { size: 2, older: 5 }), "{error}");
    edit_leaves(folder.path(), "closed/0/tile/entries/000.p/2", |leaves| leaves.swap(0, 1));
    assert!(verify_folder(folder.path(), &key, None).is_err());
    let folder = export(&log, None);
    flip(folder.path(), "origin", 20);
    let error = verify_folder(folder.path(), &key, None).unwrap_err();
    assert!(matches!(error, VerifyError::Origin(_)), "{error}");
}
