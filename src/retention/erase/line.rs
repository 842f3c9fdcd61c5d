//! Requests that wait for one another: whoever comes first writes a generation for all that wait.
//!
//! Nobody waits for more to come: while one generation is written, the next batch gathers by itself.
//! Invariant: every request that was queued is answered, by its own thread or by an earlier one.

use std::sync::{Arc, mpsc};

use parking_lot::Mutex;

use super::{EraseRequest, Erased};
use crate::{limits, retention::RetentionError};

type Answer = Result<Erased, Arc<RetentionError>>;

struct Waiting {
    request: EraseRequest,
    reply: mpsc::SyncSender<Answer>,
}

/// The requests that wait, and the turn of the one who answers them.
#[derive(Default)]
pub(in super::super) struct Line {
    waiting: Mutex<Vec<Waiting>>,
    turn: Mutex<()>,
}

impl Line {
    /// Has `erase` answer this request, with others that wait. Blocks.
    pub(in super::super) fn join(
        &self,
        request: EraseRequest,
        erase: impl Fn(Vec<EraseRequest>) -> Result<Vec<Erased>, RetentionError>,
    ) -> Answer {
        let (reply, answer) = mpsc::sync_channel(1);
        self.waiting.lock().push(Waiting { request, reply });
        loop {
            let turn = self.turn.lock();
            // The turn before may have answered this request too.
            if let Ok(answer) = answer.try_recv() {
                return answer;
            }
            let (requests, replies): (Vec<_>, Vec<_>) =
                self.take().into_iter().map(|one| (one.request, one.reply)).unzip();
            tell(erase(requests), replies);
            drop(turn);
        }
    }

    /// Those that wait, as many as one batch takes.
    fn take(&self) -> Vec<Waiting> {
        let mut waiting = self.waiting.lock();
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
fn tell(answers: Result<Vec<Erased>, RetentionError>, replies: Vec<mpsc::SyncSender<Answer>>) {
    match answers {
        Ok(answers) => {
            for (reply, answer) in replies.into_iter().zip(answers) {
                let _ = reply.send(Ok(answer));
            }
        }
        Err(error) => {
            let error = Arc::new(error);
            for reply in replies {
                let _ = reply.send(Err(Arc::clone(&error)));
            }
        }
    }
}
