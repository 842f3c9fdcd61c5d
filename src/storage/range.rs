//! The key ranges of a scan, the same for every engine. It reads nothing.

use std::ops::Bound;

/// Keys from one, included, to another, left out, or to the end of everything.
pub(super) type KeyRange = (Bound<Vec<u8>>, Bound<Vec<u8>>);

/// What a forward scan reads: keys with the prefix, strictly after `after`. `None`: no key at all;
/// engines differ in what they make of an end before the beginning.
pub(super) fn forward(prefix: &[u8], after: Option<&[u8]>) -> Option<KeyRange> {
    let from = match after {
        // The smallest key after `after` is `after` with one zero byte.
        Some(after) if after >= prefix => [after, &[0]].concat(),
        _ => prefix.to_vec(),
    };
    between(from, after_all(prefix))
}

/// What a backward scan reads: keys with the prefix, strictly before `before`. `None` as in [`forward`].
pub(super) fn backward(prefix: &[u8], before: Option<&[u8]>) -> Option<KeyRange> {
    let end = match (before, after_all(prefix)) {
        (Some(before), Some(end)) => Some(end.min(before.to_vec())),
        (Some(before), None) => Some(before.to_vec()),
        (None, end) => end,
    };
    between(prefix.to_vec(), end)
}

fn between(from: Vec<u8>, end: Option<Vec<u8>>) -> Option<KeyRange> {
    match end {
        Some(end) if end <= from => None,
        Some(end) => Some((Bound::Included(from), Bound::Excluded(end))),
        None => Some((Bound::Included(from), Bound::Unbounded)),
    }
}

/// The smallest key greater than every key with this prefix; `None` if there is none.
fn after_all(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if let Some(next) = last.checked_add(1) {
            end.push(next);
            return Some(end);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::ops::Bound;

    use super::{KeyRange, backward, forward};

    fn until(from: &[u8], end: &[u8]) -> Option<KeyRange> {
        Some((Bound::Included(from.to_vec()), Bound::Excluded(end.to_vec())))
    }

    fn to_the_end(from: &[u8]) -> Option<KeyRange> {
        Some((Bound::Included(from.to_vec()), Bound::Unbounded))
    }

    #[test]
    fn a_forward_range_goes_on_after_its_cursor_and_ends_with_its_prefix() {
        assert_eq!(forward(b"a", None), until(b"a", b"b"));
        assert_eq!(forward(b"a", Some(b"a7")), until(b"a7\0", b"b"));
        assert_eq!(forward(b"a", Some(b"A")), until(b"a", b"b"), "a cursor before the prefix");
        assert_eq!(forward(b"a", Some(b"b")), None, "a cursor behind the prefix");
    }

    #[test]
    fn a_backward_range_ends_at_its_prefix() {
        assert_eq!(backward(b"a", None), until(b"a", b"b"));
        assert_eq!(backward(b"a", Some(b"a7")), until(b"a", b"a7"));
        assert_eq!(backward(b"a", Some(b"c")), until(b"a", b"b"), "a cursor behind the prefix");
        assert_eq!(backward(b"a", Some(b"a")), None);
        assert_eq!(backward(b"a", Some(b"A")), None, "a cursor before the prefix");
    }

    #[test]
    fn a_prefix_of_the_greatest_bytes_has_no_end() {
        assert_eq!(forward(b"\xff\xff", None), to_the_end(b"\xff\xff"));
        assert_eq!(forward(b"", None), to_the_end(b""));
        assert_eq!(forward(b"a\xff", None), until(b"a\xff", b"b"));
        assert_eq!(backward(b"", Some(b"x")), until(b"", b"x"));
    }
}
