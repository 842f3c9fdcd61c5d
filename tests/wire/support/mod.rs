//! Houses to test in: folders or doubles, a manual clock, the shipped pack, and a served vault.
//!
//! It must not know how the vault works inside: it founds, starts, serves and calls it as a program
//! would. Agents are appointed through the API when a test first asks for them.

mod people;
pub(crate) mod raw;
mod samples;
mod served;

use std::{
    net::Ipv4Addr,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use oubliette::{
    client::Trust,
    clock::{Clock, ManualClock, Timestamp},
    identity::{self, AgentKind, OneTimeSecret},
    ids::{AgentId, RoleName},
    keyring::{MemoryPlaces, RootSource},
    policy::Pack,
    random::{Random, SeededRandom},
    secret::Secret,
    server::{ConnectionBounds, Entry},
    storage::{Engine, memory::MemoryDisk},
    vault::startup::{Folders, Founders, Parts, StartError, found, start},
};
use parking_lot::Mutex;
use tempfile::TempDir;

pub(crate) use people::{as_role, new_agent, secret_of};
pub(crate) use raw::Raw;
pub(crate) use samples::{
    NIR_A, call, case, contact, date, lab_result, link, place, sick_note, social, text, with,
};
pub(crate) use served::{Served, Within, refused, secret};

/// 2020-11-23T08:00 at Saint-Denis de La Réunion.
pub(crate) const START_MS: i64 = 1_606_104_000_000;
/// Milliseconds of a day.
pub(crate) const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// Founder who appoints agents.
pub(crate) const KEYS: &str = "keys-1";
/// Founder who audits.
pub(crate) const DPO: &str = "dpo-1";

/// One runtime for the whole binary, so that a server outlives the test that started it.
fn runtime() -> &'static tokio::runtime::Runtime {
    static RUNTIME: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(4).enable_all().build().unwrap()
    })
}

/// Runs a test's future on that runtime.
pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    runtime().block_on(future)
}

/// The folder of the shipped pack.
pub(crate) fn shipped_pack() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/contact-tracing")
}

/// What a vault is kept on.
pub(crate) enum Devices {
    /// Doubles that can be made to fail.
    Memory { disk: MemoryDisk, places: MemoryPlaces, policy: PathBuf },
    /// Real folders: `data`, `place-a`, `place-b`.
    Folders { root: PathBuf, policy: PathBuf, _kept: Option<TempDir> },
}

/// Everything that survives a restart.
pub(crate) struct House {
    pub(crate) devices: Devices,
    pub(crate) clock: Arc<ManualClock>,
    random: Arc<dyn Random>,
    /// One-time secrets not used yet, by agent; an agent known here without one has its own.
    pub(crate) known: Mutex<Vec<(String, Option<String>)>>,
}

impl House {
    /// A founded vault on doubles.
    pub(crate) fn in_memory(seed: u64) -> Self {
        Self::in_memory_under(shipped_pack(), seed)
    }

    /// The same under another pack.
    pub(crate) fn in_memory_under(policy: PathBuf, seed: u64) -> Self {
        let (disk, places) = (MemoryDisk::new(), MemoryPlaces::new(2));
        Self::founded(Devices::Memory { disk, places, policy }, seed)
    }

    /// A founded vault on sled with two folder places, all in a temporary folder.
    pub(crate) fn in_folders(seed: u64) -> Self {
        let kept = tempfile::tempdir().unwrap();
        let root = kept.path().to_owned();
        Self::founded(Devices::Folders { root, policy: shipped_pack(), _kept: Some(kept) }, seed)
    }

    /// A vault founded in folders that the caller keeps.
    pub(crate) fn founded_at(root: &Path, policy: &Path, seed: u64) -> Self {
        let (root, policy) = (root.to_owned(), policy.to_owned());
        Self::founded(Devices::Folders { root, policy, _kept: None }, seed)
    }

    /// A vault that was founded before, in folders that the caller keeps.
    pub(crate) fn existing_at(root: &Path, policy: &Path, seed: u64) -> Self {
        let (root, policy) = (root.to_owned(), policy.to_owned());
        Self::empty(Devices::Folders { root, policy, _kept: None }, seed)
    }

    fn empty(devices: Devices, seed: u64) -> Self {
        Self {
            devices,
            clock: Arc::new(ManualClock::at(Timestamp::from_millis(START_MS))),
            random: Arc::new(SeededRandom::new(seed)),
            known: Mutex::default(),
        }
    }

    fn founded(devices: Devices, seed: u64) -> Self {
        let house = Self::empty(devices, seed);
        let founders = Founders {
            vault_name: "tracing.test".to_owned(),
            node: "a".to_owned(),
            key_admin: founder(KEYS, "key_admin"),
            dpo: founder(DPO, "dpo"),
        };
        let founded = found(house.parts().unwrap(), founders).unwrap();
        let mut known = house.known.lock();
        known.push((KEYS.to_owned(), Some(one_time(&founded.key_admin_secret))));
        known.push((DPO.to_owned(), Some(one_time(&founded.dpo_secret))));
        drop(known);
        house
    }

    /// What the vault is made of, after a power-on.
    pub(crate) fn parts(&self) -> Result<Parts, StartError> {
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let (root_key, random) = (root_key(), Arc::clone(&self.random));
        match &self.devices {
            Devices::Memory { disk, places, policy } => {
                places.restart();
                disk.heal();
                Ok(Parts {
                    store: Arc::new(disk.open()),
                    places: places.places(),
                    without_places: Vec::new(),
                    root: root_key,
                    pack: Pack::load(policy).map_err(StartError::Pack)?,
                    clock,
                    random,
                    swap_accepted: false,
                })
            }
            Devices::Folders { root, policy, .. } => {
                let places = [root.join("place-a"), root.join("place-b")];
                let data = root.join("data");
                let folders =
                    Folders { data: &data, places: &places, policy, engine: Engine::default() };
                Parts::in_folders(&folders, root_key, clock, random, false)
            }
        }
    }

    /// Starts the vault and serves it.
    pub(crate) async fn serve(&self) -> Served<'_> {
        Served::start(self, start(self.parts().unwrap()).unwrap()).await
    }

    /// The same on an address of all networks, to callers who speak TLS.
    pub(crate) async fn serve_tls(&self, entry: Entry, trust: &Trust) -> Served<'_> {
        let vault = start(self.parts().unwrap()).unwrap();
        Served::start_by(self, vault, (Ipv4Addr::UNSPECIFIED, entry), Some(trust)).await
    }

    /// The same on this machine alone, in clear, within other bounds.
    pub(crate) async fn serve_within(&self, bounds: ConnectionBounds) -> Served<'_> {
        let vault = start(self.parts().unwrap()).unwrap();
        let entry = Entry::new(None, bounds);
        Served::start_by(self, vault, (Ipv4Addr::LOCALHOST, entry), None).await
    }

    /// The disk double. Panics for a house in folders.
    pub(crate) fn disk(&self) -> &MemoryDisk {
        match &self.devices {
            Devices::Memory { disk, .. } => disk,
            Devices::Folders { .. } => panic!("this house has real folders"),
        }
    }
}

/// The root key of every test vault.
pub(crate) const ROOT_KEY: [u8; 32] = [0x5a; 32];

fn root_key() -> RootSource {
    RootSource::KeyFile(Secret::from_bytes(ROOT_KEY))
}

fn one_time(secret: &OneTimeSecret) -> String {
    // EXPOSE: the test logs in with it, as the person would to whom it was handed.
    String::from_utf8(secret.0.expose().to_vec()).unwrap()
}

fn founder(id: &str, role: &str) -> identity::NewAgent {
    identity::NewAgent {
        agent: AgentId::parse(id).unwrap(),
        kind: AgentKind::Person,
        display_name: format!("Founder {id}"),
        habilitation: identity::Habilitation {
            role: RoleName::parse(role).unwrap(),
            unit: None,
            territory: None,
            valid_from: "2020-11-01".parse().unwrap(),
            valid_to: "2021-12-31".parse().unwrap(),
            authority: "Test authority".to_owned(),
            profession: None,
            sworn: false,
            undertaking_on: Some("2020-11-01".parse().unwrap()),
            undertaking_ref: Some("register".to_owned()),
        },
    }
}
