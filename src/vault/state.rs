//! The state of a running vault, for operators: nothing about any person.

use super::{Vault, VaultError, background};
use crate::{
    clock::Timestamp,
    identity::ReviewCounts,
    keyring::{Hold, KeyAges, PlaceClass, PlaceStatus},
};

/// The state of a running vault, for operators: nothing about any person.
#[derive(Debug, Clone)]
pub struct VaultStatus {
    /// First part of the log's origin.
    pub vault_name: String,
    /// Second part of the log's origin.
    pub node: String,
    /// The lowest class over the places: how far erasure is proven.
    pub class: PlaceClass,
    /// Every configured place.
    pub places: Vec<PlaceStatus>,
    /// The keyring's generation.
    pub generation: u64,
    /// The log's origin number.
    pub log_origin: u32,
    /// Durable leaves.
    pub log_size: u64,
    /// False after a failed write: every data call is refused until restart.
    pub log_writable: bool,
    /// The pack's name.
    pub pack_name: String,
    /// The pack's hash.
    pub pack_hash: [u8; 32],
    /// Age of the oldest data past its date that is not purged, in milliseconds; 0 = none.
    pub overdue_ms: i64,
    /// The clock jumped: no purge runs until it is confirmed.
    pub clock_tripped: bool,
    /// Alarms nobody has acknowledged.
    pub open_alarms: usize,
    /// Open alarms that could not be told, so far or for good.
    pub untold_alarms: usize,
    /// Reviews of broken glass that wait.
    pub reviews: ReviewCounts,
    /// Live cohorts, audit months included.
    pub live_cohorts: usize,
    /// Live segments.
    pub live_segments: usize,
    /// Verifier key of the audit log.
    pub log_verifier_key: String,
    /// Verifier key of certificates.
    pub certificate_verifier_key: String,
    /// Whether memory may be paged to a swap that is on.
    pub swap_accepted: bool,
    /// The vault's clock.
    pub now: Timestamp,
    /// The pack's end date has passed: only purge and proof still work.
    pub end_date_passed: bool,
    /// The vault's keys, without the keys.
    pub keys: Vec<KeyState>,
    /// The holds in force, the oldest first.
    pub holds: Vec<Hold>,
}

/// One key of the vault; nothing of it is secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyState {
    /// What it is for.
    pub kind: KeyKind,
    /// Since when it is in force, where that is known.
    pub since: Option<Timestamp>,
}

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// From the passphrase or key file; wraps the generation key.
    Root,
    /// Seals the present keyring.
    Generation,
    /// Signs the log's checkpoints.
    Log,
    /// Signs certificates.
    Certificate,
    /// Authenticates the directory's rows.
    Directory,
}

fn keys(ages: &KeyAges) -> Vec<KeyState> {
    let all = [
        (KeyKind::Root, ages.root),
        (KeyKind::Generation, Some(ages.generation)),
        (KeyKind::Log, ages.founded),
        (KeyKind::Certificate, ages.founded),
        (KeyKind::Directory, ages.founded),
    ];
    all.map(|(kind, since)| KeyState { kind, since }).into()
}

impl Vault {
    /// The vault's state, for the process that runs it.
    pub fn state(&self) -> Result<VaultStatus, VaultError> {
        let (pack, keyring) = (self.pack(), self.log.keyring());
        let segments = keyring.segments();
        let mut cohorts: Vec<_> = segments.iter().map(|s| s.cohort.id).collect();
        cohorts.sort_unstable();
        cohorts.dedup();
        let log_state = self.log.state();
        let now = self.log.clock().now();
        Ok(VaultStatus {
            vault_name: keyring.vault_name(),
            node: keyring.node(),
            class: keyring.class(),
            places: keyring.places(),
            generation: keyring.generation(),
            log_origin: log_state.k,
            log_size: log_state.size,
            log_writable: self.log.is_writable(),
            pack_name: pack.name().to_owned(),
            pack_hash: pack.hash(),
            overdue_ms: self.background.retention.overdue_ms(),
            clock_tripped: self.log.clock_tripped(),
            open_alarms: self.log.alarms()?.iter().filter(|a| a.acknowledged.is_none()).count(),
            untold_alarms: self.tellings.untold(),
            reviews: self.duties.reviews.counts()?,
            live_cohorts: cohorts.len(),
            live_segments: segments.len(),
            log_verifier_key: self.log.verifier_key(),
            certificate_verifier_key: self.background.retention.certificate_verifier_key(),
            swap_accepted: self.at_start.swap_accepted,
            now,
            end_date_passed: background::end_date_passed(&pack, now),
            keys: keys(&keyring.key_ages()),
            holds: self.background.retention.holds(),
        })
    }
}
