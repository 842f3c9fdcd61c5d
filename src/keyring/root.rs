//! The root key: what opens the anchors, from a passphrase or a key file.
//!
//! It is held in memory while the vault runs (each generation re-wraps under it) and stored nowhere.
//! A rotation holds two until the old one's last slot is scrubbed; then the old one is forgotten.
//! Parameters that come from an anchor are bounded here before any memory is spent on them.

use std::sync::Arc;

use parking_lot::Mutex;
use unicode_normalization::UnicodeNormalization;

use crate::{
    crypto::kdf::{Argon2Params, argon2id},
    keyring::KeyringError,
    limits::{
        ARGON2_M_KIB, ARGON2_M_KIB_MAX, ARGON2_P, ARGON2_P_MAX, ARGON2_T, ARGON2_T_MAX,
        SECRET_BYTES_MAX,
    },
    random::Random,
    secret::{Secret, SecretBytes},
};

/// Root kind 1 of the anchor format.
const KIND_PASSPHRASE: u8 = 1;
/// Root kind 2.
const KIND_KEY_FILE: u8 = 2;

/// Where the root key comes from.
pub enum RootSource {
    /// The normalised passphrase.
    Passphrase(SecretBytes),
    /// The 32 bytes of a key file.
    KeyFile(Secret<32>),
}

impl RootSource {
    /// A passphrase as typed or read: UTF-8, brought to NFC, less one final LF or CRLF.
    ///
    /// Errors: [`KeyringError::RootInput`].
    pub fn passphrase(input: &SecretBytes) -> Result<Self, KeyringError> {
        // EXPOSE: the normalised passphrase goes straight into a secret again.
        let text = std::str::from_utf8(input.expose()).map_err(|_| KeyringError::RootInput)?;
        if text.len() > SECRET_BYTES_MAX {
            return Err(KeyringError::RootInput);
        }
        let text = text.strip_suffix('\n').map_or(text, |t| t.strip_suffix('\r').unwrap_or(t));
        // Room for any normalisation, so that growing leaves no copy behind.
        let mut normal = String::with_capacity(4 * SECRET_BYTES_MAX);
        normal.extend(text.nfc());
        Ok(Self::Passphrase(SecretBytes::new(normal.into_bytes())))
    }

    /// A key file's content: exactly 32 raw bytes.
    ///
    /// Errors: [`KeyringError::RootInput`].
    pub fn key_file(content: &SecretBytes) -> Result<Self, KeyringError> {
        // EXPOSE: copied into a secret of fixed length.
        Secret::from_slice(content.expose()).map(Self::KeyFile).ok_or(KeyringError::RootInput)
    }

    /// Parameters for a new vault: the costs of `limits` and a random salt, or zeros for a key file.
    pub(crate) fn make_params(&self, random: &dyn Random) -> RootParams {
        let mut salt = [0; 16];
        match self {
            Self::Passphrase(_) => {
                random.fill(&mut salt);
                let cost = Argon2Params { m_kib: ARGON2_M_KIB, t: ARGON2_T, p: ARGON2_P };
                RootParams { kind: KIND_PASSPHRASE, cost, salt }
            }
            Self::KeyFile(_) => RootParams {
                kind: KIND_KEY_FILE,
                cost: Argon2Params { m_kib: 0, t: 0, p: 0 },
                salt,
            },
        }
    }

    /// The root key of this source under these parameters.
    pub(crate) fn derive(&self, params: &RootParams) -> Result<Root, KeyringError> {
        let key = Arc::new(self.derive_key(params)?);
        Ok(Root { params: *params, key })
    }

    fn derive_key(&self, params: &RootParams) -> Result<Secret<32>, KeyringError> {
        match (params.kind, self) {
            (KIND_PASSPHRASE, Self::Passphrase(pass)) => {
                let cost = params.cost;
                let bounded = cost.m_kib <= ARGON2_M_KIB_MAX
                    && cost.t <= ARGON2_T_MAX
                    && cost.p <= ARGON2_P_MAX;
                if !bounded {
                    return Err(KeyringError::RootCost);
                }
                argon2id(pass, &params.salt, cost).ok_or(KeyringError::RootCost)
            }
            (KIND_KEY_FILE, Self::KeyFile(key)) => {
                // EXPOSE: a copy for the keyring, wiped with it.
                Ok(Secret::from_bytes(*key.expose()))
            }
            (KIND_PASSPHRASE, _) => Err(KeyringError::RootKind("passphrase")),
            (KIND_KEY_FILE, _) => Err(KeyringError::RootKind("key file")),
            _ => Err(KeyringError::RootKind("key service (this version has none)")),
        }
    }
}

/// What an anchor slot says about its root key; nothing of it is secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RootParams {
    pub(crate) kind: u8,
    pub(crate) cost: Argon2Params,
    pub(crate) salt: [u8; 16],
}

/// A root key and how it was made.
pub(crate) struct Root {
    pub(crate) params: RootParams,
    pub(crate) key: Arc<Secret<32>>,
}

impl Root {
    /// The same key, shared.
    pub(crate) fn share(&self) -> Self {
        Self { params: self.params, key: Arc::clone(&self.key) }
    }
}

/// The root key that a rotation puts in force, derived before the generation's turn is taken.
pub struct NewRoot(pub(super) Root);

/// Root keys derived so far, and the source for others until it is forgotten.
pub(crate) struct RootKeys {
    source: Mutex<Option<RootSource>>,
    known: Mutex<Vec<Root>>,
}

impl RootKeys {
    pub(crate) fn new(source: RootSource) -> Self {
        Self { source: Mutex::new(Some(source)), known: Mutex::new(Vec::new()) }
    }

    /// The root keys known under these parameters, the newest first. There are two only while a
    /// rotation from one key file to another is under way.
    pub(crate) fn candidates(&self, params: &RootParams) -> Result<Vec<Root>, KeyringError> {
        let mut known = self.known.lock();
        let found: Vec<Root> =
            known.iter().rev().filter(|r| r.params == *params).map(Root::share).collect();
        if !found.is_empty() {
            return Ok(found);
        }
        let source = self.source.lock();
        let root = source.as_ref().ok_or(KeyringError::WrongRoot)?.derive(params)?;
        known.push(root.share());
        Ok(vec![root])
    }

    /// A new vault's root key, from the source.
    pub(crate) fn make(&self, random: &dyn Random) -> Result<Root, KeyringError> {
        let source = self.source.lock();
        let source = source.as_ref().ok_or(KeyringError::WrongRoot)?;
        let root = source.derive(&source.make_params(random))?;
        self.add(&root);
        Ok(root)
    }

    /// Knows one root key more.
    pub(crate) fn add(&self, root: &Root) {
        self.known.lock().push(root.share());
    }

    /// Forgets every other root key.
    pub(crate) fn keep_only(&self, root: &Root) {
        self.known.lock().retain(|known| Arc::ptr_eq(&known.key, &root.key));
    }

    /// Wipes the passphrase: from here on only parameters seen at start have a key.
    pub(crate) fn forget_source(&self) {
        drop(self.source.lock().take());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(text: &str) -> Vec<u8> {
        match RootSource::passphrase(&SecretBytes::new(text.into())).unwrap() {
            RootSource::Passphrase(pass) => pass.expose().to_vec(),
            RootSource::KeyFile(_) => Vec::new(),
        }
    }

    #[test]
    fn a_passphrase_is_brought_to_nfc_and_loses_one_final_line_end() {
        assert_eq!(normal("e\u{301}te\u{301}"), "été".as_bytes());
        assert_eq!(normal("été\n"), "été".as_bytes());
        assert_eq!(normal("été\r\n"), "été".as_bytes());
        assert_eq!(normal("été\n\n"), "été\n".as_bytes());
        assert_eq!(normal("été\r"), "été\r".as_bytes());
    }

    #[test]
    fn a_key_file_is_32_bytes_and_nothing_else() {
        let read = |n| RootSource::key_file(&SecretBytes::new(vec![1; n]));
        assert!(read(32).is_ok());
        assert!(matches!(read(31), Err(KeyringError::RootInput)));
        assert!(matches!(read(33), Err(KeyringError::RootInput)));
    }

    #[test]
    fn a_cost_beyond_the_bounds_is_refused_before_it_is_spent() {
        let keys =
            RootKeys::new(RootSource::passphrase(&SecretBytes::new(vec![b'a'; 16])).unwrap());
        let cost = |m_kib, t, p| RootParams {
            kind: KIND_PASSPHRASE,
            cost: Argon2Params { m_kib, t, p },
            salt: [1; 16],
        };
        assert!(keys.candidates(&cost(64, 1, 1)).is_ok());
        for refused in [cost(u32::MAX, 1, 1), cost(64, u32::MAX, 1), cost(64, 1, u32::MAX)] {
            assert!(matches!(keys.candidates(&refused), Err(KeyringError::RootCost)));
        }
    }

    #[test]
    fn a_forgotten_source_derives_no_further_key() {
        let keys = RootKeys::new(RootSource::KeyFile(Secret::from_bytes([1; 32])));
        let root = keys.make(&crate::random::SeededRandom::new(1)).unwrap();
        keys.forget_source();
        assert!(keys.candidates(&root.params).is_ok());
        let other = RootParams { salt: [9; 16], ..root.params };
        assert!(matches!(keys.candidates(&other), Err(KeyringError::WrongRoot)));
    }

    #[test]
    fn two_key_files_are_both_tried_until_one_of_them_is_kept_alone() {
        let source = |byte| RootSource::KeyFile(Secret::from_bytes([byte; 32]));
        let random = crate::random::SeededRandom::new(1);
        let keys = RootKeys::new(source(1));
        let old = keys.make(&random).unwrap();
        let new = source(2).derive(&source(2).make_params(&random)).unwrap();
        assert_eq!(keys.candidates(&old.params).unwrap().len(), 1);
        keys.add(&new);
        let both = keys.candidates(&old.params).unwrap();
        assert!(both[0].key.ct_eq(&new.key) && both[1].key.ct_eq(&old.key));
        keys.keep_only(&new);
        let left = keys.candidates(&old.params).unwrap();
        assert!(left.len() == 1 && left[0].key.ct_eq(&new.key));
    }
}
