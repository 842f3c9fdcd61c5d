//! The check itself: rows in, one after the other; at the end a whole log, or what is wrong with it.
//!
//! Rows come in key order, so the details ('a') are there before the leaves ('l'), those before the
//! singletons ('m'), and the tiles ('t') last. Invariant: what is kept is bounded by 200 bytes or so for
//! every 256 leaves.

use std::collections::{BTreeMap, HashMap};

use prost::Message as _;
use sha2::{Digest, Sha256};

use super::{
    super::{
        clear::{GenerationDetail, OriginDetail},
        leaf::{self, KIND_GENERATION, KIND_ORIGIN},
        merkle::Hash,
        shared::Tail,
        tree::Tree,
    },
    CopiedLog,
};
use crate::{
    storage::{Op, keys},
    wire::store::GenerationRow,
};

/// What is wrong with the log in a copy. Names numbers, which hold nothing personal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LogFault {
    /// Bytes that are no leaf.
    #[error("leaf {n} of origin {k} is not a leaf")]
    Leaf {
        /// The origin.
        k: u32,
        /// The leaf.
        n: u64,
    },
    /// A leaf that is not where the one before says.
    #[error("leaf {expected} of origin {k} is missing or out of place")]
    Order {
        /// The origin.
        k: u32,
        /// The leaf that belongs there.
        expected: u64,
    },
    /// A row whose key is not of its kind.
    #[error("a row of the log has a malformed key or value: {0}")]
    Malformed(&'static str),
    /// A row is missing.
    #[error("row {0} is missing")]
    Missing(&'static str),
    /// The leaves of an origin do not have the root that is said.
    #[error("the leaves of origin {k} do not add up to its size and root")]
    Root {
        /// The origin.
        k: u32,
    },
    /// A tile that does not hold the hashes of the leaves, is missing, or is one too many.
    #[error("a tile of origin {k} is missing or does not hold the hashes of its leaves")]
    Tile {
        /// The origin.
        k: u32,
    },
    /// The newest generation is not the one of its leaf.
    #[error("row m/generation is not that of the newest generation leaf")]
    Generation,
    /// An origin does not begin with its link to the one before, or nothing links to it.
    #[error("origin {k} is not linked to the origins beside it")]
    Link {
        /// The origin.
        k: u32,
    },
}

/// The newest generation leaf: its place, and the digest of its detail.
type GenerationLeaf = (u32, u64, Hash);

/// The log of a copy, row by row. See the module.
#[derive(Default)]
pub struct LogInCopy {
    tail: Option<Tail>,
    generation: Option<GenerationRow>,
    newest: Option<GenerationLeaf>,
    /// Details of first leaves, by origin.
    links: BTreeMap<u32, Vec<u8>>,
    /// The origin whose leaves are coming.
    open: Option<Tree>,
    /// Digest of the first leaf of each origin, if that is a link.
    first: BTreeMap<u32, Hash>,
    /// Size and root of each origin.
    origins: BTreeMap<u32, (u64, Hash)>,
    /// SHA-256 of each tile that the leaves make, by row key, until its row has come.
    tiles: HashMap<Vec<u8>, Hash>,
}

impl LogInCopy {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next row of the copy, of whatever kind, in key order.
    ///
    /// # Errors
    /// [`LogFault`]
    pub fn row(&mut self, key: &[u8], value: &[u8]) -> Result<(), LogFault> {
        match key.first() {
            Some(b'a') => self.detail(key, value),
            Some(b'l') => self.leaf(key, value),
            Some(b'm') => self.singleton(key, value),
            Some(b't') => self.tile(key, value),
            _ => Ok(()),
        }
    }

    /// What the log says, all rows having come.
    ///
    /// # Errors
    /// [`LogFault`]
    pub fn end(mut self) -> Result<CopiedLog, LogFault> {
        self.close();
        let tail = self.tail.ok_or(LogFault::Missing("m/log"))?;
        if let Some(k) = self.tiles.keys().find_map(|key| origin_of(key)) {
            return Err(LogFault::Tile { k });
        }
        let generation = self.generation()?;
        let closed = self.chain(tail)?;
        let Tail { k, size, root } = tail;
        Ok(CopiedLog { k, size, root, generation, closed })
    }

    fn detail(&mut self, key: &[u8], value: &[u8]) -> Result<(), LogFault> {
        let (k, n) = number(key).ok_or(LogFault::Malformed("a row 'a'"))?;
        if n == 0 && OriginDetail::parse(value).is_some() {
            self.links.insert(k, value.to_vec());
        }
        Ok(())
    }

    fn leaf(&mut self, key: &[u8], value: &[u8]) -> Result<(), LogFault> {
        let (k, n) = number(key).ok_or(LogFault::Malformed("a row 'l'"))?;
        if self.open.as_ref().is_some_and(|tree| tree.k() != k) {
            self.close();
        }
        let tree = self.open.get_or_insert_with(|| Tree::empty(k));
        let leaf = leaf::parse(value).map_err(|_| LogFault::Leaf { k, n })?;
        let expected = tree.size();
        if n != expected || leaf.number != n {
            return Err(LogFault::Order { k, expected });
        }
        match leaf.kind.as_str() {
            KIND_ORIGIN if n == 0 => drop(self.first.insert(k, leaf.digest)),
            KIND_ORIGIN => return Err(LogFault::Link { k }),
            KIND_GENERATION => self.newest = Some((k, n, leaf.digest)),
            _ => {}
        }
        let mut rows = Vec::new();
        tree.append(value, &mut rows);
        for row in rows {
            if let Op::Put(key, tile) = row {
                self.tiles.insert(key, Sha256::digest(&tile).into());
            }
        }
        Ok(())
    }

    fn close(&mut self) {
        if let Some(tree) = self.open.take() {
            self.origins.insert(tree.k(), (tree.size(), tree.root()));
        }
    }

    fn singleton(&mut self, key: &[u8], value: &[u8]) -> Result<(), LogFault> {
        if key == keys::LOG_TAIL {
            self.tail = Some(Tail::parse(value).ok_or(LogFault::Malformed("m/log"))?);
        }
        if key == keys::GENERATION {
            let row = GenerationRow::decode(value);
            self.generation = Some(row.map_err(|_| LogFault::Malformed("m/generation"))?);
        }
        Ok(())
    }

    fn tile(&mut self, key: &[u8], value: &[u8]) -> Result<(), LogFault> {
        let k = origin_of(key).ok_or(LogFault::Malformed("a row 't'"))?;
        let made = self.tiles.remove(key).ok_or(LogFault::Tile { k })?;
        if made == <Hash>::from(Sha256::digest(value)) { Ok(()) } else { Err(LogFault::Tile { k }) }
    }

    fn generation(&self) -> Result<u64, LogFault> {
        let row = self.generation.as_ref().ok_or(LogFault::Missing("m/generation"))?;
        let (k, n, digest) = self.newest.ok_or(LogFault::Generation)?;
        let detail = GenerationDetail::parse(&row.detail).ok_or(LogFault::Generation)?;
        let same = (row.k, row.n) == (k, n)
            && detail.generation == row.generation
            && digest == <Hash>::from(Sha256::digest(&row.detail));
        if same { Ok(row.generation) } else { Err(LogFault::Generation) }
    }

    /// From the present origin back to the first: each with the size and root that the next one says,
    /// and no origin beside them.
    fn chain(&mut self, tail: Tail) -> Result<Vec<OriginDetail>, LogFault> {
        let (mut k, mut said) = (tail.k, (tail.size, tail.root));
        let mut closed = Vec::new();
        loop {
            if self.origins.remove(&k) != Some(said) {
                return Err(LogFault::Root { k });
            }
            let Some(link) = self.links.remove(&k) else {
                // Only the first origin has none before it.
                let first = k == 0 && !self.first.contains_key(&k);
                let left = self.origins.keys().next().copied();
                return match (first, left) {
                    (false, _) => Err(LogFault::Link { k }),
                    (true, Some(k)) => Err(LogFault::Link { k }),
                    (true, None) => Ok(closed),
                };
            };
            let link_digest = <Hash>::from(Sha256::digest(&link));
            let detail = OriginDetail::parse(&link).filter(|detail| detail.closed < k);
            let detail = detail.filter(|_| self.first.get(&k) == Some(&link_digest));
            let detail = detail.ok_or(LogFault::Link { k })?;
            (k, said) = (detail.closed, (detail.kept, detail.root));
            closed.push(detail);
        }
    }
}

/// The origin and the number of a key `tag ‖ u32 k ‖ u64 n`.
fn number(key: &[u8]) -> Option<(u32, u64)> {
    let (k, n) = key.get(1..)?.split_first_chunk()?;
    Some((u32::from_be_bytes(*k), u64::from_be_bytes(n.try_into().ok()?)))
}

/// The origin of a tile's key.
fn origin_of(key: &[u8]) -> Option<u32> {
    let (k, _) = key.get(1..)?.split_first_chunk()?;
    Some(u32::from_be_bytes(*k))
}
