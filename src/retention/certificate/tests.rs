//! A certificate is accepted whole and refused with any byte changed.

use super::*;
use crate::{keyring::PlaceClass, secret::Secret};

const NAME: &str = "essai/certificates";

pub(super) fn signer(seed: u8) -> Signer {
    Signer::from_seed(Secret::from_bytes([seed; 32]))
}

pub(super) fn certificate() -> Certificate {
    let counts = Counts { records: 2, sections: 5, index_rows: 7, events: 0 };
    Certificate {
        v: FORMAT,
        id: "01".repeat(16),
        revision: 1,
        what: PURGE.to_owned(),
        vault: "essai".into(),
        vault_id: "02".repeat(16),
        node: "n1".into(),
        policy_pack_hash: "03".repeat(32),
        started_by: "schedule".into(),
        cutoff: "2021-02-22T20:00:00.000Z".into(),
        started_at: "2021-02-22T20:00:00.000Z".into(),
        erased_at: "2021-02-22T20:00:01.000Z".into(),
        finished_at: "2021-02-22T20:00:02.000Z".into(),
        resumed: 0,
        cohorts: vec![CertifiedCohort {
            id: "04".repeat(16),
            collection: "things".into(),
            expires_on: "2021-02-23".into(),
            zone: "Indian/Reunion".into(),
            segments: vec!["05".repeat(16)],
            counts,
        }],
        totals: counts,
        holds_kept: 0,
        holds_in_force: 0,
        holds: Vec::new(),
        failures: Vec::new(),
        generation_before: 6,
        generation_after: 7,
        keyring_hash: "06".repeat(32),
        class: "L0".into(),
        places: vec![CertifiedPlace { id: "07".repeat(16), class: "L0".into() }],
        removed_places: Vec::new(),
        t1: "2021-02-22T20:00:01.000Z".into(),
        t2: Some("2021-02-22T20:00:01.000Z".into()),
        t2_generation: None,
        audit: AuditReference {
            intent: Some(LeafIndex { k: 0, n: 41 }),
            checkpoint: "essai/n1\n43\nAAAA\n".into(),
        },
        still_readable: readable(Forgotten {
            what: PURGE,
            unsearchable: true,
            holds: false,
            unscrubbed: false,
        }),
        statement: statement(PURGE, PlaceClass::L0),
        signed_by: signer_name(NAME, &signer(1).public()),
    }
}

pub(super) fn key(seed: u8) -> String {
    verifier_key(NAME, &signer(seed).public())
}

#[test]
fn a_certificate_verifies_under_its_vaults_key() {
    let json = certificate().sign(&signer(1)).unwrap();
    assert!(!json.contains('\n'));
    let summary = verify(&json, &key(1)).unwrap();
    assert_eq!((summary.records, summary.sections, summary.index_rows), (2, 5, 7));
    assert_eq!((summary.generations, summary.t2), ((6, 7), Some(summary.t1)));
    assert!(summary.statement.contains(
        "unreadable to anyone, the root key included, who has no copy of the generation key from before the scrub"
    ));
}

#[test]
fn a_certificate_with_any_byte_changed_is_refused() {
    let json = certificate().sign(&signer(1)).unwrap();
    for at in 0..json.len() {
        let mut bytes = json.clone().into_bytes();
        bytes[at] ^= 1;
        let Ok(changed) = String::from_utf8(bytes) else { continue };
        assert!(verify(&changed, &key(1)).is_err(), "byte {at} of {}", json.len());
    }
}

#[test]
fn another_vaults_key_is_refused() {
    let json = certificate().sign(&signer(1)).unwrap();
    assert_eq!(verify(&json, &key(2)), Err(CertificateError::Signature));
}

#[test]
fn a_key_whose_id_does_not_belong_to_it_is_refused() {
    let json = certificate().sign(&signer(1)).unwrap();
    let renamed = key(1).replacen("essai", "autre", 1);
    assert_eq!(verify(&json, &renamed), Err(CertificateError::Key));
    for broken in ["", "a+b", "essai/certificates+00000000+AQ==", "essai/certificates+00000000"] {
        assert_eq!(verify(&json, broken), Err(CertificateError::Key), "{broken}");
    }
}

#[test]
fn a_certificate_of_the_largest_size_is_read_and_one_byte_more_is_not() {
    let of = |bytes: usize| {
        let (head, signature) = ("{\"v\":\"", STANDARD.encode([0; 64]));
        let tail = format!("\"{SIGNATURE}{signature}\"}}");
        format!("{head}{}{tail}", "x".repeat(bytes - head.len() - tail.len()))
    };
    let most = crate::limits::CERTIFICATE_BYTES_MAX;
    assert_eq!(verify(&of(most), &key(1)), Err(CertificateError::Signature), "it was read");
    assert_eq!(verify(&of(most + 1), &key(1)), Err(CertificateError::Format));
}

#[test]
fn something_that_is_no_certificate_is_refused() {
    for text in ["", "{}", "{\"v\":1,\"signature\":\"\"}", "{\"v\":1,\"signature\":\"AA==\"}"] {
        assert_eq!(verify(text, &key(1)), Err(CertificateError::Format), "{text}");
    }
}

#[test]
fn the_fields_stand_in_the_documented_order() {
    let json = certificate().sign(&signer(1)).unwrap();
    let order = ["v", "id", "revision", "vault", "policy_pack_hash", "cutoff", "cohorts", "totals"]
        .into_iter()
        .chain(["generation_before", "keyring_hash", "t1", "t2", "audit", "statement"])
        .chain(["signed_by", "signature"]);
    let at: Vec<usize> = order.map(|name| json.find(&format!("\"{name}\":")).unwrap()).collect();
    assert!(at.is_sorted(), "{at:?}");
}

#[test]
fn a_weaker_class_never_claims_what_a_stronger_one_does() {
    assert!(statement(PURGE, PlaceClass::L0).en.contains("may physically survive"));
    assert!(!statement(PURGE, PlaceClass::L1).en.contains("TPM"));
    assert!(!statement(PURGE, PlaceClass::L0).en.contains("destroyed by"));
}

#[test]
fn what_remains_readable_is_told_apart_before_and_after_t2_and_for_purges_and_erasures() {
    let codes = |what, unsearchable, holds, unscrubbed| -> Vec<String> {
        let of = Forgotten { what, unsearchable, holds, unscrubbed };
        readable(of).into_iter().map(|item| item.code).collect()
    };
    let has = |codes: &[String], code: &str| codes.iter().any(|c| c == code);
    let purge = codes(PURGE, true, false, false);
    assert!(has(&purge, "tokens") && !has(&purge, "tokens-confirmable"));
    assert!(
        !has(&purge, "neighbours") && !has(&purge, "held") && !has(&purge, "unscrubbed-places")
    );
    let erasure = codes(ERASURE, false, true, true);
    assert!(!has(&erasure, "tokens") && has(&erasure, "tokens-confirmable"));
    assert!(has(&erasure, "neighbours") && has(&erasure, "held"));
    assert!(has(&erasure, "unscrubbed-places"));
    assert!(!has(&purge, "moved-records") && !has(&erasure, "moved-records"));
    let moved = codes(RESEAL, false, false, false);
    assert!(has(&moved, "moved-records") && has(&moved, "neighbours"));
    for always in ["ids", "shape", "dates", "requests", "log-leaves", "log-events", "place-copies"]
    {
        assert!(has(&purge, always) && has(&erasure, always), "{always}");
    }
    let mut different = erasure.clone();
    different.sort_unstable();
    different.dedup();
    assert_eq!(different.len(), erasure.len(), "a code stands for one thing");
}

#[test]
fn a_certificate_of_before_there_were_codes_holds_and_erasures_still_verifies() {
    let json = serde_json::to_string(&certificate()).unwrap();
    let mut old: serde_json::Value = serde_json::from_str(&json).unwrap();
    let fields = old.as_object_mut().unwrap();
    for newer in ["what", "holds", "holds_in_force", "removed_places", "t2_generation"] {
        assert!(fields.remove(newer).is_some(), "{newer}");
    }
    for item in fields["still_readable"].as_array_mut().unwrap() {
        item.as_object_mut().unwrap().remove("code");
    }
    let body = serde_json::to_string(&old).unwrap();
    let signature = STANDARD.encode(signer(1).sign(body.as_bytes()));
    let json = format!("{}{SIGNATURE}{signature}\"}}", body.strip_suffix('}').unwrap());
    let summary = verify(&json, &key(1)).unwrap();
    assert_eq!((summary.what.as_str(), summary.holds), (PURGE, (0, 0)));
    assert!(
        summary
            .still_readable
            .iter()
            .all(|(code, en, fr)| { code.is_empty() && !en.is_empty() && !fr.is_empty() })
    );
}
