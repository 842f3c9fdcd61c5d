//! Merkle tree hashing and proofs of RFC 6962 section 2.1 (the same as RFC 9162 section 2.1).
//!
//! Pure functions over a source of subtree hashes: nothing here reads a store or a clock.
//! A perfect subtree is named by its height `h` and its number `i` at that height: it covers the
//! leaves `[i * 2^h, (i + 1) * 2^h)`.

use sha2::{Digest, Sha256};

/// SHA-256 of a leaf or a node.
pub type Hash = [u8; 32];

/// MTH({}) = SHA-256() (RFC 6962 section 2.1).
#[must_use]
pub fn empty_root() -> Hash {
    Sha256::digest([]).into()
}

/// MTH({d(0)}) = SHA-256(0x00 ‖ d(0)) (RFC 6962 section 2.1).
#[must_use]
pub fn leaf_hash(leaf: &[u8]) -> Hash {
    Sha256::new().chain_update([0]).chain_update(leaf).finalize().into()
}

/// SHA-256(0x01 ‖ left ‖ right) (RFC 6962 section 2.1).
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// Where the hashes of perfect subtrees come from.
pub trait Nodes {
    /// Why a hash could not be had.
    type Error;
    /// The hash of subtree `number` of this height, all of whose leaves exist.
    fn node(&self, height: u32, number: u64) -> Result<Hash, Self::Error>;
}

/// The perfect subtrees that a tree is made of, left to right: appending costs one hash on average.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    /// One per bit set in `size`, the largest subtree first.
    peaks: Vec<Hash>,
}

impl Frontier {
    /// An empty tree.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The frontier of the first `size` leaves.
    pub fn load<N: Nodes>(nodes: &N, size: u64) -> Result<Self, N::Error> {
        let peaks = peaks(0, size).map(|(height, number)| nodes.node(height, number));
        Ok(Self { size, peaks: peaks.collect::<Result<_, _>>()? })
    }

    /// Leaves in the tree.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf's hash; `completed` is told every perfect subtree that this completes, the leaf
    /// itself (height 0) first.
    pub fn append(&mut self, leaf: Hash, mut completed: impl FnMut(u32, Hash)) {
        let mut hash = leaf;
        completed(0, hash);
        // Each trailing one bit of the size is a subtree as high as the new one: they merge.
        for height in 0..self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                hash = node_hash(&left, &hash);
            }
            completed(height + 1, hash);
        }
        self.peaks.push(hash);
        self.size += 1;
    }

    /// MTH of the whole tree.
    #[must_use]
    pub fn root(&self) -> Hash {
        fold(&self.peaks)
    }
}

/// MTH(D\[0:size\]).
pub fn root<N: Nodes>(nodes: &N, size: u64) -> Result<Hash, N::Error> {
    subtree(nodes, 0, size)
}

/// PATH(index, D\[0:size\]) (RFC 6962 section 2.1.1), the leaf's sibling first; `None` unless
/// `index < size`.
pub fn inclusion<N: Nodes>(
    nodes: &N,
    index: u64,
    size: u64,
) -> Result<Option<Vec<Hash>>, N::Error> {
    if index >= size {
        return Ok(None);
    }
    let mut path = Vec::new();
    let (mut start, mut end) = (0, size);
    while end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            path.push(subtree(nodes, middle, end)?);
            end = middle;
        } else {
            path.push(subtree(nodes, start, middle)?);
            start = middle;
        }
    }
    path.reverse();
    Ok(Some(path))
}

/// PROOF(from, D\[0:to\]) (RFC 6962 section 2.1.2); `None` unless `0 < from <= to`.
pub fn consistency<N: Nodes>(nodes: &N, from: u64, to: u64) -> Result<Option<Vec<Hash>>, N::Error> {
    if from == 0 || from > to {
        return Ok(None);
    }
    let mut path = Vec::new();
    let (mut start, mut end) = (0, to);
    // `whole`: the old tree is exactly the subtree we stand on, whose hash the verifier knows.
    let mut whole = true;
    while from < end {
        let middle = start + split(end - start);
        if from <= middle {
            path.push(subtree(nodes, middle, end)?);
            end = middle;
        } else {
            path.push(subtree(nodes, start, middle)?);
            start = middle;
            whole = false;
        }
    }
    if !whole {
        path.push(subtree(nodes, start, end)?);
    }
    path.reverse();
    Ok(Some(path))
}

/// Whether `path` proves that the leaf with this hash is leaf `index` of the tree with this root
/// (RFC 9162 section 2.1.3.2; steps numbered as there).
#[must_use]
pub fn inclusion_holds(leaf: &Hash, index: u64, size: u64, path: &[Hash], root: &Hash) -> bool {
    // 1. Compare leaf_index with tree_size.
    if index >= size {
        return false;
    }
    // 2. Set fn to leaf_index and sn to tree_size - 1. 3. Set r to hash.
    let (mut fnode, mut snode, mut hash) = (index, size - 1, *leaf);
    // 4. For each value p in the inclusion_path array:
    for sibling in path {
        // a. If sn is 0, stop and fail.
        if snode == 0 {
            return false;
        }
        // b. If LSB(fn) is set, or if fn is equal to sn, p is a left sibling.
        if fnode & 1 == 1 || fnode == snode {
            hash = node_hash(sibling, &hash);
            while fnode & 1 == 0 && fnode != 0 {
                fnode >>= 1;
                snode >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        // c. Right-shift both.
        fnode >>= 1;
        snode >>= 1;
    }
    // 5. Compare sn to 0 and r against the root_hash.
    snode == 0 && hash == *root
}

/// Whether `path` proves that the tree of `from` leaves is a prefix of the tree of `to` leaves
/// (RFC 9162 section 2.1.4.2; steps numbered as there). An empty old tree is a prefix of any.
#[must_use]
pub fn consistency_holds(
    from: u64,
    to: u64,
    path: &[Hash],
    from_root: &Hash,
    to_root: &Hash,
) -> bool {
    if from == 0 {
        return path.is_empty() && *from_root == empty_root();
    }
    if from >= to {
        return from == to && path.is_empty() && from_root == to_root;
    }
    // 2. If first is an exact power of 2, then prepend first_hash to the path.
    let prepended = from.is_power_of_two().then_some(from_root);
    let mut path = prepended.into_iter().chain(path);
    // 3. Set fn to first - 1 and sn to second - 1. 4. If LSB(fn) is set, right-shift both.
    let shift = (from - 1).trailing_ones();
    let (mut fnode, mut snode) = ((from - 1) >> shift, (to - 1) >> shift);
    // 5. Set fr and sr to the first value of the path. 1. An empty path fails.
    let Some(first) = path.next() else { return false };
    let (mut old, mut new) = (*first, *first);
    // 6. For each subsequent value c:
    for next in path {
        // a. If sn is 0, stop and fail.
        if snode == 0 {
            return false;
        }
        // b. If LSB(fn) is set, or fn is equal to sn, c is a left sibling of both.
        if fnode & 1 == 1 || fnode == snode {
            old = node_hash(next, &old);
            new = node_hash(next, &new);
            while fnode & 1 == 0 && fnode != 0 {
                fnode >>= 1;
                snode >>= 1;
            }
        } else {
            new = node_hash(&new, next);
        }
        // c. Right-shift both.
        fnode >>= 1;
        snode >>= 1;
    }
    // 7. Both roots must come out, and the path must be used up.
    old == *from_root && new == *to_root && snode == 0
}

/// MTH of the leaves `[start, end)`, where `start` is a multiple of the largest subtree inside.
fn subtree<N: Nodes>(nodes: &N, start: u64, end: u64) -> Result<Hash, N::Error> {
    let hashes = peaks(start, end).map(|(height, number)| nodes.node(height, number));
    Ok(fold(&hashes.collect::<Result<Vec<_>, _>>()?))
}

/// The perfect subtrees that `[start, end)` is made of, left to right, as (height, number).
fn peaks(start: u64, end: u64) -> impl Iterator<Item = (u32, u64)> {
    let mut at = start;
    std::iter::from_fn(move || {
        let height = end.checked_sub(at)?.checked_ilog2()?;
        let number = at >> height;
        at += 1 << height;
        Some((height, number))
    })
}

fn fold(peaks: &[Hash]) -> Hash {
    let mut right_to_left = peaks.iter().rev();
    match right_to_left.next() {
        None => empty_root(),
        Some(last) => right_to_left.fold(*last, |right, left| node_hash(left, &right)),
    }
}

/// The largest power of two smaller than `size`, for `size > 1` (RFC 6962 section 2.1: k).
fn split(size: u64) -> u64 {
    1 << (size - 1).checked_ilog2().unwrap_or(0)
}
