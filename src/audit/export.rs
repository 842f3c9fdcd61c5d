//! The public log as files: tiles, entry bundles, checkpoint. No detail of any event.
//!
//! Layout: the present origin at the top (`checkpoint`, `tile/...`), every closed older origin under
//! `closed/<k>/`. An origin that follows another one has a file `origin`: the bytes of its first
//! leaf's detail (see `clear`), which commits to what is left of the one before.
//! One file at a time is in memory; the checkpoint comes last, so that a copy that was cut off does
//! not look finished.

use std::sync::Arc;

use super::{
    clear::OriginDetail,
    error::AuditError,
    merkle,
    shared::{Shared, Tail},
    tiles::{self, TILE_WIDTH, Tile},
    tree::StoredTree,
};
use crate::storage::{Store, keys};

/// One file of the public log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportFile {
    /// Path below the log's folder, with `/`.
    pub path: String,
    /// Content.
    pub bytes: Vec<u8>,
}

/// The files, one after the other. Does not hold the log: later leaves do not change them.
pub struct Export {
    store: Arc<dyn Store>,
    jobs: Box<dyn Iterator<Item = Job> + Send>,
}

enum Job {
    Tile { folder: String, k: u32, size: u64, tile: Tile },
    File(ExportFile),
}

impl Export {
    /// The files of the log at this size, at most the durable one.
    pub(super) fn new(shared: &Shared, size: Option<u64>) -> Result<Self, AuditError> {
        let mut tail = *shared.tail.lock();
        let store = Arc::clone(&shared.store);
        if let Some(size) = size.filter(|size| *size != tail.size) {
            if size > tail.size {
                return Err(AuditError::Corrupt("the log is not that long"));
            }
            let stored = StoredTree { store: store.as_ref(), k: tail.k, size: tail.size };
            tail = Tail { k: tail.k, size, root: merkle::root(&stored, size)? };
        }
        let mut jobs: Box<dyn Iterator<Item = Job> + Send> = Box::new(std::iter::empty());
        let mut origins = vec![(String::new(), tail.k, tail.size)];
        while let Some((folder, k, size)) = origins.pop() {
            if let Some(bytes) = origin_detail(store.as_ref(), k, size)? {
                let closed = OriginDetail::parse(&bytes).ok_or(AuditError::Corrupt("an origin"))?;
                origins.push((format!("closed/{}/", closed.closed), closed.closed, closed.kept));
                let file = ExportFile { path: format!("{folder}origin"), bytes };
                jobs = Box::new(jobs.chain([Job::File(file)]));
            }
            let tiles = tiles::all(size).map(move |tile| {
                let folder = folder.clone();
                Job::Tile { folder, k, size, tile }
            });
            jobs = Box::new(jobs.chain(tiles));
        }
        let note = shared.sign(tail).into_bytes();
        let checkpoint = ExportFile { path: "checkpoint".to_owned(), bytes: note };
        Ok(Self { store, jobs: Box::new(jobs.chain([Job::File(checkpoint)])) })
    }

    fn run(&self, job: Job) -> Result<ExportFile, AuditError> {
        match job {
            Job::File(file) => Ok(file),
            Job::Tile { folder, k, size, tile } => {
                let stored = StoredTree { store: self.store.as_ref(), k, size };
                let bytes = match tile.level {
                    Some(level) => stored.tile(level, tile.number, tile.width)?,
                    None => {
                        let leaves = stored.leaves(tile.number * TILE_WIDTH, tile.width)?;
                        tiles::bundle(leaves.iter().map(Vec::as_slice))
                            .ok_or(AuditError::Corrupt("a leaf is too long"))?
                    }
                };
                Ok(ExportFile { path: format!("{folder}{}", tile.path()), bytes })
            }
        }
    }
}

impl Iterator for Export {
    type Item = Result<ExportFile, AuditError>;

    fn next(&mut self) -> Option<Self::Item> {
        let job = self.jobs.next()?;
        Some(self.run(job))
    }
}

/// The detail of an origin's first leaf, for an origin that follows another one.
fn origin_detail(store: &dyn Store, k: u32, size: u64) -> Result<Option<Vec<u8>>, AuditError> {
    if k == 0 || size == 0 {
        return Ok(None);
    }
    let row = store.get(&keys::event_slot(k, 0))?;
    row.map(Some).ok_or(AuditError::Corrupt("an origin's first detail"))
}
