//! Erasure before the date: single records, because a person or the law asked for it.
//!
//! `order` is the order of DESIGN section 3; `recover` takes up what a crash cut; `line` lets those that
//! wait share one generation. What may be erased, and who may ask, is decided above. It must not
//! acknowledge before the erasure point, must not erase what a hold keeps, and must not erase for a mark
//! or a row alone: only an intent in the log names what goes. Invariants: one erasure at a time; a
//! request is answered once its final event and the certificate are durable.

mod line;
mod moved;
mod order;
mod recover;
mod report;
mod run;

use crate::{
    audit::EventDraft,
    ids::{CertificateId, CohortId, RecordId, SlotRef},
    storage::Op,
};

pub(super) use self::{
    line::Line,
    moved::{RESEALED, erasable, finish as finish_left, has_left, leave, note as note_left},
    order::{erase, is_beyond_commit},
    recover::{is_marked_by_nobody, pending_slots, resume},
};

/// A record that shall go: one state of it, as its verified head lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doomed {
    /// Its id.
    pub record: RecordId,
    /// Cohorts that its rows lie in; the head's first.
    pub cohorts: Vec<CohortId>,
    /// Every slot of it, of the head and of the sections.
    pub slots: Vec<SlotRef>,
    /// Slots that it left before, as its head lists them: some may be gone already.
    pub former: Vec<SlotRef>,
    /// The record row's exact bytes.
    pub row: Vec<u8>,
}

/// Rows by which a request is known when it comes again, written with its intent: of the certificate and
/// of what the intent names. `None` if they cannot be made.
pub type Remember = Box<dyn Fn(&CertificateId, &[RecordId]) -> Option<Vec<Op>> + Send>;

/// One request, allowed already.
pub struct EraseRequest {
    /// Who asks, why, and what allowed it; its records are those of `doomed`.
    pub event: EventDraft,
    /// At most `limits::EVENT_RECORDS_MAX`.
    pub doomed: Vec<Doomed>,
    /// See [`Remember`].
    pub remember: Remember,
}

/// What became of one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// No key reaches it any more.
    Erased,
    /// A hold keeps it.
    Held,
    /// Somebody changed it since it was read: it is as it was, and may be read and asked for again.
    Changed,
    /// It was gone before.
    Gone,
}

/// What became of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erased {
    /// The generation without the erased slots; the one in force if nothing was erased.
    pub generation: u64,
    /// The certificate of the batch; `None` if nothing was erased.
    pub certificate: Option<CertificateId>,
    /// In the order of the request's records.
    pub fates: Vec<Fate>,
}
