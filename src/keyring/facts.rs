//! What the keyring tells without IO: cohorts, segments, holds, tokens, macs, pins.
//!
//! No key leaves: tokens and macs are computed here, under the state's shared lock.

use std::sync::Arc;

use crate::{
    clock::Timestamp,
    crypto::{blind_index::Token, row_mac, signing::Signer},
    ids::{AgentId, CohortId, CollectionName, HoldId, RecordId, SegmentId, SlotRef},
    keyring::{
        CohortInfo, CohortKey, Hold, KeyAges, Keyring, LogState, PlaceAct, RemovedPlace,
        Revocation, SegmentInfo, SegmentState, body::Segment,
    },
};

impl Keyring {
    /// A live cohort by its id.
    #[must_use]
    pub fn cohort(&self, id: &CohortId) -> Option<CohortInfo> {
        self.state.read().body.cohort_info(id)
    }

    /// The live cohorts of a collection, in order of expiry instant.
    #[must_use]
    pub fn cohorts_of(&self, collection: &CollectionName) -> Vec<CohortInfo> {
        let state = self.state.read();
        let of_it = state.body.cohorts.iter().filter(|(_, c)| c.key.collection == *collection);
        let mut found: Vec<_> = of_it.filter_map(|(id, _)| state.body.cohort_info(id)).collect();
        found.sort_by_key(|cohort| (cohort.expires_at, cohort.id));
        found
    }

    /// What the keyring knows of a segment.
    #[must_use]
    pub fn segment(&self, id: &SegmentId) -> SegmentState {
        let state = self.state.read();
        if let Some(live) = state.body.segments.get(id) {
            return SegmentState::Live { cohort: live.cohort, held_only: live.held_only };
        }
        state.body.tombstones.get(id).map_or(SegmentState::Unknown, |stone| {
            SegmentState::Tombstoned { generation: stone.generation }
        })
    }

    /// All live segments, in order of expiry instant.
    #[must_use]
    pub fn segments(&self) -> Vec<SegmentInfo> {
        let state = self.state.read();
        let info = |(id, segment): (&SegmentId, &Segment)| {
            Some(SegmentInfo {
                id: *id,
                cohort: state.body.cohort_info(&segment.cohort)?,
                held_only: segment.held_only,
                untouched: segment.cover.is_whole(),
            })
        };
        let mut found: Vec<_> = state.body.segments.iter().filter_map(info).collect();
        found.sort_by_key(|segment| (segment.cohort.expires_at, segment.id));
        found
    }

    /// Whether segments of this cohort key count as tombstoned although their tombstones were
    /// folded away. A live segment is live whatever this says.
    #[must_use]
    pub fn below_watermark(&self, cohort: &CohortKey) -> bool {
        self.state.read().body.below_watermark(cohort)
    }

    /// The holds in force.
    #[must_use]
    pub fn holds(&self) -> Vec<Hold> {
        self.state.read().body.holds.iter().cloned().collect()
    }

    /// Whether a hold keeps this slot.
    #[must_use]
    pub fn is_held(&self, at: &SlotRef) -> bool {
        self.state.read().body.holds.of_slot(at).next().is_some()
    }

    /// Whether a hold names this record.
    #[must_use]
    pub fn is_record_held(&self, record: &RecordId) -> bool {
        self.state.read().body.holds.of_record(record).next().is_some()
    }

    /// One hold.
    #[must_use]
    pub fn hold(&self, id: &HoldId) -> Option<Hold> {
        self.state.read().body.holds.get(id).cloned()
    }

    /// When the last of the holds ends that name this record.
    #[must_use]
    pub fn held_until(&self, record: &RecordId) -> Option<Timestamp> {
        self.state.read().body.holds.of_record(record).map(|hold| hold.ends_at).max()
    }

    /// Ids of the cohort's index keys, the newest last; none for a cohort without, or an unknown one.
    #[must_use]
    pub fn index_key_ids(&self, cohort: &CohortId) -> Vec<u32> {
        let state = self.state.read();
        let keys = state.body.cohorts.get(cohort).map_or(&[][..], |c| c.index_keys.as_slice());
        keys.iter().map(|key| key.id()).collect()
    }

    /// Token under the cohort's newest index key, with that key's id; `None` without a live key.
    #[must_use]
    pub fn write_token(
        &self,
        cohort: &CohortId,
        collection: &CollectionName,
        field: &str,
        value: &[u8],
    ) -> Option<(u32, Token)> {
        let state = self.state.read();
        let key = state.body.cohorts.get(cohort)?.index_keys.last()?;
        Some((key.id(), key.token(collection, field, value)))
    }

    /// Tokens under every live index key of the cohort.
    #[must_use]
    pub fn search_tokens(
        &self,
        cohort: &CohortId,
        collection: &CollectionName,
        field: &str,
        value: &[u8],
    ) -> Vec<(u32, Token)> {
        let state = self.state.read();
        let keys = state.body.cohorts.get(cohort).map_or(&[][..], |c| c.index_keys.as_slice());
        keys.iter().map(|key| (key.id(), key.token(collection, field, value))).collect()
    }

    /// Fingerprints of an idempotent request under every live index key of the cohort, the newest
    /// first: write the first, compare with all.
    #[must_use]
    pub fn request_fingerprints(&self, cohort: &CohortId, request: &[u8]) -> Vec<[u8; 32]> {
        let state = self.state.read();
        let keys = state.body.cohorts.get(cohort).map_or(&[][..], |c| c.index_keys.as_slice());
        keys.iter().rev().map(|key| key.fingerprint(request)).collect()
    }

    /// HMAC-SHA-256(directory key, "oubliette/v1/row" ‖ u16 len ‖ row key ‖ row bytes).
    #[must_use]
    pub fn row_mac(&self, row_key: &[u8], row: &[u8]) -> [u8; 32] {
        row_mac::derive_mac(&self.state.read().body.directory_key, row_key, row)
    }

    /// mac32 ‖ row bytes.
    #[must_use]
    pub fn mac_row(&self, row_key: &[u8], row: &[u8]) -> Vec<u8> {
        [self.row_mac(row_key, row).as_slice(), row].concat()
    }

    /// The row bytes if the mac holds (constant time).
    #[must_use]
    pub fn check_row<'a>(&self, row_key: &[u8], value: &'a [u8]) -> Option<&'a [u8]> {
        row_mac::check(&self.state.read().body.directory_key, row_key, value)
    }

    /// What the keyring remembers of an agent's directory row.
    #[must_use]
    pub fn revocation(&self, agent: &AgentId) -> Option<Revocation> {
        self.state.read().body.revocations.get(agent).copied()
    }

    /// Signs checkpoints.
    #[must_use]
    pub fn log_signer(&self) -> Arc<Signer> {
        Arc::clone(&self.log_signer)
    }

    /// Signs certificates.
    #[must_use]
    pub fn certificate_signer(&self) -> Arc<Signer> {
        Arc::clone(&self.certificate_signer)
    }

    /// The log's floor in the current generation.
    #[must_use]
    pub fn log_state(&self) -> LogState {
        self.state.read().body.log
    }

    /// The pinned pack hash, and the canonical retention part as bytes.
    #[must_use]
    pub fn pinned_pack(&self) -> ([u8; 32], Vec<u8>) {
        let state = self.state.read();
        (state.body.pack_hash, state.body.retention_part.clone())
    }

    /// Since when the keys are what they are.
    #[must_use]
    pub fn key_ages(&self) -> KeyAges {
        let body = &self.state.read().body;
        KeyAges {
            founded: body.founded_at,
            root: body.root_since,
            generation: body.log.clock_floor,
        }
    }

    /// Places that were taken off the list, in the order of their removal.
    #[must_use]
    pub fn removed_places(&self) -> Vec<RemovedPlace> {
        self.state.read().body.removed_places.clone()
    }

    /// What was done to the list of places while no vault ran, and the log does not tell yet.
    #[must_use]
    pub fn place_acts(&self) -> Vec<PlaceAct> {
        self.state.read().body.place_acts.clone()
    }
}
