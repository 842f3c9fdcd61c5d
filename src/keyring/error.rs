//! Every refusal of the keyring, each with what to do about it.
//!
//! No variant carries a key, a body or personal data: ids are random, places are the operator's own
//! configuration.

use std::io;

use crate::ids::PlaceId;

/// Why the keyring refused or failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyringError {
    /// The slot was erased, or its segment is gone.
    #[error("this slot can no longer be opened")]
    SlotGone,
    /// No segment of this run is open (and published) for this cohort, or all are full.
    #[error("no segment is open for this expiry date")]
    NoSegment,
    /// The named segment or cohort is not live.
    #[error("the keyring holds no such live segment or cohort")]
    UnknownSegment,
    /// A hold names the slot: release the hold first.
    #[error("a hold keeps this slot: release the hold before erasing it")]
    Held,
    /// A hold with this id is already placed, or names no slot.
    #[error("a hold names at least one slot and has an id of its own")]
    HoldRefused,
    /// The date has no instant in its zone.
    #[error("the expiry date is beyond the calendar")]
    Calendar,
    /// The keyring would exceed `limits::KEYRING_BODY_BYTES_MAX`.
    #[error("the keyring would grow beyond {0} bytes: re-seal fragmented segments first")]
    TooLarge(usize),

    /// No place was configured.
    #[error("no place is configured: name at least one folder with --keys")]
    NoPlace,
    /// A place lies inside the data folder, whose copies it must not be part of.
    #[error(
        "the place {place} is inside the data folder: choose a folder outside it, best on another device"
    )]
    PlaceInsideData {
        /// The folder.
        place: String,
    },
    /// The same folder was configured twice.
    #[error("the place {place} is configured twice: each place is its own folder")]
    PlaceTwice {
        /// The folder.
        place: String,
    },
    /// `init` found something there.
    #[error(
        "the place {place} already holds a keyring or parts of one: nothing was overwritten; choose an empty folder"
    )]
    PlaceExists {
        /// The folder.
        place: String,
    },
    /// `init` was interrupted before the first generation was complete.
    #[error(
        "the place {place} was never finished by init: nothing was stored under it; remove it and run init again"
    )]
    PlaceUnfinished {
        /// The folder.
        place: String,
    },
    /// Another process holds the place.
    #[error("another process is using the place {place}: stop it first")]
    PlaceLocked {
        /// The folder.
        place: String,
    },
    /// A configured place that is not the primary does not answer.
    #[error("the place {id} does not answer: reconnect it, or start with --without-place {id}")]
    PlaceSilent {
        /// The place as the keyring's body lists it.
        id: PlaceId,
    },
    /// The first configured place does not answer.
    #[error(
        "the primary place {place} does not answer: reconnect it (or run init, if there is no vault yet), or make another place the primary with `place promote`"
    )]
    PrimarySilent {
        /// The folder.
        place: String,
        /// What failed.
        #[source]
        source: io::Error,
    },
    /// The body lists another place as primary, and that one is not configured.
    #[error(
        "the primary place {id} is not configured: add it, or make another place the primary with `place promote`"
    )]
    PrimaryMissing {
        /// The primary as the body lists it.
        id: PlaceId,
    },
    /// A configured place is not in the body's list.
    #[error(
        "the place {id} does not belong to this keyring's list of places: remove it from the configuration, or add it with `place add`"
    )]
    PlaceUnknown {
        /// The place's own id.
        id: PlaceId,
    },
    /// No such place on the list, or none that answers.
    #[error("no place {id} answers that the keyring lists: see `place verify` for the ids")]
    PlaceNotListed {
        /// The id that was given.
        id: PlaceId,
    },
    /// The primary is never removed.
    #[error("the place {id} is the primary: first make another the primary with `place promote`")]
    PlaceIsPrimary {
        /// The primary.
        id: PlaceId,
    },
    /// The place comes first already.
    #[error("the place {id} is the primary already: nothing was changed; name it first")]
    AlreadyPrimary {
        /// The primary.
        id: PlaceId,
    },
    /// Same places, other order.
    #[error(
        "the places are configured in another order than the keyring lists them: restore the order, the primary first"
    )]
    PlaceOrder,
    /// The place belongs to another vault.
    #[error("the place {place} belongs to another vault: correct the configuration")]
    OtherVault {
        /// The folder.
        place: String,
    },
    /// The place was written by another version, or is damaged.
    #[error(
        "the place {place} is not of a format that this version reads: use the version that wrote it"
    )]
    PlaceFormat {
        /// The folder.
        place: String,
    },
    /// Reading or writing failed.
    #[error("{doing} failed at the place {place}: repair the device and try again")]
    PlaceIo {
        /// The folder.
        place: String,
        /// What was being done.
        doing: &'static str,
        /// The system's answer.
        #[source]
        source: io::Error,
    },

    /// No slot of the primary's anchor is whole.
    #[error(
        "the anchor at the place {place} is torn: if another place is whole, make it the primary with `place promote`; otherwise the keys are lost"
    )]
    AnchorTorn {
        /// The folder.
        place: String,
    },
    /// The anchor is whole but this root key does not open it. Nothing was changed.
    #[error("wrong passphrase or root key: nothing was changed")]
    WrongRoot,
    /// The given source of the root key is of another kind than the anchor's.
    #[error("the anchor asks for another kind of root key: give the {0}")]
    RootKind(&'static str),
    /// The anchor asks for a cost beyond the bounds of `limits`.
    #[error(
        "the anchor asks for key derivation beyond this version's bounds: it was tampered with, or written by another version"
    )]
    RootCost,
    /// The passphrase is not UTF-8 or too long, or the key file is not 32 bytes.
    #[error("a passphrase is UTF-8 text of at most 1024 bytes; a key file is exactly 32 bytes")]
    RootInput,
    /// A rotation got the root secret that is in force already.
    #[error("this root secret is in force already: a rotation needs another one")]
    RootUnchanged,
    /// A follower holds a higher generation than the primary: no crash does that.
    #[error(
        "the place {id} is ahead of the primary, so the primary was rolled back: nothing was overwritten; make it the primary with `place promote` if it is the true one"
    )]
    FollowerAhead {
        /// The follower.
        id: PlaceId,
    },
    /// A follower holds another keyring of the same generation.
    #[error(
        "the place {id} holds another keyring of the same generation: one of the places was restored from a copy; nothing was overwritten; see `place promote`"
    )]
    FollowerDiffers {
        /// The follower.
        id: PlaceId,
    },
    /// The caller knows a newer generation than the places hold.
    #[error(
        "the places were rolled back: generation {known} is known, they hold {places}; nothing was changed; put the newest places back"
    )]
    RolledBack {
        /// The newest generation that is known.
        known: u64,
        /// The primary's.
        places: u64,
    },
    /// No place has the keyring file the anchor names.
    #[error(
        "no place has a keyring file that matches the anchor's generation {generation}: every record sealed under it is lost unless a place can be repaired"
    )]
    KeyringLost {
        /// The anchor's generation.
        generation: u64,
    },
    /// The keyring file has the anchor's hash but does not open, or its body breaks a rule.
    #[error(
        "the keyring does not hold together ({0}): it was written by another version or damaged"
    )]
    Body(&'static str),

    /// An erasure needs every place, and this one does not answer or was left out.
    #[error(
        "nothing was erased: the place {id} must answer first, since it still holds an older generation; reconnect it and restart, or remove it with `place remove`"
    )]
    ErasureNeedsPlace {
        /// The place.
        id: PlaceId,
    },
    /// A generation failed after its commit point: what it erased is pending, not acknowledged.
    #[error(
        "the generation was begun but not completed at every place: it is not acknowledged; restart the vault to complete it"
    )]
    Incomplete(#[source] Box<KeyringError>),
    /// Openings of erased slots did not end in time.
    #[error(
        "calls that read erased slots did not end in time: the erasure is not acknowledged; restart the vault"
    )]
    Drain,
    /// An earlier generation of this run failed after its commit point or was never published.
    #[error(
        "an earlier generation was not completed: no further one is written until the vault is restarted"
    )]
    MustReopen,
}

impl KeyringError {
    pub(crate) fn io(place: String, doing: &'static str, source: io::Error) -> Self {
        Self::PlaceIo { place, doing, source }
    }
}
