//! Root rotation: another root key for the same vault, as a generation of its own.
//!
//! Never a re-wrap: the generation key, the Argon2 salt and the slot salts are fresh, and the slots
//! under the old root key are scrubbed at every place. It does not protect against who holds the old
//! root key, an old anchor's image and that keyring; only re-sealing does. The order is that of every
//! generation (`write`); here is only what comes before it, which is slow and needs no turn.

use super::{Keyring, KeyringError, NewRoot, RootSource};
use crate::random::Random;

impl Keyring {
    /// Derives the root key of another secret, under a fresh salt. Blocks for as long as Argon2id
    /// takes, twice.
    ///
    /// Errors: [`KeyringError::RootUnchanged`] for the secret in force, which would protect nothing.
    pub fn derive_root(
        &self,
        source: &RootSource,
        random: &dyn Random,
    ) -> Result<NewRoot, KeyringError> {
        let current = self.places.root.lock().share();
        // Another kind of secret derives nothing under these parameters, and is another one.
        let same = source.derive(&current.params).is_ok_and(|root| root.key.ct_eq(&current.key));
        if same {
            return Err(KeyringError::RootUnchanged);
        }
        Ok(NewRoot(source.derive(&source.make_params(random))?))
    }
}
