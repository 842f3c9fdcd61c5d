//! The log inside a copy of the data folder's rows: what a backup says of it, and whether it is whole.
//!
//! [`LogInCopy`] takes every row in key order and keeps what it needs of them: an origin's root, the
//! hashes of its tiles, the details of first leaves. It needs no store and no key, reads no detail that
//! is sealed, and trusts nothing that it can compute. A log that is whole here may still be older than
//! the vault's: that is what the places say at the start.

mod check;
#[cfg(test)]
mod tests;

use prost::Message as _;

pub use check::{LogFault, LogInCopy};

use super::{clear::OriginDetail, error::AuditError, log::AuditLog, merkle::Hash, shared::Tail};
use crate::{
    storage::{Snapshot, keys},
    wire::store::GenerationRow,
};

/// What a copy says of its log: each origin's end and the newest generation that has a leaf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopiedLog {
    /// Number of the origin.
    pub k: u32,
    /// Leaves of its tree.
    pub size: u64,
    /// Root of its tree.
    pub root: Hash,
    /// The newest generation leaf's.
    pub generation: u64,
    /// Older origins, newest first, each with what it lost.
    pub closed: Vec<OriginDetail>,
}

impl AuditLog {
    /// The end of the log in a snapshot of its own store, and a checkpoint signed over it.
    ///
    /// Errors: [`AuditError::Read`]; [`AuditError::Corrupt`] for rows that do not parse.
    pub fn at(&self, then: &dyn Snapshot) -> Result<(CopiedLog, String), AuditError> {
        let corrupt = |what| move || AuditError::Corrupt(what);
        let tail = then.get(keys::LOG_TAIL)?.and_then(|row| Tail::parse(&row));
        let tail = tail.ok_or_else(corrupt("row m/log"))?;
        let row = then.get(keys::GENERATION)?.ok_or_else(corrupt("row m/generation"))?;
        let row = GenerationRow::decode(row.as_slice()).ok();
        let generation = row.ok_or_else(corrupt("row m/generation"))?.generation;
        // A snapshot shows durable rows only, so this signs a tree that the present one continues.
        let note = self.shared().sign(tail);
        let Tail { k, size, root } = tail;
        Ok((CopiedLog { k, size, root, generation, closed: Vec::new() }, note))
    }
}
