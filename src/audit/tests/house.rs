//! A vault's keys, places and disk in memory, with a clock set by hand: what the tests build on.

use std::sync::Arc;

use chrono::NaiveDate;

use crate::{
    audit::{
        AuditError, AuditLog, AuditRule, EventDraft, OpenError, Opened, Receipt, audit_cohort_key,
    },
    clock::{Clock, ManualClock, Timestamp},
    ids::{AgentId, RecordId},
    keyring::{Keyring, MemoryPlaces, NewVault, RootSource},
    random::{Random, SeededRandom},
    secret::Secret,
    storage::{Group, Op, Store, memory::MemoryDisk},
};

/// 2020-11-23T08:00:00.123Z.
pub(in crate::audit) const START: Timestamp = Timestamp::from_millis(1_606_118_400_123);
pub(in crate::audit) const DAY_MS: i64 = 86_400_000;

pub(in crate::audit) struct House {
    pub(in crate::audit) places: MemoryPlaces,
    pub(in crate::audit) disk: MemoryDisk,
    pub(in crate::audit) clock: Arc<ManualClock>,
    pub(in crate::audit) random: Arc<dyn Random>,
    pub(in crate::audit) rule: AuditRule,
}

impl House {
    /// A new vault: generation 1 is at the places, its leaf is not written yet.
    pub(in crate::audit) fn founded() -> (Self, Arc<Keyring>) {
        let house = Self {
            places: MemoryPlaces::new(2),
            disk: MemoryDisk::new(),
            clock: Arc::new(ManualClock::at(START)),
            random: Arc::new(SeededRandom::new(7)),
            rule: AuditRule {
                zone: chrono_tz::Europe::Paris,
                end_date: NaiveDate::from_ymd_opt(2022, 1, 1).unwrap(),
            },
        };
        let new = NewVault {
            name: "vault.example".to_owned(),
            node: "n1".to_owned(),
            pack_hash: [1; 32],
            retention_part: Vec::new(),
            now: START,
        };
        let keyring = Keyring::create(house.places.places(), root(), new, &*house.random).unwrap();
        (house, keyring)
    }

    /// A new vault whose first generations are published and whose log takes events.
    pub(in crate::audit) fn new() -> (Self, AuditLog) {
        let (house, keyring) = Self::founded();
        let log = house.whole(keyring);
        assert!(log.publish_missing().unwrap());
        house.open_segments(&log);
        (house, log)
    }

    pub(in crate::audit) fn keyring(&self) -> Arc<Keyring> {
        self.places.restart();
        Keyring::open(self.places.places(), &[], root(), &*self.random).unwrap()
    }

    pub(in crate::audit) fn open(&self, keyring: Arc<Keyring>) -> Result<Opened, OpenError> {
        self.open_on(Arc::new(self.disk.open()), keyring)
    }

    pub(in crate::audit) fn open_on(
        &self,
        store: Arc<dyn Store>,
        keyring: Arc<Keyring>,
    ) -> Result<Opened, OpenError> {
        let clock: Arc<dyn Clock> = Arc::clone(&self.clock) as Arc<dyn Clock>;
        AuditLog::open(store, keyring, self.rule.clone(), clock, Arc::clone(&self.random))
    }

    pub(in crate::audit) fn whole(&self, keyring: Arc<Keyring>) -> AuditLog {
        match self.open(keyring).unwrap() {
            Opened::Whole(log) => log,
            Opened::RolledBack(found) => panic!("rolled back: {:?}", found.loss()),
        }
    }

    /// What start-up does: opens, writes a missing leaf, opens this month's segments.
    pub(in crate::audit) fn restart(&self) -> AuditLog {
        let log = self.whole(self.keyring());
        log.publish_missing().unwrap();
        self.open_segments(&log);
        log
    }

    pub(in crate::audit) fn open_segments(&self, log: &AuditLog) {
        let mut draft = log.keyring().draft();
        let month = audit_cohort_key(&self.rule, self.clock.now()).unwrap();
        draft.open_segment(&month, &*self.random).unwrap();
        log.publish(draft.write(log.state(), &*self.random).unwrap()).unwrap();
    }
}

pub(in crate::audit) fn root() -> RootSource {
    RootSource::KeyFile(Secret::from_bytes([9; 32]))
}

pub(in crate::audit) fn draft(agent: &str, record: u8) -> EventDraft {
    EventDraft {
        agent: Some(AgentId::parse(agent).unwrap()),
        records: vec![RecordId::from_bytes([record; 16])],
        ..EventDraft::new("reveal")
    }
}

/// Writes one event and answers its receipt.
pub(in crate::audit) fn write(log: &AuditLog, draft: &EventDraft) -> Result<Receipt, AuditError> {
    let event = log.seal(draft)?;
    log.commit_blocking(Group::default(), &[], Some(event)).map(Option::unwrap)
}

pub(in crate::audit) fn rows(key: &[u8]) -> Group {
    Group { preconditions: Vec::new(), ops: vec![Op::Put(key.to_vec(), b"row".to_vec())] }
}

/// Writes one event whose receipt nobody needs.
pub(in crate::audit) fn logged(log: &AuditLog, draft: &EventDraft) {
    drop(write(log, draft).unwrap());
}
