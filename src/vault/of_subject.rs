//! The records of one subject, in every collection, one after the other.
//!
//! They are found by the keyed token of `_subject`, opened, and must name the subject themselves. Nothing
//! is decided here: whoever takes a record from here asks the policy about it. What has expired is left out.

use crate::{
    audit::AuditLog,
    clock::Timestamp,
    ids::SubjectId,
    policy::{CollectionSpec, Pack},
};

use super::{
    VaultError,
    candidates::{Candidate, Candidates, Wanted},
    head::{self, Loaded},
    request, tokens,
};

/// Walks them.
pub(crate) struct OfSubject<'a> {
    log: &'a AuditLog,
    subject: &'a SubjectId,
    now: Timestamp,
    collections: std::slice::Iter<'a, CollectionSpec>,
    at: Option<Candidates<'a>>,
    position: usize,
}

impl<'a> OfSubject<'a> {
    /// Of this subject, as things stand at `now`.
    pub(crate) fn new(
        log: &'a AuditLog,
        pack: &'a Pack,
        subject: &'a SubjectId,
        now: Timestamp,
    ) -> Self {
        Self { log, subject, now, collections: pack.collections().iter(), at: None, position: 0 }
    }

    /// The next record.
    ///
    /// Errors: those of [`Candidates::next`].
    pub(crate) async fn next(&mut self) -> Result<Option<Loaded>, VaultError> {
        loop {
            let Some(candidates) = &mut self.at else {
                let Some(spec) = self.collections.next() else { return Ok(None) };
                let (field, value) = tokens::subject(self.subject);
                let (store, keyring) = (self.log.store().as_ref(), self.log.keyring());
                let (wanted, at) = (vec![Wanted { field, value }], (self.now, None));
                self.at = Some(Candidates::of(store, keyring, &spec.name, wanted, at));
                continue;
            };
            let Some(Candidate { record, .. }) = candidates.next()? else {
                self.at = None;
                continue;
            };
            request::take_turns(self.position).await;
            self.position += 1;
            let own = |one: &Loaded| one.head.subject == *self.subject && !one.expired(self.now);
            if let Some(record) = head::read_listed(self.log, record)?.filter(own) {
                return Ok(Some(record));
            }
        }
    }
}
