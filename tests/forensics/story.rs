//! A life of a vault, examined after each part of it.

use std::time::Instant;

use crate::scene::{Scene, State};

#[test]
fn of_thousands_of_records_the_examiner_opens_every_live_one_and_nothing_that_was_forgotten() {
    let began = Instant::now();
    let mut scene = Scene::founded(true);
    println!("founded {:?}", began.elapsed());
    let live = scene.file(3000, "2020-11-23");
    let due = scene.file(400, "2020-08-24");
    println!("filed {:?}", began.elapsed());
    scene.house.terminate();
    let look = scene.look();
    println!("looked {:?} {} {} {} searched {}", began.elapsed(), look.opened, look.sections, look.refused, scene.searched);
    scene.house.serve();
    for who in ["desk-974", "med-974", "robot-974"] { scene.house.login(who); }
    println!("served {:?}", began.elapsed());
    for id in &live[..5] { scene.update(id); }
    println!("updated {:?}", began.elapsed());
    let before = scene.house.counted();
    scene.erase(&live[0..1]);
    println!("erase 1: {} calls {:?}", scene.house.counted() - before, began.elapsed());
    let before = scene.house.counted();
    scene.erase(&live[100..101]);
    println!("erase 1: {} calls {:?}", scene.house.counted() - before, began.elapsed());
    scene.erase(&live[1000..1400]);
    scene.erase_subject_of(&live[2000]);
    scene.house.kill();
    let look = scene.look();
    println!("looked {:?} {} {} {} searched {}", began.elapsed(), look.opened, look.sections, look.refused, scene.searched);
    let before = scene.house.counted();
    scene.house.next_day();
    scene.house.serve();
    println!("serve next day: {} calls {:?}", scene.house.counted() - before, began.elapsed());
    scene.house.login("robot-974");
    let done = scene.house.run_as("robot-974", &["purge", "--json"]);
    println!("purge: {} calls {:?} {}", scene.house.counted() - before, began.elapsed(), done.out);
    scene.set(&due, State::Purged);
    scene.house.terminate();
    let look = scene.look();
    println!("looked {:?} {} {} {} searched {} attic {}", began.elapsed(), look.opened, look.sections, look.refused, scene.searched, scene.house.kept());
    let ex = scene.examiner(true);
    println!("closed {:?} keys {:?} keyrings {}", ex.closed, ex.generation_keys.keys(), ex.keyrings.len());
    scene.house.serve();
}
