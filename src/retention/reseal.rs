//! Records that moved to other slots: the slots they left are erased, and a hold follows its record.
//!
//! Which record moves and how it is sealed is the vault's (`vault::reseal`). What its commit leaves behind
//! is row 'p', an `EraseRun` whose intent is the very event that moved the record; every generation that
//! erases takes it up (`erase::moved`), the first one of a start too. A segment that all records moved out
//! of is dropped here. It must not believe a row: slots are those that the intent names, and a head is
//! opened before a hold follows it. Invariant: a hold leaves a slot only where the verified head of its
//! record says that it was left, and keeps every slot that it lists.

use std::collections::BTreeSet;

use prost::Message as _;

use super::{Retention, RetentionError, certificate, context::Context, erase};
use crate::{
    audit::{AuditLog, EventDraft},
    clock::Timestamp,
    crypto::section::{self, SectionAddress},
    ids::{CertificateId, ClassName, CohortId, RecordId, SegmentId, SlotRef},
    keyring::{Draft, Keyring, SegmentState},
    policy::Pack,
    storage::{Group, Op, Store, keys},
    wire::store::{Head, RecordRow},
};

/// The reserved class of the head.
const HEAD: &str = "_head";

/// What the commit that moves a record writes, so that the slots it left are erased.
pub struct Left {
    /// The certificate that will say so.
    pub certificate: CertificateId,
    /// By which the event is known as the intent.
    pub notes: Vec<String>,
    /// The row.
    pub row: Op,
}

/// What became of a segment that everything moved out of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dropped {
    /// This generation is without it.
    By(u64),
    /// It was gone already.
    Gone,
    /// A hold keeps slots of it: it was left alone.
    Held,
}

/// Where a record is, and where it was.
struct Present {
    listed: BTreeSet<SlotRef>,
    former: BTreeSet<SlotRef>,
}

impl Retention {
    /// What must be written with the move of this record, whose event has this action and names the slots
    /// of `left`.
    ///
    /// # Errors
    /// [`RetentionError::Tampered`] for ids that do not encode, which ours do.
    pub fn leave(
        &self,
        pack: &Pack,
        action: &'static str,
        left: &erase::Doomed,
    ) -> Result<Left, RetentionError> {
        erase::leave(&Context { log: &self.log, pack_hash: pack.hash(), by: None }, action, left)
    }

    /// Erases the slots that moved records left, this certificate's among them, in one generation with
    /// whatever waits; the generation that did it. Blocks.
    ///
    /// # Errors
    /// As [`Retention::erase`]; what is not erased stays pending, and readable under its old slots.
    pub fn erase_left(
        &self,
        pack: &Pack,
        certificate: CertificateId,
    ) -> Result<u64, RetentionError> {
        let store = self.log.store().as_ref();
        if store.get(&keys::certificate(&certificate, 1))?.is_none() {
            self.erase(pack, nothing())?;
        }
        // Not there: its intent does not open, and for a row alone nothing is erased.
        certificate::generation(store, certificate)
    }

    /// The same for all that is pending, if anything is. Blocks.
    ///
    /// # Errors
    /// As [`Retention::erase`].
    pub fn erase_all_left(&self, pack: &Pack) -> Result<(), RetentionError> {
        let cx = Context { log: &self.log, pack_hash: pack.hash(), by: None };
        if erase::has_left(&cx)? {
            self.erase(pack, nothing())?;
        }
        Ok(())
    }

    /// Erases in this draft, the first of a run, what a crash kept from being erased; holds follow their
    /// records. Blocks.
    ///
    /// # Errors
    /// Reading storage and the log; the keyring's.
    pub fn erase_pending(
        &self,
        pack_hash: [u8; 32],
        draft: &mut Draft,
    ) -> Result<(), RetentionError> {
        carry_holds(&self.log, draft)?;
        let cx = Context { log: &self.log, pack_hash, by: None };
        let mut slots = erase::pending_slots(&cx)?;
        slots.retain(|slot| draft.slot_lives(slot) && !draft.is_held(slot));
        Ok(draft.puncture(&slots)?)
    }

    /// Drops a segment that every record moved out of, in a generation of its own. Nothing may be written
    /// under it any more, or what was would be lost. Blocks.
    ///
    /// # Errors
    /// Reading storage; the keyring's and the log's.
    pub fn drop_left(&self, seg: &SegmentId) -> Result<Dropped, RetentionError> {
        // 1. The generation's turn; every place answers; holds follow. A crash here leaves nothing.
        let mut draft = self.log.keyring().draft();
        if !matches!(self.log.keyring().segment(seg), SegmentState::Live { .. }) {
            return Ok(Dropped::Gone);
        }
        draft.ready_to_erase(self.log.random().as_ref())?;
        carry_holds(&self.log, &mut draft)?;
        if draft.holds_any_of(seg) {
            return Ok(Dropped::Held);
        }
        // What records left that moved before goes along, as in every erasing generation.
        let cx =
            Context { log: &self.log, pack_hash: self.log.keyring().pinned_pack().0, by: None };
        let mut left = erase::erasable(&cx, &draft)?;
        erase::note_left(&cx, &mut left)?;
        for one in &left {
            draft.puncture(&one.slots)?;
        }
        // 2. Intent durable: keys go on the word of the rows alone, so the log says so before. A crash
        //    leaves an intent without an effect.
        let mut event = EventDraft::new("compact-drop");
        "STARTED".clone_into(&mut event.outcome);
        event.notes = vec![format!("segment={seg}"), format!("generation={}", draft.generation())];
        let sealed = self.log.seal(&event)?;
        let _receipt = self.log.commit_blocking(Group::default(), &[], Some(sealed))?;
        // The generation without it. A crash before the commit point leaves it as it was; after it,
        // opening the keyring finishes the scrub.
        draft.drop_segment(seg, self.log.clock().now())?;
        let unpublished = draft.write(self.log.state(), self.log.random().as_ref())?;
        let generation = unpublished.generation();
        // 3. The generation's leaf. A crash before leaves it to the next start.
        self.log.publish(unpublished)?;
        erase::finish_left(&cx, left)?;
        Ok(Dropped::By(generation))
    }
}

/// A request that names no record: it is answered once all that was left before it is erased.
fn nothing() -> erase::EraseRequest {
    erase::EraseRequest {
        event: EventDraft::new(erase::RESEALED),
        doomed: Vec::new(),
        remember: Box::new(|_, _| Some(Vec::new())),
    }
}

/// Puts every hold, in this draft, on the slots that its record has now, and takes it off those that the
/// record left. Called in every generation that may erase, under its turn.
///
/// # Errors
/// Reading storage; the keyring's.
pub(super) fn carry_holds(log: &AuditLog, draft: &mut Draft) -> Result<(), RetentionError> {
    let keyring = log.keyring();
    for hold in keyring.holds() {
        let Some(present) = present(log.store().as_ref(), keyring, &hold.record)? else { continue };
        let held: BTreeSet<SlotRef> = hold.slots.iter().copied().collect();
        let kept = held.difference(&present.former).filter(|slot| draft.slot_lives(slot));
        // What was past its own date when the hold was placed is not brought back by it.
        let in_time = |slot: &&SlotRef| in_time(keyring, slot, hold.placed_at);
        let new = present.listed.iter().filter(|slot| held.contains(slot) || in_time(slot));
        let slots: BTreeSet<SlotRef> = kept.chain(new).copied().collect();
        if slots != held && !slots.is_empty() {
            let slots: Vec<SlotRef> = slots.into_iter().collect();
            draft.move_hold(&hold.id, &slots)?;
        }
    }
    Ok(())
}

/// Whether the date of this slot's cohort has not come.
pub(super) fn in_time(keyring: &Keyring, slot: &SlotRef, now: Timestamp) -> bool {
    let SegmentState::Live { cohort, .. } = keyring.segment(&slot.seg) else { return false };
    keyring.cohort(&cohort).is_some_and(|cohort| now < cohort.expires_at)
}

/// Where the verified head of a record says it is, as far as it lives. `None` where it does not open: then
/// nothing follows it.
fn present(
    store: &dyn Store,
    keyring: &Keyring,
    record: &RecordId,
) -> Result<Option<Present>, RetentionError> {
    let Some(bytes) = store.get(&keys::record(record))? else { return Ok(None) };
    let Some((slot, head)) = open_head(keyring, record, &bytes) else { return Ok(None) };
    let section = |at: &crate::wire::store::SectionRef| {
        Some(SlotRef { seg: SegmentId::from_slice(&at.seg_id).ok()?, index: at.index })
    };
    let mut listed: BTreeSet<SlotRef> = head.sections.iter().filter_map(section).collect();
    listed.retain(|slot| keyring.slot_lives(slot));
    listed.insert(slot);
    let former = head.former_slots.iter().filter_map(|slot| {
        let (seg, index) = slot.split_at_checked(16)?;
        let index = u32::from_be_bytes(index.try_into().ok()?);
        Some(SlotRef { seg: SegmentId::from_slice(seg).ok()?, index })
    });
    let former = former.filter(|slot| !listed.contains(slot)).collect();
    Ok(Some(Present { listed, former }))
}

fn open_head(keyring: &Keyring, record: &RecordId, bytes: &[u8]) -> Option<(SlotRef, Head)> {
    let row = RecordRow::decode(bytes).ok()?;
    let slot = SlotRef { seg: SegmentId::from_slice(&row.seg_id).ok()?, index: row.index };
    let cohort = keyring.cohort(&CohortId::from_slice(&row.cohort_id).ok()?)?;
    let secret = keyring.derive_slot(&slot).ok()?;
    let class = ClassName::parse(HEAD).ok()?;
    let address = SectionAddress {
        vault: keyring.vault(),
        slot,
        collection: &cohort.key.collection,
        record: *record,
        class: &class,
        version: row.head_version,
    };
    let plain = section::open(&secret, &address, &row.head_section).ok()?;
    // EXPOSE: decoded for the slots it lists; shown to nobody.
    Some((slot, Head::decode(plain.expose()).ok()?))
}
