//! A shared secret that tells when its last holder has let it go.
//!
//! An erasure is acknowledged only after every opening begun before it has ended: the keyring keeps
//! the [`Lease`] of each slot secret in use, and a [`Gate`] waits for the leases of erased slots.
//! Invariant: a lease is over only after the secret's bytes have been wiped.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use parking_lot::{Condvar, Mutex};

use crate::secret::Secret;

/// Where a drain waits.
#[derive(Default)]
pub(crate) struct Gate {
    turn: Mutex<()>,
    ended: Condvar,
}

/// Tells whether a shared secret has been wiped.
#[derive(Clone)]
pub(crate) struct Lease(Arc<AtomicBool>);

/// A secret in shared use. Fields drop in this order: first the bytes, then the signal.
pub(crate) struct LeasedSecret {
    secret: Secret<32>,
    end: End,
}

struct End {
    over: Lease,
    gate: Arc<Gate>,
}

impl LeasedSecret {
    /// Shares a secret whose end is told to `gate`.
    pub(crate) fn new(secret: Secret<32>, gate: &Arc<Gate>) -> Self {
        let over = Lease(Arc::new(AtomicBool::new(false)));
        Self { secret, end: End { over, gate: Arc::clone(gate) } }
    }

    /// The bytes.
    pub(crate) fn secret(&self) -> &Secret<32> {
        &self.secret
    }

    /// What tells when the secret is gone.
    pub(crate) fn lease(&self) -> Lease {
        self.end.over.clone()
    }
}

impl Drop for End {
    fn drop(&mut self) {
        self.over.0.store(true, Ordering::Release);
        // Taking the lock orders this after a waiter's look at the flags, so no wake-up is lost.
        drop(self.gate.turn.lock());
        self.gate.ended.notify_all();
    }
}

impl Gate {
    /// Waits until all these leases are over; false when that takes longer than `limit`.
    pub(crate) fn drain(&self, leases: &[Lease], limit: Duration) -> bool {
        let mut turn = self.turn.lock();
        let busy = |(): &mut ()| leases.iter().any(|l| !l.0.load(Ordering::Acquire));
        !self.ended.wait_while_for(&mut turn, busy, limit).timed_out()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drain_without_leases_ends_at_once() {
        assert!(Gate::default().drain(&[], Duration::ZERO));
    }

    #[test]
    fn a_drain_waits_for_the_last_holder_and_gives_up_at_its_limit() {
        let gate = Arc::new(Gate::default());
        let held = Arc::new(LeasedSecret::new(Secret::from_bytes([1; 32]), &gate));
        let lease = held.lease();
        let second = Arc::clone(&held);
        assert!(!gate.drain(std::slice::from_ref(&lease), Duration::from_millis(1)));
        drop(held);
        let waiting = std::thread::spawn({
            let (gate, lease) = (Arc::clone(&gate), lease.clone());
            move || gate.drain(&[lease], Duration::from_secs(60))
        });
        drop(second);
        assert!(waiting.join().unwrap());
    }
}
