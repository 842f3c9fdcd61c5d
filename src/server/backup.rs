//! The stream of `Admin.Backup`: one piece read, one piece sent, as fast as the caller takes them.
//!
//! One task per stream. It holds the store's snapshot, so it ends whatever its caller does: the way out
//! gives up an answer that nobody takes (`answer`), and no backup lasts longer than
//! `limits::BACKUP_MS_MAX`. The session is asked for again before every piece. Invariant: the totals are
//! sent only after the event of the end is durable; a stream that ends without them was cut.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::mpsc,
    time::{Instant, timeout_at},
};
use tonic::{Status, metadata::MetadataMap};

use super::{auth, convert, places::Place, status};
use crate::{
    client::reason::Reason,
    vault::{Backup, Vault, VaultError},
    wire::api::{self, backup_response::Part},
};

/// What the stream answers: parts, and at the end perhaps why it ended.
pub(super) type Answer = Result<api::BackupResponse, Status>;

/// One stream.
pub(super) struct Worker {
    vault: Arc<Vault>,
    metadata: MetadataMap,
    answers: mpsc::Sender<Answer>,
    /// Longest time, in milliseconds, and the instant at which it is over.
    bound_ms: u64,
    until: Instant,
    /// The place of one backup.
    _place: Place,
}

/// Why a stream ends before its totals.
enum End {
    /// Its caller went away.
    Gone,
    /// This is why.
    Refused(Box<Status>),
}

impl Worker {
    /// A stream that begins now and lasts for so many milliseconds at most.
    pub(super) fn new(
        vault: Arc<Vault>,
        metadata: MetadataMap,
        answers: mpsc::Sender<Answer>,
        (place, bound_ms): (Place, u64),
    ) -> Self {
        let until = Instant::now() + Duration::from_millis(bound_ms);
        Self { vault, metadata, answers, bound_ms, until, _place: place }
    }

    /// Sends the whole of it. Its events are in the log when this ends.
    pub(super) async fn run(self, backup: Backup) {
        let mut backup = Some(backup);
        let ended = self.send(&mut backup).await;
        let Err(end) = ended else { return };
        if let Some(backup) = backup {
            // An error: the runtime is ending, and with it the log.
            let _ = tokio::task::spawn_blocking(move || backup.cut()).await;
        }
        if let End::Refused(status) = end {
            // The snapshot is gone by now. A caller who takes nothing more is given up (`answer`).
            let _ = self.answers.send(Err(*status)).await;
        }
    }

    async fn send(&self, backup: &mut Option<Backup>) -> Result<(), End> {
        let head = backup.as_ref().map(|backup| convert::backup_head(backup.head()));
        self.give(head.map(Part::Head)).await?;
        loop {
            auth::session(&self.vault, &self.metadata).map_err(refused)?;
            let piece = step(backup, Backup::next_piece).await?;
            if piece.is_none() {
                break;
            }
            self.give(piece.map(Part::Rows)).await?;
        }
        let Some(whole) = backup.take() else { return Err(End::Gone) };
        let totals = tokio::task::spawn_blocking(move || whole.end()).await;
        let totals = totals.map_err(|_| End::Gone)?.map_err(|e| refused(e.into()))?;
        // Not bounded by the snapshot's time: that is gone by now.
        let part = Some(Part::Totals(convert::backup_totals(&totals)));
        self.answers.send(Ok(api::BackupResponse { part })).await.map_err(|_| End::Gone)
    }

    /// Waits until the caller takes it, for as long as the snapshot may be kept.
    async fn give(&self, part: Option<Part>) -> Result<(), End> {
        let sending = self.answers.send(Ok(api::BackupResponse { part }));
        match timeout_at(self.until, sending).await {
            Ok(sent) => sent.map_err(|_| End::Gone),
            Err(_) => {
                let limit = usize::try_from(self.bound_ms).unwrap_or(usize::MAX);
                let late = status::bound(Reason::Deadline, "milliseconds for a backup", limit);
                Err(refused(late))
            }
        }
    }
}

fn refused(status: Status) -> End {
    End::Refused(Box::new(status))
}

/// One step of a backup, off the async threads.
async fn step<T: Send + 'static>(
    backup: &mut Option<Backup>,
    work: impl FnOnce(&mut Backup) -> Result<T, VaultError> + Send + 'static,
) -> Result<T, End> {
    let Some(mut moved) = backup.take() else { return Err(End::Gone) };
    let done = tokio::task::spawn_blocking(move || {
        let outcome = work(&mut moved);
        (moved, outcome)
    });
    // An error: the step panicked, or the runtime is ending.
    let (moved, outcome) = done.await.map_err(|_| End::Gone)?;
    *backup = Some(moved);
    outcome.map_err(|error| refused(error.into()))
}
