//! `init`: generation 1 at the places, leaf 0 in the log, the first two agents.
//!
//! Nothing is written over: an existing place or a data folder with anything in it is refused before.
//! A crash in the middle leaves folders that `start` refuses or that hold a vault without agents;
//! either way nothing was stored yet, and the operator removes them and runs `init` again.

use std::sync::Arc;

use crate::{
    audit::{AuditLog, Opened},
    identity::{NewAgent, OneTimeSecret, appoint_first},
    ids::VaultId,
    keyring::{Keyring, NewVault, PlaceClass},
    retention::Retention,
};

use super::{Parts, StartError};
use crate::vault::{
    duties::check_habilitation,
    segments::{Segments, audit_months, audit_rule},
};

/// Names of a new vault and its first two agents.
pub struct Founders {
    /// First part of the log's origin.
    pub vault_name: String,
    /// Second part of the log's origin.
    pub node: String,
    /// Creates and revokes agents; sees no content.
    pub key_admin: NewAgent,
    /// Audits; sees no content.
    pub dpo: NewAgent,
}

/// What the operator must keep.
pub struct Founded {
    /// The vault's id.
    pub vault: VaultId,
    /// Shown once.
    pub key_admin_secret: OneTimeSecret,
    /// Shown once.
    pub dpo_secret: OneTimeSecret,
    /// For `audit verify --key`.
    pub log_verifier_key: String,
    /// For `certificate verify --key`.
    pub certificate_verifier_key: String,
    /// How far erasure is proven with these places.
    pub class: PlaceClass,
}

/// Founds a vault. Blocks.
pub fn found(parts: Parts, founders: Founders) -> Result<Founded, StartError> {
    if founders.key_admin.agent == founders.dpo.agent {
        return Err(StartError::SamePerson);
    }
    if founders.node.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(StartError::NodeIsNumber);
    }
    let now = parts.clock.now();
    check_habilitation(&parts.pack, &founders.key_admin, now)?;
    check_habilitation(&parts.pack, &founders.dpo, now)?;
    let rule = audit_rule(&parts.pack);
    let new = NewVault {
        name: founders.vault_name,
        node: founders.node,
        pack_hash: parts.pack.hash(),
        retention_part: parts.pack.retention_part(),
        now: parts.clock.now(),
    };
    // 1. Generation 1 at every place. A crash leaves places without a data folder that knows them.
    let keyring = Keyring::create(parts.places, parts.root, new, parts.random.as_ref())?;
    // 2. Its leaf is leaf 0.
    let Opened::Whole(log) = AuditLog::open(parts.store, keyring, rule, parts.clock, parts.random)?
    else {
        return Err(StartError::NotEmpty);
    };
    let log = Arc::new(log);
    log.publish_missing()?;
    // 3. Segments for the first events.
    let now = log.clock().now();
    Segments::new(Arc::clone(&log)).ensure(&audit_months(&parts.pack, now))?;
    // 4. The first two agents, in one commit with their event.
    let pack_hash = parts.pack.hash();
    let [key_admin_secret, dpo_secret] =
        appoint_first(&log, [founders.key_admin, founders.dpo], pack_hash)?;
    let retention = Retention::new(Arc::clone(&log));
    let founded = Founded {
        vault: log.keyring().vault(),
        key_admin_secret,
        dpo_secret,
        log_verifier_key: log.verifier_key(),
        certificate_verifier_key: retention.certificate_verifier_key(),
        class: log.keyring().class(),
    };
    // 5. The last checkpoint at the places.
    log.drain();
    Ok(founded)
}
