//! The cover of a segment: the nodes of its key tree that are still held, left to right by leaf.
//!
//! A slot lives if and only if a node of the cover is above its leaf. Erasing slots replaces the
//! covering nodes by the siblings on the erased paths; what is dropped is wiped with its last
//! reference. Invariants, checked on decoding: nodes are disjoint and in leaf order.

use std::{collections::BTreeSet, sync::Arc};

use crate::{
    crypto::{ggm, stack},
    ids::SegmentId,
    limits::{SEGMENT_DEPTH, SEGMENT_SLOTS},
    secret::Secret,
};

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

/// Bytes of one encoded node: u8 depth ‖ u32 prefix ‖ node32.
const NODE_BYTES: usize = 37;

#[derive(Clone)]
struct Node {
    depth: u8,
    prefix: u32,
    key: Arc<Secret<32>>,
}

impl Node {
    fn height(&self) -> u32 {
        u32::from(SEGMENT_DEPTH.saturating_sub(self.depth))
    }

    /// First leaf below.
    fn start(&self) -> u32 {
        self.prefix << self.height()
    }

    /// First leaf after.
    fn end(&self) -> u32 {
        self.start() + (1 << self.height())
    }

    fn child(&self, right: bool) -> Self {
        Self {
            depth: self.depth + 1,
            prefix: self.prefix << 1 | u32::from(right),
            key: Arc::new(ggm::derive_child(&self.key, right)),
        }
    }

    fn leaf(&self, index: u32) -> Self {
        let key = ggm::derive_below(&self.key, self.depth, SEGMENT_DEPTH, index)
            .map_or_else(|| Arc::clone(&self.key), Arc::new);
        Self { depth: SEGMENT_DEPTH, prefix: index, key }
    }
}

/// The held nodes of one segment.
#[derive(Clone)]
pub(crate) struct Cover(Vec<Node>);

impl Cover {
    /// The cover of a new segment: the root of its tree.
    pub(crate) fn whole(seed: Secret<32>) -> Self {
        Self(vec![Node { depth: 0, prefix: 0, key: Arc::new(seed) }])
    }

    /// Nodes held.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether no slot was ever erased.
    pub(crate) fn is_whole(&self) -> bool {
        self.0.first().is_some_and(|n| n.depth == 0)
    }

    /// Whether the slot can still be derived.
    pub(crate) fn reaches(&self, index: u32) -> bool {
        self.above(index).is_some()
    }

    /// The slot's secret; `None` once erased.
    pub(crate) fn derive_slot(&self, seg: &SegmentId, index: u32) -> Option<Secret<32>> {
        let leaf = self.above(index)?.leaf(index);
        Some(ggm::derive_slot(&leaf.key, seg, index))
    }

    /// The inner node at `depth` above a slot; `None` unless the cover holds that whole subtree
    /// under a higher node.
    pub(crate) fn derive_node(&self, index: u32, depth: u8) -> Option<Secret<32>> {
        let node = self.above(index)?;
        ggm::derive_below(&node.key, node.depth, depth, index)
    }

    /// This cover without these leaves. Leaves already erased are skipped.
    pub(crate) fn puncture(&self, erased: &BTreeSet<u32>) -> Self {
        let mut kept = Vec::with_capacity(self.0.len());
        // The nodes on the way down are keys of what is erased.
        stack::wiped(|| {
            for node in &self.0 {
                let below: Vec<u32> = erased.range(node.start()..node.end()).copied().collect();
                erase_below(node.clone(), &below, &mut kept);
            }
        });
        Self(kept)
    }

    /// This cover with these leaves alone (inverse puncture). Leaves already erased stay erased.
    pub(crate) fn keep_only(&self, kept: &BTreeSet<u32>) -> Self {
        Self(kept.iter().filter_map(|i| self.above(*i).map(|node| node.leaf(*i))).collect())
    }

    /// 37-byte nodes, left to right by leaf. The caller wipes the bytes.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.0.len() * NODE_BYTES);
        for node in &self.0 {
            bytes.push(node.depth);
            bytes.extend_from_slice(&node.prefix.to_be_bytes());
            // EXPOSE: the body that holds the encoded cover is wiped once it is sealed.
            bytes.extend_from_slice(node.key.expose());
        }
        bytes
    }

    /// Reads encoded nodes; `None` unless they are whole, disjoint and in leaf order.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (nodes, rest) = bytes.as_chunks::<NODE_BYTES>();
        if !rest.is_empty() {
            return None;
        }
        let mut next = 0;
        let mut cover = Vec::with_capacity(nodes.len());
        for bytes in nodes {
            let (depth, rest) = bytes.split_first()?;
            let (prefix, key) = rest.split_first_chunk::<4>()?;
            let prefix = u32::from_be_bytes(*prefix);
            if *depth > SEGMENT_DEPTH || prefix >= 1 << *depth {
                return None;
            }
            let node = Node { depth: *depth, prefix, key: Arc::new(Secret::from_slice(key)?) };
            if node.start() < next {
                return None;
            }
            next = node.end();
            cover.push(node);
        }
        Some(Self(cover))
    }

    fn above(&self, index: u32) -> Option<&Node> {
        if index >= SEGMENT_SLOTS {
            return None;
        }
        let after = self.0.partition_point(|node| node.start() <= index);
        self.0.get(after.checked_sub(1)?).filter(|node| index < node.end())
    }
}

/// Pushes what stays held below `node` once the `erased` leaves (sorted, all below it) are gone.
/// Its depth is bounded by the tree's 24 levels.
fn erase_below(node: Node, erased: &[u32], kept: &mut Vec<Node>) {
    if erased.is_empty() {
        kept.push(node);
    } else if node.depth < SEGMENT_DEPTH {
        let (left, right) = (node.child(false), node.child(true));
        let (below_left, below_right) =
            erased.split_at(erased.partition_point(|index| *index < right.start()));
        erase_below(left, below_left, kept);
        erase_below(right, below_right, kept);
    }
}
