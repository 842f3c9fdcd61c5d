//! Types of `Agents`.

use serde::Serialize;

use crate::secret::SecretBytes;

/// A session that was opened. No `Debug`: it holds a token.
pub struct LoggedIn {
    /// For [`crate::client::Client::with_token`].
    pub token: SecretBytes,
    /// When it ends at the latest, in milliseconds.
    pub expires_at_ms: i64,
    /// Only `change_secret` and `logout` are answered.
    pub must_change_secret: bool,
    /// The habilitation it works under.
    pub habilitation: Habilitation,
}

/// A person or a service account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AgentKind {
    /// A person.
    Person,
    /// A service account.
    Service,
}

/// A role in a unit, from-to, given by somebody. Dates are `YYYY-MM-DD`, both included.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Habilitation {
    /// The role.
    pub role: String,
    /// The unit.
    pub unit: Option<String>,
    /// The territory.
    pub territory: Option<String>,
    /// First day.
    pub valid_from: String,
    /// Last day.
    pub valid_to: String,
    /// Who issued it.
    pub authority: String,
    /// The agent's profession.
    pub profession: Option<String>,
    /// Whether the agent is sworn.
    pub sworn: bool,
    /// Day of the secrecy undertaking.
    pub undertaking_on: Option<String>,
    /// Where the undertaking is filed.
    pub undertaking_ref: Option<String>,
}

/// An agent to be appointed.
#[derive(Debug, Clone)]
pub struct NewAgent {
    /// The login name.
    pub agent: String,
    /// Person or service account.
    pub kind: AgentKind,
    /// For people to read.
    pub display_name: String,
    /// What for.
    pub habilitation: Habilitation,
}

/// An agent as the directory has it.
#[derive(Debug, Clone, Serialize)]
pub struct Agent {
    /// The login name.
    pub agent: String,
    /// Person or service account.
    pub kind: AgentKind,
    /// For people to read.
    pub display_name: String,
    /// What for.
    pub habilitations: Vec<Habilitation>,
    /// Revoked for good.
    pub revoked: bool,
    /// Has not logged in yet.
    pub one_time_secret: bool,
    /// Revision of the directory's row.
    pub revision: u64,
}
