//! The two details that are stored in clear, because they hold nothing personal and must outlive
//! every retention period: that of a generation leaf, and that of the first leaf of a later origin.
//!
//! Layout of row 'a' for such a leaf: the detail's bytes themselves (they start with "OUBG" or
//! "OUBO" and are never 52 bytes long), where other leaves have cohort ‖ event ‖ segment ‖ index.
//! The leaf's digest is SHA-256 of these bytes.

use super::merkle::Hash;

const GENERATION: &[u8] = b"OUBG\x01";
/// Bytes of a generation leaf's detail.
pub(super) const GENERATION_DETAIL_BYTES: usize = 77;
const ORIGIN: &[u8] = b"OUBO\x01";

/// "OUBG" ‖ 0x01 ‖ u64 g ‖ SHA-256(keyring.g)32 ‖ SHA-256(keyring.(g-1))32.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GenerationDetail {
    /// The generation.
    pub generation: u64,
    /// SHA-256 of its keyring file.
    pub keyring_hash: Hash,
    /// SHA-256 of the previous keyring file, zeros for generation 1.
    pub previous_hash: Hash,
}

impl GenerationDetail {
    /// Reads the 77 bytes; `None` for anything else.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(GENERATION)?;
        let (generation, rest) = rest.split_first_chunk()?;
        let (keyring_hash, rest) = rest.split_first_chunk()?;
        Some(Self {
            generation: u64::from_be_bytes(*generation),
            keyring_hash: *keyring_hash,
            previous_hash: rest.try_into().ok()?,
        })
    }
}

/// "OUBO" ‖ 0x01 ‖ u32 closed k ‖ u64 kept ‖ root of the kept tree32 ‖ u64 lost_to ‖ u16 len ‖ the
/// newest checkpoint known of the closed origin (empty if none).
///
/// Leaves `[kept, lost_to)` of origin `closed` are lost. If `kept >= lost_to` the tree was long
/// enough but not the one that had been signed: all of it is in doubt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginDetail {
    /// The origin that ends here.
    pub closed: u32,
    /// Leaves of it that are still there.
    pub kept: u64,
    /// Root of the tree of these leaves.
    pub root: Hash,
    /// Leaves it is known to have had.
    pub lost_to: u64,
    /// The signed note that says so.
    pub checkpoint: String,
}

impl OriginDetail {
    /// The bytes; `None` if the checkpoint is longer than 65,535 bytes.
    #[must_use]
    pub fn encode(&self) -> Option<Vec<u8>> {
        let length = u16::try_from(self.checkpoint.len()).ok()?;
        let parts = [
            ORIGIN,
            &self.closed.to_be_bytes(),
            &self.kept.to_be_bytes(),
            &self.root,
            &self.lost_to.to_be_bytes(),
            &length.to_be_bytes(),
            self.checkpoint.as_bytes(),
        ];
        Some(parts.concat())
    }

    /// Reads the bytes; `None` for anything that `encode` would not write.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(ORIGIN)?;
        let (closed, rest) = rest.split_first_chunk()?;
        let (kept, rest) = rest.split_first_chunk()?;
        let (root, rest) = rest.split_first_chunk()?;
        let (lost_to, rest) = rest.split_first_chunk()?;
        let (length, text) = rest.split_first_chunk()?;
        let checkpoint = std::str::from_utf8(text).ok()?.to_owned();
        (usize::from(u16::from_be_bytes(*length)) == text.len()).then(|| Self {
            closed: u32::from_be_bytes(*closed),
            kept: u64::from_be_bytes(*kept),
            root: *root,
            lost_to: u64::from_be_bytes(*lost_to),
            checkpoint,
        })
    }
}

/// `<vault name>/<node>` for k = 0, `<vault name>/<node>/<k>` for a later origin.
#[must_use]
pub fn origin_name(base: &str, k: u32) -> String {
    if k == 0 { base.to_owned() } else { format!("{base}/{k}") }
}
