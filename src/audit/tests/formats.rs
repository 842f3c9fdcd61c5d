//! Byte-for-byte checks against `tests/vectors`, each proof with a tampered twin.

use std::{collections::BTreeMap, path::Path};

use base64::{Engine, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signer, SigningKey};
use serde_json::Value;

use crate::{
    audit::{
        leaf::{self, LeafError},
        merkle::{self, Frontier, Hash},
        note::{Checkpoint, NoteError, VerifierKey},
        tiles,
        tree::{StoredTree, Tree},
    },
    clock::Timestamp,
    storage::{Group, Op, Store, keys, memory::MemoryStore},
};

pub(super) fn vectors(file: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(file);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn hash(value: &Value) -> Hash {
    STANDARD.decode(value.as_str().unwrap()).unwrap().try_into().unwrap()
}

fn path(case: &Value) -> Vec<Hash> {
    case["path"].as_array().unwrap().iter().map(hash).collect()
}

fn number(case: &Value, name: &str) -> u64 {
    case[name].as_u64().unwrap()
}

fn entry(i: u64) -> Vec<u8> {
    format!("entry-{i}").into_bytes()
}

/// A store that holds the vectors' 600 entries as the committer would leave them.
fn store_of_entries(count: u64) -> MemoryStore {
    let store = MemoryStore::new();
    let mut tree = Tree::empty(0);
    for n in 0..count {
        let mut ops = vec![Op::Put(keys::leaf(0, n), entry(n))];
        tree.append(&entry(n), &mut ops);
        store.commit(&[Group { preconditions: Vec::new(), ops }]).unwrap();
    }
    store
}

fn roots() -> BTreeMap<u64, Hash> {
    let vectors = vectors("audit-v1.json");
    let roots = vectors["roots"].as_object().unwrap().iter();
    roots.map(|(size, root)| (size.parse().unwrap(), hash(root))).collect()
}

#[test]
fn every_root_is_that_of_the_vectors_while_growing_and_when_read_back() {
    let store = store_of_entries(600);
    let mut frontier = Frontier::new();
    let roots = roots();
    assert_eq!(roots.len(), 25);
    for size in 0..=600 {
        if let Some(root) = roots.get(&size) {
            assert_eq!(frontier.root(), *root, "{size}");
            let stored = StoredTree { store: &store, k: 0, size: 600 };
            assert_eq!(merkle::root(&stored, size).unwrap(), *root, "{size}");
        }
        frontier.append(merkle::leaf_hash(&entry(size)), |_, _| {});
    }
}

#[test]
fn a_tree_opened_at_any_size_goes_on_as_if_it_had_never_been_closed() {
    let store = store_of_entries(600);
    for size in [0, 1, 7, 255, 256, 257, 511, 512, 599] {
        let mut opened = Tree::open(&store, 0, size).unwrap();
        for n in size..600 {
            opened.append(&entry(n), &mut Vec::new());
        }
        assert_eq!(opened.root(), roots()[&600], "{size}");
    }
}

#[test]
fn a_commit_writes_a_tile_row_only_when_a_tile_changes() {
    let mut tree = Tree::empty(3);
    let mut rows = Vec::new();
    for n in 0..512 {
        tree.append(&entry(n), &mut rows);
        let expected = if n < 255 {
            0
        } else if n < 511 {
            2
        } else {
            4
        };
        assert_eq!(rows.len(), expected, "{n}");
    }
    let written: Vec<&[u8]> = rows.iter().map(Op::key).collect();
    let tile = |level, number| keys::tile(3, level, number);
    assert_eq!(written, [tile(0, 0), tile(1, 0), tile(0, 1), tile(1, 0)]);
}

#[test]
fn inclusion_proofs_are_those_of_the_vectors_and_tampered_ones_fail() {
    let store = store_of_entries(600);
    let stored = StoredTree { store: &store, k: 0, size: 600 };
    let vectors = vectors("audit-v1.json");
    for case in vectors["inclusion"].as_array().unwrap() {
        let (index, size, path) = (number(case, "index"), number(case, "size"), path(case));
        assert_eq!(merkle::inclusion(&stored, index, size).unwrap().unwrap(), path);
        let (leaf, root) = (merkle::leaf_hash(&entry(index)), roots()[&size]);
        let holds = |leaf: &Hash, index: u64, path: &[Hash]| {
            merkle::inclusion_holds(leaf, index, size, path, &root)
        };
        assert!(holds(&leaf, index, &path));
        assert!(!holds(&merkle::leaf_hash(b"other"), index, &path));
        assert!(!holds(&leaf, index + 1, &path));
        assert!(!holds(&leaf, index, &[path.as_slice(), &[[0; 32]]].concat()));
        for at in 0..path.len() {
            let mut flipped = path.clone();
            flipped[at][0] ^= 1;
            assert!(!holds(&leaf, index, &flipped));
            assert!(!holds(&leaf, index, &path[..at]));
        }
    }
    assert_eq!(merkle::inclusion(&stored, 600, 600).unwrap(), None);
}

#[test]
fn consistency_proofs_are_those_of_the_vectors_and_tampered_ones_fail() {
    let store = store_of_entries(600);
    let stored = StoredTree { store: &store, k: 0, size: 600 };
    let root = |size| merkle::root(&stored, size).unwrap();
    let vectors = vectors("audit-v1.json");
    for case in vectors["consistency"].as_array().unwrap() {
        let (from, to, path) = (number(case, "from"), number(case, "to"), path(case));
        assert_eq!(merkle::consistency(&stored, from, to).unwrap().unwrap(), path);
        let holds = |path: &[Hash], old: &Hash, new: &Hash| {
            merkle::consistency_holds(from, to, path, old, new)
        };
        assert!(holds(&path, &root(from), &root(to)));
        assert!(!holds(&path, &[0; 32], &root(to)));
        assert!(!holds(&path, &root(from), &[0; 32]));
        for at in 0..path.len() {
            let mut flipped = path.clone();
            flipped[at][31] ^= 1;
            assert!(!holds(&flipped, &root(from), &root(to)));
            assert!(!holds(&path[..at], &root(from), &root(to)));
        }
    }
}

#[test]
fn every_small_proof_holds_and_proves_nothing_about_another_tree() {
    let store = store_of_entries(20);
    let stored = StoredTree { store: &store, k: 0, size: 20 };
    let root = |size| merkle::root(&stored, size).unwrap();
    for size in 1..=20 {
        for index in 0..size {
            let path = merkle::inclusion(&stored, index, size).unwrap().unwrap();
            let leaf = merkle::leaf_hash(&entry(index));
            assert!(merkle::inclusion_holds(&leaf, index, size, &path, &root(size)));
            assert!(!merkle::inclusion_holds(&leaf, index, size, &path, &root(size - 1)));
        }
        for from in 1..=size {
            let path = merkle::consistency(&stored, from, size).unwrap().unwrap();
            let (old, new) = (root(from), root(size));
            assert!(merkle::consistency_holds(from, size, &path, &old, &new));
            assert!(!merkle::consistency_holds(from, size, &path, &root(from - 1), &new));
        }
    }
    assert!(merkle::consistency_holds(0, 20, &[], &merkle::empty_root(), &root(20)));
}

#[test]
fn tiles_of_600_entries_have_the_paths_and_bytes_of_the_vectors() {
    let vectors = vectors("audit-v1.json");
    let paths: Vec<String> = tiles::all(600).map(|tile| tile.path()).collect();
    let expected = vectors["tile_paths_for_size_600"].as_array().unwrap();
    assert_eq!(paths, expected.iter().map(|p| p.as_str().unwrap()).collect::<Vec<_>>());
    let store = store_of_entries(600);
    let stored = StoredTree { store: &store, k: 0, size: 600 };
    let tile = stored.tile(1, 0, 2).unwrap();
    assert_eq!(STANDARD.encode(tile), vectors["tile_1_000_p_2"].as_str().unwrap());
    let large = tiles::Tile { level: Some(1), number: 1_234_067, width: 256 };
    assert_eq!(large.path(), "tile/1/x001/x234/067");
    assert_eq!(tiles::all(0).count(), 0);
}

#[test]
fn an_entry_bundle_reads_back_and_a_cut_one_does_not() {
    let leaves = [&b"one"[..], b"", b"three"];
    let bytes = tiles::bundle(leaves).unwrap();
    assert_eq!(bytes, b"\0\x03one\0\0\0\x05three");
    assert_eq!(tiles::unbundle(&bytes).unwrap(), leaves);
    assert_eq!(tiles::unbundle(&bytes[..bytes.len() - 1]), None);
    assert_eq!(tiles::bundle([&[0; 65_536][..]]), None);
}

#[test]
fn checkpoints_and_the_verifier_key_are_those_of_the_vectors() {
    let vectors = vectors("audit-v1.json");
    let seed = hex::decode(vectors["ed25519_seed"].as_str().unwrap()).unwrap();
    let signer = SigningKey::from_bytes(&seed.try_into().unwrap());
    let (origin, vkey) = (vectors["origin"].as_str().unwrap(), vectors["vkey"].as_str().unwrap());
    let public = signer.verifying_key().to_bytes();
    let key = VerifierKey::new(origin, public).unwrap();
    assert_eq!(key.to_string(), vkey);
    assert_eq!(VerifierKey::parse(vkey).unwrap(), key);
    for (size, expected) in vectors["checkpoints"].as_object().unwrap() {
        let size = size.parse().unwrap();
        let checkpoint = Checkpoint { origin: origin.to_owned(), size, root: roots()[&size] };
        let note = checkpoint.sign(&key, |text| signer.sign(text).to_bytes());
        assert_eq!(note, expected.as_str().unwrap());
        assert_eq!(Checkpoint::verify(&note, &key).unwrap(), checkpoint);
    }
}

#[test]
fn a_changed_checkpoint_is_refused_and_an_unknown_signer_ignored() {
    let vectors = vectors("audit-v1.json");
    let key = VerifierKey::parse(vectors["vkey"].as_str().unwrap()).unwrap();
    let note = vectors["checkpoints"]["7"].as_str().unwrap();
    let unknown = format!("{note}\u{2014} witness.example AAAAAAAA\n");
    assert_eq!(Checkpoint::verify(&unknown, &key).unwrap().size, 7);
    let changed = note.replacen("\n7\n", "\n8\n", 1);
    assert_eq!(Checkpoint::verify(&changed, &key), Err(NoteError::BadSignature));
    let second_line = note.lines().last().unwrap().replace("mfM8sSPN", "mfM8sSPM");
    let one_bad_line = format!("{note}{second_line}\n");
    assert_eq!(Checkpoint::verify(&one_bad_line, &key), Err(NoteError::BadSignature));
    let other = VerifierKey::new("vault.example/audit", [7; 32]).unwrap();
    assert_eq!(Checkpoint::verify(note, &other), Err(NoteError::Unsigned));
    for broken in ["", "a\n1\n", &note.replace("\n7\n", "\n07\n"), note.trim_end()] {
        assert_eq!(Checkpoint::verify(broken, &key), Err(NoteError::Form), "{broken}");
    }
    for bad in ["vault.example/audit", "a+00000000+AQ==", "a b+99f33cb1+AQOhB7/zzhC"] {
        assert_eq!(VerifierKey::parse(bad), Err(NoteError::Key));
    }
}

#[test]
fn a_leaf_is_exactly_the_bytes_of_the_vectors_and_parses_back() {
    use sha2::Digest;
    let vectors = vectors("format-v1.json");
    let vector = &vectors["audit_leaf"];
    let digest = sha2::Sha256::digest(vector["sealed_detail_utf8"].as_str().unwrap()).into();
    let time = Timestamp::from_millis(1_606_118_400_123);
    let bytes = leaf::encode(42, time, "reveal", &digest);
    assert_eq!(bytes, vector["leaf"].as_str().unwrap().as_bytes());
    assert_eq!(hex::encode(merkle::leaf_hash(&bytes)), vector["leaf_hash"].as_str().unwrap());
    let parsed = leaf::parse(&bytes).unwrap();
    assert_eq!((parsed.number, parsed.kind.as_str()), (42, "reveal"));
    assert_eq!((parsed.time.as_str(), parsed.digest), ("2020-11-23T08:00:00.123Z", digest));
}

#[test]
fn any_other_spelling_of_a_leaf_is_refused() {
    let leaf = leaf::encode(42, Timestamp::from_millis(1_606_118_400_123), "reveal", &[7; 32]);
    let text = String::from_utf8(leaf).unwrap();
    let others = [
        text.replace("\"n\":42", "\"n\": 42"),
        text.replace("42", "042"),
        text.replace("42", "+42"),
        text.replace("\"v\":1", "\"v\":2"),
        text.replace(".123Z", ".1230Z"),
        text.replace(".123Z", ".123+00:00"),
        text.replace("T08", "t08"),
        text.replace("-11-23", "-11-31"),
        text.replace("reveal", "re veal"),
        text.replace("reveal", ""),
        text.replace("reveal", "re\\u0076eal"),
        text.replace("=\"", "\""),
        format!("{text} "),
        format!("{text}\n"),
    ];
    for other in others {
        assert_ne!(other, text);
        assert_eq!(leaf::parse(other.as_bytes()), Err(LeafError), "{other}");
    }
}
