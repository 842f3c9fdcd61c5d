//! The key space: the one place that knows how a row key is spelled (DESIGN section 4, "Rows").
//!
//! All integers are big-endian, so that key order is numeric order. No key holds anything clear
//! about a subject: ids are random, tokens are keyed.

use crate::ids::{
    AlarmId, ApprovalId, CertificateId, ClassName, CohortId, EventId, RecordId, RequestId,
    ReviewId, SegmentId,
};

fn join(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut key = Vec::with_capacity(1 + parts.iter().map(|p| p.len()).sum::<usize>());
    key.push(tag);
    for part in parts {
        key.extend_from_slice(part);
    }
    key
}

/// 'r' ‖ record_id16: the record row.
#[must_use]
pub fn record(id: &RecordId) -> Vec<u8> {
    join(b'r', &[id.as_bytes()])
}

/// 'r': prefix of all record rows.
#[must_use]
pub fn records() -> Vec<u8> {
    vec![b'r']
}

/// 'c' ‖ cohort_id16 ‖ record_id16: membership of the head's cohort, empty value.
#[must_use]
pub fn member(cohort: &CohortId, id: &RecordId) -> Vec<u8> {
    join(b'c', &[cohort.as_bytes(), id.as_bytes()])
}

/// 'c' ‖ cohort_id16: prefix of a cohort's members.
#[must_use]
pub fn members(cohort: &CohortId) -> Vec<u8> {
    join(b'c', &[cohort.as_bytes()])
}

/// 's' ‖ cohort_id16 (of the section's slot) ‖ record_id16 ‖ class: a section.
#[must_use]
pub fn section(cohort: &CohortId, id: &RecordId, class: &ClassName) -> Vec<u8> {
    join(b's', &[cohort.as_bytes(), id.as_bytes(), class.as_str().as_bytes()])
}

/// 's' ‖ cohort_id16: prefix of a cohort's sections.
#[must_use]
pub fn sections(cohort: &CohortId) -> Vec<u8> {
    join(b's', &[cohort.as_bytes()])
}

/// 's' ‖ cohort_id16 ‖ event_id16 ‖ "event": the sealed detail of an audit event.
#[must_use]
pub fn event_section(cohort: &CohortId, event: &EventId) -> Vec<u8> {
    join(b's', &[cohort.as_bytes(), event.as_bytes(), b"event"])
}

/// 'x' ‖ cohort_id16 ‖ u32 key id ‖ token16 ‖ record_id16: a record's index row, empty value.
#[must_use]
pub fn index(cohort: &CohortId, key_id: u32, token: &[u8; 16], id: &RecordId) -> Vec<u8> {
    join(b'x', &[cohort.as_bytes(), &key_id.to_be_bytes(), token, id.as_bytes()])
}

/// 'x' ‖ cohort_id16 ‖ u32 key id ‖ token16: prefix of everything with this token.
#[must_use]
pub fn index_token(cohort: &CohortId, key_id: u32, token: &[u8; 16]) -> Vec<u8> {
    join(b'x', &[cohort.as_bytes(), &key_id.to_be_bytes(), token])
}

/// 'x' ‖ cohort_id16 ‖ u32 key id: prefix of everything under this index key.
#[must_use]
pub fn index_key(cohort: &CohortId, key_id: u32) -> Vec<u8> {
    join(b'x', &[cohort.as_bytes(), &key_id.to_be_bytes()])
}

/// 'x' ‖ cohort_id16: prefix of a cohort's index rows.
#[must_use]
pub fn indexes(cohort: &CohortId) -> Vec<u8> {
    join(b'x', &[cohort.as_bytes()])
}

/// 'x' ‖ cohort_id16 ‖ u32 key id ‖ token16 ‖ u32 k ‖ u64 n: an event's index row, empty value.
#[must_use]
pub fn event_index(cohort: &CohortId, key_id: u32, token: &[u8; 16], k: u32, n: u64) -> Vec<u8> {
    let number = event_number(k, n);
    join(b'x', &[cohort.as_bytes(), &key_id.to_be_bytes(), token, &number])
}

/// 'q' ‖ request_id16: a write that was done under this request id.
#[must_use]
pub fn request(id: &RequestId) -> Vec<u8> {
    join(b'q', &[id.as_bytes()])
}

/// 'q' ‖ cohort_id16 ‖ record_id16 ‖ request_id16: by which a record's request rows are found, empty
/// value. Longer than a request's own row, whatever id a client chose.
#[must_use]
pub fn request_of(cohort: &CohortId, record: &RecordId, id: &RequestId) -> Vec<u8> {
    join(b'q', &[cohort.as_bytes(), record.as_bytes(), id.as_bytes()])
}

/// 'q' ‖ cohort_id16: prefix of what the requests of a cohort's records are found by.
#[must_use]
pub fn requests(cohort: &CohortId) -> Vec<u8> {
    join(b'q', &[cohort.as_bytes()])
}

/// 'l' ‖ u32 k ‖ u64 n: leaf `n` of origin `k`.
#[must_use]
pub fn leaf(k: u32, n: u64) -> Vec<u8> {
    join(b'l', &[&event_number(k, n)])
}

/// 'l' ‖ u32 k: prefix of an origin's leaves.
#[must_use]
pub fn leaves(k: u32) -> Vec<u8> {
    join(b'l', &[&k.to_be_bytes()])
}

/// 'a' ‖ u32 k ‖ u64 n: where the detail of leaf `n` is
/// (value: cohort_id16 ‖ event_id16 ‖ seg_id16 ‖ u32 index).
#[must_use]
pub fn event_slot(k: u32, n: u64) -> Vec<u8> {
    join(b'a', &[&event_number(k, n)])
}

/// 't' ‖ u32 k ‖ u8 level ‖ u64 tile number: up to 256 hashes of 32 bytes.
#[must_use]
pub fn tile(k: u32, level: u8, number: u64) -> Vec<u8> {
    join(b't', &[&k.to_be_bytes(), &[level], &number.to_be_bytes()])
}

/// 'd' ‖ seg_id16: a segment this database uses.
#[must_use]
pub fn segment(id: &SegmentId) -> Vec<u8> {
    join(b'd', &[id.as_bytes()])
}

/// 'd': prefix of all segment rows.
#[must_use]
pub fn segments() -> Vec<u8> {
    vec![b'd']
}

/// 'k' ‖ certificate_id16 ‖ u32 revision: a certificate (JSON).
#[must_use]
pub fn certificate(id: &CertificateId, revision: u32) -> Vec<u8> {
    join(b'k', &[id.as_bytes(), &revision.to_be_bytes()])
}

/// 'k': prefix of all certificates.
#[must_use]
pub fn certificates() -> Vec<u8> {
    vec![b'k']
}

/// 'n' ‖ cohort_id16: rows swept so far of a cohort.
#[must_use]
pub fn sweep_count(cohort: &CohortId) -> Vec<u8> {
    join(b'n', &[cohort.as_bytes()])
}

/// 'p' ‖ certificate_id16: an erasure that is not certified yet.
#[must_use]
pub fn erasure(id: &CertificateId) -> Vec<u8> {
    join(b'p', &[id.as_bytes()])
}

/// 'p': prefix of all of them.
#[must_use]
pub fn erasures() -> Vec<u8> {
    vec![b'p']
}

/// 'u' ‖ u8 kind ‖ agent id: what an agent was given within the last hour.
#[must_use]
pub fn recent(kind: u8, agent: &str) -> Vec<u8> {
    join(b'u', &[&[kind], agent.as_bytes()])
}

/// 'u': prefix of all of them.
#[must_use]
pub fn recents() -> Vec<u8> {
    vec![b'u']
}

/// `g/agent/<id>`: an agent's directory row.
#[must_use]
pub fn agent(id: &str) -> Vec<u8> {
    join(b'g', &[b"/agent/", id.as_bytes()])
}

/// `g/agent/`: prefix of all agents.
#[must_use]
pub fn agents() -> Vec<u8> {
    b"g/agent/".to_vec()
}

/// `g/alarm/<id>`: an alarm's directory row.
#[must_use]
pub fn alarm(id: &AlarmId) -> Vec<u8> {
    join(b'g', &[b"/alarm/", id.to_string().as_bytes()])
}

/// `g/alarm/`: prefix of all alarms.
#[must_use]
pub fn alarms() -> Vec<u8> {
    b"g/alarm/".to_vec()
}

/// `g/approval/<id>`: an approval's directory row.
#[must_use]
pub fn approval(id: &ApprovalId) -> Vec<u8> {
    join(b'g', &[b"/approval/", id.to_string().as_bytes()])
}

/// `g/approval/`: prefix of all approvals.
#[must_use]
pub fn approvals() -> Vec<u8> {
    b"g/approval/".to_vec()
}

/// `g/review/<id>`: a review's directory row.
#[must_use]
pub fn review(id: &ReviewId) -> Vec<u8> {
    join(b'g', &[b"/review/", id.to_string().as_bytes()])
}

/// `g/review/`: prefix of all reviews.
#[must_use]
pub fn reviews() -> Vec<u8> {
    b"g/review/".to_vec()
}

/// `m/rekey/` ‖ cohort_id16 ‖ certificate_id16: the certificate waits for the exchange of this cohort's
/// index keys (empty value).
#[must_use]
pub fn rekey(cohort: &CohortId, certificate: &CertificateId) -> Vec<u8> {
    [REKEYS, cohort.as_bytes(), certificate.as_bytes()].concat()
}

/// `m/rekey/`: prefix of all of them.
pub const REKEYS: &[u8] = b"m/rekey/";
/// `m/log`: the log's tail.
pub const LOG_TAIL: &[u8] = b"m/log";
/// `m/clock`: the clock guard's reference.
pub const CLOCK: &[u8] = b"m/clock";
/// `m/generation`: the newest generation leaf.
pub const GENERATION: &[u8] = b"m/generation";
/// `m/purge`: the purge run that is not certified yet.
pub const PURGE: &[u8] = b"m/purge";
/// `m/restored`: these rows were put back from a backup (value: u64, how many leaves the log's present
/// origin is known to have had at least). Deleted with the first leaf of the next origin.
pub const RESTORED: &[u8] = b"m/restored";
/// `m/compact`: the segment whose records are being moved elsewhere.
pub const COMPACT: &[u8] = b"m/compact";
/// `m/sweep`: every row must be compared with the keyring before serving (empty value).
pub const SWEEP: &[u8] = b"m/sweep";

fn event_number(k: u32, n: u64) -> [u8; 12] {
    let mut number = [0; 12];
    let (head, tail) = number.split_at_mut(4);
    head.copy_from_slice(&k.to_be_bytes());
    tail.copy_from_slice(&n.to_be_bytes());
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_row_key_is_spelled_as_in_the_design() {
        let key = index(
            &CohortId::from_bytes([0xc0; 16]),
            1,
            &[0x4d; 16],
            &RecordId::from_bytes([0xab; 16]),
        );
        let spelled = [&[b'x'][..], &[0xc0; 16], &[0, 0, 0, 1], &[0x4d; 16], &[0xab; 16]].concat();
        assert_eq!(key, spelled);
    }

    #[test]
    fn leaves_sort_by_origin_then_number() {
        assert!(leaf(0, u64::MAX) < leaf(1, 0));
        assert!(leaf(1, 255) < leaf(1, 256));
        assert!(leaf(1, 7).starts_with(&leaves(1)));
    }
}
