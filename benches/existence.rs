//! `cargo bench --bench existence`: how well the time of an answer tells a record that is none of the
//! caller's business from one that does not exist.
//!
//! A vault in process, without a socket's noise: what is measured is more than a caller can see. Each record
//! and each absent id is asked for once after a restart, when no key is in memory, and once more when all
//! are, in random order. A distinguisher learns from one half of the calls and is tried on the other.
//! Invariant: every call is answered NOT_AVAILABLE; any other answer ends the bench.

#[path = "existence/distinguisher.rs"]
mod distinguisher;
#[path = "existence/house.rs"]
mod house;

use std::{error::Error, io::Write as _, time::Instant};

use clap::Parser as _;
use oubliette::{
    ids::RecordId,
    random::{OsRandom, Random as _},
};

use distinguisher::{Sample, by_bins, by_threshold};
use house::{House, Keeper, Records};

/// What a step of the bench gives.
pub(crate) type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Measures what time tells.
#[derive(clap::Parser)]
struct Args {
    /// Calls of each row, half on absent ids
    #[arg(long, default_value_t = 10_000)]
    calls: usize,
    /// Only this store: memory or fjall
    #[arg(long)]
    only: Option<Keeper>,
    /// Given by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Outcome<()> {
    let args = Args::parse();
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "| store | forbidden record | keys | absent p50 µs | forbidden p50 µs | threshold | bins |"
    )?;
    writeln!(out, "|---|---|---|--:|--:|--:|--:|")?;
    for keeper in Keeper::ALL {
        if args.only.is_some_and(|only| only != keeper) {
            continue;
        }
        for records in Records::ALL {
            let mut house = House::open(keeper)?;
            let forbidden = house.file(records, args.calls / 2)?;
            let absent = absent_ids(forbidden.len());
            house.restart()?;
            for keys in ["cold", "warm"] {
                let samples = probe(&house, &absent, &forbidden)?;
                let half = |is_there| median(&samples, is_there);
                writeln!(
                    out,
                    "| {} | {} | {keys} | {:.1} | {:.1} | {:.1} % | {:.1} % |",
                    keeper.name(),
                    records.name(),
                    half(false),
                    half(true),
                    by_threshold(&samples) * 100.0,
                    by_bins(&samples) * 100.0,
                )?;
                out.flush()?;
            }
            house.close();
        }
    }
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split_whitespace().next().unwrap_or("unknown").to_owned();
    writeln!(out, "load average of the machine at the end: {load}")?;
    Ok(())
}

fn absent_ids(count: usize) -> Vec<RecordId> {
    (0..count).map(|_| RecordId::make(&OsRandom)).collect()
}

/// Asks for each once, in random order, and times the answers.
fn probe(house: &House, absent: &[RecordId], forbidden: &[RecordId]) -> Outcome<Vec<Sample>> {
    let tagged =
        |ids: &[RecordId], there| ids.iter().map(move |id| (*id, there)).collect::<Vec<_>>();
    let mut order: Vec<_> =
        tagged(absent, false).into_iter().chain(tagged(forbidden, true)).collect();
    shuffle(&mut order);
    // Calls that are not counted: the allocator and the store's first pages.
    for _ in 0..200 {
        house.ask(RecordId::make(&OsRandom))?;
    }
    let mut samples = Vec::with_capacity(order.len());
    for (id, is_there) in order {
        let begin = now();
        house.ask(id)?;
        let nanos = u64::try_from(begin.elapsed().as_nanos()).unwrap_or(u64::MAX);
        samples.push(Sample { nanos, is_there });
    }
    Ok(samples)
}

fn shuffle<T>(items: &mut [T]) {
    for at in (1..items.len()).rev() {
        let mut bytes = [0; 8];
        OsRandom.fill(&mut bytes);
        let other = usize::try_from(u64::from_be_bytes(bytes) % (at as u64 + 1)).unwrap_or(at);
        items.swap(at, other);
    }
}

fn median(samples: &[Sample], is_there: bool) -> f64 {
    let of_it = samples.iter().filter(|sample| sample.is_there == is_there);
    let mut nanos: Vec<u64> = of_it.map(|sample| sample.nanos).collect();
    nanos.sort_unstable();
    let middle = nanos.get(nanos.len() / 2).copied().unwrap_or_default();
    middle as f64 / 1000.0
}

#[expect(clippy::disallowed_methods, reason = "a bench measures real time")]
fn now() -> Instant {
    Instant::now()
}
