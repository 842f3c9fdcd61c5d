//! The kill: a served vault gets SIGKILL at a random moment or at a numbered change of its folders, is
//! started again by the program itself, and is looked at through its own API.
//!
//! A kill proves nothing about a power cut: the page cache survives it.

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use oubliette::{
    client::{Client, ClientError, types::Intent},
    clock::{Clock as _, SystemClock},
    ids::RecordId,
    storage::Engine,
};
use parking_lot::Mutex;

use crate::{
    chance::Chance,
    check::check,
    home::Home,
    ledger::{Ledger, Shown},
    load::{Mix, Worker, at_once},
    program::{Ended, Serving, Under},
    run, seconds_since, setting,
};

/// Kills of one vault; then another is founded, so that none grows without end.
const OF_ONE_VAULT: u64 = 100;
const WORKERS: u64 = 3;
/// What they do: more than elsewhere they erase.
const MIX: Mix = Mix { create: 24, import: 8, update: 18, assign: 8, erase: 32, purge: 4 };
/// Milliseconds of load at most, before a kill at a random moment.
const LOAD_MS: usize = 250;
/// Changes and syncs of a start, and of a start with some load, at about which a numbered kill comes.
const START_STEPS: usize = 120;
const LOAD_STEPS: usize = 2500;
/// Records looked at after a kill besides those that were touched.
const SAMPLE: usize = 40;

/// What came of the kills.
#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    random: u64,
    numbered: u64,
    /// Of the numbered ones: before the server answered.
    in_start: u64,
    /// Calls that were under way and had their effect, or had none.
    finished: u64,
    undone: u64,
    records: usize,
    erasures: usize,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.random += other.random;
        self.numbered += other.numbered;
        self.in_start += other.in_start;
        self.finished += other.finished;
        self.undone += other.undone;
        self.records += other.records;
        self.erasures += other.erasures;
    }
}

/// One vault and what is known of it.
struct Victim {
    home: Home,
    ledger: Arc<Ledger>,
    names: Arc<AtomicUsize>,
    chance: Chance,
    /// Whether the worker has chosen his secret.
    known: bool,
    /// The moment of the last look.
    looked: u64,
    tally: Tally,
}

impl Victim {
    async fn founded(seed: u64) -> Self {
        let time = AtomicU64::new(1);
        Self {
            home: Home::founded(Engine::default()).await,
            ledger: Ledger::new(move || time.fetch_add(1, Ordering::SeqCst)),
            names: Arc::default(),
            chance: Chance::new(seed),
            known: false,
            looked: 0,
            tally: Tally::default(),
        }
    }

    /// Starts it, looks what the last kill left, lets workers work, and kills it.
    async fn round(&mut self) {
        // The first start chooses the secret; a numbered kill may come before that.
        let numbered = self.known && self.chance.percent(50);
        if !numbered {
            self.tally.random += 1;
            let served = Serving::start(&self.home, Under::Nothing);
            let served = served.unwrap_or_else(|ended| panic!("no start:\n{}", ended.said));
            let client = served.log_in(&self.home.one_time, !self.known).await.unwrap();
            self.known = true;
            self.look(&client).await.unwrap();
            let load = tokio::spawn(at_once(self.workers(&client), MIX, usize::MAX));
            let wait = u64::try_from(self.chance.below(1000 * LOAD_MS)).unwrap();
            tokio::time::sleep(Duration::from_micros(wait)).await;
            served.kill();
            assert!(load.await.unwrap().is_err(), "a killed server answers");
            return;
        }
        self.tally.numbered += 1;
        let in_start = self.chance.percent(50);
        let steps = if in_start { START_STEPS } else { LOAD_STEPS };
        let step = Some(1 + self.chance.below(steps) as u64);
        match Serving::start(&self.home, Under::Recorder(Path::new("/dev/null"), step)) {
            Err(Ended { killed: true, .. }) => self.tally.in_start += 1,
            Err(ended) => panic!("no start:\n{}", ended.said),
            Ok(served) => {
                if self.use_until_killed(&served).await.is_ok() {
                    panic!("the numbered kill never came");
                }
                served.wait();
            }
        }
    }

    async fn use_until_killed(&mut self, served: &Serving) -> Result<(), ClientError> {
        let client = served.log_in(&self.home.one_time, false).await?;
        self.look(&client).await?;
        at_once(self.workers(&client), MIX, usize::MAX).await?;
        Ok(())
    }

    fn workers(&mut self, client: &Client) -> Vec<Worker> {
        let worker = |_| {
            let chance = Chance::new(self.chance.next());
            let (ledger, names) = (Arc::clone(&self.ledger), Arc::clone(&self.names));
            Worker::new(client.clone(), ledger, chance, names)
        };
        (0..WORKERS).map(worker).collect()
    }

    /// Looks at every record touched since the last look, and at some others.
    async fn look(&mut self, client: &Client) -> Result<(), ClientError> {
        let now = self.ledger.now();
        let entries = self.ledger.entries();
        let (mut ids, mut others) = (BTreeSet::new(), Vec::new());
        for (at, entry) in entries.iter().enumerate() {
            if entry.touched_since(self.looked) {
                ids.insert(at);
            } else {
                others.push(at);
            }
        }
        for _ in 0..SAMPLE.min(others.len()) {
            ids.insert(others[self.chance.below(others.len())]);
        }
        let ids: Vec<usize> = ids.into_iter().collect();
        for some in ids.chunks(256) {
            let records: Vec<RecordId> = some.iter().map(|at| entries[*at].record).collect();
            let shown = shown(client, &records).await?;
            for (at, shown) in some.iter().zip(shown) {
                let (entry, allowed) = (&entries[*at], entries[*at].allowed(u64::MAX));
                assert!(
                    allowed.contains(&shown),
                    "{} shows {shown:?}, not {allowed:?}, in {}",
                    entry.record,
                    self.home.root.display(),
                );
                if allowed.len() > 1 {
                    let undone = allowed.first() == Some(&shown);
                    self.tally.undone += u64::from(undone);
                    self.tally.finished += u64::from(!undone);
                    self.ledger.settle(entry.record, shown);
                }
            }
        }
        self.looked = now;
        Ok(())
    }

    /// A last look with the code of a start, at everything.
    async fn end(mut self) -> Tally {
        let (now, moment) = (SystemClock.now(), self.ledger.now());
        let checked = check(&self.home.root, (&self.ledger, &self.home.due), moment, now).await;
        checked.unwrap_or_else(|why| panic!("{why}, in {}", self.home.root.display()));
        self.tally.records = self.ledger.entries().len();
        self.tally.erasures = self.ledger.erasures();
        self.home.remove();
        self.tally
    }
}

async fn shown(client: &Client, records: &[RecordId]) -> Result<Vec<Shown>, ClientError> {
    let items = client.reveal_many(&Intent::of("care"), records, &["identity"]).await?;
    let one = |item: oubliette::client::types::RevealItem| match item.result {
        Ok(revealed) => match revealed.field("family_name").and_then(|f| f.value.clone()) {
            Some(oubliette::client::types::Value::Text(name)) => Some(name),
            _ => panic!("a record without its name"),
        },
        Err(reason) => {
            assert_eq!(reason, "NOT_AVAILABLE");
            None
        }
    };
    Ok(items.into_iter().map(one).collect())
}

#[test]
fn after_a_kill_nothing_acknowledged_is_lost_and_nothing_erased_is_back() {
    let (seed, kills) = (setting("OUBLIETTE_SEED", 1), setting("OUBLIETTE_KILLS", 12));
    let began = SystemClock.now();
    let cores = thread::available_parallelism().map_or(2, usize::from) as u64;
    let of_one = OF_ONE_VAULT.min(kills.div_ceil(cores)).max(1);
    let (next, sum) = (AtomicU64::new(0), Mutex::new(Tally::default()));
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                run(async {
                    loop {
                        let first = next.fetch_add(of_one, Ordering::SeqCst);
                        if first >= kills {
                            return;
                        }
                        let own = seed.wrapping_mul(1_000_003).wrapping_add(first);
                        println!("kills from {first}: seed {own}");
                        let mut victim = Victim::founded(own).await;
                        for _ in first..kills.min(first + of_one) {
                            victim.round().await;
                        }
                        let tally = victim.end().await;
                        sum.lock().add(tally);
                    }
                });
            });
        }
    });
    let sum = *sum.lock();
    println!("{kills} kills, seed {seed}, {} s", seconds_since(began));
    println!(
        "{} at random moments, {} at numbered changes, of these {} in a start",
        sum.random, sum.numbered, sum.in_start
    );
    println!(
        "{} records and {} erasures were acknowledged; of the calls under way {} had their effect and \
         {} had none",
        sum.records, sum.erasures, sum.finished, sum.undone
    );
    println!("nothing acknowledged was lost, nothing erased came back");
}
