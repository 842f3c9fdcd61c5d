//! Types of holds and approvals.

use serde::Serialize;

use super::text;
use crate::ids::{ApprovalId, CertificateId, HoldId, RecordId};

/// Records to be kept beyond their date.
#[derive(Debug, Clone)]
pub struct HoldOrder {
    /// 1 to 256, each once.
    pub records: Vec<RecordId>,
    /// Who ordered it.
    pub authority: String,
    /// Why.
    pub reason: String,
    /// Last day, `YYYY-MM-DD`.
    pub ends_on: String,
}

/// A hold in force.
#[derive(Debug, Clone, Serialize)]
pub struct Hold {
    /// Its id.
    #[serde(serialize_with = "text")]
    pub hold: HoldId,
    /// The record it keeps.
    #[serde(serialize_with = "text")]
    pub record: RecordId,
    /// Who ordered it.
    pub authority: String,
    /// Why.
    pub reason: String,
    /// Last day.
    pub ends_on: String,
    /// Who gave leave.
    pub approver: String,
    /// When, RFC 3339.
    pub placed_at: String,
    /// Whole days since then, by the vault's clock.
    pub age_days: i64,
}

/// What a release did.
#[derive(Debug, Clone, Serialize)]
pub struct Released {
    /// Records erased because their date had passed.
    pub erased: u32,
    /// The certificate of the purge that did it.
    #[serde(serialize_with = "super::optional_text")]
    pub certificate: Option<CertificateId>,
}

/// An approval that was asked for.
#[derive(Debug, Clone, Serialize)]
pub struct Asked {
    /// Its id.
    #[serde(serialize_with = "text")]
    pub approval: ApprovalId,
    /// Until when it can be given and used, RFC 3339.
    pub expires_at: String,
}

/// An approval as it stands.
#[derive(Debug, Clone, Serialize)]
pub struct Approval {
    /// Its id.
    #[serde(serialize_with = "text")]
    pub approval: ApprovalId,
    /// What it is for.
    pub action: String,
    /// Who asked.
    pub requested_by: String,
    /// When, RFC 3339.
    pub requested_at: String,
    /// Until when it can be given and used, RFC 3339.
    pub expires_at: String,
    /// Who gave it.
    pub approved_by: Option<String>,
    /// It was used.
    pub used: bool,
    /// Why, in the words of who asked.
    pub reason: Option<String>,
    /// Records the request names, hexadecimal.
    pub records: Vec<String>,
    /// Classes it asks for.
    pub classes: Vec<String>,
    /// What else it says.
    pub details: Vec<String>,
}
