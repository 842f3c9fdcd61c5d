//! What can happen: calls of several clients, calls at the same time, restarts, failures, days.

use proptest::{collection::vec, prelude::*};

/// Names, numbers, units and days are few, so that clients meet on the same records.
pub(super) const NAMES: [&str; 3] = ["EXEMPLE-ALPHA", "EXEMPLE-BETA", "EXEMPLE-GAMMA"];
pub(super) const PHONES: [&str; 2] = ["0692000001", "0692000002"];
pub(super) const UNITS: [&str; 2] = ["north", "south"];
/// Collection dates on the island; the first two are due one and two days after the start.
pub(super) const DAYS: [&str; 4] = ["2020-08-24", "2020-08-25", "2020-11-20", "2020-11-23"];

/// A new file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct New {
    pub(super) name: usize,
    pub(super) phone: usize,
    pub(super) day: usize,
}

/// A call. Records are named by their place among those that were filed so far, modulo their number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Op {
    Create(New),
    Import(Vec<New>),
    /// By the clerk of a unit, at the present version or an older one.
    Update {
        unit: usize,
        record: usize,
        stale: bool,
        name: Option<usize>,
        phone: Option<usize>,
    },
    Assign {
        record: usize,
        unit: usize,
    },
    Unassign {
        record: usize,
        unit: usize,
    },
    Reveal {
        unit: usize,
        record: usize,
    },
    RevealMany {
        unit: usize,
    },
    Find {
        unit: usize,
        name: Option<usize>,
        phone: Option<usize>,
    },
    Match {
        unit: usize,
        record: usize,
        phone: usize,
    },
    Worklist {
        unit: usize,
    },
}

/// A call as it is sent.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    pub(super) op: Op,
    /// Whether a write carries a request id.
    pub(super) id: bool,
}

/// One step.
#[derive(Debug, Clone)]
pub(super) enum Step {
    One(Sent),
    /// An earlier write, sent again as it was.
    Again(usize),
    /// The request id of an earlier write with another content.
    Reuse(usize, New),
    /// Calls on single records, at the same time, all with request ids.
    Together(Vec<Op>),
    Restart,
    /// The store fails at its n-th call from now: 0 without, 1 with effect, 2 from then on.
    Fail(u64, u8),
    /// A day passes, and what is due is purged.
    Day,
}

fn new() -> impl Strategy<Value = New> {
    (0..NAMES.len(), 0..PHONES.len(), 0..DAYS.len()).prop_map(|(name, phone, day)| New {
        name,
        phone,
        day,
    })
}

fn write() -> impl Strategy<Value = Op> {
    let (unit, record) = (0..UNITS.len(), 0..8_usize);
    prop_oneof![
        3 => new().prop_map(Op::Create),
        3 => (
            unit.clone(),
            record.clone(),
            prop::bool::weighted(0.2),
            prop::option::of(0..NAMES.len()),
            prop::option::of(0..PHONES.len()),
        )
            .prop_filter("changes something", |(_, _, _, name, phone)| name.or(*phone).is_some())
            .prop_map(|(unit, record, stale, name, phone)| Op::Update {
                unit, record, stale, name, phone,
            }),
        3 => (record.clone(), unit.clone()).prop_map(|(record, unit)| Op::Assign { record, unit }),
        1 => (record, unit).prop_map(|(record, unit)| Op::Unassign { record, unit }),
    ]
}

fn read_one() -> impl Strategy<Value = Op> {
    let (unit, record) = (0..UNITS.len(), 0..8_usize);
    prop_oneof![
        (unit.clone(), record.clone()).prop_map(|(unit, record)| Op::Reveal { unit, record }),
        (unit, record, 0..PHONES.len()).prop_map(|(unit, record, phone)| Op::Match {
            unit,
            record,
            phone
        }),
    ]
}

fn any_op() -> impl Strategy<Value = Op> {
    let unit = 0..UNITS.len();
    prop_oneof![
        8 => write(),
        3 => read_one(),
        1 => vec(new(), 1..4).prop_map(Op::Import),
        1 => unit.clone().prop_map(|unit| Op::RevealMany { unit }),
        3 => (unit.clone(), prop::option::of(0..NAMES.len()), prop::option::of(0..PHONES.len()))
            .prop_filter("looks for something", |(_, name, phone)| name.or(*phone).is_some())
            .prop_map(|(unit, name, phone)| Op::Find { unit, name, phone }),
        2 => unit.prop_map(|unit| Op::Worklist { unit }),
    ]
}

fn step(faults: bool) -> impl Strategy<Value = Step> {
    let fault = if faults { 4 } else { 0 };
    let one = (any_op(), prop::bool::weighted(0.8)).prop_map(|(op, id)| Step::One(Sent { op, id }));
    let together = vec(prop_oneof![3 => write(), 1 => read_one()], 2..4).prop_map(Step::Together);
    prop_oneof![
        24 => one,
        2 => (0..16_usize).prop_map(Step::Again),
        1 => (0..16_usize, new()).prop_map(|(of, new)| Step::Reuse(of, new)),
        4 => together,
        1 => Just(Step::Day),
        fault => (0..12_u64, 0..3_u8).prop_map(|(n, kind)| Step::Fail(n, kind)),
        fault.min(2) => Just(Step::Restart),
    ]
}

/// Any script; without faults it never restarts.
pub(super) fn any(faults: bool) -> impl Strategy<Value = Vec<Step>> {
    vec(step(faults), 1..40)
}
