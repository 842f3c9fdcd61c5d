//! Where a sample goes: one file per collection in a folder, or everything to standard output. Nothing
//! is kept but what the writers buffer, and nothing is written over.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use super::{error::SampleError, line, record::Record};
use crate::cli::failure::Failure;

/// One file that is being written.
pub(super) struct Written {
    pub(super) collection: String,
    pub(super) path: PathBuf,
    pub(super) records: u64,
    writer: BufWriter<File>,
}

/// Where records go.
pub(super) enum Output {
    /// By collection.
    Files(Vec<Written>),
    /// All in one stream.
    Stream(Box<dyn Write>),
}

impl Output {
    /// Makes `<collection>.ndjson` for each, in a folder that is made where it is missing. A file that
    /// is there already is left alone and refused; then none is left behind.
    pub(super) fn files(folder: &Path, collections: &[&str]) -> Result<Self, Failure> {
        fs::create_dir_all(folder).map_err(|e| Failure::file("making", folder, &e))?;
        let mut files = Vec::new();
        for collection in collections {
            let path = folder.join(format!("{collection}.ndjson"));
            match File::create_new(&path) {
                Ok(file) => files.push(Written {
                    collection: (*collection).to_owned(),
                    path,
                    records: 0,
                    writer: BufWriter::new(file),
                }),
                Err(error) => {
                    Self::Files(files).discard();
                    return Err(Failure::file("making", &path, &error));
                }
            }
        }
        Ok(Self::Files(files))
    }

    /// Writes a record where it belongs; one of a collection that is not wanted is passed over.
    pub(super) fn take(&mut self, record: &Record<'_>) -> Result<(), SampleError> {
        let written = match self {
            Self::Stream(writer) => line::write(record, writer),
            Self::Files(files) => {
                let of = |file: &&mut Written| file.collection == record.plan.collection;
                let Some(file) = files.iter_mut().find(of) else { return Ok(()) };
                file.records = file.records.saturating_add(1);
                line::write(record, &mut file.writer)
            }
        };
        written.map_err(SampleError::Write)
    }

    /// Writes out what is buffered.
    pub(super) fn finish(&mut self) -> Result<(), SampleError> {
        let flushed: io::Result<()> = match self {
            Self::Stream(writer) => writer.flush(),
            Self::Files(files) => files.iter_mut().try_for_each(|file| file.writer.flush()),
        };
        flushed.map_err(SampleError::Write)
    }

    /// Takes away the files that a run which failed has made. Best effort: the failure is what is told.
    pub(super) fn discard(self) {
        if let Self::Files(files) = self {
            for file in files {
                let _ = fs::remove_file(file.path);
            }
        }
    }
}
