//! `oubliette.v1.Retention` on the wire. Each method reads, calls one use case, and writes.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use super::{auth, convert, status::not_built_yet};
use crate::{vault::Vault, wire::api};

/// The service over one vault.
pub(crate) struct Retention(pub(crate) Arc<Vault>);

#[tonic::async_trait]
impl api::retention_server::Retention for Retention {
    async fn preview_purge(
        &self,
        request: Request<api::PreviewPurgeRequest>,
    ) -> Result<Response<api::PreviewPurgeResponse>, Status> {
        let who = auth::caller(&request)?;
        let preview = self.0.preview_purge(&who).await?;
        Ok(Response::new(convert::preview(&preview)))
    }

    async fn run_purge(
        &self,
        request: Request<api::RunPurgeRequest>,
    ) -> Result<Response<api::RunPurgeResponse>, Status> {
        let who = auth::caller(&request)?;
        let report = self.0.run_purge(&who).await?;
        Ok(Response::new(convert::purged(report)))
    }

    async fn get_certificate(
        &self,
        request: Request<api::GetCertificateRequest>,
    ) -> Result<Response<api::GetCertificateResponse>, Status> {
        let who = auth::caller(&request)?;
        let id = convert::certificate_id(&request.into_inner().certificate_id)?;
        let certificate = self.0.certificate(&who, id).await?;
        Ok(Response::new(api::GetCertificateResponse { certificate }))
    }

    async fn place_hold(
        &self,
        request: Request<api::PlaceHoldRequest>,
    ) -> Result<Response<api::PlaceHoldResponse>, Status> {
        auth::caller(&request)?;
        Err(not_built_yet())
    }

    async fn release_hold(
        &self,
        request: Request<api::ReleaseHoldRequest>,
    ) -> Result<Response<api::ReleaseHoldResponse>, Status> {
        auth::caller(&request)?;
        Err(not_built_yet())
    }

    async fn list_holds(
        &self,
        request: Request<api::ListHoldsRequest>,
    ) -> Result<Response<api::ListHoldsResponse>, Status> {
        auth::caller(&request)?;
        Err(not_built_yet())
    }
}
