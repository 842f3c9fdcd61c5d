//! Whether a certificate contradicts itself. It is signed, so each of these is a fault of the vault that
//! issued it, or of who holds its key.
//!
//! It must accept every certificate that a vault of any version issues; a rule here is a promise of
//! `retention::certify` and `retention::searchable`.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use chrono_tz::Tz;

use super::{CONTENT, Finding};
use crate::{
    clock::Timestamp,
    retention::{
        certificate::{Certificate, CertifiedCohort, Counts, ERASURE, PURGE, RESEAL},
        context::certificates_name,
    },
};

/// Every contradiction, or that there is none.
pub(super) fn check(certificate: &Certificate) -> Finding {
    let found: Vec<String> = [ids, revision, times, generations, cohorts, places, holds]
        .into_iter()
        .flat_map(|rule| rule(certificate))
        .collect();
    if found.is_empty() {
        return Finding::ok(CONTENT, "it does not contradict itself");
    }
    Finding::failed(CONTENT, found.join("; "))
}

/// The sentences whose condition does not hold.
fn broken<const N: usize>(rules: [(bool, &str); N]) -> Vec<String> {
    rules.into_iter().filter(|(holds, _)| !holds).map(|(_, text)| text.to_owned()).collect()
}

fn is_hex(text: &str, bytes: usize) -> bool {
    let digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    text.len() == 2 * bytes && text.bytes().all(digit)
}

fn ids(c: &Certificate) -> Vec<String> {
    let signer = format!("{}+", certificates_name(&c.vault));
    broken([
        (is_hex(&c.id, 16), "id is not 32 hexadecimal digits"),
        (is_hex(&c.vault_id, 16), "vault_id is not 32 hexadecimal digits"),
        (is_hex(&c.policy_pack_hash, 32), "policy_pack_hash is not a SHA-256"),
        (is_hex(&c.keyring_hash, 32), "keyring_hash is not a SHA-256"),
        (c.signed_by.starts_with(&signer), "it is signed in the name of another vault"),
        ([PURGE, ERASURE, RESEAL].contains(&c.what.as_str()), "it is of no kind that is known"),
    ])
}

fn revision(c: &Certificate) -> Vec<String> {
    let second = c.revision == 2;
    let purge = c.what == PURGE;
    broken([
        (c.revision == 1 || second, "revision is neither 1 nor 2"),
        (!second || c.t2.is_some(), "revision 2 has no t2"),
        (!(second && purge), "a purge has a revision 2, though its t2 is its t1"),
        (second || !purge || c.t2.as_ref() == Some(&c.t1), "t2 of a purge is not its t1"),
        (second || purge || c.t2.is_none(), "an erasure has a t2 in its first revision"),
        (second || c.t2_generation.is_none(), "revision 1 names a generation of t2"),
    ])
}

fn times(c: &Certificate) -> Vec<String> {
    let named = [&c.cutoff, &c.started_at, &c.erased_at, &c.finished_at, &c.t1];
    if !named.into_iter().chain(&c.t2).all(|text| is_time(text)) {
        return vec!["a time is not RFC 3339 in UTC with three decimals".to_owned()];
    }
    // In that one form times sort as text.
    broken([
        (c.started_at <= c.erased_at, "erased_at is before started_at"),
        (c.erased_at <= c.finished_at, "finished_at is before erased_at"),
        (c.t1 == c.erased_at, "t1 is not erased_at"),
        (c.t2.as_ref().is_none_or(|t2| *t2 >= c.t1), "t2 is before t1"),
        (c.t2.as_ref().is_none_or(|t2| *t2 <= c.finished_at), "t2 is after finished_at"),
    ])
}

fn is_time(text: &str) -> bool {
    parsed(text).is_some_and(|time| time.to_string() == text)
}

fn parsed(text: &str) -> Option<Timestamp> {
    let time = chrono::DateTime::parse_from_rfc3339(text).ok()?;
    Some(Timestamp::from_millis(time.timestamp_millis()))
}

fn generations(c: &Certificate) -> Vec<String> {
    let (before, after) = (c.generation_before, c.generation_after);
    let t2 = c.t2_generation.as_ref();
    broken([
        (before >= 1, "generation_before is 0"),
        (after > before, "generation_after is not above generation_before"),
        (t2.is_none_or(|t2| t2.generation > after), "t2_generation is not above generation_after"),
        (
            t2.is_none_or(|t2| is_hex(&t2.keyring_hash, 32)),
            "the keyring hash of t2_generation is not a SHA-256",
        ),
    ])
}

fn cohorts(c: &Certificate) -> Vec<String> {
    let mut sum = Counts::default();
    c.cohorts.iter().for_each(|cohort| sum.add(cohort.counts));
    let different: BTreeSet<&str> = c.cohorts.iter().map(|cohort| cohort.id.as_str()).collect();
    let segments = || c.cohorts.iter().flat_map(|cohort| &cohort.segments);
    let named = |cohort: &CertifiedCohort| is_hex(&cohort.id, 16) && !cohort.collection.is_empty();
    broken([
        (sum == c.totals, "totals are not the sum of the cohorts"),
        (different.len() == c.cohorts.len(), "a cohort is there twice"),
        (c.cohorts.iter().all(named), "a cohort has no id or no collection"),
        (segments().all(|id| is_hex(id, 16)), "a segment's id is not 32 hexadecimal digits"),
        (
            c.what != PURGE || c.cohorts.iter().all(|cohort| is_due(cohort, &c.cutoff)),
            "a cohort was purged before its date",
        ),
        (
            c.what == PURGE || segments().next().is_none(),
            "an erasure names segments, though it drops none",
        ),
    ])
}

/// Whether the cohort's date had come at the cut-off.
fn is_due(cohort: &CertifiedCohort, cutoff: &str) -> bool {
    let date: Option<NaiveDate> = cohort.expires_on.parse().ok();
    let zone: Option<Tz> = cohort.zone.parse().ok();
    let due = date.zip(zone).and_then(|(date, zone)| Timestamp::start_of(date, zone));
    due.zip(parsed(cutoff)).is_some_and(|(due, cutoff)| due <= cutoff)
}

fn places(c: &Certificate) -> Vec<String> {
    let classes = ["L0", "L1", "L2", "L3"];
    let known = |class: &str| classes.contains(&class);
    let lowest = c.places.iter().map(|place| place.class.as_str()).min();
    broken([
        (!c.places.is_empty(), "it names no place"),
        (
            c.places.iter().all(|place| is_hex(&place.id, 16)),
            "a place's id is not 32 hexadecimal digits",
        ),
        (c.places.iter().all(|place| known(&place.class)), "a place is of no known class"),
        (lowest.is_none_or(|class| class == c.class), "class is not the lowest of its places"),
        (
            c.removed_places.len() <= c.failures.len(),
            "a place removed without a scrub is not among the failures",
        ),
    ])
}

fn holds(c: &Certificate) -> Vec<String> {
    let listed = u64::try_from(c.holds.len()).unwrap_or(u64::MAX);
    broken([
        (listed <= c.holds_in_force, "more holds are listed than are in force"),
        (
            c.holds.iter().all(|hold| is_time(&hold.placed_at)),
            "a hold was placed at no time that can be read",
        ),
    ])
}
