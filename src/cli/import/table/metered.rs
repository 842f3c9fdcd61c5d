//! A source that gives out so many bytes and then fails, until it is refilled; and that ends with a
//! newline even where its file does not.

use std::io::{self, Read};

use crate::limits;

/// Why it gave no more.
#[derive(Debug, thiserror::Error)]
#[error("a record is longer than a message may be")]
struct TooLong;

/// The source.
pub(super) struct Metered<R> {
    source: R,
    left: usize,
    last: u8,
}

impl<R: Read> Metered<R> {
    pub(super) fn new(source: R) -> Self {
        Self { source, left: limits::MESSAGE_BYTES_MAX, last: b'\n' }
    }

    /// Lets another record through.
    pub(super) fn refill(&mut self) {
        self.left = limits::MESSAGE_BYTES_MAX;
    }
}

/// Whether the meter ended this read.
pub(super) fn is_too_long(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|e| e.is::<TooLong>())
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = buffer.len().min(self.left);
        let Some(part) = buffer.get_mut(..room).filter(|part| !part.is_empty()) else {
            return if buffer.is_empty() { Ok(0) } else { Err(io::Error::other(TooLong)) };
        };
        let count = self.source.read(part)?;
        self.left = self.left.saturating_sub(count);
        match count.checked_sub(1).and_then(|last| part.get(last)) {
            Some(last) => self.last = *last,
            None if self.last != b'\n' => {
                self.last = b'\n';
                return (&b"\n"[..]).read(part);
            }
            None => {}
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_last_newline_gets_one_and_one_with_it_does_not() {
        for (text, read) in [("a\nb", "a\nb\n"), ("a\n", "a\n"), ("", "")] {
            let mut all = String::new();
            Metered::new(text.as_bytes()).read_to_string(&mut all).unwrap();
            assert_eq!(all, read);
        }
    }

    #[test]
    fn it_gives_a_message_and_no_byte_more_until_it_is_refilled() {
        let mut metered = Metered::new(io::repeat(b'x'));
        let mut buffer = vec![0; limits::MESSAGE_BYTES_MAX];
        metered.read_exact(&mut buffer).unwrap();
        let more = metered.read(&mut buffer).unwrap_err();
        assert!(is_too_long(&more) && !is_too_long(&io::Error::other("disk")));
        metered.refill();
        assert!(metered.read(&mut buffer).unwrap() > 0);
    }
}
