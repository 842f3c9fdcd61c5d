//! The pack hash: which rules exactly a decision, an event or a certificate speaks of.
//!
//! Source: DESIGN section 5. SHA-256 over `pack.toml`, `scenarios.toml` and `*.cedar`, sorted by
//! relative path, each `u16 length ‖ path ‖ u64 length ‖ bytes`, integers big-endian. README,
//! sample data and demo are no rules and do not count.

use sha2::{Digest, Sha256};

/// One file of the pack: relative path with `/`, and its bytes as read once.
pub(super) struct PackFile {
    pub(super) path: String,
    pub(super) bytes: Vec<u8>,
}

/// The hash of these files, in any order given. Paths are bounded far below 64 KiB by `pack::files`.
pub(super) fn pack_hash(files: &[PackFile]) -> [u8; 32] {
    let mut sorted: Vec<&PackFile> = files.iter().collect();
    sorted.sort_by(|a, b| a.path.cmp(&b.path));
    let mut hash = Sha256::new();
    for file in sorted {
        hash.update(u16::try_from(file.path.len()).unwrap_or(u16::MAX).to_be_bytes());
        hash.update(file.path.as_bytes());
        hash.update(u64::try_from(file.bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(&file.bytes);
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, bytes: &str) -> PackFile {
        PackFile { path: path.into(), bytes: bytes.into() }
    }

    #[test]
    fn the_hash_is_over_sorted_length_prefixed_paths_and_bytes() {
        let files = [file("pack.toml", "abc"), file("a.cedar", "")];
        let flat = b"\x00\x07a.cedar\x00\x00\x00\x00\x00\x00\x00\x00\
                     \x00\x09pack.toml\x00\x00\x00\x00\x00\x00\x00\x03abc";
        assert_eq!(pack_hash(&files), <[u8; 32]>::from(Sha256::digest(flat)));
    }

    #[test]
    fn order_does_not_count_and_every_byte_and_path_does() {
        let hash = pack_hash(&[file("a.cedar", "x"), file("pack.toml", "y")]);
        assert_eq!(hash, pack_hash(&[file("pack.toml", "y"), file("a.cedar", "x")]));
        assert_ne!(hash, pack_hash(&[file("a.cedar", "y"), file("pack.toml", "x")]));
        assert_ne!(hash, pack_hash(&[file("b.cedar", "x"), file("pack.toml", "y")]));
        assert_ne!(hash, pack_hash(&[file("a.cedar", "x")]));
    }
}
