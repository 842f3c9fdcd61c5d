//! `oubliette sample`: synthetic records of a pack, for tries, tests and measurements. Offline.
//!
//! What a record looks like is described in the pack (`sample.toml`); this interpreter names no
//! collection, role, class or field. The same description, seed and number of cases give the same bytes
//! with every version. Invariant: no record leaves here that the pack itself would refuse.
//!
//! ```text
//! document   sample.toml as it is written       plan, entries   checked, with what each word means
//! draw       the stream of numbers              make            one record from plan, key and parent
//! record     what was made                      walk            which records there are
//! line       one line of JSON, checked          output          files, standard output
//! ```

mod document;
mod draw;
mod entries;
mod entry;
mod error;
mod line;
mod make;
mod nir;
mod output;
mod plan;
mod record;
mod text;
mod walk;

#[cfg(test)]
mod tests;

use std::{
    fs,
    io::{self, BufWriter},
    path::{Path, PathBuf},
};

use self::{
    error::{FILE, SampleError},
    output::Output,
    plan::Description,
};
use super::{demo::shipped, failure::Failure, folders, out};
use crate::{limits::PACK_FILE_BYTES_MAX, policy::Pack};

const AFTER: &str = "\
Example:
  oubliette sample --cases 200 --seed 1 --out day
  oubliette sample --cases 3 --seed 1 --collection cases | head -1

Every person is invented and marked as such by the pack. A folder gets one file per collection,
`<collection>.ndjson`; each line is a record as `oubliette create` reads it, with a `request_id` of its
own, so that what was cut short can be filed again and nothing is filed twice. The same pack, seed and
number of cases give the same bytes. A longer run begins with the records of a shorter one.";

/// Arguments of `sample`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub(super) struct Args {
    /// How many cases; each brings what the pack says hangs on it
    #[arg(long, value_name = "N", value_parser = error::cases)]
    cases: u64,
    /// Which sample: a number from 0 on
    #[arg(long, value_name = "S")]
    seed: u64,
    /// A policy pack with a sample.toml, instead of the shipped one
    #[arg(long, value_name = "DIR")]
    pack: Option<PathBuf>,
    /// Folder to write to; `-` for one stream on standard output
    #[arg(long, value_name = "DIR", default_value = "-")]
    out: PathBuf,
    /// Only this collection
    #[arg(long, value_name = "NAME")]
    collection: Option<String>,
}

/// Makes the sample.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let (pack, description) = match &args.pack {
        Some(folder) => {
            folders::sample_pack(folder)?;
            read(folder)?
        }
        None => {
            let folder = tempfile::tempdir().map_err(|e| Failure::of(&e))?;
            shipped::unpack(folder.path()).map_err(|e| Failure::of(&e))?;
            read(folder.path())?
        }
    };
    let wanted = wanted(&description, args.collection.as_deref())?;
    let mut output = match args.out.as_os_str() == "-" {
        true => Output::Stream(Box::new(BufWriter::new(io::stdout()))),
        false => Output::files(&args.out, &wanted)?,
    };
    let made = walk::all(&description, args.cases, args.seed, &mut |record| {
        if !wanted.contains(&record.plan.collection.as_str()) {
            return Ok(());
        }
        line::check(&pack, record)?;
        output.take(record)
    });
    match made.and_then(|()| output.finish()) {
        Ok(()) => report(&output),
        // A reader who has seen enough.
        Err(SampleError::Write(error)) if error.kind() == io::ErrorKind::BrokenPipe => {}
        Err(error) => {
            output.discard();
            return Err(failure(&error));
        }
    }
    Ok(())
}

/// The pack and the description in a folder.
fn read(folder: &Path) -> Result<(std::sync::Arc<Pack>, Description), Failure> {
    let pack = Pack::load(folder).map_err(|errors| Failure::pack(&errors))?;
    let path = folder.join(FILE);
    if fs::metadata(&path).is_ok_and(|file| file.len() > PACK_FILE_BYTES_MAX) {
        let shown = path.display();
        let longer = format!("`{shown}` is larger than {PACK_FILE_BYTES_MAX} bytes");
        return Err(Failure::new(longer).hint("a description is a page or two: correct the path"));
    }
    let text = fs::read_to_string(&path).map_err(|e| Failure::file("reading", &path, &e))?;
    Ok((pack, Description::parse(&text).map_err(|error| failure(&error))?))
}

/// The collections to write.
fn wanted<'a>(description: &'a Description, only: Option<&str>) -> Result<Vec<&'a str>, Failure> {
    let all: Vec<&str> = description.plans.iter().map(|plan| plan.collection.as_str()).collect();
    let Some(only) = only else { return Ok(all) };
    match all.iter().find(|name| **name == only) {
        Some(name) => Ok(vec![name]),
        None => Err(failure(&SampleError::NoCollection(only.to_owned(), all.join(", ")))),
    }
}

fn failure(error: &SampleError) -> Failure {
    Failure::of(error).hint(error.hint())
}

fn report(output: &Output) {
    if let Output::Files(files) = output {
        for file in files {
            out::line(&format!("{}: {} records", file.path.display(), file.records));
        }
    }
}
