//! Offline verification of an exported folder, against a verifier key that the caller brings.
//!
//! Nothing found in the folder is trusted: every leaf is parsed strictly, numbered, hashed; every tile
//! and the root are computed again and compared; the checkpoint's signature is checked with the given
//! key. Flips, drops, reorders and insertions show as such; a truncation or a fork shows against the
//! checkpoint, and against an older checkpoint that was kept elsewhere. Origins are followed back to the
//! first one, each link required; a file under a name of the log that none of them has is refused. Where
//! the folder has the details of generation leaves they are compared with their leaves and must be one chain.
//! It needs no store, no keyring and no clock; it writes nothing.

use std::{collections::BTreeSet, path::Path};

use sha2::{Digest, Sha256};

use super::{
    clear::{GenerationDetail, OriginDetail, origin_name},
    exported::read,
    foreign,
    generations::{Generations, follows},
    leaf::{self, KIND_GENERATION, KIND_ORIGIN, Leaf},
    merkle::Hash,
    note::{Checkpoint, NoteError, VerifierKey},
    tiles::{self, TILE_WIDTH, Tile},
    tree::{Grown, Tree},
};

pub use super::exported::VerifyError;

/// What was found to be true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The signed checkpoint that all of it adds up to.
    pub checkpoint: Checkpoint,
    /// Time of the first and of the last leaf; `None` for an empty log.
    pub times: Option<(String, String)>,
    /// Older origins, newest first, each with what it lost.
    pub closed: Vec<OriginDetail>,
    /// Leaves of generations, and those of them whose detail is in the folder and true.
    pub generations: (u64, u64),
}

/// A leaf as the folder is read: the newest origin first, each from its first leaf. What is concluded from
/// it holds only if the whole folder verifies.
#[derive(Debug)]
pub struct Seen<'a> {
    /// Number of its origin.
    pub k: u32,
    /// The leaf.
    pub leaf: &'a Leaf,
    /// Its detail, for a leaf of a generation whose detail is in the folder.
    pub generation: Option<GenerationDetail>,
}

/// Verifies the folder; `key` is the log's verifier key as `init` printed it, `older` a signed
/// checkpoint kept elsewhere.
pub fn verify_folder(
    folder: &Path,
    key: &str,
    older: Option<&str>,
) -> Result<Verified, VerifyError> {
    verify_folder_seeing(folder, key, older, &mut |_| {})
}

/// The same, showing every leaf on the way.
pub fn verify_folder_seeing(
    folder: &Path,
    key: &str,
    older: Option<&str>,
    see: &mut dyn FnMut(Seen<'_>),
) -> Result<Verified, VerifyError> {
    let note = |what| move |why| VerifyError::Note { what, why };
    let key = VerifierKey::parse(key).map_err(note("the key"))?;
    let text = read(folder, "checkpoint")?;
    let text = String::from_utf8(text).map_err(|_| note("the checkpoint")(NoteError::Form))?;
    let checkpoint = signed_by(&text, &key, "the checkpoint")?;
    let older = older.map(|text| signed_by(text, &key, "the older checkpoint")).transpose()?;
    let mut pending = older;
    let (mut closed, mut generations, mut newer) = (Vec::new(), (0, 0), None);
    let mut origin = checkpoint.origin.clone();
    let (mut place, mut size, mut root) = (String::new(), checkpoint.size, checkpoint.root);
    let mut times = None;
    let mut files = BTreeSet::new();
    loop {
        let reached = pending.take_if(|older| older.origin == origin);
        let tree = Origin { folder, place: &place, k: number(&origin), size };
        let tree = tree.verify(&root, reached.as_ref(), see)?;
        if place.is_empty() {
            times = tree.times;
        }
        generations.0 += tree.generations.counted.0;
        generations.1 += tree.generations.counted.1;
        if let (Some(last), Some(newer)) = (&tree.generations.last, &newer) {
            follows(last, newer)?;
        }
        newer = tree.generations.first.or(newer);
        files.extend(tree.generations.files);
        files.extend(tiles::all(size).map(|tile| format!("{place}{}", tile.path())));
        let Some((link, before)) = link(folder, &place, &origin, tree.first)? else { break };
        files.insert(format!("{place}origin"));
        place = format!("closed/{}/", link.closed);
        (size, root, origin) = (link.kept, link.root, before);
        closed.push(link);
    }
    let foreign = foreign::find(folder, &files);
    if let Some(path) = foreign.map_err(|(path, error)| VerifyError::Read(path, error))? {
        return Err(VerifyError::Extra(path));
    }
    match pending {
        Some(older) => Err(VerifyError::Forked(older.size)),
        None => Ok(Verified { checkpoint, times, closed, generations }),
    }
}

/// A checkpoint signed by the key of its log, under the name of any of its origins: the base of the name,
/// the origin's number, and what it signs.
pub fn signed_checkpoint(note: &str, key: &str) -> Result<(String, u32, Checkpoint), VerifyError> {
    let refused = |why| VerifyError::Note { what: "the key", why };
    let key = VerifierKey::parse(key).map_err(refused)?;
    let checkpoint = signed_by(note, &key, "the checkpoint")?;
    let (base, k) = numbered(&checkpoint.origin).unwrap_or((&checkpoint.origin, 0));
    Ok((base.to_owned(), k, checkpoint))
}

struct VerifiedTree<'a> {
    /// Digest of the first leaf, if that is of kind `origin`.
    first: Option<Hash>,
    times: Option<(String, String)>,
    generations: Generations<'a>,
}

/// One origin of the folder.
struct Origin<'a> {
    folder: &'a Path,
    /// Where it lies below the folder.
    place: &'a str,
    k: u32,
    size: u64,
}

impl<'a> Origin<'a> {
    /// Verifies its tree.
    fn verify(
        &self,
        root: &Hash,
        older: Option<&Checkpoint>,
        see: &mut dyn FnMut(Seen<'_>),
    ) -> Result<VerifiedTree<'a>, VerifyError> {
        let (folder, place, size) = (self.folder, self.place, self.size);
        let mut tree = Tree::empty(0);
        let generations = Generations::below(folder, place);
        let mut found = VerifiedTree { first: None, times: None, generations };
        check_older(&tree, older)?;
        for bundle in tiles::all(size).filter(|tile| tile.level.is_none()) {
            found.generations.begin(&bundle);
            let path = format!("{place}{}", bundle.path());
            let bytes = read(folder, &path)?;
            let leaves = tiles::unbundle(&bytes).filter(|l| l.len() as u64 == bundle.width);
            let expected = bundle.width;
            let leaves = leaves.ok_or(VerifyError::Bundle { path, expected })?;
            for (n, bytes) in (bundle.number * TILE_WIDTH..).zip(leaves) {
                let leaf = found.leaf(n, bytes)?;
                grow(folder, place, &mut tree, bytes)?;
                check_older(&tree, older)?;
                let generation = match leaf.kind == KIND_GENERATION {
                    true => found.generations.next(&leaf)?,
                    false => None,
                };
                see(Seen { k: self.k, leaf: &leaf, generation });
            }
            found.generations.end()?;
        }
        for (level, number, bytes) in tree.edges() {
            compare_tile(folder, place, level, number, bytes)?;
        }
        if let Some(older) = older.filter(|older| older.size > size) {
            return Err(VerifyError::Truncated { size, older: older.size });
        }
        if tree.root() == *root { Ok(found) } else { Err(VerifyError::Root) }
    }
}

impl VerifiedTree<'_> {
    /// Takes the leaf at this position.
    fn leaf(&mut self, n: u64, bytes: &[u8]) -> Result<Leaf, VerifyError> {
        let leaf = leaf::parse(bytes).map_err(|_| VerifyError::Leaf(n))?;
        if leaf.number != n {
            return Err(VerifyError::Order { expected: n, found: leaf.number });
        }
        match leaf.kind == KIND_ORIGIN {
            true if n == 0 => self.first = Some(leaf.digest),
            true => return Err(VerifyError::Origin("a link lies inside an origin")),
            false => {}
        }
        let first = self.times.take().map_or_else(|| leaf.time.clone(), |(first, _)| first);
        self.times = Some((first, leaf.time.clone()));
        Ok(leaf)
    }
}

/// Appends a leaf and compares every tile that it fills.
fn grow(folder: &Path, place: &str, tree: &mut Tree, leaf: &[u8]) -> Result<(), VerifyError> {
    let mut full = Vec::new();
    tree.grow(leaf, |level, number, tile| {
        if let Grown::Full(bytes) = tile {
            full.push((level, number, bytes));
        }
    });
    full.iter()
        .try_for_each(|(level, number, bytes)| compare_tile(folder, place, *level, *number, bytes))
}

fn compare_tile(
    folder: &Path,
    place: &str,
    level: u8,
    number: u64,
    bytes: &[u8],
) -> Result<(), VerifyError> {
    let tile = Tile { level: Some(level), number, width: bytes.len() as u64 / 32 };
    let path = format!("{place}{}", tile.path());
    if read(folder, &path)? == bytes { Ok(()) } else { Err(VerifyError::Tile(path)) }
}

fn check_older(tree: &Tree, older: Option<&Checkpoint>) -> Result<(), VerifyError> {
    match older {
        Some(older) if older.size == tree.size() && older.root != tree.root() => {
            Err(VerifyError::Forked(older.size))
        }
        _ => Ok(()),
    }
}

/// The detail of an origin's first leaf and the name of the origin before; `None` for the first one,
/// which has none. Every later one must have it: without it, all that came before could be left out.
fn link(
    folder: &Path,
    place: &str,
    origin: &str,
    first: Option<Hash>,
) -> Result<Option<(OriginDetail, String)>, VerifyError> {
    let number = numbered(origin);
    let Some(digest) = first else {
        let missing = VerifyError::Origin("a later origin does not begin with its link");
        return if number.is_some() { Err(missing) } else { Ok(None) };
    };
    let (base, k) = number.ok_or(VerifyError::Origin("the name has no number"))?;
    let bytes = read(folder, &format!("{place}origin"))?;
    if digest != <Hash>::from(Sha256::digest(&bytes)) {
        return Err(VerifyError::Origin("`origin` is not the detail of the first leaf"));
    }
    let detail = OriginDetail::parse(&bytes).ok_or(VerifyError::Origin("`origin` is malformed"))?;
    if detail.closed >= k {
        return Err(VerifyError::Origin("it names a later origin"));
    }
    let before = origin_name(base, detail.closed);
    Ok(Some((detail, before)))
}

/// Reads a note signed by this key, under the name of any origin of the key's log.
fn signed_by(text: &str, key: &VerifierKey, what: &'static str) -> Result<Checkpoint, VerifyError> {
    let note = |why| VerifyError::Note { what, why };
    let origin = Checkpoint::peek(text).map_err(note)?.origin;
    if !same_log(&origin, key.name()) {
        return Err(VerifyError::OtherLog);
    }
    let key = key.renamed(&origin).map_err(note)?;
    Checkpoint::verify(text, &key).map_err(note)
}

/// Origins of one log are `<name>` and `<name>/<k>`.
fn same_log(a: &str, b: &str) -> bool {
    let base = |name| numbered(name).map(|(base, _)| base);
    a == b || base(a) == Some(b) || base(b) == Some(a) || (base(a).is_some() && base(a) == base(b))
}

/// The base and the number of `<vault name>/<node>/<k>`; `None` for a first origin or another spelling.
fn numbered(origin: &str) -> Option<(&str, u32)> {
    let (base, k) = origin.rsplit_once('/')?;
    let k = k.parse().ok()?;
    (base.contains('/') && origin_name(base, k) == origin).then_some((base, k))
}

/// The number of an origin by its name.
fn number(origin: &str) -> u32 {
    numbered(origin).map_or(0, |(_, k)| k)
}
