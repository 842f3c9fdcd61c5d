//! A vault in real folders: founded in process on yesterday's clock, so that what it holds then is due
//! when the program is started on today's.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use chrono::{Days, NaiveDate};
use oubliette::{
    clock::{Clock as _, ManualClock, SystemClock, Timestamp},
    identity::{AgentKind, Caller, Habilitation, NewAgent, OneTimeSecret},
    ids::{AgentId, CollectionName, FieldName, PurposeName, RecordId, RoleName},
    keyring::{Place, RootSource},
    policy::{Pack, Value},
    random::OsRandom,
    secret::{Secret, SecretBytes},
    storage::Engine,
    vault::{
        CreateInput, Intent, Vault,
        startup::{Founders, Parts, StartError, found, start},
    },
};

use crate::load;

/// Milliseconds of a day.
pub(crate) const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// The folders that a cut may hit.
pub(crate) const FOLDERS: [&str; 3] = ["data", "place-a", "place-b"];
/// The agent that makes every call of a load.
pub(crate) const WORKER: &str = "worker-1";
/// Records that are due when the program starts.
const DUE: usize = 4;
const ROOT_KEY: [u8; 32] = [0x5a; 32];

/// Folders with a vault, kept when a test fails.
pub(crate) struct Home {
    pub(crate) root: PathBuf,
    /// The worker's first secret.
    pub(crate) one_time: SecretBytes,
    /// Records that nobody may ever see again.
    pub(crate) due: Vec<RecordId>,
}

/// Bytes that must be free where folders are thrown away.
const SCRATCH_BYTES: u64 = 2 << 30;

/// Where folders that are thrown away are fastest: in memory, if there is room.
fn scratch() -> PathBuf {
    let memory = Path::new("/dev/shm");
    let free = rustix::fs::statvfs(memory).map_or(0, |fs| fs.f_bavail * fs.f_frsize);
    if free >= SCRATCH_BYTES { memory.to_owned() } else { std::env::temp_dir() }
}

/// An empty folder there, which stays until it is removed.
pub(crate) fn scratch_folder() -> PathBuf {
    tempfile::Builder::new().prefix("durability-").tempdir_in(scratch()).unwrap().keep()
}

/// The pack of these tests.
pub(crate) fn pack() -> Arc<Pack> {
    static PACK: OnceLock<Arc<Pack>> = OnceLock::new();
    let load = || Pack::load(&policy()).unwrap_or_else(|errors| panic!("{errors:#?}"));
    Arc::clone(PACK.get_or_init(load))
}

pub(crate) fn policy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/packs/cuts")
}

/// Opens the vault in these folders, in process, at this instant: what a start of the program does.
pub(crate) fn open(root: &Path, now: Timestamp) -> Result<Arc<Vault>, StartError> {
    start(parts(root, now, Engine::default())?)
}

/// As `Parts::in_folders` makes them, with a pack that is loaded once.
fn parts(root: &Path, now: Timestamp, engine: Engine) -> Result<Parts, StartError> {
    let data = root.join("data");
    let places = ["place-a", "place-b"].map(|name| Place::folder(&root.join(name), &data));
    let places = places.into_iter().collect::<Result<_, _>>()?;
    Ok(Parts {
        store: Engine::open(&data, engine)?,
        places,
        without_places: Vec::new(),
        root: RootSource::KeyFile(Secret::from_bytes(ROOT_KEY)),
        pack: pack(),
        clock: Arc::new(ManualClock::at(now)),
        random: Arc::new(OsRandom),
        swap_accepted: false,
    })
}

pub(crate) fn caller(id: &str, role: &str) -> Caller {
    let (agent, kind) = (AgentId::parse(id).unwrap(), AgentKind::Person);
    Caller { agent, kind, habilitation: habilitation(role), service: None }
}

pub(crate) fn worker() -> Caller {
    caller(WORKER, "worker")
}

pub(crate) fn watch() -> Caller {
    caller("watch-1", "watch")
}

pub(crate) fn care() -> Intent {
    Intent { purpose: PurposeName::parse("care").unwrap(), justification: None, request: None }
}

fn habilitation(role: &str) -> Habilitation {
    Habilitation {
        role: RoleName::parse(role).unwrap(),
        unit: None,
        territory: None,
        valid_from: "2020-01-01".parse().unwrap(),
        valid_to: "2098-12-31".parse().unwrap(),
        authority: "Test authority".to_owned(),
        profession: None,
        sworn: false,
        undertaking_on: Some("2020-01-01".parse().unwrap()),
        undertaking_ref: Some("register".to_owned()),
    }
}

fn new_agent(id: &str, role: &str) -> NewAgent {
    let display_name = format!("Test agent {id}");
    let (agent, kind) = (AgentId::parse(id).unwrap(), AgentKind::Person);
    NewAgent { agent, kind, display_name, habilitation: habilitation(role) }
}

/// Today, for records.
pub(crate) fn today() -> NaiveDate {
    SystemClock.now().date_in(chrono_tz::UTC)
}

fn due_file(number: usize) -> CreateInput {
    let text = |text: &str| Value::Text(text.to_owned());
    let name = |name: &str| FieldName::parse(name).unwrap();
    CreateInput {
        collection: CollectionName::parse("files").unwrap(),
        subject: None,
        collected_on: today().checked_sub_days(Days::new(30)).unwrap(),
        attributes: vec![(name("territory"), text("island")), (name("state"), text("open"))],
        fields: vec![(name("family_name"), text(&load::name(number)))],
    }
}

impl Home {
    /// A founded vault with a worker and records that are due today, kept by this engine.
    pub(crate) async fn founded(engine: Engine) -> Self {
        let root = scratch_folder();
        fs::write(root.join("root.key"), ROOT_KEY).unwrap();
        let mode = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o600);
        fs::set_permissions(root.join("root.key"), mode).unwrap();
        let yesterday = SystemClock.now().plus_millis(-DAY_MS);
        let founders = Founders {
            vault_name: "cuts.test".to_owned(),
            node: "a".to_owned(),
            key_admin: new_agent("keys-1", "keys"),
            dpo: new_agent("watch-1", "watch"),
        };
        found(parts(&root, yesterday, engine).unwrap(), founders).unwrap();
        let vault = open(&root, yesterday).unwrap();
        let keys = caller("keys-1", "keys");
        let secret = vault.create_agent(&keys, new_agent(WORKER, "worker")).await.unwrap();
        let mut due = Vec::new();
        for number in 0..DUE {
            let filed = vault.create(&worker(), &care(), due_file(number)).await.unwrap();
            due.push(filed.record);
        }
        vault.drain();
        Self { root, one_time: secret_bytes(&secret), due }
    }

    /// The folders that a cut may hit.
    pub(crate) fn folders(&self) -> Vec<PathBuf> {
        FOLDERS.iter().map(|name| self.root.join(name)).collect()
    }

    /// Another home for the same vault, without its folders.
    pub(crate) fn beside(&self) -> Self {
        let root = scratch_folder();
        fs::copy(self.root.join("root.key"), root.join("root.key")).unwrap();
        Self { root, one_time: SecretBytes::new(Vec::new()), due: self.due.clone() }
    }

    /// Removes it: the test has passed.
    pub(crate) fn remove(self) {
        fs::remove_dir_all(&self.root).unwrap();
    }
}

fn secret_bytes(secret: &OneTimeSecret) -> SecretBytes {
    // EXPOSE: the test logs in with it, as the person would to whom it was handed.
    SecretBytes::new(secret.0.expose().to_vec())
}
