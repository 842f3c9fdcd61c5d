//! A whole vault on faulty doubles: memory store, memory places, manual clock, seeded randomness.
//!
//! It must not know how the vault works inside: it founds, starts and calls it as a program would.

use std::{path::Path, sync::Arc};

use chrono::NaiveDate;
use oubliette::{
    audit::{EventDetail, EventFilter, StoredEvent},
    clock::{Clock, ManualClock, Timestamp},
    identity::{AgentKind, Caller, Habilitation, NewAgent},
    ids::{
        AgentId, ClassName, CollectionName, FieldName, PurposeName, RecordId, RequestId, RoleName,
        UnitName,
    },
    keyring::{MemoryPlaces, RootSource},
    policy::{Pack, Value},
    random::{Random, SeededRandom},
    secret::Secret,
    storage::memory::MemoryDisk,
    vault::{
        AssignInput, Assignee, CreateInput, Created, Intent, RequestKey, RevealInput, Revealed,
        Vault, VaultError,
        startup::{Founded, Founders, Parts, StartError, found, start},
    },
};

/// 2020-11-23T08:00 on the island.
pub(crate) const START_MS: i64 = 1_606_104_000_000;
/// Milliseconds of a day.
pub(crate) const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Everything that survives a restart.
pub(crate) struct House {
    pub(crate) disk: MemoryDisk,
    pub(crate) places: MemoryPlaces,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) pack: Arc<Pack>,
}

impl House {
    /// Folders without a vault.
    pub(crate) fn empty(seed: u64) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/packs/desk");
        let pack = Pack::load(&folder).unwrap_or_else(|errors| panic!("{errors:#?}"));
        Self {
            disk: MemoryDisk::new(),
            places: MemoryPlaces::new(2),
            clock: Arc::new(ManualClock::at(Timestamp::from_millis(START_MS))),
            random: Arc::new(SeededRandom::new(seed)),
            pack,
        }
    }

    /// A founded vault, not started.
    pub(crate) fn founded(seed: u64) -> Self {
        let house = Self::empty(seed);
        house.found().unwrap();
        house
    }

    /// Founds a vault here.
    pub(crate) fn found(&self) -> Result<Founded, StartError> {
        let founders = Founders {
            vault_name: "desk.test".to_owned(),
            node: "a".to_owned(),
            key_admin: new_agent("keys-1", "keys", None),
            dpo: new_agent("watch-1", "watch", None),
        };
        found(self.parts(), founders)
    }

    /// What the vault is made of, after a power-on.
    pub(crate) fn parts(&self) -> Parts {
        self.parts_with(root(9))
    }

    pub(crate) fn parts_with(&self, root: RootSource) -> Parts {
        Parts {
            store: Arc::new(self.disk.open()),
            places: self.places.places(),
            without_places: Vec::new(),
            root,
            pack: Arc::clone(&self.pack),
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            random: Arc::clone(&self.random),
            swap_accepted: false,
        }
    }

    /// A copy of everything on the devices, with its own clock at the same time.
    pub(crate) fn copy(&self, seed: u64) -> Self {
        let places = MemoryPlaces::new(2);
        for number in 0..2 {
            places.restore(number, self.places.image(number));
        }
        Self {
            disk: self.disk.copy(),
            places,
            clock: Arc::new(ManualClock::at(self.clock.now())),
            random: Arc::new(SeededRandom::new(seed)),
            pack: Arc::clone(&self.pack),
        }
    }

    /// Powers on and starts.
    pub(crate) fn start(&self) -> Result<Arc<Vault>, StartError> {
        self.places.restart();
        self.disk.heal();
        start(self.parts())
    }

    /// Lets whole days pass.
    pub(crate) fn pass_days(&self, days: i64) {
        self.clock.advance_millis(days * DAY_MS);
    }
}

/// A key file's root key.
pub(crate) fn root(byte: u8) -> RootSource {
    RootSource::KeyFile(Secret::from_bytes([byte; 32]))
}

pub(crate) fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn habilitation(role: &str, unit: Option<&str>) -> Habilitation {
    Habilitation {
        role: RoleName::parse(role).unwrap(),
        unit: unit.map(|u| UnitName::parse(u).unwrap()),
        territory: None,
        valid_from: date("2020-11-01"),
        valid_to: date("2021-12-31"),
        authority: "Test authority".to_owned(),
        profession: None,
        sworn: false,
        undertaking_on: Some(date("2020-11-01")),
        undertaking_ref: Some("register".to_owned()),
    }
}

pub(crate) fn new_agent(id: &str, role: &str, unit: Option<&str>) -> NewAgent {
    NewAgent {
        agent: AgentId::parse(id).unwrap(),
        kind: AgentKind::Person,
        display_name: format!("Test agent {id}"),
        habilitation: habilitation(role, unit),
    }
}

/// A caller as a session would make one.
pub(crate) fn caller(id: &str, role: &str, unit: Option<&str>) -> Caller {
    Caller {
        agent: AgentId::parse(id).unwrap(),
        kind: AgentKind::Person,
        habilitation: habilitation(role, unit),
        service: None,
    }
}

pub(crate) fn clerk() -> Caller {
    caller("clerk-1", "clerk", Some("north"))
}

pub(crate) fn head() -> Caller {
    caller("head-1", "desk_head", None)
}

pub(crate) fn watch() -> Caller {
    caller("watch-1", "watch", None)
}

pub(crate) fn care() -> Intent {
    Intent { purpose: PurposeName::parse("care").unwrap(), justification: None, request: None }
}

/// The same intent with a request id, which stands for this method and content.
pub(crate) fn once(id: u8, method: &str, content: &str) -> Intent {
    let id = RequestId::from_bytes([id; 16]);
    Intent { request: Some(RequestKey::new(id, method, content.as_bytes())), ..care() }
}

/// Keys of rows that begin with this tag.
pub(crate) fn rows(house: &House, tag: u8) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    house.disk.tamper(|rows| {
        found = rows.keys().filter(|key| key.first() == Some(&tag)).cloned().collect();
    });
    found
}

/// The newest events of a kind, as the watch reads them.
pub(crate) async fn events(vault: &Vault, kind: &str) -> Vec<StoredEvent> {
    let filter = EventFilter { kind: Some(kind.to_owned()), ..EventFilter::default() };
    let page = vault.list_events(&watch(), filter, None, 500).await.unwrap();
    let open = page.events.into_iter().filter_map(|event| match event.detail {
        EventDetail::Open(stored) => Some(*stored),
        _ => None,
    });
    open.collect()
}

pub(crate) fn field(name: &str) -> FieldName {
    FieldName::parse(name).unwrap()
}

pub(crate) fn class(name: &str) -> ClassName {
    ClassName::parse(name).unwrap()
}

/// A file on the island, with a marked family name.
pub(crate) fn island_file(family_name: &str, collected_on: &str) -> CreateInput {
    let text = |t: &str| Value::Text(t.to_owned());
    CreateInput {
        collection: CollectionName::parse("files").unwrap(),
        subject: None,
        collected_on: date(collected_on),
        attributes: vec![(field("territory"), text("island")), (field("state"), text("open"))],
        fields: vec![
            (field("family_name"), text(family_name)),
            (field("phone"), text("0692123456")),
            (field("memo"), text("rappeler demain")),
        ],
    }
}

/// The same without the short-lived note: for dates whose note would be past its period.
pub(crate) fn island_file_without_note(family_name: &str, collected_on: &str) -> CreateInput {
    let mut input = island_file(family_name, collected_on);
    input.fields.retain(|(name, _)| name.as_str() != "memo");
    input
}

/// Creates a file without a note and gives it to the north desk.
pub(crate) async fn filed(
    vault: &Vault,
    name: &str,
    collected_on: &str,
) -> Result<Created, VaultError> {
    let input = island_file_without_note(name, collected_on);
    let created = vault.create(&head(), &care(), input).await?;
    hand_to_north(vault, created.record).await?;
    Ok(created)
}

/// Gives a file to the north desk.
pub(crate) async fn hand_to_north(vault: &Vault, record: RecordId) -> Result<(), VaultError> {
    let to = Assignee::Unit(UnitName::parse("north").unwrap());
    let input = AssignInput { record, to, until: None };
    vault.assign(&head(), &care(), input).await.map(drop)
}

/// The clerk reveals the identity of a file.
pub(crate) async fn reveal(vault: &Vault, record: RecordId) -> Result<Revealed, VaultError> {
    reveal_classes(vault, record, &["identity"]).await
}

pub(crate) async fn reveal_classes(
    vault: &Vault,
    record: RecordId,
    classes: &[&str],
) -> Result<Revealed, VaultError> {
    let classes = classes.iter().map(|c| class(c)).collect();
    vault.reveal(&clerk(), &care(), RevealInput { record, classes, approval: None }).await
}

/// The text an answer gives for a field.
pub(crate) fn text_of<'a>(revealed: &'a Revealed, name: &str) -> Option<&'a str> {
    revealed.fields.iter().find(|f| f.field.as_str() == name).and_then(|f| match &f.value {
        Some(Value::Text(text)) => Some(text.as_str()),
        _ => None,
    })
}

/// Runs one future on a small runtime of its own.
pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}
