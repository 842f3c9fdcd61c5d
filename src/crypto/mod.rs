//! Cryptography: the composed primitives that the rest of the vault uses, and nothing raw.
//!
//! What is here is fixed by `tests/vectors/format-v1.json`, made by an independent implementation.
//! AES-256-GCM itself is private (`aead`): outside this folder a ciphertext is a *section* (bound to
//! its address, key-committing) or a *once* box (a key that seals exactly one message). Nothing here
//! touches a file, a clock or a policy. Invariants: every AES key seals one ciphertext in its life;
//! comparisons with secrets are constant time; secrets are wiped on drop.

mod aead;
pub mod blind_index;
pub(crate) mod ggm;
pub mod kdf;
pub(crate) mod lease;
pub(crate) mod once;
pub(crate) mod row_mac;
pub mod section;
pub mod signing;
pub(crate) mod stack;

#[cfg(test)]
pub(crate) mod tests;
