//! Sends what is read, takes the answers, and goes on after a cut: every record that is not answered
//! is sent again, in a new stream, with the request id it had.
//!
//! Invariants: no line is reported twice or left out; a record keeps its request id; no more is kept
//! than the window holds. A cut is bounded: as soon as an answer comes the count begins anew.

use std::future::Future;

use tokio::sync::mpsc;

use super::{
    Failure,
    read::Read,
    window::{Faulty, Sent, Window},
};
use crate::{
    cli::again::{Sleeper, delay_ms},
    client::{
        ClientError,
        types::{Created, ImportItem, Imported, ItemRefusal},
    },
    limits,
};

/// Where streams are opened.
pub(super) trait Vault {
    /// One stream.
    type Call: Call;
    /// Opens a stream. That nobody answers shows in its answers.
    fn open(&mut self) -> Self::Call;
}

/// One stream.
pub(super) trait Call {
    /// Sends a record. There is room for a window; a cut shows in the answers.
    fn send(&mut self, item: ImportItem);
    /// Says that no more come.
    fn finish(&mut self);
    /// The next answer; `None` when the vault has ended the stream. Dropping the future loses nothing.
    fn next(&mut self) -> impl Future<Output = Result<Option<Imported>, ClientError>>;
}

/// Who is told what became of each line.
pub(super) trait Report {
    /// A record was filed, now or by an earlier run.
    fn filed(&mut self, sent: &Sent, created: &Created) -> Result<(), Failure>;
    /// A record was refused.
    fn refused(&mut self, sent: &Sent, refusal: &ItemRefusal) -> Result<(), Failure>;
    /// A line was no record.
    fn faulty(&mut self, faulty: &Faulty) -> Result<(), Failure>;
    /// The stream was cut after an answer and will be opened again, as often as it takes.
    fn cut(&mut self, error: &ClientError);
}

/// Why an import ended before its end.
pub(super) enum Stopped {
    /// Something here failed: reading, or writing of results.
    Here(Failure),
    /// The vault does not answer, or refuses the stream itself.
    There(ClientError),
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Self {
        Self::Here(failure)
    }
}

/// One import.
pub(super) struct Engine<'a, V: Vault, S: Sleeper, R: Report> {
    vault: V,
    sleeper: &'a S,
    report: &'a mut R,
    source: mpsc::Receiver<Read>,
    /// A line that does not read ends the import.
    strict: bool,
    window: Window,
    call: Option<V::Call>,
    /// Records sent in this stream.
    sent: u64,
    /// Records after which a new stream begins.
    roll: u64,
    /// Nothing more is read.
    ended: bool,
    /// Why nothing more is read, if it was not the end of the file.
    failure: Option<Failure>,
    /// Cuts since the last answer.
    cuts: u32,
}

enum Event {
    Read(Option<Read>),
    Answer(Result<Option<Imported>, ClientError>),
}

impl<'a, V: Vault, S: Sleeper, R: Report> Engine<'a, V, S, R> {
    pub(super) fn new(
        vault: V,
        source: mpsc::Receiver<Read>,
        sleeper: &'a S,
        report: &'a mut R,
        strict: bool,
    ) -> Self {
        Self {
            vault,
            sleeper,
            report,
            source,
            strict,
            window: Window::default(),
            call: None,
            sent: 0,
            roll: limits::IMPORT_STREAM_ROLL_RECORDS,
            ended: false,
            failure: None,
            cuts: 0,
        }
    }

    /// Files everything.
    pub(super) async fn run(mut self) -> Result<(), Stopped> {
        loop {
            while let Some(faulty) = self.window.pop_faulty() {
                self.report.faulty(&faulty)?;
            }
            self.send_put_off().await;
            if self.window.is_empty() {
                if self.ended {
                    return self.failure.map_or(Ok(()), |failure| Err(failure.into()));
                }
                // All is answered: the moment to begin the next stream, if this one is long enough.
                if self.sent >= self.roll {
                    self.call = None;
                }
            }
            match self.event().await {
                Event::Read(Some(Read::Record(sent))) => self.send(*sent),
                Event::Read(Some(Read::Faulty(faulty))) => self.faulty(faulty),
                Event::Read(Some(Read::Failed(failure))) => {
                    self.failure = Some(failure);
                    self.end();
                }
                Event::Read(None) => self.end(),
                Event::Answer(Ok(Some(answer))) => self.answered(answer)?,
                Event::Answer(Ok(None)) => self.cut(ClientError::StreamEnded).await?,
                Event::Answer(Err(error)) => self.cut(error).await?,
            }
        }
    }

    /// What comes first: a line, while there is room, or an answer, while one is due.
    async fn event(&mut self) -> Event {
        let long = self.call.is_some() && self.sent >= self.roll;
        let room = !self.ended && self.window.has_room() && !long;
        let (source, call) = (&mut self.source, &mut self.call);
        let answer = async {
            match call {
                Some(call) => call.next().await,
                // A record is never unanswered without a stream.
                None => Ok(None),
            }
        };
        // Reading first keeps the window full; when it is, answers come.
        tokio::select! {
            biased;
            read = source.recv(), if room => Event::Read(read),
            answer = answer, if self.window.waiting() > 0 => Event::Answer(answer),
            // There is always one of the two to wait for; if not, a new stream is.
            else => Event::Answer(Ok(None)),
        }
    }

    fn send(&mut self, sent: Sent) {
        if self.call.is_none() {
            self.open();
        }
        if let Some(call) = &mut self.call {
            call.send(sent.item.clone());
        }
        self.sent = self.sent.saturating_add(1);
        self.window.push(sent);
    }

    fn faulty(&mut self, faulty: Faulty) {
        self.window.push_faulty(faulty);
        if self.strict {
            self.end();
        }
    }

    /// Reads no further.
    fn end(&mut self) {
        self.ended = true;
        self.source.close();
        if let Some(call) = &mut self.call {
            call.finish();
        }
    }

    fn answered(&mut self, answer: Imported) -> Result<(), Stopped> {
        let out_of_order = || Stopped::There(ClientError::Answer("position"));
        let mut sent = self.window.answered(answer.position).ok_or_else(out_of_order)?;
        self.cuts = 0;
        match answer.result {
            Ok(created) => self.report.filed(&sent, &created)?,
            Err(refusal) if refusal.passes() && sent.put_off < limits::IMPORT_TRIES_MAX => {
                sent.put_off = sent.put_off.saturating_add(1);
                self.window.put_off(sent);
            }
            Err(refusal) => self.report.refused(&sent, &refusal)?,
        }
        Ok(())
    }

    /// Once everything else is answered, sends again what the vault put off.
    async fn send_put_off(&mut self) {
        let Some(waited) = self.window.patience().filter(|_| self.window.waiting() == 0) else {
            return;
        };
        self.sleeper.sleep(delay_ms(waited, None)).await;
        self.window.take_back();
        self.open();
    }

    /// After a cut: waits, opens a new stream, and sends what was not answered.
    async fn cut(&mut self, error: ClientError) -> Result<(), Stopped> {
        self.call = None;
        self.cuts = self.cuts.saturating_add(1);
        if !error.passes() || self.cuts >= limits::IMPORT_TRIES_MAX {
            return Err(Stopped::There(error));
        }
        if self.cuts == 1 {
            self.report.cut(&error);
        }
        self.sleeper.sleep(delay_ms(self.cuts, error.retry_after_ms())).await;
        self.open();
        Ok(())
    }

    /// Opens a stream that begins with every unanswered record.
    fn open(&mut self) {
        let mut call = self.vault.open();
        self.sent = 0;
        for item in self.window.unanswered() {
            call.send(item.clone());
            self.sent = self.sent.saturating_add(1);
        }
        if self.ended {
            call.finish();
        }
        self.call = Some(call);
    }
}

#[cfg(test)]
mod tests;
