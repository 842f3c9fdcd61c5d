//! A small log, written leaf by leaf and signed with the log's own key: also one that no vault would write.

use std::{fs, path::PathBuf};

use sha2::{Digest, Sha256};

use crate::{
    audit::{
        clear::{OriginDetail, origin_name},
        leaf,
        note::{Checkpoint, VerifierKey},
        tiles,
        tree::Tree,
    },
    clock::Timestamp,
    crypto::signing::Signer,
    secret::Secret,
};

pub(super) const ORIGIN: &str = "essai/n1";
const TIME: Timestamp = Timestamp::from_millis(1_614_024_000_000);

/// Kind and detail of each leaf.
pub(super) type Leaves = Vec<(&'static str, Vec<u8>)>;

/// A generation leaf whose keyring's hash is its number.
pub(super) fn generation(g: u64) -> (&'static str, Vec<u8>) {
    linked(g, hash(g), if g == 1 { [0; 32] } else { hash(g - 1) })
}

/// One with other hashes.
pub(super) fn linked(g: u64, own: [u8; 32], before: [u8; 32]) -> (&'static str, Vec<u8>) {
    let parts = [b"OUBG\x01".as_slice(), &g.to_be_bytes(), &own, &before];
    ("generation", parts.concat())
}

pub(super) fn hash(g: u64) -> [u8; 32] {
    [u8::try_from(g).unwrap(); 32]
}

/// Generations 1 to 6, the intent (leaf 6), generation 7 that erases, the event, generation 8, a reveal.
pub(super) fn leaves() -> Leaves {
    let mut leaves: Leaves = (1..=6).map(generation).collect();
    leaves.push(("purge-intent", b"sealed intent".to_vec()));
    leaves.push(generation(7));
    leaves.push(("purge", b"sealed event".to_vec()));
    leaves.push(generation(8));
    leaves.push(("reveal", b"sealed reveal".to_vec()));
    leaves
}

/// An exported log.
pub(super) struct Book {
    folder: tempfile::TempDir,
    pub(super) leaves: Leaves,
}

impl Book {
    /// The folder with these leaves.
    pub(super) fn of(leaves: Leaves) -> Self {
        let book = Self { folder: tempfile::tempdir().unwrap(), leaves };
        book.write("", &book.leaves);
        let note = book.note(book.leaves.len(), 0);
        fs::write(book.path().join("checkpoint"), note).unwrap();
        book
    }

    /// The folder of a log whose first origin was cut after `kept` of its `lost_to` leaves.
    pub(super) fn cut(first: Leaves, kept: usize, later: Leaves) -> Self {
        let whole = Self::of(first);
        let link = OriginDetail {
            closed: 0,
            kept: kept as u64,
            root: tree(&whole.leaves[..kept]).root(),
            lost_to: whole.leaves.len() as u64,
            checkpoint: String::new(),
        };
        let link = link.encode().unwrap();
        let leaves = [vec![("origin", link.clone())], later].concat();
        let book = Self { folder: tempfile::tempdir().unwrap(), leaves };
        book.write("closed/0/", &whole.leaves[..kept]);
        book.write("", &book.leaves);
        fs::write(book.path().join("origin"), link).unwrap();
        fs::write(book.path().join("checkpoint"), book.note(book.leaves.len(), 1)).unwrap();
        book
    }

    pub(super) fn path(&self) -> PathBuf {
        self.folder.path().to_path_buf()
    }

    /// The file with the details of the generations.
    pub(super) fn details(&self) -> PathBuf {
        self.path().join(format!("generations/000.p/{}", self.leaves.len()))
    }

    /// A checkpoint over the first leaves, signed with the log's key.
    pub(super) fn note(&self, size: usize, k: u32) -> String {
        signed(&origin_name(ORIGIN, k), size, tree(&self.leaves[..size]).root(), 3)
    }

    fn write(&self, place: &str, leaves: &[(&'static str, Vec<u8>)]) {
        let width = leaves.len();
        let encoded = encoded(leaves);
        let hashes = encoded.iter().flat_map(|l| crate::audit::merkle::leaf_hash(l)).collect();
        let bundle = tiles::bundle(encoded.iter().map(Vec::as_slice)).unwrap();
        let details = leaves.iter().filter(|(kind, _)| *kind == "generation");
        let details = details.flat_map(|(_, detail)| detail.clone()).collect();
        for (path, bytes) in
            [("tile/0/000", hashes), ("tile/entries/000", bundle), ("generations/000", details)]
        {
            let path = self.path().join(format!("{place}{path}.p/{width}"));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write::<_, Vec<u8>>(path, bytes).unwrap();
        }
    }
}

/// A checkpoint by the key of this seed.
pub(super) fn signed(origin: &str, size: usize, root: [u8; 32], seed: u8) -> String {
    let signer = Signer::from_seed(Secret::from_bytes([seed; 32]));
    let key = VerifierKey::new(origin, signer.public()).unwrap();
    let checkpoint = Checkpoint { origin: origin.to_owned(), size: size as u64, root };
    checkpoint.sign(&key, |text| signer.sign(text))
}

/// The log's verifier key.
pub(super) fn log_key() -> String {
    let signer = Signer::from_seed(Secret::from_bytes([3; 32]));
    VerifierKey::new(ORIGIN, signer.public()).unwrap().to_string()
}

fn encoded(leaves: &[(&'static str, Vec<u8>)]) -> Vec<Vec<u8>> {
    (0..)
        .zip(leaves)
        .map(|(n, (kind, detail))| leaf::encode(n, TIME, kind, &Sha256::digest(detail).into()))
        .collect()
}

pub(super) fn tree(leaves: &[(&'static str, Vec<u8>)]) -> Tree {
    let mut tree = Tree::empty(0);
    encoded(leaves).iter().for_each(|leaf| tree.append(leaf, &mut Vec::new()));
    tree
}
