//! `oubliette.v1.Rights` on the wire: in the contract, not built yet. It holds no vault, so that it
//! can do nothing by mistake.

use std::pin::Pin;

use tokio_stream::Stream;
use tonic::{Request, Response, Status};

use super::{auth, status::not_built_yet};
use crate::wire::api;

/// The service.
pub(crate) struct Rights;

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
        auth::caller(&request)?;
        Err(not_built_yet())
    }

    async fn restrict_subject(
        &self,
        request: Request<api::RestrictSubjectRequest>,
    ) -> Result<Response<api::RestrictSubjectResponse>, Status> {
        auth::caller(&request)?;
        Err(not_built_yet())
    }

    async fn list_accesses(
        &self,
        request: Request<api::ListAccessesRequest>,
    ) -> Result<Response<api::ListAccessesResponse>, Status> {
        auth::caller(&request)?;
        Err(not_built_yet())
    }
}
