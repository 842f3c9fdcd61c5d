//! Import: records go out through a bounded channel, answers come back in the order sent.
//!
//! Answers must be taken while records are sent: the vault reads no further than its answers are
//! taken, and the sender then waits. A cut shows in the answers, never in the sender alone.

use std::{future::Future, pin::Pin};

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Response, Status, Streaming};

use super::{created, new_record};
use crate::{
    client::{
        Client, ClientError, service,
        types::{ImportItem, Imported, ItemRefusal},
    },
    limits,
    wire::api,
};

/// Where records go in. Dropping it says that no more come.
pub struct ImportSender(mpsc::Sender<api::ImportRequest>);

impl ImportSender {
    /// Sends one record, waiting while the vault takes no more.
    ///
    /// Errors: [`ClientError::StreamEnded`]; the answers say why.
    pub async fn send(&self, item: ImportItem) -> Result<(), ClientError> {
        self.0.send(to_wire(item)).await.map_err(|_| ClientError::StreamEnded)
    }

    /// Sends one record without waiting. A caller with fewer than `limits::IMPORT_WINDOW_RECORDS`
    /// unanswered records always has room.
    ///
    /// Errors: [`ClientError::StreamEnded`] when the stream has ended or there is no room.
    pub fn try_send(&self, item: ImportItem) -> Result<(), ClientError> {
        self.0.try_send(to_wire(item)).map_err(|_| ClientError::StreamEnded)
    }
}

type Opening = dyn Future<Output = Result<Response<Streaming<api::ImportResponse>>, Status>> + Send;

/// Where answers come out. Nothing is sent before [`ImportAnswers::next`] is first called.
pub struct ImportAnswers(State);

enum State {
    Opening(Pin<Box<Opening>>),
    Open(Box<Streaming<api::ImportResponse>>),
    Ended,
}

impl ImportAnswers {
    /// The next answer; `None` when the vault has answered everything and ended the stream. A call
    /// that is dropped before its end loses nothing.
    pub async fn next(&mut self) -> Result<Option<Imported>, ClientError> {
        if let State::Opening(opening) = &mut self.0 {
            let opened = opening.await;
            self.0 = State::Ended;
            self.0 = State::Open(Box::new(opened?.into_inner()));
        }
        match &mut self.0 {
            State::Open(stream) => stream.message().await?.map(imported).transpose(),
            State::Opening(_) | State::Ended => Ok(None),
        }
    }
}

impl Client {
    /// Opens a stream that files many records. Each is answered by itself, in the order sent.
    pub fn import(&self) -> (ImportSender, ImportAnswers) {
        let (sender, receiver) = mpsc::channel(limits::IMPORT_WINDOW_RECORDS);
        let request = self.request(ReceiverStream::new(receiver));
        let mut service = service!(self, records_client, RecordsClient);
        let opening = async move { service.import(request).await };
        (ImportSender(sender), ImportAnswers(State::Opening(Box::pin(opening))))
    }
}

fn to_wire(item: ImportItem) -> api::ImportRequest {
    let record = new_record(&item.why, item.record);
    api::ImportRequest { position: item.position, record: Some(record) }
}

fn imported(answer: api::ImportResponse) -> Result<Imported, ClientError> {
    let result = match answer.created {
        Some(filed) => Ok(created(filed)?),
        None if answer.reason.is_empty() => return Err(ClientError::Answer("reason")),
        None => Err(ItemRefusal {
            reason: answer.reason,
            message: answer.message,
            violations: answer.violations.into_iter().map(|v| (v.path, v.description)).collect(),
        }),
    };
    Ok(Imported { position: answer.position, result })
}
