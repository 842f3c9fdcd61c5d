//! Why the vault refused a call. Never carries a field value, a name or a search term; the one
//! translation to gRPC is `server/status.rs`.

use crate::{
    audit::AuditError,
    crypto::section::SectionError,
    identity::{ApprovalError, IdentityError},
    ids::ClassName,
    keyring::KeyringError,
    policy::{ClassDecision, Decision, PolicyRef, Verdict, Violation},
    retention::RetentionError,
    storage::StoreError,
};

use super::rotate::RootUnreadable;

/// Why a call was refused, or failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VaultError {
    /// The caller may know of the record (or the action is on the vault itself) but not do this.
    #[error("the policy does not allow this")]
    Denied {
        /// The classes that were refused; empty for an action on the vault.
        classes: Vec<ClassName>,
        /// The policies that refused them; empty when no policy allowed it.
        policies: Vec<PolicyRef>,
    },
    /// Absent, forbidden to know, expired and erased alike.
    #[error("not available")]
    NotAvailable,
    /// A hold keeps the record.
    #[error("a hold keeps this record; release the hold first")]
    Held,
    /// Somebody changed the record since the caller read it.
    #[error("the record has another version; read it again")]
    VersionMismatch,
    /// The request id was used for another write.
    #[error("this request id was used for another write")]
    RequestIdReused,
    /// Some values were refused; paths and reasons, never the values.
    #[error("some fields were refused")]
    Invalid(Vec<Violation>),
    /// The pack has no such collection.
    #[error("unknown collection; `describe` lists them")]
    UnknownCollection,
    /// No alarm that is open has this id.
    #[error("no open alarm has this id")]
    NoAlarm,
    /// The source of the root key gives no new secret.
    #[error(transparent)]
    RootUnreadable(#[from] RootUnreadable),
    /// The pack lists the role in order to refuse it.
    #[error("this role is excluded by the pack: nobody may be given it")]
    RoleExcluded,
    /// The pack's separation of duties forbids this role beside, or with, what the agent would have.
    #[error("these duties may not be in one hand")]
    DutiesSeparated,
    /// The pack has no such purpose.
    #[error("unknown purpose; use one of the pack's closed list")]
    UnknownPurpose,
    /// A bound of `limits.rs`.
    #[error("at most {limit} {what}")]
    TooMany {
        /// What there was too much of.
        what: &'static str,
        /// The bound.
        limit: usize,
    },
    /// A receipt was offered for another request's disclosure: a bug, and nothing was released.
    #[error("the receipt belongs to another request")]
    WrongReceipt,
    /// What is on disk does not verify; the word says which kind of row.
    #[error("the stored {0} does not verify; it was changed or moved on disk")]
    Corrupt(&'static str),
    /// A worker thread ended before its answer.
    #[error("the call was interrupted")]
    Interrupted,
    /// A second person's leave is missing or of no use.
    #[error(transparent)]
    Approval(ApprovalError),
    /// Who is calling, or the directory.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The audit log.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// Keys.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// Retention rules and purges.
    #[error(transparent)]
    Retention(#[from] RetentionError),
    /// Sealing.
    #[error(transparent)]
    Section(SectionError),
    /// Reading rows.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl VaultError {
    /// The denial of a decision: only what was refused, and what refused it.
    pub(super) fn denied(decision: &Decision) -> Self {
        Self::denied_classes(&decision.classes)
    }

    /// The same of a decision whose permit is spent.
    pub(super) fn denied_classes(decided: &[ClassDecision]) -> Self {
        let mut classes = Vec::new();
        let mut policies: Vec<PolicyRef> = Vec::new();
        for refused in decided.iter().filter(|c| c.verdict != Verdict::Allow) {
            classes.push(refused.class.clone());
            policies.extend(refused.policies.iter().cloned());
        }
        policies.sort();
        policies.dedup();
        Self::Denied { classes, policies }
    }
}

impl From<ApprovalError> for VaultError {
    fn from(error: ApprovalError) -> Self {
        match error {
            ApprovalError::Audit(error) => Self::Audit(error),
            ApprovalError::Read(error) => Self::Store(error),
            ApprovalError::Tampered => Self::Corrupt("approval"),
            other => Self::Approval(other),
        }
    }
}

impl From<SectionError> for VaultError {
    fn from(error: SectionError) -> Self {
        match error {
            SectionError::Tampered | SectionError::Format => Self::Corrupt("section"),
            other => Self::Section(other),
        }
    }
}
