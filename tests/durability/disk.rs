//! What a disk may hold after a power cut: a model of a file system, fed with a trace.
//!
//! * Content is durable once a sync of the file that began after the write has ended, or a write with
//!   O_DSYNC has. Of what is not, each sector of 512 bytes is as some moment since the last sync left it,
//!   and the length is that of some such moment.
//! * A name is durable once a sync of its folder has ended. Of the changes of names that are not, some
//!   are there; one is only there if those before it that touch the same names are. A rename is whole.
//!
//! So a file may be gone whose content was synced, a renamed file may be empty, writes may be reordered;
//! but no sector is torn, and nothing appears that was never written.

use std::{
    collections::{BTreeMap, HashMap},
    ffi::OsString,
    fs,
    io::Write as _,
    os::unix::fs::{FileExt as _, MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use crate::{
    chance::Chance,
    trace::{Event, Trace},
};

const SECTOR: usize = 512;
/// Zeros are not written where so many stand together: the files are sparse.
const BLOCK: usize = 64 * 1024;

/// What a sync is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Database,
    /// The keyring's files and the folder they are in.
    Keyring,
    Anchor,
    Other,
}

impl Part {
    fn of(path: &Path) -> Self {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let name = name.unwrap_or_default();
        if path.components().any(|c| c.as_os_str() == "data") {
            Self::Database
        } else if name.starts_with("keyring.") || name.starts_with("place-") {
            Self::Keyring
        } else if name == "anchor" {
            Self::Anchor
        } else {
            Self::Other
        }
    }
}

/// What of the unsynced a cut leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loss {
    /// Everything is dropped.
    Everything,
    /// The first so many are kept, and the next one torn.
    Torn,
    /// Any of it, in any order.
    Reordered,
    /// Nothing is lost: a kill.
    Nothing,
}

impl Loss {
    pub(crate) const ALL: [Self; 4] =
        [Self::Everything, Self::Torn, Self::Reordered, Self::Nothing];
}

enum Change {
    Bytes { offset: usize, bytes: std::ops::Range<usize> },
    Length(usize),
}

#[derive(Clone)]
enum Naming {
    Set(OsString, usize),
    Remove(OsString),
    Move(OsString, OsString),
}

enum Content {
    File {
        durable: Vec<u8>,
        pending: Vec<(u64, Change)>,
    },
    Folder {
        durable: BTreeMap<OsString, usize>,
        now: BTreeMap<OsString, usize>,
        pending: Vec<(u64, Naming)>,
    },
}

struct Node {
    part: Part,
    content: Content,
}

/// The folders, while a trace is replayed.
pub(crate) struct Disk<'t> {
    trace: &'t Trace,
    roots: BTreeMap<PathBuf, usize>,
    nodes: Vec<Node>,
    inos: HashMap<u64, usize>,
    syncs: HashMap<u64, (usize, u64)>,
    /// Whose syncs are treated as if they had never been called.
    without: Option<Part>,
    /// Number of the present event.
    at: u64,
}

/// What the folders were before the recording: all of it is durable.
pub(crate) struct Base {
    roots: Vec<PathBuf>,
    /// Path, inode and content; `None` for a folder.
    found: Vec<(PathBuf, u64, Option<Vec<u8>>)>,
}

impl Base {
    pub(crate) fn of(roots: &[PathBuf]) -> Self {
        let mut found = Vec::new();
        for root in roots {
            walk(root, &mut found);
        }
        Self { roots: roots.to_vec(), found }
    }
}

fn walk(path: &Path, found: &mut Vec<(PathBuf, u64, Option<Vec<u8>>)>) {
    let meta = fs::symlink_metadata(path).unwrap();
    if !meta.is_dir() {
        found.push((path.to_owned(), meta.ino(), Some(fs::read(path).unwrap())));
        return;
    }
    found.push((path.to_owned(), meta.ino(), None));
    for entry in fs::read_dir(path).unwrap() {
        walk(&entry.unwrap().path(), found);
    }
}

impl<'t> Disk<'t> {
    pub(crate) fn new(base: &Base, trace: &'t Trace, without: Option<Part>) -> Self {
        let mut disk = Self {
            trace,
            roots: BTreeMap::new(),
            nodes: Vec::new(),
            inos: HashMap::new(),
            syncs: HashMap::new(),
            without,
            at: 0,
        };
        for (path, ino, content) in &base.found {
            let id = disk.add(path, *ino, content.clone());
            if base.roots.contains(path) {
                disk.roots.insert(path.clone(), id);
                continue;
            }
            let (folder, name) = disk.place(path);
            let Content::Folder { durable, now, .. } = &mut disk.nodes[folder].content else {
                panic!("a file in a file")
            };
            durable.insert(name.clone(), id);
            now.insert(name, id);
        }
        disk
    }

    /// Replays the next event.
    pub(crate) fn step(&mut self, event: &Event) {
        self.at += 1;
        let at = self.at;
        match event {
            Event::Created { ino, path } => {
                let id = self.add(path, *ino, Some(Vec::new()));
                self.name(path, |name| Naming::Set(name, id));
            }
            Event::Folder { ino, path } => {
                let id = self.add(path, *ino, None);
                self.name(path, |name| Naming::Set(name, id));
            }
            Event::Written { ino, offset, bytes } => {
                let change = Change::Bytes { offset: *offset, bytes: bytes.clone() };
                self.pending(*ino).push((at, change));
            }
            Event::Length { ino, length } => {
                self.pending(*ino).push((at, Change::Length(*length)));
            }
            Event::Durable { ino } => {
                let id = self.inos[ino];
                if self.without != Some(self.nodes[id].part) {
                    // Every write to such a file is one: there is none before it that is not durable.
                    self.settle(id, at);
                }
            }
            Event::SyncBegins { number, ino } => {
                let id = self.inos[ino];
                if self.without != Some(self.nodes[id].part) {
                    self.syncs.insert(*number, (id, at));
                }
            }
            Event::SyncEnds { number, ok } => {
                if let (Some((id, began)), true) = (self.syncs.remove(number), *ok) {
                    self.settle(id, began);
                }
            }
            Event::Renamed { from, to } => {
                let (folder, name) = self.place(from);
                assert_eq!(folder, self.place(to).0, "a rename from folder to folder");
                self.name(to, |to| Naming::Move(name, to));
            }
            Event::Unlinked { path } | Event::FolderRemoved { path } => {
                self.name(path, Naming::Remove);
            }
            // Syncs that were under way will never end; their numbers begin anew.
            Event::Killed => self.syncs.clear(),
        }
    }

    fn add(&mut self, path: &Path, ino: u64, content: Option<Vec<u8>>) -> usize {
        let content = match content {
            Some(durable) => Content::File { durable, pending: Vec::new() },
            None => Content::Folder {
                durable: BTreeMap::new(),
                now: BTreeMap::new(),
                pending: Vec::new(),
            },
        };
        self.nodes.push(Node { part: Part::of(path), content });
        let id = self.nodes.len() - 1;
        self.inos.insert(ino, id);
        id
    }

    /// The folder of a path, and its name there.
    fn place(&self, path: &Path) -> (usize, OsString) {
        let (root, mut id) = self.roots.iter().find(|(r, _)| path.starts_with(r)).unwrap();
        let inside: Vec<_> = path.strip_prefix(root).unwrap().iter().collect();
        let (last, folders) = inside.split_last().unwrap();
        for name in folders {
            let Content::Folder { now, .. } = &self.nodes[*id].content else {
                panic!("{}: a file in a file", path.display())
            };
            id = &now[*name];
        }
        (*id, (*last).to_owned())
    }

    fn name(&mut self, path: &Path, naming: impl FnOnce(OsString) -> Naming) {
        let (folder, name) = self.place(path);
        let naming = naming(name);
        let Content::Folder { now, pending, .. } = &mut self.nodes[folder].content else {
            panic!("{}: a file in a file", path.display())
        };
        apply(now, &naming);
        pending.push((self.at, naming));
    }

    fn pending(&mut self, ino: u64) -> &mut Vec<(u64, Change)> {
        let id = self.inos[&ino];
        match &mut self.nodes[id].content {
            Content::File { pending, .. } => pending,
            Content::Folder { .. } => panic!("a write into a folder"),
        }
    }

    /// What was done to this node before the event `before` is durable.
    fn settle(&mut self, id: usize, before: u64) {
        match &mut self.nodes[id].content {
            Content::File { durable, pending } => {
                let count = pending.partition_point(|(at, _)| *at < before);
                for (_, change) in pending.drain(..count) {
                    whole(durable, &change, &self.trace.bytes);
                }
            }
            Content::Folder { durable, pending, .. } => {
                let count = pending.partition_point(|(at, _)| *at < before);
                for (_, naming) in pending.drain(..count) {
                    apply(durable, &naming);
                }
            }
        }
    }

    /// Builds what the disk holds if the power goes now, with the names of the roots below `to`.
    pub(crate) fn cut(&self, loss: Loss, chance: &mut Chance, to: &Path) {
        for (path, id) in &self.roots {
            self.build(*id, loss, chance, &to.join(path.file_name().unwrap()));
        }
    }

    /// The first path at which these folders differ from what was replayed, nothing lost.
    pub(crate) fn differs_from(&self, roots: &[PathBuf]) -> Option<PathBuf> {
        let to = crate::home::scratch_folder();
        self.cut(Loss::Nothing, &mut Chance::new(0), &to);
        let (mut live, mut built) = (BTreeMap::new(), BTreeMap::new());
        for root in roots {
            let top = root.parent().unwrap();
            let files = Base::of(std::slice::from_ref(root)).found;
            live.extend(files.into_iter().map(|(path, _, c)| (relative(&path, top), c)));
            let files = Base::of(&[to.join(root.file_name().unwrap())]).found;
            built.extend(files.into_iter().map(|(path, _, c)| (relative(&path, &to), c)));
        }
        fs::remove_dir_all(&to).unwrap();
        let paths: std::collections::BTreeSet<_> = live.keys().chain(built.keys()).collect();
        paths.into_iter().find(|path| live.get(*path) != built.get(*path)).cloned()
    }

    fn build(&self, id: usize, loss: Loss, chance: &mut Chance, to: &Path) {
        match &self.nodes[id].content {
            Content::File { durable, pending } => {
                let content = self.left(durable, pending, loss, chance);
                write_sparse(to, &content);
            }
            Content::Folder { durable, now, pending } => {
                fs::create_dir(to).unwrap();
                fs::set_permissions(to, fs::Permissions::from_mode(0o700)).unwrap();
                let names = match loss {
                    Loss::Everything => durable.clone(),
                    Loss::Nothing => now.clone(),
                    Loss::Torn => {
                        let count = chance.below(pending.len() + 1);
                        let mut names = durable.clone();
                        pending[..count].iter().for_each(|(_, naming)| apply(&mut names, naming));
                        names
                    }
                    Loss::Reordered => some_names(durable, pending, chance),
                };
                for (name, id) in names {
                    self.build(id, loss, chance, &to.join(name));
                }
            }
        }
    }

    fn left(
        &self,
        durable: &[u8],
        pending: &[(u64, Change)],
        loss: Loss,
        chance: &mut Chance,
    ) -> Vec<u8> {
        let mut content = durable.to_vec();
        let count = match loss {
            _ if pending.is_empty() => return content,
            Loss::Everything => return content,
            Loss::Nothing => pending.len(),
            Loss::Torn => chance.below(pending.len() + 1),
            Loss::Reordered => return self.reordered(content, pending, chance),
        };
        for (_, change) in &pending[..count] {
            whole(&mut content, change, &self.trace.bytes);
        }
        if loss == Loss::Torn
            && let Some((_, Change::Bytes { offset, bytes })) = pending.get(count)
        {
            // Of the next one some first sectors, or some last ones.
            let sector = (offset + chance.below(bytes.len() + 1)) / SECTOR * SECTOR;
            let (from, to) = (*offset, offset + bytes.len());
            let part = if chance.percent(50) { from..sector } else { sector..to };
            let part = part.start.max(from)..part.end.min(to);
            patch(&mut content, *offset, &self.trace.bytes[bytes.clone()], part);
        }
        content
    }

    /// Each sector as some moment left it, and a length of some moment.
    fn reordered(
        &self,
        mut content: Vec<u8>,
        pending: &[(u64, Change)],
        chance: &mut Chance,
    ) -> Vec<u8> {
        let (length_of, percent) = (chance.below(pending.len() + 1), [10, 50, 90][chance.below(3)]);
        // A sector that has missed one write has missed all later ones.
        let mut missed = std::collections::HashSet::new();
        for (number, (_, change)) in pending.iter().enumerate() {
            let in_length = number < length_of;
            match change {
                Change::Length(length) if in_length => content.resize(*length, 0),
                Change::Length(_) => {}
                Change::Bytes { offset, bytes } => {
                    let end = offset + bytes.len();
                    if in_length && content.len() < end {
                        content.resize(end, 0);
                    }
                    for sector in offset / SECTOR..end.div_ceil(SECTOR) {
                        if missed.contains(&sector) || !chance.percent(percent) {
                            missed.insert(sector);
                            continue;
                        }
                        let from = (sector * SECTOR).max(*offset);
                        let to = ((sector + 1) * SECTOR).min(end).min(content.len());
                        if from < to {
                            patch(
                                &mut content,
                                *offset,
                                &self.trace.bytes[bytes.clone()],
                                from..to,
                            );
                        }
                    }
                }
            }
        }
        content
    }
}

fn relative(path: &Path, top: &Path) -> PathBuf {
    path.strip_prefix(top).unwrap().to_owned()
}

fn apply(names: &mut BTreeMap<OsString, usize>, naming: &Naming) {
    match naming {
        Naming::Set(name, id) => drop(names.insert(name.clone(), *id)),
        Naming::Remove(name) => drop(names.remove(name)),
        Naming::Move(from, to) => {
            let id = names.remove(from).expect("what is renamed is there");
            names.insert(to.clone(), id);
        }
    }
}

/// Any of the changes of names, each only with those before it that touch its names.
fn some_names(
    durable: &BTreeMap<OsString, usize>,
    pending: &[(u64, Naming)],
    chance: &mut Chance,
) -> BTreeMap<OsString, usize> {
    let (mut names, mut missed) = (durable.clone(), Vec::new());
    for (_, naming) in pending {
        let touched = match naming {
            Naming::Set(name, _) | Naming::Remove(name) => vec![name],
            Naming::Move(from, to) => vec![from, to],
        };
        if touched.iter().any(|name| missed.contains(name)) || chance.percent(50) {
            missed.extend(touched);
        } else {
            apply(&mut names, naming);
        }
    }
    names
}

/// A change as a running system sees it.
fn whole(content: &mut Vec<u8>, change: &Change, trace: &[u8]) {
    match change {
        Change::Length(length) => content.resize(*length, 0),
        Change::Bytes { offset, bytes } => {
            patch(content, *offset, &trace[bytes.clone()], *offset..offset + bytes.len());
        }
    }
}

/// Writes the part of `bytes`, which begin at `offset`, that lies in `range`.
fn patch(content: &mut Vec<u8>, offset: usize, bytes: &[u8], range: std::ops::Range<usize>) {
    if range.is_empty() {
        return;
    }
    if content.len() < range.end {
        content.resize(range.end, 0);
    }
    let from = &bytes[range.start - offset..range.end - offset];
    content[range].copy_from_slice(from);
}

fn write_sparse(to: &Path, content: &[u8]) {
    let mut file = fs::File::create(to).unwrap();
    file.set_permissions(fs::Permissions::from_mode(0o600)).unwrap();
    if content.len() <= BLOCK {
        file.write_all(content).unwrap();
        return;
    }
    file.set_len(content.len() as u64).unwrap();
    for (number, block) in content.chunks(BLOCK).enumerate() {
        if block.iter().any(|byte| *byte != 0) {
            file.write_all_at(block, (number * BLOCK) as u64).unwrap();
        }
    }
}
