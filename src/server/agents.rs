//! `oubliette.v1.Agents` on the wire. Login needs no token; Logout and ChangeSecret accept that of a
//! one-time session; all else is called with a full session (`route`).

use std::sync::Arc;

use tonic::{Request, Response, Status};

use super::{auth, convert};
use crate::{
    identity::{IdentityError, OneTimeSecret},
    ids::AgentId,
    vault::Vault,
    wire::api,
};

/// The service over one vault.
pub(crate) struct Agents(pub(crate) Arc<Vault>);

#[tonic::async_trait]
impl api::agents_server::Agents for Agents {
    async fn login(
        &self,
        request: Request<api::LoginRequest>,
    ) -> Result<Response<api::LoginResponse>, Status> {
        let from = request.remote_addr().map(|address| address.ip());
        let request = request.into_inner();
        let secret = convert::secret("secret", request.secret)?;
        // A name that cannot exist answers like one that does not.
        let agent = AgentId::parse(&request.agent).map_err(|_| IdentityError::BadCredentials)?;
        let pack_hash = self.0.pack().hash();
        let session = self.0.identity().login(&agent, secret, from, pack_hash).await?;
        Ok(Response::new(api::LoginResponse {
            token: auth::encode(&session.token),
            expires_at_ms: session.expires_at.as_millis(),
            must_change_secret: session.must_change_secret,
            habilitation: Some(convert::habilitation(&session.caller.habilitation)),
        }))
    }

    async fn logout(
        &self,
        request: Request<api::LogoutRequest>,
    ) -> Result<Response<api::LogoutResponse>, Status> {
        let token = auth::token(request.metadata())?;
        let pack_hash = self.0.pack().hash();
        // EXPOSE: the session table looks the token up by its hash.
        self.0.identity().logout(token.expose(), pack_hash).await?;
        Ok(Response::new(api::LogoutResponse {}))
    }

    async fn change_secret(
        &self,
        request: Request<api::ChangeSecretRequest>,
    ) -> Result<Response<api::ChangeSecretResponse>, Status> {
        let token = auth::token(request.metadata())?;
        let request = request.into_inner();
        let old = convert::secret("old_secret", request.old_secret)?;
        let new = convert::secret("new_secret", request.new_secret)?;
        let pack_hash = self.0.pack().hash();
        // EXPOSE: the session table looks the token up by its hash.
        self.0.identity().change_secret(token.expose(), old, new, pack_hash).await?;
        Ok(Response::new(api::ChangeSecretResponse {}))
    }

    async fn create(
        &self,
        request: Request<api::CreateAgentRequest>,
    ) -> Result<Response<api::CreateAgentResponse>, Status> {
        let who = auth::caller(&request)?;
        let new = convert::new_agent(request.into_inner())?;
        let OneTimeSecret(secret) = self.0.create_agent(&who, new).await?;
        // EXPOSE: shown once, to the key admin who appointed the agent.
        let one_time_secret = String::from_utf8_lossy(secret.expose()).into_owned();
        Ok(Response::new(api::CreateAgentResponse { one_time_secret }))
    }

    async fn revoke(
        &self,
        request: Request<api::RevokeAgentRequest>,
    ) -> Result<Response<api::RevokeAgentResponse>, Status> {
        let who = auth::caller(&request)?;
        let agent = convert::agent_id(&request.into_inner().agent)?;
        self.0.revoke_agent(&who, agent).await?;
        Ok(Response::new(api::RevokeAgentResponse {}))
    }

    async fn list(
        &self,
        request: Request<api::ListAgentsRequest>,
    ) -> Result<Response<api::ListAgentsResponse>, Status> {
        let who = auth::caller(&request)?;
        let agents = self.0.list_agents(&who).await?;
        let agents = agents.iter().map(convert::agent).collect();
        Ok(Response::new(api::ListAgentsResponse { agents }))
    }
}
