//! The stored form of the body: prost `Keyring`, in canonical order, strict in both directions.
//!
//! Every buffer that held a key is wiped: the messages' fields here, the encoded bytes by their
//! wrapper. A body that would not encode to the very same bytes again was written by a newer version
//! (it has fields that would be lost) or is damaged, and is refused.

use std::sync::Arc;

use chrono::NaiveDate;
use chrono_tz::Tz;
use prost::Message;
use zeroize::Zeroize;

use super::{
    Body, Cohort, Segment, Tombstone,
    decoded::{Decoded, id},
    place_codec, zone_name,
};
use crate::{
    clock::Timestamp,
    crypto::blind_index::IndexKey,
    ids::{AgentId, CohortId, CollectionName, HoldId, RecordId, SegmentId, SlotRef},
    keyring::{CohortKey, KeyringError, LogState, Revocation, cover::Cover, hold::Hold},
    limits::{KEYRING_BODY_BYTES_MAX, SEGMENT_SLOTS},
    secret::{Secret, SecretBytes},
    wire::store,
};

const DATE_FORMAT: &str = "%Y-%m-%d";

impl Body {
    /// The encoded body. Errors: [`KeyringError::TooLarge`].
    pub(crate) fn encode(&self) -> Result<SecretBytes, KeyringError> {
        let message = self.to_message();
        if message.0.encoded_len() > KEYRING_BODY_BYTES_MAX {
            return Err(KeyringError::TooLarge(KEYRING_BODY_BYTES_MAX));
        }
        // Allocated at its final length: no copy of a key stays in a freed buffer.
        Ok(SecretBytes::new(message.0.encode_to_vec()))
    }

    /// Reads an encoded body. Errors: [`KeyringError::Body`] with the rule it breaks.
    pub(crate) fn decode(encoded: &SecretBytes) -> Decoded<Self> {
        // EXPOSE: decoded into wrapped keys; the message in between is wiped.
        let message = store::Keyring::decode(encoded.expose())
            .map_err(|_| KeyringError::Body("its body is not a keyring"))?;
        let body = Self::from_message(&Wiped(message))?;
        // EXPOSE: compared, not kept.
        if body.encode()?.expose() != encoded.expose() {
            return Err(KeyringError::Body("its body is not in canonical form"));
        }
        body.check()?;
        Ok(body)
    }

    fn to_message(&self) -> Wiped {
        Wiped(store::Keyring {
            places: self.places.iter().map(place_codec::place_message).collect(),
            cohorts: self.cohorts.iter().map(cohort_message).collect(),
            segments: self.segments.iter().map(segment_message).collect(),
            tombstones: self.tombstones.iter().map(tombstone_message).collect(),
            holds: self.holds.iter().map(hold_message).collect(),
            revocations: self.revocations.iter().map(revocation_message).collect(),
            directory_key: key_bytes(&self.directory_key),
            log_seed: key_bytes(&self.log_seed),
            certificate_seed: key_bytes(&self.certificate_seed),
            watermarks: self.watermarks.iter().map(watermark_message).collect(),
            log: Some(store::LogState {
                k: self.log.k,
                size: self.log.size,
                root: self.log.root.to_vec(),
                clock_floor_ms: self.log.clock_floor.as_millis(),
            }),
            pack_hash: self.pack_hash.to_vec(),
            retention_part: self.retention_part.clone(),
            previous_keyring_hash: self.previous_hash.to_vec(),
            vault_name: self.vault_name.clone(),
            node: self.node.clone(),
            founded_at_ms: millis(self.founded_at),
            root_since_ms: millis(self.root_since),
            removed_places: self.removed_places.iter().map(place_codec::removed_message).collect(),
            place_acts: self.place_acts.iter().map(place_codec::act_message).collect(),
        })
    }

    fn from_message(wiped: &Wiped) -> Decoded<Self> {
        let message = &wiped.0;
        let log = message.log.as_ref().ok_or(KeyringError::Body("it has no log state"))?;
        Ok(Self {
            places: message.places.iter().map(place_codec::place).collect::<Decoded<_>>()?,
            cohorts: message.cohorts.iter().map(cohort).collect::<Decoded<_>>()?,
            segments: message.segments.iter().map(segment).collect::<Decoded<_>>()?,
            tombstones: message.tombstones.iter().map(tombstone).collect::<Decoded<_>>()?,
            holds: message.holds.iter().map(hold).collect::<Decoded<_>>()?,
            revocations: message.revocations.iter().map(revocation).collect::<Decoded<_>>()?,
            directory_key: key(&message.directory_key)?,
            log_seed: key(&message.log_seed)?,
            certificate_seed: key(&message.certificate_seed)?,
            watermarks: message.watermarks.iter().map(watermark).collect::<Decoded<_>>()?,
            log: LogState {
                k: log.k,
                size: log.size,
                root: bytes32(&log.root)?,
                clock_floor: Timestamp::from_millis(log.clock_floor_ms),
            },
            pack_hash: bytes32(&message.pack_hash)?,
            retention_part: message.retention_part.clone(),
            previous_hash: bytes32(&message.previous_keyring_hash)?,
            vault_name: message.vault_name.clone(),
            node: message.node.clone(),
            founded_at: instant(message.founded_at_ms),
            root_since: instant(message.root_since_ms),
            removed_places: message
                .removed_places
                .iter()
                .map(place_codec::removed)
                .collect::<Decoded<_>>()?,
            place_acts: message.place_acts.iter().map(place_codec::act).collect::<Decoded<_>>()?,
        })
    }

    /// Relations between the parts. Duplicates were refused already: a map that lost one would not
    /// encode to the same bytes.
    fn check(&self) -> Decoded<()> {
        let broken = |rule| Err(KeyringError::Body(rule));
        if self.places.is_empty() {
            return broken("it lists no place");
        }
        if self.segments.values().any(|s| !self.cohorts.contains_key(&s.cohort)) {
            return broken("a segment has no cohort");
        }
        if self.segments.keys().any(|seg| self.tombstones.contains_key(seg)) {
            return broken("a segment is both live and dropped");
        }
        let mut keys: Vec<_> = self.cohorts.values().map(|c| &c.key).collect();
        keys.sort_by_key(|k| (&k.collection, k.expires_on, zone_name(k.zone)));
        if keys.windows(2).any(|pair| pair.first() == pair.last()) {
            return broken("two cohorts share collection, date and zone");
        }
        let removed = |id| self.removed_places.iter().any(|gone| gone.id == id);
        if self.places.iter().any(|place| removed(place.id)) {
            return broken("a place is both listed and removed");
        }
        if self.holds.iter().any(|hold| hold.slots.is_empty()) {
            return broken("a hold names no slot");
        }
        Ok(())
    }
}

/// A message whose keys are wiped on drop.
struct Wiped(store::Keyring);

impl Drop for Wiped {
    fn drop(&mut self) {
        let message = &mut self.0;
        message.directory_key.zeroize();
        message.log_seed.zeroize();
        message.certificate_seed.zeroize();
        for segment in &mut message.segments {
            segment.cover.zeroize();
        }
        for index_key in message.cohorts.iter_mut().flat_map(|c| &mut c.index_keys) {
            index_key.key.zeroize();
        }
    }
}

fn key_bytes(secret: &Secret<32>) -> Vec<u8> {
    // EXPOSE: into a message that is sealed and wiped.
    secret.expose().to_vec()
}

fn key(bytes: &[u8]) -> Decoded<Arc<Secret<32>>> {
    let key = Secret::from_slice(bytes).ok_or(KeyringError::Body("a key is not 32 bytes"))?;
    Ok(Arc::new(key))
}

fn bytes32(bytes: &[u8]) -> Decoded<[u8; 32]> {
    bytes.try_into().map_err(|_| KeyringError::Body("a hash is not 32 bytes"))
}

/// An instant as it is stored: 0 where there is none.
fn millis(at: Option<Timestamp>) -> i64 {
    at.map_or(0, Timestamp::as_millis)
}

fn instant(millis: i64) -> Option<Timestamp> {
    (millis != 0).then(|| Timestamp::from_millis(millis))
}

fn date_text(date: NaiveDate) -> String {
    date.format(DATE_FORMAT).to_string()
}

fn date(text: &str) -> Decoded<NaiveDate> {
    NaiveDate::parse_from_str(text, DATE_FORMAT)
        .map_err(|_| KeyringError::Body("a date is malformed"))
}

fn zone(text: &str) -> Decoded<Tz> {
    text.parse().map_err(|_| KeyringError::Body("a zone is not in this version's zone table"))
}

fn cohort_key(collection: &str, expires_on: &str, zone_text: &str) -> Decoded<CohortKey> {
    Ok(CohortKey {
        collection: id(CollectionName::parse(collection))?,
        expires_on: date(expires_on)?,
        zone: zone(zone_text)?,
    })
}

fn cohort_message((cohort_id, cohort): (&CohortId, &Cohort)) -> store::Cohort {
    store::Cohort {
        cohort_id: cohort_id.as_bytes().to_vec(),
        collection: cohort.key.collection.to_string(),
        expires_on: date_text(cohort.key.expires_on),
        zone: zone_name(cohort.key.zone).to_owned(),
        expires_at_ms: cohort.expires_at.as_millis(),
        index_keys: cohort
            .index_keys
            .iter()
            .map(|k| store::IndexKey { key_id: k.id(), key: key_bytes(k.key()) })
            .collect(),
    }
}

fn cohort(message: &store::Cohort) -> Decoded<(CohortId, Cohort)> {
    let mut index_keys = Vec::with_capacity(message.index_keys.len());
    for index_key in &message.index_keys {
        let key = Secret::from_slice(&index_key.key)
            .ok_or(KeyringError::Body("a key is not 32 bytes"))?;
        index_keys.push(Arc::new(IndexKey::new(index_key.key_id, key)));
    }
    if !index_keys.is_sorted_by(|a, b| a.id() < b.id()) {
        return Err(KeyringError::Body("a cohort's index keys are out of order"));
    }
    let cohort = Cohort {
        key: cohort_key(&message.collection, &message.expires_on, &message.zone)?,
        expires_at: Timestamp::from_millis(message.expires_at_ms),
        index_keys,
    };
    Ok((id(CohortId::from_slice(&message.cohort_id))?, cohort))
}

fn segment_message((seg, segment): (&SegmentId, &Segment)) -> store::Segment {
    store::Segment {
        seg_id: seg.as_bytes().to_vec(),
        cohort_id: segment.cohort.as_bytes().to_vec(),
        cover: segment.cover.encode(),
        held_only: segment.held_only,
    }
}

fn segment(message: &store::Segment) -> Decoded<(SegmentId, Segment)> {
    let cover = Cover::decode(&message.cover)
        .ok_or(KeyringError::Body("a segment's cover is malformed"))?;
    let segment = Segment {
        cohort: id(CohortId::from_slice(&message.cohort_id))?,
        cover: Arc::new(cover),
        held_only: message.held_only,
    };
    Ok((id(SegmentId::from_slice(&message.seg_id))?, segment))
}

fn tombstone_message((seg, stone): (&SegmentId, &Tombstone)) -> store::Tombstone {
    store::Tombstone {
        seg_id: seg.as_bytes().to_vec(),
        cohort_id: stone.cohort.as_bytes().to_vec(),
        collection: stone.key.collection.to_string(),
        expires_on: date_text(stone.key.expires_on),
        zone: zone_name(stone.key.zone).to_owned(),
        generation: stone.generation,
        dropped_at_ms: stone.dropped_at.as_millis(),
    }
}

fn tombstone(message: &store::Tombstone) -> Decoded<(SegmentId, Tombstone)> {
    let stone = Tombstone {
        cohort: id(CohortId::from_slice(&message.cohort_id))?,
        key: cohort_key(&message.collection, &message.expires_on, &message.zone)?,
        generation: message.generation,
        dropped_at: Timestamp::from_millis(message.dropped_at_ms),
    };
    Ok((id(SegmentId::from_slice(&message.seg_id))?, stone))
}

fn hold_message(hold: &Hold) -> store::Hold {
    let slot = |s: &SlotRef| store::Slot { seg_id: s.seg.as_bytes().to_vec(), index: s.index };
    store::Hold {
        hold_id: hold.id.as_bytes().to_vec(),
        record_id: hold.record.as_bytes().to_vec(),
        slots: hold.slots.iter().map(slot).collect(),
        authority: hold.authority.clone(),
        reason: hold.reason.clone(),
        ends_on: date_text(hold.ends_on),
        approver: hold.approver.to_string(),
        placed_at_ms: hold.placed_at.as_millis(),
        ends_at_ms: hold.ends_at.as_millis(),
    }
}

fn hold(message: &store::Hold) -> Decoded<Hold> {
    let slot = |s: &store::Slot| {
        if s.index >= SEGMENT_SLOTS {
            return Err(KeyringError::Body("a held slot is beyond its segment"));
        }
        Ok(SlotRef { seg: id(SegmentId::from_slice(&s.seg_id))?, index: s.index })
    };
    Ok(Hold {
        id: id(HoldId::from_slice(&message.hold_id))?,
        record: id(RecordId::from_slice(&message.record_id))?,
        slots: message.slots.iter().map(slot).collect::<Decoded<_>>()?,
        authority: message.authority.clone(),
        reason: message.reason.clone(),
        ends_on: date(&message.ends_on)?,
        ends_at: Timestamp::from_millis(message.ends_at_ms),
        approver: id(AgentId::parse(&message.approver))?,
        placed_at: Timestamp::from_millis(message.placed_at_ms),
    })
}

fn revocation_message((agent, revocation): (&AgentId, &Revocation)) -> store::Revocation {
    store::Revocation {
        agent_id: agent.to_string(),
        min_revision: revocation.min_revision,
        revoked: revocation.revoked,
    }
}

fn revocation(message: &store::Revocation) -> Decoded<(AgentId, Revocation)> {
    let revocation = Revocation { min_revision: message.min_revision, revoked: message.revoked };
    Ok((id(AgentId::parse(&message.agent_id))?, revocation))
}

type WatermarkKey = (CollectionName, &'static str);

fn watermark_message(((collection, zone), date): (&WatermarkKey, &NaiveDate)) -> store::Watermark {
    store::Watermark {
        collection: collection.to_string(),
        zone: (*zone).to_owned(),
        expires_on: date_text(*date),
    }
}

fn watermark(message: &store::Watermark) -> Decoded<(WatermarkKey, NaiveDate)> {
    let key = (id(CollectionName::parse(&message.collection))?, zone_name(zone(&message.zone)?));
    Ok((key, date(&message.expires_on)?))
}
