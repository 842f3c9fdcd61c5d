//! Every error that a call can meet, with the code and the reason it must answer.

use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::*;
use crate::{ids::PlaceId, policy::PolicyRef, storage::StoreError};

fn answer(error: VaultError) -> (Code, String) {
    let status = Status::from(error);
    let info = status.get_details_error_info().unwrap();
    assert_eq!(info.domain, DOMAIN);
    (status.code(), info.reason)
}

#[test]
fn every_error_of_a_call_has_its_code_and_reason() {
    let place = PlaceId::from_bytes([1; 16]);
    let read = || AuditError::Read(StoreError::Locked);
    let table: Vec<(VaultError, Code, &str)> = vec![
        (
            VaultError::Denied { classes: vec![], policies: vec![] },
            Code::PermissionDenied,
            "DENIED",
        ),
        (VaultError::NotAvailable, Code::NotFound, "NOT_AVAILABLE"),
        (VaultError::VersionMismatch, Code::Aborted, "VERSION_MISMATCH"),
        (VaultError::Invalid(vec![]), Code::InvalidArgument, "INVALID_FIELDS"),
        (VaultError::UnknownCollection, Code::InvalidArgument, "UNKNOWN_COLLECTION"),
        (VaultError::UnknownPurpose, Code::InvalidArgument, "UNKNOWN_PURPOSE"),
        (VaultError::RoleExcluded, Code::FailedPrecondition, "ROLE_EXCLUDED"),
        (VaultError::DutiesSeparated, Code::FailedPrecondition, "DUTIES_SEPARATED"),
        (VaultError::TooMany { what: "fields", limit: 128 }, Code::InvalidArgument, "LIMIT"),
        (VaultError::WrongReceipt, Code::Internal, "INTERNAL"),
        (VaultError::Interrupted, Code::Internal, "INTERNAL"),
        (VaultError::Section(SectionError::TooLarge(1)), Code::InvalidArgument, "LIMIT"),
        (SectionError::Tampered.into(), Code::DataLoss, "CORRUPT"),
        (StoreError::Locked.into(), Code::Unavailable, "STORAGE_FAILED"),
        (VaultError::Corrupt("head"), Code::DataLoss, "CORRUPT"),
        (IdentityError::BadCredentials.into(), Code::Unauthenticated, "BAD_CREDENTIALS"),
        (IdentityError::Throttled { retry_ms: 1 }.into(), Code::ResourceExhausted, "THROTTLED"),
        (IdentityError::NoSession.into(), Code::Unauthenticated, "UNAUTHENTICATED"),
        (IdentityError::MustChangeSecret.into(), Code::FailedPrecondition, "MUST_CHANGE_SECRET"),
        (IdentityError::WeakSecret.into(), Code::InvalidArgument, "WEAK_SECRET"),
        (IdentityError::NoHabilitation.into(), Code::PermissionDenied, "NO_HABILITATION"),
        (IdentityError::Exists.into(), Code::AlreadyExists, "EXISTS"),
        (IdentityError::Unknown.into(), Code::NotFound, "UNKNOWN_AGENT"),
        (IdentityError::SamePerson.into(), Code::InvalidArgument, "INVALID_FIELDS"),
        (IdentityError::Invalid("no").into(), Code::InvalidArgument, "INVALID_FIELDS"),
        (IdentityError::Full.into(), Code::InvalidArgument, "LIMIT"),
        (IdentityError::Tampered("x".into()).into(), Code::DataLoss, "CORRUPT"),
        (IdentityError::Busy.into(), Code::Unavailable, "BUSY"),
        (IdentityError::Unavailable.into(), Code::Unavailable, "AUDIT_UNWRITABLE"),
        (AuditError::Unwritable.into(), Code::Unavailable, "AUDIT_UNWRITABLE"),
        (AuditError::Rejected.into(), Code::Aborted, "VERSION_MISMATCH"),
        (AuditError::Stopping.into(), Code::Unavailable, "STOPPING"),
        (read().into(), Code::Unavailable, "STORAGE_FAILED"),
        (AuditError::NoSegment.into(), Code::Unavailable, "NO_SEGMENT"),
        (AuditError::Corrupt("leaf").into(), Code::DataLoss, "CORRUPT"),
        (AuditError::Keyring(KeyringError::SlotGone).into(), Code::NotFound, "NOT_AVAILABLE"),
        (KeyringError::SlotGone.into(), Code::NotFound, "NOT_AVAILABLE"),
        (KeyringError::NoSegment.into(), Code::Unavailable, "NO_SEGMENT"),
        (RetentionError::ClockTripped.into(), Code::FailedPrecondition, "CLOCK_TRIPPED"),
        (RetentionError::FutureDate.into(), Code::InvalidArgument, "INVALID_FIELDS"),
        (RetentionError::AlreadyExpired.into(), Code::FailedPrecondition, "ALREADY_EXPIRED"),
        (RetentionError::NoCertificate.into(), Code::NotFound, "NO_CERTIFICATE"),
        (RetentionError::PlaceDown.into(), Code::Unavailable, "PLACE_DOWN"),
        (RetentionError::PlacePending(place).into(), Code::Unavailable, "ERASURE_PENDING"),
        (RetentionError::Running.into(), Code::Unavailable, "PURGE_RUNNING"),
        (RetentionError::Tampered("row").into(), Code::DataLoss, "CORRUPT"),
        (RetentionError::GenerationUnlogged(2).into(), Code::DataLoss, "CORRUPT"),
        (RetentionError::CertificateFormat.into(), Code::Internal, "INTERNAL"),
        (RetentionError::Read(StoreError::Locked).into(), Code::Unavailable, "STORAGE_FAILED"),
        (KeyringError::ErasureNeedsPlace { id: place }.into(), Code::Unavailable, "PLACE_DOWN"),
        (KeyringError::MustReopen.into(), Code::Unavailable, "ERASURE_PENDING"),
        (KeyringError::WrongRoot.into(), Code::Internal, "INTERNAL"),
        (RetentionError::Audit(read()).into(), Code::Unavailable, "STORAGE_FAILED"),
        (RetentionError::Keyring(KeyringError::NoSegment).into(), Code::Unavailable, "NO_SEGMENT"),
    ];
    for (error, code, reason) in table {
        let name = format!("{error:?}");
        assert_eq!(answer(error), (code, reason.to_owned()), "{name}");
    }
}

#[test]
fn a_method_not_built_yet_says_so() {
    let status = not_built_yet();
    assert_eq!(status.code(), Code::Unimplemented);
    assert_eq!(status.get_details_error_info().unwrap().reason, "NOT_BUILT_YET");
}

#[test]
fn a_denial_names_the_deciding_policies_to_those_who_may_know_and_none_to_others() {
    let policy = |id: &str| PolicyRef {
        id: id.to_owned(),
        reason: "kept inside".to_owned(),
        legal: "kept inside".to_owned(),
    };
    let named = VaultError::Denied {
        classes: vec![],
        policies: vec![policy("nir-never"), policy("own-territory")],
    };
    let info = Status::from(named).get_details_error_info().unwrap();
    assert_eq!(info.metadata.get("policies").unwrap(), "nir-never,own-territory");

    let silent = Status::from(VaultError::Denied { classes: vec![], policies: vec![] });
    assert!(silent.get_details_error_info().unwrap().metadata.is_empty());
    assert!(!silent.message().contains("inside"));
}

#[test]
fn refused_fields_come_with_their_paths_and_not_more_than_fit_a_header() {
    let violation = |n: usize| Violation {
        path: format!("fields[{n}].value"),
        reason: "not a date".to_owned(),
    };
    let status = Status::from(VaultError::Invalid((0..128).map(violation).collect()));
    let bad = status.get_details_bad_request().unwrap();
    assert_eq!(bad.field_violations.len(), limits::VIOLATIONS_PER_ERROR_MAX);
    assert_eq!(bad.field_violations[0].field, "fields[0].value");
    assert_eq!(bad.field_violations[0].description, "not a date");
}

#[test]
fn a_retry_is_suggested_exactly_where_it_helps() {
    for reason in Reason::ALL {
        let details = of(*reason).get_error_details();
        assert_eq!(details.retry_info().is_some(), reason.retry(), "{}", reason.as_str());
    }
    let throttled = Status::from(IdentityError::Throttled { retry_ms: 4_500 });
    let delay = throttled.get_details_retry_info().unwrap().retry_delay.unwrap();
    assert_eq!(delay, Duration::from_millis(4_500));
}

#[test]
fn a_bound_is_named_with_its_number() {
    let status = Status::from(VaultError::TooMany { what: "classes", limit: 32 });
    let info = status.get_details_error_info().unwrap();
    assert_eq!(info.metadata.get("limit").unwrap(), "32");
    assert_eq!(info.metadata.get("what").unwrap(), "classes");
}
