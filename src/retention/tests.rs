//! A purge over a real keyring and a real log, in memory: what a clean run does, and what is left
//! after a crash at every call of the store and of the places, counted on the clean run.

use std::sync::Arc;

use chrono_tz::Indian::Reunion;
use prost::Message as _;

use super::*;
use crate::{
    audit::{AuditRule, EventDetail, EventFilter, Opened, audit_cohort_key},
    clock::{Clock as _, ManualClock},
    ids::{ClassName, CollectionName, RecordId, SlotRef},
    keyring::{self, CohortKey, Keyring, MemoryPlaces, NewVault, RootSource},
    random::SeededRandom,
    secret::Secret,
    storage::memory::{Counted, Fault, MemoryDisk},
    wire::store::RecordRow,
};

const PACK: [u8; 32] = [9; 32];
const HOUR: i64 = 60 * 60 * 1000;

/// A vault's disk and places, with two cohorts: one due at `midnight`, one a day later.
struct Bench {
    disk: MemoryDisk,
    places: MemoryPlaces,
    clock: Arc<ManualClock>,
    due: Vec<(RecordId, SlotRef)>,
    live: Vec<(RecordId, SlotRef)>,
    seed: u64,
}

fn midnight() -> Timestamp {
    Timestamp::start_of("2021-02-23".parse().unwrap(), Reunion).unwrap()
}

fn rule() -> AuditRule {
    AuditRule { zone: Reunion, end_date: "2021-04-01".parse().unwrap() }
}

fn cohort(day: &str) -> CohortKey {
    let collection = CollectionName::parse("things").unwrap();
    CohortKey { collection, expires_on: day.parse().unwrap(), zone: Reunion }
}

fn root() -> RootSource {
    RootSource::KeyFile(Secret::from_bytes([3; 32]))
}

impl Bench {
    /// Five records that are due at midnight, three that are not, and the clock at midnight.
    fn filled() -> Self {
        let clock = Arc::new(ManualClock::at(midnight().plus_millis(-8 * HOUR)));
        let (disk, places) = (MemoryDisk::new(), MemoryPlaces::new(2));
        let mut bench = Self { disk, places, clock, due: vec![], live: vec![], seed: 1 };
        let new = NewVault {
            name: "essai".into(),
            node: "n1".into(),
            pack_hash: PACK,
            retention_part: Vec::new(),
            now: bench.clock.now(),
        };
        let random = SeededRandom::new(1);
        drop(Keyring::create(bench.places.places(), root(), new, &random).unwrap());
        let retention = bench.open().unwrap();
        bench.due = (0..5).map(|n| bench.file(&retention, n, "2021-02-23")).collect();
        bench.live = (5..8).map(|n| bench.file(&retention, n, "2021-02-24")).collect();
        drop(retention);
        bench.clock.set(midnight());
        bench
    }

    /// A start: keyring, log, missing leaf, segments, then the purge that a crash cut.
    fn open(&mut self) -> Result<Retention, RetentionError> {
        self.seed += 1;
        let random = Arc::new(SeededRandom::new(self.seed));
        let keyring = Keyring::open(self.places.places(), &[], root(), random.as_ref())?;
        let (store, clock) = (Arc::new(self.disk.open()), Arc::clone(&self.clock));
        let opened = AuditLog::open(store, keyring, rule(), clock, random).unwrap();
        let Opened::Whole(log) = opened else { panic!("nothing of the log was lost") };
        let log = Arc::new(log);
        log.publish_missing()?;
        let mut draft = log.keyring().draft();
        for key in [audit_cohort_key(&rule(), self.clock.now())?, cohort("2021-02-24")] {
            draft.open_segment(&key, log.random().as_ref())?;
        }
        if self.clock.now() < midnight() {
            draft.open_segment(&cohort("2021-02-23"), log.random().as_ref())?;
        }
        log.publish(draft.write(log.state(), log.random().as_ref())?)?;
        let retention = Retention::new(log);
        retention.resume(PACK)?;
        Ok(retention)
    }

    /// Writes what a create writes: record, member, two sections, two index rows.
    fn file(&self, retention: &Retention, n: u8, day: &str) -> (RecordId, SlotRef) {
        let log = &retention.log;
        let slot = log.keyring().hand_out(&cohort(day)).unwrap();
        let (id, home) = (RecordId::from_bytes([n; 16]), slot.cohort.id);
        let rows = [1, 2].map(|token| keys::index(&home, 1, &[token; 16], &id));
        let row = RecordRow {
            cohort_id: home.as_bytes().to_vec(),
            seg_id: slot.at.seg.as_bytes().to_vec(),
            index: slot.at.index,
            index_row_keys: rows.to_vec(),
            ..RecordRow::default()
        };
        let mut ops = vec![
            Op::Put(keys::record(&id), row.encode_to_vec()),
            Op::Put(keys::member(&home, &id), Vec::new()),
        ];
        for class in ["one", "two"] {
            let class = ClassName::parse(class).unwrap();
            ops.push(Op::Put(keys::section(&home, &id, &class), vec![1]));
        }
        ops.extend(rows.into_iter().map(|key| Op::Put(key, Vec::new())));
        let group = Group { preconditions: Vec::new(), ops };
        let sealed = log.seal(&EventDraft::new("create")).unwrap();
        let used = [(slot.at, slot.cohort.clone())];
        let _receipt = log.commit_blocking(group, &used, Some(sealed)).unwrap();
        (id, slot.at)
    }

    /// The machine starts again: what was persisted is there, nothing fails any more.
    fn restart(&mut self) -> Retention {
        self.disk.heal();
        self.places.restart();
        self.open().unwrap()
    }

    /// What must be true after recovery, wherever the crash was.
    fn check(&self, retention: &Retention, context: &str) {
        let log = &retention.log;
        for (id, slot) in &self.due {
            assert!(log.keyring().derive_slot(slot).is_err(), "{context}: a due slot opens");
            assert!(log.store().get(&keys::record(id)).unwrap().is_none(), "{context}: {id}");
        }
        for (id, slot) in &self.live {
            assert!(log.keyring().derive_slot(slot).is_ok(), "{context}: a live slot is gone");
            assert!(log.store().get(&keys::record(id)).unwrap().is_some(), "{context}: {id}");
        }
        let left = |tag: u8| {
            let rows = log.store().scan(&[tag], None, 999).unwrap();
            rows.iter().filter(|(key, _)| !key.ends_with(b"event")).count()
        };
        assert_eq!((left(b'r'), left(b'c')), (3, 3), "{context}");
        let sections = log.store().scan(b"s", None, 999).unwrap();
        assert_eq!(
            sections.iter().filter(|(k, _)| k.ends_with(b"one") || k.ends_with(b"two")).count(),
            6,
            "{context}"
        );
        assert_eq!(left(b'n'), 0, "{context}: counts were reported");
        assert!(log.store().get(keys::PURGE).unwrap().is_none(), "{context}: the run is closed");
        assert_eq!(retention.certificates().unwrap().len(), 1, "{context}");
        let json = retention.certificate(None).unwrap();
        let summary = verify(&json, &retention.certificate_verifier_key()).unwrap();
        let totals = (summary.records, summary.sections, summary.index_rows, summary.events);
        assert_eq!(totals, (5, 10, 10, 0), "{context}");
        proven(retention, &json, context);
        assert_eq!(retention.overdue_ms(), 0, "{context}");
        assert!(retention.preview().unwrap().cohorts.is_empty(), "{context}");
    }

    /// Every purge event names a generation whose leaf came before it, and an intent came before that.
    fn check_order(&self, retention: &Retention, context: &str) {
        let kinds = |kind: &str| {
            let filter = EventFilter { kind: Some(kind.into()), ..EventFilter::default() };
            retention.log.list(&filter, None, 99).unwrap().events
        };
        let done = kinds("purge").into_iter().find(|e| match &e.detail {
            EventDetail::Open(detail) => detail.outcome == "OK",
            _ => false,
        });
        let done = done.expect(context);
        let EventDetail::Open(detail) = &done.detail else { panic!("{context}") };
        let note = |start: &str| {
            let found = detail.notes.iter().find_map(|note| note.strip_prefix(start));
            found.unwrap_or_else(|| panic!("{context}: {start}")).to_owned()
        };
        let erased: u64 = note("generation=").parse().unwrap();
        let leaf = kinds("generation").into_iter().find(|e| match &e.detail {
            EventDetail::Generation { generation, keyring_hash } => {
                *generation == erased && hex::encode(keyring_hash) == note("keyring=")
            }
            _ => false,
        });
        let leaf = leaf.expect(context);
        let intent = kinds("purge-intent").into_iter().map(|e| e.n).min().expect(context);
        assert!(intent < leaf.n && leaf.n < done.n, "{context}: {intent} {} {}", leaf.n, done.n);
    }
}

/// The certificate is borne out by the exported log, wherever the run was cut.
fn proven(retention: &Retention, json: &str, context: &str) {
    let folder = tempfile::tempdir().unwrap();
    for file in retention.log.export(None).unwrap() {
        let file = file.unwrap();
        let path = folder.path().join(&file.path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, file.bytes).unwrap();
    }
    let key = retention.log.verifier_key();
    let log = Some(LogCopy { folder: folder.path(), key: &key });
    let evidence = Evidence { log, keyring: None };
    let proven = prove(json, &retention.certificate_verifier_key(), evidence).unwrap();
    let ok = proven.findings.iter().filter(|finding| finding.verdict == Verdict::Ok).count();
    assert!(proven.holds() && ok == 6, "{context}: {:?}", proven.findings);
}

#[test]
fn a_held_record_outlives_the_purge_and_the_certificate_says_why_and_since_when() {
    let mut bench = Bench::filled();
    let retention = bench.open().unwrap();
    let log = Arc::clone(&retention.log);
    let (held, slot) = bench.due[0];
    let placed_at = log.clock().now().plus_millis(-50 * HOUR);
    let mut draft = log.keyring().draft();
    let hold = keyring::Hold {
        id: crate::ids::HoldId::from_bytes([8; 16]),
        record: held,
        slots: vec![slot],
        authority: "court of the example".into(),
        reason: "case 12".into(),
        ends_on: "2021-03-20".parse().unwrap(),
        ends_at: placed_at.plus_millis(60 * 24 * HOUR),
        approver: crate::ids::AgentId::parse("dpo-1").unwrap(),
        placed_at,
    };
    draft.place_hold(hold).unwrap();
    log.publish(draft.write(log.state(), log.random().as_ref()).unwrap()).unwrap();
    let report = retention.run_under(PACK, None, &[]).unwrap();
    assert_eq!(report.records, 4);
    assert!(log.keyring().slot_lives(&slot) && !log.keyring().slot_lives(&bench.due[1].1));
    let json = retention.certificate(report.certificate).unwrap();
    proven(&retention, &json, "held");
    let said: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&said["holds_kept"], &said["holds_in_force"]), (&1.into(), &1.into()));
    let told = &said["holds"][0];
    assert_eq!(told["record"], held.to_string());
    assert_eq!((&told["age_days"], &told["past_date"]), (&2.into(), &true.into()));
    assert_eq!(told["placed_at"], placed_at.to_string());
    assert_eq!(
        (told["authority"].as_str(), told["reason"].as_str(), told["ends_on"].as_str()),
        (Some("court of the example"), Some("case 12"), Some("2021-03-20"))
    );
    let readable = said["still_readable"].as_array().unwrap();
    assert!(readable.iter().any(|item| item["code"] == "held"));
}

#[test]
fn a_purge_forgets_what_is_due_and_nothing_else() {
    let mut bench = Bench::filled();
    let retention = bench.open().unwrap();
    let preview = retention.preview().unwrap();
    assert_eq!((preview.cohorts.len(), preview.cohorts[0].records), (1, 5));
    let report = retention.run_under(PACK, None, &[]).unwrap();
    assert_eq!((report.records, report.sections, report.index_rows), (5, 10, 10));
    assert_eq!(report.generation_after, report.generation_before + 1);
    bench.check(&retention, "clean");
    bench.check_order(&retention, "clean");
}

#[test]
fn nothing_due_is_no_generation_and_no_certificate() {
    let mut bench = Bench::filled();
    bench.clock.set(midnight().plus_millis(-1));
    let retention = bench.open().unwrap();
    let report = retention.run_under(PACK, None, &[]).unwrap();
    assert_eq!(report.generation_before, report.generation_after);
    assert!(report.certificate.is_none() && report.skipped.is_none());
    assert!(matches!(retention.certificate(None), Err(RetentionError::NoCertificate)));
    assert!(bench.due.iter().all(|(_, slot)| retention.log.keyring().slot_lives(slot)));
}

#[test]
fn segments_that_were_never_used_go_with_a_generation_and_an_event_and_without_a_certificate() {
    let mut bench = Bench::filled();
    let retention = bench.open().unwrap();
    retention.run_under(PACK, None, &[]).unwrap();
    let log = &retention.log;
    let mut draft = log.keyring().draft();
    draft.open_segment(&cohort("2021-02-22"), log.random().as_ref()).unwrap();
    let unpublished = draft.write(log.state(), log.random().as_ref()).unwrap();
    log.publish(unpublished).unwrap();
    let report = retention.run_under(PACK, None, &[]).unwrap();
    assert_eq!((report.certificate, report.skipped, report.cohorts.len()), (None, None, 1));
    assert_eq!(report.generation_after, report.generation_before + 1);
    assert_eq!(retention.certificates().unwrap().len(), 1, "the one of the used segments");
    assert!(log.store().get(keys::PURGE).unwrap().is_none());
    let filter = EventFilter { kind: Some("purge".into()), ..EventFilter::default() };
    let newest = log.list(&filter, None, 1).unwrap().events.remove(0);
    let EventDetail::Open(event) = newest.detail else { panic!("it can be opened") };
    assert!(event.notes.iter().any(|note| note == "certificate=none"), "{:?}", event.notes);
}

#[test]
fn after_a_jump_of_the_clock_a_purge_says_why_it_did_not_run() {
    let mut bench = Bench::filled();
    let retention = bench.open().unwrap();
    bench.clock.advance_millis(90 * 24 * HOUR);
    let report = retention.run_under(PACK, None, &[]);
    // The jump is into a month without a segment for events: the run may fail, and erases nothing.
    let skipped = report.map(|report| report.skipped.is_some()).unwrap_or(true);
    assert!(skipped && !retention.is_due(&[Reunion]));
    bench.clock.set(midnight().plus_millis(HOUR));
    assert!(bench.live.iter().all(|(_, slot)| retention.log.keyring().slot_lives(slot)));
}

#[test]
fn a_second_purge_is_told_that_one_is_running() {
    let mut bench = Bench::filled();
    let retention = bench.open().unwrap();
    let running = retention.start().unwrap();
    assert!(matches!(retention.run_under(PACK, None, &[]), Err(RetentionError::Running)));
    drop(running);
    assert!(retention.run_under(PACK, None, &[]).is_ok());
}

#[test]
fn a_silent_place_stops_the_purge_before_anything_is_erased_and_a_later_run_makes_it_good() {
    let mut bench = Bench::filled();
    let retention = bench.open().unwrap();
    bench.places.set_silent(1, true);
    let report = retention.run_under(PACK, None, &[]).unwrap();
    assert!(report.skipped.is_some() && report.certificate.is_none());
    assert!(bench.due.iter().all(|(_, slot)| retention.log.keyring().slot_lives(slot)));
    bench.places.set_silent(1, false);
    assert!(retention.run_under(PACK, None, &[]).unwrap().skipped.is_some(), "the schedule waits");
    bench.clock.advance_millis(limits::PURGE_RETRY_MS);
    assert!(retention.run_under(PACK, None, &[]).unwrap().certificate.is_some());
    bench.check(&retention, "after the place came back");
}

#[test]
fn a_crash_at_any_call_of_the_store_ends_with_the_same_totals() {
    let mut clean = Bench::filled();
    let retention = clean.open().unwrap();
    clean.disk.heal();
    retention.run_under(PACK, None, &[]).unwrap();
    let calls = clean.disk.calls(Counted::All);
    assert!(calls > 20, "{calls}");
    for call in 0..calls {
        for fault in
            [Fault::FailAndNotPersist(call), Fault::FailButPersist(call), Fault::DeadFrom(call)]
        {
            let mut bench = Bench::filled();
            let retention = bench.open().unwrap();
            bench.disk.inject(Counted::All, fault);
            let _ = retention.run_under(PACK, None, &[]);
            drop(retention);
            let retention = bench.restart();
            // What was not yet begun is done by the next run; what was, recovery has finished.
            retention.run_under(PACK, None, &[]).unwrap();
            let context = format!("{fault:?} of {calls}");
            bench.check(&retention, &context);
            bench.check_order(&retention, &context);
        }
    }
}

#[test]
fn a_crash_at_any_call_of_the_places_ends_with_the_same_totals() {
    let mut clean = Bench::filled();
    let retention = clean.open().unwrap();
    let before = clean.places.calls();
    retention.run_under(PACK, None, &[]).unwrap();
    let calls = clean.places.calls() - before;
    assert!(calls > 10, "{calls}");
    for call in 1..=calls {
        for fault in [keyring::Fault::Lost, keyring::Fault::Kept, keyring::Fault::Torn] {
            let mut bench = Bench::filled();
            let retention = bench.open().unwrap();
            bench.places.fail(bench.places.calls() + call, fault, true);
            let _ = retention.run_under(PACK, None, &[]);
            drop(retention);
            let retention = bench.restart();
            retention.run_under(PACK, None, &[]).unwrap();
            let context = format!("{fault:?} at {call} of {calls}");
            bench.check(&retention, &context);
            bench.check_order(&retention, &context);
        }
    }
}

#[test]
fn a_restored_database_is_swept_and_opens_nothing_purged() {
    let mut bench = Bench::filled();
    let old = bench.disk.copy();
    let retention = bench.open().unwrap();
    retention.run_under(PACK, None, &[]).unwrap();
    drop(retention);
    bench.disk = old;
    bench.seed += 1;
    let random = Arc::new(SeededRandom::new(bench.seed));
    let keyring = Keyring::open(bench.places.places(), &[], root(), random.as_ref()).unwrap();
    let clock = Arc::clone(&bench.clock);
    let store = Arc::new(bench.disk.open());
    let opened = AuditLog::open(store, Arc::clone(&keyring), rule(), clock, random).unwrap();
    let Opened::RolledBack(cut) = opened else { panic!("an older database is noticed") };
    let state = cut.state();
    let mut draft = keyring.draft();
    draft.raise_origin(cut.loss().next_k);
    let audit = audit_cohort_key(&rule(), bench.clock.now()).unwrap();
    draft.open_segment(&audit, &SeededRandom::new(77)).unwrap();
    let unpublished = draft.write(state, &SeededRandom::new(78)).unwrap();
    let log = Arc::new(cut.start_origin().unwrap());
    log.publish(unpublished).unwrap();
    let retention = Retention::new(log);
    assert_eq!(retention.sweep_unreachable().unwrap(), 25);
    for (id, slot) in &bench.due {
        assert!(retention.log.keyring().derive_slot(slot).is_err());
        assert!(retention.log.store().get(&keys::record(id)).unwrap().is_none());
    }
    for (id, slot) in &bench.live {
        assert!(retention.log.keyring().derive_slot(slot).is_ok());
        assert!(retention.log.store().get(&keys::record(id)).unwrap().is_some());
    }
    assert_eq!(retention.sweep_unreachable().unwrap(), 0);
}
