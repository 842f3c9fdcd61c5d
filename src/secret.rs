//! `Secret`: the only wrapper for key bytes and passphrases.
//!
//! A secret is boxed (moving it leaves no copy on the stack), wiped on drop, compared in constant
//! time, and has no `Debug`, `Clone` or `Serialize`. Each `expose()` outside `crypto/` says why in
//! an `// EXPOSE:` comment, which `tests/tidy.rs` checks. Locking memory is `lock_memory`, once for
//! the whole process.

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use crate::random::Random;

/// `N` secret bytes.
///
/// ```compile_fail
/// let key = oubliette::secret::Secret::<32>::from_bytes([0; 32]);
/// println!("{key:?}"); // a secret has no Debug
/// ```
/// ```compile_fail
/// let key = oubliette::secret::Secret::<32>::from_bytes([0; 32]);
/// let copy = key.clone(); // and no Clone
/// ```
pub struct Secret<const N: usize>(Box<Zeroizing<[u8; N]>>);

impl<const N: usize> Secret<N> {
    /// Draws a new random secret.
    #[must_use]
    pub fn make(random: &dyn Random) -> Self {
        Self::filled(|bytes| random.fill(bytes.as_mut_slice()))
    }

    /// A secret filled in place by `fill`.
    #[must_use]
    pub fn filled(fill: impl FnOnce(&mut [u8; N])) -> Self {
        let mut bytes = Box::new(Zeroizing::new([0; N]));
        fill(&mut bytes);
        Self(bytes)
    }

    /// Wraps these bytes and wipes the caller's copy.
    #[must_use]
    pub fn from_bytes(mut bytes: [u8; N]) -> Self {
        let secret = Self::filled(|boxed| boxed.copy_from_slice(&bytes));
        bytes.zeroize();
        secret
    }

    /// Wraps a slice of exactly `N` bytes; `None` for any other length.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        (bytes.len() == N).then(|| Self::filled(|boxed| boxed.copy_from_slice(bytes)))
    }

    /// The bytes, outside their wrapper.
    #[must_use]
    pub fn expose(&self) -> &[u8; N] {
        self.0.as_ref()
    }

    /// Constant-time equality.
    #[must_use]
    pub fn ct_eq(&self, other: &Self) -> bool {
        bool::from(self.expose().as_slice().ct_eq(other.expose().as_slice()))
    }
}

/// Secret bytes of any length: plaintexts and passphrases.
pub struct SecretBytes(Zeroizing<Vec<u8>>);

impl SecretBytes {
    /// Takes the bytes over.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes, outside their wrapper.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

/// What `lock_memory` achieved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemoryLock {
    /// Every page of the process stays in memory.
    Locked,
    /// Locking was refused, and no swap is on: nothing can be paged out.
    UnlockedNoSwap,
    /// Locking was refused and swap is on: keys may reach a disk.
    UnlockedSwap,
}

/// Keeps the process's pages in memory and switches core dumps off.
///
/// Locking is tried only with an unlimited `RLIMIT_MEMLOCK` or as root: with a smaller limit a later
/// allocation would fail and end the process.
#[must_use]
pub fn lock_memory() -> MemoryLock {
    use rustix::{
        mm::{MlockAllFlags, mlockall},
        process::{
            DumpableBehavior, Resource, Rlimit, geteuid, getrlimit, set_dumpable_behavior,
            setrlimit,
        },
    };
    // Both are best effort on their own, and either is enough to keep keys out of a core file.
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    let unlimited = getrlimit(Resource::Memlock).current.is_none() || geteuid().is_root();
    let flags = MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT;
    if unlimited && mlockall(flags).is_ok() {
        return MemoryLock::Locked;
    }
    // The first line of /proc/swaps is a heading; any further line is an active swap.
    match std::fs::read_to_string("/proc/swaps") {
        Ok(text) if text.lines().count() <= 1 => MemoryLock::UnlockedNoSwap,
        _ => MemoryLock::UnlockedSwap,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_secrets_compare_equal_and_different_ones_do_not() {
        let a = Secret::<4>::from_bytes([1, 2, 3, 4]);
        assert!(a.ct_eq(&Secret::from_bytes([1, 2, 3, 4])));
        assert!(!a.ct_eq(&Secret::from_bytes([1, 2, 3, 5])));
    }

    #[test]
    fn a_slice_of_the_wrong_length_is_no_secret() {
        assert!(Secret::<4>::from_slice(&[0; 4]).is_some());
        assert!(Secret::<4>::from_slice(&[0; 5]).is_none());
    }
}
