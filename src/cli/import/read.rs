//! Reads lines in a thread of its own, a few ahead of what is sent: a slow source stops neither the
//! answers nor the sending.

use std::thread;

use tokio::sync::mpsc;

use super::{
    Failure,
    ids::Ids,
    line::{Line, Lines},
    window::{Faulty, Sent},
};
use crate::{
    client::types::{ImportItem, Intent},
    limits,
};

/// What the reader gives.
pub(super) enum Read {
    /// A record with its request id.
    Record(Box<Sent>),
    /// A line that is no record.
    Faulty(Faulty),
    /// Reading cannot go on.
    Failed(Failure),
}

/// Reads every line; the receiver ends after the last. Dropping it ends the reading.
pub(super) fn start(
    mut lines: Box<dyn Lines>,
    mut ids: Ids,
    why: Intent,
) -> Result<mpsc::Receiver<Read>, Failure> {
    let (sender, receiver) = mpsc::channel(limits::IMPORT_READ_AHEAD_LINES);
    let work = move || {
        while let Some(line) = lines.next_line() {
            let read =
                line.and_then(|line| read(line, &mut ids, &why)).unwrap_or_else(Read::Failed);
            let last = matches!(read, Read::Failed(_));
            if sender.blocking_send(read).is_err() || last {
                return;
            }
        }
    };
    let thread = thread::Builder::new().name("reader".to_owned()).spawn(work);
    thread.map(|_| receiver).map_err(|e| Failure::of(&e))
}

fn read(line: Line, ids: &mut Ids, why: &Intent) -> Result<Read, Failure> {
    let Line { number, bytes, end, content } = line;
    let parsed = match content {
        Ok(parsed) => parsed,
        Err(refusal) => return Ok(Read::Faulty(Faulty { number, end, refusal })),
    };
    let request = match parsed.request {
        Some(own) => own,
        None => ids.of(&parsed.record.collection, number)?,
    };
    let why = Intent { request: Some(request), ..why.clone() };
    let item = ImportItem { position: number, why, record: parsed.record };
    Ok(Read::Record(Box::new(Sent { item, bytes, end, put_off: 0 })))
}
