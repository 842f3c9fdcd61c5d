//! The clock guard in the running log, and alarms.

use super::house::{DAY_MS, House, draft, logged};
use crate::{
    audit::{ALARM_CLOCK, AuditError, ClockVerdict},
    clock::Clock,
    ids::{AgentId, AlarmId},
    storage::keys,
};

fn block_on<T>(future: impl std::future::Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

#[test]
fn a_clock_that_jumps_while_running_trips_survives_restarts_and_ends_when_confirmed() {
    let (house, log) = House::new();
    assert_eq!(log.clock_verdict(), ClockVerdict::Sound);
    let reference = house.clock.now();
    house.clock.advance_millis(90 * DAY_MS);
    assert_eq!(log.clock_verdict(), ClockVerdict::Ahead { reference });
    log.write_rows(crate::storage::Group::default()).unwrap();
    assert_eq!(log.state().clock_floor, reference);
    // Set back it is still tripped, also after a restart.
    house.clock.set(reference);
    assert!(log.clock_tripped());
    drop(log);
    let log = house.restart();
    assert!(log.clock_tripped());
    let kinds: Vec<_> = log.alarms().unwrap().into_iter().map(|a| a.kind).collect();
    assert_eq!(kinds, [ALARM_CLOCK]);
    let event = log.seal(&draft("dpo", 1)).unwrap();
    assert!(block_on(log.confirm_clock(event)).is_ok());
    assert_eq!(log.clock_verdict(), ClockVerdict::Sound);
    drop(log);
    assert!(!house.restart().clock_tripped());
}

#[test]
fn leaves_written_while_tripped_carry_now_but_do_not_move_the_reference() {
    let (house, log) = House::new();
    let reference = log.state().clock_floor;
    house.clock.advance_millis(3 * DAY_MS);
    let event = log.seal(&draft("a", 1)).unwrap();
    assert_eq!(event.time(), house.clock.now());
    assert!(block_on(log.record(event)).is_ok());
    assert_eq!(log.state().clock_floor, reference);
    assert!(log.clock_tripped());
}

#[test]
fn an_event_sealed_while_the_clock_was_far_ahead_trips_the_guard_and_moves_nothing() {
    let (house, log) = House::new();
    let reference = log.state().clock_floor;
    house.clock.advance_millis(3 * DAY_MS);
    let event = log.seal(&draft("a", 1)).unwrap();
    // Nobody looked meanwhile: the clock is right again when the event is written.
    house.clock.set(reference);
    assert!(block_on(log.record(event)).is_ok());
    assert_eq!(log.state().clock_floor, reference);
    assert!(log.clock_tripped());
    assert_eq!(log.alarms().unwrap().len(), 1);
}

#[test]
fn a_leaf_a_day_keeps_the_guard_quiet() {
    let (house, log) = House::new();
    for _ in 0..7 {
        house.clock.advance_millis(DAY_MS);
        logged(&log, &draft("a", 1));
        assert!(!log.clock_tripped());
    }
    assert_eq!(log.state().clock_floor, house.clock.now());
}

#[test]
fn a_vault_that_starts_after_a_week_starts_tripped() {
    let (house, log) = House::new();
    drop(log);
    house.clock.advance_millis(7 * DAY_MS);
    let log = house.restart();
    assert!(log.clock_tripped());
}

#[test]
fn an_alarm_is_open_until_a_named_person_acknowledges_it() {
    let (house, log) = House::new();
    log.raise_alarm("overdue", "purge");
    log.raise_alarm("overdue", "purge");
    log.write_rows(crate::storage::Group::default()).unwrap();
    drop(log);
    let log = house.restart();
    let alarms = log.alarms().unwrap();
    assert_eq!(alarms.len(), 1);
    assert_eq!((alarms[0].kind.as_str(), &alarms[0].acknowledged), ("overdue", &None));
    let dpo = AgentId::parse("dpo").unwrap();
    let acknowledge = |id| {
        let event = log.seal(&draft("dpo", 1)).unwrap();
        block_on(log.acknowledge(id, &dpo, event)).unwrap()
    };
    assert!(!acknowledge(AlarmId::from_bytes([0; 16])));
    assert!(acknowledge(alarms[0].id));
    assert!(!acknowledge(alarms[0].id));
    assert_eq!(log.alarms().unwrap()[0].acknowledged.as_ref().unwrap().0, dpo);
    // The same condition may raise another one now.
    log.raise_alarm("overdue", "purge");
    log.write_rows(crate::storage::Group::default()).unwrap();
    assert_eq!(log.alarms().unwrap().len(), 2);
}

#[test]
fn a_changed_alarm_row_is_noticed() {
    let (house, log) = House::new();
    log.raise_alarm("overdue", "purge");
    log.write_rows(crate::storage::Group::default()).unwrap();
    house.disk.tamper(|rows| {
        let prefix = keys::alarms();
        let row = rows.iter_mut().find(|(key, _)| key.starts_with(&prefix)).unwrap();
        *row.1.last_mut().unwrap() ^= 1;
    });
    assert!(matches!(log.alarms(), Err(AuditError::Corrupt(_))));
}
