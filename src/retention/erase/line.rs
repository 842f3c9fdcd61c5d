//! Requests that wait for one another: whoever comes first writes a generation for all that wait.
//!
//! Nobody waits for more to come: while one generation is written, the next batch gathers by itself.
//! Invariant: every request that was queued is answered, by its own thread or by an earlier one.

use std::sync::{Arc, mpsc};

use parking_lot::Mutex;

use super::{EraseRequest, Erased};
use crate::{audit::AuditError, limits, retention::RetentionError};

type Answer = Result<Erased, Arc<RetentionError>>;

/// What somebody who waits is told.
enum Told {
    /// What became of his request.
    Answer(Answer),
    /// It is his turn to answer all that wait, himself among them.
    Lead,
}

struct Waiting {
    request: EraseRequest,
    reply: mpsc::SyncSender<Told>,
}

/// The requests that wait, and whether somebody answers them.
#[derive(Default)]
pub(in super::super) struct Line(Mutex<Queue>);

#[derive(Default)]
struct Queue {
    waiting: Vec<Waiting>,
    led: bool,
}

/// The turn, passed on to the first of those that wait when it ends, however it ends.
struct Lead<'a>(&'a Line);

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        let mut queue = self.0.0.lock();
        // Whoever is told so leads before he takes anything else from his channel.
        let next = queue.waiting.first().map(|next| next.reply.send(Told::Lead));
        queue.led = matches!(next, Some(Ok(())));
    }
}

impl Line {
    /// Has `erase` answer this request, with others that wait. Blocks.
    pub(in super::super) fn join(
        &self,
        request: EraseRequest,
        erase: impl Fn(Vec<EraseRequest>) -> Result<Vec<Erased>, RetentionError>,
    ) -> Answer {
        // Room for both things that one is ever told: nobody who tells waits.
        let (reply, told) = mpsc::sync_channel(2);
        let leads = {
            let mut queue = self.0.lock();
            queue.waiting.push(Waiting { request, reply });
            !std::mem::replace(&mut queue.led, true)
        };
        let mut lead = leads.then(|| Lead(self));
        loop {
            if let Some(turn) = lead.take() {
                let (requests, replies): (Vec<_>, Vec<_>) =
                    self.take().into_iter().map(|one| (one.request, one.reply)).unzip();
                tell(erase(requests), replies);
                drop(turn);
            }
            match told.recv() {
                Ok(Told::Answer(answer)) => return answer,
                Ok(Told::Lead) => lead = Some(Lead(self)),
                // Who led broke off: what became of it, the next start finds out.
                Err(_) => return Err(Arc::new(AuditError::Stopping.into())),
            }
        }
    }

    /// Those that wait, as many as one batch takes.
    fn take(&self) -> Vec<Waiting> {
        let waiting = &mut self.0.lock().waiting;
        let mut records = 0;
        let fits = |one: &&Waiting| {
            records += one.request.doomed.len();
            records <= limits::ERASE_BATCH_RECORDS_MAX
        };
        let number = waiting.iter().take_while(fits).count();
        let number = number.max(1).min(waiting.len());
        waiting.drain(..number).collect()
    }
}

/// A caller who went away has no ear for his answer.
fn tell(answers: Result<Vec<Erased>, RetentionError>, replies: Vec<mpsc::SyncSender<Told>>) {
    match answers {
        Ok(answers) => {
            for (reply, answer) in replies.into_iter().zip(answers) {
                let _ = reply.send(Told::Answer(Ok(answer)));
            }
        }
        Err(error) => {
            let error = Arc::new(error);
            for reply in replies {
                let _ = reply.send(Told::Answer(Err(Arc::clone(&error))));
            }
        }
    }
}
