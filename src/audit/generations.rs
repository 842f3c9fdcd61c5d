//! The details of generation leaves in an exported folder, compared with their leaves and with each other.
//!
//! `generations/<N>` lies beside the bundle of the same number and has 77 bytes for each of its generation
//! leaves, in their order. An export of before there were such files is accepted and said to have none; one
//! that has some must have all. Invariants: a detail is given out only if its leaf's digest is its SHA-256;
//! generations rise from leaf to leaf, and one that follows directly names the hash of the one before.

use std::path::Path;

use sha2::{Digest, Sha256};

use super::{
    clear::{GENERATION_DETAIL_BYTES, GenerationDetail},
    exported::{VerifyError, read},
    leaf::Leaf,
    merkle::Hash,
    tiles::Tile,
};

/// The generation leaves of one origin while its bundles are read in order.
pub(super) struct Generations<'a> {
    folder: &'a Path,
    place: &'a str,
    /// The folder has details for this origin.
    told: bool,
    path: String,
    /// Details of the present bundle that no leaf has taken yet; `None` before it was read.
    rest: Option<Vec<u8>>,
    /// Files that were read.
    pub(super) files: Vec<String>,
    /// Generation leaves, and those of them whose detail is there.
    pub(super) counted: (u64, u64),
    pub(super) first: Option<GenerationDetail>,
    pub(super) last: Option<GenerationDetail>,
}

impl<'a> Generations<'a> {
    /// Those of the origin below `folder/place`.
    pub(super) fn below(folder: &'a Path, place: &'a str) -> Self {
        let told = folder.join(place).join("generations").is_dir();
        let (files, counted) = (Vec::new(), (0, 0));
        let path = String::new();
        Self { folder, place, told, path, rest: None, files, counted, first: None, last: None }
    }

    /// The next leaves are of this bundle.
    pub(super) fn begin(&mut self, bundle: &Tile) {
        self.path = format!("{}{}", self.place, bundle.generations_path());
        self.rest = None;
    }

    /// The detail of a generation leaf; `None` where the folder has none of this origin.
    pub(super) fn next(&mut self, leaf: &Leaf) -> Result<Option<GenerationDetail>, VerifyError> {
        self.counted.0 = self.counted.0.saturating_add(1);
        if !self.told {
            return Ok(None);
        }
        let mut rest = match self.rest.take() {
            Some(rest) => rest,
            None => {
                self.files.push(self.path.clone());
                read(self.folder, &self.path)?
            }
        };
        let other = || VerifyError::Generations { path: self.path.clone(), leaf: leaf.number };
        let after = rest.split_off(rest.len().min(GENERATION_DETAIL_BYTES));
        if <Hash>::from(Sha256::digest(&rest)) != leaf.digest {
            return Err(other());
        }
        let detail = GenerationDetail::parse(&rest).ok_or_else(other)?;
        if let Some(last) = &self.last {
            follows(last, &detail)?;
        }
        self.counted.1 = self.counted.1.saturating_add(1);
        self.rest = Some(after);
        self.first.get_or_insert(detail);
        self.last = Some(detail);
        Ok(Some(detail))
    }

    /// The bundle ends here: no detail may be left over.
    pub(super) fn end(&self) -> Result<(), VerifyError> {
        match &self.rest {
            Some(rest) if !rest.is_empty() => Err(VerifyError::Extra(self.path.clone())),
            _ => Ok(()),
        }
    }
}

/// Whether `next` may come after `last` in a log.
pub(super) fn follows(last: &GenerationDetail, next: &GenerationDetail) -> Result<(), VerifyError> {
    let broken = |why| VerifyError::Chain { generation: next.generation, why };
    if next.generation <= last.generation {
        return Err(broken("it comes after a generation that is not lower"));
    }
    let direct = next.generation - last.generation == 1;
    if direct && next.previous_hash != last.keyring_hash {
        return Err(broken("it names another keyring before it than the log does"));
    }
    Ok(())
}
