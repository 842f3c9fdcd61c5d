//! Inner nodes of segment trees, kept so that neighbouring slots need not walk from the root again.
//!
//! Used only under the keyring's state lock, and emptied with every generation: no node here ever
//! reaches a slot that the cover in force does not, for the caller asks the cover first.

use std::{collections::HashMap, sync::Arc};

use parking_lot::RwLock;

use crate::{
    crypto::ggm,
    ids::SlotRef,
    keyring::cover::Cover,
    limits::{NODE_CACHE_ENTRIES_MAX, SEGMENT_DEPTH},
    secret::Secret,
};

/// Depths kept: one node above 16 slots, one above 4096.
const LOW: u8 = 20;
const HIGH: u8 = 12;

#[derive(Default)]
pub(crate) struct NodeCache(RwLock<HashMap<(SlotRef, u8), Arc<Secret<32>>>>);

impl NodeCache {
    /// The slot's secret, as [`Cover::derive_slot`] gives it; `None` once erased.
    pub(crate) fn derive_slot(&self, cover: &Cover, at: &SlotRef) -> Option<Secret<32>> {
        if !cover.reaches(at.index) {
            return None;
        }
        let Some(low) = self.node(cover, at, LOW, || {
            let high = self.node(cover, at, HIGH, || cover.derive_node(at.index, HIGH))?;
            ggm::derive_below(&high, HIGH, LOW, at.index)
        }) else {
            // Erasures nearby left only deeper nodes.
            return cover.derive_slot(&at.seg, at.index);
        };
        let leaf = ggm::derive_below(&low, LOW, SEGMENT_DEPTH, at.index)?;
        Some(ggm::derive_slot(&leaf, &at.seg, at.index))
    }

    /// Wipes all nodes.
    pub(crate) fn clear(&self) {
        self.0.write().clear();
    }

    fn node(
        &self,
        cover: &Cover,
        at: &SlotRef,
        depth: u8,
        derive: impl FnOnce() -> Option<Secret<32>>,
    ) -> Option<Arc<Secret<32>>> {
        // The first slot below names the node.
        let first = at.index >> (SEGMENT_DEPTH - depth) << (SEGMENT_DEPTH - depth);
        let key = (SlotRef { seg: at.seg, index: first }, depth);
        if let Some(node) = self.0.read().get(&key) {
            return Some(Arc::clone(node));
        }
        let node = Arc::new(derive().or_else(|| cover.derive_node(at.index, depth))?);
        let mut nodes = self.0.write();
        if nodes.len() >= NODE_CACHE_ENTRIES_MAX {
            nodes.clear();
        }
        nodes.insert(key, Arc::clone(&node));
        Some(node)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::ids::SegmentId;

    #[test]
    fn slots_derived_through_kept_nodes_equal_those_derived_from_the_root() {
        let seg = SegmentId::from_bytes([1; 16]);
        let whole = Cover::whole(Secret::from_bytes([2; 32]));
        for erased in [vec![], vec![5], vec![17, 40], vec![4096], vec![0, 5000]] {
            let cover = whole.puncture(&BTreeSet::from_iter(erased.clone()));
            let cache = NodeCache::default();
            for index in (0..64).chain(4090..4100).chain(16_777_200..16_777_216) {
                let kept = cache.derive_slot(&cover, &SlotRef { seg, index });
                let direct = cover.derive_slot(&seg, index);
                assert_eq!(kept.is_some(), !erased.contains(&index), "slot {index}");
                assert_eq!(kept.map(|s| *s.expose()), direct.map(|s| *s.expose()), "slot {index}");
            }
        }
    }

    #[test]
    fn the_node_cache_stays_within_its_bound() {
        let seg = SegmentId::from_bytes([1; 16]);
        let (cover, cache) = (Cover::whole(Secret::from_bytes([2; 32])), NodeCache::default());
        for index in 0..u32::try_from(NODE_CACHE_ENTRIES_MAX).unwrap() + 8 {
            assert!(cache.derive_slot(&cover, &SlotRef { seg, index: index * 16 }).is_some());
        }
        assert!(cache.0.read().len() <= NODE_CACHE_ENTRIES_MAX);
        cache.clear();
        assert!(cache.0.read().is_empty());
    }
}
