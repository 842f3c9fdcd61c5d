//! What the examiner can still read: a list of which each line was found to be true on the files at hand.
//!
//! `tests/output/examiner-reads.txt` pins it, and SECURITY.md carries it: nothing may join it unnoticed.

use std::collections::BTreeSet;

use crate::{
    examiner::Examiner,
    formats::{self, Address, Fields, Id, Key, token},
    rows::{Pool, RecordRow},
    scene::{self, Scene, State},
    search::Needles,
};

/// Fields of a stored event, by number.
const EVENT_FIELDS: [(u64, &str); 20] = [
    (1, "agent"),
    (2, "role"),
    (3, "unit"),
    (4, "calling service"),
    (5, "purpose"),
    (6, "action"),
    (7, "collection"),
    (8, "record ids"),
    (9, "subject id"),
    (10, "fields asked"),
    (11, "fields given"),
    (12, "decision"),
    (13, "policies"),
    (14, "pack hash"),
    (15, "justification"),
    (16, "request id"),
    (17, "outcome"),
    (18, "notes"),
    (19, "subject ids"),
    (20, "slots"),
];

/// A list in the making.
#[derive(Default)]
pub(crate) struct List(BTreeSet<String>);

impl List {
    fn note(&mut self, found: bool, line: &str) {
        if found {
            self.0.insert(line.to_owned());
        }
    }

    /// The lines, sorted.
    pub(crate) fn text(&self) -> String {
        self.0.iter().map(|line| format!("{line}\n")).collect()
    }

    /// Of records that are gone, from rows `when`.
    pub(crate) fn gone(
        &mut self,
        when: &str,
        (scene, examiner): (&Scene, &Examiner),
        rows: &Pool,
        state: State,
    ) {
        let what = format!("{state:?} record, {when}").to_lowercase();
        let keyring = examiner.newest();
        let dropped: BTreeSet<Id> =
            Fields::of(&keyring.body).all(4).map(|t| Fields::of(t).id(2)).collect();
        let ids: BTreeSet<Id> = scene.those(state).into_iter().collect();
        let listed = || rows.records.iter().filter(|(id, _)| ids.contains(*id));
        let dated = listed()
            .flat_map(|(_, rows)| rows)
            .any(|row| keyring.cohorts.contains_key(&row.cohort) || dropped.contains(&row.cohort));
        self.note(dated, &format!("{what}: collection, expiry date and zone, by its cohort"));
        let found = listed().next().is_some();
        self.note(found, &format!("{what}: id, cohort, segment, index and version"));
        let sections = rows.sections.keys().any(|(of, _)| ids.contains(of));
        self.note(sections, &format!("{what}: names of its classes, sizes to the next 64 bytes"));
        let of_one = |key: &Vec<u8>| key.last_chunk().is_some_and(|id| ids.contains(id));
        let tokens = rows.index.iter().any(of_one);
        self.note(tokens, &format!("{what}: keyed tokens of its searchable values"));
        let written = ids.iter().flat_map(|id| [id.to_vec(), hex::encode(id).into_bytes()]);
        let needles = Needles::new(written.map(|id| (id, ())));
        for (key, values) in &rows.other {
            let named = values.iter().chain([key]).any(|bytes| !needles.find(bytes).is_empty());
            let row = match key[0] {
                b'q' => "request ids of the writes that made it or erased it",
                b'c' => "its cohort's list of members",
                b'k' => "a certificate that names it",
                b'p' => "a pending erasure that names it",
                b'l' | b't' | b'a' => "a public leaf that names it",
                b'd' | b'n' | b'm' | b'g' | b'u' => "a row of the vault's own that names it",
                _ => "an unknown row that names it",
            };
            self.note(named, &format!("{what}: {row}"));
        }
    }

    /// Of everything that these rows hold besides records.
    pub(crate) fn vault(&mut self, scene: &Scene, examiner: &Examiner, rows: &Pool) {
        self.events(scene, examiner, rows);
        let starting = |start: &[u8]| {
            let from = start.to_vec();
            rows.other.range(from.clone()..).take_while(move |(key, _)| key.starts_with(&from))
        };
        let leaf = |key: &str| {
            let found = |v: &BTreeSet<Vec<u8>>| v.iter().any(|leaf| contains(leaf, key.as_bytes()));
            starting(b"l").any(|(_, values)| found(values))
        };
        self.note(leaf("\"t\":") && leaf("\"k\":"), "log: number, time and kind of every event");
        self.note(starting(b"t").next().is_some() || leaf("\"d\":"), "log: its hashes");
        let certificate = |key: &str| {
            starting(b"k").any(|(_, v)| v.iter().any(|json| contains(json, key.as_bytes())))
        };
        let told = ["collection", "expires_on", "records", "started_at"];
        self.note(
            told.iter().all(|key| certificate(key)),
            "certificates: collections, dates and counts of what was forgotten, and when",
        );
        let agents =
            starting(b"g/agent/").any(|(_, v)| v.iter().any(|row| contains(row, b"(fictional)")));
        self.note(agents, "directory: agents with name, role, habilitation and hash of the secret");
        let segments =
            starting(b"d").any(|(_, v)| v.iter().any(|row| contains(row, b"2020-11-24")));
        self.note(segments, "segments, also of what was purged: collection, date, zone and cohort");
        let tombstones = Fields::of(&examiner.newest().body).all(4).count() > 0;
        self.note(
            tombstones,
            "keyring: collection, date, zone and cohort of segments that were dropped",
        );
    }

    /// Events that open and name a record that is gone.
    fn events(&mut self, scene: &Scene, examiner: &Examiner, rows: &Pool) {
        let forgotten = |id: &[u8]| {
            let id: Id = id.try_into().expect("an id");
            scene.truth.get(&id).is_some_and(|t| matches!(t.state, State::Erased | State::Purged))
        };
        for event in opened_events(examiner, rows) {
            let event = Fields::of(&event);
            if event.all(8).any(forgotten) {
                for (number, name) in EVENT_FIELDS {
                    let line = format!("event that names a forgotten record: {name}");
                    self.note(!event.bytes(number).is_empty(), &line);
                }
            }
        }
    }

    /// What records that live said before they were changed, and where they were before they moved.
    pub(crate) fn earlier_versions(&mut self, scene: &Scene, examiner: &Examiner) {
        for id in scene.those(State::Live) {
            let known = &scene.truth[&id];
            let former = |row: &&RecordRow| row.version < known.version;
            for row in scene.pool.records[&id].iter().filter(former) {
                let opened = examiner.open(&scene.pool, &id, row);
                let said = known.versions[&row.version];
                let read = opened.is_some_and(|opened| {
                    opened.texts.values().any(|t| *t == scene::street(known.number, said.street))
                });
                self.note(
                    read && !said.forgotten,
                    "live record, a copy from before: what it said before it was changed",
                );
                self.note(
                    read && said.forgotten,
                    "live record, a copy from before: what it said before that was forgotten",
                );
            }
        }
        self.forgotten_versions(scene);
        self.note(!scene.those(State::Live).is_empty(), "live record: everything");
    }

    /// What copies say of versions that were forgotten, of records that live.
    fn forgotten_versions(&mut self, scene: &Scene) {
        let what = "forgotten version of a live record, in a copy of the data folder from before";
        for (id, row) in scene.forgotten_rows() {
            self.note(true, &format!("{what}: id, cohort, segment, index and version"));
            let tokens = !row.index_rows.is_empty();
            self.note(tokens, &format!("{what}: keyed tokens of its searchable values"));
            self.note(
                scene.left.get(&id).is_some_and(|left| !left.is_empty()),
                &format!("{what}: names of its classes, sizes to the next 64 bytes"),
            );
        }
    }
}

/// Details of events that a slot of an opened keyring opens.
fn opened_events(examiner: &Examiner, rows: &Pool) -> Vec<Vec<u8>> {
    let places = rows.other.iter().filter(|(key, _)| key[0] == b'a');
    let open = |place: &Vec<u8>| {
        let id = |at: usize| -> Id { place[at..at + 16].try_into().unwrap() };
        let (event, seg) = (id(16), id(32));
        let index = u32::from_be_bytes(place[48..52].try_into().unwrap());
        let slot = examiner.slots(&seg, index).into_iter().next()?;
        let section = rows.sections.get(&(event, "event".to_owned()))?.first()?;
        let (vault, collection, version) = (&examiner.vault, "_audit", 1);
        let (record, class, seg) = (&event, "event", &seg);
        let at = Address { vault, seg, index, collection, record, class, version };
        formats::open_section(&slot, &at, section)
    };
    places.flat_map(|(_, values)| values).filter_map(open).collect()
}

/// How many guesses at the names of records in this state an index key at hand confirms, with the index
/// rows of every copy there was.
pub(crate) fn confirmed(scene: &Scene, examiner: &Examiner, state: State) -> usize {
    let keys: BTreeSet<Key> = examiner.index_keys("cases").collect();
    let confirms = |id: &Id| {
        let name = scene::name(scene.truth[id].present().name);
        let tokens: BTreeSet<Id> =
            keys.iter().map(|key| token(key, "cases", "last_name", &name)).collect();
        let rows = &scene.pool.records[id];
        let stored = rows.iter().flat_map(|row| &row.index_rows);
        stored.into_iter().any(|key| tokens.contains(&key[21..37]))
    };
    scene.those(state).iter().filter(|id| confirms(id)).count()
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
