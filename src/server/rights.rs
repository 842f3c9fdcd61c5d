//! `oubliette.v1.Rights` on the wire: erasure and restriction of a subject; the rest is in the contract and not
//! built yet.

use std::{pin::Pin, sync::Arc};

use tokio_stream::Stream;
use tonic::{Request, Response, Status};

use super::{auth, convert, status::not_built_yet};
use crate::{vault::Vault, wire::api};

/// The service over one vault.
pub(crate) struct Rights(pub(crate) Arc<Vault>);

#[tonic::async_trait]
impl api::rights_server::Rights for Rights {
    type ExportSubjectStream =
        Pin<Box<dyn Stream<Item = Result<api::ExportSubjectResponse, Status>> + Send>>;

    async fn export_subject(
        &self,
        request: Request<api::ExportSubjectRequest>,
    ) -> Result<Response<Self::ExportSubjectStream>, Status> {
        auth::caller(&request)?;
        Err(not_built_yet())
    }

    async fn erase_subject(
        &self,
        request: Request<api::EraseSubjectRequest>,
    ) -> Result<Response<api::EraseSubjectResponse>, Status> {
        let who = auth::caller(&request)?;
        let (why, subject) = convert::erase_subject(request.into_inner())?;
        let answer = self.0.erase_subject(&who, &why, subject).await?;
        Ok(Response::new(convert::erased_subject(&answer)))
    }

    async fn restrict_subject(
        &self,
        request: Request<api::RestrictSubjectRequest>,
    ) -> Result<Response<api::RestrictSubjectResponse>, Status> {
        let who = auth::caller(&request)?;
        let (why, subject, restricted) = convert::restrict_subject(request.into_inner())?;
        let answer = self.0.restrict_subject(&who, &why, subject, restricted).await?;
        Ok(Response::new(convert::restricted_subject(&answer)))
    }

    async fn list_accesses(
        &self,
        request: Request<api::ListAccessesRequest>,
    ) -> Result<Response<api::ListAccessesResponse>, Status> {
        auth::caller(&request)?;
        Err(not_built_yet())
    }
}
