//! The model: records as plain values, and what each call answers. It knows nothing of keys or disks.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, Months, NaiveDate};

use super::script::{DAYS, New, Op};

/// A record, by the number of the call that filed it.
pub(super) type Number = usize;

/// What a call answers, as far as a client can see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// Filed as this record; whether the answer was a repetition.
    Filed(Number, bool),
    Imported(Vec<Answer>),
    Version(u32, bool),
    Shown {
        name: usize,
        version: u32,
    },
    Many(Vec<(Number, Answer)>),
    Listed(BTreeSet<Number>),
    Matched(bool),
    Refused(&'static str),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Record {
    name: usize,
    phone: usize,
    expires_on: NaiveDate,
    version: u32,
    units: BTreeSet<usize>,
}

/// A write that was done under a request id: by which call, on which record.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Done {
    op: Op,
    record: Number,
    version: u32,
}

/// One possible state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct World {
    pub(super) today: NaiveDate,
    records: BTreeMap<Number, Record>,
    /// Everything ever filed, in order: what calls name by its place.
    filed: Vec<Number>,
    requests: BTreeMap<usize, Done>,
}

/// A call with its names resolved: the number it was first sent under, and its request id's.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) number: Number,
    pub(super) op: Op,
    pub(super) request: Option<usize>,
    /// The record it is about, by its number; `None` where nothing was filed yet.
    pub(super) record: Option<Number>,
    /// For an update: the version it expects.
    pub(super) expected: u32,
}

impl World {
    pub(super) fn new(today: NaiveDate) -> Self {
        let (records, requests) = (BTreeMap::new(), BTreeMap::new());
        Self { today, records, filed: Vec::new(), requests }
    }

    /// The records that calls can name, in the order in which they were filed.
    pub(super) fn named(&self) -> &[Number] {
        &self.filed
    }

    /// The present version of a record, 0 where there is none.
    pub(super) fn version(&self, number: Number) -> u32 {
        self.records.get(&number).map_or(0, |record| record.version)
    }

    /// A day passes and what is due is purged, with what was done to it.
    pub(super) fn day(&mut self) {
        self.today = self.today.checked_add_days(Days::new(1)).unwrap();
        let today = self.today;
        self.records.retain(|_, record| today < record.expires_on);
        let left = &self.records;
        self.requests.retain(|_, done| left.contains_key(&done.record));
    }

    /// What the call answers here, and its effect.
    pub(super) fn answer(&mut self, call: &Call) -> Answer {
        match &call.op {
            Op::Create(new) => self.create(call.number, call.request, new),
            Op::Import(all) => {
                let one = |(place, new)| {
                    let number = part(call.number, place);
                    let request = call.request.map(|request| part(request, place));
                    self.create(number, request, new)
                };
                Answer::Imported(all.iter().enumerate().map(one).collect())
            }
            Op::Update { .. } | Op::Assign { .. } | Op::Unassign { .. } => self.change(call),
            Op::Reveal { unit, .. } => match self.mine(*unit, call.record) {
                Some(record) => shown(record),
                None => Answer::Refused("NOT_AVAILABLE"),
            },
            Op::RevealMany { unit } => {
                let one = |number: &Number| match self.mine(*unit, Some(*number)) {
                    Some(record) => (*number, shown(record)),
                    None => (*number, Answer::Refused("NOT_AVAILABLE")),
                };
                let mut many: Vec<(Number, Answer)> = self.filed.iter().map(one).collect();
                many.sort_by_key(|(number, _)| *number);
                Answer::Many(many)
            }
            Op::Find { unit, name, phone } => self.list(*unit, |record| {
                name.is_none_or(|name| record.name == name)
                    && phone.is_none_or(|phone| record.phone == phone)
            }),
            Op::Match { unit, phone, .. } => match self.mine(*unit, call.record) {
                Some(record) => Answer::Matched(record.phone == *phone),
                None => Answer::Refused("NOT_AVAILABLE"),
            },
            Op::Worklist { unit } => self.list(*unit, |_| true),
        }
    }

    fn create(&mut self, number: Number, request: Option<usize>, new: &New) -> Answer {
        let collected: NaiveDate = DAYS[new.day].parse().unwrap();
        let expires_on = collected.checked_add_months(Months::new(3)).unwrap();
        let op = Op::Create(new.clone());
        if let Some(done) = request.and_then(|request| self.requests.get(&request)) {
            if done.op != op {
                return Answer::Refused("REQUEST_ID_REUSED");
            }
            return Answer::Filed(done.record, true);
        }
        if expires_on <= self.today {
            return Answer::Refused("ALREADY_EXPIRED");
        }
        let units = BTreeSet::new();
        let record = Record { name: new.name, phone: new.phone, expires_on, version: 1, units };
        self.records.insert(number, record);
        self.filed.push(number);
        if let Some(request) = request {
            self.requests.insert(request, Done { op, record: number, version: 1 });
        }
        Answer::Filed(number, false)
    }

    fn change(&mut self, call: &Call) -> Answer {
        if let Some(done) = call.request.and_then(|request| self.requests.get(&request)) {
            if done.op != call.op || Some(done.record) != call.record {
                return Answer::Refused("REQUEST_ID_REUSED");
            }
            return Answer::Version(done.version, true);
        }
        let Some((number, record)) =
            call.record.and_then(|number| Some((number, self.records.get_mut(&number)?)))
        else {
            return Answer::Refused("NOT_AVAILABLE");
        };
        match &call.op {
            Op::Update { unit, name, phone, .. } => {
                if !record.units.contains(unit) {
                    return Answer::Refused("NOT_AVAILABLE");
                }
                if call.expected != record.version {
                    return Answer::Refused("VERSION_MISMATCH");
                }
                record.name = name.unwrap_or(record.name);
                record.phone = phone.unwrap_or(record.phone);
            }
            Op::Assign { unit, .. } => drop(record.units.insert(*unit)),
            Op::Unassign { unit, .. } => drop(record.units.remove(unit)),
            _ => {}
        }
        record.version += 1;
        let version = record.version;
        if let Some(request) = call.request {
            self.requests.insert(request, Done { op: call.op.clone(), record: number, version });
        }
        Answer::Version(version, false)
    }

    fn mine(&self, unit: usize, number: Option<Number>) -> Option<&Record> {
        self.records.get(&number?).filter(|record| record.units.contains(&unit))
    }

    fn list(&self, unit: usize, holds: impl Fn(&Record) -> bool) -> Answer {
        let mine = self.records.iter().filter(|(_, r)| r.units.contains(&unit) && holds(r));
        Answer::Listed(mine.map(|(number, _)| *number).collect())
    }
}

/// The number of one record of an import.
pub(super) fn part(number: Number, place: usize) -> Number {
    1_000_000 + number * 16 + place
}

fn shown(record: &Record) -> Answer {
    Answer::Shown { name: record.name, version: record.version }
}
