//! `oubliette.v1.Retention` on the wire. Each method reads, calls one use case, and writes.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use super::{auth, convert};
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
        let who = auth::caller(&request)?;
        let (why, input) = convert::place_hold(request.into_inner())?;
        let ids = self.0.place_holds(&who, &why, input).await?;
        Ok(Response::new(convert::held(&ids)))
    }

    async fn release_hold(
        &self,
        request: Request<api::ReleaseHoldRequest>,
    ) -> Result<Response<api::ReleaseHoldResponse>, Status> {
        let who = auth::caller(&request)?;
        let ids = convert::release_hold(&request.into_inner())?;
        let released = self.0.release_holds(&who, ids).await?;
        Ok(Response::new(convert::released(&released)))
    }

    async fn list_holds(
        &self,
        request: Request<api::ListHoldsRequest>,
    ) -> Result<Response<api::ListHoldsResponse>, Status> {
        let who = auth::caller(&request)?;
        let holds = self.0.list_holds(&who).await?;
        let holds = holds.iter().map(convert::hold).collect();
        let now_ms = self.0.log().clock().now().as_millis();
        Ok(Response::new(api::ListHoldsResponse { holds, now_ms }))
    }
}
