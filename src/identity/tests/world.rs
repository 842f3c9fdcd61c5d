//! A vault in memory with its first two agents, which can be stopped, tampered with and opened again.

use std::{
    future::Future,
    sync::{Arc, LazyLock},
};

use chrono_tz::Tz;

use crate::{
    audit::{
        AuditLog, AuditRule, EventDetail, EventDraft, EventFilter, Opened, StoredEvent,
        audit_cohort_key,
    },
    clock::{Clock, ManualClock, Timestamp},
    identity::{
        AgentKind, Identity, IdentityError, LoggedIn, NewAgent, appoint_first,
        testing::{date, habilitation},
    },
    ids::{AgentId, TerritoryName},
    keyring::{Keyring, MemoryImage, MemoryPlaces, NewVault, RootSource},
    random::SeededRandom,
    secret::SecretBytes,
    storage::memory::MemoryDisk,
};

/// 2020-11-23T08:00:00Z.
pub(super) const START: Timestamp = Timestamp::from_millis(1_606_118_400_000);
/// The pack hash that events of these tests carry.
pub(super) const PACK: [u8; 32] = [7; 32];
/// A secret that may be chosen.
pub(super) const CHOSEN: &str = "a long enough secret";

/// A vault and everything it stands on.
pub(super) struct World {
    pub(super) clock: Arc<ManualClock>,
    pub(super) disk: MemoryDisk,
    pub(super) places: MemoryPlaces,
    pub(super) identity: Identity,
    pub(super) log: Arc<AuditLog>,
    /// The one-time secrets of `admin` and `dpo`.
    pub(super) first: [String; 2],
    random: Arc<SeededRandom>,
}

/// What is left of a vault that was stopped: its disk and its places.
struct Stopped {
    disk: MemoryDisk,
    places: [MemoryImage; 2],
    first: [String; 2],
}

/// A vault made once for all tests: with the agents `admin` and `dpo`, who have their one-time
/// secrets, and `clerk-1`, whose secret is [`CHOSEN`]. Making one takes five hashings.
static MADE: LazyLock<Stopped> = LazyLock::new(|| {
    let world = World::make();
    world.settled_agent(agent("clerk-1"));
    world.log.drain();
    let places = [world.places.image(0), world.places.image(1)];
    Stopped { disk: world.disk.copy(), places, first: world.first.clone() }
});

impl World {
    /// A copy of the vault that was made once, opened.
    pub(super) fn new() -> Self {
        let (clock, disk) = (Arc::new(ManualClock::at(START)), MADE.disk.copy());
        let (places, random) = (MemoryPlaces::new(2), Arc::new(SeededRandom::new(12)));
        for (number, image) in MADE.places.iter().enumerate() {
            places.restore(number, image.clone());
        }
        let keyring = Keyring::open(places.places(), &[], root(), random.as_ref());
        let keyring = keyring.expect("intact places");
        let log = start_log(&disk, keyring, &clock, &random);
        let identity = Identity::open(Arc::clone(&log), zones()).expect("an intact directory");
        Self { clock, disk, places, identity, log, first: MADE.first.clone(), random }
    }

    /// A new vault with the agents `admin` and `dpo`.
    fn make() -> Self {
        let (clock, disk) = (Arc::new(ManualClock::at(START)), MemoryDisk::new());
        let (places, random) = (MemoryPlaces::new(2), Arc::new(SeededRandom::new(11)));
        let new = NewVault {
            name: "v".into(),
            node: "n".into(),
            pack_hash: PACK,
            retention_part: Vec::new(),
            now: START,
        };
        let keyring =
            Keyring::create(places.places(), root(), new, random.as_ref()).expect("a new keyring");
        let log = start_log(&disk, keyring, &clock, &random);
        let first = appoint_first(&log, [agent("admin"), agent("dpo")], PACK).expect("appointed");
        let first = first.map(|secret| text(&secret.0));
        let identity = Identity::open(Arc::clone(&log), zones()).expect("an intact directory");
        Self { clock, disk, places, identity, log, first, random }
    }

    /// Stops the vault and opens it again on what its disk and places hold now.
    pub(super) fn restart(&mut self) -> Result<(), IdentityError> {
        self.log.drain();
        self.places.restart();
        self.disk.heal();
        let keyring = Keyring::open(self.places.places(), &[], root(), self.random.as_ref());
        let keyring = keyring.expect("intact places");
        self.log = start_log(&self.disk, keyring, &self.clock, &self.random);
        self.identity = Identity::open(Arc::clone(&self.log), zones())?;
        Ok(())
    }

    pub(super) fn login(&self, agent: &str, secret: &str) -> Result<LoggedIn, IdentityError> {
        run(self.identity.login(&id(agent), bytes(secret), None, PACK))
    }

    pub(super) fn change(&self, token: &[u8], old: &str, new: &str) -> Result<(), IdentityError> {
        run(self.identity.change_secret(token, bytes(old), bytes(new), PACK))
    }

    /// Creates an agent and lets it choose its secret.
    pub(super) fn settled_agent(&self, new: NewAgent) {
        let name = new.agent.to_string();
        let once =
            text(&run(self.identity.create(new, None, EventDraft::new("agent-create"))).unwrap().0);
        let session = self.login(&name, &once).unwrap();
        self.change(session.token.expose(), &once, CHOSEN).unwrap();
    }

    pub(super) fn revoke(&self, agent: &str) -> Result<(), IdentityError> {
        run(self.identity.revoke(&id(agent), EventDraft::new("agent-revoke")))
    }

    /// The newest event with a detail.
    pub(super) fn last_event(&self) -> StoredEvent {
        let page = self.log.list(&EventFilter::default(), None, 20).unwrap();
        let detail = page.events.into_iter().find_map(|event| match event.detail {
            EventDetail::Open(stored) => Some(*stored),
            _ => None,
        });
        detail.expect("an event")
    }

    /// Number of leaves.
    pub(super) fn leaves(&self) -> u64 {
        self.log.state().size
    }

    /// The value of an agent's row on the disk.
    pub(super) fn row(&self, agent: &str) -> Option<Vec<u8>> {
        self.log.store().get(&crate::storage::keys::agent(agent)).unwrap()
    }

    /// Puts a value in an agent's row behind the vault's back.
    pub(super) fn put_row(&self, agent: &str, value: Vec<u8>) {
        self.disk.tamper(|rows| drop(rows.insert(crate::storage::keys::agent(agent), value)));
    }
}

/// Runs a call on a runtime of its own, so that the test around it may block.
pub(super) fn run<T>(call: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap().block_on(call)
}

pub(super) fn id(agent: &str) -> AgentId {
    AgentId::parse(agent).unwrap()
}

pub(super) fn bytes(secret: &str) -> SecretBytes {
    SecretBytes::new(secret.as_bytes().to_vec())
}

pub(super) fn text(secret: &SecretBytes) -> String {
    String::from_utf8(secret.expose().to_vec()).unwrap()
}

/// A person habilitated for November and December 2020.
pub(super) fn agent(name: &str) -> NewAgent {
    NewAgent {
        agent: id(name),
        kind: AgentKind::Person,
        display_name: "Agent".into(),
        habilitation: habilitation("2020-11-01", "2020-12-31"),
    }
}

/// A person whose habilitation in `territory` ends on 23 November 2020, the day of [`START`].
pub(super) fn agent_until_today(name: &str, territory: Option<&str>) -> NewAgent {
    let mut new = agent(name);
    new.habilitation.valid_to = date("2020-11-23");
    new.habilitation.territory = territory.map(|t| TerritoryName::parse(t).unwrap());
    new
}

/// `east` is four hours ahead, all else is UTC.
fn zones() -> crate::identity::ZoneOf {
    Arc::new(|territory| match territory.map(TerritoryName::as_str) {
        Some("east") => chrono_tz::Asia::Dubai,
        _ => Tz::UTC,
    })
}

fn root() -> RootSource {
    RootSource::key_file(&SecretBytes::new(vec![9; 32])).expect("32 bytes")
}

fn start_log(
    disk: &MemoryDisk,
    keyring: Arc<Keyring>,
    clock: &Arc<ManualClock>,
    random: &Arc<SeededRandom>,
) -> Arc<AuditLog> {
    let rule = AuditRule { zone: Tz::UTC, end_date: date("2022-01-01") };
    let month = audit_cohort_key(&rule, clock.now()).unwrap();
    let opened =
        AuditLog::open(Arc::new(disk.open()), keyring, rule, clock.clone(), random.clone());
    let log = match opened.expect("a log that opens") {
        Opened::Whole(log) => Arc::new(log),
        Opened::RolledBack(_) => panic!("the log was cut"),
    };
    log.publish_missing().unwrap();
    let mut draft = log.keyring().draft();
    draft.open_segment(&month, random.as_ref()).unwrap();
    let unpublished = draft.write(log.state(), random.as_ref()).unwrap();
    log.publish(unpublished).unwrap();
    log
}
