//! The memory of the running server after an erasure: which key material and which plaintext is left in it.
//!
//! The server writes its own memory when the shim asks for it: every writable mapping, so heap, stacks and
//! anonymous pages, but no register. Nobody else may read it without being root, since the program makes
//! itself undumpable. The examiner knows what to look for, because he copied a place before the erasure.
//! Keys are looked for as they are, and as what HMAC makes of them (xor of its two pads, and the state of
//! SHA-256 after each), in which form they are as good.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    examiner::Examiner,
    formats::{self, Address, Id, Key, section_keys},
    rows,
    scene::{self, Scene},
    search::Needles,
};

/// What is below a stack; below a heap of threads there is far more.
const GUARD_BYTES_MAX: u64 = 64 * 1024;

/// What stands in memory, by what it is and what kind of mapping it stands in.
type Found = BTreeMap<(&'static str, &'static str), usize>;

/// What the examiner looks for.
#[derive(Default)]
struct Wanted(Vec<(Vec<u8>, &'static str)>);

impl Wanted {
    fn key(&mut self, key: &Key, what: &'static str) {
        self.0.push((key.to_vec(), what));
        for pad in [0x36, 0x5c] {
            let mut block = [pad; 64];
            block.iter_mut().zip(key).for_each(|(out, byte)| *out ^= byte);
            self.0.push((block[..32].to_vec(), what));
            self.0.push((formats::sha256_state(&block), what));
        }
    }

    /// Slot secret, and key and what is between them of each section of a record.
    fn record(&mut self, scene: &Scene, examiner: &Examiner, id: &Id, what: [&'static str; 3]) {
        let row = scene.row_of(id);
        let slot = examiner.slots(&row.seg, row.index).into_iter().next().expect("its slot");
        self.key(&slot, what[0]);
        for (class, section) in scene.sections_of(id).chain([("_head", row.head.as_slice())]) {
            let (vault, seg, index) = (&examiner.vault, &row.seg, row.index);
            let (collection, record, version) = ("cases", id, 1);
            let at = Address { vault, seg, index, collection, record, class, version };
            let keys = section_keys(&slot, &at, section).unwrap();
            self.key(&keys.key, what[1]);
            self.key(&keys.extracted, what[2]);
        }
    }

    fn text(&mut self, text: String, what: &'static str) {
        self.0.push((text.into_bytes(), what));
    }
}

/// What of this stands in a dump.
fn find(wanted: Wanted, (dump, maps): &(Vec<u8>, String)) -> Found {
    let needles = Needles::new(wanted.0);
    let (mut found, mut rest) = (Found::new(), dump.as_slice());
    while let Some((head, more)) = rest.split_first_chunk::<16>() {
        let number = |at: usize| u64::from_ne_bytes(head[at..at + 8].try_into().unwrap());
        let (from, length) = (number(0), usize::try_from(number(8)).unwrap());
        let (pages, more) = more.split_at(length);
        for (_, what) in needles.find(pages) {
            *found.entry((what, kind_of(maps, from))).or_default() += 1;
        }
        rest = more;
    }
    found
}

/// What kind of mapping an address lies in.
fn kind_of(maps: &str, address: u64) -> &'static str {
    let hex = |text: &str| u64::from_str_radix(text, 16).unwrap();
    let ends = |line: &str| {
        let (from, to) = line.split(' ').next().unwrap().split_once('-').unwrap();
        (hex(from), hex(to))
    };
    let lines: Vec<&str> = maps.lines().collect();
    let holds = |line: &&str| (ends(line).0..ends(line).1).contains(&address);
    let at = lines.iter().position(holds).expect("a mapping of the list");
    // Below the stack of each thread lies a page or two that nobody may touch.
    let guarded = at > 0 && {
        let (from, to) = ends(lines[at - 1]);
        lines[at - 1].contains(" ---p ") && to == ends(lines[at]).0 && to - from <= GUARD_BYTES_MAX
    };
    match lines[at].split_whitespace().nth(5) {
        Some("[heap]") => "heap",
        Some("[stack]") => "stack",
        None if guarded => "stack of a thread",
        None => "heap of threads",
        Some(_) => "file",
    }
}

fn total(found: &Found, what: &str) -> usize {
    found.iter().filter(|((w, _), _)| *w == what).map(|(_, n)| n).sum()
}

#[test]
fn after_an_erasure_the_memory_of_the_server_holds_no_key_that_opens_what_was_erased() {
    let mut scene = Scene::founded(false);
    let ids = scene.file(300, "2020-11-23");
    scene.house.terminate();
    scene.look();
    scene.house.serve();
    for agent in ["med-974", "desk-974"] {
        scene.house.login(agent);
    }
    let (gone, live) = ids[..100].split_at(50);
    for id in gone.iter().chain(live).step_by(5) {
        let shown = scene.reveal(id);
        assert!(shown.out.contains(scene::name(scene.truth[id].number).as_str()), "{}", shown.err);
    }
    // The examiner as of before, from copies: this is what nobody may have kept.
    let kept: Vec<_> = scene
        .house
        .places()
        .iter()
        .zip(["old-a", "old-b"])
        .map(|(place, name)| {
            let copy = scene.house.path(name);
            rows::copy(place, &copy);
            copy
        })
        .collect();
    let before = Examiner::with(&scene.house.root(), &kept, &kept[0], false);
    let moved = &ids[100..110];
    moved.iter().for_each(|id| scene.update_and_forget(id));
    scene.erase(gone);
    let dump = scene.house.dump();
    let after = scene.examiner(false);

    let wanted = wanted(&scene, (gone, live, moved), (&before, &after));
    let found = find(wanted, &dump);
    println!("{} bytes of memory that is not zero", dump.0.len());
    for ((what, place), count) in &found {
        println!("  {what:<32} {place:<18} {count}");
    }
    for what in ["root key", "node of a tree in force"] {
        assert!(total(&found, what) > 0, "{what} must be found, or the rest proves nothing");
    }
    for what in PROMISED {
        assert_eq!(total(&found, what), 0, "{what} is in memory");
    }
}

/// What is promised to be wiped when an erasure is acknowledged.
const PROMISED: [&str; 10] = [
    "erased: slot secret",
    "erased: node above it",
    "erased: section key",
    "erased: extracted key",
    "left: slot secret",
    "left: node above it",
    "left: section key",
    "left: extracted key",
    "generation key of before",
    "node of a tree of before",
];

/// Everything looked for.
fn wanted(
    scene: &Scene,
    (gone, live, moved): (&[Id], &[Id], &[Id]),
    (before, after): (&Examiner, &Examiner),
) -> Wanted {
    let mut wanted = Wanted::default();
    let in_force: BTreeSet<Key> = nodes_of(after).collect();
    for id in gone {
        let what = ["erased: slot secret", "erased: section key", "erased: extracted key"];
        wanted.record(scene, before, id, what);
        let row = scene.row_of(id);
        for node in before.way(&row.seg, row.index) {
            wanted.key(&node, "erased: node above it");
        }
        let number = scene.truth[id].number;
        wanted.text(scene::name(number), "erased: plaintext, a name");
        wanted.text(scene::street(number, 1), "erased: plaintext, a street");
    }
    for id in moved {
        let what = ["left: slot secret", "left: section key", "left: extracted key"];
        wanted.record(scene, before, id, what);
        let row = scene.row_of(id);
        for node in before.way(&row.seg, row.index) {
            wanted.key(&node, "left: node above it");
        }
    }
    for id in live {
        let what = ["live: slot secret", "live: section key", "live: extracted key"];
        wanted.record(scene, before, id, what);
        wanted.text(scene::name(scene.truth[id].number), "live: plaintext, a name");
    }
    for (generation, key) in &before.generation_keys {
        assert!(!after.generation_keys.contains_key(generation));
        wanted.key(key, "generation key of before");
    }
    for key in after.generation_keys.values() {
        wanted.key(key, "generation key in force");
    }
    wanted.key(&scene.house.root(), "root key");
    for key in nodes_of(before).filter(|key| !in_force.contains(key)) {
        wanted.key(&key, "node of a tree of before");
    }
    for key in &in_force {
        wanted.key(key, "node of a tree in force");
    }
    wanted
}

/// Nodes of the trees that the examiner's newest keyring holds.
fn nodes_of(examiner: &Examiner) -> impl Iterator<Item = Key> {
    let keys = examiner.newest().keys().into_iter();
    keys.filter(|(_, what)| *what == "node of a tree").map(|(key, _)| key)
}

#[test]
fn a_key_in_memory_is_found_in_each_form_and_its_mapping_is_named_and_half_of_one_is_not() {
    let key: Key = std::array::from_fn(|i| u8::try_from(i * 5 + 3).unwrap());
    let maps = "1000-3000 ---p 0 00:00 0\n3000-9000 rw-p 0 00:00 0\n\
        a000-b000 rw-p 0 00:00 0 [heap]\nc0000-d0000 rw-p 0 00:00 0\n";
    let in_memory = |at: u64, bytes: &[u8]| {
        let mut wanted = Wanted::default();
        wanted.key(&key, "a key");
        let page = [&[7; 100][..], bytes, &[7; 100]].concat();
        let length = u64::try_from(page.len()).unwrap();
        let dump = [&at.to_ne_bytes(), &length.to_ne_bytes(), page.as_slice()].concat();
        find(wanted, &(dump, maps.to_owned()))
    };
    let padded = |pad: u8| {
        let mut block = [pad; 64];
        block.iter_mut().zip(key).for_each(|(out, byte)| *out ^= byte);
        block
    };
    for form in [
        key.to_vec(),
        padded(0x36).to_vec(),
        padded(0x5c)[..32].to_vec(),
        formats::sha256_state(&padded(0x36)),
        formats::sha256_state(&padded(0x5c)),
    ] {
        for (at, kind) in
            [(0x3000, "stack of a thread"), (0xa000, "heap"), (0xc0000, "heap of threads")]
        {
            assert_eq!(in_memory(at, &form), Found::from([(("a key", kind), 1)]));
        }
        assert_eq!(in_memory(0xa000, &form[..16]), Found::new());
    }
}
