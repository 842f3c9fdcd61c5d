//! Plain facts the keyring tells: no keys, nothing personal.

use chrono::NaiveDate;
use chrono_tz::Tz;

use crate::{
    clock::Timestamp,
    ids::{CohortId, CollectionName, PlaceId, SegmentId},
};

/// What makes a cohort one: records of a collection that expire on one date in one zone.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CohortKey {
    /// The collection.
    pub collection: CollectionName,
    /// The day at whose 00:00 local its records must be unreadable.
    pub expires_on: NaiveDate,
    /// The zone of that midnight.
    pub zone: Tz,
}

/// A live cohort.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CohortInfo {
    /// Its random id.
    pub id: CohortId,
    /// What makes it one.
    pub key: CohortKey,
    /// The expiry instant, fixed when the cohort was opened.
    pub expires_at: Timestamp,
}

/// State of a segment as the keyring knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SegmentState {
    /// It has keys.
    Live {
        /// Its cohort.
        cohort: CohortId,
        /// Only slots under a hold are left of it.
        held_only: bool,
    },
    /// It was dropped.
    Tombstoned {
        /// By this generation.
        generation: u64,
    },
    /// Neither: corruption, unless [`crate::keyring::Keyring::below_watermark`] covers it.
    Unknown,
}

/// A live segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentInfo {
    /// Its random id.
    pub id: SegmentId,
    /// Its cohort.
    pub cohort: CohortInfo,
    /// Only slots under a hold are left of it.
    pub held_only: bool,
    /// No slot of it was ever erased.
    pub untouched: bool,
}

/// The log's floor as the keyring carries it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogState {
    /// Number of the log's origin.
    pub k: u32,
    /// Leaves of that origin's tree.
    pub size: u64,
    /// Its root at that size.
    pub root: [u8; 32],
    /// The clock guard's reference when the generation was written.
    pub clock_floor: Timestamp,
}

/// What the keyring remembers of an agent whose directory row must not be replayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revocation {
    /// Directory rows of a lower revision are refused.
    pub min_revision: u64,
    /// No row of this agent is accepted at all.
    pub revoked: bool,
}

/// What a place can prove about erasure; lower is weaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PlaceClass {
    /// A file: old blocks may physically survive.
    L0,
    /// In place on a raw magnetic disk.
    L1,
    /// A TPM's non-volatile memory.
    L2,
    /// A key service in another administrative domain.
    L3,
}

impl PlaceClass {
    pub(crate) fn number(self) -> u32 {
        match self {
            Self::L0 => 0,
            Self::L1 => 1,
            Self::L2 => 2,
            Self::L3 => 3,
        }
    }

    pub(crate) fn from_number(number: u32) -> Option<Self> {
        [Self::L0, Self::L1, Self::L2, Self::L3].into_iter().find(|class| class.number() == number)
    }
}

/// A configured place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceStatus {
    /// Its random id.
    pub id: PlaceId,
    /// The lower of configured and detected class.
    pub class: PlaceClass,
    /// It missed a generation, or does not take part in this run: no disaster copy until adopted.
    pub stale: bool,
    /// The folder, or why it has none.
    pub describe: String,
}

/// A place that was taken off the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemovedPlace {
    /// Its random id, never used again.
    pub id: PlaceId,
    /// What it could prove.
    pub class: PlaceClass,
    /// The first generation without it.
    pub generation: u64,
    /// It answered and was scrubbed; otherwise it may still open an older generation.
    pub scrubbed: bool,
}

/// What was done to the list of places while no vault ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlaceChange {
    /// A new follower.
    Added,
    /// Made the primary.
    Promoted,
    /// Taken off the list.
    Removed,
}

impl PlaceChange {
    pub(crate) fn number(self) -> u32 {
        match self {
            Self::Added => 1,
            Self::Promoted => 2,
            Self::Removed => 3,
        }
    }

    pub(crate) fn from_number(number: u32) -> Option<Self> {
        let all = [Self::Added, Self::Promoted, Self::Removed];
        all.into_iter().find(|change| change.number() == number)
    }
}

/// A change of the list of places that the log does not tell yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlaceAct {
    /// What was done.
    pub change: PlaceChange,
    /// To which place.
    pub place: PlaceId,
    /// By which generation.
    pub generation: u64,
    /// When, by the clock of the machine.
    pub at: Timestamp,
    /// SHA-256 of the keyring file of the generation before; zeros where it is not known.
    pub previous_hash: [u8; 32],
}

/// Since when keys are what they are; `None` where it is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyAges {
    /// The keys made with the vault: log, certificates, directory.
    pub founded: Option<Timestamp>,
    /// The root key.
    pub root: Option<Timestamp>,
    /// The generation key.
    pub generation: Timestamp,
}
