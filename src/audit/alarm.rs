//! Alarms: stored rows, open until a named person acknowledges them.
//!
//! A row is MACed like a directory row. An alarm that cannot be stored (the log is unwritable) stays
//! in memory and is listed all the same. Raising what is already open, with the same kind and note,
//! raises nothing: a condition that lasts is one alarm. Notes are closed words, never personal.

use prost::Message;

use super::{
    alarm_book::Alarm,
    error::AuditError,
    queue::{Call, Reply, Waiting},
    shared::Shared,
};
use crate::{
    clock::Timestamp,
    ids::{AgentId, AlarmId},
    keyring::Keyring,
    limits,
    storage::{Group, Op, Precondition, Store, keys},
    wire::store::AlarmRow,
};

/// Kind: the clock guard tripped.
pub const ALARM_CLOCK: &str = "clock";
/// The one note of a clock alarm: a trip found again at a start is the same alarm.
pub(super) const NOTE_CLOCK: &str = "confirm-needed";
/// Kind: a commit of the log failed.
pub const ALARM_UNWRITABLE: &str = "audit-unwritable";
/// Kind: the log was cut or exchanged, and a new origin began.
pub const ALARM_ROLLBACK: &str = "rollback";
/// Kind: somebody broke the glass.
pub const ALARM_BREAK_GLASS: &str = "break-glass";
/// Kind: somebody tried to break the glass and was refused.
pub const ALARM_BREAK_GLASS_REFUSED: &str = "break-glass-refused";
/// Kind: no place took the newest checkpoint.
pub const ALARM_CHECKPOINT: &str = "checkpoint-unwritten";

/// Raises an alarm and returns at once; it is stored by the next commit.
pub(super) fn raise(shared: &Shared, kind: &str, note: &str) {
    let alarm = Alarm {
        id: AlarmId::make(&*shared.random),
        kind: kind.to_owned(),
        raised_at: shared.clock.now(),
        note: note.to_owned(),
        acknowledged: None,
    };
    let (id, op) = (alarm.id, put(shared, &alarm));
    if !shared.alarms.lock().open(alarm) {
        return;
    }
    let group = Group { preconditions: Vec::new(), ops: vec![op] };
    let call = Call { group, ..Call::default() };
    // A closed queue leaves the alarm in memory, where `list` finds it.
    let _ = shared.queue.push_now(Waiting { call, reply: Reply::Alarm(id) });
}

/// An alarm to be stored by another call's commit: its id and its row. Each is an alarm of its own; `note`
/// tells them apart.
pub(super) fn prepare(shared: &Shared, kind: &str, note: &str) -> (AlarmId, Op) {
    let alarm = Alarm {
        id: AlarmId::make(&*shared.random),
        kind: kind.to_owned(),
        raised_at: shared.clock.now(),
        note: note.to_owned(),
        acknowledged: None,
    };
    let prepared = (alarm.id, put(shared, &alarm));
    // A full book leaves it to the row, which is what a listing reads.
    shared.alarms.lock().open(alarm);
    prepared
}

/// What became of the commit of a prepared alarm. Where nobody knows, it stays in memory, as one that could
/// not be stored.
pub(super) fn settle<T>(shared: &Shared, id: AlarmId, commit: &Result<T, AuditError>) {
    match commit {
        Ok(_) => shared.alarms.lock().stored(id),
        Err(AuditError::Unwritable) => {}
        Err(_) => shared.alarms.lock().close(id),
    }
}

/// All alarms, stored ones in the order of their ids, then those not stored yet.
///
/// Errors: [`AuditError::Read`]; [`AuditError::Corrupt`] for a row whose mac is wrong.
pub(super) fn list(shared: &Shared) -> Result<Vec<Alarm>, AuditError> {
    // Read before the rows, so that one stored meanwhile is listed twice rather than never.
    let unstored = shared.alarms.lock().unstored();
    let mut alarms = load(shared.store.as_ref(), shared.keyring.as_ref())?;
    let stored: Vec<AlarmId> = alarms.iter().map(|alarm| alarm.id).collect();
    alarms.extend(unstored.into_iter().filter(|alarm| !stored.contains(&alarm.id)));
    Ok(alarms)
}

/// The stored alarms.
pub(super) fn load(store: &dyn Store, keyring: &Keyring) -> Result<Vec<Alarm>, AuditError> {
    let rows = store.scan(&keys::alarms(), None, limits::ALARMS_MAX)?;
    let alarm = |(key, value): &(Vec<u8>, Vec<u8>)| {
        keyring.check_row(key, value).and_then(parse).ok_or(AuditError::Corrupt("an alarm row"))
    };
    rows.iter().map(alarm).collect()
}

/// The rows that acknowledge an open, stored alarm at this instant; `None` if there is no such one.
pub(super) fn acknowledgement(
    shared: &Shared,
    id: AlarmId,
    by: &AgentId,
    at: Timestamp,
) -> Result<Option<Group>, AuditError> {
    let key = keys::alarm(&id);
    let Some(value) = shared.store.get(&key)? else { return Ok(None) };
    let mut alarm = shared
        .keyring
        .check_row(&key, &value)
        .and_then(parse)
        .ok_or(AuditError::Corrupt("an alarm row"))?;
    if alarm.acknowledged.is_some() {
        return Ok(None);
    }
    alarm.acknowledged = Some((by.clone(), at));
    // Two who acknowledge at once: the second loses the precondition.
    let preconditions = vec![Precondition::Unchanged(key, value)];
    Ok(Some(Group { preconditions, ops: vec![put(shared, &alarm)] }))
}

/// Forgets an acknowledged alarm, so that the same condition may raise another.
pub(super) fn closed(shared: &Shared, id: AlarmId) {
    shared.alarms.lock().close(id);
}

fn put(shared: &Shared, alarm: &Alarm) -> Op {
    let acknowledged = alarm.acknowledged.as_ref();
    let row = AlarmRow {
        alarm_id: alarm.id.as_bytes().to_vec(),
        kind: alarm.kind.clone(),
        raised_at_ms: alarm.raised_at.as_millis(),
        note: alarm.note.clone(),
        acknowledged_by: acknowledged.map(|(by, _)| by.to_string()).unwrap_or_default(),
        acknowledged_at_ms: acknowledged.map_or(0, |(_, at)| at.as_millis()),
    };
    let key = keys::alarm(&alarm.id);
    let value = shared.keyring.mac_row(&key, &row.encode_to_vec());
    Op::Put(key, value)
}

fn parse(row: &[u8]) -> Option<Alarm> {
    let row = AlarmRow::decode(row).ok()?;
    let acknowledged = match row.acknowledged_by.as_str() {
        "" => None,
        by => Some((AgentId::parse(by).ok()?, Timestamp::from_millis(row.acknowledged_at_ms))),
    };
    Some(Alarm {
        id: AlarmId::from_slice(&row.alarm_id).ok()?,
        kind: row.kind,
        raised_at: Timestamp::from_millis(row.raised_at_ms),
        note: row.note,
        acknowledged,
    })
}
