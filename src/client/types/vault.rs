//! Types of `Admin`.

use serde::Serialize;

use super::text;
use crate::ids::AlarmId;

/// The state of the vault.
#[derive(Debug, Clone, Serialize)]
pub struct Status {
    /// The vault's name.
    pub vault: String,
    /// This node.
    pub node: String,
    /// What the weakest place can prove about erasure: `L0` to `L3`.
    pub class: &'static str,
    /// The places.
    pub places: Vec<Place>,
    /// Generation of the keyring.
    pub generation: u64,
    /// Origin number of the log.
    pub log_origin: u32,
    /// Leaves of the log.
    pub log_size: u64,
    /// False: nothing is answered until a restart.
    pub log_writable: bool,
    /// The pack's name.
    pub pack: String,
    /// SHA-256, hexadecimal.
    pub pack_hash: String,
    /// Age of the oldest data past its date whose keys exist, in milliseconds.
    pub overdue_ms: i64,
    /// No purge runs.
    pub clock_tripped: bool,
    /// Alarms nobody took note of.
    pub open_alarms: u32,
    /// Open alarms that the configured command could not be told.
    pub untold_alarms: u32,
    /// Reviews of broken glass that wait.
    pub open_reviews: u32,
    /// Of these, those past their time.
    pub overdue_reviews: u32,
    /// Cohorts with keys.
    pub live_cohorts: u64,
    /// Key trees.
    pub live_segments: u64,
    /// For `audit verify --key`.
    pub log_verifier_key: String,
    /// For `certificate verify --key`.
    pub certificate_verifier_key: String,
    /// Keys may reach a swap device.
    pub swap_accepted: bool,
    /// The vault's time, RFC 3339.
    pub now: String,
    /// Nothing is readable any more.
    pub end_date_passed: bool,
    /// Its keys, without the keys.
    pub keys: Vec<Key>,
    /// Holds in force.
    pub holds: Vec<super::Hold>,
}

impl Status {
    /// Whether nobody needs to look after this vault.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.log_writable
            && !self.clock_tripped
            && self.overdue_ms == 0
            && self.open_alarms == 0
            && self.untold_alarms == 0
            && self.overdue_reviews == 0
            && self.places.iter().all(|p| !p.stale)
    }
}

/// One key of the vault; nothing of it is secret.
#[derive(Debug, Clone, Serialize)]
pub struct Key {
    /// What it is for.
    pub kind: KeyKind,
    /// Since when it is in force, RFC 3339; `None` where that is not known.
    pub since: Option<String>,
    /// Whole days since then, by the vault's clock.
    pub age_days: Option<i64>,
}

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyKind {
    /// From the passphrase or key file.
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

/// One place of the keyring.
#[derive(Debug, Clone, Serialize)]
pub struct Place {
    /// Its id, hexadecimal.
    pub place: String,
    /// `L0` to `L3`.
    pub class: &'static str,
    /// Missed a generation.
    pub stale: bool,
    /// Where it is.
    pub description: String,
}

/// One alarm.
#[derive(Debug, Clone, Serialize)]
pub struct Alarm {
    /// Its id.
    #[serde(serialize_with = "text")]
    pub alarm: AlarmId,
    /// What kind.
    pub kind: String,
    /// When, RFC 3339.
    pub raised_at: String,
    /// More about it.
    pub note: String,
    /// Who took note of it.
    pub acknowledged_by: Option<String>,
}

/// What a reload of the policy pack did.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub struct Reloaded {
    /// The pack in force now, `<name>/<profile>`.
    pub pack: String,
    /// Its SHA-256, hexadecimal.
    pub pack_hash: String,
    /// That of the pack before; the same where nothing changed.
    pub previous_hash: String,
    /// The generation that pinned it; none where nothing changed.
    pub generation: Option<u64>,
}
