//! What was asked of a vault and what it acknowledged, each with the moment: what a cut must leave.
//!
//! A moment is a number that only grows: the length of a trace, or a count. It knows nothing of disks.
//! Invariant: one call at a time changes a record, so of what was asked and not acknowledged at a moment
//! a record may show at most what its later calls make of it, and never anything else.

use std::{collections::BTreeMap, sync::Arc};

use oubliette::ids::{CertificateId, RecordId};
use parking_lot::Mutex;

/// What a record shows: the name it holds, or nothing.
pub(crate) type Shown = Option<String>;

/// One call that makes a record show something.
#[derive(Debug, Clone)]
struct Step {
    shows: Shown,
    asked: u64,
    /// When the answer was there.
    done: Option<u64>,
}

/// A record and what may be seen of it.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) record: RecordId,
    steps: Vec<Step>,
}

impl Entry {
    /// What may be seen after a cut at this moment.
    pub(crate) fn allowed(&self, cut: u64) -> Vec<Shown> {
        let acknowledged = |step: &Step| step.done.is_some_and(|done| done <= cut);
        let last = self.steps.iter().rposition(acknowledged);
        let sure = last.and_then(|at| self.steps[at].shows.clone());
        let later = last.map_or(0, |at| at + 1);
        let possible = self.steps[later..].iter().filter(|step| step.asked < cut);
        std::iter::once(sure).chain(possible.map(|step| step.shows.clone())).collect()
    }

    /// Whether anything was asked or acknowledged of it since this moment.
    pub(crate) fn touched_since(&self, moment: u64) -> bool {
        self.steps.iter().any(|step| step.asked.max(step.done.unwrap_or_default()) >= moment)
    }
}

/// An erasure that was acknowledged.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Erasure {
    done: u64,
    pub(crate) generation: u64,
    pub(crate) certificate: CertificateId,
}

/// The book of one vault.
pub(crate) struct Ledger {
    now: Box<dyn Fn() -> u64 + Send + Sync>,
    entries: Mutex<BTreeMap<RecordId, Entry>>,
    erasures: Mutex<Vec<Erasure>>,
    /// Answers that were given: of which record, and when.
    given: Mutex<Vec<(RecordId, u64)>>,
}

impl Ledger {
    pub(crate) fn new(now: impl Fn() -> u64 + Send + Sync + 'static) -> Arc<Self> {
        let (entries, erasures, given) = Default::default();
        Arc::new(Self { now: Box::new(now), entries, erasures, given })
    }

    /// The present moment.
    pub(crate) fn now(&self) -> u64 {
        (self.now)()
    }

    /// A record was filed, by a call that was made at `asked`.
    pub(crate) fn filed(&self, record: RecordId, name: &str, asked: u64) {
        let done = Some(self.now());
        let step = Step { shows: Some(name.to_owned()), asked, done };
        let before = self.entries.lock().insert(record, Entry { record, steps: vec![step] });
        assert!(before.is_none(), "a record's id was given twice");
    }

    /// A call that will make the record show this is about to be made.
    pub(crate) fn asks(&self, record: RecordId, shows: Shown) {
        let step = Step { shows, asked: self.now(), done: None };
        self.entries.lock().get_mut(&record).unwrap().steps.push(step);
    }

    /// The call asked for last on this record was acknowledged.
    pub(crate) fn done(&self, record: RecordId) {
        let now = self.now();
        let mut entries = self.entries.lock();
        entries.get_mut(&record).unwrap().steps.last_mut().unwrap().done = Some(now);
    }

    /// An erasure was acknowledged with this generation and certificate.
    pub(crate) fn erased(&self, generation: u64, certificate: CertificateId) {
        let done = self.now();
        self.erasures.lock().push(Erasure { done, generation, certificate });
    }

    /// A value of the record was answered.
    pub(crate) fn given(&self, record: RecordId) {
        let done = self.now();
        self.given.lock().push((record, done));
    }

    /// Every record that was ever acknowledged.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.entries.lock().values().cloned().collect()
    }

    /// The last erasure acknowledged before this moment.
    pub(crate) fn last_erasure(&self, cut: u64) -> Option<Erasure> {
        let erasures = self.erasures.lock();
        let before = erasures.iter().filter(|erasure| erasure.done <= cut);
        before.max_by_key(|erasure| erasure.generation).copied()
    }

    /// How many calls that erase were acknowledged.
    pub(crate) fn erasures(&self) -> usize {
        self.erasures.lock().len()
    }

    /// How often values of each record had been answered by this moment.
    pub(crate) fn answers(&self, cut: u64) -> BTreeMap<RecordId, usize> {
        let mut counts = BTreeMap::new();
        for (record, _) in self.given.lock().iter().filter(|(_, done)| *done <= cut) {
            *counts.entry(*record).or_default() += 1;
        }
        counts
    }

    /// A record was looked at: what it showed is what it shows from now on.
    pub(crate) fn settle(&self, record: RecordId, shows: Shown) {
        let now = self.now();
        let mut entries = self.entries.lock();
        let entry = entries.get_mut(&record).unwrap();
        entry.steps.push(Step { shows, asked: now, done: Some(now) });
    }
}

#[test]
fn what_was_acknowledged_is_demanded_and_what_was_only_asked_is_allowed_and_nothing_else() {
    let time = Arc::new(Mutex::new(0));
    let clock = Arc::clone(&time);
    let ledger = Ledger::new(move || *clock.lock());
    let record = RecordId::from_bytes([1; 16]);
    let name = |text: &str| Some(text.to_owned());
    *time.lock() = 20;
    ledger.filed(record, "A", 10);
    *time.lock() = 30;
    ledger.asks(record, name("B"));
    *time.lock() = 40;
    ledger.done(record);
    *time.lock() = 50;
    ledger.asks(record, None);
    let allowed = |cut| ledger.entries()[0].allowed(cut);
    assert_eq!(allowed(10), [None]);
    assert_eq!(allowed(19), [None, name("A")]);
    assert_eq!(allowed(30), [name("A")]);
    assert_eq!(allowed(31), [name("A"), name("B")]);
    assert_eq!(allowed(40), [name("B")]);
    assert_eq!(allowed(99), [name("B"), None]);
    *time.lock() = 60;
    ledger.settle(record, name("B"));
    assert_eq!(allowed(99), [name("B")]);
}
