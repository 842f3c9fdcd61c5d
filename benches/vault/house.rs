//! A vault as an operator would run it: an embedded store, two key places, the shipped pack, a loopback socket.
//!
//! Its clock is the offset clock of a served demo, since the shipped pack's end date has passed. The
//! bench reaches it through the client alone, but for the count of leaves and the background tick.

use std::{net::SocketAddr, path::Path, sync::Arc};

use oubliette::{
    client::{
        Client,
        types::{AgentKind, Assignee, Habilitation, Intent, NewAgent, NewRecord, Value},
    },
    clock::{OffsetClock, Timestamp},
    identity,
    ids::{AgentId, RecordId, RoleName},
    keyring::RootSource,
    random::OsRandom,
    secret::{Secret, SecretBytes},
    server,
    storage::Engine,
    vault::{
        Vault,
        startup::{Folders, Founded, Founders, Parts, found, prepare_data_folder, start},
    },
};
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

use crate::Outcome;

/// 2020-11-23T08:00 in La Réunion.
const START_MS: i64 = 1_606_104_000_000;
/// The civil date there.
const TODAY: &str = "2020-11-23";
/// The secret the two agents choose.
const CHOSEN: &[u8] = b"seven Grey herons, 1 pond";
const FEED: &str = "feed-974";
const OPERATOR: &str = "operator-974";
const UNIT: &str = "operators-974";

/// A served vault, and what its two agents hold.
pub(crate) struct House {
    folder: TempDir,
    vault: Arc<Vault>,
    address: SocketAddr,
    feed: SecretBytes,
    operator: SecretBytes,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<Result<(), server::ServeError>>,
}

impl House {
    /// Founds, starts and serves a vault, appoints the feed and an operator and logs them in.
    pub(crate) async fn open(engine: Engine) -> Outcome<Self> {
        let folder = tempfile::tempdir()?;
        let at = folder.path().to_owned();
        let opened = tokio::task::spawn_blocking(move || found_and_start(&at, engine)).await?;
        let (founded, vault) = opened?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async move { drop(stopped.await) };
        let entry = server::Entry::plain();
        let serving = tokio::spawn(server::serve(Arc::clone(&vault), listener, entry, shutdown));
        let client = Client::connect(&address.to_string()).await?;
        let chosen = SecretBytes::new(CHOSEN.to_vec());
        let admin = client.login_first("keys-1", &founded.key_admin_secret.0, &chosen).await?;
        let admin = client.with_token(&admin.token)?;
        let mut tokens = Vec::new();
        for agent in [feed(), operator()] {
            let name = agent.agent.clone();
            let one_time = admin.create_agent(agent).await?;
            tokens.push(client.login_first(&name, &one_time, &chosen).await?.token);
        }
        let (Some(operator), Some(feed)) = (tokens.pop(), tokens.pop()) else {
            return Err("two agents log in".into());
        };
        Ok(Self { folder, vault, address, feed, operator, stop, serving })
    }

    /// A folder on the file system of the data.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A connection of its own, under the feed's session and under the operator's.
    pub(crate) async fn connect(&self) -> Outcome<(Client, Client)> {
        let client = Client::connect(&self.address.to_string()).await?;
        Ok((client.with_token(&self.feed)?, client.with_token(&self.operator)?))
    }

    /// Files so many contacts and puts them into the operator's queue.
    pub(crate) async fn file(&self, records: usize) -> Outcome<Arc<[RecordId]>> {
        let (feed, _) = self.connect().await?;
        let mut filing = tokio::task::JoinSet::new();
        for number in 0..records {
            let feed = feed.clone();
            filing.spawn(async move {
                let created = feed.create(&Intent::of("p1"), contact(number)).await?;
                let unit = Assignee::Unit(UNIT.to_owned());
                feed.assign(&Intent::of("p1"), created.record, &unit, None).await?;
                Ok::<_, oubliette::client::ClientError>(created.record)
            });
        }
        let mut filed = Vec::with_capacity(records);
        while let Some(record) = filing.join_next().await {
            filed.push(record??);
        }
        Ok(filed.into())
    }

    /// Durable leaves of the log.
    pub(crate) fn leaves(&self) -> Outcome<u64> {
        Ok(self.vault.state()?.log_size)
    }

    /// Stops serving and drains.
    pub(crate) async fn close(self) -> Outcome<()> {
        // An error means that serving has ended by itself, which the next line tells.
        let _ = self.stop.send(());
        self.serving.await??;
        let vault = self.vault;
        tokio::task::spawn_blocking(move || vault.drain()).await?;
        Ok(())
    }
}

/// A contact of the shipped pack with values in four classes. Visibly nobody.
pub(crate) fn contact(number: usize) -> NewRecord {
    let text = |text: &str| Value::Text(text.to_owned());
    let date = |date: &str| Value::Date(date.to_owned());
    let named = |pairs: Vec<(&str, Value)>| {
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    };
    NewRecord {
        collection: "contacts".to_owned(),
        subject: None,
        collected_on: TODAY.to_owned(),
        attributes: named(vec![
            ("territory", text("reunion")),
            ("state", text("to_call")),
            ("exposed_on", date("2020-11-20")),
        ]),
        fields: named(vec![
            ("last_name", text("Exemple")),
            ("first_names", text("Personne Fictive")),
            ("birth_date", date("1999-08-01")),
            ("nir", text("199089741100165")),
            ("street", text(&format!("{number} rue de l'Exemple"))),
            ("postcode", text("97400")),
            ("city", text("Saint-Denis")),
            ("phone", text("0692 00 00 00")),
            ("email", text("personne.fictive@example.org")),
            ("fever", Value::Boolean(false)),
            ("test_due_on", date("2020-11-27")),
        ]),
    }
}

fn found_and_start(folder: &Path, engine: Engine) -> Outcome<(Founded, Arc<Vault>)> {
    let key = Secret::<32>::make(&OsRandom);
    // EXPOSE: the same random key is given twice, to found and to start.
    let key = *key.expose();
    let data = folder.join("data");
    prepare_data_folder(&data)?;
    let places = [folder.join("keys-a"), folder.join("keys-b")];
    let policy = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/contact-tracing");
    let parts = || {
        let folders = Folders { data: &data, places: &places, policy: &policy, engine };
        let clock = Arc::new(OffsetClock::starting_at(Timestamp::from_millis(START_MS)));
        let root = RootSource::KeyFile(Secret::from_bytes(key));
        Parts::in_folders(&folders, root, clock, Arc::new(OsRandom), false)
    };
    let founders = Founders {
        vault_name: "bench".to_owned(),
        node: "node-1".to_owned(),
        key_admin: founder("keys-1", "key_admin")?,
        dpo: founder("dpo-1", "dpo")?,
    };
    let founded = found(parts()?, founders)?;
    let vault = start(parts()?)?;
    // What the background thread of `serve` does first: today's and tomorrow's segments.
    vault.tick()?;
    Ok((founded, vault))
}

fn founder(name: &str, role: &str) -> Outcome<identity::NewAgent> {
    Ok(identity::NewAgent {
        agent: AgentId::parse(name)?,
        kind: identity::AgentKind::Person,
        display_name: name.to_owned(),
        habilitation: identity::Habilitation {
            role: RoleName::parse(role)?,
            unit: None,
            territory: None,
            valid_from: TODAY.parse()?,
            valid_to: "2021-12-31".parse()?,
            authority: "the bench".to_owned(),
            profession: None,
            sworn: false,
            undertaking_on: Some("2020-01-01".parse()?),
            undertaking_ref: Some("bench".to_owned()),
        },
    })
}

fn feed() -> NewAgent {
    agent(FEED, AgentKind::Service, "intake", None)
}

fn operator() -> NewAgent {
    agent(OPERATOR, AgentKind::Person, "operator", Some(UNIT))
}

fn agent(name: &str, kind: AgentKind, role: &str, unit: Option<&str>) -> NewAgent {
    NewAgent {
        agent: name.to_owned(),
        kind,
        display_name: name.to_owned(),
        habilitation: Habilitation {
            role: role.to_owned(),
            unit: unit.map(ToOwned::to_owned),
            territory: Some("reunion".to_owned()),
            valid_from: TODAY.to_owned(),
            valid_to: "2021-12-31".to_owned(),
            authority: "the bench".to_owned(),
            undertaking_on: Some(TODAY.to_owned()),
            undertaking_ref: Some("bench".to_owned()),
            ..Habilitation::default()
        },
    }
}
