//! What the sweep asks of the keyring: can this slot, segment or cohort still be reached?
//!
//! A trait, so that the sweep is tested against a keyring that is plain data. It hands out no key.

use crate::{
    ids::{CohortId, RecordId, SegmentId, SlotRef},
    keyring::{CohortKey, Keyring, SegmentState},
};

/// Name of the reserved collection of audit events.
pub(super) const AUDIT: &str = "_audit";

/// What the keyring says of a cohort id found in a row key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CohortState {
    /// Held by the keyring; `audit` for a cohort of audit events, `searchable` while it has an index
    /// key (a cohort kept for held slots alone has none).
    Live { audit: bool, searchable: bool },
    /// No longer held: its segments say whether it was dropped.
    Absent,
}

/// The keyring as the sweep sees it.
pub(super) trait Reach {
    /// Whether the cover of this slot's segment still reaches it.
    fn slot_lives(&self, at: &SlotRef) -> bool;
    /// What the keyring knows of a segment.
    fn segment(&self, id: &SegmentId) -> SegmentState;
    /// Whether the keyring still holds this cohort.
    fn cohort(&self, id: &CohortId) -> CohortState;
    /// Whether a hold names this record.
    fn is_held(&self, id: &RecordId) -> bool;
    /// Whether tombstones of this cohort may have folded into the watermark.
    fn below_watermark(&self, cohort: &CohortKey) -> bool;
    /// mac32 ‖ row bytes.
    fn mac_row(&self, key: &[u8], row: &[u8]) -> Vec<u8>;
    /// The row bytes if the mac holds.
    fn check_row<'a>(&self, key: &[u8], value: &'a [u8]) -> Option<&'a [u8]>;
}

impl Reach for Keyring {
    fn slot_lives(&self, at: &SlotRef) -> bool {
        Self::slot_lives(self, at)
    }

    fn segment(&self, id: &SegmentId) -> SegmentState {
        Self::segment(self, id)
    }

    fn cohort(&self, id: &CohortId) -> CohortState {
        match Self::cohort(self, id) {
            Some(info) => CohortState::Live {
                audit: info.key.collection.as_str() == AUDIT,
                searchable: self.write_token(id, &info.key.collection, "", b"").is_some(),
            },
            None => CohortState::Absent,
        }
    }

    fn is_held(&self, id: &RecordId) -> bool {
        self.is_record_held(id)
    }

    fn below_watermark(&self, cohort: &CohortKey) -> bool {
        Self::below_watermark(self, cohort)
    }

    fn mac_row(&self, key: &[u8], row: &[u8]) -> Vec<u8> {
        Self::mac_row(self, key, row)
    }

    fn check_row<'a>(&self, key: &[u8], value: &'a [u8]) -> Option<&'a [u8]> {
        Self::check_row(self, key, value)
    }
}
