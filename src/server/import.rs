//! The stream of `Records.Import`: messages in, batches to the vault, one answer per record out.
//!
//! One task per stream. It holds one batch of messages and the answers of one batch, never more: it
//! reads no further while a batch is being written or while its answers are not taken, so that the
//! connection's own flow control holds the sender back. A stream on which nothing moves for
//! `limits::STREAM_IDLE_MS` ends. The session is asked for again before every batch: an agent who was
//! revoked, or whose session ended, files nothing more through a stream that is open.

use std::{sync::Arc, time::Duration};

use prost::Message as _;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time::timeout,
};
use tokio_stream::{Stream, wrappers::ReceiverStream};
use tonic::{Request, Status, Streaming, metadata::MetadataMap};

use super::{auth, convert, status};
use crate::{
    client::reason::Reason,
    limits,
    vault::{ImportBatch, ImportRecord, Intent, Vault, VaultError},
    wire::api,
};

const LINGER: Duration = Duration::from_millis(limits::IMPORT_LINGER_MS);

/// Imports under way; a clone counts with the others.
#[derive(Clone)]
pub(super) struct Imports {
    free: Arc<Semaphore>,
    idle: Duration,
}

/// What a stream answers: results, and at the end perhaps why it ended.
type Answer = Result<api::ImportResponse, Status>;

/// One message, read.
struct Read {
    position: u64,
    /// The intent without its request id, and the record; or what is refused of its shape.
    record: Result<(Intent, ImportRecord), VaultError>,
    bytes: usize,
}

/// Why a batch ends.
enum Next {
    /// A message arrived.
    Message(Box<api::ImportRequest>),
    /// Nothing more for a moment, or the stream's end.
    Pause,
    /// The sender is done.
    End,
}

/// One stream.
struct Worker {
    vault: Arc<Vault>,
    metadata: MetadataMap,
    messages: Streaming<api::ImportRequest>,
    answers: mpsc::Sender<Answer>,
    /// A message that arrived and belongs to the next batch.
    waiting: Option<Read>,
    read: usize,
    idle: Duration,
    _counted: OwnedSemaphorePermit,
}

impl Imports {
    /// None under way; each ends when nothing moves for so many milliseconds.
    pub(super) fn new(idle_ms: u64) -> Self {
        let free = Arc::new(Semaphore::new(limits::IMPORTS_MAX));
        Self { free, idle: Duration::from_millis(idle_ms) }
    }

    /// Starts the task of one stream; what it answers. Errors: OVERLOADED.
    pub(super) fn start(
        &self,
        vault: &Arc<Vault>,
        request: Request<Streaming<api::ImportRequest>>,
    ) -> Result<impl Stream<Item = Answer> + Send + 'static, Status> {
        auth::caller(&request)?;
        let counted = Arc::clone(&self.free).try_acquire_owned();
        let counted = counted.map_err(|_| status::of(Reason::Overloaded))?;
        let (answers, taken) = mpsc::channel(1);
        let worker = Worker {
            vault: Arc::clone(vault),
            metadata: request.metadata().clone(),
            messages: request.into_inner(),
            answers,
            waiting: None,
            read: 0,
            idle: self.idle,
            _counted: counted,
        };
        tokio::spawn(worker.run());
        Ok(ReceiverStream::new(taken))
    }
}

impl Worker {
    async fn run(mut self) {
        loop {
            match self.batch().await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    // If nobody takes it, nobody misses it.
                    let _ = timeout(self.idle, self.answers.send(Err(*error))).await;
                    return;
                }
            }
        }
    }

    /// Reads, files and answers one batch. False at the end of the stream, or when nobody listens.
    async fn batch(&mut self) -> Result<bool, Box<Status>> {
        let mut batch: Vec<Read> = Vec::new();
        let mut bytes = 0;
        let mut ended = false;
        loop {
            let read = match self.waiting.take() {
                Some(read) => read,
                None => match self.next(batch.is_empty()).await? {
                    Next::Message(message) => self.look_at(*message)?,
                    Next::Pause => break,
                    Next::End => {
                        ended = true;
                        break;
                    }
                },
            };
            if !fits(&batch, &read) {
                self.waiting = Some(read);
                break;
            }
            bytes += read.bytes;
            batch.push(read);
            if batch.len() == limits::IMPORT_BATCH_RECORDS_MAX
                || bytes >= limits::IMPORT_BATCH_BYTES_MAX
            {
                break;
            }
        }
        let heard = batch.is_empty() || self.file(batch).await?;
        Ok(heard && !ended)
    }

    /// The next message. With nothing waiting for an answer the sender may take longer.
    async fn next(&mut self, empty: bool) -> Result<Next, Box<Status>> {
        let (wait, late) = if empty { (self.idle, None) } else { (LINGER, Some(Next::Pause)) };
        match timeout(wait, self.messages.message()).await {
            Ok(Ok(Some(message))) => Ok(Next::Message(Box::new(message))),
            Ok(Ok(None)) => Ok(Next::End),
            // The sender went away, or sent what is no message of this contract.
            Ok(Err(error)) => Err(Box::new(status::of_transport(&error))),
            Err(_) => late.ok_or_else(|| Box::new(status::of(Reason::StreamIdle))),
        }
    }

    fn look_at(&mut self, message: api::ImportRequest) -> Result<Read, Box<Status>> {
        self.read += 1;
        within(self.read).map_err(|error| Box::new(error.into()))?;
        let bytes = message.encoded_len();
        let record = convert::create(message.record.unwrap_or_default());
        let record = record.map(|(why, input)| {
            let request = why.request.clone();
            (Intent { request: None, ..why }, ImportRecord { request, input })
        });
        Ok(Read { position: message.position, record, bytes })
    }

    /// Files what can be, answers each in the order sent. False when nobody listens any more.
    async fn file(&mut self, batch: Vec<Read>) -> Result<bool, Box<Status>> {
        let who = auth::session(&self.vault, &self.metadata).map_err(Box::new)?;
        let (mut positions, mut records, mut why) = (Vec::new(), Vec::new(), None);
        for Read { position, record, .. } in batch {
            let refused = match record {
                Ok((intent, record)) => {
                    why.get_or_insert(intent);
                    records.push(record);
                    None
                }
                Err(error) => Some(error),
            };
            positions.push((position, refused));
        }
        let mut filed = Vec::new();
        if let (Some(why), Some(first)) = (why, records.first()) {
            let collection = first.input.collection.clone();
            let batch = ImportBatch { collection, records };
            let answers = self.vault.import(&who, &why, batch).await;
            filed = answers.map_err(|error| Box::new(Status::from(error)))?;
        }
        let mut filed = filed.into_iter();
        for (position, refused) in positions {
            let answer = match refused {
                Some(error) => Err(error),
                None => filed.next().unwrap_or(Err(VaultError::Interrupted)),
            };
            let answer = convert::imported(position, answer);
            match timeout(self.idle, self.answers.send(Ok(answer))).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Ok(false),
                Err(_) => return Err(Box::new(status::of(Reason::StreamIdle))),
            }
        }
        Ok(true)
    }
}

/// Whether a stream may have so many records.
fn within(records: usize) -> Result<(), VaultError> {
    let limit = limits::IMPORT_RECORDS_MAX;
    if records > limit {
        let what = "records in one stream; open another for the rest";
        return Err(VaultError::TooMany { what, limit });
    }
    Ok(())
}

/// Whether a record goes into this batch: one purpose, one justification, one collection. What was
/// refused for its shape goes anywhere.
fn fits(batch: &[Read], next: &Read) -> bool {
    let Ok((why, record)) = &next.record else { return true };
    let Some((other, first)) = batch.iter().find_map(|read| read.record.as_ref().ok()) else {
        return true;
    };
    why.purpose == other.purpose
        && why.justification == other.justification
        && record.input.collection == first.input.collection
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_has_as_many_records_as_its_bound_and_one_more_ends_it() {
        assert!(within(limits::IMPORT_RECORDS_MAX).is_ok());
        assert!(matches!(
            within(limits::IMPORT_RECORDS_MAX + 1),
            Err(VaultError::TooMany { limit: limits::IMPORT_RECORDS_MAX, .. })
        ));
    }
}
