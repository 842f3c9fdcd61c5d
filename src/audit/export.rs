//! The public log as files: tiles, entry bundles, checkpoint. No sealed detail of any event.
//!
//! Layout: the present origin at the top (`checkpoint`, `tile/...`), every closed older origin under
//! `closed/<k>/`. An origin that follows another one has a file `origin`: the bytes of its first
//! leaf's detail (see `clear`), which commits to what is left of the one before. Beside each bundle with
//! leaves of generations, `generations/...` of the same number has their details, which are stored in
//! clear and hold nothing personal: 77 bytes each, in the order of the leaves.
//! One file at a time is in memory; the checkpoint comes last, so that a copy that was cut off does
//! not look finished.

use std::sync::Arc;

use super::{
    clear::{GENERATION_DETAIL_BYTES, OriginDetail},
    error::AuditError,
    leaf::{self, KIND_GENERATION},
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
    Generations { folder: String, k: u32, size: u64, bundle: Tile },
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
            let below = folder.clone();
            let tiles = tiles::all(size).map(move |tile| {
                let folder = folder.clone();
                Job::Tile { folder, k, size, tile }
            });
            let bundles = tiles::all(size).filter(|tile| tile.level.is_none());
            let generations = bundles.map(move |bundle| {
                let folder = below.clone();
                Job::Generations { folder, k, size, bundle }
            });
            jobs = Box::new(jobs.chain(tiles).chain(generations));
        }
        let note = shared.sign(tail).into_bytes();
        let checkpoint = ExportFile { path: "checkpoint".to_owned(), bytes: note };
        Ok(Self { store, jobs: Box::new(jobs.chain([Job::File(checkpoint)])) })
    }

    /// The file of a job; `None` where the bundle has no leaf of a generation.
    fn run(&self, job: Job) -> Result<Option<ExportFile>, AuditError> {
        match job {
            Job::File(file) => Ok(Some(file)),
            Job::Generations { folder, k, size, bundle } => {
                let bytes = self.generations(k, size, bundle)?;
                let path = format!("{folder}{}", bundle.generations_path());
                Ok((!bytes.is_empty()).then_some(ExportFile { path, bytes }))
            }
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
                Ok(Some(ExportFile { path: format!("{folder}{}", tile.path()), bytes }))
            }
        }
    }

    /// The details of the generation leaves of a bundle, one after the other.
    fn generations(&self, k: u32, size: u64, bundle: Tile) -> Result<Vec<u8>, AuditError> {
        let stored = StoredTree { store: self.store.as_ref(), k, size };
        let first = bundle.number * TILE_WIDTH;
        let mut details = Vec::new();
        for (n, bytes) in (first..).zip(stored.leaves(first, bundle.width)?) {
            let leaf = leaf::parse(&bytes).map_err(|_| AuditError::Corrupt("a leaf"))?;
            if leaf.kind == KIND_GENERATION {
                let detail = self.store.get(&keys::event_slot(k, n))?;
                let detail = detail.filter(|detail| detail.len() == GENERATION_DETAIL_BYTES);
                details.extend(detail.ok_or(AuditError::Corrupt("a generation's detail"))?);
            }
        }
        Ok(details)
    }
}

impl Iterator for Export {
    type Item = Result<ExportFile, AuditError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let job = self.jobs.next()?;
            if let Some(file) = self.run(job).transpose() {
                return Some(file);
            }
        }
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
