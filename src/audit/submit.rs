//! A call into the queue and its answer out of it, for tasks and for threads.
//!
//! Nothing is decided here. Invariant: a caller whose committer is gone is told that the log is
//! unwritable; it never waits for ever.

use std::sync::mpsc;

use tokio::sync::oneshot;

use super::{
    error::AuditError,
    queue::{Answer, Call, Reply, Waiting},
    shared::Shared,
};

/// Queues a call and awaits its answer.
pub(super) async fn submit(shared: &Shared, call: Call) -> Answer {
    let (sender, receiver) = oneshot::channel();
    shared.queue.push(Waiting { call, reply: Reply::Task(sender) }).await?;
    receiver.await.unwrap_or(Err(AuditError::Unwritable))
}

/// Queues a call and blocks this thread for its answer.
pub(super) fn submit_blocking(shared: &Shared, call: Call) -> Answer {
    let (sender, receiver) = mpsc::sync_channel(1);
    shared.queue.push_blocking(Waiting { call, reply: Reply::Thread(sender) })?;
    receiver.recv().unwrap_or(Err(AuditError::Unwritable))
}
