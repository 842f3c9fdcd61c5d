//! The growing tree of one origin: hashes in tile layout, from the first commit.
//!
//! Layout in the store: a level-0 tile row is written when its 256 leaves are there (the partial right
//! edge of level 0 is rebuilt from at most 255 leaf rows); a tile row of a higher level is rewritten
//! when a hash is appended to it. So most commits write no tile row at all.
//! Invariants: appending costs one hash on average and never reads; opening reads the right edge only.

use super::{
    merkle::{Frontier, Hash, Nodes, leaf_hash, node_hash},
    tiles::{TILE_LEVELS, TILE_WIDTH, hashes_at},
};
use crate::storage::{Op, Store, StoreError, keys};

/// Bytes of a full tile.
const TILE_BYTES: usize = 256 * 32;

/// Why the stored tree cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TreeError {
    /// The store failed.
    #[error("reading the tree failed")]
    Store(#[from] StoreError),
    /// Rows are missing or do not have their length.
    #[error("the stored tree is damaged: {0}")]
    Damaged(&'static str),
}

/// The tree of origin `k`, held by the committer alone.
#[derive(Debug, Clone)]
pub struct Tree {
    k: u32,
    frontier: Frontier,
    /// Per level the partial tile at the right edge, as bytes ready to be stored.
    edges: Vec<Vec<u8>>,
}

impl Tree {
    /// The empty tree of origin `k`.
    #[must_use]
    pub fn empty(k: u32) -> Self {
        Self { k, frontier: Frontier::new(), edges: vec![Vec::new(); usize::from(TILE_LEVELS)] }
    }

    /// Reads the right edge of a tree of this size.
    pub fn open(store: &dyn Store, k: u32, size: u64) -> Result<Self, TreeError> {
        let stored = StoredTree { store, k, size };
        let mut edges = Vec::new();
        for level in 0..TILE_LEVELS {
            let hashes = hashes_at(size, level);
            let (number, width) = (hashes / TILE_WIDTH, hashes % TILE_WIDTH);
            edges.push(if width == 0 { Vec::new() } else { stored.tile(level, number, width)? });
        }
        Ok(Self { k, frontier: Frontier::load(&stored, size)?, edges })
    }

    /// The number of the origin.
    #[must_use]
    pub fn k(&self) -> u32 {
        self.k
    }

    /// Leaves in the tree; also the number of the next one.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// The root of the whole tree.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.frontier.root()
    }

    /// Appends a leaf and adds the tile rows that this makes to `ops`.
    pub fn append(&mut self, leaf: &[u8], ops: &mut Vec<Op>) {
        let k = self.k;
        self.grow(leaf, |level, number, tile| match tile {
            Grown::Full(bytes) => ops.push(Op::Put(keys::tile(k, level, number), bytes)),
            Grown::Partial(bytes) if level > 0 => {
                ops.push(Op::Put(keys::tile(k, level, number), bytes.to_vec()));
            }
            Grown::Partial(_) => {}
        });
    }

    /// Appends a leaf and tells every tile that grew: level, number, content.
    pub fn grow(&mut self, leaf: &[u8], mut grown: impl FnMut(u8, u64, Grown<'_>)) {
        let number = self.size();
        let edges = &mut self.edges;
        self.frontier.append(leaf_hash(leaf), |height, hash| {
            // Only every eighth height is stored: a tile level.
            if height % 8 != 0 {
                return;
            }
            let Ok(level) = u8::try_from(height / 8) else { return };
            let Some(edge) = edges.get_mut(usize::from(level)) else { return };
            edge.extend_from_slice(&hash);
            let tile = (number >> height) / TILE_WIDTH;
            if edge.len() == TILE_BYTES {
                grown(level, tile, Grown::Full(std::mem::take(edge)));
            } else {
                grown(level, tile, Grown::Partial(edge));
            }
        });
    }

    /// The partial tiles at the right edge: level, number, content; none is empty.
    pub fn edges(&self) -> impl Iterator<Item = (u8, u64, &[u8])> {
        let size = self.size();
        (0..)
            .zip(&self.edges)
            .filter(|(_, edge)| !edge.is_empty())
            .map(move |(level, edge)| (level, hashes_at(size, level) / TILE_WIDTH, edge.as_slice()))
    }
}

/// A tile that has grown by one hash.
pub enum Grown<'a> {
    /// It is full now.
    Full(Vec<u8>),
    /// Its content so far.
    Partial(&'a [u8]),
}

/// The first `size` leaves of a stored tree, for roots and proofs. `size` must be durable.
#[derive(Clone, Copy)]
pub struct StoredTree<'a> {
    /// Where the rows are.
    pub store: &'a dyn Store,
    /// The number of the origin.
    pub k: u32,
    /// Leaves that may be looked at.
    pub size: u64,
}

impl StoredTree<'_> {
    /// The first `width` hashes of a tile.
    pub fn tile(&self, level: u8, number: u64, width: u64) -> Result<Vec<u8>, TreeError> {
        let length = usize::try_from(width * 32).map_err(|_| TreeError::Damaged("a tile"))?;
        if let Some(mut row) = self.store.get(&keys::tile(self.k, level, number))? {
            if row.len() < length {
                return Err(TreeError::Damaged("a tile is cut"));
            }
            row.truncate(length);
            return Ok(row);
        }
        if level > 0 {
            return Err(TreeError::Damaged("a tile is missing"));
        }
        let leaves = self.leaves(number * TILE_WIDTH, width)?;
        Ok(leaves.iter().flat_map(|leaf| leaf_hash(leaf)).collect())
    }

    /// `count` leaves from number `first` on. Errors: [`TreeError::Damaged`] if one is missing.
    pub fn leaves(&self, first: u64, count: u64) -> Result<Vec<Vec<u8>>, TreeError> {
        let limit = usize::try_from(count).map_err(|_| TreeError::Damaged("too many leaves"))?;
        let prefix = keys::leaves(self.k);
        let before = first.checked_sub(1).map(|before| keys::leaf(self.k, before));
        let rows = self.store.scan(&prefix, before.as_deref(), limit)?;
        let in_order = (first..).zip(&rows).all(|(n, (key, _))| *key == keys::leaf(self.k, n));
        if rows.len() != limit || !in_order {
            return Err(TreeError::Damaged("a leaf is missing"));
        }
        Ok(rows.into_iter().map(|(_, leaf)| leaf).collect())
    }
}

impl Nodes for StoredTree<'_> {
    type Error = TreeError;

    fn node(&self, height: u32, number: u64) -> Result<Hash, TreeError> {
        // The subtree is 2^(height mod 8) neighbouring hashes of one tile.
        let level = u8::try_from(height / 8).map_err(|_| TreeError::Damaged("the height"))?;
        let count = 1_u64 << (height % 8);
        let first = number * count;
        let (tile, inside) = (first / TILE_WIDTH, first % TILE_WIDTH);
        // At the right edge of level 0 there are only leaves: read no more of them than needed.
        let bytes = self.tile(level, tile, inside + count)?;
        let skip = usize::try_from(inside).map_err(|_| TreeError::Damaged("a tile"))?;
        let (hashes, _) = bytes.as_chunks::<32>();
        perfect_root(hashes.iter().skip(skip).copied().collect())
            .ok_or(TreeError::Damaged("a tile is cut"))
    }
}

/// The root over a power of two of hashes; `None` for none.
pub(super) fn perfect_root(mut hashes: Vec<Hash>) -> Option<Hash> {
    while hashes.len() > 1 {
        let (pairs, _) = hashes.as_chunks::<2>();
        hashes = pairs.iter().map(|[left, right]| node_hash(left, right)).collect();
    }
    hashes.pop()
}
