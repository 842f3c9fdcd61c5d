//! Records that an index lists, in a stable order: the raw material of Find and Worklist.
//!
//! An index row is no answer: whoever takes a candidate from here opens its head, compares, and
//! decides. Order: cohorts by expiry, then record ids. A [`Cursor`] names the last record that was
//! *given*, so that it says nothing about records that were looked at and withheld.

use std::{cmp::Ordering, collections::VecDeque};

use crate::{
    clock::Timestamp,
    ids::{CohortId, CollectionName, RecordId},
    keyring::{CohortInfo, Keyring},
    limits,
    storage::{Store, keys},
};

use super::VaultError;

/// Where a page ended: after this record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    expires_at: Timestamp,
    cohort: CohortId,
    record: RecordId,
}

/// What an index row is looked up by: a field of the collection, or one of the reserved names, and
/// the normalised value.
pub(crate) struct Wanted<'a> {
    pub(crate) field: &'a str,
    pub(crate) value: &'a [u8],
}

/// One candidate.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidate {
    pub(crate) record: RecordId,
    pub(crate) cursor: Cursor,
}

/// Walks the live cohorts of a collection.
pub(crate) struct Candidates<'a> {
    store: &'a dyn Store,
    keyring: &'a Keyring,
    collection: &'a CollectionName,
    wanted: Vec<Wanted<'a>>,
    cohorts: VecDeque<CohortInfo>,
    /// Where to go on within the first cohort.
    after: Option<Cursor>,
    at: Option<(CohortInfo, Vec<Rows>)>,
    seen: usize,
}

/// The rows of one token.
struct Rows {
    prefix: Vec<u8>,
    after: Option<Vec<u8>>,
    read: VecDeque<RecordId>,
    ended: bool,
}

// === impl Cursor ===

impl Cursor {
    /// i64 expiry in milliseconds ‖ cohort_id16 ‖ record_id16.
    #[must_use]
    pub fn to_bytes(self) -> Vec<u8> {
        let expires_at = self.expires_at.as_millis().to_be_bytes();
        [expires_at.as_slice(), self.cohort.as_bytes(), self.record.as_bytes()].concat()
    }

    /// Reads a cursor back; `None` for anything that is none. A cursor that was made up gives no
    /// access to anything: it is a position, and every record after it is decided as always.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (expires_at, rest) = bytes.split_first_chunk::<8>()?;
        let (cohort, record) = rest.split_at_checked(16)?;
        Some(Self {
            expires_at: Timestamp::from_millis(i64::from_be_bytes(*expires_at)),
            cohort: CohortId::from_slice(cohort).ok()?,
            record: RecordId::from_slice(record).ok()?,
        })
    }
}

// === impl Candidates ===

impl<'a> Candidates<'a> {
    /// Candidates that any of `wanted` lists, in cohorts not expired at `now`, after a cursor.
    pub(crate) fn of(
        store: &'a dyn Store,
        keyring: &'a Keyring,
        collection: &'a CollectionName,
        wanted: Vec<Wanted<'a>>,
        (now, after): (Timestamp, Option<Cursor>),
    ) -> Self {
        let place = |cohort: &CohortInfo| {
            after.map_or(Ordering::Greater, |after| {
                (cohort.expires_at, cohort.id).cmp(&(after.expires_at, after.cohort))
            })
        };
        let cohorts: VecDeque<CohortInfo> = keyring
            .cohorts_of(collection)
            .into_iter()
            .filter(|cohort| now < cohort.expires_at && place(cohort) != Ordering::Less)
            .collect();
        let inside = cohorts.front().is_some_and(|first| place(first) == Ordering::Equal);
        let after = after.filter(|_| inside);
        Self { store, keyring, collection, wanted, cohorts, after, at: None, seen: 0 }
    }

    /// The next candidate, each record once.
    ///
    /// Errors: [`VaultError::TooMany`] after `limits::CANDIDATES_MAX`; storage errors.
    pub(crate) fn next(&mut self) -> Result<Option<Candidate>, VaultError> {
        loop {
            if self.at.is_none() {
                let Some(cohort) = self.cohorts.pop_front() else { return Ok(None) };
                let rows = self.rows_of(&cohort);
                self.at = Some((cohort, rows));
            }
            let Some((cohort, rows)) = &mut self.at else { return Ok(None) };
            for of_token in rows.iter_mut() {
                of_token.fill(self.store)?;
            }
            let Some(record) = rows.iter().filter_map(|r| r.read.front()).min().copied() else {
                self.at = None;
                continue;
            };
            for of_token in rows.iter_mut().filter(|r| r.read.front() == Some(&record)) {
                of_token.read.pop_front();
            }
            let limit = limits::CANDIDATES_MAX;
            self.seen += 1;
            if self.seen > limit {
                let what = "records looked at in one search; add a condition";
                return Err(VaultError::TooMany { what, limit });
            }
            let cursor = Cursor { expires_at: cohort.expires_at, cohort: cohort.id, record };
            return Ok(Some(Candidate { record, cursor }));
        }
    }

    fn rows_of(&mut self, cohort: &CohortInfo) -> Vec<Rows> {
        let after = self.after.take();
        let mut rows = Vec::new();
        for Wanted { field, value } in &self.wanted {
            let tokens = self.keyring.search_tokens(&cohort.id, self.collection, field, value);
            for (key_id, token) in tokens {
                let prefix = keys::index_token(&cohort.id, key_id, &token.0);
                let after = after.map(|at| keys::index(&cohort.id, key_id, &token.0, &at.record));
                rows.push(Rows { prefix, after, read: VecDeque::new(), ended: false });
            }
        }
        rows
    }
}

// === impl Rows ===

impl Rows {
    /// Reads some more when all that was read is taken.
    fn fill(&mut self, store: &dyn Store) -> Result<(), VaultError> {
        if !self.read.is_empty() || self.ended {
            return Ok(());
        }
        let page = store.scan(&self.prefix, self.after.as_deref(), limits::CANDIDATE_ROWS)?;
        self.ended = page.len() < limits::CANDIDATE_ROWS;
        for (key, _) in page {
            let id = key.get(self.prefix.len()..).and_then(|id| RecordId::from_slice(id).ok());
            self.read.push_back(id.ok_or(VaultError::Corrupt("index row"))?);
            self.after = Some(key);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_and_anything_else_is_refused() {
        let cursor = Cursor {
            expires_at: Timestamp::from_millis(-7),
            cohort: CohortId::from_bytes([1; 16]),
            record: RecordId::from_bytes([2; 16]),
        };
        let bytes = cursor.to_bytes();
        assert_eq!(bytes.len(), 40);
        assert_eq!(Cursor::from_bytes(&bytes), Some(cursor));
        for wrong in [&bytes[..39], &[bytes.as_slice(), &[0]].concat(), &[]] {
            assert_eq!(Cursor::from_bytes(wrong), None);
        }
    }
}
