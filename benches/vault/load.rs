//! Callers that call as fast as they are answered, and how long each answer took.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use oubliette::{
    client::{
        Client,
        types::{FieldStatus, Intent},
    },
    ids::RecordId,
};
use tokio::task::JoinSet;

use crate::{
    Outcome,
    echo::EchoClient,
    house::{House, contact},
};

/// Classes that one reveal asks for, all allowed.
pub(crate) const CLASSES: [&str; 2] = ["identity", "coordinates"];

/// What is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Call {
    /// The bare echo.
    Echo,
    /// The feed files a contact.
    Create,
    /// The operator reveals a contact of his unit's queue.
    Reveal,
}

impl Call {
    /// Each, the measure first.
    pub(crate) const ALL: [Self; 3] = [Self::Echo, Self::Create, Self::Reveal];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Echo => "echo",
            Self::Create => "create",
            Self::Reveal => "reveal",
        }
    }
}

/// One caller, with a connection of its own to the vault and one to the echo.
#[derive(Clone)]
pub(crate) struct Caller {
    echo: EchoClient,
    feed: Client,
    operator: Client,
    records: Arc<[RecordId]>,
}

/// What one slice measured.
pub(crate) struct Taken {
    pub(crate) elapsed: Duration,
    /// Of each call, in no order.
    pub(crate) latencies: Vec<Duration>,
}

impl Taken {
    pub(crate) fn calls(&self) -> u64 {
        self.latencies.len() as u64
    }
}

impl Caller {
    pub(crate) async fn connect(
        house: &House,
        echo: SocketAddr,
        records: &Arc<[RecordId]>,
    ) -> Outcome<Self> {
        let (feed, operator) = house.connect().await?;
        let echo = EchoClient::connect(echo).await?;
        Ok(Self { echo, feed, operator, records: Arc::clone(records) })
    }

    /// The `number`th call of this caller. An answer that is not the expected one is an error.
    async fn call(&mut self, call: Call, number: usize) -> Outcome<()> {
        match call {
            Call::Echo => self.echo.call().await,
            Call::Create => {
                self.feed.create(&Intent::of("p1"), contact(number)).await?;
                Ok(())
            }
            Call::Reveal => {
                let record =
                    number.checked_rem(self.records.len()).and_then(|n| self.records.get(n));
                let record = *record.ok_or("no record was filed")?;
                let answer = self.operator.reveal(&Intent::of("p3"), record, &CLASSES).await?;
                let shown = answer.fields.iter().filter(|f| f.status == FieldStatus::Value).count();
                if shown == 8 { Ok(()) } else { Err(format!("{shown} fields were shown").into()) }
            }
        }
    }
}

/// Lets all of `callers` call for a slice. Calls begun in it are finished and counted.
pub(crate) async fn run(callers: &[Caller], call: Call, slice: Duration) -> Outcome<Taken> {
    let begin = now();
    let mut calling = JoinSet::new();
    for (position, caller) in callers.iter().enumerate() {
        let mut caller = caller.clone();
        calling.spawn(async move {
            let mut latencies = Vec::new();
            // Callers start at different records.
            let mut number = position.wrapping_mul(7919);
            while begin.elapsed() < slice {
                let sent = now();
                caller.call(call, number).await?;
                latencies.push(sent.elapsed());
                number = number.wrapping_add(1);
            }
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(latencies)
        });
    }
    let mut latencies = Vec::new();
    while let Some(own) = calling.join_next().await {
        latencies.extend(own??);
    }
    Ok(Taken { elapsed: begin.elapsed(), latencies })
}

/// The one clock of the measurements.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
