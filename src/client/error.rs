//! What can go wrong with a call, readable, with an advice what to do next.

use std::fmt;

use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::{reason::Reason, tls::TlsRefusal};
use crate::identity::tls::TlsError;

/// Why a call did not give its answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// Not `host:port`.
    #[error("an address is written as 127.0.0.1:7443")]
    Address,
    /// Another machine.
    #[error("the address is not a loopback one, and in clear nothing else is spoken to")]
    NotLoopback,
    /// `https`, and nothing to judge the certificate by.
    #[error("https needs the CA that signed the vault's certificate; the system's own have no say")]
    NoCa,
    /// `http`, and a CA.
    #[error("a CA was given for an http address, which is in clear")]
    PlainWithCa,
    /// The CA's file.
    #[error("the CA cannot be used")]
    Ca(#[from] TlsError),
    /// Somebody answers, and it is not the vault, or not as it should be.
    #[error("{0}")]
    Tls(TlsRefusal),
    /// Nobody answers there.
    #[error("no vault answers at this address")]
    Unreachable(#[source] tonic::transport::Error),
    /// The text cannot be a session's token.
    #[error("the session's token is malformed")]
    Token,
    /// The vault refused the call.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// A stream ended before everything sent was answered.
    #[error("the stream ended before everything was answered")]
    StreamEnded,
    /// The vault answered something that is not of its contract.
    #[error("the vault's answer is malformed: {0}")]
    Answer(&'static str),
}

/// A refusal, taken apart. Holds no personal data: the vault puts none into errors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The gRPC code.
    pub code: Code,
    /// The stable reason; `None` when the error did not come from a vault of this version.
    pub reason: Option<Reason>,
    /// The status text.
    pub message: String,
    /// Refused fields: path in the request message, and why.
    pub violations: Vec<(String, String)>,
    /// Ids of the policies that decided, for a denial.
    pub policies: Vec<String>,
    /// When a repeat may help, in milliseconds.
    pub retry_after_ms: Option<u64>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reason {
            Some(reason) => write!(f, "{} ({})", self.message, reason.as_str())?,
            None => write!(f, "{} ({:?})", self.message, self.code)?,
        }
        for (path, why) in &self.violations {
            write!(f, "\n  {path}: {why}")?;
        }
        if !self.policies.is_empty() {
            write!(f, "\n  decided by: {}", self.policies.join(", "))?;
        }
        Ok(())
    }
}

impl ClientError {
    /// The stable reason, where the vault gave one.
    #[must_use]
    pub fn reason(&self) -> Option<Reason> {
        match self {
            Self::Refused(refusal) => refusal.reason,
            _ => None,
        }
    }

    /// Whether the same call may succeed a little later with nothing else changed by the caller. A
    /// write is repeated with its request id.
    #[must_use]
    pub fn passes(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::StreamEnded => true,
            Self::Refused(refusal) => match refusal.reason {
                Some(reason) => reason.retry(),
                None => is_loss(refusal.code),
            },
            Self::Address
            | Self::NotLoopback
            | Self::NoCa
            | Self::PlainWithCa
            | Self::Ca(_)
            | Self::Tls(_)
            | Self::Token
            | Self::Answer(_) => false,
        }
    }

    /// Whether the call may have been done although no answer came.
    #[must_use]
    pub fn lost_the_answer(&self) -> bool {
        match self {
            Self::StreamEnded | Self::Answer(_) => true,
            Self::Refused(refusal) => match refusal.reason {
                Some(reason) => matches!(
                    reason,
                    Reason::Deadline
                        | Reason::Stopping
                        | Reason::StreamIdle
                        | Reason::AuditUnwritable
                        | Reason::Internal
                ),
                None => is_loss(refusal.code),
            },
            Self::Address
            | Self::NotLoopback
            | Self::NoCa
            | Self::PlainWithCa
            | Self::Ca(_)
            | Self::Tls(_)
            | Self::Token
            | Self::Unreachable(_) => false,
        }
    }

    /// How long to wait before a repeat, where the vault says so, in milliseconds.
    #[must_use]
    pub fn retry_after_ms(&self) -> Option<u64> {
        match self {
            Self::Refused(refusal) => refusal.retry_after_ms,
            _ => None,
        }
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Address => "give --address 127.0.0.1:7443, as `oubliette serve` prints it".into(),
            Self::NotLoopback => "speak TLS: give --ca FILE, the CA of the vault's certificate; or run this on the vault's machine, or through a tunnel".into(),
            Self::NoCa => "give --ca FILE, as the vault's operator handed it to you".into(),
            Self::PlainWithCa => "write https://, or leave the scheme out".into(),
            Self::Ca(_) => "give --ca the file of the CA's certificate, in PEM".into(),
            Self::Tls(refusal) => refusal.hint().into(),
            Self::Unreachable(_) => {
                "start the vault (`oubliette serve`) or give its --address".into()
            }
            Self::Token => "log in again: `oubliette login NAME`".into(),
            Self::StreamEnded => "repeat: what was filed is not filed twice".into(),
            Self::Answer(_) => "use a client and a vault of the same version".into(),
            Self::Refused(refusal) => match (refusal.reason, refusal.retry_after_ms) {
                (Some(Reason::Throttled), Some(ms)) => {
                    format!("wait {} s, then log in with the right secret", ms.div_ceil(1000))
                }
                (Some(reason), _) => reason.hint().into(),
                (None, _) => "is the vault still running? see its error output; one that is served with --tls-cert is spoken to with --ca FILE".into(),
            },
        }
    }
}

/// Codes that the transport gives a call whose connection broke, whatever it calls the breach.
const fn is_loss(code: Code) -> bool {
    matches!(
        code,
        Code::Unavailable
            | Code::Unknown
            | Code::Internal
            | Code::Cancelled
            | Code::Aborted
            | Code::DeadlineExceeded
            | Code::ResourceExhausted
    )
}

impl From<Status> for ClientError {
    fn from(status: Status) -> Self {
        // A connection that broke is made again, and what answers then may be something else.
        if let Some(refusal) = TlsRefusal::among(&status) {
            return Self::Tls(refusal);
        }
        let details = status.get_error_details();
        let info = details.error_info();
        let policies = info.and_then(|i| i.metadata.get("policies"));
        let violations = details.bad_request().map(|bad| {
            bad.field_violations.iter().map(|v| (v.field.clone(), v.description.clone())).collect()
        });
        let delay = details.retry_info().and_then(|r| r.retry_delay);
        Self::Refused(Box::new(Refusal {
            code: status.code(),
            reason: info.and_then(|i| Reason::parse(&i.reason)),
            message: status.message().to_owned(),
            violations: violations.unwrap_or_default(),
            policies: policies
                .map(|list| list.split(',').map(str::to_owned).collect())
                .unwrap_or_default(),
            retry_after_ms: delay.and_then(|d| u64::try_from(d.as_millis()).ok()),
        }))
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, time::Duration};

    use tonic_types::ErrorDetails;

    use super::*;

    fn status(reason: &str, metadata: &[(&str, &str)], retry_ms: Option<u64>) -> Status {
        let metadata: HashMap<String, String> =
            metadata.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let mut details = ErrorDetails::new();
        details.set_error_info(reason, "oubliette", metadata);
        details.add_bad_request_violation("fields[0].value", "is not a date");
        details.set_retry_info(retry_ms.map(Duration::from_millis));
        Status::with_error_details(Code::PermissionDenied, "the text", details)
    }

    #[test]
    fn a_refusal_is_taken_apart() {
        let error = ClientError::from(status("DENIED", &[("policies", "a,b")], None));
        assert_eq!(error.reason(), Some(Reason::Denied));
        let ClientError::Refused(refusal) = &error else { panic!("refused") };
        assert_eq!(refusal.policies, ["a", "b"]);
        assert_eq!(refusal.violations, [("fields[0].value".into(), "is not a date".into())]);
        assert!(error.to_string().contains("DENIED"));
        assert_eq!(error.hint(), Reason::Denied.hint());
    }

    #[test]
    fn an_error_that_no_vault_made_has_no_reason_and_still_an_advice() {
        let error = ClientError::from(Status::unavailable("broken pipe"));
        assert_eq!(error.reason(), None);
        assert!(error.hint().contains("running"));
        assert_eq!(ClientError::from(status("NEW_ONE", &[], None)).reason(), None);
    }

    #[test]
    fn a_broken_connection_may_have_done_the_call_and_passes_and_a_refusal_does_neither() {
        for lost in [Status::unavailable("x"), Status::unknown("x"), Status::cancelled("x")] {
            let error = ClientError::from(lost);
            assert!(error.passes() && error.lost_the_answer(), "{error}");
        }
        let stopping = ClientError::from(status("STOPPING", &[], Some(250)));
        assert!(stopping.passes() && stopping.lost_the_answer());
        assert_eq!(stopping.retry_after_ms(), Some(250));
        let overloaded = ClientError::from(status("OVERLOADED", &[], None));
        assert!(overloaded.passes() && !overloaded.lost_the_answer());
        let latched = ClientError::from(status("AUDIT_UNWRITABLE", &[], None));
        assert!(!latched.passes() && latched.lost_the_answer());
        for refused in ["DENIED", "REQUEST_ID_REUSED", "UNAUTHENTICATED", "INVALID_FIELDS"] {
            let error = ClientError::from(status(refused, &[], None));
            assert!(!error.passes() && !error.lost_the_answer(), "{refused}");
        }
        let too_large = ClientError::from(Status::out_of_range("x"));
        assert!(!too_large.passes() && !too_large.lost_the_answer());
    }

    #[test]
    fn a_throttled_login_says_how_long_to_wait() {
        let error = ClientError::from(status("THROTTLED", &[], Some(4_100)));
        assert!(error.hint().contains("5 s"));
    }
}
