//! Logs that are signed and add up, but are put together as no vault does it: the verifier must notice.

use std::fs;

use super::house::START;
use crate::{
    audit::{
        clear::OriginDetail,
        leaf,
        merkle::{self, Hash},
        note::{Checkpoint, VerifierKey},
        tiles,
        tree::Tree,
        verify::{Verified, VerifyError, verify_folder},
    },
    crypto::signing::Signer,
    secret::Secret,
};

/// One origin of a forged log: where it lies, and the kind and digest of each leaf.
struct Origin<'a> {
    place: &'a str,
    leaves: &'a [(&'a str, Hash)],
}

/// Writes an origin's tiles and gives its root.
fn write(folder: &std::path::Path, Origin { place, leaves }: &Origin<'_>) -> Hash {
    let leaves: Vec<Vec<u8>> =
        (0..).zip(*leaves).map(|(n, (kind, hash))| leaf::encode(n, START, kind, hash)).collect();
    let mut tree = Tree::empty(0);
    leaves.iter().for_each(|leaf| tree.append(leaf, &mut Vec::new()));
    let hashes = leaves.iter().flat_map(|leaf| merkle::leaf_hash(leaf)).collect();
    let bundle = tiles::bundle(leaves.iter().map(Vec::as_slice)).unwrap();
    for (path, bytes) in [("tile/0/000", hashes), ("tile/entries/000", bundle)] {
        let path = folder.join(format!("{place}{path}.p/{}", leaves.len()));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write::<_, Vec<u8>>(path, bytes).unwrap();
    }
    tree.root()
}

/// Signs the top of the folder under this name and verifies it with the key of the first origin.
fn verified(
    folder: &std::path::Path,
    name: &str,
    size: u64,
    root: Hash,
) -> Result<Verified, VerifyError> {
    let signer = Signer::from_seed(Secret::from_bytes([5; 32]));
    let key = VerifierKey::new(name, signer.public()).unwrap();
    let checkpoint = Checkpoint { origin: name.to_owned(), size, root };
    let note = checkpoint.sign(&key, |text| signer.sign(text));
    fs::write(folder.join("checkpoint"), note).unwrap();
    let key = VerifierKey::new("vault/n", signer.public()).unwrap().to_string();
    verify_folder(folder, &key, None)
}

#[test]
fn a_later_origin_with_its_link_is_accepted_and_one_without_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let plain = [("reveal", [1; 32]), ("create", [2; 32])];
    let root = write(folder.path(), &Origin { place: "closed/0/", leaves: &plain });
    let link = OriginDetail { closed: 0, kept: 2, root, lost_to: 9, checkpoint: String::new() };
    let bytes = link.encode().unwrap();
    let digest = <sha2::Sha256 as sha2::Digest>::digest(&bytes).into();
    fs::write(folder.path().join("origin"), bytes).unwrap();
    let linked = [("origin", digest), ("reveal", [3; 32])];
    let root = write(folder.path(), &Origin { place: "", leaves: &linked });
    let found = verified(folder.path(), "vault/n/1", 2, root).unwrap();
    assert_eq!(found.closed, [link]);

    let alone = tempfile::tempdir().unwrap();
    let root = write(alone.path(), &Origin { place: "", leaves: &plain });
    assert!(verified(alone.path(), "vault/n", 2, root).is_ok());
    let error = verified(alone.path(), "vault/n/1", 2, root).unwrap_err();
    assert!(matches!(error, VerifyError::Origin(_)), "{error}");
    // Nor is another spelling of a number another log's first origin.
    for name in ["vault/n/0", "vault/n/01", "vault/n/+1"] {
        assert!(
            VerifierKey::new(name, [0; 32]).is_err() || {
                let error = verified(alone.path(), name, 2, root).unwrap_err();
                matches!(error, VerifyError::OtherLog)
            },
            "{name}"
        );
    }
}

#[test]
fn a_link_inside_an_origin_or_at_the_head_of_the_first_is_refused() {
    for leaves in
        [[("reveal", [1; 32]), ("origin", [2; 32])], [("origin", [1; 32]), ("reveal", [2; 32])]]
    {
        let folder = tempfile::tempdir().unwrap();
        let root = write(folder.path(), &Origin { place: "", leaves: &leaves });
        let error = verified(folder.path(), "vault/n", 2, root).unwrap_err();
        assert!(matches!(error, VerifyError::Origin(_)), "{error}");
    }
}
