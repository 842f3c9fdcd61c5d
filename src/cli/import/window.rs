//! The lines that were read and not settled yet, in their order: sent and unanswered ones, faulty ones
//! that wait for their turn to be reported, and records that the vault put off. Bounded in number and in
//! bytes: this is all that an import keeps in memory.

use std::collections::VecDeque;

use crate::{
    client::types::{ImportItem, ItemRefusal},
    limits,
};

/// A record on its way.
pub(super) struct Sent {
    pub(super) item: ImportItem,
    /// Length of its line.
    pub(super) bytes: usize,
    /// Where its line ends in the file.
    pub(super) end: u64,
    /// How often the vault put it off.
    pub(super) put_off: u32,
}

/// A line without a record.
pub(super) struct Faulty {
    pub(super) number: u64,
    pub(super) end: u64,
    pub(super) refusal: ItemRefusal,
}

enum Entry {
    Sent(Box<Sent>),
    Faulty(Faulty),
}

/// The lines.
#[derive(Default)]
pub(super) struct Window {
    entries: VecDeque<Entry>,
    put_off: Vec<Sent>,
    sent: usize,
    bytes: usize,
}

impl Window {
    /// Whether another line may be read. One that is longer than the whole window goes alone.
    pub(super) fn has_room(&self) -> bool {
        let count = self.entries.len().saturating_add(self.put_off.len());
        count < limits::IMPORT_WINDOW_RECORDS && self.bytes < limits::IMPORT_WINDOW_BYTES
    }

    /// Nothing is left to settle.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.put_off.is_empty()
    }

    /// Records that were sent and wait for their answer.
    pub(super) fn waiting(&self) -> usize {
        self.sent
    }

    /// A record that is sent now.
    pub(super) fn push(&mut self, sent: Sent) {
        self.bytes = self.bytes.saturating_add(sent.bytes);
        self.sent = self.sent.saturating_add(1);
        self.entries.push_back(Entry::Sent(Box::new(sent)));
    }

    /// A line that will not be sent.
    pub(super) fn push_faulty(&mut self, faulty: Faulty) {
        self.entries.push_back(Entry::Faulty(faulty));
    }

    /// The record whose answer is due, if it is the one of this position.
    pub(super) fn answered(&mut self, position: u64) -> Option<Sent> {
        match self.entries.pop_front() {
            Some(Entry::Sent(sent)) if sent.item.position == position => {
                self.sent = self.sent.saturating_sub(1);
                self.bytes = self.bytes.saturating_sub(sent.bytes);
                Some(*sent)
            }
            Some(other) => {
                self.entries.push_front(other);
                None
            }
            None => None,
        }
    }

    /// The faulty line at the front, if one is there: everything before it is settled.
    pub(super) fn pop_faulty(&mut self) -> Option<Faulty> {
        match self.entries.pop_front() {
            Some(Entry::Faulty(faulty)) => Some(faulty),
            Some(other) => {
                self.entries.push_front(other);
                None
            }
            None => None,
        }
    }

    /// Keeps a record that the vault will take later.
    pub(super) fn put_off(&mut self, sent: Sent) {
        self.bytes = self.bytes.saturating_add(sent.bytes);
        self.put_off.push(sent);
    }

    /// How often the most patient of the records that were put off has waited; `None` without any.
    pub(super) fn patience(&self) -> Option<u32> {
        self.put_off.iter().map(|sent| sent.put_off).max()
    }

    /// Puts the records that were put off back among those to be sent.
    pub(super) fn take_back(&mut self) {
        for sent in std::mem::take(&mut self.put_off) {
            self.bytes = self.bytes.saturating_sub(sent.bytes);
            self.push(sent);
        }
    }

    /// Every record that waits for its answer, in order: what a new stream is sent first.
    pub(super) fn unanswered(&self) -> impl Iterator<Item = &ImportItem> {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Sent(sent) => Some(&sent.item),
            Entry::Faulty(_) => None,
        })
    }
}
