//! A certificate that the log bears out holds in every check; each kind of falsehood fails in the check
//! that is there for it, also when it is signed.

mod book;

use std::{fs, path::Path};

use self::book::{Book, generation, hash, leaves, linked, log_key, signed, tree};
use super::{
    super::tests::{certificate, key, signer},
    *,
};
use crate::retention::certificate::{
    AuditReference, Certificate, ERASURE, GenerationReference, LeafIndex,
};

/// The certificate of generation 7, as this log bears it out.
fn borne_out(book: &Book) -> Certificate {
    Certificate {
        keyring_hash: hex::encode(hash(7)),
        audit: AuditReference {
            intent: Some(LeafIndex { k: 0, n: 6 }),
            checkpoint: book.note(9, 0),
        },
        ..certificate()
    }
}

fn proven(certificate: &Certificate, book: &Book) -> Proven {
    let folder = book.path();
    let log = Some(LogCopy { folder: &folder, key: &log_key() });
    let json = certificate.sign(&signer(1)).unwrap();
    prove(&json, &key(1), Evidence { log, keyring: None }).unwrap()
}

fn of<'a>(proven: &'a Proven, check: &str) -> &'a Finding {
    proven.findings.iter().find(|finding| finding.check == check).unwrap()
}

/// This check fails saying this, and no other check fails.
fn fails_alone(proven: &Proven, check: &str, saying: &str) {
    let finding = of(proven, check);
    assert_eq!(finding.verdict, Verdict::Failed, "{check}: {proven:?}");
    assert!(finding.text.contains(saying), "`{saying}` in {finding:?}");
    let others = proven.findings.iter().filter(|f| f.check != check);
    assert!(
        others.clone().all(|f| f.verdict != Verdict::Failed),
        "{:?}",
        others.collect::<Vec<_>>()
    );
    assert!(!proven.holds());
}

#[test]
fn a_certificate_that_the_log_bears_out_holds_in_every_check() {
    let book = Book::of(leaves());
    let proven = proven(&borne_out(&book), &book);
    for check in [SIGNATURE, CONTENT, CHECKPOINT, LOG, INTENT, GENERATIONS] {
        assert_eq!(of(&proven, check).verdict, Verdict::Ok, "{:?}", of(&proven, check));
    }
    assert!(of(&proven, LOG).text.contains("continues"));
    assert!(proven.holds() && proven.summary.is_some());
}

#[test]
fn what_nothing_was_given_for_is_said_to_be_unchecked() {
    let book = Book::of(leaves());
    let json = borne_out(&book).sign(&signer(1)).unwrap();
    let proven = prove(&json, &key(1), Evidence::default()).unwrap();
    for check in [CHECKPOINT, LOG, INTENT, GENERATIONS, T2, KEYRING] {
        assert_eq!(of(&proven, check).verdict, Verdict::NotChecked, "{check}");
    }
    assert!(
        of(&proven, LOG).text.contains("--log") && of(&proven, KEYRING).text.contains("--keyring")
    );
    assert!(proven.holds());
}

#[test]
fn nothing_is_concluded_from_a_certificate_whose_signature_does_not_hold() {
    let book = Book::of(leaves());
    let json = borne_out(&book).sign(&signer(1)).unwrap();
    let folder = book.path();
    let log = Some(LogCopy { folder: &folder, key: &log_key() });
    let changed = json.replacen("\"records\":2", "\"records\":3", 1);
    for (json, key) in [(&changed, key(1)), (&json, key(2))] {
        let proven = prove(json, &key, Evidence { log, keyring: None }).unwrap();
        fails_alone(&proven, SIGNATURE, "the signature does not hold");
        let rest = proven.findings.iter().skip(1);
        assert!(
            rest.clone().count() == 7 && rest.clone().all(|f| f.verdict == Verdict::NotChecked)
        );
        assert_eq!(proven.summary, None);
    }
    assert_eq!(prove(&json, "no key", Evidence::default()), Err(CertificateError::Key));
}

type Lie = (fn(&mut Certificate), &'static str);

#[test]
fn a_signed_certificate_that_contradicts_itself_fails_by_the_name_of_the_contradiction() {
    let lies: [Lie; 22] = [
        (|c| c.t2 = Some("2021-02-22T20:00:00.999Z".into()), "t2 is before t1"),
        (|c| c.t1 = "2021-02-22T20:00:00.000Z".into(), "t1 is not erased_at"),
        (|c| c.t2 = None, "t2 of a purge is not its t1"),
        (|c| c.revision = 2, "a purge has a revision 2"),
        (|c| c.revision = 3, "neither 1 nor 2"),
        (|c| c.what = ERASURE.into(), "an erasure has a t2 in its first revision"),
        (|c| c.what = "nothing".into(), "of no kind that is known"),
        (|c| c.finished_at = c.started_at.clone(), "finished_at is before erased_at"),
        (|c| c.started_at = "2021-02-22T20:00:01.001Z".into(), "erased_at is before started_at"),
        (|c| c.started_at = "yesterday".into(), "a time is not RFC 3339"),
        (|c| c.generation_after = 6, "not above generation_before"),
        (|c| c.generation_before = 0, "generation_before is 0"),
        (|c| c.totals.records = 3, "not the sum of the cohorts"),
        (|c| c.cohorts.push(c.cohorts[0].clone()), "a cohort is there twice"),
        (|c| c.cutoff = "2021-02-22T19:59:59.999Z".into(), "purged before its date"),
        (|c| c.cohorts[0].zone = "Nowhere/At_All".into(), "purged before its date"),
        (|c| c.class = "L3".into(), "class is not the lowest"),
        (|c| c.places[0].class = "L9".into(), "no known class"),
        (|c| c.places.clear(), "names no place"),
        (|c| c.keyring_hash = "06".into(), "keyring_hash is not a SHA-256"),
        (|c| c.vault = "autre".into(), "in the name of another vault"),
        (|c| c.id = "x".into(), "id is not 32"),
    ];
    let whole = certificate();
    let checked = |certificate: &Certificate| {
        let json = certificate.sign(&signer(1)).unwrap();
        prove(&json, &key(1), Evidence::default()).unwrap()
    };
    assert!(checked(&whole).holds());
    for (lie, named) in lies {
        let mut certificate = whole.clone();
        lie(&mut certificate);
        fails_alone(&checked(&certificate), CONTENT, named);
    }
}

#[test]
fn a_checkpoint_of_another_key_another_vault_or_another_tree_fails() {
    let book = Book::of(leaves());
    let root = tree(&book.leaves[..9]).root();
    let with = |checkpoint: String| {
        let mut certificate = borne_out(&book);
        certificate.audit.checkpoint = checkpoint;
        proven(&certificate, &book)
    };
    let unsigned = with(signed("essai/n1", 9, root, 4));
    fails_alone(&unsigned, CHECKPOINT, "not signed by the given key");
    for untied in [INTENT, GENERATIONS] {
        assert_eq!(of(&unsigned, untied).verdict, Verdict::NotChecked);
    }
    fails_alone(&with(signed("autre/n1", 9, root, 3)), CHECKPOINT, "another log than the key");
    fails_alone(&with("essai/n1\n9\nAAAA\n".into()), CHECKPOINT, "not a signed checkpoint");
    fails_alone(&with(signed("essai/n1", 9, [1; 32], 3)), LOG, "not a continuation");
    fails_alone(&with(signed("essai/n1", 12, root, 3)), LOG, "has 11 leaves");
    let mut elsewhere = borne_out(&book);
    elsewhere.node = "n2".into();
    fails_alone(&proven(&elsewhere, &book), CHECKPOINT, "the log essai/n1");
}

#[test]
fn the_log_of_another_vault_fails_and_lets_nothing_else_hold() {
    let book = Book::of(leaves());
    let json = borne_out(&book).sign(&signer(1)).unwrap();
    let folder = book.path();
    let other = log_key().replace("essai/n1", "autre/n1");
    let stranger = crate::audit::note::VerifierKey::new("essai/n1", [9; 32]).unwrap().to_string();
    for log_key in [other, stranger] {
        let log = Some(LogCopy { folder: &folder, key: &log_key });
        let proven = prove(&json, &key(1), Evidence { log, keyring: None }).unwrap();
        for check in [CHECKPOINT, LOG] {
            assert_eq!(of(&proven, check).verdict, Verdict::Failed);
        }
        for check in [INTENT, GENERATIONS, T2] {
            assert_eq!(of(&proven, check).verdict, Verdict::NotChecked);
        }
    }
}

#[test]
fn an_intent_that_is_not_there_of_another_kind_too_late_or_not_covered_fails() {
    let book = Book::of(leaves());
    let at = |k, n| {
        let mut certificate = borne_out(&book);
        certificate.audit.intent = Some(LeafIndex { k, n });
        proven(&certificate, &book)
    };
    fails_alone(&at(0, 11), INTENT, "no leaf 11 of origin 0, which has 11 leaves");
    fails_alone(&at(1, 6), INTENT, "no leaf 6 of origin 1, which has 0 leaves");
    fails_alone(&at(0, 8), INTENT, "of kind purge, not purge-intent");
    let mut unknown = borne_out(&book);
    unknown.audit.intent = None;
    assert_eq!(of(&proven(&unknown, &book), INTENT).verdict, Verdict::NotChecked);
    // After the generation that it should have announced.
    let mut late = leaves();
    late.swap(6, 7);
    let book = Book::of(late);
    let mut certificate = borne_out(&book);
    certificate.audit.intent = Some(LeafIndex { k: 0, n: 7 });
    fails_alone(&proven(&certificate, &book), INTENT, "it announced nothing");
    // And after the checkpoint.
    let mut leaves = leaves();
    leaves.push(("purge-intent", b"another".to_vec()));
    let book = Book::of(leaves);
    let mut certificate = borne_out(&book);
    certificate.audit.intent = Some(LeafIndex { k: 0, n: 11 });
    fails_alone(&proven(&certificate, &book), INTENT, "not under the certificate's checkpoint");
}

/// A log made with other leaves and signed with the log's own key, next to the certificate.
fn with_leaves(change: impl FnOnce(&mut book::Leaves)) -> (Proven, Book) {
    let mut leaves = leaves();
    change(&mut leaves);
    let book = Book::of(leaves);
    (proven(&borne_out(&book), &book), book)
}

#[test]
fn a_generation_left_out_exchanged_or_moved_fails_also_in_a_log_that_is_signed() {
    // Left out: the reveal takes its place, so that every other leaf is where it was.
    let (missing, _) = with_leaves(|l| l[7] = ("reveal", b"x".to_vec()));
    fails_alone(&missing, GENERATIONS, "no leaf of generation 7");
    let (missing, _) = with_leaves(|l| l[5] = ("reveal", b"x".to_vec()));
    fails_alone(&missing, GENERATIONS, "no leaf of generation 6");
    // Exchanged for one of another keyring: the next one names the true one, so the log is no chain.
    let (other, _) = with_leaves(|l| l[7] = linked(7, [70; 32], hash(6)));
    fails_alone(&other, LOG, "no chain at generation 8");
    // With everything behind it made to fit, the certificate's own hash is left.
    let (other, _) = with_leaves(|l| {
        l[7] = linked(7, [70; 32], hash(6));
        l[9] = linked(8, hash(8), [70; 32]);
    });
    fails_alone(&other, GENERATIONS, "the log has keyring 4646");
    let (other, _) = with_leaves(|l| l[7] = linked(7, hash(7), [60; 32]));
    fails_alone(&other, LOG, "no chain at generation 7");
    // Moved, and told twice.
    let (moved, _) = with_leaves(|l| l.swap(7, 9));
    fails_alone(&moved, LOG, "no chain at generation 7");
    let (twice, _) = with_leaves(|l| l[10] = generation(8));
    fails_alone(&twice, LOG, "no chain at generation 8");
    // Behind the checkpoint that should cover it.
    let book = Book::of(leaves());
    let mut early = borne_out(&book);
    early.audit.checkpoint = book.note(7, 0);
    fails_alone(&proven(&early, &book), GENERATIONS, "not under the certificate's checkpoint");
}

#[test]
fn a_generation_that_was_lost_with_a_cut_origin_is_said_to_be_and_one_that_is_kept_holds() {
    let later = || vec![generation(9)];
    let book = Book::cut(leaves(), 7, later());
    let mut certificate = borne_out(&Book::of(leaves()));
    certificate.audit.checkpoint = book.note(2, 1);
    let lost = proven(&certificate, &book);
    fails_alone(&lost, GENERATIONS, "origin 0 lost its leaves from 7 to 11");
    let book = Book::cut(leaves(), 9, later());
    certificate.audit.checkpoint = book.note(2, 1);
    assert!(proven(&certificate, &book).holds());
}

#[test]
fn details_of_generations_that_are_missing_flipped_cut_or_too_many_are_noticed() {
    let whole = Book::of(leaves());
    let certificate = borne_out(&whole);
    let spoilt = |spoil: fn(&Path)| {
        let book = Book::of(leaves());
        spoil(&book.details());
        proven(&certificate, &book)
    };
    let flipped = spoilt(|path| {
        let mut bytes = fs::read(path).unwrap();
        bytes[3 * 77 + 40] ^= 1;
        fs::write(path, bytes).unwrap();
    });
    fails_alone(&flipped, LOG, "does not hold the detail of leaf 3");
    let swapped = spoilt(|path| {
        let bytes = fs::read(path).unwrap();
        let (first, rest) = bytes.split_at(77);
        fs::write(path, [rest, first].concat()).unwrap();
    });
    fails_alone(&swapped, LOG, "does not hold the detail of leaf 0");
    let cut = spoilt(|path| {
        let bytes = fs::read(path).unwrap();
        fs::write(path, &bytes[..bytes.len() - 77]).unwrap();
    });
    fails_alone(&cut, LOG, "does not hold the detail of leaf 9");
    let longer = spoilt(|path| {
        let bytes = fs::read(path).unwrap();
        fs::write(path, [bytes.as_slice(), &[0; 77]].concat()).unwrap();
    });
    fails_alone(&longer, LOG, "does not belong to a log of this size");
    let gone = spoilt(|path| fs::remove_file(path).unwrap());
    fails_alone(&gone, LOG, "`generations/000.p/11` is missing");
    // An export of before there were such files is a log that holds, and proves no generation.
    let old = spoilt(|path| {
        fs::remove_dir_all(path.parent().unwrap().parent().unwrap()).unwrap();
    });
    fails_alone(&old, GENERATIONS, "export the log again");
    assert_eq!(of(&old, LOG).verdict, Verdict::Ok);
}

#[test]
fn the_generation_of_t2_is_looked_for_by_number_and_hash() {
    let mut leaves = leaves();
    leaves[6].0 = "erase-intent";
    let book = Book::of(leaves);
    let mut certificate = borne_out(&book);
    certificate.what = ERASURE.into();
    certificate.revision = 2;
    certificate.cohorts[0].segments.clear();
    certificate.audit.checkpoint = book.note(11, 0);
    let mut with = |generation, hash: [u8; 32]| {
        let keyring_hash = hex::encode(hash);
        certificate.t2_generation = Some(GenerationReference { generation, keyring_hash });
        proven(&certificate, &book)
    };
    let holds = with(8, hash(8));
    assert_eq!(of(&holds, T2).verdict, Verdict::Ok);
    assert!(holds.holds());
    fails_alone(&with(8, hash(9)), T2, "another keyring for generation 8");
    fails_alone(&with(9, hash(9)), T2, "no leaf of generation 9");
    fails_alone(&with(7, hash(7)), CONTENT, "t2_generation is not above");
    certificate.t2_generation =
        Some(GenerationReference { generation: 8, keyring_hash: hex::encode(hash(8)) });
    certificate.audit.checkpoint = book.note(9, 0);
    fails_alone(&proven(&certificate, &book), T2, "not under the certificate's checkpoint");
}

/// A file with the header of this generation; its sealed body is nobody's business here.
fn keyring_file(generation: u64) -> Vec<u8> {
    [b"OUBK\x01".as_slice(), &generation.to_be_bytes(), &[2; 16], &[7; 80]].concat()
}

#[test]
fn a_keyring_file_is_the_certificates_or_it_is_said_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keyring");
    let file = keyring_file(7);
    let mut certificate = certificate();
    certificate.keyring_hash = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(&file));
    let json = certificate.sign(&signer(1)).unwrap();
    let with = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        prove(&json, &key(1), Evidence { log: None, keyring: Some(&path) }).unwrap()
    };
    let holds = with(&file);
    assert_eq!(of(&holds, KEYRING).verdict, Verdict::Ok);
    assert!(holds.holds());
    for at in 0..file.len() {
        let mut changed = file.clone();
        changed[at] ^= 1;
        let named = match at {
            0..5 => "is not a keyring",
            5..13 => "is of generation",
            13..29 => "is of another vault",
            _ => "is not the keyring of the certificate",
        };
        fails_alone(&with(&changed), KEYRING, named);
    }
    fails_alone(&with(&file[..file.len() - 1]), KEYRING, "is not the keyring of the certificate");
    fails_alone(&with(&[file.as_slice(), &[0]].concat()), KEYRING, "is not the keyring");
    fails_alone(&with(&keyring_file(8)), KEYRING, "is of generation 8");
    fails_alone(&with(b""), KEYRING, "is not a keyring");
    fs::remove_file(&path).unwrap();
    let gone = prove(&json, &key(1), Evidence { log: None, keyring: Some(&path) }).unwrap();
    fails_alone(&gone, KEYRING, "cannot be read");
}
