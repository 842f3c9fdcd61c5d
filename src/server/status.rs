//! The only map from errors to `tonic::Status`.
//!
//! A status has a fixed message, the stable [`Reason`] in `ErrorInfo`, field paths in `BadRequest` and a
//! delay in `RetryInfo`. Nothing of a request, a record or an engine's error text may appear in any
//! of them. Causes an operator must see go to the error output, in one line, without data.

use std::{collections::HashMap, time::Duration};

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::{
    audit::AuditError,
    client::reason::Reason,
    crypto::section::SectionError,
    identity::{ApprovalError, IdentityError},
    ids::ClassName,
    keyring::KeyringError,
    limits,
    policy::Violation,
    retention::RetentionError,
    storage::StoreError,
    vault::VaultError,
};

/// `ErrorInfo.domain` of every error.
pub(crate) const DOMAIN: &str = "oubliette";

/// Delay suggested where a retry helps and the cause names no better one.
const RETRY: Duration = Duration::from_secs(2);

/// A refusal before it is put on the wire.
struct Refusal {
    reason: Reason,
    message: Option<String>,
    retry: Option<Duration>,
    violations: Vec<Violation>,
    metadata: HashMap<String, String>,
}

impl Refusal {
    fn of(reason: Reason) -> Self {
        Self {
            reason,
            message: None,
            retry: reason.retry().then_some(RETRY),
            violations: Vec::new(),
            metadata: HashMap::new(),
        }
    }

    fn field(path: &str, why: &str) -> Self {
        let violation = Violation { path: path.to_owned(), reason: why.to_owned() };
        Self { violations: vec![violation], ..Self::of(Reason::InvalidFields) }
    }

    fn bound(reason: Reason, what: &str, limit: usize) -> Self {
        let metadata = [("what", what.to_owned()), ("limit", limit.to_string())];
        Self {
            message: Some(format!("at most {limit} {what}")),
            metadata: metadata.map(|(k, v)| (k.to_owned(), v)).into(),
            ..Self::of(reason)
        }
    }

    fn status(self) -> Status {
        let mut details = ErrorDetails::new();
        details.set_error_info(self.reason.as_str(), DOMAIN, self.metadata);
        if let Some(delay) = self.retry {
            details.set_retry_info(Some(delay));
        }
        for violation in self.violations.into_iter().take(limits::VIOLATIONS_PER_ERROR_MAX) {
            details.add_bad_request_violation(violation.path, violation.reason);
        }
        let message = self.message.unwrap_or_else(|| self.reason.message().to_owned());
        Status::with_error_details(self.reason.code(), message, details)
    }
}

/// The status of a reason that needs no detail of its own.
pub(crate) fn of(reason: Reason) -> Status {
    Refusal::of(reason).status()
}

/// The status of a bound of the server, which is named with its number.
pub(super) fn bound(reason: Reason, what: &str, limit: usize) -> Status {
    Refusal::bound(reason, what, limit).status()
}

/// What the transport says, without a reason, of a message it could not take: the same with one. `what`
/// and `limit` are the bound on its size. `None` for any other status.
pub(super) fn of_message(status: &Status, what: &str, limit: usize) -> Option<Status> {
    if !status.details().is_empty() {
        return None;
    }
    match status.code() {
        Code::OutOfRange | Code::ResourceExhausted => Some(bound(Reason::Limit, what, limit)),
        Code::Internal => Some(of(Reason::Malformed)),
        _ => None,
    }
}

/// The status of a stream that broke: of the transport's own words only the code is passed on.
pub(crate) fn of_transport(error: &Status) -> Status {
    let told = of_message(error, "bytes of a message", limits::MESSAGE_BYTES_MAX);
    told.unwrap_or_else(|| Status::new(error.code(), "the stream was cut"))
}

/// One record's refusal in an answer about several: what its own status would say.
pub(crate) struct ItemRefusal {
    /// The stable reason.
    pub(crate) reason: Reason,
    /// The bound that was exceeded, in words; empty otherwise.
    pub(crate) message: String,
    /// Refused fields, never their values.
    pub(crate) violations: Vec<Violation>,
}

/// The refusal of one record in an answer about several.
pub(crate) fn item(error: &VaultError) -> ItemRefusal {
    let mut refusal = vault(error);
    refusal.violations.truncate(limits::VIOLATIONS_PER_ERROR_MAX);
    let message = refusal.message.filter(|_| refusal.reason == Reason::Limit).unwrap_or_default();
    ItemRefusal { reason: refusal.reason, message, violations: refusal.violations }
}

/// The answer of a method that is in the contract and not built yet.
pub(crate) fn not_built_yet() -> Status {
    of(Reason::NotBuiltYet)
}

impl From<VaultError> for Status {
    fn from(error: VaultError) -> Self {
        let refusal = vault(&error);
        if matches!(
            refusal.reason,
            Reason::Internal | Reason::Corrupt | Reason::StorageFailed | Reason::AuditUnwritable
        ) {
            report(refusal.reason, &error);
        }
        refusal.status()
    }
}

impl From<IdentityError> for Status {
    fn from(error: IdentityError) -> Self {
        Self::from(VaultError::Identity(error))
    }
}

/// Tells the operator the chain of causes. Our errors carry no data; an engine's text names files.
fn report(reason: Reason, error: &dyn std::error::Error) {
    let mut line = format!("{}: {error}", reason.as_str());
    let mut source = error.source();
    while let Some(cause) = source {
        line.push_str(": ");
        line.push_str(&cause.to_string());
        source = cause.source();
    }
    eprintln!("{line}");
}

fn vault(error: &VaultError) -> Refusal {
    match error {
        VaultError::Denied { classes, policies } => {
            let mut ids: Vec<&str> = policies.iter().map(|p| p.id.as_str()).collect();
            ids.truncate(limits::POLICIES_PER_ERROR_MAX);
            let mut refusal = Refusal::of(Reason::Denied);
            if !ids.is_empty() {
                refusal.metadata.insert("policies".to_owned(), ids.join(","));
            }
            if !classes.is_empty() {
                let classes: Vec<&str> = classes.iter().map(ClassName::as_str).collect();
                refusal.message = Some(format!("the policy does not allow {}", classes.join(", ")));
                refusal.metadata.insert("classes".to_owned(), classes.join(","));
            }
            refusal
        }
        VaultError::NotAvailable => Refusal::of(Reason::NotAvailable),
        VaultError::RootUnreadable(_) => Refusal::of(Reason::RootUnreadable),
        VaultError::NoAlarm => Refusal::of(Reason::NoAlarm),
        VaultError::Held => Refusal::of(Reason::Held),
        VaultError::VersionMismatch => Refusal::of(Reason::VersionMismatch),
        VaultError::RequestIdReused => Refusal::of(Reason::RequestIdReused),
        VaultError::Invalid(violations) => {
            Refusal { violations: violations.clone(), ..Refusal::of(Reason::InvalidFields) }
        }
        VaultError::UnknownCollection => Refusal::of(Reason::UnknownCollection),
        VaultError::UnknownPurpose => Refusal::of(Reason::UnknownPurpose),
        VaultError::RoleExcluded => Refusal::of(Reason::RoleExcluded),
        VaultError::DutiesSeparated => Refusal::of(Reason::DutiesSeparated),
        VaultError::TooMany { what, limit } => Refusal::bound(Reason::Limit, what, *limit),
        VaultError::Corrupt(_) => Refusal::of(Reason::Corrupt),
        VaultError::WrongReceipt | VaultError::Interrupted => Refusal::of(Reason::Internal),
        VaultError::Section(error) => section(error),
        VaultError::Store(StoreError::SnapshotLost) => Refusal::of(Reason::SnapshotLost),
        VaultError::Store(_) => Refusal::of(Reason::StorageFailed),
        VaultError::Approval(error) => approval(error),
        VaultError::Identity(error) => identity(error),
        VaultError::Audit(error) => audit(error),
        VaultError::Keyring(error) => keyring(error),
        VaultError::Retention(error) => retention(error),
    }
}

fn identity(error: &IdentityError) -> Refusal {
    match error {
        IdentityError::BadCredentials => Refusal::of(Reason::BadCredentials),
        IdentityError::Throttled { retry_ms } => {
            let delay = Duration::from_millis(u64::try_from(*retry_ms).unwrap_or_default());
            Refusal { retry: Some(delay), ..Refusal::of(Reason::Throttled) }
        }
        IdentityError::NoSession => Refusal::of(Reason::Unauthenticated),
        IdentityError::MustChangeSecret => Refusal::of(Reason::MustChangeSecret),
        IdentityError::WeakSecret => Refusal::of(Reason::WeakSecret),
        IdentityError::NoHabilitation => Refusal::of(Reason::NoHabilitation),
        IdentityError::Exists => Refusal::of(Reason::Exists),
        IdentityError::Unknown => Refusal::of(Reason::UnknownAgent),
        IdentityError::SamePerson => {
            Refusal::field("agent", "key administration and data protection are two persons'")
        }
        IdentityError::Invalid(why) => Refusal::field("habilitation", why),
        IdentityError::Full => {
            Refusal::bound(Reason::Limit, "agents, revoked ones included", limits::AGENTS_MAX)
        }
        IdentityError::Tampered(_) => Refusal::of(Reason::Corrupt),
        IdentityError::Busy => Refusal::of(Reason::Busy),
        IdentityError::Unavailable => Refusal::of(Reason::AuditUnwritable),
    }
}

/// The reason says what to do; which of the ways an approval can be of no use it is, the message says.
fn approval(error: &ApprovalError) -> Refusal {
    let reason = match error {
        ApprovalError::Needed => Reason::ApprovalNeeded,
        ApprovalError::Pending => Reason::ApprovalPending,
        ApprovalError::SamePerson => Reason::ApproverRefused,
        ApprovalError::Full { limit } => {
            return Refusal::bound(Reason::Limit, "open approvals", *limit);
        }
        _ => Reason::ApprovalUnusable,
    };
    Refusal { message: Some(error.to_string()), ..Refusal::of(reason) }
}

fn audit(error: &AuditError) -> Refusal {
    match error {
        AuditError::Unwritable => Refusal::of(Reason::AuditUnwritable),
        AuditError::Rejected => Refusal::of(Reason::VersionMismatch),
        AuditError::Stopping => Refusal::of(Reason::Stopping),
        AuditError::Read(_) => Refusal::of(Reason::StorageFailed),
        AuditError::SlotGone | AuditError::NoSegment => Refusal::of(Reason::NoSegment),
        AuditError::Corrupt(_) => Refusal::of(Reason::Corrupt),
        AuditError::Keyring(error) => keyring(error),
    }
}

fn section(error: &SectionError) -> Refusal {
    if matches!(error, SectionError::TooLarge(_)) {
        return vault(&VaultError::TooMany {
            what: "bytes in the fields of one class",
            limit: limits::SECTION_BYTES_MAX,
        });
    }
    Refusal::of(Reason::Corrupt)
}

/// A keyring error that a call can meet; the others belong to opening a vault, and here are faults.
fn keyring(error: &KeyringError) -> Refusal {
    match error {
        KeyringError::SlotGone => Refusal::of(Reason::NotAvailable),
        KeyringError::RootUnchanged => Refusal::of(Reason::RootUnchanged),
        KeyringError::HoldRefused => {
            Refusal::bound(Reason::Limit, "holds in force", limits::HOLDS_MAX)
        }
        KeyringError::NoSegment => Refusal::of(Reason::NoSegment),
        KeyringError::PlaceSilent { .. }
        | KeyringError::PrimarySilent { .. }
        | KeyringError::PlaceIo { .. }
        | KeyringError::ErasureNeedsPlace { .. } => Refusal::of(Reason::PlaceDown),
        KeyringError::Incomplete(_) | KeyringError::Drain | KeyringError::MustReopen => {
            Refusal::of(Reason::ErasurePending)
        }
        _ => Refusal::of(Reason::Internal),
    }
}

fn retention(error: &RetentionError) -> Refusal {
    match error {
        RetentionError::ClockTripped => Refusal::of(Reason::ClockTripped),
        RetentionError::FutureDate => {
            Refusal::field("collected_on", "lies in the future of the record's territory")
        }
        RetentionError::AlreadyExpired => Refusal::of(Reason::AlreadyExpired),
        RetentionError::NoHold => Refusal::of(Reason::NoHold),
        RetentionError::NoCertificate => Refusal::of(Reason::NoCertificate),
        RetentionError::PlaceDown => Refusal::of(Reason::PlaceDown),
        RetentionError::PlacePending(_) => Refusal::of(Reason::ErasurePending),
        RetentionError::Running => Refusal::of(Reason::PurgeRunning),
        RetentionError::StillReachable(_)
        | RetentionError::SegmentUnknown(_)
        | RetentionError::CohortUnknown(_)
        | RetentionError::GenerationUnlogged(_)
        | RetentionError::Tampered(_) => Refusal::of(Reason::Corrupt),
        RetentionError::Erasure(cause) => retention(cause),
        RetentionError::CertificateFormat => Refusal::of(Reason::Internal),
        RetentionError::Read(_) => Refusal::of(Reason::StorageFailed),
        RetentionError::Audit(error) => audit(error),
        RetentionError::Keyring(error) => keyring(error),
    }
}

#[cfg(test)]
mod tests;
