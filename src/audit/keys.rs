//! What the log needs of the keyring, as one trait, so that the log can be tested below it.
//!
//! The only implementation outside tests is [`Keyring`]; nothing here adds behaviour.

use std::sync::Arc;

use crate::{
    crypto::{blind_index::Token, section::SlotSecret, signing::Signer},
    ids::{CohortId, CollectionName, SlotRef, VaultId},
    keyring::{CohortInfo, CohortKey, Keyring, KeyringError, LogState, Slot},
};

/// The keyring as the log sees it. Methods have the meaning of [`Keyring`]'s of the same name.
#[expect(missing_docs, reason = "each method is documented at `Keyring`")]
pub trait AuditKeys: Send + Sync + 'static {
    fn vault(&self) -> VaultId;
    fn vault_name(&self) -> String;
    fn node(&self) -> String;
    fn generation(&self) -> u64;
    fn generation_detail(&self) -> Vec<u8>;
    fn hand_out(&self, cohort: &CohortKey) -> Result<Slot, KeyringError>;
    fn derive_slot(&self, at: &SlotRef) -> Result<SlotSecret, KeyringError>;
    fn cohort(&self, id: &CohortId) -> Option<CohortInfo>;
    fn cohorts_of(&self, collection: &CollectionName) -> Vec<CohortInfo>;
    fn write_token(
        &self,
        cohort: &CohortId,
        collection: &CollectionName,
        field: &str,
        value: &[u8],
    ) -> Option<(u32, Token)>;
    fn search_tokens(
        &self,
        cohort: &CohortId,
        collection: &CollectionName,
        field: &str,
        value: &[u8],
    ) -> Vec<(u32, Token)>;
    fn mac_row(&self, row_key: &[u8], row: &[u8]) -> Vec<u8>;
    fn check_row<'a>(&self, row_key: &[u8], value: &'a [u8]) -> Option<&'a [u8]>;
    fn log_signer(&self) -> Arc<Signer>;
    fn log_state(&self) -> LogState;
    fn write_checkpoint(&self, note: &str) -> Result<(), KeyringError>;
    fn checkpoints(&self) -> Vec<String>;
}

impl AuditKeys for Keyring {
    fn vault(&self) -> VaultId {
        self.vault()
    }
    fn vault_name(&self) -> String {
        self.vault_name()
    }
    fn node(&self) -> String {
        self.node()
    }
    fn generation(&self) -> u64 {
        self.generation()
    }
    fn generation_detail(&self) -> Vec<u8> {
        self.generation_detail()
    }
    fn hand_out(&self, cohort: &CohortKey) -> Result<Slot, KeyringError> {
        self.hand_out(cohort)
    }
    fn derive_slot(&self, at: &SlotRef) -> Result<SlotSecret, KeyringError> {
        self.derive_slot(at)
    }
    fn cohort(&self, id: &CohortId) -> Option<CohortInfo> {
        self.cohort(id)
    }
    fn cohorts_of(&self, collection: &CollectionName) -> Vec<CohortInfo> {
        self.cohorts_of(collection)
    }
    fn write_token(
        &self,
        cohort: &CohortId,
        collection: &CollectionName,
        field: &str,
        value: &[u8],
    ) -> Option<(u32, Token)> {
        self.write_token(cohort, collection, field, value)
    }
    fn search_tokens(
        &self,
        cohort: &CohortId,
        collection: &CollectionName,
        field: &str,
        value: &[u8],
    ) -> Vec<(u32, Token)> {
        self.search_tokens(cohort, collection, field, value)
    }
    fn mac_row(&self, row_key: &[u8], row: &[u8]) -> Vec<u8> {
        self.mac_row(row_key, row)
    }
    fn check_row<'a>(&self, row_key: &[u8], value: &'a [u8]) -> Option<&'a [u8]> {
        self.check_row(row_key, value)
    }
    fn log_signer(&self) -> Arc<Signer> {
        self.log_signer()
    }
    fn log_state(&self) -> LogState {
        self.log_state()
    }
    fn write_checkpoint(&self, note: &str) -> Result<(), KeyringError> {
        self.write_checkpoint(note)
    }
    fn checkpoints(&self) -> Vec<String> {
        self.checkpoints()
    }
}
