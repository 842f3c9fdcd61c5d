//! The power cut: everything that a real server does to its folders is recorded, and the folders are
//! built again as a disk may hold them if the power goes at one of many moments.
//!
//! A kill proves no durability: the page cache survives it. What is dropped here is what no sync had
//! made durable. The same recording with the syncs of one part ignored must be found to lose something:
//! a check that cannot fail proves nothing.

use std::{
    fs,
    path::PathBuf,
    sync::{Arc, atomic::AtomicUsize, mpsc},
    thread,
    time::Duration,
};

use oubliette::{
    client::Client,
    clock::{Clock as _, SystemClock, Timestamp},
    ids::RecordId,
    storage::Engine,
};
use parking_lot::Mutex;

use crate::{
    chance::Chance,
    check::check,
    disk::{Base, Disk, Loss, Part},
    home::{Home, scratch_folder},
    ledger::Ledger,
    load::{ALL, Worker, at_once},
    program::{Serving, Under},
    run, seconds_since, setting,
    trace::{Event, Trace},
};

/// Workers that call at the same time.
const WORKERS: usize = 3;
/// Calls of each, before the server is killed and after.
const CALLS: usize = 60;
/// Records with long notes that are filed besides: enough for fjall to write a table. Some 6,000 make it
/// begin another journal, and a cut takes seconds.
const LONG: u64 = 900;

/// Folders kept of cuts that must not break anything and do.
const KEPT: usize = 3;
/// Starts after a cut that are recorded and cut themselves, and the part of the cuts that each gets.
const STARTS: u64 = 4;
const OF_A_START: u64 = 20;
/// Cuts of a recording with the syncs of one part ignored.
const WITHOUT: usize = 24;

/// A recording, and everything a check needs.
struct Recording {
    home: Home,
    base: Base,
    trace: Trace,
    ledger: Arc<Ledger>,
    /// What the clock says when the folders are opened.
    ended: Timestamp,
    /// The moment by which the ledger is asked, where it is not that of the cut.
    moment: Option<u64>,
}

impl Recording {
    /// Serves a home under the recorder: a load with a kill in the middle, a start, a load and a stop.
    async fn made(engine: Engine, seed: u64) -> Self {
        let home = Home::founded(engine).await;
        let base = Base::of(&home.folders());
        let path = home.root.join("trace");
        fs::write(&path, "").unwrap();
        let length = path.clone();
        let ledger = Ledger::new(move || fs::metadata(&length).unwrap().len());
        let names = Arc::new(AtomicUsize::new(0));
        for round in 0..2 {
            let served = Serving::start(&home, Under::Recorder(&path, None));
            let served = served.unwrap_or_else(|ended| panic!("no start: {}", ended.said));
            let client = served.log_in(&home.one_time, round == 0).await.unwrap();
            let workers = (0..WORKERS).map(|worker| {
                let chance = Chance::part(seed, 10 * round + worker as u64);
                let (client, ledger) = (client.clone(), Arc::clone(&ledger));
                Worker::new(client, ledger, chance, Arc::clone(&names))
            });
            let workers: Vec<Worker> = workers.collect();
            if round == 0 {
                // Half of the calls, then a kill in the middle of the others.
                let workers = at_once(workers, ALL, CALLS / 2).await.unwrap();
                let load = tokio::spawn(at_once(workers, ALL, usize::MAX));
                tokio::time::sleep(Duration::from_millis(700)).await;
                served.kill();
                assert!(load.await.unwrap().is_err(), "a killed server answers");
            } else {
                let long = volume(&client, &ledger, (Arc::clone(&names), seed));
                let (load, long) = tokio::join!(at_once(workers, ALL, CALLS), long);
                load.unwrap();
                long.unwrap();
                served.stop();
            }
        }
        let ended = SystemClock.now();
        Self { base, trace: Trace::read(&path), ledger, ended, moment: None, home }
    }

    /// Serves what a cut at a drawn moment has left, under the recorder, and stops it: the recording of a
    /// recovery, in which nothing is asked.
    fn of_a_start_after(&self, chance: &mut Chance) -> Self {
        let (at, _) = self.moments(1, chance)[0];
        let mut disk = Disk::new(&self.base, &self.trace, None);
        self.trace.events[..=at].iter().for_each(|(event, _)| disk.step(event));
        let home = self.home.beside();
        disk.cut(Loss::Reordered, chance, &home.root);
        let (base, path) = (Base::of(&home.folders()), home.root.join("trace"));
        let served = Serving::start(&home, Under::Recorder(&path, None));
        let served = served.unwrap_or_else(|e| panic!("no start in {:?}: {}", home.root, e.said));
        served.stop();
        let (ledger, ended) = (Arc::clone(&self.ledger), SystemClock.now());
        let moment = Some(self.trace.events[at].1);
        Self { base, trace: Trace::read(&path), ledger, ended, moment, home }
    }

    /// Fails unless the trace alone, replayed, gives every folder byte for byte.
    fn is_complete(&self) {
        let mut disk = Disk::new(&self.base, &self.trace, None);
        self.trace.events.iter().for_each(|(event, _)| disk.step(event));
        let differs = disk.differs_from(&self.home.folders());
        assert_eq!(differs, None, "the recorder missed a call, in {}", self.home.root.display());
    }

    /// Fails if the load did not do what is to be cut.
    fn is_worth_cutting(&self, engine: Engine) {
        let events = &self.trace.events;
        let made = |words: &'static str| {
            let made = move |(event, _): &&(Event, u64)| match event {
                Event::Created { path, .. } => path.to_string_lossy().contains(words),
                _ => false,
            };
            events.iter().filter(made).count()
        };
        let (generations, tables) = (made("place-a/keyring."), made("/tables/"));
        let kills = events.iter().filter(|(event, _)| *event == Event::Killed).count();
        let (erasures, journals) = (self.ledger.erasures(), made(".jnl"));
        println!(
            "{generations} generations, {erasures} erasures, {tables} tables, {journals} journals, \
             {kills} kill in it"
        );
        assert!(generations > 20 && erasures > 10 && kills == 1);
        assert!(tables > 0 || engine != Engine::Fjall, "fjall wrote no table");
    }

    /// So many moments of the recording, in order. Half of them are near a change of names or a write
    /// to an anchor: there is where the order matters.
    fn moments(&self, count: usize, chance: &mut Chance) -> Vec<(usize, Loss)> {
        let events = &self.trace.events;
        let rare = |(_, (event, _)): &(usize, &(Event, u64))| {
            !matches!(
                event,
                Event::Written { .. } | Event::SyncBegins { .. } | Event::SyncEnds { .. }
            )
        };
        let rare: Vec<usize> = events.iter().enumerate().filter(rare).map(|(at, _)| at).collect();
        let draw = |number: usize| {
            let at = if chance.percent(50) {
                chance.below(events.len())
            } else {
                let near = rare[chance.below(rare.len())] + chance.below(5);
                near.saturating_sub(2).min(events.len() - 1)
            };
            (at, Loss::ALL[number % Loss::ALL.len()])
        };
        let mut moments: Vec<_> = (0..count).map(draw).collect();
        moments.sort_by_key(|(at, _)| *at);
        moments
    }

    /// Cuts at so many moments and checks what is left. What is broken, each with its moment.
    fn cut(&self, count: usize, without: Option<Part>, seed: u64) -> Vec<String> {
        let mut chance = Chance::part(seed, 77);
        let moments = self.moments(count, &mut chance);
        let cores = thread::available_parallelism().map_or(2, usize::from);
        let (sender, receiver) = mpsc::sync_channel::<(PathBuf, u64, String)>(cores);
        let (receiver, broken) = (Mutex::new(receiver), Mutex::new(Vec::new()));
        thread::scope(|scope| {
            for _ in 0..cores {
                scope.spawn(|| self.check_all(&receiver, &broken, without.is_some()));
            }
            let mut disk = Disk::new(&self.base, &self.trace, without);
            let mut replayed = 0;
            for (number, (at, loss)) in moments.into_iter().enumerate() {
                for (event, _) in &self.trace.events[replayed..=at] {
                    disk.step(event);
                }
                replayed = at + 1;
                let to = scratch_folder();
                disk.cut(loss, &mut Chance::part(seed, number as u64), &to);
                let what = format!("cut {number}, seed {seed}, after event {at}, {loss:?}");
                let moment = self.moment.unwrap_or(self.trace.events[at].1);
                sender.send((to, moment, what)).unwrap();
            }
            drop(sender);
        });
        broken.into_inner()
    }

    fn check_all(
        &self,
        cuts: &Mutex<mpsc::Receiver<(PathBuf, u64, String)>>,
        broken: &Mutex<Vec<String>>,
        expected: bool,
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        loop {
            let next = cuts.lock().recv();
            let Ok((root, moment, what)) = next else { return };
            let due: &[RecordId] = &self.home.due;
            let checked = check(&root, (&self.ledger, due), moment, self.ended);
            match runtime.block_on(checked) {
                Err(why) => {
                    let mut broken = broken.lock();
                    // Some are kept to be looked at.
                    if expected || broken.len() >= KEPT {
                        fs::remove_dir_all(&root).unwrap();
                        broken.push(format!("{what}: {why}"));
                    } else {
                        broken.push(format!("{what}: {why} ({})", root.display()));
                    }
                }
                Ok(()) => fs::remove_dir_all(&root).unwrap(),
            }
        }
    }
}

/// Files records with long notes.
async fn volume(
    client: &Client,
    ledger: &Arc<Ledger>,
    (names, seed): (Arc<AtomicUsize>, u64),
) -> Result<(), oubliette::client::ClientError> {
    let chance = Chance::part(seed, 99);
    let mut worker = Worker::new(client.clone(), Arc::clone(ledger), chance, names);
    let (mut left, window) = (setting("OUBLIETTE_LONG_RECORDS", LONG), 1_000);
    while left > 0 {
        let count = left.min(window);
        worker.import(usize::try_from(count).unwrap(), true).await?;
        left -= count;
    }
    Ok(())
}

#[test]
fn after_a_power_cut_nothing_acknowledged_is_lost_and_nothing_erased_is_back() {
    let (seed, cuts) = (setting("OUBLIETTE_SEED", 1), setting("OUBLIETTE_CUTS", 60));
    let began = SystemClock.now();
    let engine =
        std::env::var("OUBLIETTE_ENGINE").map_or(Engine::default(), |e| e.parse().unwrap());
    let recording = run(Recording::made(engine, seed));
    println!(
        "recorded {} events, {} MiB, {} records, {} s",
        recording.trace.events.len(),
        recording.trace.bytes.len() >> 20,
        recording.ledger.entries().len(),
        seconds_since(began),
    );
    recording.is_complete();
    println!("the recording is complete: replayed, it gives every file byte for byte");
    recording.is_worth_cutting(engine);
    let began = SystemClock.now();
    let broken = recording.cut(usize::try_from(cuts).unwrap(), None, seed);
    println!("{cuts} cuts, seed {seed}, {} s", seconds_since(began));
    assert!(broken.is_empty(), "{} of {cuts}:\n{}", broken.len(), broken.join("\n"));
    let began = SystemClock.now();
    let of_each = (cuts / OF_A_START).max(2);
    for number in 0..STARTS {
        let start = recording.of_a_start_after(&mut Chance::part(seed, 500 + number));
        start.is_complete();
        let broken = start.cut(usize::try_from(of_each).unwrap(), None, seed);
        assert!(broken.is_empty(), "start {number}: {}", broken.join("\n"));
        start.home.remove();
    }
    println!("{of_each} cuts in each of {STARTS} starts after a cut, {} s", seconds_since(began));
    println!("nothing acknowledged was lost, nothing erased came back");
    for (part, name, says) in [
        (Part::Database, "the database", "acknowledged and lost"),
        (Part::Keyring, "the keyring", "no place has a keyring file"),
        (Part::Anchor, "the anchor", "is back"),
    ] {
        let broken = recording.cut(WITHOUT, Some(part), seed);
        let said: Vec<&str> =
            broken.iter().flat_map(|b| b.lines()).filter(|line| line.contains(says)).collect();
        println!("without the syncs of {name}: {} of {WITHOUT} cuts break it", broken.len());
        println!("    {}", said.first().copied().unwrap_or_default());
        assert!(!said.is_empty(), "the syncs of {name} could be left out unnoticed: {broken:?}");
    }
    recording.home.remove();
}
