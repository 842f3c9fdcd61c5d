//! `oubliette.v1.Records` on the wire. Each method reads, calls one use case, and writes; it decides
//! nothing.

use std::{pin::Pin, sync::Arc};

use tokio_stream::Stream;
use tonic::{Request, Response, Status, Streaming};

use super::{auth, convert, status::not_built_yet};
use crate::{vault::Vault, wire::api};

/// The service over one vault.
pub(crate) struct Records(pub(crate) Arc<Vault>);

#[tonic::async_trait]
impl api::records_server::Records for Records {
    async fn describe(
        &self,
        request: Request<api::DescribeRequest>,
    ) -> Result<Response<api::DescribeResponse>, Status> {
        let who = auth::caller(&request)?;
        let description = self.0.describe(&who);
        Ok(Response::new(convert::description(&description)))
    }

    async fn create(
        &self,
        request: Request<api::CreateRequest>,
    ) -> Result<Response<api::CreateResponse>, Status> {
        let who = auth::caller(&request)?;
        let (why, input) = convert::create(request.into_inner())?;
        let created = self.0.create(&who, &why, input).await?;
        Ok(Response::new(convert::created(&created)))
    }

    type ImportStream = Pin<Box<dyn Stream<Item = Result<api::ImportResponse, Status>> + Send>>;

    async fn import(
        &self,
        request: Request<Streaming<api::ImportRequest>>,
    ) -> Result<Response<Self::ImportStream>, Status> {
        auth::caller(&request)?;
        Err(not_built_yet())
    }

    async fn reveal(
        &self,
        request: Request<api::RevealRequest>,
    ) -> Result<Response<api::RevealResponse>, Status> {
        let who = auth::caller(&request)?;
        let (why, input) = convert::reveal(request.into_inner())?;
        let revealed = self.0.reveal(&who, &why, input).await?;
        Ok(Response::new(convert::revealed(revealed)))
    }

    async fn reveal_many(
        &self,
        request: Request<api::RevealManyRequest>,
    ) -> Result<Response<api::RevealManyResponse>, Status> {
        auth::caller(&request)?;
        Err(not_built_yet())
    }

    async fn update(
        &self,
        request: Request<api::UpdateRequest>,
    ) -> Result<Response<api::UpdateResponse>, Status> {
        let who = auth::caller(&request)?;
        let (why, input) = convert::update(request.into_inner())?;
        let version = self.0.update(&who, &why, input).await?;
        Ok(Response::new(api::UpdateResponse { version, repeated: false }))
    }

    async fn find(
        &self,
        request: Request<api::FindRequest>,
    ) -> Result<Response<api::FindResponse>, Status> {
        auth::caller(&request)?;
        Err(not_built_yet())
    }

    async fn r#match(
        &self,
        request: Request<api::MatchRequest>,
    ) -> Result<Response<api::MatchResponse>, Status> {
        auth::caller(&request)?;
        Err(not_built_yet())
    }

    async fn assign(
        &self,
        request: Request<api::AssignRequest>,
    ) -> Result<Response<api::AssignResponse>, Status> {
        let who = auth::caller(&request)?;
        let (why, input) = convert::assign(request.into_inner())?;
        let version = self.0.assign(&who, &why, input).await?;
        Ok(Response::new(api::AssignResponse { version, repeated: false }))
    }

    async fn unassign(
        &self,
        request: Request<api::UnassignRequest>,
    ) -> Result<Response<api::UnassignResponse>, Status> {
        let who = auth::caller(&request)?;
        let (why, record, from) = convert::unassign(request.into_inner())?;
        let version = self.0.unassign(&who, &why, record, from).await?;
        Ok(Response::new(api::UnassignResponse { version, repeated: false }))
    }

    async fn worklist(
        &self,
        request: Request<api::WorklistRequest>,
    ) -> Result<Response<api::WorklistResponse>, Status> {
        auth::caller(&request)?;
        Err(not_built_yet())
    }

    async fn erase(
        &self,
        request: Request<api::EraseRequest>,
    ) -> Result<Response<api::EraseResponse>, Status> {
        auth::caller(&request)?;
        Err(not_built_yet())
    }
}
