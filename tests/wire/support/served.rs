//! A vault behind a socket, with the sessions of its agents.
//!
//! Sessions open when first asked for: each costs several Argon2id hashes. Stopping is the order of
//! `oubliette serve`: no new calls, calls in flight end, the log drains.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use oubliette::{
    client::{
        Client, ClientError, Reason, Trust,
        types::{Assignee, Created, Detail, EventDetail, EventFilter, Intent, NewRecord},
    },
    policy::{Pack, PackError},
    secret::SecretBytes,
    server::{self, Bounds, Calls},
    storage::memory::MemoryDisk,
    vault::{PackReader, Vault},
};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

use super::{House, KEYS, new_agent, secret_of};

/// A policy folder that nobody has changed.
struct Same(Arc<Pack>);

impl PackReader for Same {
    fn read(&self) -> Result<Arc<Pack>, Vec<PackError>> {
        Ok(Arc::clone(&self.0))
    }
}

/// A vault that is being served.
pub(crate) struct Served<'h> {
    house: &'h House,
    pub(crate) vault: Arc<Vault>,
    /// Where it listens, as a caller on this machine reaches it.
    pub(crate) address: SocketAddr,
    /// Its calls in progress.
    pub(crate) calls: Calls,
    /// A connection without a session.
    pub(crate) open: Client,
    tokens: tokio::sync::Mutex<BTreeMap<String, SecretBytes>>,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<Result<(), server::ServeError>>,
}

impl<'h> Served<'h> {
    /// Serves on a free port of 127.0.0.1.
    pub(crate) async fn start(house: &'h House, vault: Arc<Vault>) -> Self {
        let entry = server::Entry::plain();
        Self::start_by(house, vault, (Ipv4Addr::LOCALHOST, entry), None).await
    }

    /// Serves on a free port of another address, in another way.
    pub(crate) async fn start_by(
        house: &'h House,
        vault: Arc<Vault>,
        (listen, entry): (Ipv4Addr, server::Entry),
        trust: Option<&Trust>,
    ) -> Self {
        vault.read_pack_by(Arc::new(Same(vault.pack())));
        let listener = TcpListener::bind((listen, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let calls = Calls::default();
        let (stop, stopped) = oneshot::channel();
        let shutdown = async {
            // An error means that the test is over, which is the end as well.
            let _ = stopped.await;
        };
        let (own, doors) = (Arc::clone(&vault), (entry, calls.clone()));
        let serving = tokio::spawn(server::serve_within(own, listener, doors, shutdown));
        let open = Client::connect_by(&address.to_string(), trust).await.unwrap();
        Self { house, vault, address, calls, open, tokens: Default::default(), stop, serving }
    }

    /// Serves the same vault at a second address, under bounds of the test's own.
    pub(crate) async fn within(&self, bounds: Bounds) -> Within {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, calls) = (listener.local_addr().unwrap(), Calls::new(bounds));
        let doors = (server::Entry::plain(), calls.clone());
        let vault = Arc::clone(&self.vault);
        let serving = server::serve_within(vault, listener, doors, std::future::pending());
        Within { address, calls, serving: tokio::spawn(serving) }
    }

    /// Stops serving and drains, as `serve` does on SIGTERM.
    pub(crate) async fn stop(self) {
        let Self { vault, open, stop, serving, .. } = self;
        stop.send(()).unwrap();
        drop(open);
        serving.await.unwrap().unwrap();
        tokio::task::spawn_blocking(move || vault.drain()).await.unwrap();
    }

    /// A client under the session of this agent, who is appointed first if need be.
    pub(crate) async fn as_agent(&self, id: &str) -> Client {
        self.open.with_token(&self.token(id).await).unwrap()
    }

    /// A token of this agent.
    pub(crate) async fn token(&self, id: &str) -> SecretBytes {
        let mut tokens = self.tokens.lock().await;
        if !tokens.contains_key(id) {
            if !self.knows(id) {
                if !tokens.contains_key(KEYS) {
                    tokens.insert(KEYS.to_owned(), self.log_in(KEYS).await);
                }
                self.appoint(id, &tokens[KEYS]).await;
            }
            tokens.insert(id.to_owned(), self.log_in(id).await);
        }
        copy(&tokens[id])
    }

    /// Forgets the sessions, for instance because the clock moved past their end.
    pub(crate) async fn forget_sessions(&self) {
        self.tokens.lock().await.clear();
    }

    fn knows(&self, id: &str) -> bool {
        self.house.known.lock().iter().any(|(known, _)| known == id)
    }

    async fn appoint(&self, id: &str, keys: &SecretBytes) {
        let keys = self.open.with_token(keys).unwrap();
        let secret = keys.create_agent(new_agent(id)).await.unwrap();
        // EXPOSE: the test logs in with it, as the agent would.
        let secret = String::from_utf8(secret.expose().to_vec()).unwrap();
        self.house.known.lock().push((id.to_owned(), Some(secret)));
    }

    /// Logs in; with a one-time secret, changes it first.
    async fn log_in(&self, id: &str) -> SecretBytes {
        let first = {
            let mut known = self.house.known.lock();
            known.iter_mut().find(|(known, _)| known == id).and_then(|(_, secret)| secret.take())
        };
        let own = secret(&secret_of(id));
        let session = match first {
            Some(first) => self.open.login_first(id, &secret(&first), &own).await,
            None => self.open.login(id, &own).await,
        };
        session.unwrap_or_else(|error| panic!("{id} does not log in: {error}")).token
    }

    /// Files a record as the feed of its territory.
    pub(crate) async fn file(&self, territory: &str, record: NewRecord) -> Created {
        let feed = if territory == "reunion" { "feed-974" } else { "feed-971" };
        let purpose = if record.collection == "contacts" { "p2" } else { "p1" };
        let feed = self.as_agent(feed).await;
        feed.create(&Intent::of(purpose), record).await.unwrap()
    }

    /// Files a record and puts it into a unit's queue; its version is then 2.
    pub(crate) async fn queue(&self, territory: &str, record: NewRecord, unit: &str) -> Created {
        let created = self.file(territory, record).await;
        self.hand(territory, created, unit).await
    }

    /// Puts a record that nobody has into a unit's queue, as the feed of its territory.
    pub(crate) async fn hand(&self, territory: &str, filed: Created, unit: &str) -> Created {
        let feed = if territory == "reunion" { "feed-974" } else { "feed-971" };
        let to = Assignee::Unit(unit.to_owned());
        let feed = self.as_agent(feed).await;
        let assigned = feed.assign(&Intent::of("p2"), filed.record, &to, None).await;
        Created { version: assigned.unwrap().version, ..filed }
    }

    /// The newest event of an agent among the leaves from number `from` on, as `dpo-2` lists it.
    pub(crate) async fn newest_event(&self, agent: &str, from: u64) -> Option<EventDetail> {
        let dpo = self.as_agent("dpo-2").await;
        let filter = EventFilter { agent: Some(agent.to_owned()), ..EventFilter::default() };
        let page = dpo.list_events(&filter, None, 1).await.unwrap();
        let newest = page.events.into_iter().find(|event| event.position.n >= from)?;
        match newest.detail {
            Detail::Open(detail) => Some(*detail),
            _ => None,
        }
    }

    /// The disk double. Panics for a house in folders.
    pub(crate) fn disk(&self) -> &MemoryDisk {
        self.house.disk()
    }

    /// Leaves of the log.
    pub(crate) fn log_size(&self) -> u64 {
        self.vault.state().unwrap().log_size
    }
}

/// A second server of a vault, until it is dropped.
pub(crate) struct Within {
    pub(crate) address: SocketAddr,
    pub(crate) calls: Calls,
    serving: JoinHandle<Result<(), server::ServeError>>,
}

impl Drop for Within {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// A secret of this text.
pub(crate) fn secret(text: &str) -> SecretBytes {
    SecretBytes::new(text.as_bytes().to_vec())
}

fn copy(secret: &SecretBytes) -> SecretBytes {
    // EXPOSE: a test uses one session in several places.
    SecretBytes::new(secret.expose().to_vec())
}

/// The reason of a refusal; panics for an answer, which must not have been one.
pub(crate) fn refused<T>(result: Result<T, ClientError>) -> Reason {
    match result {
        Ok(_) => panic!("an answer where a refusal was due"),
        Err(error) => error.reason().unwrap_or_else(|| panic!("no reason: {error}")),
    }
}
