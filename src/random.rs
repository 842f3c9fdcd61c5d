//! The only source of randomness, injected so that every test is deterministic.
//!
//! Nothing else in the tree may call a random generator (`clippy.toml` and `tests/tidy.rs`).

use parking_lot::Mutex;
use sha2::{Digest, Sha256};

/// Where random bytes come from.
pub trait Random: Send + Sync + 'static {
    /// Fills the whole buffer.
    fn fill(&self, buffer: &mut [u8]);
}

/// The operating system's generator. A vault that serves uses no other.
#[derive(Debug, Default, Clone, Copy)]
pub struct OsRandom;

impl Random for OsRandom {
    #[expect(
        clippy::panic,
        clippy::disallowed_methods,
        reason = "the one place that draws from the system; without the system's generator no key, id or salt can be made safely; there is nothing to fall back on"
    )]
    fn fill(&self, buffer: &mut [u8]) {
        if getrandom::fill(buffer).is_err() {
            panic!("the operating system's random generator failed");
        }
    }
}

/// A deterministic stream for tests: SHA-256(seed ‖ counter). Never for a vault that serves.
#[derive(Debug)]
pub struct SeededRandom {
    seed: u64,
    counter: Mutex<u64>,
}

impl SeededRandom {
    /// The stream of this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { seed, counter: Mutex::new(0) }
    }
}

impl Random for SeededRandom {
    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(32) {
            let mut counter = self.counter.lock();
            let block = Sha256::new()
                .chain_update(self.seed.to_be_bytes())
                .chain_update(counter.to_be_bytes())
                .finalize();
            *counter = counter.wrapping_add(1);
            for (out, byte) in chunk.iter_mut().zip(block) {
                *out = byte;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_stream_and_another_seed_another() {
        let draw = |seed| {
            let mut bytes = [0; 40];
            SeededRandom::new(seed).fill(&mut bytes);
            bytes
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }
}
