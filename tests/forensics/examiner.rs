//! The examiner: who holds the root key, the places as they are, and every keyring file there ever was.
//!
//! He derives what these give and nothing else, and reads rows that `rows.rs` took from copies of the
//! data folder.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use crate::{
    formats::{self, Address, Fields, Id, Key, Node},
    rows::{Pool, RecordRow},
};

/// Versions that are tried where no head says which one it is.
const VERSIONS: std::ops::RangeInclusive<u32> = 1..=6;

/// What one keyring file says, opened.
pub(crate) struct Keyring {
    pub(crate) generation: u64,
    pub(crate) body: Vec<u8>,
    segments: BTreeMap<Id, Vec<Node>>,
    /// Its cohorts.
    pub(crate) cohorts: BTreeMap<Id, Cohort>,
}

/// A cohort of a keyring.
pub(crate) struct Cohort {
    pub(crate) collection: String,
    pub(crate) index_keys: Vec<Key>,
}

/// The examiner.
pub(crate) struct Examiner {
    pub(crate) vault: Id,
    /// Generation keys that the anchors at hand give.
    pub(crate) generation_keys: BTreeMap<u64, Key>,
    /// The keyrings that these open.
    pub(crate) keyrings: Vec<Keyring>,
    /// Generations of which he holds a file that none of his keys opens.
    pub(crate) closed: BTreeSet<u64>,
    /// Slots of anchors that hold anything whole.
    pub(crate) anchor_slots: usize,
}

/// A record as he read it.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) collection: String,
    pub(crate) version: u32,
    /// Texts of all fields, by class and name.
    pub(crate) texts: BTreeMap<(String, String), String>,
    pub(crate) sections: usize,
    /// The slots under which its head and its sections are.
    pub(crate) slots: BTreeSet<(Id, u32)>,
}

impl Examiner {
    /// From a root key, these places, and these further keyring files. Each generation key is tried on the
    /// files that say they are of its generation; `thorough` tries every key on every file.
    pub(crate) fn with(root: &Key, places: &[PathBuf], attic: &Path, thorough: bool) -> Self {
        let mut files: BTreeSet<Vec<u8>> = BTreeSet::new();
        let (mut generation_keys, mut anchor_slots) = (BTreeMap::new(), 0);
        for place in places {
            for slot in formats::anchor_slots(&fs::read(place.join("anchor")).unwrap(), root) {
                anchor_slots += 1;
                let key = slot.key.expect("the root key opens every whole slot");
                generation_keys.insert(slot.generation, key);
            }
        }
        for folder in places.iter().map(PathBuf::as_path).chain([attic]) {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.file_name().unwrap().to_str().unwrap().contains("keyring.") {
                    files.insert(fs::read(path).unwrap());
                }
            }
        }
        let (mut keyrings, mut closed, mut vault) = (Vec::new(), BTreeSet::new(), None);
        for file in &files {
            // A file cut by a kill while it was written has no header, or does not open.
            let Some((generation, of)) = formats::keyring_header(file) else { continue };
            assert_eq!(*vault.get_or_insert(of), of, "one vault");
            let mut keys = generation_keys.iter().filter(|(g, _)| thorough || **g == generation);
            let opened = keys.find_map(|(_, key)| formats::open_keyring(file, key));
            match opened {
                Some(body) => keyrings.push(Keyring::read(generation, body)),
                None => drop(closed.insert(generation)),
            }
        }
        keyrings.sort_by_key(|k| k.generation);
        let vault = vault.expect("a keyring file");
        Self { vault, generation_keys, keyrings, closed, anchor_slots }
    }

    /// The newest keyring that opens.
    pub(crate) fn newest(&self) -> &Keyring {
        self.keyrings.last().expect("the present places open the present keyring")
    }

    /// Every secret of a slot that any keyring gives.
    pub(crate) fn slots(&self, seg: &Id, index: u32) -> BTreeSet<Key> {
        let in_one = |k: &Keyring| formats::slot_secret(k.segments.get(seg)?, seg, index);
        self.keyrings.iter().filter_map(in_one).collect()
    }

    /// Index keys of a collection that any keyring gives.
    pub(crate) fn index_keys<'a>(&'a self, collection: &'a str) -> impl Iterator<Item = Key> + 'a {
        let all = self.keyrings.iter().flat_map(|k| k.cohorts.values());
        let of = all.filter(move |c| c.collection == collection);
        of.flat_map(|c| c.index_keys.iter().copied())
    }

    /// The nodes above a slot in the newest keyring, each of which gives it.
    pub(crate) fn way(&self, seg: &Id, index: u32) -> Vec<Key> {
        formats::way(&self.newest().segments[seg], index)
    }

    /// Collections any keyring names; for sections whose cohort is gone.
    pub(crate) fn collections(&self) -> BTreeSet<&str> {
        let all = self.keyrings.iter().flat_map(|k| k.cohorts.values());
        all.map(|c| c.collection.as_str()).collect()
    }

    /// Opens a section of a record with a slot, at any version and collection it could have.
    pub(crate) fn try_section(
        &self,
        slot: &Key,
        (seg, index): (&Id, u32),
        (record, class): (&Id, &str),
        section: &[u8],
    ) -> Option<(String, u32, Vec<u8>)> {
        self.collections().into_iter().find_map(|collection| {
            VERSIONS.clone().find_map(|version| {
                let vault = &self.vault;
                let at = Address { vault, seg, index, collection, record, class, version };
                let opened = formats::open_section(slot, &at, section)?;
                Some((collection.to_owned(), version, opened))
            })
        })
    }

    /// Opens a record row and every section that its head lists, from these rows; `None` if no slot is
    /// reached. Panics if a slot is reached and something does not open: then the formats are not as
    /// the design says.
    pub(crate) fn open(&self, pool: &Pool, record: &Id, row: &RecordRow) -> Option<Opened> {
        let cohort = &self.newest().cohorts.get(&row.cohort)?;
        let slot = self.slots(&row.seg, row.index).into_iter().next()?;
        let (vault, collection) = (&self.vault, cohort.collection.as_str());
        let (seg, index, version) = (&row.seg, row.index, row.version);
        let head = Address { vault, seg, index, collection, record, class: "_head", version };
        let head = formats::open_section(&slot, &head, &row.head).expect("the head opens");
        let (mut texts, mut sections) = (BTreeMap::new(), 1);
        let mut slots = BTreeSet::from([(row.seg, row.index)]);
        for listed in Fields::of(&head).all(8).map(Fields::of) {
            let (class, seg, index) = (listed.text(1), listed.id(4), listed.index(5));
            let slot = self.slots(&seg, index).into_iter().next().expect("its section's slot");
            slots.insert((seg, index));
            let (seg, version) = (&seg, listed.index(2));
            let address = Address { vault, seg, index, collection, record, class, version };
            let stored = pool.sections.get(&(*record, class.to_owned()));
            let body = stored
                .into_iter()
                .flatten()
                .find_map(|section| formats::open_section(&slot, &address, section));
            sections += 1;
            read_texts(&body.expect("the section of a live head opens"), class, &mut texts);
        }
        let (collection, version) = (collection.to_owned(), row.version);
        Some(Opened { collection, version, texts, sections, slots })
    }
}

/// The texts of a section's body.
pub(crate) fn read_texts(body: &[u8], class: &str, texts: &mut BTreeMap<(String, String), String>) {
    for field in Fields::of(body).all(1).map(Fields::of) {
        let value = Fields::of(field.bytes(2));
        let text = value.all(1).chain(value.all(3)).next();
        if let Some(text) = text {
            let text = String::from_utf8(text.to_vec()).unwrap();
            texts.insert((class.to_owned(), field.text(1).to_owned()), text);
        }
    }
}

impl Keyring {
    fn read(generation: u64, body: Vec<u8>) -> Self {
        let fields = Fields::of(&body);
        let segments = fields.all(3).map(Fields::of);
        let segments = segments.map(|s| (s.id(1), formats::cover(s.bytes(3)))).collect();
        let cohorts = fields.all(2).map(Fields::of).map(|c| {
            let keys = c.all(6).map(|k| Fields::of(k).bytes(2).try_into().unwrap()).collect();
            let cohort = Cohort { collection: c.text(2).to_owned(), index_keys: keys };
            (c.id(1), cohort)
        });
        let cohorts = cohorts.collect();
        Self { generation, segments, cohorts, body }
    }

    /// Keys that stand in the body as they are: nodes, index keys, seeds.
    pub(crate) fn keys(&self) -> Vec<(Key, &'static str)> {
        let fields = Fields::of(&self.body);
        let mut keys = Vec::new();
        for segment in fields.all(3).map(Fields::of) {
            for node in segment.bytes(3).chunks(37) {
                keys.push((node[5..].try_into().unwrap(), "node of a tree"));
            }
        }
        for cohort in self.cohorts.values() {
            keys.extend(cohort.index_keys.iter().map(|k| (*k, "index key")));
        }
        for (what, number) in [("directory key", 7), ("log seed", 8), ("certificate seed", 9)] {
            keys.push((fields.bytes(number).try_into().unwrap(), what));
        }
        keys
    }
}
