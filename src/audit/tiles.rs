//! Names and bytes of the public log's files (C2SP tlog-tiles).
//!
//! `tile/<level>/<N>[.p/<W>]` holds up to 256 hashes, `tile/entries/<N>[.p/<W>]` the leaves
//! themselves, each as u16 length ‖ bytes. Nothing here reads or writes a file.

use super::merkle::Hash;

/// Hashes (or leaves) of a full tile.
pub const TILE_WIDTH: u64 = 256;
/// Levels that a tree of up to 2^64 leaves can have.
pub const TILE_LEVELS: u8 = 8;

/// One tile or entry bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tile {
    /// Level of a hash tile; `None` for an entry bundle.
    pub level: Option<u8>,
    /// Its number in its level.
    pub number: u64,
    /// Hashes or leaves it holds: 1 to 256.
    pub width: u64,
}

impl Tile {
    /// The path of the tile below the log's root.
    #[must_use]
    pub fn path(&self) -> String {
        let level = self.level.map_or_else(|| "entries".to_owned(), |level| level.to_string());
        let mut path = format!("tile/{level}/{}", number_path(self.number));
        if self.width < TILE_WIDTH {
            path.push_str(&format!(".p/{}", self.width));
        }
        path
    }

    /// Where the details of this bundle's generation leaves lie, beside the tiles: `generations/<N>[.p/<W>]`.
    #[must_use]
    pub fn generations_path(&self) -> String {
        self.path().replacen("tile/entries/", "generations/", 1)
    }
}

/// Hashes at this tile level in a tree of this size: floor(size / 256^level).
#[must_use]
pub fn hashes_at(size: u64, level: u8) -> u64 {
    size.checked_shr(8 * u32::from(level)).unwrap_or(0)
}

/// All tiles of a tree of this size: level 0 first, the entry bundles last, none empty.
pub fn all(size: u64) -> impl Iterator<Item = Tile> {
    let levels = (0..TILE_LEVELS).map(Some).chain([None]);
    levels.flat_map(move |level| {
        let hashes = hashes_at(size, level.unwrap_or(0));
        (0..hashes.div_ceil(TILE_WIDTH)).map(move |number| Tile {
            level,
            number,
            width: (hashes - number * TILE_WIDTH).min(TILE_WIDTH),
        })
    })
}

/// An entry bundle: each leaf as u16 length ‖ bytes. `None` if a leaf is longer than 65,535 bytes.
#[must_use]
pub fn bundle<'a>(leaves: impl IntoIterator<Item = &'a [u8]>) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for leaf in leaves {
        bytes.extend_from_slice(&u16::try_from(leaf.len()).ok()?.to_be_bytes());
        bytes.extend_from_slice(leaf);
    }
    Some(bytes)
}

/// The leaves of an entry bundle; `None` if the bytes are cut or run over.
#[must_use]
pub fn unbundle(mut bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let mut leaves = Vec::new();
    while !bytes.is_empty() {
        let (length, rest) = bytes.split_first_chunk()?;
        let (leaf, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        leaves.push(leaf);
        bytes = rest;
    }
    Some(leaves)
}

/// The hashes of a tile; `None` if the length is not a multiple of 32.
#[must_use]
pub fn hashes(bytes: &[u8]) -> Option<Vec<Hash>> {
    let (hashes, rest) = bytes.as_chunks::<32>();
    rest.is_empty().then(|| hashes.to_vec())
}

/// Three-digit groups, all but the last with an x before: 1234067 = x001/x234/067.
fn number_path(number: u64) -> String {
    let mut path = format!("{:03}", number % 1000);
    let mut rest = number / 1000;
    while rest > 0 {
        path = format!("x{:03}/{path}", rest % 1000);
        rest /= 1000;
    }
    path
}
