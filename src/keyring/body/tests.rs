//! The body's stored form: it reads back whole, and every broken rule is refused.

use chrono_tz::Indian::Reunion;

use super::*;
use crate::{
    ids::{HoldId, RecordId},
    keyring::{Hold, PlaceChange},
    random::SeededRandom,
    secret::SecretBytes,
};

fn key(day: u32) -> CohortKey {
    CohortKey {
        collection: CollectionName::parse("cases").unwrap(),
        expires_on: NaiveDate::from_ymd_opt(2021, 2, day).unwrap(),
        zone: Reunion,
    }
}

fn full() -> Body {
    let random = SeededRandom::new(3);
    let secret = || Arc::new(Secret::make(&random));
    let now = Timestamp::from_millis(1_606_118_400_000);
    let (cohort, seg) = (CohortId::from_bytes([1; 16]), SegmentId::from_bytes([2; 16]));
    let index_keys = (1..=2).map(|id| Arc::new(IndexKey::make(id, &random))).collect();
    let cover = Cover::whole(Secret::make(&random)).puncture(&BTreeSet::from([5]));
    let hold = Hold {
        id: HoldId::from_bytes([4; 16]),
        record: RecordId::from_bytes([5; 16]),
        slots: vec![SlotRef { seg, index: 1 }, SlotRef { seg, index: 2 }],
        authority: "court".into(),
        reason: "case 12".into(),
        ends_on: NaiveDate::from_ymd_opt(2021, 6, 1).unwrap(),
        ends_at: now.plus_millis(2),
        approver: AgentId::parse("dpo-1").unwrap(),
        placed_at: now,
    };
    let stone = Tombstone { cohort, key: key(2), generation: 3, dropped_at: now };
    Body {
        places: vec![
            PlaceEntry { id: PlaceId::from_bytes([6; 16]), class: PlaceClass::L1, stale: false },
            PlaceEntry { id: PlaceId::from_bytes([7; 16]), class: PlaceClass::L0, stale: true },
        ],
        cohorts: [(cohort, Cohort { key: key(1), expires_at: now, index_keys })].into(),
        segments: [(seg, Segment { cohort, cover: Arc::new(cover), held_only: true })].into(),
        tombstones: [(SegmentId::from_bytes([8; 16]), stone)].into(),
        holds: [hold].into_iter().collect(),
        revocations: [(
            AgentId::parse("inv-1").unwrap(),
            Revocation { min_revision: 3, revoked: true },
        )]
        .into(),
        directory_key: secret(),
        log_seed: secret(),
        certificate_seed: secret(),
        watermarks: [((key(1).collection, zone_name(Reunion)), key(1).expires_on)].into(),
        log: LogState { k: 1, size: 9, root: [9; 32], clock_floor: now },
        pack_hash: [10; 32],
        retention_part: b"part".to_vec(),
        previous_hash: [11; 32],
        vault_name: "vault.example".into(),
        node: "a".into(),
        founded_at: Some(now),
        root_since: Some(now.plus_millis(1)),
        removed_places: vec![RemovedPlace {
            id: PlaceId::from_bytes([12; 16]),
            class: PlaceClass::L0,
            generation: 4,
            scrubbed: true,
        }],
        place_acts: vec![PlaceAct {
            change: PlaceChange::Removed,
            place: PlaceId::from_bytes([12; 16]),
            generation: 4,
            at: now,
            previous_hash: [13; 32],
        }],
    }
}

fn refused(body: &Body) -> bool {
    matches!(Body::decode(&body.encode().unwrap()), Err(KeyringError::Body(_)))
}

#[test]
fn a_body_with_everything_reads_back_the_same() {
    let body = full();
    let encoded = body.encode().unwrap();
    let again = Body::decode(&encoded).unwrap();
    assert_eq!(again.encode().unwrap().expose(), encoded.expose());
    assert_eq!(again.places, body.places);
    assert_eq!(again.tombstones, body.tombstones);
    assert_eq!(again.holds, body.holds);
    assert_eq!(again.revocations, body.revocations);
    assert_eq!(again.watermarks, body.watermarks);
    assert_eq!(again.log, body.log);
    assert!(again.directory_key.ct_eq(&body.directory_key));
    let seg = SegmentId::from_bytes([2; 16]);
    assert!(
        again.reaches(&SlotRef { seg, index: 4 }) && !again.reaches(&SlotRef { seg, index: 5 })
    );
}

#[test]
fn a_body_with_a_field_this_version_does_not_know_is_refused() {
    let encoded = full().encode().unwrap();
    // Field 99, varint 1: what a newer version might append.
    let newer = [encoded.expose(), &[0x98, 0x06, 0x01]].concat();
    assert!(matches!(Body::decode(&SecretBytes::new(newer)), Err(KeyringError::Body(_))));
    let cut = encoded.expose()[..encoded.expose().len() - 1].to_vec();
    assert!(Body::decode(&SecretBytes::new(cut)).is_err());
    assert!(Body::decode(&SecretBytes::new(Vec::new())).is_err());
}

#[test]
fn a_body_whose_parts_contradict_each_other_is_refused() {
    assert!(!refused(&full()));
    let mut orphan = full();
    orphan.cohorts.clear();
    assert!(refused(&orphan));
    let mut undead = full();
    let stone = undead.tombstones.values().next().unwrap().clone();
    undead.tombstones.insert(SegmentId::from_bytes([2; 16]), stone);
    assert!(refused(&undead));
    let mut twin = full();
    let cohort = twin.cohorts.values().next().unwrap().clone();
    twin.cohorts.insert(CohortId::from_bytes([12; 16]), cohort);
    assert!(refused(&twin));
    let mut nowhere = full();
    nowhere.places.clear();
    assert!(refused(&nowhere));
    let mut empty = full();
    let hold = empty.holds.iter().next().unwrap().clone();
    empty.holds.insert(Hold { slots: Vec::new(), ..hold });
    assert!(refused(&empty));
}

#[test]
fn a_body_at_the_bound_is_encoded_and_one_beyond_it_is_not() {
    let mut body = full();
    body.retention_part = vec![0; crate::limits::KEYRING_BODY_BYTES_MAX / 2];
    assert!(body.encode().is_ok());
    body.retention_part = vec![0; crate::limits::KEYRING_BODY_BYTES_MAX];
    assert!(matches!(body.encode(), Err(KeyringError::TooLarge(_))));
}
