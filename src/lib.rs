//! Oubliette: a vault for personal and medical data.
//!
//! An agent sees only what the task in hand needs; every access is on disk in a tamper-evident log
//! before the answer leaves; data that is due is forgotten for good. `ARCHITECTURE.md` is the plan
//! of the house. The modules stand in the order of their dependencies: each may use those below it
//! and none above (`tests/tidy.rs` holds it so).

pub mod audit;
pub mod cli;
pub mod client;
pub mod crypto;
pub mod identity;
pub mod keyring;
pub mod policy;
pub mod retention;
pub mod server;
pub mod storage;
pub mod vault;
pub mod wire;

pub mod clock;
pub mod ids;
pub mod limits;
pub mod random;
pub mod secret;
