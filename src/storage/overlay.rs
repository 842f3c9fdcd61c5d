//! Snapshots for an engine that has none: while one is open, each commit first notes the old value of
//! every key it is about to change, and the snapshot reads those instead of what is there now.
//!
//! It knows no engine. The engine calls [`Overlays::note`] under the lock that its readers take too, so
//! that no reader sees a change whose old value is not noted. Invariants: a snapshot that was dropped
//! takes no memory and costs a commit nothing; one that would take more than
//! [`limits::SNAPSHOT_BYTES_MAX`] is given up, and says so to whoever reads it.

use std::{
    collections::BTreeMap,
    iter::Peekable,
    sync::{Arc, Weak},
};

use parking_lot::Mutex;

use super::{Group, Row, StoreError, range::KeyRange};
use crate::limits;

/// What an entry takes beside its key and value, about.
const ENTRY_BYTES: usize = 96;

/// The snapshots that are open.
#[derive(Default)]
pub(super) struct Overlays(Mutex<Vec<Weak<Then>>>);

/// What one snapshot keeps: the old values of the keys that were changed since.
#[derive(Default)]
pub(super) struct Then(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    /// `None`: the key was not there.
    old: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    bytes: usize,
    lost: bool,
}

impl Overlays {
    /// Opens a snapshot of what is there now. The caller lets no commit happen meanwhile.
    pub(super) fn open(&self) -> Arc<Then> {
        let then = Arc::<Then>::default();
        self.0.lock().push(Arc::downgrade(&then));
        then
    }

    /// Notes what this batch is about to change; `get` reads what is there now.
    ///
    /// Errors: only those of `get`.
    pub(super) fn note(
        &self,
        batch: &[Group],
        get: impl Fn(&[u8]) -> Result<Option<Vec<u8>>, StoreError>,
    ) -> Result<(), StoreError> {
        let mut open = self.0.lock();
        open.retain(|then| then.strong_count() > 0);
        for then in open.iter().filter_map(Weak::upgrade) {
            let mut kept = then.0.lock();
            for op in batch.iter().flat_map(|group| &group.ops) {
                kept.note(op.key(), &get)?;
            }
        }
        Ok(())
    }
}

impl Kept {
    fn note(
        &mut self,
        key: &[u8],
        get: impl Fn(&[u8]) -> Result<Option<Vec<u8>>, StoreError>,
    ) -> Result<(), StoreError> {
        if self.lost || self.old.contains_key(key) {
            return Ok(());
        }
        let old = get(key)?;
        let value = old.as_ref().map_or(0, Vec::len);
        self.bytes = self.bytes.saturating_add(ENTRY_BYTES).saturating_add(key.len());
        self.bytes = self.bytes.saturating_add(value);
        self.old.insert(key.to_vec(), old);
        if self.bytes > limits::SNAPSHOT_BYTES_MAX {
            *self = Self { lost: true, ..Self::default() };
        }
        Ok(())
    }

    fn check(&self) -> Result<(), StoreError> {
        if self.lost { Err(StoreError::SnapshotLost) } else { Ok(()) }
    }
}

impl Then {
    /// The value of a key then; `now` reads what is there now.
    pub(super) fn get(
        &self,
        key: &[u8],
        now: impl FnOnce() -> Result<Option<Vec<u8>>, StoreError>,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let kept = self.0.lock();
        kept.check()?;
        kept.old.get(key).map_or_else(now, |old| Ok(old.clone()))
    }

    /// The rows of these keys then, in key order, as `read` takes them; `now` are those of now.
    pub(super) fn merged<T>(
        &self,
        keys: KeyRange,
        now: impl Iterator<Item = Result<Row, StoreError>>,
        read: impl FnOnce(
            Merged<'_, &mut dyn Iterator<Item = Result<Row, StoreError>>>,
        ) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let kept = self.0.lock();
        kept.check()?;
        let known = |row: &Result<Row, StoreError>| {
            row.as_ref().map_or(true, |(key, _)| !kept.old.contains_key(key))
        };
        let mut now = now.filter(known);
        let now: &mut dyn Iterator<Item = _> = &mut now;
        let old = kept.old.range::<Vec<u8>, _>(keys);
        let old: OldRows<'_> =
            Box::new(old.filter_map(|(key, value)| Some((key, value.as_ref()?))));
        read(Merged { now: now.peekable(), old: old.peekable() })
    }
}

type OldRows<'a> = Box<dyn Iterator<Item = (&'a Vec<u8>, &'a Vec<u8>)> + 'a>;

/// Rows that were not changed since, and the old ones of those that were, in key order.
pub(super) struct Merged<'a, I: Iterator<Item = Result<Row, StoreError>>> {
    now: Peekable<I>,
    old: Peekable<OldRows<'a>>,
}

impl<I: Iterator<Item = Result<Row, StoreError>>> Iterator for Merged<'_, I> {
    type Item = Result<Row, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        let old_is_first = match (self.now.peek(), self.old.peek()) {
            (Some(Ok((now, _))), Some((old, _))) => *old < now,
            (Some(Err(_)), _) | (_, None) => false,
            (None, Some(_)) => true,
        };
        if old_is_first {
            return self.old.next().map(|(key, value)| Ok((key.clone(), value.clone())));
        }
        self.now.next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::Op;

    fn noted(overlays: &Overlays, key: &[u8], old: Option<Vec<u8>>) {
        let ops = vec![Op::Delete(key.to_vec())];
        overlays.note(&[Group { preconditions: Vec::new(), ops }], |_| Ok(old.clone())).unwrap();
    }

    #[test]
    fn a_snapshot_that_was_dropped_takes_nothing_and_an_open_one_is_kept() {
        let overlays = Overlays::default();
        let (dropped, open) = (overlays.open(), overlays.open());
        noted(&overlays, b"a", Some(vec![1; 100]));
        let memory = Arc::downgrade(&dropped);
        drop(dropped);
        assert!(memory.upgrade().is_none());
        noted(&overlays, b"b", None);
        assert_eq!(overlays.0.lock().len(), 1);
        assert_eq!(open.0.lock().old.len(), 2);
    }

    #[test]
    fn a_snapshot_at_its_bound_is_kept_and_one_byte_more_is_given_up_with_its_memory() {
        let overlays = Overlays::default();
        let then = overlays.open();
        let most = limits::SNAPSHOT_BYTES_MAX - ENTRY_BYTES - 1;
        noted(&overlays, b"a", Some(vec![0; most]));
        assert!(then.get(b"a", || Ok(None)).unwrap().is_some());
        let (later, one_more) = (overlays.open(), vec![0; most + 1]);
        drop(then);
        noted(&overlays, b"b", Some(one_more));
        assert!(matches!(later.get(b"c", || Ok(None)), Err(StoreError::SnapshotLost)));
        assert!(later.0.lock().old.is_empty());
        // A snapshot taken afterwards is sound.
        assert!(overlays.open().get(b"c", || Ok(None)).is_ok());
    }
}
