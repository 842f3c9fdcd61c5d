//! Versions that a record had: what was only changed still opens from a copy of before, and what was
//! changed and forgotten does not, since the record moved to other slots and the ones it left were erased.

use std::{collections::BTreeSet, process::Child};

use serde_json::json;

use crate::{
    examiner::Examiner,
    formats::{Id, Key, token},
    house::House,
    rows::{Pool, RecordRow},
    scene::{self, Said, Scene, State},
};

/// How far the name that a record gets when it is moved is from its own: more than there are records.
const ANOTHER_NAME: usize = 5_000;

/// What became of the former versions of the records that live.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Former {
    /// Versions that were only changed: they open.
    pub(crate) read: usize,
    /// Versions that were forgotten: their slot is gone.
    pub(crate) refused: usize,
    /// Sections under slots that were left, each tried with every slot the record still has.
    pub(crate) sections: usize,
}

impl Scene {
    /// Changes the street of a record; its former version can be read in copies.
    pub(crate) fn update(&mut self, id: &Id) {
        let before = self.truth[id].present();
        self.change(id, Said { street: before.street + 1, ..before }, &[]);
    }

    /// Changes its street and its name, and has whatever it said before forgotten.
    pub(crate) fn update_and_forget(&mut self, id: &Id) {
        let certificate = self.change(id, self.moved(id), &["--forget"]);
        assert!(certificate.is_string(), "a certificate says so");
        self.forget_former(id);
    }

    /// Asks for that.
    pub(crate) fn ask_to_forget(&self, id: &Id) -> Child {
        self.ask(id, self.moved(id), &["--forget"])
    }

    /// Whether that was done, as the data folder in use says.
    pub(crate) fn settle_forgotten(&mut self, id: &Id) -> bool {
        let rows = Pool::of_copy(&self.house.data());
        let version = rows.records[id].first().unwrap().version;
        let done = version > self.truth[id].version;
        if done {
            self.changed(id, self.moved(id), version);
            self.forget_former(id);
        }
        done
    }

    fn moved(&self, id: &Id) -> Said {
        let Said { name, street, .. } = self.truth[id].present();
        Said { name: name + ANOTHER_NAME, street: street + 1, forgotten: false }
    }

    fn forget_former(&mut self, id: &Id) {
        let known = self.truth.get_mut(id).unwrap();
        let now = known.version;
        known.versions.iter_mut().for_each(|(version, said)| said.forgotten = *version != now);
        let sections: Vec<_> = self.sections_of(id).map(|(_, section)| section.to_vec()).collect();
        self.left.entry(*id).or_default().extend(sections);
    }

    fn ask(&self, id: &Id, said: Said, how: &[&str]) -> Child {
        let known = &self.truth[id];
        let mut fields = json!({"street": scene::street(known.number, said.street)});
        if said.name != known.present().name {
            fields["last_name"] = scene::name(said.name).into();
        }
        let file = self.house.brought("change.json", &json!({"fields": fields}).to_string());
        let (record, version) = (hex::encode(id), known.version.to_string());
        let args = ["update", &record, "--version", &version, "--purpose", "p1", "--file", &file];
        self.house.begin_as("med-974", &[&args[..], &["--json"], how].concat())
    }

    fn changed(&mut self, id: &Id, said: Said, version: u32) {
        let known = self.truth.get_mut(id).unwrap();
        assert!(version > known.version);
        known.version = version;
        known.versions.insert(version, said);
    }

    fn change(&mut self, id: &Id, said: Said, how: &[&str]) -> serde_json::Value {
        let written = House::end(self.ask(id, said, how)).json();
        self.changed(id, said, u32::try_from(written["version"].as_u64().unwrap()).unwrap());
        written["certificate"].clone()
    }

    /// Rows, in any copy, of versions of a record that were forgotten.
    pub(crate) fn forgotten_rows(&self) -> Vec<(Id, &RecordRow)> {
        let forgotten = |id: &Id, row: &RecordRow| self.truth[id].versions[&row.version].forgotten;
        let all = self.pool.records.iter().flat_map(|(id, rows)| rows.iter().map(|r| (*id, r)));
        all.filter(|(id, row)| forgotten(id, row)).collect()
    }

    /// Of every copy ever made, the examiner opens each version that a live record had, but for those
    /// that were forgotten; of these no slot, and no section with any slot that the record has now.
    pub(crate) fn former(&self, examiner: &Examiner) -> Former {
        let mut former = Former::default();
        let changed =
            |id: &Id| self.truth[id].state == State::Live && self.truth[id].versions.len() > 1;
        for (id, rows) in self.pool.records.iter().filter(|(id, _)| changed(id)) {
            let (known, mut slots) = (&self.truth[id], BTreeSet::new());
            let (mut read, mut refused) = (BTreeSet::new(), BTreeSet::new());
            for row in rows {
                if known.versions[&row.version].forgotten {
                    let reached = examiner.slots(&row.seg, row.index);
                    assert!(reached.is_empty(), "a slot that {} left is reached", known.number);
                    refused.insert(row.version);
                } else {
                    let opened = examiner.open(&self.pool, id, row).expect("it is not forgotten");
                    self.hold(id, &opened);
                    read.insert(row.version);
                    slots.extend(opened.slots);
                }
            }
            read.remove(&known.version);
            former.read += read.len();
            former.refused += refused.len();
            former.sections += self.no_left_section_opens(examiner, id, &slots);
        }
        former
    }

    fn no_left_section_opens(
        &self,
        examiner: &Examiner,
        id: &Id,
        slots: &BTreeSet<(Id, u32)>,
    ) -> usize {
        let left: BTreeSet<&[u8]> =
            self.left.get(id).into_iter().flatten().map(Vec::as_slice).collect();
        for (class, section) in self.sections_of(id).filter(|(_, s)| left.contains(s)) {
            for (seg, index) in slots {
                for slot in examiner.slots(seg, *index) {
                    let opened = examiner.try_section(&slot, (seg, *index), (id, class), section);
                    assert!(opened.is_none(), "a section of a forgotten version opens");
                }
            }
        }
        left.len()
    }

    /// He is able: with the places as they were at one time or another, he opens every forgotten version,
    /// each of whose slots is gone `now`. How many.
    pub(crate) fn forgotten_opened(&self, then: &[Examiner], now: &Examiner) -> usize {
        let rows = self.forgotten_rows();
        for (id, row) in &rows {
            let mut opened = then.iter().filter_map(|then| then.open(&self.pool, id, row));
            let opened = opened.next().expect("an old place opens it");
            self.hold(id, &opened);
            for (seg, index) in opened.slots {
                assert!(now.slots(&seg, index).is_empty(), "a slot that was left is reached");
            }
        }
        rows.len()
    }

    /// How many forgotten versions have a name that a guess confirms, by an index key at hand.
    pub(crate) fn forgotten_confirmed(&self, examiner: &Examiner) -> usize {
        let keys: BTreeSet<Key> = examiner.index_keys("cases").collect();
        let confirmed = |(id, row): &(Id, &RecordRow)| {
            let name = scene::name(self.truth[id].versions[&row.version].name);
            let tokens: BTreeSet<Id> =
                keys.iter().map(|key| token(key, "cases", "last_name", &name)).collect();
            row.index_rows.iter().any(|key| tokens.contains(&key[21..37]))
        };
        self.forgotten_rows().iter().filter(|row| confirmed(row)).count()
    }

    /// Whether no two records ever had one slot. Panics otherwise: then one could not be erased alone.
    pub(crate) fn no_slot_is_of_two_records(&self) -> usize {
        let all = self.pool.records.iter().flat_map(|(id, rows)| rows.iter().map(move |r| (id, r)));
        let slots: BTreeSet<_> = all.map(|(id, row)| (row.seg, row.index, *id)).collect();
        let apart: BTreeSet<_> = slots.iter().map(|(seg, index, _)| (seg, index)).collect();
        assert_eq!(slots.len(), apart.len(), "a slot was given to two records");
        apart.len()
    }
}
