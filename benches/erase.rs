//! `cargo bench --bench erase`: what making things unreadable costs, in multiples of the disk's own sync.
//!
//! A vault in real folders with two key places, in process. What purges and punctures cost is measured at
//! the keyring, with slots handed out and no rows: no row is touched before the erasure point. Erasures and
//! moves of records are whole calls, with their events and certificates. Each figure stands beside an
//! `fdatasync` measured within the same minute.

#[path = "erase/calls.rs"]
mod calls;
#[path = "erase/house.rs"]
mod house;
#[path = "erase/keys.rs"]
mod keys;
#[path = "erase/measure.rs"]
mod measure;

use std::{error::Error, io::Write as _};

use clap::Parser as _;

use house::House;
use measure::Disk;

/// What a step of the bench gives.
pub(crate) type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Measures erasure.
#[derive(clap::Parser)]
struct Args {
    /// The sizes of the design: up to a million records, a thousand calls at one time. Takes minutes
    #[arg(long)]
    full: bool,
    /// Given by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

/// How much is measured.
pub(crate) struct Sizes {
    /// Records of the cohorts that are purged.
    pub(crate) cohorts: [usize; 3],
    /// How often each is measured.
    pub(crate) rounds: usize,
    /// Slots of the segment that is punctured here and there.
    pub(crate) scattered: u32,
    /// Single erasures, one after the other.
    pub(crate) alone: usize,
    /// Erasures at one time.
    pub(crate) together: usize,
}

const QUICK: Sizes =
    Sizes { cohorts: [100, 1_000, 10_000], rounds: 3, scattered: 20_000, alone: 10, together: 50 };
const FULL: Sizes = Sizes {
    cohorts: [1_000, 100_000, 1_000_000],
    rounds: 7,
    scattered: 1_000_000,
    alone: 100,
    together: 1_000,
};

fn main() -> Outcome<()> {
    let args = Args::parse();
    let sizes = if args.full { FULL } else { QUICK };
    let mut out = String::new();
    {
        // A keyring as it is on any day.
        let house = House::open()?;
        let mut disk = Disk::new(house.folder())?;
        out += &keys::unreadable(&house, &mut disk, &sizes)?;
        out += &calls::erasures(&house, &mut disk, &sizes)?;
        out += &keys::derivation(&house)?;
        house.close();
    }
    {
        // One that has been erased in here and there.
        let house = House::open()?;
        let mut disk = Disk::new(house.folder())?;
        out += &keys::scattered(&house, &mut disk, &sizes)?;
        house.close();
    }
    out += &format!("load average of the machine at the end: {}\n", measure::load_average());
    std::io::stdout().lock().write_all(out.as_bytes())?;
    Ok(())
}
