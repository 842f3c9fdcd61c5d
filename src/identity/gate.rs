//! The gate before Argon2id: one hashing at a time, few waiting, the rest told to come back.
//!
//! Each hashing takes 64 MiB and a good part of a second; without the gate, callers who are not even
//! logged in would decide how much memory and time the vault spends on them.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::IdentityError;
use crate::limits;

/// Lets one hashing run at a time, and few wait: each takes 64 MiB.
pub(super) struct HashGate {
    waiting: Arc<Semaphore>,
    turn: Arc<Semaphore>,
}

impl HashGate {
    /// A gate nobody waits at.
    pub(super) fn new() -> Self {
        Self {
            waiting: Arc::new(Semaphore::new(limits::LOGIN_QUEUE_MAX)),
            turn: Arc::new(Semaphore::new(1)),
        }
    }

    /// Runs `work` on a thread that may block, when its turn comes. Errors: `Busy` when
    /// [`limits::LOGIN_QUEUE_MAX`] wait already. A caller who goes away does not give its turn up
    /// before the work ends.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, IdentityError> {
        let place = self.waiting.clone().try_acquire_owned().map_err(|_| IdentityError::Busy)?;
        let turn = self.turn.clone().acquire_owned().await.map_err(|_| IdentityError::Busy)?;
        let worked = tokio::task::spawn_blocking(move || {
            let held = (place, turn);
            let done = work();
            drop(held);
            done
        });
        worked.await.map_err(|_| IdentityError::Unavailable)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    };

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn works_run_one_at_a_time() {
        let (gate, running) = (Arc::new(HashGate::new()), Arc::new(AtomicUsize::new(0)));
        let calls = (0..limits::LOGIN_QUEUE_MAX).map(|_| {
            let (gate, running) = (gate.clone(), running.clone());
            tokio::spawn(async move {
                let work = move || {
                    let others = running.fetch_add(1, Ordering::SeqCst);
                    std::thread::yield_now();
                    running.fetch_sub(1, Ordering::SeqCst);
                    others
                };
                gate.run(work).await
            })
        });
        for call in calls.collect::<Vec<_>>() {
            assert_eq!(call.await.unwrap(), Ok(0));
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_full_queue_is_busy_until_a_place_is_free_again() {
        let gate = Arc::new(HashGate::new());
        let (open, held) = mpsc::channel::<()>();
        let first = tokio::spawn({
            let gate = gate.clone();
            async move { gate.run(move || held.recv().is_ok()).await }
        });
        let others: Vec<_> = (1..limits::LOGIN_QUEUE_MAX)
            .map(|_| {
                tokio::spawn({
                    let gate = gate.clone();
                    async move { gate.run(|| ()).await }
                })
            })
            .collect();
        while gate.waiting.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(gate.run(|| ()).await, Err(IdentityError::Busy));
        open.send(()).unwrap();
        assert_eq!(first.await.unwrap(), Ok(true));
        for other in others {
            assert_eq!(other.await.unwrap(), Ok(()));
        }
        assert_eq!(gate.run(|| ()).await, Ok(()));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_caller_who_goes_away_keeps_the_turn_until_its_work_ends() {
        let gate = Arc::new(HashGate::new());
        let (open, held) = mpsc::channel::<()>();
        let (began, beginning) = mpsc::channel::<()>();
        let first = tokio::spawn({
            let gate = gate.clone();
            async move { gate.run(move || (began.send(()).is_ok(), held.recv().is_ok())).await }
        });
        tokio::task::spawn_blocking(move || beginning.recv()).await.unwrap().unwrap();
        first.abort();
        assert!(first.await.unwrap_err().is_cancelled());
        assert_eq!(gate.turn.available_permits(), 0);
        open.send(()).unwrap();
        assert_eq!(gate.run(|| 7).await, Ok(7));
    }
}
