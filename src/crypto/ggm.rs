//! The key tree of a segment: 2^24 leaves, each derived from the seed through 24 one-way steps
//! (Goldreich, Goldwasser and Micali 1986). Knowing a node gives every leaf below it and no other,
//! so keeping the siblings of a path and dropping the rest removes one leaf for good.
//!
//! Only derivation is here; which nodes are kept is `keyring::cover`'s business.

use crate::{
    crypto::{kdf, stack},
    ids::SegmentId,
    limits::SEGMENT_DEPTH,
    secret::Secret,
};

const NODE_LABEL: &[u8] = b"oubliette/v1/ggm";
const SLOT_LABEL: &[u8] = b"oubliette/v1/slot";

/// child_b = HMAC-SHA-256(node, "oubliette/v1/ggm" ‖ u8 b).
pub(crate) fn derive_child(node: &Secret<32>, right: bool) -> Secret<32> {
    kdf::hmac_secret(node, &[NODE_LABEL, &[u8::from(right)]])
}

/// The node at depth `to` above leaf `index`, derived from one at depth `from` (most significant bit
/// first). The caller has checked that the leaf is below that node. `None` unless `from` < `to`: the
/// node is its own.
pub(crate) fn derive_below(node: &Secret<32>, from: u8, to: u8, index: u32) -> Option<Secret<32>> {
    stack::wiped(|| {
        let mut below = None;
        for level in from..to.min(SEGMENT_DEPTH) {
            let right = index >> (SEGMENT_DEPTH - 1 - level) & 1 == 1;
            let child = derive_child(below.as_ref().unwrap_or(node), right);
            below = Some(child);
        }
        below
    })
}

/// slot secret = HMAC-SHA-256(leaf, "oubliette/v1/slot" ‖ seg_id16 ‖ u32 index).
pub(crate) fn derive_slot(leaf: &Secret<32>, seg: &SegmentId, index: u32) -> Secret<32> {
    stack::wiped(|| kdf::hmac_secret(leaf, &[SLOT_LABEL, seg.as_bytes(), &index.to_be_bytes()]))
}
