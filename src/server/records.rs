//! `oubliette.v1.Records` on the wire. Each method reads, calls one use case, and writes; it decides
//! nothing.

use std::{pin::Pin, sync::Arc};

use tokio_stream::Stream;
use tonic::{Request, Response, Status, Streaming};

use super::{auth, convert, import::Imports};
use crate::{
    vault::{Changed, Vault},
    wire::api,
};

/// The service over one vault.
pub(crate) struct Records {
    vault: Arc<Vault>,
    imports: Imports,
}

impl Records {
    /// Streams end when nothing moves for `stream_idle_ms` milliseconds.
    pub(crate) fn new(vault: Arc<Vault>, stream_idle_ms: u64) -> Self {
        Self { vault, imports: Imports::new(stream_idle_ms) }
    }
}

#[tonic::async_trait]
impl api::records_server::Records for Records {
    async fn describe(
        &self,
        request: Request<api::DescribeRequest>,
    ) -> Result<Response<api::DescribeResponse>, Status> {
        let who = auth::caller(&request)?;
        let description = self.vault.describe(&who);
        Ok(Response::new(convert::description(&description)))
    }

    async fn create(
        &self,
        request: Request<api::CreateRequest>,
    ) -> Result<Response<api::CreateResponse>, Status> {
        let who = auth::caller(&request)?;
        let (why, input) = convert::create(request.into_inner())?;
        let created = self.vault.create(&who, &why, input).await?;
        Ok(Response::new(convert::created(&created)))
    }

    type ImportStream = Pin<Box<dyn Stream<Item = Result<api::ImportResponse, Status>> + Send>>;

    async fn import(
        &self,
        request: Request<Streaming<api::ImportRequest>>,
    ) -> Result<Response<Self::ImportStream>, Status> {
        let answers = self.imports.start(&self.vault, request)?;
        Ok(Response::new(Box::pin(answers)))
    }

    async fn reveal(
        &self,
        request: Request<api::RevealRequest>,
    ) -> Result<Response<api::RevealResponse>, Status> {
        let who = auth::caller(&request)?;
        let (why, input, link) = convert::reveal(request.into_inner())?;
        let revealed = match link {
            Some(link) => self.vault.reveal_through(&who, &why, input, link).await?,
            None => self.vault.reveal(&who, &why, input).await?,
        };
        Ok(Response::new(convert::revealed(revealed)))
    }

    async fn reveal_many(
        &self,
        request: Request<api::RevealManyRequest>,
    ) -> Result<Response<api::RevealManyResponse>, Status> {
        let who = auth::caller(&request)?;
        let (why, input) = convert::reveal_many(request.into_inner())?;
        let items = self.vault.reveal_many(&who, &why, input).await?;
        Ok(Response::new(convert::revealed_many(items)))
    }

    async fn update(
        &self,
        request: Request<api::UpdateRequest>,
    ) -> Result<Response<api::UpdateResponse>, Status> {
        let who = auth::caller(&request)?;
        let (why, input, forget) = convert::update(request.into_inner())?;
        let changed = if forget {
            self.vault.update_and_forget(&who, &why, input).await?
        } else {
            self.vault.update(&who, &why, input).await?
        };
        Ok(Response::new(convert::updated(&changed)))
    }

    async fn find(
        &self,
        request: Request<api::FindRequest>,
    ) -> Result<Response<api::FindResponse>, Status> {
        let who = auth::caller(&request)?;
        let (why, input) = convert::find(request.into_inner())?;
        let page = self.vault.find(&who, &why, input).await?;
        Ok(Response::new(convert::found(&page)))
    }

    async fn r#match(
        &self,
        request: Request<api::MatchRequest>,
    ) -> Result<Response<api::MatchResponse>, Status> {
        let who = auth::caller(&request)?;
        let (why, input) = convert::matches(request.into_inner())?;
        let matched = self.vault.matches(&who, &why, input).await?;
        Ok(Response::new(convert::matched(&matched)))
    }

    async fn assign(
        &self,
        request: Request<api::AssignRequest>,
    ) -> Result<Response<api::AssignResponse>, Status> {
        let who = auth::caller(&request)?;
        let (why, input) = convert::assign(request.into_inner())?;
        let Changed { version, repeated, .. } = self.vault.assign(&who, &why, input).await?;
        Ok(Response::new(api::AssignResponse { version, repeated }))
    }

    async fn unassign(
        &self,
        request: Request<api::UnassignRequest>,
    ) -> Result<Response<api::UnassignResponse>, Status> {
        let who = auth::caller(&request)?;
        let (why, record, from) = convert::unassign(request.into_inner())?;
        let Changed { version, repeated, .. } =
            self.vault.unassign(&who, &why, record, from).await?;
        Ok(Response::new(api::UnassignResponse { version, repeated }))
    }

    async fn worklist(
        &self,
        request: Request<api::WorklistRequest>,
    ) -> Result<Response<api::WorklistResponse>, Status> {
        let who = auth::caller(&request)?;
        let (why, input) = convert::worklist(request.into_inner())?;
        let page = self.vault.worklist(&who, &why, input).await?;
        Ok(Response::new(convert::worklist_page(page)))
    }

    async fn erase(
        &self,
        request: Request<api::EraseRequest>,
    ) -> Result<Response<api::EraseResponse>, Status> {
        let who = auth::caller(&request)?;
        let (why, records) = convert::erase(request.into_inner())?;
        let answer = self.vault.erase(&who, &why, records).await?;
        Ok(Response::new(convert::erased(&answer)))
    }
}
