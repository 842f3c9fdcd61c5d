//! Re-seal: a record moves to other slots, so that the ones it leaves can be erased.
//!
//! One function, [`Moves::rows`], seals what moves; three callers say what moves and where: `compact`
//! (out of a segment), an update that has the former version forgotten (`forget`), and `shorten` (to an
//! earlier date). Values pass through `disclose` alone. The order is the callers'; what they share:
//! 1. slots of open segments; a crash burns them, nothing else;
//! 2. one commit: the record under its new slots, and the slots it left, in its own head and where a start
//!    looks for them; a crash leaves both readable, and the next start goes on;
//! 3. the slots it left are erased (`retention`).
//!
//! Invariants: every section that moves has a fresh salt and its version + 1, and the head with them; the
//! verified head lists every slot that its record left and that may still live; the commit is made while
//! no generation is written, so that a hold and the slots it keeps are never apart in one; nothing moves
//! to a later date.

pub(super) mod compact;
pub(super) mod forget;
pub(super) mod shorten;

use chrono::NaiveDate;
use prost::Message as _;

use crate::{
    audit::AuditLog,
    clock::Timestamp,
    ids::{CohortId, RecordId, SegmentId, SlotRef},
    keyring::{CohortInfo, CohortKey, Keyring},
    policy::Pack,
    retention::Doomed,
    storage::{Op, Precondition, keys},
    wire::store::RequestRow,
};

use super::{VaultError, disclose, head::Loaded, tokens::Tokens};

/// The action of events about records that moved.
pub(super) const RESEAL: &str = "reseal";

/// Which slots a record leaves.
#[derive(Clone, Copy)]
pub(super) enum Leaving<'a> {
    /// All of them.
    All,
    /// Those of this segment.
    Segment(&'a SegmentId),
    /// Those that would live longer than this date.
    Later(NaiveDate),
}

/// One slot that a record leaves, and the one that takes its place.
struct Move {
    from: SlotRef,
    to: SlotRef,
    cohort: CohortInfo,
}

/// The slots that a record leaves, with those that take their place.
pub(super) struct Moves(Vec<Move>);

/// Everything that one record's move writes, besides its event.
pub(super) struct Resealed {
    pub(super) ops: Vec<Op>,
    /// The record row as it was read.
    pub(super) unchanged: Precondition,
    pub(super) slots: Vec<(SlotRef, CohortInfo)>,
}

/// The slots a record leaves, each with the cohort it moves to; what is past its own date stays, for its
/// cohort goes as a whole.
pub(super) fn leaving(
    record: &Loaded,
    leaving: Leaving<'_>,
    keyring: &Keyring,
    now: Timestamp,
) -> Vec<(SlotRef, CohortKey)> {
    let mut found: Vec<(SlotRef, CohortKey)> = Vec::new();
    let mut add = |slot: &SlotRef, cohort: &CohortInfo| {
        let key = match leaving {
            Leaving::All => Some(cohort.key.clone()),
            Leaving::Segment(seg) => (slot.seg == *seg).then(|| cohort.key.clone()),
            Leaving::Later(date) => (cohort.key.expires_on > date)
                .then(|| CohortKey { expires_on: date, ..cohort.key.clone() }),
        };
        let lives = now < cohort.expires_at && keyring.slot_lives(slot);
        if let Some(key) = key.filter(|_| lives && found.iter().all(|(known, _)| known != slot)) {
            found.push((*slot, key));
        }
    };
    add(&record.slot, &record.cohort);
    for at in &record.head.sections {
        if let Some(cohort) = keyring.cohort(&at.cohort) {
            add(&at.slot, &cohort);
        }
    }
    found
}

/// What the record leaves, for the run that erases it.
fn doomed(record: &Loaded, moves: &Moves) -> Doomed {
    let mut cohorts = vec![record.cohort.id];
    for at in &record.head.sections {
        if !cohorts.contains(&at.cohort) {
            cohorts.push(at.cohort);
        }
    }
    // And what an unfinished compaction had it leave before: that opens the former version, too.
    let mut slots = moves.left();
    slots.extend(
        record.head.former.iter().filter(|slot| !slots.contains(slot)).copied().collect::<Vec<_>>(),
    );
    let row = record.row.clone();
    Doomed { record: record.id, cohorts, slots, former: Vec::new(), row }
}

impl Moves {
    /// Nothing moves.
    pub(super) fn none() -> Self {
        Self(Vec::new())
    }

    /// A fresh slot for each that is left.
    ///
    /// Errors: `KeyringError::NoSegment` if a cohort has no open segment.
    pub(super) fn of(
        keyring: &Keyring,
        leaving: Vec<(SlotRef, CohortKey)>,
    ) -> Result<Self, VaultError> {
        let mut moves = Vec::with_capacity(leaving.len());
        for (from, key) in leaving {
            let slot = keyring.hand_out(&key)?;
            moves.push(Move { from, to: slot.at, cohort: slot.cohort });
        }
        Ok(Self(moves))
    }

    /// Where what was sealed under a slot moves to.
    pub(super) fn to(&self, from: &SlotRef) -> Option<(SlotRef, &CohortInfo)> {
        self.0.iter().find(|one| one.from == *from).map(|one| (one.to, &one.cohort))
    }

    /// The slots that are left.
    pub(super) fn left(&self) -> Vec<SlotRef> {
        self.0.iter().map(|one| one.from).collect()
    }

    /// The slots moved to.
    pub(super) fn slots(&self) -> Vec<(SlotRef, CohortInfo)> {
        self.0.iter().map(|one| (one.to, one.cohort.clone())).collect()
    }

    /// Notes in the head what the record leaves, and puts the head under its new slot.
    pub(super) fn head(&self, record: &mut Loaded, keyring: &Keyring) {
        record.head.former.extend(self.left());
        record.head.former.retain(|slot| keyring.slot_lives(slot));
        record.head.former.sort_unstable();
        record.head.former.dedup();
        if let Some((slot, cohort)) = self.to(&record.slot) {
            record.slot = slot;
            record.cohort = cohort.clone();
            record.head.expires_on = cohort.key.expires_on;
        }
    }

    /// Seals the sections that move and that are not `done` yet; their rows.
    pub(super) fn sections(
        &self,
        log: &AuditLog,
        pack: &Pack,
        record: &mut Loaded,
        done: &dyn Fn(&crate::ids::ClassName) -> bool,
    ) -> Result<Sections, VaultError> {
        let (keyring, random) = (log.keyring(), log.random().as_ref());
        let mut rows = Sections::default();
        for position in 0..record.head.sections.len() {
            let Some(at) = record.head.sections.get(position).cloned() else { continue };
            let Some((slot, cohort)) = self.to(&at.slot) else { continue };
            if done(&at.class) {
                continue;
            }
            let to = (&slot, &cohort.id);
            let sealed = disclose::reseal(pack, record, &at.class, to, (keyring, random))?;
            if at.cohort != cohort.id {
                rows.ops.push(Op::Delete(keys::section(&at.cohort, &record.id, &at.class)));
                rows.left.push(at.cohort);
            }
            let key = keys::section(&cohort.id, &record.id, &at.class);
            rows.ops.push(Op::Put(key, sealed.section));
            rows.index.extend(sealed.index);
            if let Some(listed) = record.head.sections.get_mut(position) {
                (listed.slot, listed.cohort, listed.version) = (slot, cohort.id, sealed.version);
            }
        }
        Ok(rows)
    }

    /// The one re-seal: every row of the record under its new slots, as its next version.
    ///
    /// Errors: [`VaultError::Corrupt`] if something of it does not verify; keyring errors.
    pub(super) fn rows(
        &self,
        log: &AuditLog,
        pack: &Pack,
        mut record: Loaded,
    ) -> Result<Resealed, VaultError> {
        let (keyring, random) = (log.keyring(), log.random().as_ref());
        let (id, before) = (record.id, record.cohort.id);
        let Sections { mut ops, mut index, mut left } =
            self.sections(log, pack, &mut record, &|_| false)?;
        self.head(&mut record, keyring);
        if record.cohort.id != before {
            left.push(before);
            ops.push(Op::Delete(keys::member(&before, &id)));
            ops.push(Op::Put(keys::member(&record.cohort.id, &id), Vec::new()));
            ops.extend(requests(log, &id, &before, &record.cohort.id)?);
            let tokens = Tokens { keyring, collection: &record.head.collection, record: id };
            index.extend(tokens.subject(&record.cohort.id, &record.head.subject));
            index.extend(tokens.assignments(&record.cohort.id, &record.head.assignments));
        }
        let index_row_keys = reindexed(&record.index_row_keys, &left, index, &mut ops);
        let version = record.version.checked_add(1).ok_or(VaultError::Corrupt("record version"))?;
        let row = {
            // Given back before the commit: a purge waits for slot secrets in use.
            let secret = keyring.derive_slot(&record.slot)?;
            let slot = (&record.slot, &secret, &record.cohort);
            record.head.seal_row(id, version, slot, index_row_keys, keyring, random)?
        };
        let key = keys::record(&id);
        ops.push(Op::Put(key.clone(), row));
        let mut slots = self.slots();
        slots.push((record.slot, record.cohort));
        Ok(Resealed { ops, unchanged: Precondition::Unchanged(key, record.row), slots })
    }
}

/// Rows of the sections that moved.
#[derive(Default)]
pub(super) struct Sections {
    pub(super) ops: Vec<Op>,
    /// Index rows in cohorts that sections moved to.
    index: Vec<Vec<u8>>,
    /// Cohorts that sections moved out of.
    left: Vec<CohortId>,
}

/// The record's index rows without those of the cohorts that it left, and with the new ones.
fn reindexed(
    known: &[Vec<u8>],
    left: &[CohortId],
    new: Vec<Vec<u8>>,
    ops: &mut Vec<Op>,
) -> Vec<Vec<u8>> {
    let is_left = |key: &Vec<u8>| left.iter().any(|id| key.starts_with(&keys::indexes(id)));
    let (gone, mut kept): (Vec<_>, Vec<_>) = known.iter().cloned().partition(is_left);
    ops.extend(gone.into_iter().map(Op::Delete));
    for key in new {
        if !kept.contains(&key) {
            ops.push(Op::Put(key.clone(), Vec::new()));
            kept.push(key);
        }
    }
    kept
}

/// The request rows of a record that moves to another cohort: found by that one from now on, so that they
/// go with it; the fingerprint stays the first cohort's.
fn requests(
    log: &AuditLog,
    id: &RecordId,
    before: &CohortId,
    after: &CohortId,
) -> Result<Vec<Op>, VaultError> {
    let (store, keyring) = (log.store(), log.keyring());
    let prefix = [keys::requests(before).as_slice(), id.as_bytes()].concat();
    let (mut ops, mut last) = (Vec::new(), None::<Vec<u8>>);
    while let Some((found_by, _)) = store.scan(&prefix, last.as_deref(), 1)?.pop() {
        let request = found_by.get(prefix.len()..).and_then(|id| id.try_into().ok());
        let request = request.map(crate::ids::RequestId::from_bytes);
        let request = request.ok_or(VaultError::Corrupt("request"))?;
        let key = keys::request(&request);
        if let Some(bytes) = store.get(&key)? {
            let row = keyring.check_row(&key, &bytes).and_then(|row| RequestRow::decode(row).ok());
            let mut row = row.ok_or(VaultError::Corrupt("request"))?;
            // An id that was used again for another record since is that one's.
            if row.cohort_id == before.as_bytes() && row.record_id == id.as_bytes() {
                if row.key_cohort_id.is_empty() {
                    row.key_cohort_id = std::mem::take(&mut row.cohort_id);
                }
                row.cohort_id = after.as_bytes().to_vec();
                ops.push(Op::Put(key.clone(), keyring.mac_row(&key, &row.encode_to_vec())));
                ops.push(Op::Put(keys::request_of(after, id, &request), Vec::new()));
            }
        }
        ops.push(Op::Delete(found_by.clone()));
        last = Some(found_by);
    }
    Ok(ops)
}
