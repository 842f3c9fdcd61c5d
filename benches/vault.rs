//! `cargo bench --bench vault`: creates and reveals of a whole vault, each with its durable event,
//! next to a bare tonic echo and to the disk's own sync.
//!
//! Every number is of one process: callers, vault and echo share its runtime, over loopback sockets.
//! Cells take turns in short slices, so that whatever else the machine does meets all of them alike.
//! Invariant: a number is only printed if the log grew by at least the calls it counts.

#[path = "vault/echo.rs"]
mod echo;
#[path = "vault/house.rs"]
mod house;
#[path = "vault/load.rs"]
mod load;
#[path = "vault/report.rs"]
mod report;
#[path = "vault/sync.rs"]
mod sync;

use std::{error::Error, io::Write as _, time::Duration};

use clap::Parser as _;

use house::House;
use load::{Call, Caller};
use oubliette::storage::Engine;
use report::{Cell, Report};

/// What a step of the bench gives.
pub(crate) type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Length of one turn of one cell.
const SLICE: Duration = Duration::from_secs(1);
/// How many callers the cells have, each on a connection of its own.
const CALLERS: [usize; 2] = [1, 64];

/// Measures a vault.
#[derive(clap::Parser)]
struct Args {
    /// Seconds of each cell, in turns of one second
    #[arg(long, default_value_t = 8)]
    seconds: u64,
    /// Records filed beforehand, which the reveals go through in turn: as many persons as the pack shows an
    /// operator within an hour
    #[arg(long, default_value_t = 40)]
    records: usize,
    /// What keeps the vault's data folder: fjall or sled
    #[arg(long, value_name = "ENGINE", default_value = Engine::Fjall.name())]
    store: Engine,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Only these cells, by call: echo, create or reveal; for profiling
    #[arg(long, value_name = "CALL")]
    only: Option<Call>,
    /// Given by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Outcome<()> {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let report = runtime.block_on(measure(&args))?;
    let text = if args.json { report.json()? } else { report.table() };
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(())
}

async fn measure(args: &Args) -> Outcome<Report> {
    let house = House::open(args.store).await?;
    let echo = echo::serve().await?;
    let records = house.file(args.records.max(1)).await?;
    let most = CALLERS.into_iter().max().unwrap_or(1);
    let mut callers = Vec::with_capacity(most);
    for _ in 0..most {
        callers.push(Caller::connect(&house, echo, &records).await?);
    }
    let mut cells: Vec<Cell> = CALLERS
        .into_iter()
        .flat_map(|callers| Call::ALL.map(|call| Cell::new(call, callers)))
        .filter(|cell| args.only.is_none_or(|only| cell.call == only))
        .collect();
    let mut disk = sync::Disk::new(house.folder())?;
    // One turn that is not counted: connections, caches, and the store's first pages.
    turn(&house, &callers, &mut cells, SLICE / 4).await?;
    cells.iter_mut().for_each(Cell::forget);
    for _ in 0..args.seconds.max(1) {
        turn(&house, &callers, &mut cells, SLICE).await?;
        disk.turn()?;
    }
    house.close().await?;
    Ok(Report { cells, disk, records: records.len() })
}

/// One slice of every cell.
async fn turn(
    house: &House,
    callers: &[Caller],
    cells: &mut [Cell],
    slice: Duration,
) -> Outcome<()> {
    for cell in cells {
        let callers = callers.get(..cell.callers).unwrap_or(callers);
        let before = house.leaves()?;
        let taken = load::run(callers, cell.call, slice).await?;
        let leaves = house.leaves()?.saturating_sub(before);
        if cell.call != Call::Echo && leaves < taken.calls() {
            return Err(format!("{} calls left {leaves} leaves", taken.calls()).into());
        }
        cell.add(taken, leaves);
    }
    Ok(())
}
