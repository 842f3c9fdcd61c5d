//! What decoding a stored body gives, and its one error for malformed ids.

use crate::{ids::IdError, keyring::KeyringError};

pub(super) type Decoded<T> = Result<T, KeyringError>;

/// An id or name that was read.
pub(super) fn id<T>(read: Result<T, IdError>) -> Decoded<T> {
    read.map_err(|_| KeyringError::Body("an id or name is malformed"))
}
