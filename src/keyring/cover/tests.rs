//! Covers against the vectors and against a naive model: the set of leaves that live.

use sha2::{Digest, Sha256};

use super::*;
use crate::random::{Random, SeededRandom};

fn seed() -> Secret<32> {
    Secret::filled(|bytes| bytes.iter_mut().zip(0..).for_each(|(b, i)| *b = i))
}

fn leaf_of(cover: &Cover, index: u32) -> [u8; 32] {
    *cover.above(index).unwrap().leaf(index).key.expose()
}

#[test]
fn covers_after_puncturing_equal_the_vectors_in_any_order() {
    let all = crate::crypto::tests::vectors();
    let cases = all["tree"]["cover_after_puncturing"].as_array().unwrap().clone();
    assert_eq!(cases.len(), 5);
    for case in cases {
        let punctured: BTreeSet<u32> = serde_json::from_value(case["punctured"].clone()).unwrap();
        let at_once = Cover::whole(seed()).puncture(&punctured);
        let one_by_one = punctured
            .iter()
            .rev()
            .fold(Cover::whole(seed()), |cover, index| cover.puncture(&BTreeSet::from([*index])));
        for cover in [at_once, one_by_one] {
            assert_eq!(u64::try_from(cover.len()).unwrap(), case["nodes"].as_u64().unwrap());
            let sum = Sha256::digest(cover.encode());
            assert_eq!(hex::encode(sum), case["sha256_of_nodes"].as_str().unwrap());
            for (node, expected) in
                [(cover.0.first(), &case["first"]), (cover.0.last(), &case["last"])]
            {
                let node = node.unwrap();
                let found =
                    serde_json::json!([node.depth, node.prefix, hex::encode(node.key.expose())]);
                assert_eq!(&found, expected);
            }
        }
    }
}

#[test]
fn an_erased_slot_is_gone_and_its_neighbour_keeps_its_secret() {
    let seg = SegmentId::from_bytes([1; 16]);
    let whole = Cover::whole(seed());
    let cover = whole.puncture(&BTreeSet::from([5]));
    assert!(cover.derive_slot(&seg, 5).is_none());
    let (before, after) = (whole.derive_slot(&seg, 4), cover.derive_slot(&seg, 4));
    assert!(before.unwrap().ct_eq(&after.unwrap()));
    assert!(whole.is_whole() && !cover.is_whole());
    assert!(!whole.reaches(SEGMENT_SLOTS));
}

#[test]
fn keeping_only_some_slots_erases_all_others() {
    let whole = Cover::whole(seed());
    let kept = whole.puncture(&BTreeSet::from([9])).keep_only(&BTreeSet::from([3, 9, 16_777_215]));
    assert!(kept.reaches(3) && kept.reaches(16_777_215));
    assert!(!kept.reaches(2) && !kept.reaches(9));
    assert_eq!(kept.len(), 2);
    assert_eq!(leaf_of(&kept, 3), leaf_of(&whole, 3));
}

#[test]
fn random_erasures_agree_with_a_naive_model() {
    const UNIVERSE: u32 = 256;
    let random = SeededRandom::new(7);
    let draw = |below: u32| {
        let mut bytes = [0; 4];
        random.fill(&mut bytes);
        u32::from_be_bytes(bytes) % below
    };
    // Leaves at both ends of the tree, so that both children of every level are used.
    let leaf = |n: u32| if n.is_multiple_of(2) { n / 2 } else { SEGMENT_SLOTS - 1 - n / 2 };
    let whole = Cover::whole(seed());
    for _ in 0..20 {
        let mut cover = whole.clone();
        let mut model: BTreeSet<u32> = (0..UNIVERSE).map(leaf).collect();
        for step in 0..30 {
            let count = draw(12);
            let picked: BTreeSet<u32> = (0..count).map(|_| leaf(draw(UNIVERSE))).collect();
            if step == 25 {
                cover = cover.keep_only(&picked);
                model.retain(|index| picked.contains(index));
            } else {
                cover = cover.puncture(&picked);
                model.retain(|index| !picked.contains(index));
            }
            cover = Cover::decode(&cover.encode()).unwrap();
        }
        for index in (0..UNIVERSE).map(leaf) {
            assert_eq!(cover.reaches(index), model.contains(&index), "leaf {index}");
            if model.contains(&index) {
                assert_eq!(leaf_of(&cover, index), leaf_of(&whole, index));
            }
        }
    }
}

#[test]
fn a_whole_subtree_erased_leaf_by_leaf_leaves_no_node_of_it() {
    let cover =
        (0..8).fold(Cover::whole(seed()), |cover, index| cover.puncture(&BTreeSet::from([index])));
    assert_eq!(cover.len(), 21);
    assert_eq!(cover.encode(), Cover::whole(seed()).puncture(&(0..8).collect()).encode());
}

#[test]
fn a_cover_reads_back_and_a_damaged_one_does_not() {
    let bytes = Cover::whole(seed()).puncture(&BTreeSet::from([5, 9])).encode();
    assert_eq!(Cover::decode(&bytes).unwrap().encode(), bytes);
    assert!(Cover::decode(&[]).is_some_and(|empty| !empty.reaches(0)));
    assert!(Cover::decode(&bytes[1..]).is_none());
    let mut too_deep = bytes.clone();
    too_deep[0] = 25;
    assert!(Cover::decode(&too_deep).is_none());
    let mut beyond = bytes.clone();
    beyond[1] = 0xff;
    assert!(Cover::decode(&beyond).is_none());
    let (first, rest) = bytes.split_at(NODE_BYTES);
    assert!(Cover::decode(&[rest, first].concat()).is_none());
    assert!(Cover::decode(&[first, first, rest].concat()).is_none());
}
