//! Backups of the running vault, and a life that goes on from one: what was forgotten since it was taken is
//! forgotten in it too, and does not come back with it.

use std::{
    collections::BTreeMap,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
};

use serde_json::Value as Json;

use crate::{
    formats::Id,
    house::House,
    rows::Pool,
    scene::{Look, Scene, State},
};

/// What a backup holds: the version of each record.
pub(crate) type Held = BTreeMap<Id, u32>;

impl Scene {
    /// Takes a backup of the running vault, and examines it like a copy.
    pub(crate) fn backup(&mut self, name: &str) -> (Look, Held) {
        let name = format!("backups/{name}");
        let sent = self.house.backup(&name);
        let folder = self.house.path(&name);
        self.no_mark_in_any_file(&folder);
        let (rows, count) = Pool::of_backup(&folder, &self.examiner(false).vault);
        assert_eq!(count, sent, "every row of it was read");
        let held = self.those(State::Live).iter().map(|id| (*id, self.truth[id].version)).collect();
        (self.examine(rows), held)
    }

    /// Restores a backup into a new folder. What it does not hold is lost, and so is what has been
    /// forgotten since of what it holds.
    fn restore(&mut self, name: &str, (data, held): (&str, &Held)) {
        self.house.restore(&format!("backups/{name}"), data);
        for (id, known) in &mut self.truth {
            if !matches!(known.state, State::Live | State::Lost) {
                continue;
            }
            let version = held.get(id).filter(|version| !known.versions[*version].forgotten);
            known.state = if version.is_some() { State::Live } else { State::Lost };
            known.version = version.copied().unwrap_or(known.version);
        }
    }

    /// Records of which the data folder in use has a row.
    fn with_a_row(&self) -> Vec<Id> {
        Pool::of_copy(&self.house.data()).records.into_keys().collect()
    }
}

#[test]
fn what_was_forgotten_since_a_backup_is_forgotten_in_it_and_does_not_come_back_with_it() {
    let mut scene = Scene::founded(false);
    let ids = scene.file(60, "2020-11-23");
    let (first, held) = scene.backup("first");
    assert_eq!((first.opened, first.sections), (60, 240));

    let (gone, changed, moved) = (&ids[..10], &ids[10..14], &ids[14..18]);
    scene.erase(gone);
    changed.iter().for_each(|id| scene.update(id));
    moved.iter().for_each(|id| scene.update_and_forget(id));
    let since = scene.file(3, "2020-11-23");
    let (second, held_then) = scene.backup("second");
    assert_eq!(second.opened, 53);
    assert_eq!((second.former.read, second.former.refused), (4, 4));
    scene.house.terminate();
    assert_eq!(scene.look().opened, 53);
    of_the_first_he_reads_what_was_not_forgotten(&scene, (gone, changed, moved));

    // Before any start: the rows are there again, and closed.
    scene.restore("first", ("restored", &held));
    assert_eq!(scene.with_a_row().len(), 60);
    assert_eq!(scene.look().opened, 46);
    assert_eq!(scene.those(State::Lost), sorted(&[moved, &since].concat()));
    served(&mut scene, (&ids, &[gone, moved].concat()));
    assert_eq!(scene.look().opened, 45);
    assert_eq!(scene.with_a_row(), scene.those(State::Live), "the rest was swept");
    everything_lost_opens_from_copies_of_the_folder_before(&scene);

    // What only the later backup holds comes back with it, what was erased meanwhile does not.
    scene.restore("second", ("restored-again", &held_then));
    scene.house.serve();
    scene.house.terminate();
    let look = scene.look();
    assert_eq!((look.opened, look.former.read, look.former.refused), (52, 4, 4));
    assert_eq!(scene.with_a_row(), scene.those(State::Live));
    assert!(scene.those(State::Lost).is_empty());
    assert!(scene.no_slot_is_of_two_records() >= 63);
}

/// The backup alone, by the keys of now.
fn of_the_first_he_reads_what_was_not_forgotten(
    scene: &Scene,
    (gone, changed, moved): (&[Id], &[Id], &[Id]),
) {
    let examiner = scene.examiner(true);
    let (rows, _) = Pool::of_backup(&scene.house.path("backups/first"), &examiner.vault);
    for (id, all) in &rows.records {
        let row = all.first().unwrap();
        let opened = examiner.open(&rows, id, row);
        let closed = gone.contains(id) || moved.contains(id);
        assert_eq!(opened.is_none(), closed);
        if let Some(opened) = opened {
            scene.hold(id, &opened);
            assert!(opened.version == 1 && (scene.truth[id].version == 2) == changed.contains(id));
        }
    }
}

/// The vault itself shows what is not forgotten, and nothing else; it goes on erasing.
fn served(scene: &mut Scene, (ids, closed): (&[Id], &[Id])) {
    scene.house.serve();
    for agent in ["med-974", "desk-974"] {
        scene.house.login(agent);
    }
    for id in ids.iter().step_by(4) {
        let shown = scene.reveal(id);
        let name = crate::scene::name(scene.truth[id].present().name);
        let is_closed = closed.contains(id);
        assert_eq!(shown.out.contains(&name), !is_closed, "{}{}", shown.out, shown.err);
        assert_eq!(shown.err.contains("NOT_AVAILABLE"), is_closed, "{}", shown.err);
    }
    scene.erase(&ids[59..]);
    // What is lost cannot be erased by its id any more: its date takes it.
    let lost: Vec<String> = scene.those(State::Lost).iter().map(hex::encode).collect();
    let done = House::end(scene.ask_erasure(&lost));
    let items = done.out.lines().next().map(|line| serde_json::from_str::<Json>(line).unwrap());
    let items = items.unwrap()["items"].as_array().unwrap().clone();
    assert!(items.iter().all(|item| item["reason"] == "NOT_AVAILABLE"), "{}", done.out);
    assert_eq!(items.len(), 7);
    scene.house.terminate();
}

/// What a restore loses is not forgotten: the folder that was replaced has it, and its keys live on.
fn everything_lost_opens_from_copies_of_the_folder_before(scene: &Scene) {
    let (examiner, lost) = (scene.examiner(true), scene.those(State::Lost));
    assert_eq!(lost.len(), 7);
    for id in &lost {
        let opened = examiner.open(&scene.pool, id, scene.row_of(id)).expect("its slot lives");
        scene.hold(id, &opened);
    }
}

fn sorted(ids: &[Id]) -> Vec<Id> {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids
}

#[test]
fn a_mark_in_a_file_of_a_backup_and_a_record_left_out_of_it_are_noticed() {
    let mut scene = Scene::founded(false);
    let ids = scene.file(3, "2020-11-23");
    assert_eq!(scene.backup("whole").0.opened, 3);
    let folder = scene.house.path("backups/whole");
    let (mut rows, _) = Pool::of_backup(&folder, &scene.examiner(false).vault);
    rows.records.remove(&ids[0]);
    let examined = catch_unwind(AssertUnwindSafe(|| scene.examine(rows)));
    assert!(said(examined.err()).contains("is gone"));
    let mark = format!("left behind: {}", crate::scene::street(1, 1));
    fs::write(folder.join("rows-000002.oubb"), mark).unwrap();
    let looked = catch_unwind(AssertUnwindSafe(|| scene.no_mark_in_any_file(&folder)));
    assert!(said(looked.err()).contains("a mark in"));
}

fn said(panic: Option<Box<dyn std::any::Any + Send>>) -> String {
    *panic.expect("it is noticed").downcast::<String>().unwrap()
}
