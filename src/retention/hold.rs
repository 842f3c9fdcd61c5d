//! Holds: the order of placing one, and of releasing them.
//!
//! Who may and for which records is decided above; the hold itself lives in the keyring, where no purge
//! and no erasure passes it. Placing takes the turn that an erasure takes, so of the two one comes first.
//! Releasing is a purge whose generation takes the holds away: what they alone kept past its date goes
//! in the same one. It must never report a hold before the generation that has it is durable.

use super::{Doomed, Retention, RetentionError, report::PurgeReport, reseal::in_time};
use crate::{
    audit::EventDraft,
    identity::Caller,
    ids::{HoldId, RecordId, SlotRef},
    keyring::{Hold, KeyringError},
    policy::Pack,
    storage::{Group, keys},
};

/// What is to be held, all or nothing.
pub struct HoldOrder {
    /// Who asks; names the records, the approval and the holds.
    pub event: EventDraft,
    /// The records as they were read, with every slot.
    pub records: Vec<Doomed>,
    /// One hold per record, in the same order; their slots are filled in here.
    pub holds: Vec<Hold>,
    /// What uses the approval up, in the commit of the intent.
    pub approval: Group,
}

/// What became of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placing {
    /// The holds are in force.
    Placed,
    /// A record was changed or erased since it was read; nothing was done.
    Changed,
}

/// What a release did.
#[derive(Debug)]
pub struct Released {
    /// Records whose keys went because their date had passed.
    pub erased: usize,
    /// The purge that did it.
    pub report: PurgeReport,
}

impl Retention {
    /// Puts holds in force. Blocks.
    ///
    /// # Errors
    /// [`KeyringError::HoldRefused`] beyond `limits::HOLDS_MAX`; [`crate::audit::AuditError::Rejected`]
    /// for an approval that was used meanwhile. Then nothing is in force.
    pub fn place_holds(&self, order: HoldOrder) -> Result<Placing, RetentionError> {
        let (log, keyring) = (&self.log, self.log.keyring());
        // 1. The generation's turn, which erasures take too; every record as it was read; room for the
        //    holds. A crash here leaves nothing.
        let mut draft = keyring.draft();
        for one in &order.records {
            if log.store().get(&keys::record(&one.record))?.as_deref() != Some(one.row.as_slice()) {
                return Ok(Placing::Changed);
            }
        }
        let now = log.civil_now();
        for (hold, one) in order.holds.into_iter().zip(&order.records) {
            if !one.slots.first().is_some_and(|head| draft.slot_lives(head)) {
                return Ok(Placing::Changed);
            }
            // A class whose own, shorter period has ended stays as gone as it was.
            let keeps = |slot: &&SlotRef| draft.slot_lives(slot) && in_time(keyring, slot, now);
            let slots = one.slots.iter().filter(keeps).copied().collect();
            match draft.place_hold(Hold { slots, ..hold }) {
                Err(KeyringError::SlotGone) => return Ok(Placing::Changed),
                placed => placed?,
            }
        }
        // 2. Intent durable, with the approval used up in the same commit. A crash leaves an intent without
        //    effect, and an approval that is spent.
        let mut intent = order.event.clone();
        "STARTED".clone_into(&mut intent.outcome);
        intent.notes.push(format!("generation={}", draft.generation()));
        let _receipt = log.commit_blocking(order.approval, &[], Some(log.seal(&intent)?))?;
        // 3. One generation with the holds, at every place. A crash before its commit point leaves none of
        //    them, after it all.
        let unpublished = draft.write(log.state(), log.random().as_ref())?;
        // 4. Generation leaf durable. A crash before leaves it to the next opening of the log.
        log.publish(unpublished)?;
        // 5. The event that reports it. A crash before leaves the intent and the generation, which say the
        //    same.
        let mut done = order.event;
        "OK".clone_into(&mut done.outcome);
        let _receipt = log.commit_blocking(Group::default(), &[], Some(log.seal(&done)?))?;
        Ok(Placing::Placed)
    }

    /// Ends holds before their end, and erases what they alone kept past its date, with everything else
    /// that is due. Blocks.
    ///
    /// # Errors
    /// [`RetentionError::NoHold`] if one of them is not in force, then none ends;
    /// [`RetentionError::ClockTripped`], [`RetentionError::PlaceDown`]: they still hold; others as
    /// [`Retention::run`].
    pub fn release_holds(
        &self,
        pack: &Pack,
        by: &Caller,
        ids: &[HoldId],
    ) -> Result<Released, RetentionError> {
        let keyring = self.log.keyring();
        let found = ids.iter().map(|id| keyring.hold(id).ok_or(RetentionError::NoHold));
        let holds = found.collect::<Result<Vec<Hold>, _>>()?;
        let mut report = self.run_under(pack.hash(), Some(by), ids)?;
        let in_force = || ids.iter().any(|id| keyring.hold(id).is_some());
        // A run that a crash had cut was taken up instead: this one comes after it.
        if in_force() && report.skipped.is_none() {
            report = self.run_under(pack.hash(), Some(by), ids)?;
        }
        if in_force() {
            let tripped = self.log.clock_tripped();
            return Err(if tripped {
                RetentionError::ClockTripped
            } else {
                RetentionError::PlaceDown
            });
        }
        let gone = |hold: &&Hold| hold.slots.iter().all(|slot| !keyring.slot_lives(slot));
        let mut erased: Vec<RecordId> = holds.iter().filter(gone).map(|hold| hold.record).collect();
        erased.sort_unstable();
        erased.dedup();
        Ok(Released { erased: erased.len(), report })
    }

    /// The holds in force, the oldest first.
    #[must_use]
    pub fn holds(&self) -> Vec<Hold> {
        let mut holds = self.log.keyring().holds();
        holds.sort_by_key(|hold| (hold.placed_at, hold.id));
        holds
    }
}
