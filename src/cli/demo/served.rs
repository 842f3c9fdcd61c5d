//! One vault served on a loopback port of its own, with the clients of its agents.
//!
//! The live vault and each copy that the demo opens are served the same way, one process part each:
//! the live places are never opened twice. Stopping waits until every handle is gone, so that the
//! locks are free.

use std::{collections::BTreeMap, net::Ipv4Addr, path::PathBuf, sync::Arc, time::Duration};

use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

use super::DemoError;
use crate::{
    client::{Client, types::LoggedIn},
    clock::Clock,
    keyring::RootSource,
    random::OsRandom,
    secret::SecretBytes,
    server::{self, ServeError},
    storage::Engine,
    vault::{
        Vault,
        startup::{self, Folders, Parts},
    },
};

/// How often stopping looks whether the last handle is gone.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// How many looks before it gives up.
const LOOKS: u32 = 1_000;

/// The folders of one vault, live or copied.
#[derive(Clone)]
pub(super) struct Home {
    pub(super) data: PathBuf,
    pub(super) places: Vec<PathBuf>,
    pub(super) policy: PathBuf,
}

/// What a vault of the demo is opened with, besides its folders.
#[derive(Clone)]
pub(super) struct Means {
    pub(super) clock: Arc<dyn Clock>,
    /// The demo's own key file: 32 random bytes, in memory only.
    pub(super) root: Arc<SecretBytes>,
}

impl Means {
    /// Everything to found or start the vault at `home`.
    pub(super) fn parts(&self, home: &Home) -> Result<Parts, DemoError> {
        let folders = Folders {
            data: &home.data,
            places: &home.places,
            policy: &home.policy,
            engine: Engine::default(),
        };
        let root = RootSource::key_file(&self.root)?;
        let random = Arc::new(OsRandom);
        // The demo's data is synthetic, so a swap does no harm.
        Ok(Parts::in_folders(&folders, root, Arc::clone(&self.clock), random, true)?)
    }
}

/// A running vault.
pub(super) struct Served {
    pub(super) vault: Arc<Vault>,
    pub(super) address: String,
    sessions: BTreeMap<String, Client>,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<Result<(), ServeError>>,
}

impl Served {
    /// The normal start with all its checks and recovery, then serving on a free loopback port.
    pub(super) async fn start(means: &Means, home: &Home) -> Result<Self, DemoError> {
        let (means, home) = (means.clone(), home.clone());
        let start = move || Ok::<_, DemoError>(startup::start(means.parts(&home)?)?);
        let vault = tokio::task::spawn_blocking(start).await??;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(DemoError::Io)?;
        let address = listener.local_addr().map_err(DemoError::Io)?.to_string();
        let (stop, stopped) = oneshot::channel();
        let shutdown = async move {
            // A dropped sender stops it as well.
            let _ = stopped.await;
        };
        let entry = server::Entry::plain();
        let serving = tokio::spawn(server::serve(Arc::clone(&vault), listener, entry, shutdown));
        Ok(Self { vault, address, sessions: BTreeMap::new(), stop, serving })
    }

    /// A client without a session.
    pub(super) async fn visitor(&self) -> Result<Client, DemoError> {
        Ok(Client::connect(&self.address).await?)
    }

    /// Keeps a session for later calls of this agent.
    pub(super) async fn keep(&mut self, who: &str, login: &LoggedIn) -> Result<(), DemoError> {
        let client = self.visitor().await?.with_token(&login.token)?;
        self.sessions.insert(who.to_owned(), client);
        Ok(())
    }

    /// The agent's client; logs in where there is no session.
    pub(super) async fn client(
        &mut self,
        who: &str,
        secret: &SecretBytes,
    ) -> Result<Client, DemoError> {
        if let Some(client) = self.sessions.get(who) {
            return Ok(client.clone());
        }
        let login = self.visitor().await?.login(who, secret).await?;
        self.keep(who, &login).await?;
        self.sessions.get(who).cloned().ok_or_else(|| DemoError::NoAgent(who.to_owned()))
    }

    /// Forgets the sessions: the clock moved, and they end by the vault's clock.
    pub(super) fn forget_sessions(&mut self) {
        self.sessions.clear();
    }

    /// One round of the vault's own work.
    pub(super) async fn tick(&self) -> Result<(), DemoError> {
        let vault = Arc::clone(&self.vault);
        Ok(tokio::task::spawn_blocking(move || vault.tick()).await??)
    }

    /// Stops serving, drains, and waits until the folders are free.
    pub(super) async fn stop(self) -> Result<(), DemoError> {
        let Self { vault, sessions, stop, serving, .. } = self;
        drop(sessions);
        let _ = stop.send(());
        serving.await??;
        let draining = Arc::clone(&vault);
        tokio::task::spawn_blocking(move || draining.drain()).await?;
        for _ in 0..LOOKS {
            if Arc::strong_count(&vault) == 1 {
                return Ok(());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Err(DemoError::StillOpen)
    }
}
