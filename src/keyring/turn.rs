//! Whose turn it is to write the next generation: one at a time, from draft to publication.
//!
//! A turn is owned, not borrowed, so that a draft can move to another thread.

use std::sync::Arc;

use parking_lot::{Condvar, Mutex};

/// Lets one turn in at a time.
#[derive(Default)]
pub(crate) struct Turnstile {
    busy: Mutex<bool>,
    free: Condvar,
}

/// The turn, ended on drop.
pub(crate) struct Turn(Arc<Turnstile>);

impl Turnstile {
    /// Waits for the turn.
    pub(crate) fn enter(self: &Arc<Self>) -> Turn {
        let mut busy = self.busy.lock();
        self.free.wait_while(&mut busy, |busy| *busy);
        *busy = true;
        Turn(Arc::clone(self))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *self.0.busy.lock() = false;
        self.0.free.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[test]
    fn turns_come_one_after_the_other() {
        let turnstile = Arc::new(Turnstile::default());
        let inside = Arc::new(AtomicU32::new(0));
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let (turnstile, inside) = (Arc::clone(&turnstile), Arc::clone(&inside));
                std::thread::spawn(move || {
                    for _ in 0..100 {
                        let turn = turnstile.enter();
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                        inside.fetch_sub(1, Ordering::SeqCst);
                        drop(turn);
                    }
                })
            })
            .collect();
        assert!(threads.into_iter().all(|thread| thread.join().is_ok()));
    }
}
