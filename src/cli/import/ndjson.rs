//! NDJSON: one record a line, as `create` reads it. Empty lines are passed over and counted.
//!
//! A line longer than a message may be is refused without being kept in memory.

use std::{
    io::{self, BufRead, Read as _},
    path::PathBuf,
    sync::Arc,
};

use serde::de::IgnoredAny;

use super::{
    Failure,
    line::{Line, Lines, Parsed, Target, bad},
};
use crate::{
    cli::json,
    client::types::{ItemRefusal, RecordLine},
    limits,
};

/// Marks UTF-8 in files of some systems.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Lines of an open file.
pub(super) struct Ndjson<R> {
    source: R,
    /// For messages.
    path: PathBuf,
    target: Arc<Target>,
    number: u64,
    end: u64,
}

impl<R: BufRead + Send> Ndjson<R> {
    /// Reads from the beginning.
    pub(super) fn new(source: R, path: PathBuf, target: Arc<Target>) -> Self {
        Self { source, path, target, number: 0, end: 0 }
    }

    /// The next line with its end, and whether it is whole; `None` at the end of the file.
    fn read(&mut self) -> io::Result<Option<(Vec<u8>, bool)>> {
        let bound = u64::try_from(limits::MESSAGE_BYTES_MAX).unwrap_or(u64::MAX);
        let mut line = Vec::new();
        let read = (&mut self.source).take(bound).read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok(None);
        }
        self.number = self.number.saturating_add(1);
        self.end = self.end.saturating_add(u64::try_from(read).unwrap_or_default());
        if line.ends_with(b"\n") || read < limits::MESSAGE_BYTES_MAX {
            return Ok(Some((line, true)));
        }
        self.skip()?;
        Ok(Some((Vec::new(), false)))
    }

    /// Passes over the rest of a line.
    fn skip(&mut self) -> io::Result<()> {
        loop {
            let buffer = self.source.fill_buf()?;
            let newline = buffer.iter().position(|b| *b == b'\n');
            let count = newline.map_or(buffer.len(), |at| at.saturating_add(1));
            let ended = newline.is_some() || buffer.is_empty();
            self.source.consume(count);
            self.end = self.end.saturating_add(u64::try_from(count).unwrap_or_default());
            if ended {
                return Ok(());
            }
        }
    }
}

impl<R: BufRead + Send> Lines for Ndjson<R> {
    fn next_line(&mut self) -> Option<Result<Line, Failure>> {
        loop {
            let (line, whole) = match self.read() {
                Ok(read) => read?,
                Err(e) => return Some(Err(Failure::file("reading", &self.path, &e))),
            };
            let text = match self.number {
                1 => line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&line),
                _ => &line,
            };
            if whole && text.trim_ascii().is_empty() {
                continue;
            }
            let content = if whole {
                parse(text, &self.target)
            } else {
                let most = limits::MESSAGE_BYTES_MAX;
                Err(bad(format!(
                    "is longer than a record may be; a record has less than {most} bytes"
                )))
            };
            let (number, end, bytes) = (self.number, self.end, line.len());
            return Some(Ok(Line { number, bytes, end, content }));
        }
    }
}

fn parse(line: &[u8], target: &Target) -> Result<Parsed, ItemRefusal> {
    let text = std::str::from_utf8(line).map_err(|_| bad("is not UTF-8 text"))?;
    let line: RecordLine = serde_json::from_str(text).map_err(|error| bad(fault(text, &error)))?;
    let record = line.of(&target.collection.name)?;
    Ok(Parsed { request: record.request()?, record: record.typed(&target.description)? })
}

fn fault(text: &str, error: &serde_json::Error) -> String {
    let values = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    if values.take_while(Result::is_ok).count() > 1 {
        return "holds more than one record: put each on a line of its own".to_owned();
    }
    // The parser counts lines within this one.
    let fault = json::fault(&json::LINE, text, error);
    fault.replace("line 1, column", "column").replace("line 1 column", "column")
}
