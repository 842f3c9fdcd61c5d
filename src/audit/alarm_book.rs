//! The open alarms in memory, and which of them are not stored yet.
//!
//! Plain data: it must not read or write a row; `alarm` does. Invariant: none is taken in
//! while one of its kind and note is open, nor beyond `limits::ALARMS_MAX`.

use crate::{
    clock::Timestamp,
    ids::{AgentId, AlarmId},
    limits,
};

/// One alarm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// Its id.
    pub id: AlarmId,
    /// What happened: a word such as `clock` or `overdue`.
    pub kind: String,
    /// When.
    pub raised_at: Timestamp,
    /// Closed vocabulary, never personal.
    pub note: String,
    /// Who acknowledged it, and when; `None` while open.
    pub acknowledged: Option<(AgentId, Timestamp)>,
}

/// The open alarms, and which of them are not stored yet.
#[derive(Debug, Default)]
pub(super) struct AlarmBook {
    open: Vec<(Alarm, Stored)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stored {
    Yes,
    NotYet,
}

impl AlarmBook {
    /// The open ones of these stored alarms.
    pub(super) fn of(alarms: Vec<Alarm>) -> Self {
        let open = alarms.into_iter().filter(|alarm| alarm.acknowledged.is_none());
        Self { open: open.map(|alarm| (alarm, Stored::Yes)).collect() }
    }

    /// Takes a new alarm in, not stored yet; false if the same is open already or the book is full.
    pub(super) fn open(&mut self, alarm: Alarm) -> bool {
        let same =
            |(known, _): &(Alarm, Stored)| known.kind == alarm.kind && known.note == alarm.note;
        if self.open.iter().any(same) || self.open.len() >= limits::ALARMS_MAX {
            return false;
        }
        self.open.push((alarm, Stored::NotYet));
        true
    }

    /// The committer has stored this alarm.
    pub(super) fn stored(&mut self, id: AlarmId) {
        if let Some((_, stored)) = self.open.iter_mut().find(|(alarm, _)| alarm.id == id) {
            *stored = Stored::Yes;
        }
    }

    /// Forgets an alarm.
    pub(super) fn close(&mut self, id: AlarmId) {
        self.open.retain(|(alarm, _)| alarm.id != id);
    }

    /// Ids and kinds of those that are open.
    pub(super) fn open_ones(&self) -> Vec<(AlarmId, String)> {
        self.open.iter().map(|(alarm, _)| (alarm.id, alarm.kind.clone())).collect()
    }

    /// Those that the committer has not stored yet.
    pub(super) fn unstored(&self) -> Vec<Alarm> {
        let unstored = self.open.iter().filter(|(_, stored)| *stored == Stored::NotYet);
        unstored.map(|(alarm, _)| alarm.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alarm(number: usize) -> Alarm {
        Alarm {
            id: AlarmId::from_bytes([0; 16]),
            kind: "clock".to_owned(),
            raised_at: Timestamp::from_millis(0),
            note: number.to_string(),
            acknowledged: None,
        }
    }

    #[test]
    fn the_last_place_of_the_book_is_given_and_a_full_one_takes_no_more() {
        let open = (0..limits::ALARMS_MAX - 1).map(alarm).collect();
        let mut book = AlarmBook::of(open);
        assert!(book.open(alarm(limits::ALARMS_MAX)));
        assert!(!book.open(alarm(limits::ALARMS_MAX + 1)));
    }
}
