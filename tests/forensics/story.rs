//! A life of a vault, examined after each part of it.

use std::{collections::BTreeSet, fs, path::PathBuf};

use crate::{
    examiner::Examiner,
    formats::{Address, Id, Key, open_section},
    list::{List, confirmed},
    rows,
    scene::{self, Scene, State},
    search,
};

/// Records that stay until somebody erases them, and such whose date comes.
const STAY: usize = 2_800;
const DUE: usize = 400;
/// What the examiner can still read, as SECURITY.md carries it.
const READS: &str = include_str!("../output/examiner-reads.txt");
/// Rows for which every slot of their segment is tried.
const TRIED_WITH_ALL: usize = 12;

#[test]
fn of_thousands_of_records_the_examiner_opens_every_live_one_and_nothing_that_was_forgotten() {
    let mut scene = Scene::founded(true);
    let stay = scene.file(STAY, "2020-11-23");
    let due = scene.file(DUE, "2020-08-24");
    let seen = scene.reveal(&stay[0]);
    assert!(seen.out.contains(&scene::name(0)), "{}", seen.err);
    scene.house.terminate();
    let whole = scene.look();
    assert_eq!((whole.opened, whole.refused), (STAY + DUE, 0));
    assert_eq!(whole.sections, 4 * whole.opened);
    let old = copy_places(&scene, ["old-a", "old-b"]);
    scene.house.serve();
    scene.house.login("keys-1");
    assert_eq!(scene.backup("first").0.opened, STAY + DUE);

    let later = erasures(&mut scene, &stay);
    let look = scene.look();
    assert_eq!(look.opened, STAY - 402 + DUE);
    assert!(look.refused > 402 * 4);
    assert_eq!((look.former.read, look.former.refused), (4, 7));

    purge(&mut scene, &due);
    let look = scene.look();
    assert_eq!(look.opened, STAY - 402);
    let examiner = scene.examiner(true);
    for state in [State::Erased, State::Purged] {
        assert_eq!(confirmed(&scene, &examiner, state), 0, "{state:?}: after T2 no guess is");
    }
    assert_eq!(scene.forgotten_confirmed(&examiner), 0, "nor one at a forgotten version");
    assert!(confirmed(&scene, &examiner, State::Live) > 0, "or the guesses are wrong");
    everything_at_hand(&scene, &examiner);
    old_places(&scene, &old, &later);
    the_list(&scene, &examiner);
}

/// Changes, also such that have what was before forgotten, and erasures of one record, of hundreds and of a
/// person, in the middle of which the server is killed. Gives a copy of the places from between.
fn erasures(scene: &mut Scene, stay: &[Id]) -> Vec<PathBuf> {
    for agent in ["desk-974", "med-974"] {
        scene.house.login(agent);
    }
    for id in &stay[..6] {
        scene.update(id);
    }
    scene.house.terminate();
    scene.look();
    scene.house.serve();
    for agent in ["desk-974", "med-974"] {
        scene.house.login(agent);
    }
    // Two that were changed before and two that were not.
    stay[4..8].iter().for_each(|id| scene.update_and_forget(id));
    scene.erase(&stay[..1]);
    scene.erase(&stay[1000..1200]);
    scene.house.kill();
    let look = scene.look();
    assert_eq!((look.former.read, look.former.refused), (3, 6));
    let guessed = confirmed(scene, &scene.examiner(false), State::Erased);
    assert_eq!(guessed, 201, "until T2 a guess is confirmed");
    let guessed = scene.forgotten_confirmed(&scene.examiner(false));
    assert_eq!(guessed, 6, "until T2 one at a forgotten version is too");
    scene.house.serve();
    for agent in ["desk-974", "med-974", "keys-1"] {
        scene.house.login(agent);
    }
    let later = copy_places(scene, ["later-a", "later-b"]);
    // Again, and only changed after it was forgotten.
    scene.update_and_forget(&stay[6]);
    scene.update(&stay[7]);
    assert_eq!(scene.backup("second").0.opened, STAY - 201 + DUE);
    scene.erase_subject_of(&stay[2000]);
    scene.erase(&stay[1200..1400]);
    scene.house.kill();
    later
}

/// What nobody may have kept.
fn copy_places(scene: &Scene, names: [&str; 2]) -> Vec<PathBuf> {
    let copies: Vec<_> = names.iter().map(|name| scene.house.path(name)).collect();
    scene.house.places().iter().zip(&copies).for_each(|(place, copy)| rows::copy(place, copy));
    copies
}

/// The next day, with its purge and the exchange of index keys; a kill and a restart after it.
fn purge(scene: &mut Scene, due: &[Id]) {
    scene.house.next_day();
    scene.house.serve();
    scene.house.login("robot-974");
    let done = scene.house.run_as("robot-974", &["purge", "--json"]);
    assert_eq!(done.code, Some(0), "{}", done.err);
    scene.set(due, State::Purged);
    scene.house.kill();
    scene.look();
    scene.house.serve();
    scene.house.terminate();
}

/// Every key on every file, every slot on a good many rows, the raw bytes of every copy.
fn everything_at_hand(scene: &Scene, examiner: &Examiner) {
    assert!(scene.nothing_forgotten_opens(examiner) > 0);
    let newest = examiner.newest().generation;
    let all: BTreeSet<u64> = (1..newest).collect();
    assert_eq!(examiner.closed, all, "he holds the file of every generation, and opens the last");
    assert_eq!((examiner.keyrings.len(), examiner.anchor_slots), (1, 2));
    wrong_slots(scene, examiner);
    assert!(scene.no_slot_is_of_two_records() >= STAY + DUE + 5);
    let keys = clear_keys(scene, examiner);
    let (mut carved, mut gone, mut live, mut moved) = (BTreeSet::new(), 0, 0, 0);
    let segments: BTreeSet<Id> = scene.pool.records.values().flatten().map(|row| row.seg).collect();
    let folders =
        ["data", "place-a", "place-b", "attic", "backups"].map(|name| scene.house.path(name));
    for file in folders.iter().flat_map(|folder| rows::files(folder)) {
        let bytes = fs::read(&file).unwrap();
        let found = keys.find(&bytes);
        assert!(found.is_empty(), "a {} in {}", found[0].1, file.display());
        carved.extend(rows::carve(&bytes, &segments));
    }
    for (id, row) in &carved {
        match scene.truth.get(id).map(|known| known.state) {
            Some(State::Live) if scene.truth[id].versions[&row.version].forgotten => {
                assert!(examiner.slots(&row.seg, row.index).is_empty());
                moved += 1;
            }
            Some(State::Live) => {
                let slot = examiner.slots(&row.seg, row.index).into_iter().next().unwrap();
                let (seg, index) = (&row.seg, row.index);
                let at = (&examiner.vault, "cases", "_head", row.version);
                let at = Address {
                    vault: at.0,
                    seg,
                    index,
                    collection: at.1,
                    record: id,
                    class: at.2,
                    version: at.3,
                };
                assert!(open_section(&slot, &at, &row.head).is_some(), "a carved head opens");
                live += 1;
            }
            Some(_) => {
                assert!(examiner.slots(&row.seg, row.index).is_empty());
                gone += 1;
            }
            None => panic!("a record row that nobody filed"),
        }
    }
    assert!(live >= STAY - 402 && gone >= 402 + DUE, "{live} live and {gone} gone were carved");
    assert!(moved >= 7, "{moved} rows of forgotten versions were carved");
}

/// No other slot of its segment opens what was erased.
fn wrong_slots(scene: &Scene, examiner: &Examiner) {
    let erased = scene.those(State::Erased);
    let mut rows: Vec<_> =
        erased.iter().take(TRIED_WITH_ALL).map(|id| (*id, scene.row_of(id))).collect();
    rows.extend(scene.forgotten_rows());
    let (mut tried, each) = (0, rows.len());
    for other in scene.those(State::Live).iter().map(|id| scene.row_of(id)) {
        let slots = examiner.slots(&other.seg, other.index);
        for ((id, row), slot) in rows.iter().flat_map(|row| slots.iter().map(move |s| (row, s))) {
            let at = (&row.seg, row.index);
            assert!(examiner.try_section(slot, at, (id, "_head"), &row.head).is_none());
            tried += 1;
        }
    }
    assert!(each > TRIED_WITH_ALL && tried >= each * (STAY - 402));
}

/// Keys that must stand in no file as they are.
fn clear_keys(scene: &Scene, examiner: &Examiner) -> search::Needles<&'static str> {
    let mut keys: Vec<(Key, &'static str)> = examiner.newest().keys();
    keys.push((scene.house.root(), "root key"));
    keys.extend(examiner.generation_keys.values().map(|key| (*key, "generation key")));
    for id in scene.those(State::Live) {
        let row = scene.row_of(&id);
        keys.extend(examiner.slots(&row.seg, row.index).into_iter().map(|k| (k, "slot secret")));
    }
    search::keys(keys)
}

/// He is able: with the places as they were before, he reads all that was forgotten since.
fn old_places(scene: &Scene, old: &[PathBuf], later: &[PathBuf]) {
    let then = Examiner::with(&scene.house.root(), old, &old[0], true);
    let read = |id: &Id| {
        let row = scene.pool.records[id].iter().find(|row| row.version == 1).unwrap();
        let opened = then.open(&scene.pool, id, row).expect("an old place opens what is gone");
        let name = scene::name(scene.truth[id].number);
        opened.texts.values().any(|text| *text == name)
    };
    let gone = [scene.those(State::Erased), scene.those(State::Purged)].concat();
    assert_eq!(gone.len(), 402 + DUE);
    assert!(gone.iter().all(read));
    // What moved was in a segment of later when it moved again.
    let later = Examiner::with(&scene.house.root(), later, &later[0], true);
    assert_eq!(scene.forgotten_opened(&[then, later], &scene.examiner(true)), 7);
}

/// What he can still read, against the list that is published.
fn the_list(scene: &Scene, examiner: &Examiner) {
    let now = rows::Pool::of_copy(&scene.house.path("data"));
    let mut list = List::default();
    for state in [State::Erased, State::Purged] {
        list.gone("in the data folder of today", (scene, examiner), &now, state);
        list.gone(
            "in a copy of the data folder from before",
            (scene, examiner),
            &scene.pool,
            state,
        );
    }
    list.vault(scene, examiner, &now);
    list.earlier_versions(scene, examiner);
    let text = list.text();
    assert!(text == READS, "tests/output/examiner-reads.txt must say:\n{text}");
}

#[test]
fn a_mark_in_any_file_of_the_vault_is_found() {
    let mut scene = Scene::founded(false);
    scene.file(3, "2020-11-23");
    scene.house.terminate();
    scene.look();
    let mark = format!("left behind: {}", scene::street(1, 1));
    fs::write(scene.house.path("data/fjall/forgotten"), mark).unwrap();
    let looked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| scene.look()));
    let said = *looked.err().expect("it is found").downcast::<String>().unwrap();
    assert!(said.contains("a mark in") && said.contains("forgotten"), "{said}");
}

#[test]
fn an_erasure_that_left_the_old_anchor_in_place_is_noticed() {
    let mut scene = Scene::founded(false);
    let ids = scene.file(5, "2020-11-23");
    scene.house.terminate();
    scene.look();
    let anchors: Vec<_> =
        scene.house.places().iter().map(|place| fs::read(place.join("anchor")).unwrap()).collect();
    scene.house.serve();
    scene.house.login("desk-974");
    scene.erase(&ids[..1]);
    scene.house.terminate();
    assert_eq!(scene.look().opened, 4);
    // As if the old slots had never been scrubbed.
    for (place, before) in scene.house.places().iter().zip(&anchors) {
        let mut now = fs::read(place.join("anchor")).unwrap();
        let empty = now.chunks(4096).position(|slot| slot.iter().all(|b| *b == 0)).unwrap();
        let old = before.chunks(4096).find(|slot| slot[0] != 0).unwrap();
        now[empty * 4096..][..4096].copy_from_slice(old);
        fs::write(place.join("anchor"), now).unwrap();
    }
    let looked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| scene.look()));
    let said = *looked.err().expect("it is noticed").downcast::<String>().unwrap();
    assert!(said.contains("is reached") || said.contains("is read although"), "{said}");
}
