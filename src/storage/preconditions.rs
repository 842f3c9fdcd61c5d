//! Preconditions of a batch: each group sees the rows as the earlier groups of the batch leave them.
//!
//! Every engine and the committer check with this one type, so that they cannot disagree. It looks
//! only at keys that some precondition of the batch names; it never writes.
//! Invariant: a group whose preconditions do not hold changes nothing for the groups after it.

use std::collections::{HashMap, HashSet};

use super::{Group, Op, Precondition, StoreError};

/// The rows that preconditions of one batch look at, as the groups accepted so far leave them.
#[derive(Debug, Default)]
pub struct Overlay<'a> {
    /// Keys that some precondition of the batch names.
    watched: HashSet<&'a [u8]>,
    /// Watched keys that an accepted group wrote (`None`: deleted).
    changed: HashMap<&'a [u8], Option<&'a [u8]>>,
}

impl<'a> Overlay<'a> {
    /// An overlay for a batch of these groups.
    #[must_use]
    pub fn over(batch: impl IntoIterator<Item = &'a Group>) -> Self {
        let watched = batch.into_iter().flat_map(|g| &g.preconditions).map(key_of).collect();
        Self { watched, changed: HashMap::new() }
    }

    /// Whether all preconditions of `group` hold now; if so the group's changes are taken up.
    ///
    /// `get` reads the store beneath. Errors: only those of `get`, and then nothing is taken up.
    pub fn admit(
        &mut self,
        group: &'a Group,
        get: impl Fn(&[u8]) -> Result<Option<Vec<u8>>, StoreError>,
    ) -> Result<bool, StoreError> {
        for precondition in &group.preconditions {
            if !self.holds(precondition, &get)? {
                return Ok(false);
            }
        }
        for op in &group.ops {
            let (key, value) = match op {
                Op::Put(key, value) => (key.as_slice(), Some(value.as_slice())),
                Op::Delete(key) => (key.as_slice(), None),
            };
            if self.watched.contains(key) {
                self.changed.insert(key, value);
            }
        }
        Ok(true)
    }

    fn holds(
        &self,
        precondition: &Precondition,
        get: impl Fn(&[u8]) -> Result<Option<Vec<u8>>, StoreError>,
    ) -> Result<bool, StoreError> {
        let stored;
        let key = key_of(precondition);
        let present = match self.changed.get(key) {
            Some(value) => *value,
            None => {
                stored = get(key)?;
                stored.as_deref()
            }
        };
        Ok(match precondition {
            Precondition::Absent(_) => present.is_none(),
            Precondition::Unchanged(_, bytes) => present == Some(bytes.as_slice()),
        })
    }
}

/// The first group of the batch whose preconditions do not hold; `None` when all do.
///
/// Errors: only those of `get`.
pub fn first_broken(
    batch: &[Group],
    get: impl Fn(&[u8]) -> Result<Option<Vec<u8>>, StoreError>,
) -> Result<Option<usize>, StoreError> {
    let mut overlay = Overlay::over(batch);
    for (position, group) in batch.iter().enumerate() {
        if !overlay.admit(group, &get)? {
            return Ok(Some(position));
        }
    }
    Ok(None)
}

fn key_of(precondition: &Precondition) -> &[u8] {
    match precondition {
        Precondition::Absent(key) | Precondition::Unchanged(key, _) => key,
    }
}
