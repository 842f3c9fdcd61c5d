//! The stable reasons of errors, as both sides of the wire know them.
//!
//! A reason's text never changes once released: programs match on it. Each has one gRPC code, a fixed
//! message, an advice what to do next, and says whether the same call may succeed later.
//! `docs/errors.md` describes every one (a test holds it complete). Nothing here may carry data.

use tonic::Code;

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $code:ident, $retry:literal, $message:literal, $hint:literal;)+) => {
        /// Why a call was refused. The text of each is `ErrorInfo.reason`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Reason {
            $($(#[$doc])* $name,)+
        }

        impl Reason {
            /// Every reason, in the order of `docs/errors.md`.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The stable text.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            /// The gRPC code it always comes with.
            #[must_use]
            pub const fn code(self) -> Code {
                match self { $(Self::$name => Code::$code,)+ }
            }

            /// Whether the same call may succeed later with nothing else changed by the caller.
            #[must_use]
            pub const fn retry(self) -> bool {
                match self { $(Self::$name => $retry,)+ }
            }

            /// The fixed message of the status.
            #[must_use]
            pub const fn message(self) -> &'static str {
                match self { $(Self::$name => $message,)+ }
            }

            /// What the caller can do next.
            #[must_use]
            pub const fn hint(self) -> &'static str {
                match self { $(Self::$name => $hint,)+ }
            }
        }
    };
}

reasons! {
    /// No valid session.
    Unauthenticated = "UNAUTHENTICATED", Unauthenticated, false,
        "no valid session", "log in: `oubliette login NAME`";
    /// Unknown agent or wrong secret: which of the two is not said.
    BadCredentials = "BAD_CREDENTIALS", Unauthenticated, false,
        "unknown agent or wrong secret", "check the name and the secret; a key admin can appoint the agent anew";
    /// A one-time secret allows `ChangeSecret` only.
    MustChangeSecret = "MUST_CHANGE_SECRET", FailedPrecondition, false,
        "this secret is for one use: change it first", "run `oubliette login` again: it asks for a new secret";
    /// A new secret was refused.
    WeakSecret = "WEAK_SECRET", InvalidArgument, false,
        "the new secret is too short, too long or the same as the old one", "choose another secret of 12 characters or more";
    /// No habilitation is valid today.
    NoHabilitation = "NO_HABILITATION", PermissionDenied, false,
        "no habilitation of this agent is valid today", "ask the key admin for an habilitation that covers today";
    /// The policy does not allow this.
    Denied = "DENIED", PermissionDenied, false,
        "the policy does not allow this", "ask for less, state the purpose of the task in hand, or be assigned the record";
    /// Absent, forbidden to know, expired or erased.
    NotAvailable = "NOT_AVAILABLE", NotFound, false,
        "not available", "check the id; a record that is absent, expired, erased or none of your business answers alike";
    /// A hold keeps the record.
    Held = "HELD", FailedPrecondition, false,
        "a hold keeps this record", "have the hold released first; nothing was erased";
    /// The record was changed by another call.
    VersionMismatch = "VERSION_MISMATCH", Aborted, false,
        "the record has another version", "reveal the record again and repeat the change with its present version";
    /// The request id was used for another write.
    RequestIdReused = "REQUEST_ID_REUSED", AlreadyExists, false,
        "this request id was used for another write", "draw a new request id for every new write; repeat one only with the same content";
    /// Fields of the request were refused; `BadRequest` lists them.
    InvalidFields = "INVALID_FIELDS", InvalidArgument, false,
        "some fields were refused", "correct the listed fields";
    /// The bytes sent are no message of the method.
    Malformed = "MALFORMED", InvalidArgument, false,
        "what was sent is not one message of this method", "use a client made from the vault's own .proto files, and send one message";
    /// The pack has no such collection.
    UnknownCollection = "UNKNOWN_COLLECTION", InvalidArgument, false,
        "unknown collection", "use a collection of the pack: `oubliette describe` lists them";
    /// The purpose is not of the pack's closed list.
    UnknownPurpose = "UNKNOWN_PURPOSE", InvalidArgument, false,
        "unknown purpose", "use a purpose of the pack: `oubliette describe` lists them";
    /// A stated bound was exceeded; the metadata names it.
    Limit = "LIMIT", InvalidArgument, false,
        "a bound was exceeded", "split the call; the bound is in the message and in the proto's comments";
    /// The data's period had ended before it arrived.
    AlreadyExpired = "ALREADY_EXPIRED", FailedPrecondition, false,
        "this data is already past its retention date", "do not file it: by the rule it must be forgotten";
    /// The role is one that the pack refuses to everybody.
    RoleExcluded = "ROLE_EXCLUDED", FailedPrecondition, false,
        "the pack excludes this role: nobody may be given it", "appoint to another role; the pack's README and policies say why this one is refused";
    /// The habilitation would bring duties together that the pack keeps apart.
    DutiesSeparated = "DUTIES_SEPARATED", FailedPrecondition, false,
        "the pack keeps these duties apart: one person may not have both", "appoint another person, or another role; the pack's `[[separation]]` says what is kept apart";
    /// An agent of this name exists.
    Exists = "EXISTS", AlreadyExists, false,
        "an agent with this name exists", "choose another name; names are never reused";
    /// No such agent.
    UnknownAgent = "UNKNOWN_AGENT", NotFound, false,
        "no such agent", "list the agents: `oubliette agent list`";
    /// No certificate has this id.
    NoCertificate = "NO_CERTIFICATE", NotFound, false,
        "no certificate has this id", "check the id in the purge's report; the newest is given without an id";
    /// No open alarm has this id.
    NoAlarm = "NO_ALARM", NotFound, false,
        "no open alarm has this id", "list the alarms; one that was acknowledged stays so";
    /// No hold in force has this id.
    NoHold = "NO_HOLD", NotFound, false,
        "no hold in force has this id", "list the holds: `oubliette hold list`; one that has ended keeps nothing";
    /// The call needs a second person's leave.
    ApprovalNeeded = "APPROVAL_NEEDED", FailedPrecondition, false,
        "a second person must approve this exact request first", "ask for it with the request itself (`--ask WHY`), have another person give it, and send the request with its id";
    /// Nobody has given the leave yet.
    ApprovalPending = "APPROVAL_PENDING", FailedPrecondition, false,
        "nobody has given this approval yet", "have another person give it: `oubliette approval give ID`";
    /// The approval is of no use for this request.
    ApprovalUnusable = "APPROVAL_UNUSABLE", FailedPrecondition, false,
        "this approval is of no use here", "the message says why: unknown, of another request, over or used; ask for a new one";
    /// Who asked, or no person, wants to give it.
    ApproverRefused = "APPROVER_REFUSED", PermissionDenied, false,
        "an approval is given by another person than who asked for it", "have another person give it, under her own session";
    /// The configured source gives no new root secret.
    RootUnreadable = "ROOT_UNREADABLE", FailedPrecondition, false,
        "the vault's configured source gives no new root secret; nothing was changed", "put the new secret where `serve` reads it, a file of 16 characters or more; the vault's error output says what was wrong";
    /// The source still gives the secret in force.
    RootUnchanged = "ROOT_UNCHANGED", FailedPrecondition, false,
        "the configured source still gives the root secret that is in force; nothing was changed", "replace the secret in the file that `serve` reads, keeping the old one until the rotation is answered";
    /// The clock jumped; purges wait.
    ClockTripped = "CLOCK_TRIPPED", FailedPrecondition, false,
        "the clock jumped; no purge runs until it is confirmed", "set the clock right, then `oubliette clock confirm --date TODAY`";
    /// A place does not answer; nothing was erased.
    PlaceDown = "PLACE_DOWN", Unavailable, true,
        "a place of the keyring does not answer; nothing was erased", "bring the place back (`oubliette status` names it) and repeat";
    /// An erasure was begun and is not confirmed by every place.
    ErasurePending = "ERASURE_PENDING", Unavailable, false,
        "an erasure was begun and a place has not confirmed it yet; it is not acknowledged", "bring the place back, then restart the vault: it completes the erasure";
    /// One purge at a time.
    PurgeRunning = "PURGE_RUNNING", Unavailable, true,
        "a purge is already running", "repeat when it is done";
    /// No segment is open for this date yet.
    NoSegment = "NO_SEGMENT", Unavailable, true,
        "no key segment is open for this date yet", "repeat in a moment; segments open in the background";
    /// The log cannot be written: latched until restart.
    AuditUnwritable = "AUDIT_UNWRITABLE", Unavailable, false,
        "the audit log cannot be written; nothing is answered until the vault is restarted", "the operator must repair the disk of the data folder and restart the vault";
    /// Reading from storage failed.
    StorageFailed = "STORAGE_FAILED", Unavailable, true,
        "reading from storage failed", "repeat; if it stays, the operator must look at the data folder's disk";
    /// A backup's snapshot was given up.
    SnapshotLost = "SNAPSHOT_LOST", Aborted, true,
        "too much was written while the backup was taken", "take it again, at a quieter hour or faster";
    /// Stored data does not verify.
    Corrupt = "CORRUPT", DataLoss, false,
        "stored data does not verify", "stop the vault and call the operator: data was changed on disk or a key is wrong";
    /// Too many failed logins.
    Throttled = "THROTTLED", ResourceExhausted, true,
        "too many failed logins; wait", "wait as long as the answer says, then log in with the right secret";
    /// Too many logins wait.
    Busy = "BUSY", Unavailable, true,
        "the vault is busy with other logins", "repeat in a few seconds";
    /// More calls, connections or imports than the vault takes at one time.
    Overloaded = "OVERLOADED", ResourceExhausted, true,
        "the vault takes no more calls at this moment", "repeat after the delay, and keep fewer calls open at one time";
    /// Nothing was sent, or no answer taken, for too long.
    StreamIdle = "STREAM_IDLE", DeadlineExceeded, true,
        "nothing was sent, or no answer was taken, for too long", "open the stream again and send every record with its request id: those filed are not filed twice";
    /// The call's deadline passed, or the vault's own bound for one call.
    Deadline = "DEADLINE", DeadlineExceeded, true,
        "the call took longer than its deadline", "repeat with a longer deadline; a write with its request id, since it may have been done";
    /// The vault drains.
    Stopping = "STOPPING", Unavailable, true,
        "the vault is stopping", "repeat once it has been started again";
    /// The method is in the contract and not built yet.
    NotBuiltYet = "NOT_BUILT_YET", Unimplemented, false,
        "this method is not built yet", "the README lists what is there and what is not yet";
    /// A fault of the vault itself.
    Internal = "INTERNAL", Internal, false,
        "the vault met a fault of its own", "report it with the vault's error output of this moment";
}

impl Reason {
    /// The reason of this text; `None` for one that this version does not know.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|r| r.as_str() == text)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// `docs/errors.md`, the contract for people.
    const BOOK: &str = include_str!("../../docs/errors.md");

    #[test]
    fn every_reason_reads_back_from_its_text_and_an_unknown_one_does_not() {
        for reason in Reason::ALL {
            assert_eq!(Reason::parse(reason.as_str()), Some(*reason));
        }
        assert_eq!(Reason::parse("SOMETHING_ELSE"), None);
    }

    #[test]
    fn the_book_of_errors_describes_every_reason_and_no_other() {
        let described: BTreeSet<&str> =
            BOOK.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        let known: BTreeSet<&str> = Reason::ALL.iter().map(|r| r.as_str()).collect();
        assert_eq!(described, known);
    }

    #[test]
    fn the_book_gives_each_reason_its_code_cause_retry_and_remedy() {
        for reason in Reason::ALL {
            let heading = format!("## {}\n", reason.as_str());
            let section = BOOK.split(&heading).nth(1).unwrap();
            let section = section.split("\n## ").next().unwrap();
            for part in ["- Code: ", "- Cause: ", "- Retry: ", "- Remedy: "] {
                assert!(section.contains(part), "{} lacks {part}", reason.as_str());
            }
            let retry = if reason.retry() { "- Retry: yes" } else { "- Retry: no" };
            assert!(section.contains(retry), "{}: {retry}", reason.as_str());
            assert!(section.contains(&format!("- Code: {}", code_name(reason.code()))));
        }
    }

    fn code_name(code: Code) -> &'static str {
        match code {
            Code::Unauthenticated => "UNAUTHENTICATED",
            Code::FailedPrecondition => "FAILED_PRECONDITION",
            Code::InvalidArgument => "INVALID_ARGUMENT",
            Code::PermissionDenied => "PERMISSION_DENIED",
            Code::NotFound => "NOT_FOUND",
            Code::Aborted => "ABORTED",
            Code::AlreadyExists => "ALREADY_EXISTS",
            Code::Unavailable => "UNAVAILABLE",
            Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
            Code::DataLoss => "DATA_LOSS",
            Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
            Code::Unimplemented => "UNIMPLEMENTED",
            Code::Internal => "INTERNAL",
            other => panic!("{other:?} is not in use"),
        }
    }
}
