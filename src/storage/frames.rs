//! Rows as bytes: u32 key length ‖ key ‖ u32 value length ‖ value, one after the other, big-endian.
//!
//! This is how rows travel to a backup and lie in its files. A row may be cut anywhere between two
//! pieces; [`Frames`] puts it together again. It knows nothing of what a row means.
//! Invariant: never more than one row and one piece is in memory.

use super::Row;
use crate::limits;

/// Why bytes are not rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// A length that no row has.
    #[error("a row would be longer than any row is")]
    TooLong,
    /// The bytes end inside a row.
    #[error("it ends inside a row")]
    Cut,
    /// A key that is not greater than the one before.
    #[error("its rows are not in the order of their keys")]
    Order,
}

/// Appends a row.
///
/// Errors: [`FrameError::TooLong`], and then nothing was appended.
pub fn append(bytes: &mut Vec<u8>, (key, value): &Row) -> Result<(), FrameError> {
    let length = |part: &[u8]| {
        let fits = part.len() <= limits::BACKUP_ROW_BYTES_MAX;
        u32::try_from(part.len()).ok().filter(|_| fits).ok_or(FrameError::TooLong)
    };
    let (key_length, value_length) = (length(key)?, length(value)?);
    bytes.extend_from_slice(&key_length.to_be_bytes());
    bytes.extend_from_slice(key);
    bytes.extend_from_slice(&value_length.to_be_bytes());
    bytes.extend_from_slice(value);
    Ok(())
}

/// Rows out of pieces of bytes.
#[derive(Debug, Default)]
pub struct Frames {
    /// What is not read yet, from `at` on.
    bytes: Vec<u8>,
    at: usize,
    /// The key of the row before.
    last: Option<Vec<u8>>,
}

impl Frames {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next piece.
    pub fn push(&mut self, piece: &[u8]) {
        self.bytes.drain(..self.at);
        self.at = 0;
        self.bytes.extend_from_slice(piece);
    }

    /// The next whole row; `None` until another piece is there.
    ///
    /// Errors: [`FrameError::TooLong`], [`FrameError::Order`].
    #[expect(clippy::should_implement_trait, reason = "an iterator would not say why it ends")]
    pub fn next(&mut self) -> Result<Option<Row>, FrameError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let Some((key, after_key)) = part(rest)? else { return Ok(None) };
        let Some((value, after)) = part(after_key)? else { return Ok(None) };
        if self.last.as_deref().is_some_and(|last| last >= key) {
            return Err(FrameError::Order);
        }
        let row = (key.to_vec(), value.to_vec());
        self.at = self.bytes.len().saturating_sub(after.len());
        self.last = Some(row.0.clone());
        Ok(Some(row))
    }

    /// Nothing is left over.
    ///
    /// Errors: [`FrameError::Cut`].
    pub fn end(&self) -> Result<(), FrameError> {
        if self.at == self.bytes.len() { Ok(()) } else { Err(FrameError::Cut) }
    }
}

/// So many bytes, and what follows.
type Part<'a> = (&'a [u8], &'a [u8]);

/// One length and as many bytes, and what follows; `None` if not all of it is there.
fn part(bytes: &[u8]) -> Result<Option<Part<'_>>, FrameError> {
    let Some((length, rest)) = bytes.split_first_chunk() else { return Ok(None) };
    let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| FrameError::TooLong)?;
    if length > limits::BACKUP_ROW_BYTES_MAX {
        return Err(FrameError::TooLong);
    }
    Ok(rest.split_at_checked(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Row> {
        vec![
            (b"a".to_vec(), Vec::new()),
            (b"b".to_vec(), vec![7; 1000]),
            (b"ba".to_vec(), b"value".to_vec()),
        ]
    }

    fn bytes() -> Vec<u8> {
        let mut bytes = Vec::new();
        rows().iter().for_each(|row| append(&mut bytes, row).unwrap());
        bytes
    }

    #[test]
    fn rows_cut_into_pieces_of_any_size_are_put_together_again() {
        for size in [1, 2, 3, 7, 900, 5000] {
            let (mut frames, mut found) = (Frames::new(), Vec::new());
            for piece in bytes().chunks(size) {
                frames.push(piece);
                while let Some(row) = frames.next().unwrap() {
                    found.push(row);
                }
            }
            assert_eq!((found, frames.end()), (rows(), Ok(())), "{size}");
        }
    }

    #[test]
    fn an_end_inside_a_row_and_keys_out_of_order_are_told() {
        let whole = bytes();
        for cut in 1..whole.len() {
            let mut frames = Frames::new();
            frames.push(&whole[..cut]);
            let read = std::iter::from_fn(|| frames.next().unwrap()).count();
            let between = [9, 9 + 4 + 1 + 4 + 1000].contains(&cut);
            assert_eq!(frames.end().is_ok(), between, "{cut}: {read} rows");
        }
        for second in [b"a".to_vec(), b"Z".to_vec()] {
            let mut bytes = Vec::new();
            append(&mut bytes, &(b"a".to_vec(), Vec::new())).unwrap();
            append(&mut bytes, &(second, Vec::new())).unwrap();
            let mut frames = Frames::new();
            frames.push(&bytes);
            assert!(frames.next().unwrap().is_some());
            assert_eq!(frames.next(), Err(FrameError::Order));
        }
    }

    #[test]
    fn a_row_of_the_largest_size_is_taken_and_one_byte_more_is_refused_both_ways() {
        let largest = (b"k".to_vec(), vec![0; limits::BACKUP_ROW_BYTES_MAX]);
        let mut bytes = Vec::new();
        append(&mut bytes, &largest).unwrap();
        let mut frames = Frames::new();
        frames.push(&bytes);
        assert_eq!(frames.next().unwrap().map(|(_, value)| value.len()), Some(largest.1.len()));
        let larger = (largest.0, vec![0; limits::BACKUP_ROW_BYTES_MAX + 1]);
        let mut none = Vec::new();
        assert_eq!(append(&mut none, &larger), Err(FrameError::TooLong));
        assert!(none.is_empty());
        let claimed = u32::try_from(limits::BACKUP_ROW_BYTES_MAX + 1).unwrap();
        frames.push(&claimed.to_be_bytes());
        assert_eq!(frames.next(), Err(FrameError::TooLong));
    }
}
