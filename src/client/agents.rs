//! Calls of `Agents`.

use super::{
    Client, ClientError, service,
    types::{Agent, AgentKind, Habilitation, LoggedIn, NewAgent},
};
use crate::{secret::SecretBytes, wire::api};

impl Client {
    /// Opens a session. Errors also: BAD_CREDENTIALS, THROTTLED.
    pub async fn login(&self, agent: &str, secret: &SecretBytes) -> Result<LoggedIn, ClientError> {
        let request =
            self.request(api::LoginRequest { agent: agent.to_owned(), secret: wire_text(secret) });
        let answer = service!(self, agents_client, AgentsClient).login(request).await?;
        let answer = answer.into_inner();
        let given = answer.habilitation.ok_or(ClientError::Answer("habilitation"))?;
        Ok(LoggedIn {
            token: SecretBytes::new(answer.token.into_bytes()),
            expires_at_ms: answer.expires_at_ms,
            must_change_secret: answer.must_change_secret,
            habilitation: habilitation(given),
        })
    }

    /// Logs in and, if that secret was for one use, changes it to `new` and logs in with that one.
    pub async fn login_first(
        &self,
        agent: &str,
        one_time: &SecretBytes,
        new: &SecretBytes,
    ) -> Result<LoggedIn, ClientError> {
        let session = self.login(agent, one_time).await?;
        if !session.must_change_secret {
            return Ok(session);
        }
        self.with_token(&session.token)?.change_secret(one_time, new).await?;
        self.login(agent, new).await
    }

    /// Ends this session.
    pub async fn logout(&self) -> Result<(), ClientError> {
        let request = self.request(api::LogoutRequest {});
        service!(self, agents_client, AgentsClient).logout(request).await?;
        Ok(())
    }

    /// Changes the caller's own secret.
    pub async fn change_secret(
        &self,
        old: &SecretBytes,
        new: &SecretBytes,
    ) -> Result<(), ClientError> {
        let request = self.request(api::ChangeSecretRequest {
            old_secret: wire_text(old),
            new_secret: wire_text(new),
        });
        service!(self, agents_client, AgentsClient).change_secret(request).await?;
        Ok(())
    }

    /// Appoints an agent; his one-time secret.
    pub async fn create_agent(&self, new: NewAgent) -> Result<SecretBytes, ClientError> {
        let kind = match new.kind {
            AgentKind::Person => api::AgentKind::Person,
            AgentKind::Service => api::AgentKind::Service,
        };
        let request = self.request(api::CreateAgentRequest {
            agent: new.agent,
            kind: kind.into(),
            display_name: new.display_name,
            habilitation: Some(to_wire(new.habilitation)),
        });
        let answer = service!(self, agents_client, AgentsClient).create(request).await?;
        Ok(SecretBytes::new(answer.into_inner().one_time_secret.into_bytes()))
    }

    /// Revokes an agent for good.
    pub async fn revoke_agent(&self, agent: &str) -> Result<(), ClientError> {
        let request = self.request(api::RevokeAgentRequest { agent: agent.to_owned() });
        service!(self, agents_client, AgentsClient).revoke(request).await?;
        Ok(())
    }

    /// Every agent.
    pub async fn list_agents(&self) -> Result<Vec<Agent>, ClientError> {
        let request = self.request(api::ListAgentsRequest {});
        let answer = service!(self, agents_client, AgentsClient).list(request).await?;
        answer.into_inner().agents.into_iter().map(agent).collect()
    }
}

/// A secret as the message carries it. The message is dropped once it is encoded.
fn wire_text(secret: &SecretBytes) -> String {
    // EXPOSE: a login shows the secret to the vault, over loopback or TLS.
    String::from_utf8_lossy(secret.expose()).into_owned()
}

fn optional(text: String) -> Option<String> {
    Some(text).filter(|t| !t.is_empty())
}

fn habilitation(answer: api::Habilitation) -> Habilitation {
    Habilitation {
        role: answer.role,
        unit: optional(answer.unit),
        territory: optional(answer.territory),
        valid_from: answer.valid_from,
        valid_to: answer.valid_to,
        authority: answer.authority,
        profession: optional(answer.profession),
        sworn: answer.sworn,
        undertaking_on: optional(answer.undertaking_on),
        undertaking_ref: optional(answer.undertaking_ref),
    }
}

fn to_wire(given: Habilitation) -> api::Habilitation {
    api::Habilitation {
        role: given.role,
        unit: given.unit.unwrap_or_default(),
        territory: given.territory.unwrap_or_default(),
        valid_from: given.valid_from,
        valid_to: given.valid_to,
        authority: given.authority,
        profession: given.profession.unwrap_or_default(),
        sworn: given.sworn,
        undertaking_on: given.undertaking_on.unwrap_or_default(),
        undertaking_ref: given.undertaking_ref.unwrap_or_default(),
    }
}

fn agent(answer: api::Agent) -> Result<Agent, ClientError> {
    let kind = match answer.kind() {
        api::AgentKind::Person => AgentKind::Person,
        api::AgentKind::Service => AgentKind::Service,
        api::AgentKind::Unspecified => return Err(ClientError::Answer("kind")),
    };
    Ok(Agent {
        agent: answer.agent,
        kind,
        display_name: answer.display_name,
        habilitations: answer.habilitations.into_iter().map(habilitation).collect(),
        revoked: answer.revoked,
        one_time_secret: answer.one_time_secret,
        revision: answer.revision,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_habilitation_survives_the_way_there_and_back() {
        let original = Habilitation {
            role: "operator".into(),
            unit: Some("cell-1".into()),
            valid_from: "2020-11-23".into(),
            valid_to: "2021-03-31".into(),
            authority: "director".into(),
            sworn: true,
            ..Habilitation::default()
        };
        assert_eq!(habilitation(to_wire(original.clone())), original);
    }
}
