//! Shapes that identity's tests share: a habilitation, a row, and a guard with a key of its own.
//! Compiled for tests only.

use std::collections::HashMap;

use chrono::NaiveDate;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::{AgentKind, Habilitation, directory::RowGuard, row::Agent};
use crate::{
    clock::Timestamp,
    ids::{AgentId, RoleName},
    keyring::Revocation,
};

/// A civil date.
pub(super) fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// A habilitation as `clerk`, without unit or territory.
pub(super) fn habilitation(from: &str, to: &str) -> Habilitation {
    Habilitation {
        role: RoleName::parse("clerk").unwrap(),
        unit: None,
        territory: None,
        valid_from: date(from),
        valid_to: date(to),
        authority: "head of service".into(),
        profession: None,
        sworn: true,
        undertaking_on: None,
        undertaking_ref: None,
    }
}

/// A row of this revision, habilitated for November 2020.
pub(super) fn agent_row(id: &str, revision: u64) -> Agent {
    Agent {
        id: AgentId::parse(id).unwrap(),
        kind: AgentKind::Person,
        display_name: "Agent".into(),
        habilitations: vec![habilitation("2020-11-01", "2020-11-30")],
        secret_phc: String::new(),
        one_time: false,
        revoked: false,
        revision,
        created_at: Timestamp::from_millis(1_606_118_400_000),
        created_by: None,
    }
}

/// A guard with a fixed key: real macs over another label than the keyring's.
#[derive(Default)]
pub(super) struct FakeGuard {
    floors: HashMap<AgentId, Revocation>,
}

impl FakeGuard {
    pub(super) fn floor(&mut self, id: &str, min_revision: u64, revoked: bool) {
        let id = AgentId::parse(id).unwrap();
        self.floors.insert(id, Revocation { min_revision, revoked });
    }

    fn mac(row_key: &[u8], row: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(b"a key of these tests").unwrap();
        mac.update(&u16::try_from(row_key.len()).unwrap().to_be_bytes());
        mac.update(row_key);
        mac.update(row);
        mac
    }
}

impl RowGuard for FakeGuard {
    fn mac_row(&self, row_key: &[u8], row: &[u8]) -> Vec<u8> {
        let mac = Self::mac(row_key, row).finalize().into_bytes();
        [mac.as_slice(), row].concat()
    }

    fn check_row<'a>(&self, row_key: &[u8], value: &'a [u8]) -> Option<&'a [u8]> {
        let (mac, row) = value.split_at_checked(32)?;
        Self::mac(row_key, row).verify_slice(mac).ok().map(|()| row)
    }

    fn revocation(&self, agent: &AgentId) -> Option<Revocation> {
        self.floors.get(agent).copied()
    }
}
