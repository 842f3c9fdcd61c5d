//! `oubliette.v1.Audit` on the wire. Each method reads, calls one use case, and writes.

use std::{pin::Pin, sync::Arc};

use tokio::sync::mpsc;
use tokio_stream::{Stream, wrappers::ReceiverStream};
use tonic::{Request, Response, Status};

use super::{auth, convert};
use crate::{
    audit::export::{Export, ExportFile},
    limits,
    vault::{Vault, VaultError},
    wire::api,
};

/// The service over one vault.
pub(crate) struct Audit(pub(crate) Arc<Vault>);

/// One file of an export, or why it ended.
type Piece = Result<api::ExportLogResponse, Status>;

#[tonic::async_trait]
impl api::audit_server::Audit for Audit {
    async fn list_events(
        &self,
        request: Request<api::ListEventsRequest>,
    ) -> Result<Response<api::ListEventsResponse>, Status> {
        let who = auth::caller(&request)?;
        let (filter, after, limit) = convert::list_events(request.into_inner())?;
        let page = self.0.list_events(&who, filter, after, limit).await?;
        Ok(Response::new(convert::events(page)))
    }

    async fn get_checkpoint(
        &self,
        request: Request<api::GetCheckpointRequest>,
    ) -> Result<Response<api::GetCheckpointResponse>, Status> {
        let who = auth::caller(&request)?;
        let checkpoint = self.0.get_checkpoint(&who).await?;
        Ok(Response::new(api::GetCheckpointResponse { checkpoint }))
    }

    type ExportLogStream = Pin<Box<dyn Stream<Item = Piece> + Send>>;

    async fn export_log(
        &self,
        request: Request<api::ExportLogRequest>,
    ) -> Result<Response<Self::ExportLogStream>, Status> {
        let who = auth::caller(&request)?;
        // Decided and logged here, so that a refusal is the call's answer and no stream starts.
        let files = self.0.export_log(&who).await?;
        let (sender, receiver) = mpsc::channel(limits::EXPORT_PAGE_FILES);
        tokio::task::spawn_blocking(move || send_files(files, &sender));
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }

    async fn list_reviews(
        &self,
        request: Request<api::ListReviewsRequest>,
    ) -> Result<Response<api::ListReviewsResponse>, Status> {
        let who = auth::caller(&request)?;
        let reviews = self.0.list_reviews(&who, request.into_inner().open_only).await?;
        let reviews = reviews.iter().map(convert::review).collect();
        Ok(Response::new(api::ListReviewsResponse { reviews }))
    }

    async fn close_review(
        &self,
        request: Request<api::CloseReviewRequest>,
    ) -> Result<Response<api::CloseReviewResponse>, Status> {
        let who = auth::caller(&request)?;
        self.0.close_review(&who, convert::close_review(request.into_inner())?).await?;
        Ok(Response::new(api::CloseReviewResponse {}))
    }
}

/// Sends file after file, one in memory at a time, until an error or a caller who went away. Blocks.
fn send_files(files: Export, sender: &mpsc::Sender<Piece>) {
    for file in files {
        let piece = match file {
            Ok(ExportFile { path, bytes }) => Ok(api::ExportLogResponse { path, content: bytes }),
            Err(error) => Err(VaultError::from(error).into()),
        };
        let ended = piece.is_err();
        if sender.blocking_send(piece).is_err() || ended {
            return;
        }
    }
}
