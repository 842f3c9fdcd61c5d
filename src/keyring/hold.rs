//! Holds: slots that no purge and no erasure may remove until they are released.
//!
//! A hold names records, never a query; who may place one and until when is decided above. A draft
//! that would erase a held slot is refused, and a dropped segment keeps its held slots (`body`).

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use crate::{
    clock::Timestamp,
    ids::{AgentId, HoldId, RecordId, SegmentId, SlotRef},
};

/// A hold as the keyring stores it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Its random id.
    pub id: HoldId,
    /// The record it keeps.
    pub record: RecordId,
    /// Every slot of that record, head and sections; sorted, at least one.
    pub slots: Vec<SlotRef>,
    /// Who ordered it.
    pub authority: String,
    /// Why.
    pub reason: String,
    /// Last day of the hold.
    pub ends_on: NaiveDate,
    /// The instant at which it no longer holds: the midnight after its last day.
    pub ends_at: Timestamp,
    /// Who approved it.
    pub approver: AgentId,
    /// When it was placed.
    pub placed_at: Timestamp,
}

/// The holds in force, and by what they keep. Invariant: the two views say the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Holds {
    by_id: BTreeMap<HoldId, Hold>,
    /// Slot and hold: several may keep one slot.
    by_slot: BTreeSet<(SlotRef, HoldId)>,
    by_record: BTreeSet<(RecordId, HoldId)>,
}

impl Holds {
    /// In order of their ids.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Hold> {
        self.by_id.values()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(crate) fn get(&self, id: &HoldId) -> Option<&Hold> {
        self.by_id.get(id)
    }

    /// Puts a hold in force, in place of one of the same id.
    pub(crate) fn insert(&mut self, hold: Hold) {
        self.remove(&hold.id);
        self.by_slot.extend(hold.slots.iter().map(|slot| (*slot, hold.id)));
        self.by_record.insert((hold.record, hold.id));
        self.by_id.insert(hold.id, hold);
    }

    /// Takes a hold away.
    pub(crate) fn remove(&mut self, id: &HoldId) -> Option<Hold> {
        let hold = self.by_id.remove(id)?;
        for slot in &hold.slots {
            self.by_slot.remove(&(*slot, *id));
        }
        self.by_record.remove(&(hold.record, *id));
        Some(hold)
    }

    /// The slots of a segment that are kept, in order; one that several keep comes as often.
    pub(crate) fn of_segment(&self, seg: &SegmentId) -> impl Iterator<Item = SlotRef> {
        let from = SlotRef { seg: *seg, index: 0 };
        let seg = *seg;
        let slots = self.by_slot.range((from, HoldId::from_bytes([0; 16]))..);
        slots.map(|(slot, _)| *slot).take_while(move |slot| slot.seg == seg)
    }

    /// The holds that name a record.
    pub(crate) fn of_record(&self, record: &RecordId) -> impl Iterator<Item = &Hold> {
        let record = *record;
        let found = self.by_record.range((record, HoldId::from_bytes([0; 16]))..);
        found.take_while(move |(of, _)| *of == record).filter_map(|(_, id)| self.by_id.get(id))
    }

    /// The holds that keep a slot.
    pub(crate) fn of_slot(&self, at: &SlotRef) -> impl Iterator<Item = &Hold> {
        let at = *at;
        let found = self.by_slot.range((at, HoldId::from_bytes([0; 16]))..);
        found.take_while(move |(slot, _)| *slot == at).filter_map(|(_, id)| self.by_id.get(id))
    }
}

impl FromIterator<Hold> for Holds {
    fn from_iter<I: IntoIterator<Item = Hold>>(holds: I) -> Self {
        let mut all = Self::default();
        holds.into_iter().for_each(|hold| all.insert(hold));
        all
    }
}
