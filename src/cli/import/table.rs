//! CSV: the first line names the columns, each further record is one to file. The delimiter is the
//! first of `,` `;` tab in the first line: no name holds one. Text is UTF-8; quotes are doubled.
//!
//! A record that does not end within the size of a message stops the reading: most likely a quote is
//! missing, and what follows would be read in the wrong columns.

mod columns;
mod metered;

use std::{
    io::{BufRead, Cursor, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use csv::{ByteRecord, Reader, ReaderBuilder, Terminator};

use self::{columns::Columns, metered::Metered};
use super::{
    Failure,
    line::{Line, Lines, Target, bad},
};
use crate::limits;

type Source<R> = Metered<std::io::Chain<Cursor<Vec<u8>>, R>>;

/// Records of an open file.
pub(super) struct Table<R> {
    reader: Reader<Source<R>>,
    /// For messages.
    path: PathBuf,
    target: Arc<Target>,
    columns: Columns,
    record: ByteRecord,
    failed: bool,
}

impl<R: BufRead + Send> Table<R> {
    /// Reads the first line. Errors: it is missing, or a column of it is none of the collection.
    pub(super) fn new(mut source: R, path: PathBuf, target: Arc<Target>) -> Result<Self, Failure> {
        let io = |e: std::io::Error| Failure::file("reading", &path, &e);
        let bound = u64::try_from(limits::MESSAGE_BYTES_MAX).unwrap_or(u64::MAX);
        let mut first = Vec::new();
        (&mut source).take(bound).read_until(b'\n', &mut first).map_err(io)?;
        let mut reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter(&first))
            // Lines end alike whatever ends them, so that they can be counted; a carriage return
            // before the end is taken off the last cell.
            .terminator(Terminator::Any(b'\n'))
            .from_reader(Metered::new(Cursor::new(first).chain(source)));
        let mut record = ByteRecord::new();
        if !reader.read_byte_record(&mut record).map_err(|e| fault(&path, 1, &e))? {
            return Err(header(&path, "is missing: it names the columns"));
        }
        let names: Vec<&[u8]> = cells(&record).collect();
        let columns = Columns::of(&names, &target.collection).map_err(|why| header(&path, &why))?;
        Ok(Self { reader, path, target, columns, record, failed: false })
    }

    /// The line on which the record that was just read began. Each record ends with one newline;
    /// those within it are in its cells.
    fn began_on(&self) -> u64 {
        let inside = self.record.as_slice().iter().filter(|b| **b == b'\n').count();
        let after = self.reader.position().line();
        after.saturating_sub(u64::try_from(inside).unwrap_or_default()).saturating_sub(1)
    }
}

impl<R: BufRead + Send> Lines for Table<R> {
    fn next_line(&mut self) -> Option<Result<Line, Failure>> {
        while !self.failed {
            let before = self.reader.position().clone();
            self.reader.get_mut().refill();
            match self.reader.read_byte_record(&mut self.record) {
                Ok(true) => {}
                Ok(false) => return None,
                Err(e) => {
                    self.failed = true;
                    return Some(Err(fault(&self.path, before.line(), &e)));
                }
            }
            let cells: Vec<&[u8]> = cells(&self.record).collect();
            if cells == [b""] {
                continue;
            }
            let content = self.columns.record(&cells, &self.target.collection);
            let end = self.reader.position().byte();
            let bytes = usize::try_from(end.saturating_sub(before.byte())).unwrap_or(usize::MAX);
            return Some(Ok(Line { number: self.began_on(), bytes, end, content }));
        }
        None
    }
}

/// The cells, the last one without the carriage return that ended the line.
fn cells(record: &ByteRecord) -> impl Iterator<Item = &[u8]> {
    let last = record.len().saturating_sub(1);
    record.iter().enumerate().map(move |(n, cell)| match cell.strip_suffix(b"\r") {
        Some(cell) if n == last => cell,
        _ => cell,
    })
}

fn delimiter(first: &[u8]) -> u8 {
    first.iter().copied().find(|b| b",;\t".contains(b)).unwrap_or(b',')
}

fn header(path: &Path, why: &str) -> Failure {
    Failure::new(format!("{}:1: {why}", path.display()))
        .hint("correct the first line; `oubliette describe` says what each column holds")
}

fn fault(path: &Path, line: u64, error: &csv::Error) -> Failure {
    match error.kind() {
        csv::ErrorKind::Io(e) if metered::is_too_long(e) => {
            let what = format!("{}: the record on line {line} does not end", path.display());
            Failure::new(what).hint("is a closing quote missing there?")
        }
        csv::ErrorKind::Io(e) => Failure::file("reading", path, e),
        // None of the others occurs while bytes are read.
        _ => Failure::new(format!("{}: {}", path.display(), bad("does not read as CSV").message)),
    }
}
