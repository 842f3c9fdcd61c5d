//! Slot secrets in use or used lately, bounded, wiped with their generation.
//!
//! Invariant: while a slot's secret is in use anywhere, the cache holds it, so every holder of one
//! slot shares one lease and an erasure finds them all. Only entries nobody uses are dropped to make
//! room; entries in use may exceed the bound by the calls in flight.

use std::{collections::HashMap, sync::Arc};

use parking_lot::RwLock;

use crate::{
    crypto::{
        lease::{Gate, Lease, LeasedSecret},
        section::SlotSecret,
    },
    ids::SlotRef,
    limits::SLOT_CACHE_ENTRIES_MAX,
    secret::Secret,
};

#[derive(Default)]
pub(crate) struct SlotCache {
    gate: Arc<Gate>,
    entries: RwLock<HashMap<SlotRef, Arc<LeasedSecret>>>,
}

impl SlotCache {
    /// The cached secret of a slot.
    pub(crate) fn get(&self, at: &SlotRef) -> Option<SlotSecret> {
        self.entries.read().get(at).map(|secret| SlotSecret::shared(Arc::clone(secret)))
    }

    /// Adds a derived secret, unless another call was quicker, and hands out the shared one.
    pub(crate) fn insert(&self, at: SlotRef, secret: Secret<32>) -> SlotSecret {
        let mut entries = self.entries.write();
        if entries.len() >= SLOT_CACHE_ENTRIES_MAX {
            entries.retain(|_, secret| in_use(secret));
        }
        let shared =
            entries.entry(at).or_insert_with(|| Arc::new(LeasedSecret::new(secret, &self.gate)));
        SlotSecret::shared(Arc::clone(shared))
    }

    /// Wipes the old generation's secrets: all that no call uses, and every erased slot. The leases
    /// of erased slots still in use are returned, for [`SlotCache::gate`] to drain.
    pub(crate) fn retire(&self, lives: impl Fn(&SlotRef) -> bool) -> Vec<Lease> {
        let mut erased = Vec::new();
        self.entries.write().retain(|at, secret| {
            let lives = lives(at);
            if !lives {
                erased.push(secret.lease());
            }
            lives && in_use(secret)
        });
        erased
    }

    /// Where drains wait.
    pub(crate) fn gate(&self) -> &Gate {
        &self.gate
    }
}

/// Whether anybody but the cache holds the secret. Decided under the cache's lock, through which
/// every new holder must come.
fn in_use(secret: &Arc<LeasedSecret>) -> bool {
    Arc::strong_count(secret) > 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::SegmentId;

    fn at(index: u32) -> SlotRef {
        SlotRef { seg: SegmentId::from_bytes([1; 16]), index }
    }

    #[test]
    fn a_generation_wipes_what_nobody_uses_and_keeps_what_somebody_does() {
        let cache = SlotCache::default();
        drop(cache.insert(at(1), Secret::from_bytes([1; 32])));
        let used = cache.insert(at(2), Secret::from_bytes([2; 32]));
        assert!(cache.retire(|_| true).is_empty());
        assert!(cache.get(&at(1)).is_none());
        assert!(cache.get(&at(2)).is_some());
        drop(used);
    }

    #[test]
    fn an_erased_slot_leaves_at_once_and_its_lease_ends_with_its_last_holder() {
        let cache = SlotCache::default();
        let used = cache.insert(at(1), Secret::from_bytes([1; 32]));
        let leases = cache.retire(|slot| slot.index != 1);
        assert!(cache.get(&at(1)).is_none());
        assert!(!cache.gate().drain(&leases, std::time::Duration::ZERO));
        drop(used);
        assert!(cache.gate().drain(&leases, std::time::Duration::ZERO));
    }

    #[test]
    fn the_cache_stays_within_its_bound() {
        let cache = SlotCache::default();
        let used = cache.insert(at(0), Secret::from_bytes([0; 32]));
        for index in 1..=u32::try_from(SLOT_CACHE_ENTRIES_MAX).unwrap() {
            drop(cache.insert(at(index), Secret::from_bytes([1; 32])));
        }
        assert!(cache.entries.read().len() <= SLOT_CACHE_ENTRIES_MAX);
        assert!(cache.get(&at(0)).is_some());
        drop(used);
    }
}
