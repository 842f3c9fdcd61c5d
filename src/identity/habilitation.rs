//! Who an agent is and what it was habilitated for: plain data and its validity, no storage.
//!
//! An agent acts only under a habilitation that names the authority which issued it and that is
//! valid today; both ends are civil dates and both days are included. Texts here are service data
//! of agents (never about a data subject) and are bounded.

use chrono::NaiveDate;

use super::IdentityError;
use crate::{
    ids::{AgentId, RoleName, TerritoryName, UnitName},
    limits,
};

/// A person or a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgentKind {
    /// A named person; no login is shared.
    Person,
    /// A service account of a calling program.
    Service,
}

/// What an agent was habilitated for: role and unit, from-to, by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Habilitation {
    /// Role of the policy pack.
    pub role: RoleName,
    /// Unit (cell), where the role has one.
    pub unit: Option<UnitName>,
    /// Territory, where the role is bound to one.
    pub territory: Option<TerritoryName>,
    /// First day, included.
    pub valid_from: NaiveDate,
    /// Last day, included.
    pub valid_to: NaiveDate,
    /// Who issued it: 1 to [`limits::AGENT_TEXT_BYTES_MAX`] bytes.
    pub authority: String,
    /// Profession, where the pack's rules ask for one.
    pub profession: Option<String>,
    /// Whether the agent is sworn.
    pub sworn: bool,
    /// Day on which the secrecy undertaking was signed.
    pub undertaking_on: Option<NaiveDate>,
    /// Where the signed undertaking is filed.
    pub undertaking_ref: Option<String>,
}

impl Habilitation {
    /// Whether the agent may act under it on this civil date.
    #[must_use]
    pub fn is_valid_on(&self, date: NaiveDate) -> bool {
        self.valid_from <= date && date <= self.valid_to
    }

    /// Checks what no row may lack. Errors: [`IdentityError::Invalid`].
    pub(super) fn check(&self) -> Result<(), IdentityError> {
        if self.valid_to < self.valid_from {
            return Err(IdentityError::Invalid("the habilitation ends before it begins"));
        }
        if self.authority.trim().is_empty() {
            return Err(IdentityError::Invalid("the habilitation names no issuing authority"));
        }
        let texts =
            [Some(&self.authority), self.profession.as_ref(), self.undertaking_ref.as_ref()];
        texts.into_iter().flatten().try_for_each(|text| check_text(text))
    }
}

/// An authenticated caller: who, and under which habilitation valid today. Made by a session only.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The agent.
    pub agent: AgentId,
    /// Person or service account.
    pub kind: AgentKind,
    /// The habilitation the agent acts under: the first that is valid today.
    pub habilitation: Habilitation,
    /// The service account the call came through, if any.
    pub service: Option<AgentId>,
}

/// An agent as a listing shows it: nothing secret.
#[derive(Debug, Clone)]
pub struct AgentSummary {
    /// The agent.
    pub agent: AgentId,
    /// Person or service account.
    pub kind: AgentKind,
    /// Name shown to the administrator.
    pub display_name: String,
    /// All habilitations, past and future ones included.
    pub habilitations: Vec<Habilitation>,
    /// Revoked for good.
    pub revoked: bool,
    /// The row in the database is older than the keyring requires: the agent cannot log in.
    pub stale: bool,
    /// Still has its one-time secret.
    pub one_time_secret: bool,
    /// Number of the row's last change, from 1.
    pub revision: u64,
}

/// An agent to be created.
#[derive(Debug, Clone)]
pub struct NewAgent {
    /// The login name.
    pub agent: AgentId,
    /// Person or service account.
    pub kind: AgentKind,
    /// Name shown to the administrator: at most [`limits::AGENT_TEXT_BYTES_MAX`] bytes.
    pub display_name: String,
    /// The first habilitation.
    pub habilitation: Habilitation,
}

impl NewAgent {
    /// Checks texts and dates. Errors: [`IdentityError::Invalid`].
    pub(super) fn check(&self) -> Result<(), IdentityError> {
        check_text(&self.display_name)?;
        self.habilitation.check()
    }
}

fn check_text(text: &str) -> Result<(), IdentityError> {
    if text.len() > limits::AGENT_TEXT_BYTES_MAX {
        return Err(IdentityError::Invalid("a text about the agent is too long"));
    }
    if text.chars().any(char::is_control) {
        return Err(IdentityError::Invalid("a text about the agent holds a control character"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::testing::{date, habilitation};

    #[test]
    fn a_habilitation_is_valid_on_its_first_and_last_day_and_on_no_day_around_them() {
        let h = habilitation("2020-11-01", "2020-11-30");
        for day in ["2020-11-01", "2020-11-15", "2020-11-30"] {
            assert!(h.is_valid_on(date(day)), "{day}");
        }
        for day in ["2020-10-31", "2020-12-01"] {
            assert!(!h.is_valid_on(date(day)), "{day}");
        }
    }

    #[test]
    fn a_habilitation_with_an_issuer_is_accepted_and_one_without_is_refused() {
        let mut h = habilitation("2020-11-01", "2020-11-30");
        assert_eq!(h.check(), Ok(()));
        h.authority = "  ".into();
        assert!(matches!(h.check(), Err(IdentityError::Invalid(_))));
    }

    #[test]
    fn dates_in_the_wrong_order_and_overlong_texts_are_refused() {
        let backwards = habilitation("2020-11-30", "2020-11-01");
        assert!(matches!(backwards.check(), Err(IdentityError::Invalid(_))));
        let mut wordy = habilitation("2020-11-01", "2020-11-30");
        wordy.profession = Some("x".repeat(limits::AGENT_TEXT_BYTES_MAX));
        assert_eq!(wordy.check(), Ok(()));
        wordy.profession = Some("x".repeat(limits::AGENT_TEXT_BYTES_MAX + 1));
        assert!(matches!(wordy.check(), Err(IdentityError::Invalid(_))));
    }
}
