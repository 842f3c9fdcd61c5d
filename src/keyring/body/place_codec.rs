//! The stored form of what the body says of places: the list, those removed, what the log must still
//! tell. Nothing here is secret.

use super::{
    PlaceEntry,
    decoded::{Decoded, id},
};
use crate::{
    clock::Timestamp,
    ids::PlaceId,
    keyring::{KeyringError, PlaceAct, PlaceClass, RemovedPlace, types::PlaceChange},
    wire::store,
};

/// A hash that was not noted.
const UNKNOWN: [u8; 32] = [0; 32];

pub(super) fn place_message(entry: &PlaceEntry) -> store::PlaceEntry {
    store::PlaceEntry {
        place_id: entry.id.as_bytes().to_vec(),
        class: entry.class.number(),
        stale: entry.stale,
    }
}

pub(super) fn place(message: &store::PlaceEntry) -> Decoded<PlaceEntry> {
    Ok(PlaceEntry {
        id: id(PlaceId::from_slice(&message.place_id))?,
        class: class(message.class)?,
        stale: message.stale,
    })
}

pub(super) fn removed_message(removed: &RemovedPlace) -> store::RemovedPlace {
    store::RemovedPlace {
        place_id: removed.id.as_bytes().to_vec(),
        class: removed.class.number(),
        generation: removed.generation,
        scrubbed: removed.scrubbed,
    }
}

pub(super) fn removed(message: &store::RemovedPlace) -> Decoded<RemovedPlace> {
    Ok(RemovedPlace {
        id: id(PlaceId::from_slice(&message.place_id))?,
        class: class(message.class)?,
        generation: message.generation,
        scrubbed: message.scrubbed,
    })
}

pub(super) fn act_message(act: &PlaceAct) -> store::PlaceAct {
    store::PlaceAct {
        kind: act.change.number(),
        place_id: act.place.as_bytes().to_vec(),
        generation: act.generation,
        at_ms: act.at.as_millis(),
        previous_keyring_hash: if act.previous_hash == UNKNOWN {
            Vec::new()
        } else {
            act.previous_hash.to_vec()
        },
    }
}

pub(super) fn act(message: &store::PlaceAct) -> Decoded<PlaceAct> {
    Ok(PlaceAct {
        change: PlaceChange::from_number(message.kind)
            .ok_or(KeyringError::Body("a change of its places is unknown"))?,
        place: id(PlaceId::from_slice(&message.place_id))?,
        generation: message.generation,
        at: Timestamp::from_millis(message.at_ms),
        previous_hash: match message.previous_keyring_hash.as_slice() {
            // Written before there was this field.
            [] => UNKNOWN,
            hash => hash
                .try_into()
                .map_err(|_| KeyringError::Body("a hash of a change of places is not 32 bytes"))?,
        },
    })
}

fn class(number: u32) -> Decoded<PlaceClass> {
    PlaceClass::from_number(number).ok_or(KeyringError::Body("a place's class is unknown"))
}
