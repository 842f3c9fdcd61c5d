//! Calls of every kind, entered in the ledger: several workers at once, each with records of its own.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use chrono::Days;
use oubliette::{
    client::{
        Client, ClientError, Reason,
        types::{Assignee, Change, ImportItem, Intent, NewRecord, Value},
    },
    ids::RecordId,
};

use crate::{chance::Chance, home, ledger::Ledger};

/// Bytes of a long note.
const NOTE_BYTES: usize = 4096;
const NOTES: [&str; 3] = ["memo", "memo_2", "memo_3"];

/// What a worker does next, in hundredths.
#[derive(Clone, Copy)]
pub(crate) struct Mix {
    pub(crate) create: usize,
    pub(crate) import: usize,
    pub(crate) update: usize,
    pub(crate) assign: usize,
    pub(crate) erase: usize,
    /// A purge on demand: exchanges the index keys of what was erased.
    pub(crate) purge: usize,
    // What is left: reveals.
}

/// Everything a little.
pub(crate) const ALL: Mix =
    Mix { create: 32, import: 8, update: 18, assign: 10, erase: 15, purge: 3 };

/// A record in a worker's hands.
#[derive(Clone, Copy)]
struct Held {
    record: RecordId,
    version: u32,
}

/// One worker.
pub(crate) struct Worker {
    client: Client,
    ledger: Arc<Ledger>,
    chance: Chance,
    held: Vec<Held>,
    /// Numbers the names, so that no two are alike.
    names: Arc<AtomicUsize>,
}

/// Several workers at once, each with so many calls. The workers again, or the first refusal.
pub(crate) async fn at_once(
    workers: Vec<Worker>,
    mix: Mix,
    calls: usize,
) -> Result<Vec<Worker>, ClientError> {
    let mut running = tokio::task::JoinSet::new();
    for mut worker in workers {
        running.spawn(async move { worker.work(mix, calls).await.map(|()| worker) });
    }
    let mut workers = Vec::new();
    let mut refused = None;
    while let Some(ended) = running.join_next().await {
        match ended.unwrap() {
            Ok(worker) => workers.push(worker),
            Err(error) => {
                assert_eq!(error.reason(), None, "the vault refused a call: {error}");
                refused = Some(error);
            }
        }
    }
    refused.map_or(Ok(workers), Err)
}

fn why() -> Intent {
    Intent::of("care")
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// A name for each number: names have no digits.
pub(crate) fn name(mut number: usize) -> String {
    let mut text = "EXEMPLE-".to_owned();
    loop {
        text.extend(char::from_digit(10 + u32::try_from(number % 26).unwrap(), 36));
        number /= 26;
        if number == 0 {
            return text;
        }
    }
}

/// What the notes of a record with this name say: as long as they may be.
pub(crate) fn note(name: &str) -> String {
    name.bytes().cycle().take(NOTE_BYTES).map(char::from).collect()
}

impl Worker {
    pub(crate) fn new(
        client: Client,
        ledger: Arc<Ledger>,
        chance: Chance,
        names: Arc<AtomicUsize>,
    ) -> Self {
        Self { client, ledger, chance, held: Vec::new(), names }
    }

    /// So many calls, or fewer if the server is gone.
    pub(crate) async fn work(&mut self, mix: Mix, calls: usize) -> Result<(), ClientError> {
        for _ in 0..calls {
            let mut draw = self.chance.below(100);
            let mut drawn = |share: usize| {
                let is = draw < share;
                draw = draw.wrapping_sub(share);
                is
            };
            if drawn(mix.create) || self.held.is_empty() {
                self.create().await?;
            } else if drawn(mix.import) {
                let count = 2 + self.chance.below(12);
                self.import(count, false).await?;
            } else if drawn(mix.update) {
                self.update().await?;
            } else if drawn(mix.assign) {
                self.assign().await?;
            } else if drawn(mix.erase) {
                self.erase().await?;
            } else if drawn(mix.purge) {
                self.purge().await?;
            } else {
                self.reveal().await?;
            }
        }
        Ok(())
    }

    fn name(&self) -> String {
        name(self.names.fetch_add(1, Ordering::Relaxed))
    }

    fn file(&mut self, name: &str, with_notes: bool) -> NewRecord {
        // Several dates: several cohorts, and now and then a segment that is opened for it.
        let ago = Days::new(u64::try_from(self.chance.below(6)).unwrap());
        let mut fields = vec![("family_name".to_owned(), text(name))];
        if with_notes {
            fields.extend(NOTES.map(|field| (field.to_owned(), text(&note(name)))));
        }
        NewRecord {
            collection: "files".to_owned(),
            subject: None,
            collected_on: home::today().checked_sub_days(ago).unwrap().to_string(),
            attributes: vec![
                ("territory".to_owned(), text("island")),
                ("state".to_owned(), text("open")),
            ],
            fields,
        }
    }

    async fn create(&mut self) -> Result<(), ClientError> {
        let name = self.name();
        let with_notes = self.chance.percent(20);
        let (new, asked) = (self.file(&name, with_notes), self.ledger.now());
        let filed = self.client.create(&why(), new).await?;
        self.ledger.filed(filed.record, &name, asked);
        self.held.push(Held { record: filed.record, version: filed.version });
        Ok(())
    }

    /// Files so many records in one stream.
    pub(crate) async fn import(&mut self, count: usize, notes: bool) -> Result<(), ClientError> {
        let (sender, mut answers) = self.client.import();
        let (mut names, asked) = (Vec::with_capacity(count), self.ledger.now());
        for position in 0..count {
            let name = self.name();
            let record = self.file(&name, notes);
            names.push(name);
            let item = ImportItem { position: position as u64, why: why(), record };
            if sender.send(item).await.is_err() {
                break;
            }
        }
        drop(sender);
        while let Some(answer) = answers.next().await? {
            let name = &names[usize::try_from(answer.position).unwrap()];
            let Ok(filed) = answer.result else { return Err(ClientError::StreamEnded) };
            self.ledger.filed(filed.record, name, asked);
            self.held.push(Held { record: filed.record, version: filed.version });
        }
        Ok(())
    }

    /// One of its records, taken out of its hands: it comes back when the call is acknowledged.
    fn take(&mut self) -> Held {
        let at = self.chance.below(self.held.len());
        self.held.swap_remove(at)
    }

    async fn update(&mut self) -> Result<(), ClientError> {
        let (held, name) = (self.take(), self.name());
        self.ledger.asks(held.record, Some(name.clone()));
        let change = Change {
            record: held.record,
            expected_version: held.version,
            attributes: Vec::new(),
            fields: std::iter::once(("family_name".to_owned(), Some(text(&name))))
                .chain(NOTES.map(|field| (field.to_owned(), None)))
                .collect(),
        };
        let written = if self.chance.percent(30) {
            self.client.update_and_forget(&why(), change).await?
        } else {
            self.client.update(&why(), change).await?
        };
        self.ledger.done(held.record);
        self.held.push(Held { version: written.version, ..held });
        Ok(())
    }

    async fn assign(&mut self) -> Result<(), ClientError> {
        let held = self.take();
        let to = Assignee::Unit("north".to_owned());
        let written = self.client.assign(&why(), held.record, &to, None).await?;
        self.held.push(Held { version: written.version, ..held });
        Ok(())
    }

    async fn erase(&mut self) -> Result<(), ClientError> {
        let count = 1 + self.chance.below(self.held.len().min(3));
        let mut records: Vec<RecordId> = (0..count).map(|_| self.take().record).collect();
        for record in &records {
            self.ledger.asks(*record, None);
        }
        while !records.is_empty() {
            let erased = self.client.erase(&why(), &records).await?;
            records.clear();
            for item in &erased.items {
                match item.reason.as_deref() {
                    None => self.ledger.done(item.record),
                    Some("VERSION_MISMATCH") => records.push(item.record),
                    Some(reason) => panic!("an erasure was refused: {reason}"),
                }
            }
            if let Some(certificate) = erased.certificate {
                self.ledger.erased(erased.generation, certificate);
            }
        }
        Ok(())
    }

    /// The only refusal that workers may give each other reason for.
    async fn purge(&self) -> Result<(), ClientError> {
        match self.client.run_purge().await {
            Err(error) if error.reason() == Some(Reason::PurgeRunning) => Ok(()),
            other => other.map(|_| ()),
        }
    }

    async fn reveal(&mut self) -> Result<(), ClientError> {
        let held = self.held[self.chance.below(self.held.len())];
        self.client.reveal(&why(), held.record, &["identity"]).await?;
        self.ledger.given(held.record);
        Ok(())
    }
}
