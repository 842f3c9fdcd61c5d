//! SIGTERM and SIGINT while the demo runs: it stops and its folders go.
//!
//! Without this the default of both signals would end the process at once and leave the folders.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Both signals, from the moment this is made.
pub(super) struct Interrupt {
    terminate: Signal,
    interrupt: Signal,
}

impl Interrupt {
    /// From here on neither signal ends the process by itself. Needs a runtime.
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Ready when either arrives.
    pub(super) async fn arrived(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
