//! What generations cost: purges, punctures, a large keyring, and deriving slots.

use std::time::Duration;

use oubliette::{
    ids::{SegmentId, SlotRef},
    limits::KEYRING_BYTES_MAX,
    random::{OsRandom, Random as _},
};

use crate::{
    Outcome, Sizes,
    house::House,
    measure::{Disk, at, timed, written},
};

/// Slots between two that share no inner node that is kept.
const FAR: u32 = 4_096;
/// Slots derived.
const DERIVED: u32 = 2_000;

/// Purges of cohorts of every size, and single punctures of their segments, in turns.
pub(crate) fn unreadable(house: &House, disk: &mut Disk, sizes: &Sizes) -> Outcome<String> {
    let mut dropped: [Vec<Duration>; 3] = Default::default();
    let mut punctured: [Vec<Duration>; 3] = Default::default();
    let (mut syncs, mut number) = (Vec::new(), 0);
    for _ in 0..sizes.rounds {
        let mut segments = Vec::new();
        for records in sizes.cohorts {
            segments.push(house.segment(number, records)?);
            number += 1;
        }
        // Next to each other, so that whatever else the machine does meets all sizes alike.
        syncs.extend(disk.turn()?);
        for (seg, taken) in segments.iter().zip(&mut punctured) {
            let slot = SlotRef { seg: *seg, index: 7 };
            let (done, time) = timed(|| house.generation(|draft| draft.puncture(&[slot])));
            done?;
            taken.push(time);
        }
        for (seg, taken) in segments.iter().zip(&mut dropped) {
            let now = house.vault.log().clock().now();
            let (done, time) = timed(|| house.generation(|draft| draft.drop_segment(seg, now)));
            done?;
            taken.push(time);
        }
        syncs.extend(disk.turn()?);
    }
    let sync = at(&syncs, 50);
    let mut text = String::from(
        "| make unreadable | records | p50 ms | p99 ms | p50 / fdatasync p50 |\n|---|--:|--:|--:|--:|\n",
    );
    for (what, all) in [("drop a cohort", &dropped), ("puncture one slot", &punctured)] {
        for (records, taken) in sizes.cohorts.iter().zip(all) {
            let (p50, p99) = (at(taken, 50), at(taken, 99));
            text += &format!("| {what} | {records} | {p50:.2} | {p99:.2} | {:.1} |\n", p50 / sync);
        }
    }
    text +=
        "\nthe first puncture of a round also wipes the slots that handing out left in the cache\n";
    let medians = dropped.each_ref().map(|taken| at(taken, 50));
    let most = medians.iter().copied().fold(0.0, f64::max);
    let least = medians.iter().copied().fold(f64::INFINITY, f64::min);
    text += &format!("\nlargest to smallest cohort, drop: {:.2}x; ", most / least);
    text += &format!(
        "fdatasync of the same minute: p50 {sync:.2} ms, p99 {:.2} ms; keyring {} bytes\n\n",
        at(&syncs, 99),
        house.keyring().file_bytes(),
    );
    Ok(text)
}

/// A segment erased in here and there: the keyring's size, what a batch writes, how long it takes, and how
/// often the bound would have a segment compacted.
pub(crate) fn scattered(house: &House, disk: &mut Disk, sizes: &Sizes) -> Outcome<String> {
    let seg = house.segment(0, 0)?;
    let all = sizes.scattered;
    let mut order: Vec<u32> = (0..all).collect();
    shuffle(&mut order);
    let mut text = format!(
        "| scattered erasures of {all} | keyring bytes | cover nodes | bytes written a batch of 1000 | \
         batch ms | fdatasync p50 ms | above the bound |\n|--:|--:|--:|--:|--:|--:|--:|\n"
    );
    let (mut fired, mut done) = (0_u64, 0);
    for permille in [1_u32, 10, 50, 100, 200, 300, 400, 500, 600] {
        let until = all / 1_000 * permille;
        let mut last = (0, Duration::ZERO);
        while done < until {
            // Batches of a thousand up to 1 %; beyond it larger ones, and one of a thousand at the end.
            let left = until - done;
            let step = if permille <= 10 || left <= 1_000 { left.min(1_000) } else { left - 1_000 };
            let slots = slots(seg, &order, done, step);
            let before = written();
            let (generation, time) = timed(|| house.generation(|draft| draft.puncture(&slots)));
            generation?;
            last = (written() - before, time);
            fired += u64::from(house.keyring().file_bytes() > KEYRING_BYTES_MAX);
            done += step;
        }
        let nodes = house.keyring().cover_weights().first().map_or(0, |weight| weight.nodes);
        let sync = at(&disk.turn()?, 50);
        text += &format!(
            "| {done} ({:.1} %) | {} | {nodes} | {} | {:.1} | {sync:.2} | {} |\n",
            f64::from(permille) / 10.0,
            house.keyring().file_bytes(),
            last.0,
            last.1.as_secs_f64() * 1000.0,
            if house.keyring().file_bytes() > KEYRING_BYTES_MAX { "yes" } else { "no" },
        );
    }
    text += &format!("\nthe bound of {KEYRING_BYTES_MAX} bytes was found exceeded {fired} times\n");
    text += &worst(house, disk, all)?;
    Ok(text)
}

/// The largest cover that so many slots can have: every second one erased.
fn worst(house: &House, disk: &mut Disk, all: u32) -> Outcome<String> {
    let seg = house.segment(1, 0)?;
    let every_second: Vec<SlotRef> =
        (0..all).step_by(2).map(|index| SlotRef { seg, index }).collect();
    house.generation(|draft| draft.puncture(&every_second))?;
    let (mut drafts, mut generations) = (Vec::new(), Vec::new());
    for index in 0..5 {
        drafts.push(timed(|| house.keyring().draft()).1);
        let slot = SlotRef { seg, index: index * 2 + 1 };
        let (done, time) = timed(|| house.generation(|draft| draft.puncture(&[slot])));
        done?;
        generations.push(time);
    }
    let nodes = house.keyring().cover_weights().first().map_or(0, |weight| weight.nodes);
    let sync = at(&disk.turn()?, 50);
    Ok(format!(
        "the worst cover of {all} slots, every second one erased, besides the one above: {nodes} nodes, \
         keyring {} bytes; a generation p50 {:.1} ms, of it the draft {:.3} ms; fdatasync p50 {sync:.2} \
         ms; above the bound: {}\n\n",
        house.keyring().file_bytes(),
        at(&generations, 50),
        at(&drafts, 50),
        house.keyring().file_bytes() > KEYRING_BYTES_MAX,
    ))
}

/// Slots derived from the root of their tree, through a kept inner node, and from the cache.
pub(crate) fn derivation(house: &House) -> Outcome<String> {
    let seg = house.segment(10_000, 0)?;
    let keyring = house.keyring();
    let mut text = String::from("| slot derivation | p50 µs | p99 µs |\n|---|--:|--:|\n");
    let far = |number: u32| SlotRef { seg, index: number * FAR };
    let near = |number: u32| SlotRef { seg, index: 1 + number };
    let kinds: [(&str, &dyn Fn(u32) -> SlotRef); 3] = [
        ("cold: 24 HMACs from the root", &far),
        ("neighbours: a kept inner node", &near),
        ("warm: from the cache", &near),
    ];
    for (what, slot) in kinds {
        let mut taken = Vec::new();
        for number in 0..DERIVED {
            let (secret, time) = timed(|| keyring.derive_slot(&slot(number)));
            drop(secret?);
            taken.push(time);
        }
        let micros = |percent| at(&taken, percent) * 1000.0;
        text += &format!("| {what} | {:.2} | {:.2} |\n", micros(50), micros(99));
    }
    text.push('\n');
    Ok(text)
}

fn slots(seg: SegmentId, order: &[u32], from: u32, count: u32) -> Vec<SlotRef> {
    let at = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    let taken = order.iter().skip(at(from)).take(at(count));
    taken.map(|index| SlotRef { seg, index: *index }).collect()
}

/// In any order, each as likely.
fn shuffle(order: &mut [u32]) {
    for last in (1..order.len()).rev() {
        let mut bytes = [0; 8];
        OsRandom.fill(&mut bytes);
        let number = u64::from_be_bytes(bytes) % (last as u64 + 1);
        order.swap(last, usize::try_from(number).unwrap_or_default());
    }
}
