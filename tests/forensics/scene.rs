//! What was filed, changed, erased and let go, and what the examiner must therefore read and not read.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Child,
};

use serde_json::json;

use crate::{
    examiner::{Examiner, Opened},
    formats::Id,
    former::Former,
    house::{Done, House},
    rows::{self, Pool, RecordRow},
    search,
};

/// What is known of a record.
pub(crate) struct Truth {
    pub(crate) number: usize,
    pub(crate) state: State,
    pub(crate) subject: String,
    /// The version in force.
    pub(crate) version: u32,
    /// What each of its versions says.
    pub(crate) versions: BTreeMap<u32, Said>,
}

/// What a version of a record says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Said {
    /// Whose name it has.
    pub(crate) name: usize,
    /// Of its street: 1 for what was filed, more for what it was changed to.
    pub(crate) street: u32,
    /// The record moved to other slots since.
    pub(crate) forgotten: bool,
}

impl Truth {
    /// What the version in force says.
    pub(crate) fn present(&self) -> Said {
        self.versions[&self.version]
    }
}

/// Whether it must be readable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Live,
    /// An erasure was asked for and cut, or its date has come and a purge was cut: either is right until
    /// the next start.
    Open,
    /// The same, and a start has gone through since: whichever it is found to be, it stays.
    Settled,
    Erased,
    Purged,
    /// A backup was restored in which it is not, or not as it was last.
    Lost,
}

/// A house with its records.
pub(crate) struct Scene {
    pub(crate) house: House,
    pub(crate) truth: BTreeMap<Id, Truth>,
    /// Every row that any copy held.
    pub(crate) pool: Pool,
    /// Sections in copies whose slots their record left.
    pub(crate) left: BTreeMap<Id, BTreeSet<Vec<u8>>>,
    /// Bytes of files looked through for marks.
    pub(crate) searched: u64,
    /// Files that do not change any more and were looked through.
    done: BTreeSet<PathBuf>,
    filed: usize,
    looks: usize,
    keep_copies: bool,
}

/// What one look found.
#[derive(Default)]
pub(crate) struct Look {
    pub(crate) opened: usize,
    pub(crate) sections: usize,
    pub(crate) refused: usize,
    pub(crate) former: Former,
}

impl Scene {
    /// A house without records. Its copies are kept as files, or in the pool of rows alone.
    pub(crate) fn founded(keep_copies: bool) -> Self {
        Self {
            house: House::founded(),
            truth: BTreeMap::new(),
            pool: Pool::default(),
            left: BTreeMap::new(),
            searched: 0,
            done: BTreeSet::new(),
            filed: 0,
            looks: 0,
            keep_copies,
        }
    }

    /// Files marked cases, collected on this day.
    pub(crate) fn file(&mut self, count: usize, collected_on: &str) -> Vec<Id> {
        let numbers = self.filed..self.filed + count;
        self.filed += count;
        let line = |number: usize| {
            json!({
                "collected_on": collected_on,
                "attributes": {"territory": "reunion", "state": "new"},
                "fields": {
                    "last_name": name(number), "first_names": "Fictif", "birth_date": "1970-01-01",
                    "street": street(number, 1), "email": email(number), "confirmed": true,
                },
            })
        };
        let text: String = numbers.clone().map(|number| format!("{}\n", line(number))).collect();
        let file = self.house.brought(&format!("{}.ndjson", numbers.start), &text);
        let results = format!("{file}.results");
        let args = ["import", &file, "--collection", "cases", "--purpose", "p1", "--json"];
        let done = self.house.run_as("feed-974", &[&args[..], &["--results", &results]].concat());
        assert_eq!(done.json()["filed"], count, "{}", done.err);
        let results = fs::read_to_string(results).unwrap();
        let rows = results.lines().map(|l| serde_json::from_str::<serde_json::Value>(l).unwrap());
        let ids: Vec<Id> = rows
            .zip(numbers)
            .map(|(row, number)| {
                let id = id_of(row["record_id"].as_str().unwrap());
                let subject = row["subject_id"].as_str().unwrap().to_owned();
                let said = Said { name: number, street: 1, forgotten: false };
                let versions = BTreeMap::from([(1, said)]);
                let state = State::Live;
                self.truth.insert(id, Truth { number, state, subject, version: 1, versions });
                id
            })
            .collect();
        assert_eq!(ids.len(), count);
        ids
    }

    /// Reads a record through the vault.
    pub(crate) fn reveal(&self, id: &Id) -> Done {
        let record = hex::encode(id);
        let classes =
            ["--class", "identity", "--class", "coordinates", "--purpose", "p1", "--json"];
        self.house.run_as("med-974", &[&["reveal", &record], &classes[..]].concat())
    }

    /// Asks for the erasure of these records, in one call.
    pub(crate) fn ask_erasure(&mut self, what: &[String]) -> Child {
        let session = self.house.path("desk/session-desk-974");
        let mut args = vec!["erase"];
        args.extend(what.iter().map(String::as_str));
        args.extend(["--purpose", "p7", "--justification", "objection upheld", "--yes", "--json"]);
        args.extend(["--session", session.to_str().unwrap()]);
        self.house.begin(&args)
    }

    /// Erases these records; each must be acknowledged.
    pub(crate) fn erase(&mut self, ids: &[Id]) {
        for some in ids.chunks(200) {
            let named: Vec<String> = some.iter().map(hex::encode).collect();
            let done = House::end(self.ask_erasure(&named));
            let items = done.json()["items"].as_array().unwrap().clone();
            assert_eq!(items.len(), some.len());
            assert!(items.iter().all(|item| item["reason"].is_null()), "{}", done.out);
            self.set(some, State::Erased);
        }
    }

    /// Erases whatever is filed about the person of this record.
    pub(crate) fn erase_subject_of(&mut self, id: &Id) {
        let subject = self.truth[id].subject.clone();
        let done = House::end(self.ask_erasure(&["--subject".to_owned(), subject]));
        assert_eq!(done.code, Some(0), "{}", done.err);
        self.set(&[*id], State::Erased);
    }

    pub(crate) fn set(&mut self, ids: &[Id], state: State) {
        ids.iter().for_each(|id| self.truth.get_mut(id).unwrap().state = state);
    }

    /// The records in this state.
    pub(crate) fn those(&self, state: State) -> Vec<Id> {
        self.truth.iter().filter(|(_, t)| t.state == state).map(|(id, _)| *id).collect()
    }

    /// The examiner as of now, with every keyring file there ever was.
    pub(crate) fn examiner(&self, thorough: bool) -> Examiner {
        let house = &self.house;
        Examiner::with(&house.root(), &house.places(), &house.path("attic"), thorough)
    }

    /// Copies the data folder of a stopped or killed server, and examines the copy: he opens every live
    /// record in it as it was last, and of all copies so far nothing that was forgotten.
    pub(crate) fn look(&mut self) -> Look {
        let copy = self.house.path(&format!("backups/{:03}", self.looks));
        self.looks += 1;
        rows::copy(&self.house.data(), &copy);
        self.no_mark_in_any_file(&copy);
        let rows = if self.keep_copies { Pool::of_copy(&copy) } else { Pool::of(&copy) };
        let look = self.examine(rows);
        if !self.keep_copies {
            fs::remove_dir_all(copy).unwrap();
        }
        look
    }

    /// Examines the rows of a copy of now.
    pub(crate) fn examine(&mut self, rows: Pool) -> Look {
        let examiner = self.examiner(false);
        let mut look = Look::default();
        let ids: Vec<Id> = self.truth.keys().copied().collect();
        for id in ids {
            let known = &self.truth[&id];
            let opened = rows.records.get(&id).and_then(|r| {
                assert_eq!(r.len(), 1, "one row a record");
                examiner.open(&rows, &id, r.first().unwrap())
            });
            match (known.state, &opened) {
                (State::Live, None) => panic!("{} is gone", name(known.number)),
                (State::Erased | State::Purged | State::Lost, Some(_)) => {
                    panic!("{} is read although {:?}", name(known.number), known.state)
                }
                (State::Settled, _) => {
                    let state = if opened.is_some() { State::Live } else { State::Erased };
                    self.set(&[id], state);
                }
                _ => {}
            }
            if let Some(opened) = opened {
                assert_eq!(opened.version, self.truth[&id].version);
                self.hold(&id, &opened);
                look.opened += 1;
                look.sections += opened.sections;
            }
        }
        self.pool.merge(rows);
        look.refused = self.nothing_forgotten_opens(&examiner);
        look.former = self.former(&examiner);
        look
    }

    /// What was read of a record is what this version of it says.
    pub(crate) fn hold(&self, id: &Id, opened: &Opened) {
        let known = &self.truth[id];
        let said = known.versions[&opened.version];
        let text = |class: &str, field: &str| {
            opened.texts.get(&(class.to_owned(), field.to_owned())).map(String::as_str)
        };
        assert_eq!(opened.collection, "cases");
        assert_eq!(text("identity", "last_name"), Some(name(said.name).as_str()));
        let street = street(known.number, said.street);
        assert_eq!(text("coordinates", "street"), Some(street.as_str()));
        assert_eq!(text("coordinates", "email"), Some(email(known.number).as_str()));
    }

    /// Of every copy ever made, no row or section of what was erased or purged opens; how many pieces
    /// were tried.
    pub(crate) fn nothing_forgotten_opens(&self, examiner: &Examiner) -> usize {
        let gone = |id: &Id| matches!(self.truth[id].state, State::Erased | State::Purged);
        let mut tried = 0;
        for (id, rows) in self.pool.records.iter().filter(|(id, _)| gone(id)) {
            for row in rows {
                let slots = examiner.slots(&row.seg, row.index);
                assert!(slots.is_empty(), "a slot of {} is reached", name(self.truth[id].number));
                tried += 1 + self.sections_of(id).count();
            }
        }
        tried
    }

    /// All sections of a record that any copy held, with their class.
    pub(crate) fn sections_of(&self, id: &Id) -> impl Iterator<Item = (&str, &[u8])> {
        let from = (*id, String::new());
        let of = self.pool.sections.range(from..).take_while(move |((of, _), _)| of == id);
        of.flat_map(|((_, class), all)| all.iter().map(move |s| (class.as_str(), s.as_slice())))
    }

    /// The row of a record's last version in any copy.
    pub(crate) fn row_of(&self, id: &Id) -> &RecordRow {
        self.pool.records[id].iter().max_by_key(|row| row.version).unwrap()
    }

    /// Looks for the marks in every file of the newest copy and of the places, and in every keyring file
    /// of the attic, once each.
    pub(crate) fn no_mark_in_any_file(&mut self, copy: &Path) {
        let marks = search::marks();
        let [a, b, attic] = ["place-a", "place-b", "attic"].map(|name| self.house.path(name));
        for folder in [&a, &b, &attic, copy] {
            for file in rows::files(folder) {
                if folder == attic && !self.done.insert(file.clone()) {
                    continue;
                }
                let bytes = fs::read(&file).unwrap();
                self.searched += bytes.len() as u64;
                let found = marks.find(&bytes);
                assert!(found.is_empty(), "a mark in {} as {}", file.display(), found[0].1);
            }
        }
    }
}

/// The marked name of a record: letters alone.
pub(crate) fn name(number: usize) -> String {
    let digit =
        |place: u32| char::from(b'A' + u8::try_from(number / 26_usize.pow(place) % 26).unwrap());
    format!("{}-{}{}{}", search::MARK, digit(2), digit(1), digit(0))
}

/// Its marked street, told apart by how often it was changed.
pub(crate) fn street(number: usize, text: u32) -> String {
    format!("{number} impasse {} de la Fiction, {text}", search::MARK)
}

fn email(number: usize) -> String {
    format!("{}.{number}@exemple.invalid", search::MARK.to_lowercase())
}

fn id_of(text: &str) -> Id {
    hex::decode(text).unwrap().try_into().unwrap()
}
