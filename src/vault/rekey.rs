//! Exchanging index keys after an erasure, so that nobody can confirm a guessed value of what is gone.
//!
//! The rows of an erased record are deleted, but older copies of the data folder have them, and whoever
//! holds the cohort's index key can compute the token of a guess. So the key goes: generation A adds a
//! new one (writers use it from its leaf on, searches try both), survivors are moved to it in bounded
//! groups, generation B drops the old ones.
//!
//! It decrypts searchable values of survivors to make their tokens; none leaves this function's callers.
//! Invariants: a survivor is found at every moment, by the old token or the new; a key is dropped only
//! when no row carries its id; a certificate gets T2 only for erasures that came before generation A.

use std::{collections::BTreeSet, sync::Arc};

use parking_lot::Mutex;
use prost::Message as _;

use crate::{
    audit::{AuditError, AuditLog},
    clock::Timestamp,
    ids::{CohortId, RecordId, SegmentId, SlotRef},
    keyring::KeyringError,
    limits,
    policy::Pack,
    retention::{Owed, Retention},
    storage::{Group, Op, Precondition, keys},
    wire::store::RecordRow,
};

use super::{VaultError, disclose, head::Loaded, tokens::Tokens};

/// What it touches: the log, and retention, which keeps what is owed.
#[derive(Clone)]
pub(crate) struct Rekey {
    pub(crate) log: Arc<AuditLog>,
    pub(crate) retention: Arc<Retention>,
    /// One exchange at a time.
    turn: Arc<Mutex<()>>,
}

/// A cohort and its index keys that shall go.
struct Old {
    cohort: CohortId,
    keys: Vec<u32>,
}

impl Rekey {
    pub(crate) fn new(log: Arc<AuditLog>, retention: Arc<Retention>) -> Self {
        Self { log, retention, turn: Arc::default() }
    }

    /// Exchanges the keys of every cohort that an erasure touched; returns how many certificates got
    /// their T2. Does nothing while a place is away: the next night comes back to it. Blocks.
    pub(crate) fn run(&self, pack: &Pack) -> Result<usize, VaultError> {
        let Some(_turn) = self.turn.try_lock() else { return Ok(0) };
        let owed = self.retention.owed()?;
        if owed.is_empty() {
            return Ok(0);
        }
        let old = match self.exchange(&owed) {
            Err(VaultError::Keyring(KeyringError::ErasureNeedsPlace { .. })) => return Ok(0),
            old => old?,
        };
        // 2. Survivors moved to the new keys. A crash leaves rows under both, and both keys live.
        let mut moved = 0;
        for cohort in &old {
            moved += self.survivors(pack, cohort)?;
        }
        // 3. Generation B. A crash before leaves both keys: the next run begins anew. After it, nothing
        //    is owed but the certificates' second revision, which the next run writes.
        let t2 = match self.drop_keys(&old) {
            Err(VaultError::Keyring(KeyringError::ErasureNeedsPlace { .. })) => return Ok(0),
            t2 => t2?,
        };
        // 4. Certificates, event, and the end of what was owed, in one commit.
        Ok(self.retention.settle(pack.hash(), &owed, (t2, moved))?)
    }

    /// After a restored database: moves every record that only a row under a key that is gone names, so
    /// that it is found again. Called before serving. Blocks. Returns how many were moved.
    pub(crate) fn repair(&self, pack: &Pack) -> Result<u64, VaultError> {
        let mut moved = 0;
        for spec in pack.collections() {
            for cohort in self.log.keyring().cohorts_of(&spec.name) {
                let keys = self.gone_keys(&cohort.id)?;
                moved += self.survivors(pack, &Old { cohort: cohort.id, keys })?;
            }
        }
        Ok(moved)
    }

    /// Key ids of this cohort's rows that no key of the keyring has.
    fn gone_keys(&self, cohort: &CohortId) -> Result<Vec<u32>, VaultError> {
        let live = self.log.keyring().index_key_ids(cohort);
        let prefix = keys::indexes(cohort);
        let (mut gone, mut after) = (Vec::new(), None::<Vec<u8>>);
        while let Some((key, _)) = self.log.store().scan(&prefix, after.as_deref(), 1)?.pop() {
            let id = key.get(prefix.len()..).and_then(|rest| rest.first_chunk::<4>());
            let id = u32::from_be_bytes(*id.ok_or(VaultError::Corrupt("index row"))?);
            if !live.contains(&id) {
                gone.push(id);
            }
            // On behind everything under this key: a token and an id have 32 bytes.
            let mut last = keys::index_key(cohort, id);
            last.resize(last.len() + 33, 0xff);
            after = Some(last);
        }
        Ok(gone)
    }

    /// Generation A: a new key for each cohort that still has one.
    fn exchange(&self, owed: &[Owed]) -> Result<Vec<Old>, VaultError> {
        let (keyring, random) = (self.log.keyring(), self.log.random().as_ref());
        let cohorts: BTreeSet<CohortId> = owed.iter().map(|owed| owed.cohort).collect();
        // 1. The new keys, at every place, and the generation's leaf. A crash leaves them unused.
        let mut draft = keyring.draft();
        draft.ready_to_erase(random)?;
        let mut old = Vec::new();
        for cohort in cohorts {
            let keys = keyring.index_key_ids(&cohort);
            // A cohort that was purged meanwhile took its keys along.
            if !keys.is_empty() {
                draft.add_index_key(&cohort, random)?;
                old.push(Old { cohort, keys });
            }
        }
        if old.is_empty() {
            return Ok(old);
        }
        let unpublished = draft.write(self.log.state(), random)?;
        self.log.publish(unpublished)?;
        Ok(old)
    }

    /// Generation B: the old keys go. The instant from which on they are gone.
    fn drop_keys(&self, old: &[Old]) -> Result<Timestamp, VaultError> {
        let keyring = self.log.keyring();
        let mut draft = keyring.draft();
        let mut drops = false;
        for Old { cohort, keys } in old {
            // What a purge took since is gone already.
            let live = keyring.index_key_ids(cohort);
            for id in keys.iter().filter(|id| live.contains(id)) {
                draft.drop_index_key(cohort, *id)?;
                drops = true;
            }
        }
        if drops {
            let unpublished = draft.write(self.log.state(), self.log.random().as_ref())?;
            self.log.publish(unpublished)?;
        }
        Ok(self.log.clock().now())
    }

    /// Moves every record that a row under an old key names, until there is no such row. Returns how
    /// many were moved.
    ///
    /// Errors: [`VaultError::Interrupted`] if rows keep coming; the next run begins anew.
    fn survivors(&self, pack: &Pack, old: &Old) -> Result<u64, VaultError> {
        let mut moved = 0;
        for id in &old.keys {
            let prefix = keys::index_key(&old.cohort, *id);
            let mut idle = 0;
            loop {
                let page = self.log.store().scan(&prefix, None, limits::REKEY_ROWS)?;
                if page.is_empty() {
                    break;
                }
                let before = moved;
                for (key, _) in page {
                    moved += u64::from(self.survivor(pack, old, &key)?);
                }
                // A conflict is tried again. What an erasure under way has marked is left to it; it has the
                // generation's turn until the slot is gone or the mark is taken back, so that is awaited.
                idle = if moved == before { idle + 1 } else { 0 };
                if idle > limits::SWEEP_RETRIES {
                    return Err(VaultError::Interrupted);
                }
                if idle > 0 {
                    drop(self.log.keyring().draft());
                }
            }
        }
        Ok(moved)
    }

    /// Moves the record of one row, with all its rows in this cohort. False if nothing was changed: the
    /// row is gone already, or somebody changed the record meanwhile.
    fn survivor(&self, pack: &Pack, old: &Old, key: &[u8]) -> Result<bool, VaultError> {
        let (store, keyring) = (self.log.store().as_ref(), self.log.keyring());
        if store.get(key)?.is_none() {
            return Ok(false);
        }
        let id = key.len().checked_sub(16).and_then(|at| key.get(at..));
        let id = id.and_then(|id| RecordId::from_slice(id).ok());
        let id = id.ok_or(VaultError::Corrupt("index row"))?;
        let row = keys::record(&id);
        let group = match Loaded::read_in(store, keyring, id, &old.cohort)? {
            Some(record) => match self.moved(pack, old, record) {
                // Erased between the reading and the opening.
                Err(VaultError::NotAvailable) => return Ok(false),
                moved => moved?,
            },
            // No record any more, or one whose key is gone: a row that confirms nothing.
            None => {
                let left = match store.get(&row)? {
                    None => Precondition::Absent(row),
                    // Marked by an erasure under way, which deletes the row itself or takes the mark back.
                    Some(bytes) if self.lives(&bytes)? => return Ok(false),
                    Some(bytes) => Precondition::Unchanged(row, bytes),
                };
                Group { preconditions: vec![left], ops: vec![Op::Delete(key.to_vec())] }
            }
        };
        match self.log.write_rows(group) {
            Ok(()) => Ok(true),
            Err(AuditError::Rejected) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn lives(&self, row: &[u8]) -> Result<bool, VaultError> {
        let corrupt = || VaultError::Corrupt("record row");
        let row = RecordRow::decode(row).map_err(|_| corrupt())?;
        let seg = SegmentId::from_slice(&row.seg_id).map_err(|_| corrupt())?;
        Ok(self.log.keyring().slot_lives(&SlotRef { seg, index: row.index }))
    }

    /// The same version of a record with its rows in this cohort under the newest key.
    fn moved(&self, pack: &Pack, old: &Old, record: Loaded) -> Result<Group, VaultError> {
        let (cohort, keyring) = (&old.cohort, self.log.keyring());
        let tokens = Tokens { keyring, collection: &record.head.collection, record: record.id };
        let mut new = Vec::new();
        if record.cohort.id == *cohort {
            new.extend(tokens.subject(cohort, &record.head.subject));
            new.extend(tokens.assignments(cohort, &record.head.assignments));
        }
        new.extend(disclose::index_rows(keyring, pack, &record, cohort)?);
        let is_old = |key: &Vec<u8>| {
            old.keys.iter().any(|id| key.starts_with(&keys::index_key(cohort, *id)))
        };
        let (gone, mut kept): (Vec<_>, Vec<_>) =
            record.index_row_keys.iter().cloned().partition(is_old);
        let mut ops: Vec<Op> = gone.into_iter().map(Op::Delete).collect();
        for key in new {
            if !kept.contains(&key) {
                ops.push(Op::Put(key.clone(), Vec::new()));
                kept.push(key);
            }
        }
        let row = keys::record(&record.id);
        let mut next = RecordRow::decode(record.row.as_slice())
            .map_err(|_| VaultError::Corrupt("record row"))?;
        next.index_row_keys = kept;
        ops.push(Op::Put(row.clone(), next.encode_to_vec()));
        Ok(Group { preconditions: vec![Precondition::Unchanged(row, record.row)], ops })
    }
}
