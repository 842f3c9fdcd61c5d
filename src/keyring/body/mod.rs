//! The keyring's body as the vault works with it: all that must be forgettable.
//!
//! Secrets are shared by reference, so that a draft of the next generation copies no key; the last
//! reference wipes. `codec` is the only place that knows the stored message. Everything is kept in
//! canonical order (by id), so that one body has one encoding.

mod codec;
mod decoded;
mod place_codec;

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use chrono::NaiveDate;
use chrono_tz::Tz;

use crate::{
    clock::Timestamp,
    crypto::blind_index::IndexKey,
    ids::{AgentId, CohortId, CollectionName, PlaceId, SegmentId, SlotRef},
    keyring::{
        CohortInfo, CohortKey, KeyringError, LogState, PlaceAct, PlaceClass, RemovedPlace,
        Revocation, cover::Cover, hold::Holds,
    },
    limits::TOMBSTONE_DAYS,
    secret::Secret,
};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// A place as the keyring lists it; the first of the list is the primary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PlaceEntry {
    pub(crate) id: PlaceId,
    pub(crate) class: PlaceClass,
    pub(crate) stale: bool,
}

/// A cohort and its index keys: the last is written with, all are searched.
#[derive(Clone)]
pub(crate) struct Cohort {
    pub(crate) key: CohortKey,
    pub(crate) expires_at: Timestamp,
    pub(crate) index_keys: Vec<Arc<IndexKey>>,
}

/// A live segment.
#[derive(Clone)]
pub(crate) struct Segment {
    pub(crate) cohort: CohortId,
    pub(crate) cover: Arc<Cover>,
    pub(crate) held_only: bool,
}

/// What is left of a dropped segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tombstone {
    pub(crate) cohort: CohortId,
    pub(crate) key: CohortKey,
    pub(crate) generation: u64,
    pub(crate) dropped_at: Timestamp,
}

/// Everything in keyring.g.
#[derive(Clone)]
pub(crate) struct Body {
    pub(crate) places: Vec<PlaceEntry>,
    pub(crate) cohorts: BTreeMap<CohortId, Cohort>,
    pub(crate) segments: BTreeMap<SegmentId, Segment>,
    pub(crate) tombstones: BTreeMap<SegmentId, Tombstone>,
    pub(crate) holds: Holds,
    pub(crate) revocations: BTreeMap<AgentId, Revocation>,
    pub(crate) directory_key: Arc<Secret<32>>,
    pub(crate) log_seed: Arc<Secret<32>>,
    pub(crate) certificate_seed: Arc<Secret<32>>,
    pub(crate) watermarks: BTreeMap<(CollectionName, &'static str), NaiveDate>,
    pub(crate) log: LogState,
    pub(crate) pack_hash: [u8; 32],
    pub(crate) retention_part: Vec<u8>,
    pub(crate) previous_hash: [u8; 32],
    pub(crate) vault_name: String,
    pub(crate) node: String,
    pub(crate) founded_at: Option<Timestamp>,
    pub(crate) root_since: Option<Timestamp>,
    pub(crate) removed_places: Vec<RemovedPlace>,
    pub(crate) place_acts: Vec<PlaceAct>,
}

impl Body {
    /// Whether the slot can still be derived.
    pub(crate) fn reaches(&self, at: &SlotRef) -> bool {
        self.segments.get(&at.seg).is_some_and(|segment| segment.cover.reaches(at.index))
    }

    /// The cohort with this key, if the keyring holds one.
    pub(crate) fn find_cohort(&self, key: &CohortKey) -> Option<CohortId> {
        self.cohorts.iter().find(|(_, cohort)| cohort.key == *key).map(|(id, _)| *id)
    }

    pub(crate) fn cohort_info(&self, id: &CohortId) -> Option<CohortInfo> {
        let cohort = self.cohorts.get(id)?;
        Some(CohortInfo { id: *id, key: cohort.key.clone(), expires_at: cohort.expires_at })
    }

    /// The slots of a segment that holds keep, by index.
    pub(crate) fn held_in(&self, seg: &SegmentId) -> BTreeSet<u32> {
        self.holds.of_segment(seg).map(|slot| slot.index).collect()
    }

    /// Drops a segment, or reduces it to its held slots. Index keys go with the last segment that
    /// is not held-only, the cohort with its last segment.
    pub(crate) fn drop_segment(
        &mut self,
        seg: &SegmentId,
        generation: u64,
        now: Timestamp,
    ) -> Result<(), KeyringError> {
        let held = self.held_in(seg);
        let segment = self.segments.get_mut(seg).ok_or(KeyringError::UnknownSegment)?;
        let id = segment.cohort;
        let key = self.cohorts.get(&id).ok_or(KeyringError::UnknownSegment)?.key.clone();
        let kept = segment.cover.keep_only(&held);
        if held.iter().any(|index| kept.reaches(*index)) {
            segment.cover = Arc::new(kept);
            segment.held_only = true;
        } else {
            let stone = Tombstone { cohort: id, key, generation, dropped_at: now };
            self.segments.remove(seg);
            self.tombstones.insert(*seg, stone);
        }
        let mut left = self.segments.values().filter(|s| s.cohort == id).peekable();
        if left.peek().is_none() {
            self.cohorts.remove(&id);
        } else if left.all(|s| s.held_only)
            && let Some(cohort) = self.cohorts.get_mut(&id)
        {
            cohort.index_keys.clear();
        }
        Ok(())
    }

    /// Removes slots from their segments. Nothing changes unless all can go.
    pub(crate) fn puncture(&mut self, slots: &[SlotRef]) -> Result<(), KeyringError> {
        let mut by_segment: BTreeMap<SegmentId, BTreeSet<u32>> = BTreeMap::new();
        for slot in slots {
            by_segment.entry(slot.seg).or_default().insert(slot.index);
        }
        for (seg, indices) in &by_segment {
            if !self.segments.contains_key(seg) {
                return Err(KeyringError::UnknownSegment);
            }
            if !self.held_in(seg).is_disjoint(indices) {
                return Err(KeyringError::Held);
            }
        }
        for (seg, indices) in &by_segment {
            if let Some(segment) = self.segments.get_mut(seg) {
                segment.cover = Arc::new(segment.cover.puncture(indices));
            }
        }
        Ok(())
    }

    /// Folds tombstones older than `limits::TOMBSTONE_DAYS` into the watermark of their collection
    /// and zone: an unknown segment of a date at or below it counts as tombstoned.
    pub(crate) fn fold_tombstones(&mut self, now: Timestamp) {
        let limit = now.plus_millis(-TOMBSTONE_DAYS * DAY_MS);
        let watermarks = &mut self.watermarks;
        self.tombstones.retain(|_, stone| {
            // One that was dropped before its date (compacted) must not lift the watermark over dates of
            // which segments live.
            let date = Timestamp::start_of(stone.key.expires_on, stone.key.zone);
            if stone.dropped_at > limit || date.is_none_or(|date| date > now) {
                return true;
            }
            let key = (stone.key.collection.clone(), zone_name(stone.key.zone));
            let date = watermarks.entry(key).or_insert(stone.key.expires_on);
            *date = (*date).max(stone.key.expires_on);
            false
        });
    }

    /// Whether dropped segments of this cohort key may have been folded away.
    pub(crate) fn below_watermark(&self, key: &CohortKey) -> bool {
        self.watermarks
            .get(&(key.collection.clone(), zone_name(key.zone)))
            .is_some_and(|date| key.expires_on <= *date)
    }
}

/// The IANA name of a zone.
pub(crate) fn zone_name(zone: Tz) -> &'static str {
    zone.name()
}
